"""How the memory of exercise 06 is judged: beside a plain one that keeps everything, and by what it still holds."""

from __future__ import annotations

import gc
import types
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from fortyfive.grading.child import Load, call
from fortyfive.grading.exercise import Answer
from fortyfive.grading.report import Failure
from fortyfive.scenario.draws import Draws

DRIVER = "fortyfive.checks.delivery_semantics_memory"
SEQUENCES = 150
# Many keys over many windows: what is held at the end is what the class could not let go.
MANY, WINDOW_S = 12_000, 30.0
PER_S = 20
# More than a limit on the number of keys that looks generous, all within one window.
CROWD = 2_000

Calls = list[tuple[str, float]]
MOST_LINES = 30


class Key(str):
    """A text whose end of life can be noticed."""

    __slots__ = ("__weakref__",)


def story(seed: int) -> tuple[float, Calls]:
    """Return a window (s) and calls of `first_time`: a few keys that meet again inside, at and after their window."""
    draws = Draws(seed)
    window_s = float(draws.choice((1, 5, 300)))
    now_s, calls = 0.0, []
    for _ in range(4 + draws.below(20)):
        now_s += draws.choice((0.0, 0.0, window_s / 4, window_s / 2, window_s, 2 * window_s))
        calls.append((f"m{draws.below(3)}", now_s))
    return window_s, calls


def truth(window_s: float, calls: Calls) -> list[bool]:
    """Return what each call should answer, from everything that came before it."""
    let_through: dict[str, float] = {}
    answers = []
    for key, now_s in calls:
        first = key not in let_through or now_s - let_through[key] >= window_s
        if first:
            let_through[key] = now_s
        answers.append(first)
    return answers


def drive(load: Load, stories: Sequence[tuple[float, Calls]]) -> list[list[Any]]:
    """Play each story with an object of its own (driver); return the answers."""
    namespace = load()
    found = []
    for window_s, calls in stories:
        first_time = _make(namespace, window_s)
        found.append([call(first_time, key, now_s) for key, now_s in calls])
    return found


def drive_size(load: Load, count: int, per_s: int, window_s: float) -> int:
    """Show `count` keys to one object, evenly in time (driver).

    Return how many are still held by somebody, or how many entries the object's own containers have, if that is more:
    what is kept may be made of the keys.
    """
    first_time = _make(load(), window_s)
    keys: list[weakref.ref[Key]] = []
    for number in range(count):
        key = Key(f"m{number}")
        keys.append(weakref.ref(key))
        call(first_time, key, number / per_s)
        del key
    gc.collect()
    held = sum(key() is not None for key in keys)
    entries = _entries(getattr(first_time, "__self__", None))
    return entries if entries > len(keys) * 3 // 4 else held


def _entries(root: object) -> int:
    """Return how many entries the containers have that an object reaches through its attributes and theirs."""
    seen: set[int] = set()
    waiting, count = [root], 0
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, type | types.ModuleType | types.FunctionType | types.MethodType):
            continue
        seen.add(id(value))
        if isinstance(value, list | set | frozenset | dict | deque):
            count += len(value)
        waiting += gc.get_referents(value)
    return count


def _make(namespace: dict[str, Any], window_s: float) -> Callable[[str, float], Any]:
    """Return `first_time` of a new object of the learner's. Raises Failure where there is no such thing."""
    made = namespace.get("Seen")
    if not callable(made):
        raise Failure(
            f"`Seen` is {made!r}, and the grader needs a class.", help="Run the cell with `class Seen:` again."
        )
    first_time = getattr(call(made, window_s), "first_time", None)
    if not callable(first_time):
        raise Failure(
            f"What `Seen({window_s:g})` makes has no method `first_time`.",
            help="A class with `__init__(self, window_s)` and `first_time(self, key, now_s)`.",
        )
    return first_time  # type: ignore[no-any-return]


def judge(answer: Answer) -> None:
    """Raise Failure at the first call that a memory of everything would have answered otherwise."""
    crowd = [(f"m{number}", 0.0) for number in (*range(CROWD), *range(CROWD))]
    stories = [*(story(seed) for seed in range(SEQUENCES)), (60.0, crowd)]
    # The shortest story that shows it teaches most.
    told = sorted(zip(stories, answer.drive(f"{DRIVER}:drive", stories), strict=True), key=lambda pair: len(pair[0][1]))
    for (window_s, calls), given in told:
        for number, (expected, found) in enumerate(zip(truth(window_s, calls), given, strict=True)):
            if found is not expected:
                raise _wrong(window_s, calls[: number + 1], expected, found)


def _wrong(window_s: float, calls: Calls, expected: bool, found: object) -> Failure:
    key, now_s = calls[-1]
    before = calls[:-1]
    earlier = [at_s for (one, at_s), first in zip(before, truth(window_s, before), strict=True) if one == key and first]
    lines = "\n".join(f"first_time({one!r}, {at_s:g})" for one, at_s in calls[-MOST_LINES:])
    if len(calls) > MOST_LINES:
        lines = f"... {len(calls) - MOST_LINES:,} other calls ...\n{lines}"
    if type(found) is not bool:
        advice = "Return True or False, and nothing else."
    elif expected and earlier:
        gone_s = now_s - earlier[-1]
        repeats = sum(one == key for one, _ in before) - len(earlier)
        advice = f"{key} was let through {gone_s:g} s earlier, and the window is {window_s:g} s: it is new again."
        if repeats:
            advice += " A repeat in between does not prolong the window."
    elif expected:
        advice = f"{key} was never seen before."
    else:
        advice = (
            f"{key} was let through {now_s - earlier[-1]:g} s earlier, which is within the window of {window_s:g} s."
        )
    return Failure(f"Seen({window_s:g})\n{lines}\ngave {found!r}, and {expected} is right.", help=advice)


def judge_size(answer: Answer) -> None:
    """Raise Failure where more keys are held than their window allows."""
    held = answer.drive(f"{DRIVER}:drive_size", MANY, PER_S, WINDOW_S)
    most = round(PER_S * WINDOW_S)
    if held > most * 1.1:
        raise Failure(
            f"{MANY:,} keys came, {PER_S} a second, with a window of {WINDOW_S:g} s. {held:,} of them, or entries made "
            f"of them, are still in memory; {most:,} can be within their window.",
            help="What is expired must go, also where its key never comes again. When do you look for it?",
        )
