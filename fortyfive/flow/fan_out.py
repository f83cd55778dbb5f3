"""What push, pull and every hybrid between them cost: on real follows, or for all thresholds at once from counts."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field, fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fortyfive.flow.chunks import map_chunks
from fortyfive.flow.compiled import kernel

N = TypeVar("N", float, NDArray[np.float64])

MONTH_S = 30 * 24 * 3600

# Follower counts below this have a bin each; above, there are 64 bins an octave, and an edge at each round number.
_EXACT = 1_024
_ROUND = [round(step * 10**power) for power in range(3, 10) for step in (1, 1.5, 2, 3, 5, 7)]
_CHUNK = 1 << 20

# From here on the binomial distribution is replaced by its expansion, which is then off by one lookup at most.
_MANY_FOLLOWS = 2_000


@dataclass(frozen=True)
class FollowerGraph:
    """Who follows whom.

    `readers` and `authors` have one entry a follow, sorted by reader; `followers` has one entry an account.
    """

    accounts: int
    readers: NDArray[np.int32]
    authors: NDArray[np.int32]
    followers: NDArray[np.int64]

    @functools.cached_property
    def follows(self) -> NDArray[np.int64]:
        """How many accounts each account follows."""
        return np.bincount(self.readers, minlength=self.accounts).astype(np.int64)


@dataclass(frozen=True)
class Workload:
    """What the service is asked to do, what its delivery workers can do, and what it keeps.

    Only `active_share` of each account's followers come back: they do all the reading, and they alone get copies. A
    stored timeline keeps `timeline_entries` of `entry_bytes` each, none older than a month, on `replicas` machines.
    Raises ValueError for numbers that no service can have.
    """

    posts_per_s: float
    reads_per_s: float
    deliveries_per_s: float
    active_share: float = 1.0
    timeline_entries: int = 800
    replicas: int = 3
    entry_bytes: int = 24

    def __post_init__(self) -> None:
        _refuse_what_is_below_zero(self)
        if self.deliveries_per_s == 0:
            raise ValueError("With 0 deliveries_per_s no post ever reaches a follower: choose more than 0.")
        if self.active_share > 1:
            raise ValueError(f"active_share is {self.active_share:,}, and it is a share: choose 0 to 1.")


def _fact(key: str) -> float:
    from fortyfive.numbers import fact

    return fact(key).value


@dataclass(frozen=True)
class Prices:
    """What a store on demand charges; DynamoDB's list prices, as dated in `fortyfive.numbers`, unless given.

    A write is a copy of at most 1 KB, a lookup the newest 4 KB of a list. A gigabyte's price includes its replicas.
    Raises ValueError for a price below 0.
    """

    usd_per_m_writes: float = field(default_factory=lambda: _fact("dynamodb.usd-per-m-writes"))
    usd_per_m_lookups: float = field(default_factory=lambda: _fact("dynamodb.usd-per-m-reads"))
    usd_per_gb_month: float = field(default_factory=lambda: _fact("dynamodb.usd-per-gb-month"))

    def __post_init__(self) -> None:
        _refuse_what_is_below_zero(self)


list_prices = functools.cache(Prices)


@dataclass(frozen=True)
class Cost:
    """What one threshold costs. Accounts with more than `threshold` followers are pulled, all others pushed.

    `writes_per_s` are copies put into stored timelines, `lookups_per_s` all lists read for timelines (the stored one,
    and one for each pulled account that the reader follows), `slowest_delivery_s` is how long the largest pushed
    account's post takes to reach its last follower, `p99_lookups` what the unluckiest reader in a hundred pays a read,
    `stored_bytes` all copies kept with their replicas, `usd_per_month` writes, lookups and one replica of what is
    stored, because a store's price includes the others.
    """

    threshold: int
    pulled_accounts: int
    writes_per_s: float
    lookups_per_s: float
    slowest_delivery_s: float
    p99_lookups: int
    stored_bytes: float
    usd_per_month: float

    @property
    def work_per_s(self) -> float:
        """Writes and lookups together, one as dear as the other."""
        return self.writes_per_s + self.lookups_per_s


@dataclass(frozen=True, eq=False)
class Costs:
    """What each threshold costs: the same numbers as in `Cost`, as arrays with one entry a threshold."""

    thresholds: NDArray[np.int64]
    pulled_accounts: NDArray[np.int64]
    writes_per_s: NDArray[np.float64]
    lookups_per_s: NDArray[np.float64]
    slowest_delivery_s: NDArray[np.float64]
    p99_lookups: NDArray[np.int64]
    stored_bytes: NDArray[np.float64]
    usd_per_month: NDArray[np.float64]

    @property
    def work_per_s(self) -> NDArray[np.float64]:
        """Writes and lookups together, one as dear as the other."""
        return self.writes_per_s + self.lookups_per_s

    def at(self, index: int) -> Cost:
        """Return the entry at `index`."""
        return Cost(*(getattr(self, each.name)[index].item() for each in fields(self)))

    def of(self, threshold: int) -> Cost:
        """Return the entry of `threshold`, as `Sweep.cost` does; raises ValueError for one below 0."""
        return self.at(_index(self.thresholds, threshold))


@dataclass(frozen=True, eq=False)
class Sweep:
    """All thresholds of a population at once: int64 arrays with one entry a threshold, all of them exact.

    A threshold is the upper edge of a bin: every number up to 1,023, then 64 an octave (a step of at most 1.6 %) and
    the round numbers (1, 1.5, 2, 3, 5 and 7 times a power of ten), then the largest follower count. Above it accounts
    are pulled, up to it pushed; `largest_pushed` has that many followers.
    """

    accounts: int
    thresholds: NDArray[np.int64]
    pulled_accounts: NDArray[np.int64]
    pushed_follows: NDArray[np.int64]
    pulled_follows: NDArray[np.int64]
    largest_pushed: NDArray[np.int64]

    @property
    def follows(self) -> int:
        """How many follows there are: the sum of all follower counts."""
        return int(self.pushed_follows[-1])

    @functools.cached_property
    def p99_lookups(self) -> NDArray[np.int64]:
        """What the unluckiest reader in a hundred pays a read: the 99th percentile of 1 + Binomial(k, q).

        Everybody follows k accounts, the mean, and each of these is a pulled one with probability q, the share of
        follows that go to pulled accounts. Nobody follows an account twice, so 1 + `pulled_accounts` is the most.
        """
        share = self.pulled_follows / max(1, self.follows)
        return 1 + np.minimum(_binomial_p99(round(self.follows / self.accounts), share), self.pulled_accounts)

    def costs(self, workload: Workload, prices: Prices | None = None) -> Costs:
        """Return what each threshold costs, if everybody follows the mean number of accounts.

        Everybody posts equally often and reads equally often, as in `cost`.
        """
        posts_per_account_s = workload.posts_per_s / self.accounts
        pushed_follows, largest_pushed = self.pushed_follows.astype(np.float64), self.largest_pushed.astype(np.float64)
        writes_per_s = pushed_follows * (posts_per_account_s * workload.active_share)
        lookups_per_s = (1 + self.pulled_follows / self.accounts) * workload.reads_per_s
        received = pushed_follows / self.accounts * (posts_per_account_s * MONTH_S)
        kept = np.minimum(received, workload.timeline_entries) * (self.accounts * workload.active_share)
        entry_bytes = kept * workload.entry_bytes
        return Costs(
            thresholds=self.thresholds,
            pulled_accounts=self.pulled_accounts,
            writes_per_s=writes_per_s,
            lookups_per_s=lookups_per_s,
            slowest_delivery_s=largest_pushed * (workload.active_share / workload.deliveries_per_s),
            p99_lookups=self.p99_lookups,
            stored_bytes=entry_bytes * workload.replicas,
            usd_per_month=_usd_per_month(writes_per_s, lookups_per_s, entry_bytes, prices),
        )

    def cost(self, workload: Workload, threshold: int, prices: Prices | None = None) -> Cost:
        """Return what `threshold` costs; between two edges it is the upper one, which the result's `threshold` names.

        A threshold above the largest follower count pushes everything. Raises ValueError for one below 0.
        """
        return self.costs(workload, prices).of(threshold)

    def mean_wait_s(self, workload: Workload, threshold: int) -> float:
        """Return how long a post waits on average until the delivery workers begin with it; infinite if overloaded.

        Posts come at random, and all workers together serve one after the other: an M/G/1 queue, whose mean wait is
        rate x E[S^2] / (2 (1 - utilisation)) (Pollaczek and Khinchine, 1930s). E[S^2] takes each bin's accounts as
        alike, which is less than one part in ten thousand off. Raises ValueError for a threshold below 0.
        """
        upto = _index(self.thresholds, threshold) + 1
        accounts = -np.diff(self.pulled_accounts[:upto], prepend=self.accounts)
        follows = np.diff(self.pushed_follows[:upto], prepend=0)
        copies_s = workload.active_share / workload.deliveries_per_s
        squares_s2 = float((follows * (follows / np.maximum(accounts, 1))).sum()) * copies_s**2
        posts_per_account_s = workload.posts_per_s / self.accounts
        utilisation = posts_per_account_s * float(self.pushed_follows[upto - 1]) * copies_s
        return math.inf if utilisation >= 1 else posts_per_account_s * squares_s2 / (2 * (1 - utilisation))


def sweep(followers: NDArray[np.int32] | NDArray[np.int64]) -> Sweep:
    """Return the sums behind every threshold, in one pass over `followers`, which has one entry an account.

    Whole numbers only, so that neither the order nor the number of threads matters. Raises ValueError for an array
    that holds no follower counts.
    """
    counts = _as_counts(followers)
    edges, first = _bins()

    def bins_of(start: int, stop: int) -> NDArray[np.int64]:
        bins = np.zeros((3, edges.size), dtype=np.int64)
        _count(counts[start:stop], edges, first, bins)
        return bins

    parts = np.stack(map_chunks(bins_of, counts.size, _CHUNK))
    accounts, follows = parts[:, 0].sum(axis=0), parts[:, 1].sum(axis=0)
    if accounts.sum() != counts.size:
        raise ValueError("A follower count below 0 means nothing: choose counts of 0 or more.")
    largest_pushed = np.maximum.accumulate(parts[:, 2].max(axis=0))
    used = int(np.searchsorted(largest_pushed, largest_pushed[-1])) + 1
    thresholds = edges[:used].copy()
    thresholds[-1] = largest_pushed[-1]
    pushed_follows = np.cumsum(follows[:used])
    return Sweep(
        accounts=counts.size,
        thresholds=thresholds,
        pulled_accounts=counts.size - np.cumsum(accounts[:used]),
        pushed_follows=pushed_follows,
        pulled_follows=pushed_follows[-1] - pushed_follows,
        largest_pushed=largest_pushed[:used],
    )


@kernel("void(i4[::1], i8[::1], i8[::1], i8[:,::1])")
def _count(
    followers: NDArray[np.int32], edges: NDArray[np.int64], first: NDArray[np.int64], bins: NDArray[np.int64]
) -> None:
    """Add to each bin its accounts, their followers, and the largest of them; a count below 0 has no bin."""
    # Most accounts have one of few counts. Four tallies in turn, as adding to one number twice in a row would wait.
    tally = np.zeros((4, _EXACT), dtype=np.int32)
    for i in range(followers.size):
        value = followers[i]
        if 0 <= value < _EXACT:
            tally[i & 3, value] += 1
        elif value >= 0:
            # A float's exponent and first six bits of mantissa say where its bin is, but for one round number within.
            place = first[(np.float64(value).view(np.int64) >> 46) - (1023 + 10) * 64]
            place += value > edges[place]
            bins[0, place] += 1
            bins[1, place] += value
            bins[2, place] = max(bins[2, place], np.int64(value))
    for value in range(_EXACT):
        accounts = np.int64(tally[0, value]) + tally[1, value] + tally[2, value] + tally[3, value]
        bins[0, value] += accounts
        bins[1, value] += accounts * value
        if accounts > 0:
            bins[2, value] = value


@functools.cache
def _bins() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the upper edges of all bins, and for each 64th of an octave from 1,024 on the first bin within it."""
    lower = ((np.arange(64) + 64) << (np.arange(10, 32)[:, None] - 6)).ravel()
    edges = np.unique(np.concatenate([np.arange(_EXACT), lower[1 : 21 * 64 + 1] - 1, _ROUND]))
    edges = edges[edges < 2**31]
    return edges, np.searchsorted(edges, lower[: 21 * 64])


def _as_counts(followers: NDArray[np.int32] | NDArray[np.int64]) -> NDArray[np.int32]:
    counts = np.asarray(followers)
    if counts.ndim != 1 or counts.size == 0 or counts.dtype.kind not in "iu":
        raise ValueError(
            f"A sweep needs one whole number an account, and this is an array of {counts.dtype} with the shape "
            f"{counts.shape}: give it population(...).followers or follower_graph(...).followers."
        )
    if counts.dtype != np.int32 and counts.max() > np.iinfo(np.int32).max:
        raise ValueError(f"An account with {counts.max():,} followers is too large: choose at most 2,147,483,647.")
    if counts.dtype != np.int32:
        counts = np.maximum(counts, -1)  # narrowed, a count far below 0 might become one that looks right
    return np.ascontiguousarray(counts, dtype=np.int32)


def _binomial_p99(trials: int, chances: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each chance the smallest m with P(Binomial(trials, chance) <= m) >= 0.99."""
    if trials > _MANY_FOLLOWS:
        # Cornish and Fisher's expansion up to the skewness; 2.3263 is the normal distribution's 99th percentile.
        spread = np.sqrt(trials * chances * (1 - chances))
        skewed = trials * chances + 2.3263 * spread + (1 - 2 * chances) * (2.3263**2 - 1) / 6
        return np.where(spread > 0, np.clip(np.rint(skewed), 0, trials), trials * chances).astype(np.int64)
    found = np.where(chances >= 1, trials, 0)
    between = np.flatnonzero((chances > 0) & (chances < 1))
    chance = chances[between]
    # In logarithms, because the chance that nobody at all is followed may be smaller than any float.
    log_odds = np.log(chance) - np.log1p(-chance)
    log_term = trials * np.log1p(-chance)
    at_most = np.exp(log_term)
    for successes in range(1, trials + 1):
        short = at_most < 0.99
        if not short.any():
            break
        found[between] += short
        log_term += log_odds + math.log((trials - successes + 1) / successes)
        at_most += np.exp(log_term)
    return found.astype(np.int64)


def _usd_per_month(writes_per_s: N, lookups_per_s: N, entry_bytes: N, prices: Prices | None) -> N:
    prices = prices or list_prices()
    requests_usd_per_s = writes_per_s * (prices.usd_per_m_writes / 1e6) + lookups_per_s * (
        prices.usd_per_m_lookups / 1e6
    )
    return requests_usd_per_s * MONTH_S + entry_bytes * (prices.usd_per_gb_month / 1e9)


def _refuse_what_is_below_zero(given: Workload | Prices) -> None:
    for each in fields(given):
        value = getattr(given, each.name)
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{each.name} is {value:,}: choose 0 or more.")


def _index(thresholds: NDArray[np.int64], threshold: int) -> int:
    """Return where a threshold, or the next edge above it, stands. Raises ValueError for one below 0."""
    _refuse_below_zero(threshold)
    return min(int(np.searchsorted(thresholds, threshold)), thresholds.size - 1)


def _refuse_below_zero(threshold: int) -> None:
    if threshold < 0:
        raise ValueError(f"A threshold of {threshold:,} followers means nothing: choose 0 (pull everything) or more.")


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


def cost(graph: FollowerGraph, workload: Workload, threshold: int, prices: Prices | None = None) -> Cost:
    """Return what `threshold` costs; 0 pulls everything, the graph's largest follower count pushes everything.

    Everybody posts equally often and reads equally often. Raises ValueError for a threshold below 0.
    """
    _refuse_below_zero(threshold)
    pulled = graph.followers > threshold
    pushed_followers = graph.followers[~pulled]
    posts_per_account_s = workload.posts_per_s / graph.accounts
    pulled_follows = np.bincount(graph.readers[pulled[graph.authors]], minlength=graph.accounts)
    lookups = 1 + pulled_follows
    writes_per_s = float(pushed_followers.sum() * posts_per_account_s * workload.active_share)
    lookups_per_s = float(lookups.mean() * workload.reads_per_s)
    received = (graph.follows - pulled_follows) * (posts_per_account_s * MONTH_S)
    kept = float(np.minimum(received, workload.timeline_entries).sum() * workload.active_share)
    return Cost(
        threshold=int(threshold),
        pulled_accounts=int(pulled.sum()),
        writes_per_s=writes_per_s,
        lookups_per_s=lookups_per_s,
        slowest_delivery_s=float(pushed_followers.max(initial=0) * workload.active_share / workload.deliveries_per_s),
        p99_lookups=int(np.percentile(lookups, 99, method="higher")),
        stored_bytes=kept * workload.entry_bytes * workload.replicas,
        usd_per_month=_usd_per_month(writes_per_s, lookups_per_s, kept * workload.entry_bytes, prices),
    )


def thresholds(counts: FollowerGraph | int) -> list[int]:
    """Return the slider's positions: 0, the 1-2-5 series, and the largest follower count, of a graph or as given."""
    largest = counts if isinstance(counts, int) else int(counts.followers.max(initial=0))
    series = [step * 10**power for power in range(1, 10) for step in (1, 2, 5)]
    return [0, *(value for value in series if value < largest), *([largest] if largest > 0 else [])]


def lesson_workload() -> Workload:
    """Return the lesson's workload: Twitter's of 2012, and what 1 M followers in 3.5 s took then, rounded up."""
    return Workload(posts_per_s=4_600, reads_per_s=300_000, deliveries_per_s=300_000)


def exercise_workload() -> Workload:
    """Return the exercise's workload: a service of 50,000 accounts, with 65 timeline reads a post as in the lesson."""
    return Workload(posts_per_s=5, reads_per_s=325, deliveries_per_s=500)
