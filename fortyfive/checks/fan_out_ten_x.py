"""Ten times the traffic: three recordings of posts, and what a design does with them when it is run."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from fortyfive.grading.report import Failure

if TYPE_CHECKING:
    from fortyfive.flow.delivery import Posts

POSTS_PER_S = 50.0
COPIES_PER_S = 100.0
BATCH = 100
SPAN_S = 600.0
RECORDINGS = (3, 4, 5)  # seeds

GROWTH = 10
WORKERS_PAID = 20
P99_S = 10.0
LOOKUPS = 8
KEYS = ("workers", "threshold")


class Tried(TypedDict):
    """What one recording did to a design: work over capacity, and seconds from a post to its last copy."""

    recording: int
    utilisation: float
    p99_s: float
    slowest_s: float


def try_design(workers: int, threshold: int) -> list[Tried]:
    """Run a design on each recording: `workers` write 100 copies/s each, accounts above `threshold` are pulled.

    Raises ValueError for less than one worker or a threshold below 0.
    """
    return [_run(number, workers, threshold) for number in range(1, len(RECORDINGS) + 1)]


@functools.cache
def _posts(number: int) -> Posts:
    from fortyfive.flow.delivery import posts
    from fortyfive.flow.fan_out import follower_graph

    return posts(follower_graph().followers, posts_per_s=POSTS_PER_S, span_s=SPAN_S, seed=RECORDINGS[number - 1])


def _run(number: int, workers: int, threshold: int) -> Tried:
    from fortyfive.flow.delivery import Workers, deliver

    recorded = _posts(number)
    # A worker takes 100 copies of one post at a time, in exponentially distributed times around one second.
    staff = Workers(count=workers, copies_per_s=COPIES_PER_S, batch=BATCH, noise=1.0)
    done = deliver(recorded, staff, threshold, seed=RECORDINGS[number - 1], buckets=1)
    return Tried(
        recording=number,
        utilisation=float(done.utilisation),
        p99_s=float(done.p99_s),
        slowest_s=float(done.slowest_s),
    )


def judge(design: object) -> None:
    """Raise Failure unless the design is a pair of whole numbers that keeps both promises within its budget."""
    from fortyfive.flow.fan_out import cost, exercise_workload, follower_graph

    workers, threshold = _read(design)
    if workers > WORKERS_PAID:
        busy = _run(1, workers, threshold)
        raise Failure(
            f"{workers:,} workers are more than the {WORKERS_PAID} that are paid for; they would be busy "
            f"{100 * busy['utilisation']:.0f} % of their time.",
            help="How many copies/s do the posts ask for, and how many does one worker write? Then leave room for the "
            "queue, and look for room at the threshold too.",
        )
    costs = cost(follower_graph(), exercise_workload(), threshold)
    if costs.p99_lookups > LOOKUPS:
        raise Failure(
            f"With threshold {threshold:,} the p99 read needs {costs.p99_lookups} lookups; the promise is at most "
            f"{LOOKUPS}.",
            help="A lower threshold spares the workers and burdens the reads, as it did before the growth: the "
            "accounts are the same. How low may it be?",
        )
    asked_per_s = GROWTH * costs.writes_per_s
    for number in range(1, len(RECORDINGS) + 1):
        _keeps_up(_run(number, workers, threshold), asked_per_s, workers, threshold)


def _keeps_up(run: Tried, asked_per_s: float, workers: int, threshold: int) -> None:
    said = f"With {workers} workers and threshold {threshold:,}"
    p99 = f"the p99 of the last copy was {run['p99_s']:,.1f} s in recording {run['recording']}"
    written_per_s = workers * COPIES_PER_S
    if asked_per_s >= written_per_s:
        raise Failure(
            f"{said} the posts ask for {asked_per_s:,.0f} copies/s and the workers write {written_per_s:,.0f}: the "
            f"backlog grows by {asked_per_s - written_per_s:,.0f} copies every second. After ten minutes {p99}, and it "
            "rises for as long as the load lasts.",
            help="First the workers must write more than is asked for, on average; then comes the queue.",
        )
    if run["p99_s"] > P99_S:
        raise Failure(
            f"{said} {p99}; the promise is {P99_S:g} s. The posts asked for {100 * run['utilisation']:.0f} % of "
            "what the workers can write in that time, and most of the wait is the queue.",
            help="More workers, or fewer large posts in front of the others: a threshold that is right for one post "
            "alone is too high once posts wait for one another.",
        )


def _read(design: object) -> tuple[int, int]:
    if not isinstance(design, Mapping) or set(design) != set(KEYS):
        raise Failure(
            f"`design_10x` is {design!r}, and it should be a dictionary with 'workers' and 'threshold', nothing else.",
            help='Write it as {"workers": 7, "threshold": 700}, with your numbers.',
        )
    found = [_whole(design[key], key) for key in KEYS]
    if not found[0]:
        raise Failure("With 0 workers nothing is delivered.", help="How many copies/s do the posts ask for?")
    return found[0], found[1]


def _whole(value: Any, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1 or not 0 <= value <= 10**6:
        raise Failure(
            f"`design_10x` has {key} = {value!r}, and that should be a whole number from 0 to 1,000,000.",
            help="Write it without a unit.",
        )
    return int(value)
