"""How a check judges code by schedules of faults: hunt, believe only what a second, clean child replays, tell it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from fortyfive.grading.child import Load
from fortyfive.grading.exercise import Answer, RunError
from fortyfive.grading.report import Failure
from fortyfive.grading.sandbox import Limits
from fortyfive.scenario.faults import tell
from fortyfive.sim.hunt import PATIENCE_S, Plan, replay_line
from fortyfive.sim.scenes import Schedule
from fortyfive.sim.story import as_diagram

Advice = Callable[[str, Schedule, Sequence[Any]], str]
"""From the broken invariant's name, the schedule and the history to where the learner should look."""

# A hunt works hard for a second or two; on a busy machine that is long by the clock.
HUNTS = Limits(wall_s=20, cpu_s=6)

UNLIKE = (
    "Does your code use `random`, the clock, or the order of a set? Does it keep something in a variable outside the "
    "function? Two machines share only what is in the store."
)


def holds(answer: Answer, stem: str, name: str, scene: str, plan: Plan, advise: Advice) -> str:
    """Raise Failure with the smallest schedule found under which the learner's `name` breaks an invariant of a scene.

    Returns how many schedules ran clean, as a sentence. Raises RunError where not all of them could be run in time.
    """
    outcome = answer.drive("fortyfive.sim.hunt:drive_hunt", scene, asdict(plan))
    if outcome["unlike"]:
        raise _unlike(stem, name, outcome["unlike"])
    if outcome["found"]:
        plain = outcome["found"]["schedule"]
        replayed = answer.drive("fortyfive.sim.hunt:drive_replay", scene, plain)
        if not replayed["said"]:
            raise _unlike(stem, name, plain)
        schedule = Schedule.read(plain)
        raise Failure(
            f"{replayed['said']} {told(schedule)} Found in schedule {outcome['ran']:,} of {outcome['planned']:,}; "
            f"again with: `{replay_line(stem, name, schedule)}`",
            help=advise(replayed["invariant"], schedule, replayed["history"]),
            diagram=as_diagram(replayed["history"], f"{name}: {replayed['said']}"),
        )
    if outcome["ran"] < outcome["planned"]:
        raise RunError({"status": "timed_out", "limit_s": PATIENCE_S, **outcome})
    return f"It held in all {outcome['planned']:,} schedules."


def _unlike(stem: str, name: str, plain: dict[str, Any]) -> Failure:
    line = replay_line(stem, name, Schedule.read(plain))
    return Failure(
        f"`{name}` did two different things under one and the same schedule, so nothing can be said about it: `{line}`",
        help=UNLIKE,
    )


def ours(text: str) -> Load:
    """Return what runs a colleague's text and gives its names."""

    def load() -> dict[str, Any]:
        namespace: dict[str, Any] = {}
        exec(text, namespace)  # noqa: S102 - a text of ours
        return namespace

    return load


def told(schedule: Schedule) -> str:
    """Return a schedule as a sentence."""
    if not schedule.faults:
        return "Nothing at all had to fail for it."
    clauses = [tell(fault) for fault in schedule.faults]
    return f"What had to happen: {'; '.join(clauses)}."
