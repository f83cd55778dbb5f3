"""How many schedules of faults a second the simulator carries out, and how long a verdict over two thousand takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import simpy

from benchmarks.row import AtLeast, Row, median_s
from fortyfive.grading import sandbox, wire
from fortyfive.grading.child import Load
from fortyfive.grading.submission import Submission
from fortyfive.sim.hunt import Plan, judge, systematic
from fortyfive.sim.invariants import all_acknowledged, nothing_lost
from fortyfive.sim.scenes import RESTART_NS, Scene, Schedule
from fortyfive.sim.services import PUSH_NS, QUEUE_NS
from fortyfive.sim.world import SECOND

# Two effects a message: the text is shown, the message is acknowledged.
CONSUMER = """
async def deliver(message, queue, push):
    await push.send(message.device, message.text)
    await queue.ack(message)
"""
SCENE = Scene("deliver", ("queue", "push"), (nothing_lost, all_acknowledged))

# What a verdict is about: the claim that exercise 06 asks for, five effects a message.
NOTIFY = """
async def notify(message, queue, store, push):
    sent = f"sent:{message.id}"
    mine = await store.put_if_absent(f"claim:{message.id}", message.receipt, ttl_s=60)
    if await store.get(sent):
        await queue.ack(message)
    elif mine:
        await push.send(message.device, message.text)
        await store.put(sent, True)
        await queue.ack(message)
"""
NOTIFIED = "fortyfive.checks.delivery_semantics_scenes:NOTIFIED"
VERDICT_SCHEDULES = 2_000

TIMES = 7


def rows() -> list[Row]:
    """Measure runs of 20 and of 200 messages with one crash, judged, beside SimPy; and a verdict in a child."""
    return [_schedules(20, 300, 10_000), _schedules(200, 30, 1_000), _verdict()]


def _schedules(messages: int, count: int, target_per_s: int) -> Row:
    names = _load(CONSUMER)()
    schedules = [Schedule(seed, messages, (("crash", f"m{1 + seed % messages}", 1, 1),)) for seed in range(count)]

    def ours() -> None:
        for schedule in schedules:
            run = SCENE.run(schedule, lambda: names)
            assert judge(run) == ("", "")
            assert len(run.push.sent) == messages + 1

    def theirs() -> None:
        for schedule in schedules:
            assert _simpy(messages, schedule.faults[0][1]) == messages + 1

    ours_s, theirs_s = median_s(ours, TIMES), median_s(theirs, TIMES)
    return AtLeast(
        f"fault_schedules_{messages}_per_s",
        count / ours_s,
        "schedules/s",
        target=target_per_s,
        ratio=theirs_s / ours_s,
        against="SimPy, times as many (same queue, workers and crash; it judges nothing)",
    )


def _load(source: str) -> Load:
    namespace: dict[str, object] = {}
    exec(source, namespace)
    return lambda: namespace


def _simpy(messages: int, crash: str) -> int:
    """Run the same scene in SimPy, a process a worker and one a time-out; return how often a text was shown."""
    environment = simpy.Environment()
    ready: simpy.Store = simpy.Store(environment)
    history: list[tuple[float, str, str]] = []
    hidden: set[str] = set()
    acked: set[str] = set()
    sent: list[str] = []

    def clients() -> Iterator[simpy.Event]:
        for number in range(1, messages + 1):
            yield environment.timeout(SCENE.gap_s)
            history.append((environment.now, "publish", f"m{number}"))
            ready.put((f"m{number}", 1))

    def time_out(message: str, attempt: int) -> Iterator[simpy.Event]:
        yield environment.timeout(SCENE.visibility_s)
        if f"{message}#{attempt}" in hidden:
            hidden.remove(f"{message}#{attempt}")
            history.append((environment.now, "visible again", message))
            ready.put((message, attempt + 1))

    def worker() -> Iterator[simpy.Event]:
        while True:
            message, attempt = yield ready.get()
            history.append((environment.now, "deliver", message))
            hidden.add(f"{message}#{attempt}")
            environment.process(time_out(message, attempt))
            yield environment.timeout(PUSH_NS / SECOND)
            sent.append(message)
            history.append((environment.now, "send", message))
            if message == crash and attempt == 1:
                yield environment.timeout(RESTART_NS / SECOND)
                continue
            yield environment.timeout(QUEUE_NS / SECOND)
            hidden.discard(f"{message}#{attempt}")
            acked.add(message)
            history.append((environment.now, "ack", message))

    environment.process(clients())
    for _ in range(SCENE.workers):
        environment.process(worker())
    environment.run(SCENE.horizon_s)
    assert len(acked) == messages
    return len(sent)


def _verdict() -> Row:
    scene = Scene("notify", ("queue", "store", "push"), ())
    small = sum(1 for _ in systematic(scene, Plan(), _load(NOTIFY)))
    args = wire.encode([NOTIFIED, asdict(Plan(count=VERDICT_SCHEDULES - small))])

    def verdict() -> None:
        outcome = sandbox.run(Submission(NOTIFY), "fortyfive.sim.hunt:drive_hunt", args)
        found = wire.decode(outcome["value"])
        assert (found["ran"], found["found"]) == (VERDICT_SCHEDULES, None)

    return Row("verdict_2000_schedules_ms", median_s(verdict, TIMES) * 1000, "ms", target=1500)
