"""Random draws by counter: the draw of a request depends on its name only, not on how many were drawn before it.

So two positions of a slider share their dice (common random numbers), and what differs between them is the slider.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def bits(seed: int, stream: int, index: ArrayLike, attempt: int = 0) -> NDArray[np.uint64]:
    """Return 64 random bits for each entry of `index`, an array of whole numbers from 0.

    `stream` tells apart what is drawn (1 for arrivals, 2 for service times, ...), `attempt` the tries of one request.
    SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), with the counter where its state would be.
    """
    key = np.zeros(1, dtype=np.uint64)
    for part in (seed, stream, attempt):
        key = _mix((key + np.uint64(part % 2**64)) * _GOLDEN + _GOLDEN)
    counter = np.atleast_1d(np.asarray(index, dtype=np.int64)).astype(np.uint64)
    return _mix(key + (counter + np.uint64(1)) * _GOLDEN)


def uniform(seed: int, stream: int, index: ArrayLike, attempt: int = 0) -> NDArray[np.float64]:
    """Return draws from the open interval (0, 1), one for each entry of `index`."""
    return ((bits(seed, stream, index, attempt) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def exponential_ns(seed: int, stream: int, index: ArrayLike, mean_ns: float, attempt: int = 0) -> NDArray[np.int64]:
    """Return exponential times with the given mean, in whole nanoseconds, one for each entry of `index`.

    Rounding takes away what the logarithms of different machines differ by.
    """
    return np.rint(-mean_ns * np.log(uniform(seed, stream, index, attempt))).astype(np.int64)


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = (value ^ (value >> np.uint64(30))) * _MIX_1
    value = (value ^ (value >> np.uint64(27))) * _MIX_2
    return value ^ (value >> np.uint64(31))
