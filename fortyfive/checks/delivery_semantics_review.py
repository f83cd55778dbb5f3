"""Two colleagues' consumers, each with a flaw, and the judge of the schedule that is to show it."""

from __future__ import annotations

from collections.abc import Sequence

from fortyfive.checks.schedules import ours, told
from fortyfive.grading.report import Failure
from fortyfive.scenario.faults import read_schedule
from fortyfive.sim.hunt import judge
from fortyfive.sim.invariants import no_needless_repeat, nothing_lost
from fortyfive.sim.scenes import Scene, Schedule
from fortyfive.sim.story import as_diagram

MAX_FAULTS = 2

# As the notebook shows them. The first asks and then acts; the second's claim answers for nobody.
CODE = {
    "colleague_1": """\
async def colleague_1(message, queue, store, push):
    if await store.get(message.id) is None:
        await push.send(message.device, message.text)
        await store.put(message.id, "sent")
    await queue.ack(message)
""",
    "colleague_2": """\
async def colleague_2(message, queue, store, push):
    if await store.put_if_absent(message.id, "mine", ttl_s=300):
        await push.send(message.device, message.text)
    await queue.ack(message)
""",
}

COLLEAGUE_1 = Scene("colleague_1", ("queue", "store", "push"), (nothing_lost, no_needless_repeat))
COLLEAGUE_2 = Scene("colleague_2", ("queue", "store", "push"), (nothing_lost, no_needless_repeat))


def disprove(given: object, scene: Scene, only: Sequence[str]) -> None:
    """Raise Failure unless the colleague's code breaks its promise under the learner's schedule.

    `only` are the kinds of faults that the task allows; none named means all.
    """
    faults, wrong = read_schedule(given, MAX_FAULTS)
    if wrong:
        raise Failure(wrong, help='A fault is a tuple such as ("crash", "m1", 1, 2), and m1 is the message there is.')
    if others := [fault[0] for fault in faults if only and fault[0] not in only]:
        raise Failure(
            f"The schedule uses {others[0]!r}, and this task allows {' and '.join(map(repr, only))} only.",
            help="A fault at an effect can hide that the push was sent, and then a repeat is nobody's mistake.",
        )
    schedule = Schedule(0, 1, tuple(faults))
    run = scene.run(schedule, ours(CODE[scene.function]))
    if not judge(run)[0]:
        raise Failure(
            f"Under your schedule `{scene.function}` keeps its promise: the push is shown once, or a fault excuses the "
            f"repeat. {told(schedule)}",
            help="Follow the picture line by line. At which moment is something done and not yet noted, or noted and "
            "not yet done? That is when the fault must strike.",
            diagram=as_diagram(run.history, f"{scene.function} under your schedule"),
        )
