"""Scenes: clients, a queue, workers that run a learner's code, and services, under one schedule of faults."""

from __future__ import annotations

import functools
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fortyfive.grading.child import Load
from fortyfive.grading.report import Failure
from fortyfive.scenario.faults import AT_AN_EFFECT, KINDS, Fault
from fortyfive.sim.services import POISON, Message, Push, Queue, Store, _Fields, _nobody_waits
from fortyfive.sim.world import SECOND, Task, World

USERS = ("ana", "ben", "cleo", "dev")
RESTART_NS = 2 * SECOND
# What a worker that tries without a pause can do while a fault lasts; a run may have that many events more.
EVENTS_PER_WORKER_S = 40
SLOW_S = 20

# For each kind of fault where in it times (s) stand.
_SECONDS = {
    kind: [place for place, part in enumerate(parts, start=1) if part == "seconds"] for kind, parts in KINDS.items()
}

Namespace = Mapping[str, Any]
_NONE: dict[int, tuple[Any, ...]] = {}


@dataclass(frozen=True)
class Schedule:
    """One run to be: how long each effect takes (`seed`), how many messages there are, and what goes wrong."""

    seed: int
    messages: int
    faults: tuple[Fault, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return it as plain data; `Schedule.read` reads it back."""
        return {"seed": self.seed, "messages": self.messages, "faults": list(self.faults)}

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Schedule:
        """Read what `plain` wrote."""
        return cls(data["seed"], data["messages"], tuple(map(tuple, data["faults"])))


@dataclass(frozen=True)
class Scene:
    """What surrounds the learner's code: who calls it and with what, for how long, and what must hold in the end.

    `function` is called for each delivery with the message (or, where `batch` is above 1, a list of messages) and then
    the services that `gives` names: "queue", "store", "push". Messages come `gap_s` apart. `invariants` are judged in
    their order when `horizon_s` is over.
    """

    function: str
    gives: tuple[str, ...]
    invariants: tuple[Callable[[Run], str], ...]
    workers: int = 2
    batch: int = 1
    gap_s: float = 0.05
    visibility_s: float = 30
    max_receives: int | None = None
    dedup_s: float | None = None
    limit_per_s: int | None = None
    horizon_s: float = 1_800
    events_per_message: int = 400
    texts: Callable[[int], str] = field(default=lambda number: f"Parcel {number} is on its way")

    def run(self, schedule: Schedule, load: Load) -> Run:
        """Carry out a schedule. Raises LearnerError or Failure where the learner's code cannot be run."""
        return Run(self, schedule, load).go()


class Run:
    """One schedule carried out; what is left is read by the invariants."""

    def __init__(self, scene: Scene, schedule: Schedule, load: Load) -> None:
        self.scene = scene
        self.schedule = schedule
        trouble_s = sum(map(lasts_s, schedule.faults))
        self.until_ns = round((scene.horizon_s + trouble_s) * SECOND)
        """The end (ns): the faults take as long as they take, and what must hold is judged a whole horizon later."""
        budget = 1_000 + scene.events_per_message * schedule.messages
        self.world = World(schedule.seed, budget + round(trouble_s * scene.workers * EVENTS_PER_WORKER_S))
        self.queue = Queue(
            self.world,
            visibility_s=scene.visibility_s,
            max_receives=scene.max_receives,
            dedup_s=scene.dedup_s,
        )
        self.store = Store(self.world)
        self.push = Push(self.world, limit_per_s=scene.limit_per_s)
        self.poisoned: set[str] = set()
        self.effects: list[tuple[str, int, int]] = []
        """For each run of the learner's code its first message, that message's delivery, and how many effects it had.
        """
        services = self.services()
        self._services = tuple(services[name] for name in scene.gives)
        self._load = load
        self._code: dict[str, Namespace] = {}
        self._idle = deque(f"worker {number + 1}" for number in range(scene.workers))
        self._at_effects: dict[tuple[str, int], dict[int, tuple[Any, ...]]] = {}
        self.reached: dict[tuple[str, int], int] = {}
        """Where faults strike effects: for each delivery of a message how many effects it came to."""
        self._running: dict[str, Message] = {}
        self._held: dict[str, tuple[Message, ...]] = {}
        self._handing_out = False

    def services(self) -> dict[str, Any]:
        """Return what `Scene.gives` can name."""
        return {"queue": self.queue, "store": self.store, "push": self.push}

    @property
    def history(self) -> list[Any]:
        """What happened, in order; see `world.Step`."""
        return self.world.history

    def go(self) -> Run:
        """Carry it out. Raises LearnerError or Failure where the learner's code cannot be run."""
        late = self._plant()
        self.queue.on_ready = self._dispatch
        for number in range(1, self.schedule.messages + 1):
            message_id, fields = _body(self.scene.texts, number)
            if message_id in self.poisoned:
                fields = fields._replace(text=fields.text + POISON)
            self.world.at(self._arrival_ns(number) + late.get(message_id, 0), self.queue.accept, fields)
        self.world.run(self.until_ns)
        # Nothing refers to itself any more, so that memory is free again at once.
        self.queue.on_ready = _nobody_waits
        return self

    def _arrival_ns(self, number: int) -> int:
        return round(self.scene.gap_s * SECOND) * number

    def _plant(self) -> dict[str, int]:
        """Put the schedule's faults where they strike; return by how much (ns) messages are late.

        A fault that strikes a message or a machine that there is not does nothing.
        """
        faults = self.schedule.faults
        copied = any(fault[0] == "copy" for fault in faults)
        numbers = {f"m{number}": number for number in range(1, self.schedule.messages + 1)} if copied else {}
        late = {fault[1]: round(fault[2] * SECOND) for fault in faults if fault[0] == "late"}
        for kind, struck, *parts in faults:
            times = [round(part * SECOND) for part in (struck, *parts) if not isinstance(part, str)]
            if kind in AT_AN_EFFECT:
                delivery, effect, *_ = parts
                self._at_effects.setdefault((struck, delivery), {})[effect] = (kind, *times[2:])
            elif kind == "copy" and struck in numbers:
                after_ns = self._arrival_ns(numbers[struck]) + late.get(struck, 0) + times[0] + 1
                self.world.at(after_ns, self.queue.again, struck)
            elif kind == "poison":
                self.poisoned.add(struck)
            elif kind == "outage":
                self.push.outages.append((times[0], times[1]))
            elif kind == "throttle":
                self.push.throttled.append((times[0], times[1]))
            elif kind == "gone":
                self.push.gone[struck] = min(times[0], self.push.gone.get(struck, times[0]))
            elif kind == "cut off":
                self.world.cut_off.setdefault(struck, []).append((times[0], times[1]))
        return late

    def _dispatch(self) -> None:
        queue, idle = self.queue, self._idle
        if self._handing_out or not idle:
            # A worker that is done at once comes back while we hand out: the loop that is under way goes on with it.
            return
        self._handing_out = True
        scene, world = self.scene, self.world
        while idle and queue.ready:
            found = queue.deliver(scene.batch)
            message, worker = found[0], idle.popleft()
            ids = (message.id,) if len(found) == 1 else tuple(one.id for one in found)
            world.history.append((world.now_ns, "queue", worker, "deliver", ids, message.attempt))
            self._running[worker] = message
            faults = _NONE
            if self._at_effects:
                faults = {}
                self._held[worker] = tuple(found)
                for one in found:
                    faults |= self._at_effects.get((one.id, one.attempt), _NONE)
            function = self._function(worker, scene.function)
            first = found if scene.batch > 1 else message
            world.start(worker, function, (first, *self._services), faults, self._ended)
        self._handing_out = False

    def _function(self, machine: str, name: str) -> Callable[..., Any]:
        code = self._code.get(machine)
        if code is None:
            # A machine that starts has a memory of its own, and an empty one.
            code = self._code[machine] = self._load()
        function = code.get(name)
        if not callable(function):
            raise Failure(
                f"`{name}` is {function!r}, and the simulator needs a function of that name.",
                help=f"Run the cell with `async def {name}(...)` again.",
            )
        return function  # type: ignore[no-any-return]

    def _ended(self, task: Task, how: str) -> None:
        machine = task.machine
        message = self._running[machine]
        self.effects.append((message.id, message.attempt, task.step))
        for one in self._held.pop(machine, ()):
            self.reached[one.id, one.attempt] = task.step
        if how == "died":
            self._code.pop(machine, None)
            self.world.at(self.world.now_ns + RESTART_NS, self._back, machine)
            return
        self._idle.append(machine)
        if self.queue.ready:
            self._dispatch()

    def _back(self, machine: str) -> None:
        self._idle.append(machine)
        self._dispatch()


@functools.cache
def _body(texts: Callable[[int], str], number: int) -> tuple[str, _Fields]:
    message_id, user = f"m{number}", USERS[(number - 1) % len(USERS)]
    return message_id, _Fields(message_id, user, f"{user}-phone", texts(number), 0, "")


def lasts_s(fault: Fault) -> float:
    """Return for how long (s) a fault can hold things up, counted from the beginning of the run."""
    places = _SECONDS[fault[0]]
    return max([fault[place] for place in places]) if places else 0


def excuses(run: Run) -> int:
    """Return how many of the schedule's faults can have hidden that something was done, so that it is done once more.

    What never came to the effect that it was to strike has hidden nothing. A message that is held up by less than
    `SLOW_S` in all is no excuse: leases and visibility time-outs must bear that.
    """
    slow_s: Counter[str] = Counter()
    for kind, struck, *parts in run.schedule.faults:
        if kind == "slow":
            slow_s[struck] += parts[2]

    def hides(kind: str, struck: str, *parts: Any) -> bool:
        if kind not in AT_AN_EFFECT:
            return kind == "cut off"
        delivery, effect, *_ = parts
        came_to_it = 0 < effect <= run.reached.get((struck, delivery), 0)
        return came_to_it and (kind != "slow" or slow_s[struck] >= SLOW_S)

    return sum(hides(*fault) for fault in run.schedule.faults)
