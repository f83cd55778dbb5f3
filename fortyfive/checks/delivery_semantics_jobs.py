"""A thousand measured times of one job, for part 8 of exercise 06: most are short, and a few are very long."""

from __future__ import annotations

from fortyfive.checks.quantiles import measured_times

# With this spread the p99.9 is sixteen times the median.
JOB_TIMES_S = measured_times(1_000, median_s=8.0, sigma=0.9, seed=6, digits=1)
