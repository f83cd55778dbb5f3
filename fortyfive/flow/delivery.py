"""The queue behind a post: how long until its last follower has it, which depends on everybody else's posts too."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fortyfive.flow import draws
from fortyfive.flow.queue import (
    MOST_SERVERS,
    QUANTILES,
    bin_latencies,
    require_count,
    require_sorted,
    serve,
    whole_numbers,
)

_ARRIVALS, _AUTHORS, _SERVICE = 30, 31, 32
_MOST_FOLLOWERS = 2_000_000_000
_MOST_POSTS = 2**31
# What one task, and one post, take while they are prepared and simulated.
_BYTES_EACH = 80
# Below this there is no use in asking how much memory is free.
_FEW_BYTES = 100_000_000


@dataclass(frozen=True)
class Posts:
    """Posts in the order in which they are published: the time of each in ns, and how many followers its author has.

    All of them lie within the span from 0 to `span_ns`. `ids` name the posts, and the name decides a post's dice; None
    counts them from 0.
    """

    at_ns: NDArray[np.int64]
    followers: NDArray[np.int64]
    span_ns: int
    ids: NDArray[np.int64] | None = None

    @property
    def names(self) -> NDArray[np.int64]:
        """The ids, or 0, 1, 2, ... where none are given."""
        return np.arange(self.at_ns.size, dtype=np.int64) if self.ids is None else self.ids


@dataclass(frozen=True)
class Workers:
    """Who writes the copies into the followers' stored timelines.

    Each of `count` workers takes a task of at most `batch` copies of one post from a common queue, first come, first
    served, and writes `copies_per_s` on average. `noise` is the coefficient of variation of a task's time: its mean
    times (1 - noise + noise x an exponential draw with mean 1), so 0 is a clock and 1 is exponential.

    Raises ValueError for anything that is no worker.
    """

    count: int = 10
    copies_per_s: float = 20_000.0
    batch: int = 1_000
    noise: float = 1.0

    def __post_init__(self) -> None:
        require_count(self.count, "workers", MOST_SERVERS)
        require_count(self.batch, "copies in a batch", _MOST_FOLLOWERS)
        _require_within(self.copies_per_s, 1e-3, 1e9, "rate of a worker in copies/s")
        _require_within(self.noise, 0, 1, "noise of the service times")


@dataclass(frozen=True)
class Delivery:
    """What a threshold did to the posts.

    `bands` are the quantiles 0.5, 0.95 and 0.99 of the time from a post to its last copy, in seconds over the time of
    the post, shape (3, buckets); they, `p50_s` and `p99_s` are at most 0.8 % off, `slowest_s` is exact. Only posts that
    were pushed to somebody count; without any, these are NaN. `utilisation` is the work of the span's posts over what
    all workers can do in the span; `overloaded` says that in some lane it is 1 or more, so its queue only grows.
    """

    threshold: int
    posts: int
    pushed_posts: int
    bands: NDArray[np.float64]
    p50_s: float
    p99_s: float
    slowest_s: float
    utilisation: float
    overloaded: bool
    _at_ns: NDArray[np.int64]
    _latency_ns: NDArray[np.int64]
    _pushed: NDArray[np.bool_]
    _span_ns: int

    @functools.cached_property
    def last_copy_s(self) -> NDArray[np.float64]:
        """Seconds from each post to its last copy; NaN for posts that are pulled, and for those without a reader."""
        latency_s = np.full(self.posts, np.nan)
        latency_s[self._pushed] = self._latency_ns / 1e9
        return latency_s

    def backlog(self, buckets: int = 300) -> NDArray[np.int64]:
        """Return how many posts wait for their last copy at the end of each bucket of the span."""
        ends = [(bucket + 1) * self._span_ns // buckets for bucket in range(buckets)]
        begun = np.searchsorted(self._at_ns, ends, side="right")
        return begun - np.searchsorted(np.sort(self._at_ns + self._latency_ns), ends, side="right")


@dataclass(frozen=True)
class Prepared:
    """The work behind posts, which no slider of `deliver` changes: the tasks of all posts, in the order of the queue.

    `tasks` has the number of tasks of each post, `service_ns` the time that each task takes.
    """

    posts: Posts
    workers: Workers
    tasks: NDArray[np.int32]
    service_ns: NDArray[np.int64]

    def deliver(
        self,
        threshold: int,
        *,
        count: int | None = None,
        lane_above: int | None = None,
        lane_share: float = 0.5,
        buckets: int = 300,
    ) -> Delivery:
        """Return what happens where accounts with more than `threshold` followers are pulled and all others pushed.

        `count` replaces the number of workers. With `lane_above`, posts of accounts with more followers than that wait
        in a lane of their own, which has `lane_share` of the workers (at least one, and not all): the others wait
        behind one another only. Raises ValueError for a threshold below 0 and for workers that cannot be shared.
        """
        count = self.workers.count if count is None else count
        require_count(count, "workers", MOST_SERVERS)
        _require_within(threshold, 0, _MOST_FOLLOWERS, "threshold in followers")
        pushed = (self.posts.followers <= threshold) & (self.tasks > 0)
        lanes = [(pushed, int(count))]
        if lane_above is not None:
            large = self.posts.followers > lane_above
            own = _lane_workers(int(count), lane_above, lane_share)
            lanes = [(pushed & ~large, int(count) - own), (pushed & large, own)]
        span_ns = int(self.posts.span_ns)
        finish_ns, offered_ns, overloaded = np.empty_like(self.posts.at_ns), 0, False
        for members, servers in lanes:
            tasks = np.where(members, self.tasks, -self.tasks)
            work_ns = serve(self.posts.at_ns, tasks, self.service_ns, servers, finish_ns)
            offered_ns += work_ns
            overloaded |= work_ns >= servers * span_ns
        at, latency = self.posts.at_ns[pushed], finish_ns[pushed]
        latency -= at
        bands, whole = bin_latencies(at, latency, span_ns, buckets, QUANTILES)
        return Delivery(
            threshold=int(threshold),
            posts=pushed.size,
            pushed_posts=at.size,
            bands=bands,
            p50_s=float(whole[0]),
            p99_s=float(whole[2]),
            slowest_s=int(latency.max()) / 1e9 if at.size else float("nan"),
            utilisation=offered_ns / (int(count) * span_ns),
            overloaded=overloaded,
            _at_ns=at,
            _latency_ns=latency,
            _pushed=pushed,
            _span_ns=span_ns,
        )


def posts(followers: ArrayLike, *, posts_per_s: float, span_s: float, seed: int = 45) -> Posts:
    """Return posts at random times (a Poisson process), each by an account drawn from `followers`.

    `followers` has one entry an account: how many follow it. Raises ValueError for no accounts, and for rates and spans
    that are not positive; NotEnoughMemoryError for more posts than fit.
    """
    counts = np.asarray(followers)
    if counts.ndim != 1 or not counts.size or counts.dtype.kind not in "iu":
        raise ValueError(
            f"The follower counts have shape {counts.shape} and type {counts.dtype}, so nobody can post: "
            "give a row of whole numbers with one entry an account."
        )
    _require_within(posts_per_s, 1e-6, 1e9, "rate of posts in posts/s")
    _require_within(span_s, 1e-6, 1e8, "span in seconds")
    mean = posts_per_s * span_s
    # Ten standard deviations more than the mean: the draws reach past the span.
    drawn = int(mean + 10 * mean**0.5 + 10)
    _require_memory(drawn, f"{drawn:,} posts")
    at_ns = np.cumsum(draws.exponential_ns(seed, _ARRIVALS, np.arange(drawn), 1e9 / posts_per_s))
    span_ns = round(span_s * 1e9)
    at_ns = at_ns[: np.searchsorted(at_ns, span_ns)]
    authors = (draws.uniform(seed, _AUTHORS, np.arange(at_ns.size)) * counts.size).astype(np.int64)
    return Posts(at_ns, counts[authors].astype(np.int64), span_ns)


def with_celebrity(posts: Posts, at_s: float, followers: int) -> Posts:
    """Return the posts with one more, by an account with so many followers; all others keep their dice."""
    if not 0 <= at_s * 1e9 <= posts.span_ns - 1:
        raise ValueError(f"A post at {at_s} s is outside the span: choose 0 s to below {posts.span_ns / 1e9:g} s.")
    at_ns = round(at_s * 1e9)
    require_count(followers, "followers", _MOST_FOLLOWERS)
    names = posts.names
    place = int(np.searchsorted(posts.at_ns, at_ns, side="right"))
    return Posts(
        np.insert(posts.at_ns, place, at_ns),
        np.insert(posts.followers, place, int(followers)),
        posts.span_ns,
        np.insert(names, place, names.max(initial=-1) + 1),
    )


def prepare(posts: Posts, workers: Workers, *, active_share: float = 1.0, seed: int = 45) -> Prepared:
    """Return the tasks behind the posts, with the time that each will take.

    Only `active_share` of an account's followers get a copy (rounded, but at least one where there are any). A task's
    dice depend on the seed, the post's id and the batch's number within the post, and on nothing else: the same batch
    is as slow at every threshold, with every number of workers, and beside every other post.

    Raises ValueError for posts that are none, unsorted, or outside their span; NotEnoughMemoryError for too many tasks.
    """
    posts = _checked(posts)
    _require_within(active_share, 1e-9, 1, "active share of the followers")
    copies = np.maximum(np.rint(posts.followers * active_share).astype(np.int64), posts.followers > 0)
    batch = int(workers.batch)
    tasks = -(-copies // batch)
    total = int(tasks.sum(dtype=np.float64))
    _require_memory(total + tasks.size, f"{total:,} tasks")
    of_post = np.repeat(np.arange(tasks.size), tasks)
    number = np.arange(of_post.size) - np.repeat(np.cumsum(tasks) - tasks, tasks)
    task_copies = np.minimum(copies[of_post] - batch * number, batch)
    dice = -np.log(draws.uniform(seed, _SERVICE, (posts.names[of_post] << 32) + number))
    mean_ns = 1e9 / workers.copies_per_s
    service_ns = np.rint(task_copies * mean_ns * (1 - workers.noise + workers.noise * dice)).astype(np.int64)
    return Prepared(posts, workers, tasks.astype(np.int32), service_ns)


def deliver(
    posts: Posts,
    workers: Workers,
    threshold: int,
    *,
    active_share: float = 1.0,
    lane_above: int | None = None,
    lane_share: float = 0.5,
    seed: int = 45,
    buckets: int = 300,
) -> Delivery:
    """Return `prepare(...).deliver(threshold, ...)`, for one threshold; raises what those two raise."""
    prepared = prepare(posts, workers, active_share=active_share, seed=seed)
    return prepared.deliver(threshold, lane_above=lane_above, lane_share=lane_share, buckets=buckets)


def _checked(posts: Posts) -> Posts:
    at_ns = whole_numbers(posts.at_ns, "times of the posts (ns)")
    followers = whole_numbers(posts.followers, "followers of the posts")
    names = whole_numbers(posts.names, "ids of the posts")
    if not at_ns.size:
        raise ValueError("There are no posts, so nothing is delivered: choose a higher rate or a longer span.")
    if not at_ns.size == followers.size == names.size:
        raise ValueError(
            f"There are {at_ns.size:,} times, {followers.size:,} follower counts and {names.size:,} ids: "
            "give one of each a post."
        )
    require_sorted(at_ns)
    if at_ns[-1] >= posts.span_ns:
        raise ValueError(f"The last post is at {at_ns[-1] / 1e9:g} s, after the span of {posts.span_ns / 1e9:g} s.")
    require_count(max(int(followers.max()), 1), "followers of a post", _MOST_FOLLOWERS)
    require_count(int(names.max()) + 1, "posts, and of their ids,", _MOST_POSTS)
    return Posts(at_ns, followers, posts.span_ns, names)


def _lane_workers(count: int, lane_above: int, lane_share: float) -> int:
    """Return how many of the workers serve the lane of large accounts."""
    _require_within(lane_above, 0, _MOST_FOLLOWERS, "follower count where the lane begins")
    _require_within(lane_share, 1e-9, 1 - 1e-9, "lane's share of the workers")
    if count < 2:
        raise ValueError("One worker cannot serve two lanes: choose at least 2 workers, or no lane.")
    return min(max(round(count * lane_share), 1), count - 1)


def _require_within(value: float, low: float, high: float, what: str) -> None:
    if not low <= value <= high:
        raise ValueError(f"The {what} is {value!r}: choose a number from {low:,} to {high:,}.")


def _require_memory(entries: int, what: str) -> None:
    if entries * _BYTES_EACH > _FEW_BYTES:
        from fortyfive.flow.memory import require

        require(entries * _BYTES_EACH, what, "Take larger batches, fewer posts a second or a shorter span.")
