"""Grades inside a published page: one interpreter without processes, and a page around it that can end it.

The page gives each grading a fresh interpreter. Where a run of the learner's code does not come to an end, the page
ends the interpreter and starts the grading again in another, with a *tape* of how all runs so far have ended: what is
on the tape is played back, so nothing runs twice and nothing that hung hangs again.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fortyfive.grading import child, render
from fortyfive.grading.exercise import Exercise, grade
from fortyfive.grading.sandbox import Limits
from fortyfive.grading.submission import PAGE, Submission

# Python compiled for a browser takes two or three times as long for the same work: each run gets at least this.
LEAST_LIMIT_S = 15.0
PACKAGE = "fortyfive"
_MISSING = object()
# Work of the kind that a grading is: a scheduler, coroutines, objects, dictionaries, sorting.
WORK = """
import heapq
from dataclasses import dataclass, field


@dataclass(order=True)
class Event:
    at: int
    number: int
    what: str = field(compare=False)


class World:
    def __init__(self):
        self.events = []

    def __await__(self):
        return (yield self)

    async def ask(self, name, step):
        heapq.heappush(self.events, Event(step, len(self.events), name))
        return await self


async def work(world, number):
    seen = {}
    for step in range(20):
        answer = await world.ask(f"m{number}", step)
        seen[answer, step % 7] = seen.get((answer, step % 7), 0) + 1
    return sorted(seen.items(), key=lambda item: (-item[1], item[0]))


def play(number):
    world = World()
    task = work(world, number)
    try:
        task.send(None)
        while True:
            task.send(heapq.heappop(world.events).what)
    except StopIteration as done:
        return len(done.value)


played = [play(number) for number in range(5)]
"""

Tell = Callable[[str], object]


def serve(exercise: Exercise, request: str, tell: Tell) -> str:
    """Grade one request of the page and return what it shows; both are JSON.

    The request is `{"source", "names", "tape"}`, the answer `{"report", "html", "headline"}`. `tell` hears
    `{"running": {"limit_s", "memory_bytes"}}` before each run of the learner's code and `{"ended": outcome}` after it,
    as JSON; these outcomes, in order, are the tape.
    """
    asked = json.loads(request)
    submission = Submission(asked["source"], PAGE)
    report = grade(exercise, submission, asked["names"], Tape(asked["tape"], tell).run)
    answer = {
        "report": report.to_json(),
        "html": render.as_html(report, exercise.title),
        "headline": render.headline(report, exercise.title),
    }
    return json.dumps(answer)


def warm_up() -> None:
    """Run a little of what a grading runs: a browser compiles well only what it has seen at work."""
    outcome = run(Submission(WORK), "fortyfive.grading.child:read_names", [["played"]], Limits())
    assert outcome["status"] == "ok", outcome


class Tape:
    """Plays back how earlier runs ended; what comes after the end of the tape is run, here and now."""

    def __init__(self, outcomes: Sequence[Mapping[str, Any]], tell: Tell) -> None:
        self._outcomes = list(outcomes)
        self._tell = tell
        self._position = 0

    def run(self, submission: Submission, driver: str, args: list[Any], limits: Limits) -> dict[str, Any]:
        """Return how a run ended, as `sandbox.run` does."""
        position, self._position = self._position, self._position + 1
        if position < len(self._outcomes):
            return dict(self._outcomes[position])
        # A worker shares its processor with nobody, so its clock is the processor's.
        limit_s = max(limits.cpu_s or limits.wall_s, LEAST_LIMIT_S)
        self._tell(json.dumps({"running": {"limit_s": limit_s, "memory_bytes": limits.memory_bytes}}))
        outcome = run(submission, driver, args, limits)
        self._tell(json.dumps({"ended": outcome}))
        return outcome


def run(submission: Submission, driver: str, args: list[Any], limits: Limits) -> dict[str, Any]:
    """Run one request in this interpreter, and leave Python's modules and our own as they were.

    What `limits` say of time and memory is the page's to keep; nothing that is printed is kept.
    """
    importlib.import_module(driver.partition(":")[0])
    before = Snapshot()
    request = {"source": submission.source, "filename": submission.filename, "driver": driver, "args": args}
    printed = Printed(limits.printed_bytes)
    raw: Any = printed  # the types of `io` ask for more than a text file needs
    sys.stdout = sys.stderr = io.TextIOWrapper(raw, encoding="utf-8", errors="replace", write_through=True)
    sys.setrecursionlimit(child.RECURSION_LIMIT)
    try:
        answer = child.answer(request, bytearray(child.SPARE_BYTES))
    except:  # noqa: E722 - where a process of its own would have ended; the name BaseException may be gone
        answer = {"status": "ended", "code": 1, "signal": ""}
    finally:
        before.restore()
    if printed.over:
        return {"status": "over_limit", "limit": "printed"}
    text = json.dumps(answer)
    if len(text) > limits.result_bytes:
        return {"status": "over_limit", "limit": "result"}
    # As if it had come from a process: nothing in it is the learner's own object.
    return json.loads(text)  # type: ignore[no-any-return]


class PrintedTooMuchError(BaseException):
    """Raised in the learner's code, past any `except Exception`, where it prints more than its limit."""


class Printed(io.RawIOBase):
    """A file that counts what is written to it and keeps nothing."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__()
        self._left = limit_bytes

    @property
    def over(self) -> bool:
        """Whether more was written than the limit allows."""
        return self._left < 0

    def writable(self) -> bool:
        """Say yes, as every file must that is written to."""
        return True

    def write(self, data: Any) -> int:
        """Count. Raises PrintedTooMuchError beyond the limit."""
        self._left -= len(data)
        if self.over:
            raise PrintedTooMuchError
        return len(data)


class Snapshot:
    """What every module, and every class of our own, held at one moment."""

    def __init__(self) -> None:
        self._loaded = dict(sys.modules)
        # `sys` and `builtins` come first, as Python has loaded them: what mends the others needs them.
        modules = [module for module in self._loaded.values() if isinstance(module, types.ModuleType)]
        ours = [module for module in modules if module.__name__.partition(".")[0] == PACKAGE]
        kinds = dict.fromkeys(kind for module in ours for kind in vars(module).values() if isinstance(kind, type))
        self._modules = [(vars(module), dict(vars(module))) for module in modules]
        self._classes = [(kind, dict(vars(kind))) for kind in kinds if kind.__module__.startswith(PACKAGE)]
        self._path = list(sys.path)
        self._recursion_limit = sys.getrecursionlimit()

    def restore(self) -> None:
        """Put back what has been replaced or deleted since. What a module has gained stays, as an import adds to it."""
        for now, was in self._modules:
            for name in was:
                if now.get(name, _MISSING) is not was[name]:
                    now[name] = was[name]
        for kind, members in self._classes:
            # As the type itself does it: an enumeration would refuse.
            for name in vars(kind).keys() - members.keys():
                type.__delattr__(kind, name)
            for name, value in members.items():
                if vars(kind).get(name, _MISSING) is not value:
                    type.__setattr__(kind, name, value)
        sys.modules |= self._loaded
        sys.path[:] = self._path
        sys.setrecursionlimit(self._recursion_limit)
