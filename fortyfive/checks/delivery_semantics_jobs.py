"""A thousand measured times of one job, for part 8 of exercise 06: most are short, and a few are very long."""

from __future__ import annotations

from math import exp
from statistics import NormalDist

from fortyfive.scenario.draws import Draws

COUNT = 1_000
MEDIAN_S = 8.0
# The spread of the logarithm: with 0.9 the p99.9 is sixteen times the median.
SIGMA = 0.9


def _times() -> list[float]:
    """Return the quantiles of a log-normal distribution, in a shuffled order."""
    times = [MEDIAN_S * exp(SIGMA * NormalDist().inv_cdf((number + 0.5) / COUNT)) for number in range(COUNT)]
    draws = Draws(6)
    return [round(time, 1) for _, time in sorted((draws.bits(), time) for time in times)]


JOB_TIMES_S = _times()
