"""Two thousand measured answer times of one provider, for part 1 of exercise 09: most are short, and a few are not."""

from __future__ import annotations

from fortyfive.checks.quantiles import measured_times

# With this spread the p99.9 is nine times the median.
LATENCIES_S = measured_times(2_000, median_s=0.09, sigma=0.7, seed=9, digits=3)
