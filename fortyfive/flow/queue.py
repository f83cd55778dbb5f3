"""G/G/c queues: requests wait in line for one of c servers, and their latencies become bands over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fortyfive.flow.compiled import Kernel, kernel

QUANTILES = (0.5, 0.95, 0.99)
MOST_SERVERS = 1_000_000
_NEVER_NS = 2**62
# The upper 18 bits of a float64 are its exponent and 64 steps an octave. Below this number they mean less than 1 ns.
_FIRST_BIN = 1023 * 64 - 1
_BINS = 64 * 64


@dataclass(frozen=True)
class Run:
    """What a queue did to its requests.

    `bands` are the latencies, from arrival to finish, as `bands()` returns them, `quantiles_s` those of the whole span.
    `mean_wait_s` is the time from arrival to start, `delayed_share` the share of requests that waited at all.
    `utilisation` is the work that was offered within the span, over what the servers could do in it: from 1.0 on, the
    queue grows for as long as the load lasts.
    """

    bands: NDArray[np.float64]
    quantiles_s: NDArray[np.float64]
    mean_wait_s: float
    delayed_share: float
    utilisation: float


def ggc(arrival_ns: ArrayLike, service_ns: ArrayLike, servers: int) -> NDArray[np.int64]:
    """Return when each request is finished, in ns, where `servers` serve them in the order of arrival.

    Both arrays have one entry a request; arrivals are sorted. Kiefer and Wolfowitz (1955): the next request starts at
    its arrival or when the first server is free, whichever is later, so the servers' free times are the whole state.
    Raises ValueError for times that are unsorted, negative or not whole, and for less than one server.
    """
    arrival, service = _requests(arrival_ns, service_ns, servers)
    finish = np.empty_like(arrival)
    serve(arrival, np.ones(arrival.size, dtype=np.int32), service, int(servers), finish)
    return finish


def serve(
    arrival: NDArray[np.int64],
    tasks: NDArray[np.int32],
    service: NDArray[np.int64],
    servers: int,
    finish: NDArray[np.int64],
) -> int:
    """Write when the last task of each job is finished to `finish`, in ns; return the work of these tasks, in ns.

    A job brings `tasks` tasks at its arrival, whose service times stand one behind the other. A job with -n tasks is
    left out: its n service times are passed over, its entry of `finish` stays. The arrays are not checked again.
    Raises ValueError for times that a clock in nanoseconds cannot hold.
    """
    last = int(arrival.max(initial=0))
    # The first bound is quick, and wide enough for almost everybody.
    if last + int(service.max(initial=0)) * service.size >= _NEVER_NS <= last + service.sum(dtype=np.float64):
        raise ValueError(
            "Arrivals and service times add up to more than 146 years, which a clock in whole nanoseconds cannot hold: "
            "are they really in nanoseconds?"
        )
    # More servers than tasks change nothing. The last entry ends the heap.
    free = np.zeros(min(servers, service.size) + 1, dtype=np.int64)
    free[-1] = _NEVER_NS
    return int(_run(_serve, arrival, tasks, service, free, finish))


def bands(
    at_ns: ArrayLike,
    latency_ns: ArrayLike,
    span_ns: int,
    buckets: int = 300,
    quantiles: Sequence[float] = QUANTILES,
) -> NDArray[np.float64]:
    """Return latency quantiles over time: seconds, shape (quantiles, buckets), NaN where a bucket is empty.

    The span from 0 to `span_ns` is cut into equal buckets, and a request belongs to that of `at_ns`, which is sorted;
    what comes after the span is left out. A quantile is the smallest latency that this share of the bucket does not
    exceed, read from a log-linear histogram with 64 bins an octave: at most 1/128 (0.8 %) off. Raises ValueError for
    unsorted, negative or fractional times, and for quantiles that do not rise within (0, 1].
    """
    at, latency = whole_numbers(at_ns, "arrival times (ns)"), whole_numbers(latency_ns, "latencies (ns)")
    if at.size != latency.size:
        raise ValueError(f"There are {at.size:,} times and {latency.size:,} latencies: each request needs one of both.")
    require_sorted(at)
    return bin_latencies(at, latency, span_ns, buckets, quantiles)[0]


def run(
    arrival_ns: ArrayLike,
    service_ns: ArrayLike,
    servers: int,
    span_ns: int,
    buckets: int = 300,
    quantiles: Sequence[float] = QUANTILES,
) -> Run:
    """Return what `ggc` and `bands` say about the requests, and their means.

    Raises ValueError as those two do, and where there is no request.
    """
    arrival, service = _requests(arrival_ns, service_ns, servers)
    if not arrival.size:
        raise ValueError("There are no requests, so there is nothing to measure: give at least one arrival.")
    latency = np.empty_like(arrival)
    work_ns = serve(arrival, np.ones(arrival.size, dtype=np.int32), service, int(servers), latency)
    latency -= arrival
    over_time, whole = bin_latencies(arrival, latency, span_ns, buckets, quantiles)
    late = np.searchsorted(arrival, span_ns)
    return Run(
        bands=over_time,
        quantiles_s=whole,
        mean_wait_s=(int(latency.sum()) - work_ns) / arrival.size / 1e9,
        delayed_share=int(np.count_nonzero(latency != service)) / arrival.size,
        utilisation=(work_ns - int(service[late:].sum())) / (int(servers) * int(span_ns)),
    )


def bin_latencies(
    at: NDArray[np.int64], latency: NDArray[np.int64], span_ns: int, buckets: int, quantiles: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what `bands` returns, and the same quantiles of the whole span; the arrays are not checked again."""
    require_count(span_ns, "nanoseconds in the span", _NEVER_NS)
    require_count(buckets, "buckets", 100_000)
    levels = np.asarray(quantiles, dtype=np.float64)
    if not levels.size or not ((levels > 0) & (levels <= 1)).all() or not (levels[1:] > levels[:-1]).all():
        raise ValueError(
            f"The quantiles are {tuple(quantiles)}: give rising numbers above 0 and up to 1, as 0.5, 0.99."
        )
    # In Python's whole numbers: the product does not fit into 64 bits for every span.
    edges = np.searchsorted(at, [-(-bucket * int(span_ns) // int(buckets)) for bucket in range(int(buckets) + 1)])
    sizes = np.append(np.diff(edges), edges[-1])
    # A hair less, because 0.07 * 100 is 7.000000000000001 in binary and would be rank 8.
    ranks = np.maximum(np.ceil(np.multiply.outer(sizes, levels) - 1e-6), 1).astype(np.int64).ravel()
    as_floats = latency.astype(np.float64).view(np.int64)
    counts, found = np.zeros(2 * _BINS, dtype=np.int32), np.full(ranks.size, -1, dtype=np.int64)
    _run(_histograms, edges.astype(np.int64), as_floats, ranks, counts, found)
    # The float64 with half a step more is the middle of the bin.
    middles = ((found + _FIRST_BIN << 46) + (1 << 45)).view(np.float64) / 1e9
    middles[found == 0] = 0.0
    middles[found < 0] = np.nan
    rows = middles.reshape(int(buckets) + 1, -1)
    return np.ascontiguousarray(rows[:-1].T), rows[-1]


def require_count(value: float, what: str, most: int) -> None:
    """Raise ValueError unless the value is a whole number from 1 to `most`."""
    if not 1 <= value <= most or value != value // 1:
        raise ValueError(f"The number of {what} is {value!r}: choose a whole number from 1 to {most:,}.")


def require_sorted(arrival: NDArray[np.int64]) -> None:
    """Raise ValueError unless each arrival time is at least the one before it."""
    if not (arrival[1:] >= arrival[:-1]).all():
        raise ValueError("The arrival times are not sorted, and requests are served in their order: sort them first.")


def whole_numbers(values: ArrayLike, what: str) -> NDArray[np.int64]:
    """Return an array that kernels take; raise ValueError unless it is a row of whole numbers from 0."""
    array = np.asarray(values)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise ValueError(
            f"The {what} have shape {array.shape} and type {array.dtype}, and a row of whole numbers is needed: "
            "round first, for example with np.rint(1e9 * seconds).astype(np.int64)."
        )
    array = np.require(array, np.int64, ["C", "W"])
    if array.size and array.min() < 0:
        raise ValueError(f"The {what} begin at {array.min():,}, and none can be below 0: shift or clip them.")
    return array


def _requests(
    arrival_ns: ArrayLike, service_ns: ArrayLike, servers: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    arrival, service = whole_numbers(arrival_ns, "arrival times (ns)"), whole_numbers(service_ns, "service times (ns)")
    if arrival.size != service.size:
        raise ValueError(
            f"There are {arrival.size:,} arrivals and {service.size:,} service times: each request needs one of both."
        )
    require_sorted(arrival)
    require_count(servers, "servers", MOST_SERVERS)
    return arrival, service


@kernel("i8(i8[::1], i4[::1], i8[::1], i8[::1], i8[::1])")
def _serve(arrival: Any, tasks: Any, service: Any, free: Any, finish: Any) -> Any:
    """Do what `serve` says; `free` is a binary heap of free times, with a last entry that is never reached."""
    servers = len(free) - 1
    work = 0
    begin = 0
    for job in range(len(arrival)):
        end = begin + abs(tasks[job])
        if tasks[job] > 0:
            at = arrival[job]
            last = at
            for task in range(begin, end):
                earliest = free[0]
                done = (at if at > earliest else earliest) + service[task]
                hole = 0
                child = 1
                while child < servers:
                    # The smaller child, without a branch that the processor would have to guess.
                    child += free[child + 1] < free[child]
                    earliest = free[child]
                    if earliest >= done:
                        break
                    free[hole] = earliest
                    hole = child
                    child = 2 * hole + 1
                free[hole] = done
                last = done if done > last else last
                work += service[task]
            finish[job] = last
        begin = end
    return work


@kernel("void(i8[::1], i8[::1], i8[::1], i4[::1], i8[::1])")
def _histograms(edges: Any, as_floats: Any, ranks: Any, counts: Any, found: Any) -> None:
    """Write to `found`, for each bucket and each of its ranks (rising), the bin of the latency of this rank.

    `as_floats` are the bits of the latencies as float64, whose upper 18 bits number the bins.
    Requests come bucket after bucket, so one row of `counts` serves all buckets; the row behind it sums them up for the
    whole span, whose ranks stand last.
    """
    buckets = len(edges) - 1
    each = len(ranks) // (buckets + 1)
    whole = len(counts) // 2
    for bucket in range(buckets + 1):
        low = len(counts)
        high = -1
        if bucket < buckets:
            for request in range(edges[bucket], edges[bucket + 1]):
                place = (as_floats[request] >> 46) - _FIRST_BIN
                place = place if place > 0 else 0
                counts[place] += 1
                low = place if place < low else low
                high = place if place > high else high
        else:
            low = 0
            high = whole - 1
        row = whole if bucket == buckets else 0
        seen = 0
        rank = bucket * each
        for place in range(low, high + 1):
            here = counts[row + place]
            if here > 0:
                seen += here
                counts[place] = 0
                counts[whole + place] += here
                while rank < (bucket + 1) * each and seen >= ranks[rank]:
                    found[rank] = place
                    rank += 1


def _run(kernel: Kernel[..., Any], *arrays: NDArray[Any]) -> Any:
    """Run a kernel that writes to the last of its arrays. Where Python runs it, lists are five times as fast."""
    if not kernel.left_to_python(*arrays):
        return kernel(*arrays)
    lists = [array.tolist() for array in arrays]
    result = kernel.python(*lists)
    arrays[-1][:] = lists[-1]
    return result
