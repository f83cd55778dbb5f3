"""Measurements over independent seeds, held against theory."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev


def z_over_seeds(samples: Sequence[float], expected: float) -> float:
    """Return how many standard errors the mean of the samples, one a seed, lies from what theory expects.

    Samples that all agree have no standard error: then 0.0 where they are what is expected, and infinity where not.
    """
    assert len(samples) >= 20, "fewer than 20 seeds say nothing about a standard error"
    mean, error = fmean(samples), stdev(samples) / sqrt(len(samples))
    if error == 0.0:
        return 0.0 if mean == expected else float("inf")
    return (mean - expected) / error
