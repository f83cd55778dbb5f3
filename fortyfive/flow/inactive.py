"""Push only to readers who came back lately: copies saved, against timelines that must be rebuilt."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fortyfive.flow import draws, memory

DAY_S = 24 * 3600
_STREAM = 40  # and the two behind it
_BYTES_PER_VISIT = 100


@dataclass(frozen=True, eq=False)
class InactiveCosts:
    """What each patience costs; arrays with one entry for each of `days`.

    Copies go to readers whose last visit is less than `days` ago. A reader who comes back later finds no timeline, and
    pays one lookup for each account that they follow. `slow_read_share` is the share of reads that are such rebuilds.
    """

    days: NDArray[np.float64]
    copies_per_s: NDArray[np.float64]
    rebuild_lookups_per_s: NDArray[np.float64]
    reads_per_s: NDArray[np.float64]
    slow_read_share: NDArray[np.float64]

    @property
    def work_per_s(self) -> NDArray[np.float64]:
        """Copies, lookups of rebuilds, and one lookup a read, all as dear as one another."""
        return self.copies_per_s + self.rebuild_lookups_per_s + self.reads_per_s


def visit_rates(
    readers: int = 50_000, *, visits_per_day_mean: float = 2, spread: float = 2, seed: int = 45
) -> NDArray[np.float64]:
    """Return how often each reader visits, in visits per day: lognormal, with the given mean over these readers.

    `spread` is the standard deviation of the logarithm. With the defaults, which are ours, the median reader visits
    0.27 times a day, and one in eight stays away for any given 30 days. Raises ValueError for numbers that describe no
    readers, NotEnoughMemoryError for too many of them.
    """
    _refuse("readers", readers, readers >= 1, "1 or more")
    _refuse("visits_per_day_mean", visits_per_day_mean, 0 < visits_per_day_mean < math.inf, "more than 0")
    _refuse("spread", spread, 0 <= spread <= 4, "0 (all alike) to 4")
    memory.require(_BYTES_PER_VISIT * readers, f"{readers:,} readers", "50,000 readers show the same curve.")
    reader = np.arange(readers)
    # Two uniform draws become a normal one (Box and Muller, 1958).
    radius = np.sqrt(-2 * np.log(draws.uniform(seed, _STREAM, reader)))
    normal = radius * np.cos(2 * math.pi * draws.uniform(seed, _STREAM + 1, reader))
    shape = np.exp(spread * normal)
    return np.asarray(shape * (visits_per_day_mean / shape.mean()))


def inactive_costs(
    days: ArrayLike,
    *,
    readers: int = 50_000,
    visits_per_day_mean: float = 2,
    spread: float = 2,
    follows_each: int = 50,
    posts_per_follow_per_day: float = 0.3,
    seed: int = 45,
) -> InactiveCosts:
    """Return what theory expects for each of `days`; the readers come from `visit_rates`, as Poisson processes.

    The last visit of a reader with rate r is less than D days ago with probability 1 - exp(-rD), and only then is the
    post of an account that they follow copied. The gap before a visit is D days or longer with probability exp(-rD),
    and then the visit is a rebuild. So a copy is worth making for readers who visit more often than an account that
    they follow posts. With the defaults the work is least at 3.6 days. Raises ValueError for a negative number of days.
    """
    patience = _patience(days)
    rates = visit_rates(readers, visits_per_day_mean=visits_per_day_mean, spread=spread, seed=seed)
    away = [np.exp(-rates * each) for each in patience]
    return _costs(
        patience,
        receiving=np.array([(1 - each).sum() for each in away]),
        rebuilds_per_day=np.array([(rates * each).sum() for each in away]),
        visits_per_day=float(rates.sum()),
        follows_each=follows_each,
        posts_per_follow_per_day=posts_per_follow_per_day,
    )


def simulate_visits(
    days: ArrayLike,
    *,
    span_days: float = 30,
    readers: int = 2_000,
    visits_per_day_mean: float = 2,
    spread: float = 2,
    follows_each: int = 50,
    posts_per_follow_per_day: float = 0.3,
    seed: int = 45,
) -> InactiveCosts:
    """Return what `inactive_costs` expects for the same readers, measured on visits drawn one by one over `span_days`.

    The visits have been going on for ever when the span begins. Raises ValueError for a negative number of days or a
    span that is not positive, NotEnoughMemoryError for more visits than fit.
    """
    patience = _patience(days)
    _refuse("span_days", span_days, 0 < span_days < math.inf, "more than 0")
    rates = visit_rates(readers, visits_per_day_mean=visits_per_day_mean, spread=spread, seed=seed)
    came, left = _visits(rates, span_days, seed)
    inside = came < span_days
    # From the visit at `left` until the next one at `came`, copies arrive for as long as patience lasts.
    until, since = np.minimum(came, span_days), np.maximum(left, 0)
    receiving = [np.maximum(np.minimum(until, left + each) - since, 0).sum() / span_days for each in patience]
    rebuilds = [np.count_nonzero(inside & (came - left >= each)) / span_days for each in patience]
    return _costs(
        patience,
        receiving=np.array(receiving),
        rebuilds_per_day=np.array(rebuilds),
        visits_per_day=np.count_nonzero(inside) / span_days,
        follows_each=follows_each,
        posts_per_follow_per_day=posts_per_follow_per_day,
    )


def _visits(rates: NDArray[np.float64], span_days: float, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each visit from day 0 on, up to the first behind the span, and the visit of the same reader before it."""
    expected = rates * span_days
    # Ten standard deviations and some: room for every visit inside the span.
    room = np.ceil(expected + 10 * np.sqrt(expected) + 20)
    memory.require(
        int(room.sum()) * _BYTES_PER_VISIT, f"{expected.sum():,.0f} visits", "Choose fewer readers or a shorter span."
    )
    slots = room.astype(np.int64)
    first = np.cumsum(slots) - slots
    waits = -np.log(draws.uniform(seed, _STREAM + 2, np.arange(slots.sum())))
    elapsed = np.cumsum(waits)
    came = (elapsed - np.repeat(elapsed[first], slots)) / np.repeat(rates, slots)
    left = np.concatenate([came[:1], came[:-1]])
    # The first draw of a reader is how long ago, at day 0, they were last here.
    left[first + 1] = -waits[first] / rates
    kept = left < span_days
    kept[first] = False
    return came[kept], left[kept]


def _patience(days: ArrayLike) -> NDArray[np.float64]:
    patience = np.atleast_1d(np.asarray(days, dtype=np.float64))
    if not (patience >= 0).all():
        raise ValueError("A number of days below 0 means nothing: choose 0 (no copies at all) or more.")
    return patience


def _costs(
    days: NDArray[np.float64],
    *,
    receiving: NDArray[np.float64],
    rebuilds_per_day: NDArray[np.float64],
    visits_per_day: float,
    follows_each: int,
    posts_per_follow_per_day: float,
) -> InactiveCosts:
    _refuse("follows_each", follows_each, follows_each >= 0, "0 or more")
    posts = posts_per_follow_per_day
    _refuse("posts_per_follow_per_day", posts, 0 <= posts < math.inf, "0 or more")
    return InactiveCosts(
        days=days,
        copies_per_s=receiving * (follows_each * posts / DAY_S),
        rebuild_lookups_per_s=rebuilds_per_day * (follows_each / DAY_S),
        reads_per_s=np.full(days.shape, visits_per_day / DAY_S),
        slow_read_share=rebuilds_per_day / visits_per_day if visits_per_day > 0 else np.zeros(days.shape),
    )


def _refuse(name: str, value: float, allowed: bool, choose: str) -> None:
    if not allowed:
        raise ValueError(f"{name} is {value:,}: choose {choose}.")
