"""A colleague's consumer, which tries again with growing waits and has one flaw, and the judge of what shows it."""

from __future__ import annotations

from fortyfive.checks.schedules import ours, told
from fortyfive.grading.report import Failure
from fortyfive.scenario.faults import read_schedule
from fortyfive.sim.hunt import judge
from fortyfive.sim.invariants import nothing_lost
from fortyfive.sim.scenes import Scene, Schedule
from fortyfive.sim.story import as_diagram

MAX_FAULTS = 2

# As the notebook shows it. It counts tries to tell a bad message from a good one, and an outage makes all look bad.
CODE = {
    "colleague": """\
from fortyfive.sim.world import NoAnswer, Refused


async def colleague(message, queue, push):
    try:
        await push.send(message.device, message.text)
    except NoAnswer:
        return
    except Refused as error:
        if error.status not in (400, 410) and message.attempt < 5:
            await queue.nack(message, delay_s=5 * 2**message.attempt)
            return
    await queue.ack(message)
""",
}

COLLEAGUE = Scene("colleague", ("queue", "push"), (nothing_lost,))


def disprove(given: object) -> None:
    """Raise Failure unless the colleague's code loses a message under the learner's schedule."""
    faults, wrong = read_schedule(given, MAX_FAULTS)
    if wrong:
        raise Failure(wrong, help='A fault is a tuple such as ("outage", 0, 60), and m1 is the message there is.')
    schedule = Schedule(0, 1, tuple(faults))
    run = COLLEAGUE.run(schedule, ours(CODE["colleague"]))
    if not judge(run)[0]:
        kinds = {fault[0] for fault in faults}
        raise Failure(
            f"Under your schedule the message is not lost: its text is shown, or refused for good. {told(schedule)}",
            help="A message refused for good is lost to nobody. Which line gives up on one that could still be shown?"
            if kinds & {"poison", "gone"}
            else "Follow the picture. When does the colleague acknowledge what was not shown, and how long must the "
            "trouble last until then?",
            diagram=as_diagram(run.history, "colleague under your schedule"),
        )
