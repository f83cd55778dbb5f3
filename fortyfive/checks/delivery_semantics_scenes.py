"""The worlds of exercise 06: who calls the learner's code, what it may call, and what must hold whatever fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from fortyfive.grading.child import Load
from fortyfive.grading.report import Failure
from fortyfive.sim.hunt import Plan
from fortyfive.sim.invariants import (
    all_acknowledged,
    comes_to_an_end,
    counted_once,
    no_needless_repeat,
    nothing_lost,
    only_what_was_asked,
    permanent_errors_end,
)
from fortyfive.sim.scenes import Run, Scene, Schedule, excuses
from fortyfive.sim.services import UNAVAILABLE, Message
from fortyfive.sim.world import SECOND, Task, effect

# By then everything is to be done, counted from the end of the last fault.
DONE_WITHIN_S = 7_200

AT_LEAST_ONCE = Scene(
    "deliver",
    ("queue", "push"),
    (comes_to_an_end, only_what_was_asked, nothing_lost, all_acknowledged),
    horizon_s=DONE_WITHIN_S,
)
# Every text is the same: a key made of it would take the second message for a repeat.
COUNTED = Scene(
    "count_unread",
    ("queue", "store"),
    (comes_to_an_end, counted_once, all_acknowledged),
    texts=lambda _: "You have a new message",
    horizon_s=DONE_WITHIN_S,
)
NOTIFIED = Scene(
    "notify",
    ("queue", "store", "push"),
    (comes_to_an_end, only_what_was_asked, nothing_lost, no_needless_repeat, all_acknowledged),
    horizon_s=DONE_WITHIN_S,
)

TURN_S = 5
MOST_ASKED = 40


def others_have_their_turn(run: Run) -> str:
    """What is refused for good keeps no other message waiting."""
    if any(fault[0] not in ("poison", "gone") for fault in run.schedule.faults):
        return ""
    shown = {text: at_ns for at_ns, _, _, text in run.push.sent}
    for message_id, accepted_ns in run.queue.accepted.items():
        waited_s = (shown.get(run.queue.bodies[message_id].text, accepted_ns) - accepted_ns) / SECOND
        if waited_s > TURN_S:
            return f"{message_id} was shown {waited_s:.0f} s after it was sent, and nothing was wrong with it."
    return ""


def asks_in_measure(run: Run) -> str:
    """A provider that is down is not asked without a pause."""
    refused = [(device, text) for _, device, text, status in run.push.refused if status == UNAVAILABLE]
    for (device, text), count in Counter(refused).items():
        if count > MOST_ASKED:
            return f"{device} was asked {count} times to show {text!r}, while the provider was down."
    return ""


BATCHED = Scene(
    "deliver_batch",
    ("queue", "push"),
    (
        asks_in_measure,
        comes_to_an_end,
        only_what_was_asked,
        nothing_lost,
        permanent_errors_end,
        others_have_their_turn,
        no_needless_repeat,
        all_acknowledged,
    ),
    batch=5,
    gap_s=0.01,
)

# Every fault that a queue or a network can add to what a worker's own death does.
LONG_TROUBLES = (
    (("outage", 0, 40),),
    (("outage", 0, 600),),
    (("throttle", 0, 40),),
    (("cut off", "worker 1", 0, 6),),
)
PLAN = Plan(count=1_200, whole_run=LONG_TROUBLES)
# A worker may even stand still for longer than anybody's lock lives.
COUNT_PLAN = Plan(count=1_200, whole_run=tuple((("slow", "m1", 1, effect, 1_000),) for effect in range(1, 5)))
BATCH_PLAN = Plan(
    small=4,
    count=1_200,
    kinds=("crash", "no answer", "lost", "late", "poison", "gone", "outage", "throttle"),
    whole_run=(
        (("poison", "m1"),),
        (("poison", "m2"),),
        (("gone", "ana-phone", 0),),
        (("gone", "ben-phone", 0),),
        (("outage", 0, 1),),
        (("outage", 0.15, 20),),
        (("throttle", 0, 1),),
        (("poison", "m1"), ("outage", 0.15, 20)),
    ),
)

# A part of a job takes 2 to 8 s, and a delivery is hidden for 10 s.
JOB_PARTS = 6
PART_S = 4
JOB_VISIBILITY_S = 10
BACK_WITHIN_S = 20


class Job:
    """A long piece of work, done in parts."""

    parts = JOB_PARTS

    def __init__(self, run: Run) -> None:
        self._run = run
        self.done: list[tuple[str, int]] = []

    def render(self, message: Message, part: int) -> Awaitable[None]:
        """Do one part, 0 to `parts` - 1; it takes 2 to 8 s."""
        if type(part) is not int or not 0 <= part < JOB_PARTS or not isinstance(message, Message):
            raise Failure(
                f"Your code called `job.render` with {message!r} and {part!r}: it takes a message and a part.",
                help=f"The parts are 0 to {JOB_PARTS - 1}: `for part in range(job.parts)`.",
            )
        self._run.world.made += 1
        return effect((self._render, PART_S * SECOND, "job", "render", (message.id, part)))

    def _render(self, message_id: str, part: int) -> None:
        self.done.append((message_id, part))


class JobRun(Run):
    """Workers whose work takes longer than a message stays hidden."""

    job: Job

    def services(self) -> dict[str, Any]:
        """Return the services, and the job."""
        self.job = Job(self)
        self.deaths: list[tuple[int, Message]] = []
        return {**super().services(), "job": self.job}

    def _ended(self, task: Task, how: str) -> None:
        if how == "died":
            self.deaths.append((self.world.now_ns, self._running[task.machine]))
        super()._ended(task, how)


def work_is_done(run: Run) -> str:
    """Every part of every message's work is done."""
    assert isinstance(run, JobRun)
    for message_id in run.queue.accepted:
        missing = [part for part in range(JOB_PARTS) if (message_id, part) not in run.job.done]
        if missing:
            return f"Part {missing[0]} of the work for {message_id} was never done."
    return ""


def work_is_not_doubled(run: Run) -> str:
    """Work is repeated only after a fault, and then once for each fault."""
    assert isinstance(run, JobRun)
    extra = len(run.job.done) - len(set(run.job.done))
    if extra > JOB_PARTS * excuses(run):
        message_id, part = max(run.job.done, key=run.job.done.count)
        if all(attempt == 1 for _, attempt, _ in run.effects):
            return f"One delivery of {message_id} rendered part {part} {run.job.done.count((message_id, part))} times."
        return (
            f"{len(run.job.done)} parts were rendered where {len(set(run.job.done))} are asked for: the work for "
            f"{message_id} was begun again while a living worker was still at it."
        )
    return ""


def was_acknowledged(run: Run) -> str:
    """Where nothing fails, whoever has done the work acknowledges it."""
    asked = {step[4][0] for step in run.history if step[3] == "ack"}
    for message_id in run.queue.accepted:
        if not run.schedule.faults and message_id not in asked:
            return f"The work for {message_id} was done, and nobody acknowledged it."
    return ""


def back_in_time(run: Run) -> str:
    """When a worker dies, its message is delivered again soon."""
    assert isinstance(run, JobRun)
    for died_ns, message in run.deaths:
        message_id = message.id
        if run.queue.acked.get(message_id, died_ns + 1) <= died_ns:
            continue
        back = [step[0] for step in run.history if step[3] == "visible again" and step[4] == (message_id,)]
        if sum(at_ns < died_ns for at_ns in back) >= message.attempt:
            # It had been lost to another worker before.
            continue
        waited_s = min((at_ns - died_ns for at_ns in back if at_ns >= died_ns), default=10**15) / SECOND
        if waited_s > BACK_WITHIN_S:
            how = "never" if waited_s > run.scene.horizon_s else f"after {waited_s:,.0f} s"
            return (
                f"The worker of {message_id} died, and its message became visible again {how}; "
                f"{BACK_WITHIN_S} s are promised."
            )
    return ""


@dataclass(frozen=True)
class JobScene(Scene):
    """A scene whose messages are long jobs."""

    def run(self, schedule: Schedule, load: Load) -> Run:
        """Carry out a schedule; see `Scene.run`."""
        return JobRun(self, schedule, load).go()


JOBS = JobScene(
    "render",
    ("queue", "job"),
    (comes_to_an_end, work_is_done, was_acknowledged, work_is_not_doubled, back_in_time, all_acknowledged),
    visibility_s=JOB_VISIBILITY_S,
    horizon_s=900,
)
JOB_PLAN = Plan(count=700, messages=5, faults=3, kinds=("crash", "no answer", "lost", "late"))

RELAY_EVERY_S = 5
FEW = 4
RETRY_AFTER_S = 10


class OutboxRun(Run):
    """A service that accepts requests, and a relay beside it.

    Every second client tries again until it hears that it was done; the others give up at the first failure.
    """

    early: list[str]
    """Ids of messages that were published before their request was recorded."""
    requests: dict[str, Message]
    """Every request that a client has sent, by id."""

    def go(self) -> Run:
        """Carry it out; see `Run.go`."""
        self.early = []
        self._plant()
        self._attempts: dict[str, int] = {}
        self._relays = 0
        self.requests = {}
        self.told: list[str] = []
        for number in range(1, self.schedule.messages + 1):
            request = Message(f"m{number}", "ana", "ana-phone", self.scene.texts(number), 0, "")
            self.requests[request.id] = request
            self.world.at(round(number * self.scene.gap_s * SECOND), self._ask, request.id)
        self.world.at(RELAY_EVERY_S * SECOND, self._relay, None)
        self.queue.on_publish = self._note_early
        self.world.run(self.until_ns)
        return self

    def _ask(self, message_id: str) -> None:
        attempt = self._attempts[message_id] = self._attempts.get(message_id, 0) + 1
        machine = f"service, {message_id}"
        self.history.append((self.world.now_ns, "client", machine, "request", (message_id,), attempt))
        faults = self._at_effects.get((message_id, attempt), {})
        args = (self.requests[message_id], self.store, self.queue)
        self.world.start(machine, self._function("service", "accept"), args, faults, self._answered)

    def _answered(self, task: Task, how: str) -> None:
        message_id = task.machine.rpartition(" ")[2]
        self._note_end(message_id, self._attempts[message_id], "service", task, how)
        if how == "returned":
            self.told.append(message_id)
        elif int(message_id[1:]) % 2 == 0:
            self.world.at(self.world.now_ns + RETRY_AFTER_S * SECOND, self._ask, message_id)

    def _relay(self, _: object) -> None:
        self._relays += 1
        faults = self._at_effects.get(("relay", self._relays), {})
        args = (self.store, self.queue)
        self.world.start("relay", self._function("relay", "relay"), args, faults, self._relayed)

    def _relayed(self, task: Task, how: str) -> None:
        self._note_end("relay", self._relays, "relay", task, how)
        self.world.at(self.world.now_ns + RELAY_EVERY_S * SECOND, self._relay, None)

    def _note_end(self, name: str, number: int, program: str, task: Task, how: str) -> None:
        self.effects.append((name, number, task.step))
        self.reached[name, number] = task.step
        if how == "died":
            self._code.pop(program, None)

    def _note_early(self, message_id: str) -> None:
        if f"request:{message_id}" not in self.store.values:
            self.early.append(message_id)


def every_request_recorded(run: Run) -> str:
    """What the client was told is done is in the store."""
    assert isinstance(run, OutboxRun)
    for message_id in run.told:
        if f"request:{message_id}" not in run.store.values:
            return f"The client heard that {message_id} was accepted, and `request:{message_id}` is not in the store."
    return ""


def nothing_announced_early(run: Run) -> str:
    """Nothing is published before its request is recorded."""
    assert isinstance(run, OutboxRun)
    for message_id in run.early:
        if message_id not in run.requests:
            return f"A message with the id {message_id!r} was published, and no request has that id."
        return f"{message_id} was published before `request:{message_id}` was in the store: a worker may act on it now."
    return ""


def every_record_announced(run: Run) -> str:
    """Whatever is recorded is published in the end, under its own id."""
    assert isinstance(run, OutboxRun)
    for message_id, request in run.requests.items():
        if f"request:{message_id}" not in run.store.values:
            continue
        if message_id not in run.queue.accepted:
            return f"`request:{message_id}` is in the store, and {message_id} was never published: nobody will be told."
        if run.queue.bodies[message_id].text != request.text:
            return f"{message_id} was published with another text than that of its request."
    return ""


def announced_once(run: Run) -> str:
    """Without a fault nothing is published twice."""
    assert isinstance(run, OutboxRun)
    published = [step[4][0] for step in run.history if step[3] == "publish"]
    if not run.schedule.faults and len(published) > len(set(published)):
        message_id = max(published, key=published.count)
        return f"Nothing failed, and {message_id} was published {published.count(message_id)} times."
    return ""


def outbox_is_emptied(run: Run) -> str:
    """What was relayed does not stay behind."""
    there = (key for key in sorted(run.store.values) if run.store.has(key))
    left = [key for key in there if not key.startswith("request:")]
    # A number, a lock or a mark is no harm; what grows with the requests is.
    if len(left) >= max(FEW, run.schedule.messages):
        return (
            f"After {run.schedule.messages} requests, all of them published, {len(left)} keys are left beside the "
            f"records, such as `{left[0]}`."
        )
    return ""


@dataclass(frozen=True)
class OutboxScene(Scene):
    """A scene in which the learner's code is the service and its relay."""

    def run(self, schedule: Schedule, load: Load) -> Run:
        """Carry out a schedule; see `Scene.run`."""
        return OutboxRun(self, schedule, load).go()


OUTBOX = OutboxScene(
    "accept",
    (),
    (
        comes_to_an_end,
        every_request_recorded,
        nothing_announced_early,
        every_record_announced,
        announced_once,
        outbox_is_emptied,
    ),
    gap_s=0.8,
    horizon_s=120,
)
OUTBOX_PLAN = Plan(count=700, messages=6, faults=3, kinds=("crash", "no answer", "lost", "slow"), also=("relay",))
