"""What push, pull and every hybrid between them cost on a follower graph with a heavy tail."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FollowerGraph:
    """Who follows whom.

    `readers` and `authors` have one entry a follow, sorted by reader; `followers` has one entry an account.
    """

    accounts: int
    readers: NDArray[np.int32]
    authors: NDArray[np.int32]
    followers: NDArray[np.int64]


@dataclass(frozen=True)
class Workload:
    """What the service is asked to do, and what its delivery workers can do."""

    posts_per_s: float
    reads_per_s: float
    deliveries_per_s: float


@dataclass(frozen=True)
class Cost:
    """What one threshold costs. Accounts with more than `threshold` followers are pulled, all others pushed.

    `writes_per_s` are copies put into stored timelines, `lookups_per_s` all lists read for timelines (the stored one,
    and one for each pulled account that the reader follows), `slowest_delivery_s` is how long the largest pushed
    account's post takes to reach its last follower, `p99_lookups` what the unluckiest reader in a hundred pays a read.
    """

    threshold: int
    pulled_accounts: int
    writes_per_s: float
    lookups_per_s: float
    slowest_delivery_s: float
    p99_lookups: int

    @property
    def work_per_s(self) -> float:
        """Writes and lookups together, one as dear as the other."""
        return self.writes_per_s + self.lookups_per_s


@functools.lru_cache(maxsize=4)
def follower_graph(accounts: int = 50_000, follows_each: int = 40, seed: int = 45) -> FollowerGraph:
    """Return a graph in which everybody follows about `follows_each` accounts, and a few are followed by very many.

    The chance to be followed falls as rank to the power -0.77, which gives follower counts a Pareto tail with exponent
    2.3. Nobody follows the same account twice, or themselves. Raises ValueError for sizes that make no graph.
    """
    if not 2 <= accounts <= 1_000_000 or not 1 <= follows_each <= 200:
        raise ValueError(
            f"A graph of {accounts:,} accounts with {follows_each:,} follows each cannot be made here: "
            "choose 2 to 1,000,000 accounts and 1 to 200 follows each."
        )
    draws = np.random.Generator(np.random.PCG64(seed))
    # Whole-number weights: the graph does not depend on how a machine rounds.
    weights = (1e9 * np.arange(1, accounts + 1, dtype=np.float64) ** -0.77).astype(np.int64)
    ends = np.cumsum(weights)
    drawn = np.searchsorted(ends, draws.integers(0, ends[-1], (accounts, follows_each)), side="right").astype(np.int32)
    drawn.sort(axis=1)
    # One row a reader, sorted: a second follow of the same account stands right behind the first.
    kept = drawn != np.arange(accounts, dtype=np.int32)[:, None]
    kept[:, 1:] &= drawn[:, 1:] != drawn[:, :-1]
    authors = drawn[kept]
    readers = np.repeat(np.arange(accounts, dtype=np.int32), kept.sum(axis=1))
    return FollowerGraph(accounts, readers, authors, np.bincount(authors, minlength=accounts).astype(np.int64))


def cost(graph: FollowerGraph, workload: Workload, threshold: int) -> Cost:
    """Return what `threshold` costs; 0 pulls everything, the graph's largest follower count pushes everything.

    Everybody posts equally often and reads equally often. Raises ValueError for a threshold below 0.
    """
    if threshold < 0:
        raise ValueError(f"A threshold of {threshold:,} followers means nothing: choose 0 (pull everything) or more.")
    pulled = graph.followers > threshold
    pushed_followers = graph.followers[~pulled]
    posts_per_account_s = workload.posts_per_s / graph.accounts
    lookups = 1 + np.bincount(graph.readers[pulled[graph.authors]], minlength=graph.accounts)
    return Cost(
        threshold=int(threshold),
        pulled_accounts=int(pulled.sum()),
        writes_per_s=float(pushed_followers.sum() * posts_per_account_s),
        lookups_per_s=float(lookups.mean() * workload.reads_per_s),
        slowest_delivery_s=float(pushed_followers.max(initial=0) / workload.deliveries_per_s),
        p99_lookups=int(np.percentile(lookups, 99, method="higher")),
    )


def thresholds(graph: FollowerGraph) -> list[int]:
    """Return the slider's positions: 0, the 1-2-5 series, and the largest follower count."""
    largest = int(graph.followers.max(initial=0))
    series = [step * 10**power for power in range(1, 9) for step in (1, 2, 5)]
    return [0, *(value for value in series if value < largest), largest]


def lesson_workload() -> Workload:
    """Return the lesson's workload: 65 timeline reads a post, as Twitter had in 2012 (300 K/s to 4.6 K/s)."""
    return Workload(posts_per_s=5, reads_per_s=325, deliveries_per_s=2_000)


def exercise_workload() -> Workload:
    """Return the exercise's workload: the lesson's, with a quarter of the delivery workers."""
    return Workload(posts_per_s=5, reads_per_s=325, deliveries_per_s=500)
