"""The fan-out engine at its full size: all thresholds in one pass, a slider's tick, and the memory that it takes."""

from __future__ import annotations

import dataclasses
import statistics
import subprocess
import sys

import numpy as np
import polars
from numpy.typing import NDArray

from benchmarks.row import Row, median_s, seconds
from fortyfive.flow.compiled import warm_up
from fortyfive.flow.fan_out import Costs, Sweep, Workload, sweep
from fortyfive.flow.population import population

WORKLOAD = Workload(posts_per_s=4_600, reads_per_s=300_000, deliveries_per_s=100_000)

PEAK = """
import resource, sys
from fortyfive.flow.fan_out import Workload, sweep
from fortyfive.flow.population import population
sweep(population(100_000_000).followers).costs(Workload(4_600, 300_000, 100_000))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def rows() -> list[Row]:
    """Measure after set-up, kernels compiled and population in memory, beside numpy on the same array."""
    peak_gb = _peak_gb()  # first: a child's peak begins with what its parent holds
    warm_up().join()
    followers = population(50_000_000, largest=25_000_000).followers
    swept = sweep(followers)
    _assert_same(swept.costs(WORKLOAD), _sorted_costs(followers, swept.thresholds))
    # By turns, so that a busy moment of the machine meets all three.
    series = polars.Series(followers)
    turns = [
        (
            seconds(lambda: sweep(followers).costs(WORKLOAD)),
            seconds(lambda: _sorted_costs(followers, swept.thresholds)),
            seconds(lambda: series.sort().cast(polars.Int64).cum_sum()),
        )
        for _ in range(7)
    ]
    all_s, numpy_s, polars_s = (statistics.median(each) for each in zip(*turns, strict=True))
    tick_s = median_s(lambda: swept.costs(WORKLOAD), 200)
    counted_s = median_s(lambda: _counted_cost(followers, 10_000), 3)
    return [
        Row(
            "fanout_all_thresholds_50m_ms",
            all_s * 1000,
            "ms",
            target=100,
            ratio=polars_s / all_s,
            against=f"polars sort + cumulative sum, times as long (numpy's, to the same costs: {numpy_s / all_s:.1f})",
        ),
        Row(
            "fanout_slider_tick_ms",
            tick_s * 1000,
            "ms",
            target=1,
            ratio=counted_s / tick_s,
            against="numpy on the raw array for one threshold, times as long",
        ),
        Row("fanout_100m_peak_gb", peak_gb, "GB", target=2),
    ]


def _sorted_costs(followers: NDArray[np.int32], thresholds: NDArray[np.int64]) -> Costs:
    """Return the same answer as a sweep's, from the sorted array and its running sum."""
    ordered = np.sort(followers)
    sums = np.cumsum(ordered, dtype=np.int64)
    # Thresholds of the array's own type: with another one, searchsorted would convert the whole array.
    pushed = np.searchsorted(ordered, thresholds.astype(np.int32), side="right")
    pushed_follows = np.where(pushed > 0, sums[pushed - 1], 0)
    largest_pushed = np.where(pushed > 0, ordered[pushed - 1], 0).astype(np.int64)
    accounts = followers.size
    return Sweep(
        accounts, thresholds, accounts - pushed, pushed_follows, sums[-1] - pushed_follows, largest_pushed
    ).costs(WORKLOAD)


def _counted_cost(followers: NDArray[np.int32], threshold: int) -> tuple[int, int, int]:
    pushed = followers[followers <= threshold]
    return pushed.size, int(pushed.sum(dtype=np.int64)), int(pushed.max(initial=0))


def _assert_same(ours: Costs, theirs: Costs) -> None:
    for column in dataclasses.fields(ours):
        assert np.array_equal(getattr(ours, column.name), getattr(theirs, column.name)), column.name


def _peak_gb() -> float:
    done = subprocess.run([sys.executable, "-c", PEAK], check=True, capture_output=True, text=True)
    return int(done.stdout) / 1e9
