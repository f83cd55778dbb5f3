"""Caches that are filled by the keys which requests ask for: which reads they answer, and how many they should."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fortyfive.flow import draws
from fortyfive.flow.compiled import kernel

READ, WRITE, WRITE_PAST = range(3)
MISS, HIT, STALE = range(3)


@functools.lru_cache(maxsize=8)
def popularity(keys: int, skew: float) -> NDArray[np.float64]:
    """Return the share of requests for each of `keys` keys, the most popular first (Zipf's law), shape (keys,)."""
    weights: NDArray[np.float64] = np.arange(1, keys + 1, dtype=np.float64) ** -skew
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


@functools.lru_cache(maxsize=8)
def _cumulative(keys: int, skew: float) -> NDArray[np.float64]:
    return np.cumsum(popularity(keys, skew))


def zipf_keys(
    seed: int, stream: int, count: int, *, keys: int, skew: float, hottest: float = 0.0, attempt: int = 0
) -> NDArray[np.int64]:
    """Return the key of each of `count` requests, shape (count,); key 0 gets a share of `hottest` on top of its own."""
    index = np.arange(count)
    places = uniform_places(draws.uniform(seed, stream, index, attempt), hottest)
    return np.minimum(np.searchsorted(_cumulative(keys, skew), places, side="right"), keys - 1).astype(np.int64)


def uniform_places(level: NDArray[np.float64], hottest: float) -> NDArray[np.float64]:
    """Return the levels with a share of `hottest` of them at 0, and the others stretched over (0, 1) again."""
    return np.where(level < hottest, 0.0, (level - hottest) / (1 - hottest)) if hottest > 0 else level


@kernel("void(i8[::1], i8[::1], i8[::1], i8, i8, i8, i8, i8[::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def _serve(
    key: Any,
    at_ns: Any,
    what: Any,
    size: Any,
    ttl_ns: Any,
    fetch_ns: Any,
    coalesce: Any,
    newer: Any,
    older: Any,
    filled_ns: Any,
    written_ns: Any,
    answer: Any,
) -> None:
    """Let a least-recently-used cache answer; `newer` and `older` have one entry more than there are keys: the ends."""
    ends = len(newer) - 1
    held = 0
    for each in range(len(key)):
        k = key[each]
        now = at_ns[each]
        if what[each] != READ:
            written_ns[k] = now
        if what[each] == WRITE and filled_ns[k] >= 0:
            newer[older[k]] = newer[k]
            older[newer[k]] = older[k]
            filled_ns[k] = -1
            held -= 1
        if what[each] == READ:
            inside = filled_ns[k] >= 0
            if inside:
                newer[older[k]] = newer[k]
                older[newer[k]] = older[k]
            else:
                held += 1
            if inside and filled_ns[k] > now:
                answer[each] = HIT if coalesce == 1 else MISS
            elif inside and (ttl_ns == 0 or now - filled_ns[k] < ttl_ns):
                answer[each] = STALE if written_ns[k] > filled_ns[k] - fetch_ns else HIT
            else:
                answer[each] = MISS
                filled_ns[k] = now + fetch_ns
            # The youngest stands next to the ends on one side, the oldest on the other.
            newest = older[ends]
            older[k] = newest
            newer[newest] = k
            newer[k] = ends
            older[ends] = k
            if held > size:
                oldest = newer[ends]
                newer[ends] = newer[oldest]
                older[newer[oldest]] = ends
                filled_ns[oldest] = -1
                held -= 1


def lru(
    key: NDArray[np.int64],
    at_ns: NDArray[np.int64],
    what: NDArray[np.int64] | None = None,
    *,
    size: int,
    ttl_s: float | None = None,
    fetch_s: float = 0.0,
    coalesce: bool = False,
) -> NDArray[np.int64]:
    """Return how a least-recently-used cache of `size` entries answers each request: MISS, HIT or STALE, shape (n,).

    `key` and `at_ns` say which key is asked for and when, in the order of time; `what` is READ, WRITE (it goes through
    the cache, which forgets the key) or WRITE_PAST (the cache does not hear of it, and answers STALE from then on).
    What is missed is there `fetch_s` later; until then others who ask miss too (a stampede), or wait for it with
    `coalesce`, which counts as a hit. An entry is used for `ttl_s`.
    """
    count = int(key.max()) + 1 if key.size else 1
    newer, older = np.zeros(count + 1, dtype=np.int64), np.zeros(count + 1, dtype=np.int64)
    newer[count] = older[count] = count
    answer = np.zeros(key.size, dtype=np.int64)
    _serve(
        np.ascontiguousarray(key, dtype=np.int64),
        np.ascontiguousarray(at_ns, dtype=np.int64),
        np.zeros(key.size, dtype=np.int64) if what is None else np.ascontiguousarray(what, dtype=np.int64),
        int(size),
        0 if ttl_s is None else round(ttl_s * 1e9),
        round(fetch_s * 1e9),
        int(coalesce),
        newer,
        older,
        np.full(count, -1, dtype=np.int64),
        np.full(count, -1, dtype=np.int64),
        answer,
    )
    return answer


def che(shares: NDArray[np.float64], size: int) -> float:
    """Return the hit ratio of a least-recently-used cache of `size` entries, from the share of requests of each key.

    Che's approximation (H. Che, Y. Tung and Z. Wang, "Hierarchical Web Caching Systems", IEEE JSAC 20(7), 2002): each
    key stays for the same time T after its last request, and T is such that `size` keys are there on average.
    """
    if size >= shares.size:
        return 1.0
    low, high = 0.0, 1.0
    while _expected(shares, high) < size:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _expected(shares, middle) < size else (low, middle)
    return float(-(shares * np.expm1(-shares * high)).sum())


def _expected(shares: NDArray[np.float64], time: float) -> float:
    return float(-np.expm1(-shares * time).sum())
