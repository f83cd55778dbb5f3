"""The pictures, tables and the explorer of topic 06, delivery semantics."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from plotly.subplots import make_subplots

from fortyfive.flow.events import EventRun, simulate
from fortyfive.flow.events_model import Client, Lognormal, Queue, Station, System
from fortyfive.grading.diagram import Diagram
from fortyfive.grading.render import box, picture
from fortyfive.scenario.faults import Fault, tell
from fortyfive.sim.hunt import Plan, hunt
from fortyfive.sim.outcomes import outcomes
from fortyfive.sim.scenes import Run, Scene, Schedule
from fortyfive.sim.story import as_diagram
from fortyfive.widgets import theme
from fortyfive.widgets.explorer import Explorer, Slider, View

Consumer = Callable[..., Any]

# A job of the explorer: half take 8 s, and one in a hundred more than 65 s.
JOB = Lognormal(mean_s=12.0, p99_s=65.0)
WORKERS = 20
SPAN_S = 6 * 3_600
TIME_OUTS_S = (4, 6, 8, 10, 12, 15, 20, 30, 60, 120, 300)


class Picture:
    """A run, drawn: what had to fail, and every step of it."""

    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram

    def __repr__(self) -> str:
        return self.diagram.as_text()

    def _repr_html_(self) -> str:
        title = self.diagram.title
        return box(title, f"<p style='margin-left:0'><strong>{escape(title)}</strong></p>{picture(self.diagram)}")


def _shown_exactly_once(run: Run) -> str:
    """Every text is shown, and none twice: more than any consumer of a push can promise."""
    shown = [text for _, _, _, text in run.push.sent]
    for fields in run.queue.bodies.values():
        count = shown.count(fields.text)
        if count != 1:
            return f"{fields.id} is {'never shown' if count == 0 else f'shown {count} times'}"
    return ""


def _scene(consumer: Consumer) -> tuple[Scene, Callable[[], dict[str, Any]]]:
    scene = Scene(consumer.__name__, ("queue", "store", "push"), (_shown_exactly_once,))
    return scene, lambda: {consumer.__name__: consumer}


def run_under(consumer: Consumer, faults: Sequence[Fault], messages: int = 1) -> Picture:
    """Return the picture of a consumer `(message, queue, store, push)` under a schedule of faults."""
    scene, load = _scene(consumer)
    run = scene.run(Schedule(0, messages, tuple(faults)), load)
    said = _shown_exactly_once(run) or "everything is shown exactly once"
    return Picture(as_diagram(run.history, f"{consumer.__name__}: {said}"))


def smallest_failure(consumer: Consumer, *, without: Sequence[str] = ()) -> Picture:
    """Return the smallest schedule found under which a consumer does not show everything exactly once.

    `without` names kinds of faults that the hunt leaves out. Raises LookupError where it finds none.
    """
    scene, load = _scene(consumer)
    plan = Plan(kinds=tuple(kind for kind in Plan().kinds if kind not in without))
    outcome = hunt(load, scene, plan)
    if not outcome["found"]:
        raise LookupError(f"{consumer.__name__} held in all {outcome['planned']:,} schedules.")
    schedule = Schedule.read(outcome["found"]["schedule"])
    run = scene.run(schedule, load)
    said = "; ".join(map(tell, schedule.faults))
    return Picture(as_diagram(run.history, f"{consumer.__name__}: {outcome['found']['said']} when {said}"))


def outcomes_table(consumers: Mapping[str, Consumer], **traffic: Any) -> pd.DataFrame:
    """Return one row a consumer: what became of its messages; `traffic` goes to `outcomes`."""
    rows = []
    for name, consumer in consumers.items():
        found = outcomes(consumer, **traffic)
        counts = {"messages": found.messages, "never shown": found.lost, "shown again": found.repeated}
        rows.append({"consumer": name, **counts})
    return pd.DataFrame(rows).set_index("consumer")


def deliveries_expected(visibility_s: float, job: Lognormal = JOB) -> float:
    """Return how many times a job is delivered on average, where an acknowledgement after the time-out comes too late.

    Each delivery succeeds with the probability that a job is done in time, so their number is geometric.
    """
    return 1 / (1 - _longer_than(visibility_s, job))


def _longer_than(time_s: float, job: Lognormal) -> float:
    """Return the share of jobs that take longer (the complement of the log-normal distribution)."""
    return 1 - NormalDist(math.log(job.mean_s) - job.sigma**2 / 2, job.sigma).cdf(math.log(time_s))


def redelivered(visibility_s: float, jobs_per_s: float = 1.0, crash_percent: float = 0.0) -> EventRun:
    """Return six hours of a queue whose workers send no heartbeats; a share of the jobs kills its worker."""
    station = Station("workers", servers=WORKERS, service=JOB, crashes=crash_percent / 100, restart_s=10)
    queue = Queue("sender", "workers", visibility_s=visibility_s)
    system = System((Client("sender", rate_per_s=jobs_per_s),), (station,), (queue,))
    return simulate(system, span_s=SPAN_S)


def redelivery_table(time_outs_s: Sequence[float] = TIME_OUTS_S, jobs_per_s: float = 1.0) -> pd.DataFrame:
    """Return one row a visibility time-out: what it costs, measured and expected."""
    rows = [_redelivery_row(value, jobs_per_s, redelivered(value, jobs_per_s)) for value in time_outs_s]
    return pd.DataFrame(rows).set_index("visibility time-out (s)")


def _redelivery_row(visibility_s: float, jobs_per_s: float, run: EventRun) -> dict[str, Any]:
    link, workers = run.links["sender -> workers"], run.stations["workers"]
    started = link.attempts.sum() - workers.queued[-1]
    settled = run.settled_ns[run.settled_ns >= 0]
    took_s = (settled - run.at_ns[run.settled_ns >= 0]) / 1e9
    return {
        "visibility time-out (s)": visibility_s,
        "deliveries a job": round(float(started / max(1, len(settled))), 2),
        "expected": round(deliveries_expected(visibility_s), 2),
        "workers busy": round(float(workers.busy.mean()), 1),
        "p99 until done (s)": round(float(np.quantile(took_s, 0.99))) if len(took_s) else 0,
        "waiting after 6 h": int(workers.queued[-1]),
    }


def explore_visibility(*, start: int = 30) -> Explorer:
    """Return an explorer of the visibility time-out: how many wait and how many workers are busy, over six hours."""

    @functools.lru_cache(maxsize=64)
    def run(visibility_s: float, jobs_per_s: float, crash_percent: float) -> EventRun:
        return redelivered(visibility_s, jobs_per_s, crash_percent)

    first = run(start, 1.0, 0.0)
    hours = (np.arange(first.buckets) + 0.5) * first.bucket_s / 3_600
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.12)
    for row, (name, colour) in enumerate((("waiting", theme.ORANGE), ("busy", theme.BLUE)), start=1):
        line = {"color": colour, "width": 2}
        figure.add_scatter(x=hours, name=name, mode="lines", line=line, row=row, col=1, showlegend=False)
    figure.update_yaxes(title="jobs waiting", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title="workers busy", range=[0, WORKERS * 1.1], row=2, col=1)
    figure.add_hline(y=WORKERS, line={"dash": "dash", "color": theme.GREY}, row=2, col=1)
    figure.update_xaxes(title="time (h)", row=2, col=1)
    theme.style(
        figure,
        title="A visibility time-out that is too short<br>makes work until nothing else is done",
        alt="",
        height_px=440,
    )

    def view(visibility_s: float, jobs_per_s: float = 1.0, crash_percent: float = 0.0) -> View:
        result = run(visibility_s, jobs_per_s, crash_percent)
        workers = result.stations["workers"]
        row = _redelivery_row(visibility_s, jobs_per_s, result)
        waiting, busy, times = row["waiting after 6 h"], row["workers busy"], row["deliveries a job"]
        return View(
            table=pd.DataFrame([row]).set_index("visibility time-out (s)"),
            data=[{"y": workers.queued}, {"y": workers.busy}],
            alt=(
                f"Two curves over six hours, with a visibility time-out of {visibility_s:g} s and {jobs_per_s:g} jobs "
                f"a second: how many jobs wait (in the end {waiting:,}), and how many of {WORKERS} workers are busy "
                f"(on average {busy:g}). A job is delivered {times:g} times."
            ),
        )

    sliders = [
        Slider("visibility_s", "visibility time-out (s)", TIME_OUTS_S, start),
        Slider("jobs_per_s", "jobs (1/s)", (0.6, 0.8, 1.0, 1.2, 1.4), 1.0),
        Slider("crash_percent", "jobs that kill their worker (%)", (0, 1, 2, 5), 0),
    ]
    return Explorer(figure, sliders, view)
