"""The hunt for a schedule of faults under which the learner's code breaks an invariant, and for the smallest one."""

from __future__ import annotations

import contextlib
import io
import json
import linecache
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from fortyfive.grading import wire
from fortyfive.grading.child import MODULE, LearnerError, Load
from fortyfive.grading.report import Failure
from fortyfive.scenario.draws import Draws
from fortyfive.scenario.faults import Fault
from fortyfive.sim.scenes import USERS, Run, Scene, Schedule
from fortyfive.sim.services import Message, Push, Queue, Store
from fortyfive.sim.shrink import shrink
from fortyfive.sim.stateless import reuse
from fortyfive.sim.story import shorten
from fortyfive.sim.world import LearnerRaised, Step

# A hunt that takes more processor time is cut short, which is no pass. What else the machine does, does not count.
# Python in a browser takes three times as long.
PATIENCE_S = 12.0 if sys.platform == "emscripten" else 4.0
# The first few schedules and every so many later ones run twice, to see whether the history is the same.
TWICE_FIRST, TWICE_EVERY = 12, 97

# Each round makes a failing schedule smaller; what is left after these is small enough to be read.
MOST_ROUNDS = 8

# Times (s) after which a second copy comes: during the first delivery, after it, and long after.
COPIES_S = (0, 0.004, 0.02, 0.06, 0.12, 0.3, 2, 5, 8, 100, 400, 3_600)
# Longer than any scene hides a message for.
STALL_S = 75
# What a machine that is busy takes: leases must bear it.
BUSY_S = 10
# Requests in a row that a bad network loses: whoever tries again a few times on the spot meets all of them.
BURSTS = (2, 3, 4, 5)


@dataclass(frozen=True)
class Plan:
    """Which schedules a hunt runs: the small ones in all their ways to fail, then `count` random ones.

    `small` is the number of messages of the systematic part; a random one has up to `messages`, and up to `faults`
    faults of the `kinds`.
    """

    small: int = 2
    count: int = 400
    messages: int = 12
    faults: int = 4
    kinds: tuple[str, ...] = ("crash", "no answer", "lost", "slow", "copy", "late")
    whole_run: tuple[tuple[Fault, ...], ...] = ()
    """Faults that strike no single effect, each tuple a systematic schedule of its own."""
    also: tuple[str, ...] = ()
    """What has effects to strike beside the messages, such as a relay."""


@dataclass(frozen=True)
class Found:
    """A broken invariant: its name, the sentence about it, and the schedule that breaks it."""

    invariant: str
    said: str
    schedule: Schedule


def judge(run: Run) -> tuple[str, str]:
    """Return the first broken invariant of a finished run and its sentence, or two empty texts."""
    for invariant in run.scene.invariants:
        said = invariant(run)
        if said:
            return invariant.__name__, said
    return "", ""


def systematic(scene: Scene, plan: Plan, load: Load) -> Iterator[Schedule]:
    """Yield every small schedule with one fault at one effect, and those pairs that meet: a crash and a second copy."""
    yield Schedule(0, 1)
    clean = scene.run(Schedule(0, plan.small), load)
    yield clean.schedule
    yield Schedule(0, plan.messages)
    struck = [(message, steps) for message, delivery, steps in clean.effects if delivery == 1]
    points = [(message, effect) for message, steps in struck for effect in range(steps + 1)]
    first = [point for point in points if point[0] == "m1"]

    def singles(some: Iterable[tuple[str, int]], delivery: int) -> Iterator[Fault]:
        for message, effect in some:
            for kind in ("crash", "no answer", "lost"):
                if kind in plan.kinds and (effect or kind == "crash"):
                    yield (kind, message, delivery, effect)
            if "slow" in plan.kinds and effect:
                yield ("slow", message, delivery, effect, STALL_S)

    for fault in singles(points, 1):
        yield Schedule(0, plan.small, (fault,))
    if "copy" in plan.kinds:
        for after_s in COPIES_S:
            yield Schedule(0, plan.small, (("copy", "m1", after_s),))
    for faults in plan.whole_run:
        yield Schedule(0, plan.small, faults)
    for one in singles(first, 1):
        for two in singles(first, 2):
            yield Schedule(0, plan.small, (one, two))
        if "copy" in plan.kinds:
            for after_s in COPIES_S:
                yield Schedule(0, plan.small, (one, ("copy", "m1", after_s)))
        for faults in plan.whole_run:
            yield Schedule(0, plan.small, (one, *faults))
    for faults in (*_meetings(plan, [effect for _, effect in first[1:]]), *_bursts(plan, struck)):
        yield Schedule(0, plan.small, faults)


def _meetings(plan: Plan, effects: Sequence[int]) -> Iterator[tuple[Fault, ...]]:
    """Yield second copies that meet a worker that stands still for a moment, the second one or the first."""
    if {"copy", "slow"} <= set(plan.kinds):
        for effect in effects:
            for after_s in COPIES_S:
                yield (("copy", "m1", after_s), ("slow", "m1", 2, effect, 0.2))
                yield (("copy", "m1", after_s), ("slow", "m1", 1, effect, BUSY_S))


def _bursts(plan: Plan, struck: Iterable[tuple[str, int]]) -> Iterator[tuple[Fault, ...]]:
    """Yield a few requests in a row that are lost, from each effect of the first message on."""
    if "lost" in plan.kinds:
        for name, steps in struck:
            if name in ("m1", *plan.also):
                for begin in range(1, steps + 1):
                    for count in BURSTS:
                        yield tuple(("lost", name, 1, number) for number in range(begin, begin + count))


def random_schedule(number: int, plan: Plan, most_effects: int) -> Schedule:
    """Return the random schedule of that number: always the same one."""
    draws = Draws(number * 1_000_003 + 45)
    messages = 2 + draws.below(plan.messages - 1)
    names = (*(f"m{number + 1}" for number in range(messages)), *plan.also)
    count = 1 + draws.below(plan.faults)
    faults = tuple(_draw(draws, draws.choice(plan.kinds), names, most_effects) for _ in range(count))
    return Schedule(draws.below(1_000), messages, faults)


def _draw(draws: Draws, kind: str, names: Sequence[str], most_effects: int) -> Fault:
    message = draws.choice(names)
    delivery = 2 if draws.chance(1, 4) else 1
    match kind:
        case "crash":
            return (kind, message, delivery, draws.below(most_effects + 1))
        case "no answer" | "lost":
            return (kind, message, delivery, 1 + draws.below(most_effects))
        case "slow":
            return (kind, message, delivery, 1 + draws.below(most_effects), draws.choice((1, 10, 29, 31, STALL_S)))
        case "copy":
            return (kind, message, draws.choice(COPIES_S))
        case "late":
            return (kind, message, draws.choice((0.03, 0.2, 10)))
        case "poison":
            return (kind, message)
        case "outage" | "throttle":
            start = draws.below(20) / 10
            return (kind, start, start + draws.choice((1, 20, 120)))
        case "gone":
            return (kind, f"{draws.choice(USERS)}-phone", draws.below(10) / 10)
    start = draws.below(20) / 10
    return ("cut off", f"worker {1 + draws.below(2)}", start, start + draws.choice((1, 40)))


def hunt(load: Load, scene: Scene, plan: Plan) -> dict[str, Any]:
    """Run every planned schedule; stop at the first that breaks an invariant and shrink it (driver's work).

    Returns `planned` and `ran` (schedules), `cut_short`, and `found`: None, or `invariant`, `said`, `schedule` (the
    smallest, plain), `first` (as found, plain). `unlike` is None, or a plain schedule whose two runs differ.
    Raises LearnerError where the code raises though nothing fails, and Failure where it cannot be judged at all.
    """
    with _watched() as unawaited:
        load = reuse(load)
        fixed = list(systematic(scene, plan, load))
        effects = scene.run(Schedule(0, plan.small), load).effects
        _need_awaited(unawaited)
        # Code that tries again comes to more effects than a clean run shows.
        most_effects = 3 + max((steps for _, _, steps in effects), default=0)
        planned = len(fixed) + plan.count
        outcome: dict[str, Any] = {"planned": planned, "ran": 0, "cut_short": False, "found": None, "unlike": None}
        end_s = time.process_time() + PATIENCE_S
        for number in range(planned):
            drawn = number - len(fixed)
            schedule = fixed[number] if drawn < 0 else random_schedule(drawn, plan, most_effects)
            told = _told(scene, schedule, load)
            outcome["ran"] = number + 1
            twice = told[0] or number < TWICE_FIRST or number % TWICE_EVERY == 0
            # What is judged must be repeatable; what is not, is said before anything else.
            if twice and not _same(told, _told(scene, schedule, load)):
                return outcome | {"unlike": schedule.plain()}
            if told[0]:
                found = smallest(load, scene, Found(*told[:2], schedule))
                said = {"invariant": found.invariant, "said": found.said}
                return outcome | {"found": {**said, "schedule": found.schedule.plain(), "first": schedule.plain()}}
            if time.process_time() > end_s and number + 1 < planned:
                return outcome | {"cut_short": True}
        return outcome


Told = tuple[str, str, list[Step]]
"""The first invariant that a schedule broke and the sentence about it, both empty where all held; and the history."""


def _told(scene: Scene, schedule: Schedule, load: Load) -> Told:
    """Carry out a schedule and judge it. Raises LearnerError where the code raises though nothing fails."""
    try:
        run = scene.run(schedule, load)
    except LearnerRaised as raised:
        if not schedule.faults:
            raise
        return "raises_nothing", _about(raised), raised.history
    return (*judge(run), run.history)


def _about(raised: LearnerError) -> str:
    """Say what the learner's code raised, and at which of its own lines."""
    error, place = raised.error, ""
    trace = error.__traceback__
    while trace:
        if trace.tb_frame.f_globals.get("__name__") == MODULE:
            text = linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno).strip()
            place = f" in `{trace.tb_frame.f_code.co_name}`" + (f", at: {text}" if text else "")
        trace = trace.tb_next
    said = wire.safe_text(str, error)
    return f"Your code raised {type(error).__name__}{f': {said}' if said else ''}{place}."


def _same(one: Told, other: Told) -> bool:
    # Two NaN are not equal, and look the same.
    return one == other or repr(one) == repr(other)


@contextlib.contextmanager
def _watched() -> Iterator[list[warnings.WarningMessage]]:
    """Note which coroutines of the learner's are never awaited, and let none of them print about its end.

    Raises Failure where the learner's code has changed the services themselves.
    """
    ours: dict[type, dict[str, Any]] = {kind: dict(vars(kind)) for kind in (Queue, Store, Push, Message)}
    hook, sleep = sys.unraisablehook, time.sleep
    try:
        time.sleep = _no_sleep  # type: ignore[assignment]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("ignore")
            warnings.filterwarnings("always", message="coroutine .* was never awaited")
            sys.unraisablehook = lambda _: None
            yield caught
    finally:
        sys.unraisablehook, time.sleep = hook, sleep
        changed = _put_back(ours)
    if changed:
        raise Failure(
            f"Your code changed {changed}, which belongs to the world around it: what it does then shows nothing.",
            help="Call the services as they are.",
        )


def _no_sleep(seconds: float) -> NoReturn:
    raise Failure(
        f"Your code slept for {seconds!r} s, and only your own computer would wait: time is simulated here.",
        help="Give the message back with a delay (`queue.nack(message, delay_s)`), or leave it to its visibility "
        "time-out.",
    )


def _put_back(ours: Mapping[type, Mapping[str, Any]]) -> str:
    changed = ""
    for kind, before in ours.items():
        for name in vars(kind).keys() - before.keys():
            delattr(kind, name)
            changed = f"`{kind.__name__}.{name}`"
        for name, value in before.items():
            if vars(kind).get(name) is not value:
                setattr(kind, name, value)
                changed = f"`{kind.__name__}.{name}`"
    return changed


def _need_awaited(unawaited: list[warnings.WarningMessage]) -> None:
    """Raise Failure for a coroutine of the learner's own that was called and never awaited, though nothing failed."""
    if unawaited:
        name = str(unawaited[0].message).split("'")[1]
        raise Failure(
            f"Your code called its own coroutine `{name}` without `await`, and then nothing of it happens.",
            help=f"Write `await {name}(...)`.",
        )


def smallest(load: Load, scene: Scene, found: Found) -> Found:
    """Return the smallest schedule found inside a failing one: fewer faults, fewer messages, the plainest times."""
    best = found

    def breaks(schedule: Schedule) -> bool:
        nonlocal best
        name, said, _ = _told(scene, schedule, load)
        if name:
            best = Found(name, said, schedule)
        return bool(name)

    def first_failing(candidates: list[list[Fault]]) -> list[Fault] | None:
        schedules = [replace(best.schedule, faults=tuple(candidate)) for candidate in candidates]
        return next((list(schedule.faults) for schedule in schedules if breaks(schedule)), None)

    breaks(replace(best.schedule, seed=0))
    for _ in range(MOST_ROUNDS):
        before = best.schedule
        shrink(list(best.schedule.faults), first_failing)
        for faults in _renamed(best.schedule):
            breaks(replace(best.schedule, faults=faults))
        for messages in range(1, best.schedule.messages):
            if breaks(replace(best.schedule, messages=messages)):
                break
        if best.schedule == before:
            break
    return best


def _renamed(schedule: Schedule) -> Iterator[tuple[Fault, ...]]:
    """Yield the schedule's faults as if they had struck the first message, where only one message is struck."""
    named = {part for fault in schedule.faults for part in fault[1:2] if str(part)[:1] == "m"}
    if len(named) == 1 and named != {"m1"}:
        yield tuple((fault[0], "m1", *fault[2:]) if fault[1] in named else fault for fault in schedule.faults)


def replay_line(stem: str, name: str, schedule: Schedule) -> str:
    """Return the call with which a notebook carries out exactly this schedule with the learner's own code.

    Example: `replay("06", "notify", seed=0, messages=1, faults=[("crash", "m1", 1, 1)])`.
    """
    faults = ", ".join(f"({', '.join(map(_literal, fault))})" for fault in schedule.faults)
    what = ", ".join(map(_literal, (stem[:2], name)))
    return f"replay({what}, seed={schedule.seed}, messages={schedule.messages}, faults=[{faults}])"


def _literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def scene_of(name: str) -> Scene:
    """Return a scene by "module:NAME", as a request to a child carries it."""
    import importlib

    module, _, attribute = name.partition(":")
    scene = getattr(importlib.import_module(module), attribute)
    assert isinstance(scene, Scene)
    return scene


def drive_hunt(load: Load, scene: str, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Hunt in a scene given by name (driver); see `hunt`."""
    of = scene_of(scene)
    # Whoever prints without an end does it here; what a sound function prints in two thousand runs is nobody's reading.
    of.run(Schedule(0, 1), load)
    with contextlib.redirect_stdout(_Nowhere()), contextlib.redirect_stderr(_Nowhere()):
        return hunt(load, of, Plan(**{**plan, "whole_run": _tuples(plan.get("whole_run", ()))}))


class _Nowhere(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


def drive_replay(load: Load, scene: str, schedule: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out one schedule twice (driver).

    Returns `invariant` and `said` (empty where all holds), `history` (see `story.shorten`), `holds`, the names of what
    the scene promises, and `unlike`, whether the two runs differ.
    """
    of, planned = scene_of(scene), Schedule.read(schedule)
    with _watched() as unawaited:
        told = _told(of, planned, load)
        if not planned.faults:
            _need_awaited(unawaited)
        unlike = not _same(told, _told(of, planned, load))
    name, said, history = told
    holds = [invariant.__name__ for invariant in of.invariants]
    return {"invariant": name, "said": said, "history": shorten(history), "holds": holds, "unlike": unlike}


def _tuples(groups: Sequence[Sequence[Sequence[Any]]]) -> tuple[tuple[Fault, ...], ...]:
    return tuple(tuple(tuple(fault) for fault in group) for group in groups)
