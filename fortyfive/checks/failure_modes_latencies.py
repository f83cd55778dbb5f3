"""Two thousand measured answer times of one provider, for part 1 of exercise 09: most are short, and a few are not."""

from __future__ import annotations

from math import exp
from statistics import NormalDist

from fortyfive.scenario.draws import Draws

COUNT = 2_000
MEDIAN_S = 0.09
# The spread of the logarithm: with 0.7 the p99.9 is nine times the median.
SIGMA = 0.7


def _times() -> list[float]:
    """Return the quantiles of a log-normal distribution, in a shuffled order."""
    times = [MEDIAN_S * exp(SIGMA * NormalDist().inv_cdf((number + 0.5) / COUNT)) for number in range(COUNT)]
    draws = Draws(9)
    return [round(time, 3) for _, time in sorted((draws.bits(), time) for time in times)]


LATENCIES_S = _times()
