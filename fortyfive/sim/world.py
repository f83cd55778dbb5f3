"""The scheduler of a small distributed system: the learner's coroutines run one effect at a time, in simulated time."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from heapq import heappop, heappush, heappushpop
from typing import Any

from fortyfive.grading.child import LearnerError
from fortyfive.grading.report import Failure
from fortyfive.scenario.draws import Draws

SECOND = 1_000_000_000
MILLISECOND = 1_000_000

# A caller that gets no answer stops waiting after this time.
CALL_TIMEOUT_NS = SECOND

# Each effect takes between half and twice its usual time. A table, because a draw costs as much as an effect does.
_SPREAD_BITS = 10
_DECK_MASK = 4095
_HALF = 1 << (_SPREAD_BITS - 1)
_SPREAD = [_HALF + Draws(45 + number).below(3 * _HALF) for number in range(_DECK_MASK + 1)]

# Comes after every other event of the same time.
_LAST = 1 << 62

# What asyncio answers to whoever calls it without its loop, or awaits in its loop what is not its own.
_ASYNCIO_SAYS = ("no running event loop", "Task got bad yield")

Step = tuple[int, str, str, str, Any, Any]
"""One line of a history: when (ns), who did it, to whom, what, with what, and what came of it."""

Request = tuple[Callable[..., Any], int, str, str, tuple[Any, ...]]
"""What carries it out, the usual time (ns) that it takes, the service, and then verb and arguments as in a `Step`."""


class NoAnswer(Exception):  # noqa: N818 - the state a caller is in; whether the request was carried out is not known
    """A request or its answer was lost: whether it was carried out cannot be known."""


class Refused(Exception):  # noqa: N818 - as above: an answer, and not an error of the world's
    """A service answered that it did not do it; `status` is its HTTP status, `retry_after_s` its wish, if any."""

    def __init__(self, status: int, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.retry_after_s = retry_after_s


class LearnerRaised(LearnerError):  # noqa: N818 - the learner's code did it
    """What the learner's code raised in a world, with the history up to there."""

    def __init__(self, error: BaseException, history: list[Step]) -> None:
        super().__init__(error)
        self.history = history


@types.coroutine
def effect(request: Request) -> Generator[Request, Any, Any]:
    """Return what a service's method returns: its request happens when it is awaited, and not before."""
    return (yield request)


class Task:
    """One run of a learner's coroutine on one machine; `step` counts its effects, `open` its calls not awaited yet."""

    __slots__ = ("coroutine", "deck", "done", "faults", "machine", "open", "step")

    def __init__(
        self,
        machine: str,
        coroutine: Coroutine[Request, Any, Any],
        faults: Mapping[int, Sequence[Any]],
        deck: int,
        done: Callable[[Task, str], None],
    ) -> None:
        self.machine = machine
        self.coroutine = coroutine
        self.faults = faults
        self.deck = deck
        self.done = done
        self.step = 0
        self.open = 0


class World:
    """Machines, services and a clock. Events happen in the order of (time, sequence), so a run repeats itself exactly.

    `seed` decides how long each effect takes. `history` is what happened, a `Step` an effect. `made` counts the calls
    of services, awaited or not. `machine` is the one whose code runs now. `misuse` is the first call of a service that
    makes no sense: it counts even if the learner's code caught what it raised.
    """

    def __init__(self, seed: int, event_budget: int) -> None:
        self.now_ns = 0
        self.history: list[Step] = []
        self.made = 0
        self.machine = ""
        self.misuse: Failure | None = None
        self.cut_off: dict[str, list[tuple[int, int]]] = {}
        self.exhausted = False
        # Each with its time (ns), a number of its own, and either an act and its argument or a task and its request.
        self._events: list[tuple[int, int, Any, Any]] = []
        self._sequence = 0
        self._budget = event_budget
        self._deck = seed * 2_654_435_761
        self._tasks = 0
        self._dead: list[Coroutine[Request, Any, Any]] = []

    def at(self, time_ns: int, act: Callable[[Any], None], what: Any) -> None:
        """Let `act(what)` happen at a time; what is asked for the same time happens in the order of asking."""
        self._sequence += 1
        heappush(self._events, (time_ns, self._sequence, act, what))

    def run(self, until_ns: int) -> None:  # noqa: PLR0912, PLR0915 - one loop, for speed
        """Let everything happen that is due up to a time; `exhausted` says that the event budget ended it.

        Raises LearnerRaised for what the learner's code raised, and Failure for what it may not do.
        """
        events, record, cut_off = self._events, self.history.append, self.cut_off
        # The last event, for which nobody acts.
        heappush(events, (until_ns, _LAST, None, None))
        entry = heappop(events)
        try:
            for _ in range(self._budget):
                now_ns, _, task, request = entry
                self.now_ns = now_ns
                if type(task) is not Task:
                    if task is None:
                        break
                    task(request)
                    entry = heappop(events)
                    continue
                machine = self.machine = task.machine
                task.step += 1
                if cut_off or task.faults:
                    self._happen_under_faults(task, request)
                    entry = heappop(events)
                    continue
                # What follows is `_go_on` once more, without its calls: a run spends most of its time here.
                apply, _, service, verb, args = request
                try:
                    result = apply(*args)
                except Refused as refused:
                    record((now_ns, machine, service, verb, args, refused.status))
                    self._go_on(task, task.coroutine.throw, refused)
                    entry = heappop(events)
                    continue
                record((now_ns, machine, service, verb, args, result))
                made = self.made
                try:
                    request = task.coroutine.send(result)
                except StopIteration:
                    if self.made - made + task.open > 0:
                        raise _not_awaited() from None
                    task.done(task, "returned")
                    entry = heappop(events)
                    continue
                except BaseException as ended:  # noqa: BLE001 - whatever it is, it is the learner's
                    self._stopped(task, ended, made)
                    entry = heappop(events)
                    continue
                if type(request) is not tuple or self.made != made + 1:
                    self._check(task, request, made)
                cost_ns = request[1] * _SPREAD[(task.deck + task.step) & _DECK_MASK] >> _SPREAD_BITS
                self._sequence += 1
                entry = heappushpop(events, (now_ns + cost_ns, self._sequence, task, request))
            else:
                self.exhausted = True
        except LearnerError as raised:
            raise LearnerRaised(raised.error, self.history) from None
        finally:
            events.append(entry)
            self._end()
        if self.misuse:
            raise self.misuse

    def refuse(self, rationale: str, *, help: str = "") -> Failure:  # noqa: A002 - as in Failure
        """Return the Failure to raise for a call that makes no sense; the first one ends the run at the latest."""
        failure = Failure(rationale, help=help)
        self.misuse = self.misuse or failure
        return failure

    def start(
        self,
        machine: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        faults: Mapping[int, Sequence[Any]],
        done: Callable[[Task, str], None],
    ) -> None:
        """Run a learner's coroutine function on a machine; `done` hears how it ended: "returned", "raised" or "died".

        `faults` says, by the number of the effect, what happens to it: ("crash",), ("slow", ns), ("no answer",) or
        ("lost",). Number 0 is before the first. Raises LearnerError for whatever else the code raises, or Failure.
        """
        self._tasks += 1
        try:
            coroutine = function(*args)
        except (Failure, MemoryError):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the learner's
            raise LearnerError(error) from None
        if type(coroutine) is not types.CoroutineType:
            raise _no_coroutine(function, coroutine)
        task = Task(machine, coroutine, faults, self._deck + self._tasks * 40_503, done)
        if faults and "crash" in faults.get(0, ()):
            self._die(task)
        else:
            self.machine = machine
            self._go_on(task, coroutine.send, None)

    def _go_on(self, task: Task, resume: Callable[[Any], Any], value: Any) -> None:
        """Let the learner's code run on until it awaits its next effect, or ends."""
        made = self.made
        try:
            request = resume(value)
        except BaseException as ended:  # noqa: BLE001 - a return is one as well
            self._stopped(task, ended, made)
            return
        self._check(task, request, made)
        step = task.step + 1
        cost_ns = request[1] * _SPREAD[(task.deck + task.step) & _DECK_MASK] >> _SPREAD_BITS
        fault = task.faults.get(step)
        if fault and fault[0] == "slow":
            cost_ns += fault[1]
        self._sequence += 1
        heappush(self._events, (self.now_ns + cost_ns, self._sequence, task, request))

    def _stopped(self, task: Task, ended: BaseException, made: int) -> None:
        """Say how a run of the learner's code ended. Raises LearnerError or Failure where it should not have."""
        if isinstance(ended, StopIteration):
            if self.made - made + task.open > 0:
                raise _not_awaited()
            task.done(task, "returned")
        elif isinstance(ended, NoAnswer | Refused):
            task.done(task, "raised")
        elif isinstance(ended, Failure | MemoryError):
            raise ended
        elif type(ended) is RuntimeError and str(ended).startswith(_ASYNCIO_SAYS):
            raise _not_ours("a function of asyncio")
        else:
            raise LearnerError(ended)

    def _check(self, task: Task, request: object, made: int) -> None:
        """Note calls of services that were not awaited at once. Raises Failure for what is no request."""
        if type(request) is not tuple:
            raise _not_ours(f"{type(request).__name__!r}")
        task.open += self.made - made - 1

    def _happen_under_faults(self, task: Task, request: Request) -> None:
        apply, _, service, verb, args = request
        now_ns, machine = self.now_ns, task.machine
        fault = task.faults.get(task.step, ("",))[0]
        if fault == "lost" or self._is_cut_off(machine):
            self.history.append((now_ns, machine, service, "lost", args, verb))
            self.at(now_ns + CALL_TIMEOUT_NS, self._without_answer, task)
            return
        result, refusal = None, None
        try:
            result = apply(*args)
        except Refused as refused:
            result, refusal = refused.status, refused
        self.history.append((now_ns, machine, service, verb, args, result))
        if fault == "crash":
            self._die(task)
        elif fault == "no answer":
            self.history.append((now_ns, service, machine, "no answer", (), None))
            self.at(now_ns + CALL_TIMEOUT_NS, self._without_answer, task)
        elif refusal:
            self._go_on(task, task.coroutine.throw, refusal)
        else:
            self._go_on(task, task.coroutine.send, result)

    def _without_answer(self, task: Task) -> None:
        self.machine = task.machine
        self._go_on(task, task.coroutine.throw, NoAnswer("no answer within 1 s"))

    def _is_cut_off(self, machine: str) -> bool:
        return any(start_ns <= self.now_ns < end_ns for start_ns, end_ns in self.cut_off.get(machine, ()))

    def _die(self, task: Task) -> None:
        self.history.append((self.now_ns, task.machine, task.machine, "dies", (), None))
        self._dead.append(task.coroutine)
        task.done(task, "died")

    def _end(self) -> None:
        """Let go of every coroutine that was under way; what it would still like to ask (`finally`) is not done."""
        under_way = [what.coroutine for _, _, what, _ in self._events if type(what) is Task]
        self._events.clear()
        for coroutine in (*self._dead, *under_way):
            with contextlib.suppress(BaseException):
                coroutine.close()
        self._dead.clear()


def _no_coroutine(function: Callable[..., Any], given: object) -> Failure:
    name = getattr(function, "__name__", type(function).__name__)
    is_generator = isinstance(given, types.GeneratorType) and given.gi_code is getattr(function, "__code__", None)
    if is_generator or isinstance(given, types.AsyncGeneratorType):
        return Failure(
            f"`{name}` contains `yield`, which makes it a generator: a worker calls it and awaits its end.",
            help="Write `await` before each call of a service, and no `yield`.",
        )
    return Failure(
        f"`{name}` is called with `await`, and it is a plain function.",
        help=f"Write `async def {name}(...)`: each `await` inside is one request to a service.",
    )


def _not_ours(what: str) -> Failure:
    return Failure(
        f"Your code awaited {what}, which is none of the course's services.",
        help="Await the calls of the services that your function was given. There is no asyncio here: time is "
        "simulated, and what waits is the simulation.",
    )


def _not_awaited() -> Failure:
    return Failure(
        "Your code called a service without `await`, and then nothing happens: the call only makes a request.",
        help="Write `await` before each call of a service.",
    )
