"""The event engine for systems where things fail: retries, time-outs, outages, breakers, redelivery, over time.

A `System` goes in, and an `EventRun` comes out. The clock counts whole nanoseconds, events at one time happen in the
order in which they were caused, and the dice of a job depend on the seed, the station, the request and the try only: so
two runs of different systems share their dice, and what differs between them is the system.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fortyfive.flow import draws
from fortyfive.flow import events_loop as rows
from fortyfive.flow.events_model import (
    MOST_SPAN_S,
    Backoff,
    Balance,
    Breaker,
    Call,
    Client,
    Constant,
    Degraded,
    Exponential,
    Fewer,
    Link,
    Lognormal,
    Measured,
    Outage,
    Queue,
    RateLimit,
    Retry,
    RetryBudget,
    Service,
    Station,
    Surge,
    System,
    Trouble,
    names_of,
    require_within,
)
from fortyfive.flow.events_tables import Tables, ordered_links, require_memory
from fortyfive.flow.queue import QUANTILES, bin_latencies, require_count, require_sorted, whole_numbers

__all__ = [
    "Backoff",
    "Balance",
    "Breaker",
    "Call",
    "Client",
    "Constant",
    "Degraded",
    "EventRun",
    "Exponential",
    "Fewer",
    "Link",
    "LinkRun",
    "Lognormal",
    "Measured",
    "Outage",
    "Queue",
    "RateLimit",
    "Retry",
    "RetryBudget",
    "Service",
    "Station",
    "StationRun",
    "Surge",
    "System",
    "Trouble",
    "simulate",
]

MOST_EVENTS = 50_000_000
_ARRIVALS = 60
_MOST_REQUESTS = 2**31
# What one request takes in all arrays, and while they are prepared.
_REQUEST_BYTES = 120


@dataclass(frozen=True)
class StationRun:
    """What happened at a station, in each bucket of time.

    `calls` came in, of which `rejected` were turned away at the door and `shed` after a wait that was too long.
    `finished` and `failed` left the servers (or an outage took them out of the queue: they failed too), and `wasted` of
    these two had a caller who had given up. `crashes` counts
    services that ended with the server's death, `busy` is the mean number of servers at work. `queued` and `oldest_s`
    are read at the end of the bucket: how many wait, and since when the oldest of them does. All this is of the
    station's instances together; `busiest` is the greatest mean number of servers at work at any one of them.
    """

    calls: NDArray[np.int64]
    finished: NDArray[np.int64]
    failed: NDArray[np.int64]
    rejected: NDArray[np.int64]
    shed: NDArray[np.int64]
    wasted: NDArray[np.int64]
    crashes: NDArray[np.int64]
    busy: NDArray[np.float64]
    queued: NDArray[np.int64]
    oldest_s: NDArray[np.float64]
    busiest: NDArray[np.float64]


@dataclass(frozen=True)
class LinkRun:
    """What happened on a link, in each bucket of time.

    `attempts` counts all tries, with those that breaker or bulkhead `refused`; `retries` the second and later ones (of
    a message: its redeliveries); `timeouts` those that ended so (of a message: visibility time-outs). `succeeded` and
    `given_up` say how calls ended after all tries, `without_budget` how many would have had one more. A message that is
    given up is dead. `breaker_open` is read at the end of the bucket (half-open counts as closed).
    """

    attempts: NDArray[np.int64]
    retries: NDArray[np.int64]
    timeouts: NDArray[np.int64]
    refused: NDArray[np.int64]
    without_budget: NDArray[np.int64]
    succeeded: NDArray[np.int64]
    given_up: NDArray[np.int64]
    breaker_open: NDArray[np.bool_]


@dataclass(frozen=True)
class EventRun:
    """What a system did within the span.

    Each of the requests that `arrived` is in exactly one of the other counts: `served` (answered, and no message of it
    is left), `rejected`, `timed_out` or `failed` (what the last try of the client met), `dead` (answered, but a message
    of it was given up), `in_flight` (the rest). `stations` and `links` go by name; a link's is `source -> target`, and
    `source -> target (2)` for a second one between the same ends.

    `cut_short` says that the limit of events was reached, at `reached_s`: everything after that is missing.
    `at_ns`, `client`, `answered_ns` and `settled_ns` have one entry a request: when it came and from which client, when
    the client had a good answer, and when its last message had been acknowledged, or -1. `outcome` is how the client's
    call ended, as `events_loop` numbers it (IN_FLIGHT, SERVED, REJECTED, ...), `lost_messages` how many of its messages
    were given up.
    """

    arrived: int
    served: int
    rejected: int
    timed_out: int
    failed: int
    dead: int
    in_flight: int
    stations: Mapping[str, StationRun]
    links: Mapping[str, LinkRun]
    buckets: int
    span_ns: int
    reached_s: float
    events: int
    cut_short: bool
    at_ns: NDArray[np.int64]
    client: NDArray[np.int64]
    answered_ns: NDArray[np.int64]
    settled_ns: NDArray[np.int64]
    outcome: NDArray[np.int64]
    lost_messages: NDArray[np.int64]

    @property
    def bucket_s(self) -> float:
        """How long a bucket is."""
        return self.span_ns / self.buckets / 1e9

    @functools.cached_property
    def offered(self) -> NDArray[np.int64]:
        """How many requests arrived in each bucket."""
        return self._per_bucket(self.at_ns)

    @functools.cached_property
    def goodput(self) -> NDArray[np.int64]:
        """How many requests got a good answer in each bucket."""
        return self._per_bucket(self.answered_ns)

    @functools.cached_property
    def settled(self) -> NDArray[np.int64]:
        """How many requests were done with in each bucket: answered, and their last message acknowledged."""
        return self._per_bucket(self.settled_ns)

    @functools.cached_property
    def bands(self) -> NDArray[np.float64]:
        """Quantiles 0.5, 0.95 and 0.99 of the time to a good answer, in s over the time of arrival; NaN without any."""
        return self._latencies(self.answered_ns)[0]

    @functools.cached_property
    def quantiles_s(self) -> NDArray[np.float64]:
        """The same quantiles over all requests with a good answer."""
        return self._latencies(self.answered_ns)[1]

    @functools.cached_property
    def settled_bands(self) -> NDArray[np.float64]:
        """The same of the time to the last acknowledged message."""
        return self._latencies(self.settled_ns)[0]

    def _latencies(self, done_ns: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        good = done_ns >= 0
        at = self.at_ns[good]
        return bin_latencies(at, done_ns[good] - at, self.span_ns, self.buckets, QUANTILES)

    def _per_bucket(self, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        places = np.searchsorted(_edges(self.span_ns, self.buckets), times_ns[times_ns >= 0], side="right")
        return np.bincount(places, minlength=self.buckets)


def simulate(
    system: System, *, span_s: float, seed: int = 45, buckets: int = 300, most_events: int = MOST_EVENTS
) -> EventRun:
    """Run the system from 0 to `span_s`; what is not finished by then is in flight.

    The span is cut into `buckets` equal parts. After `most_events` the run is cut short. Raises ValueError for a span
    or a number that makes no sense, NotEnoughMemoryError for more requests, or longer queues, than fit.
    """
    require_within(span_s, 1e-6, MOST_SPAN_S, "span in seconds")
    require_count(buckets, "buckets", 100_000)
    require_count(most_events, "events", 10**12)
    span_ns = round(span_s * 1e9)
    at_ns, client = _arrivals(system.clients, span_ns, seed)
    tables = Tables.of(system, at_ns, client, _edges(span_ns, int(buckets)), seed)
    tables.run(int(most_events))
    return _result(system, tables, client, span_ns, int(buckets))


def _arrivals(clients: tuple[Client, ...], span_ns: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the time of each request, sorted, and its client."""
    times = [_arrivals_of(each, span_ns, seed, number) for number, each in enumerate(clients)]
    if len(times) == 1:
        return times[0], np.zeros(times[0].size, dtype=np.int64)
    at_ns = np.concatenate(times)
    client = np.repeat(np.arange(len(times)), [each.size for each in times])
    order = np.argsort(at_ns, kind="stable")
    return at_ns[order], client[order]


def _arrivals_of(client: Client, span_ns: int, seed: int, number: int) -> NDArray[np.int64]:
    if client.at_ns is not None:
        at_ns = whole_numbers(client.at_ns, f"arrival times of '{client.name}' (ns)")
        require_sorted(at_ns)
        return at_ns[: np.searchsorted(at_ns, span_ns)]
    # Time runs faster within a surge: the process is drawn on a clock of its own, which is then bent.
    ends = [0, *(round(end * 1e9) for each in client.surges for end in (each.start_s, each.end_s))]
    factors = [1.0, *(factor for each in client.surges for factor in (each.factor, 1.0))]
    own = np.cumsum([0.0, *(step * factor for step, factor in zip(np.diff(ends).tolist(), factors, strict=False))])
    last = np.searchsorted(ends, span_ns, side="right") - 1
    span_own_ns = own[last] + (span_ns - ends[last]) * factors[last]
    mean = span_own_ns * client.rate_per_s / 1e9
    # Ten standard deviations more than the mean: the draws reach past the span.
    drawn = int(mean + 10 * mean**0.5 + 10)
    require_count(drawn, "requests", _MOST_REQUESTS)
    require_memory(drawn * _REQUEST_BYTES, f"{drawn:,} requests")
    index = np.arange(drawn)
    at_ns = np.cumsum(draws.exponential_ns(seed, _ARRIVALS, index, 1e9 / client.rate_per_s, number))
    if client.surges:
        piece = np.searchsorted(own, at_ns, side="right") - 1
        bent = np.rint((at_ns - own[piece]) / np.asarray(factors)[piece])
        at_ns = np.asarray(ends)[piece] + bent.astype(np.int64)
    return at_ns[: np.searchsorted(at_ns, span_ns)]


def _result(system: System, tables: Tables, client: NDArray[np.int64], span_ns: int, buckets: int) -> EventRun:
    state = tables.state
    arrived = int(state[rows.STATE_NEXT])
    status, answered_ns, settled_ns = tables.request.reshape(-1, rows.R_SIZE)[:arrived].T
    outcome = status & rows.STATUS_OUTCOME
    good = outcome == rows.SERVED
    done = status == rows.SERVED
    served, dead = int(np.count_nonzero(done)), int(np.count_nonzero(good & (status >= rows.STATUS_DEAD)))
    rejected, timed_out, failed = (
        int(np.count_nonzero(outcome == each)) for each in (rows.REJECTED, rows.TIMED_OUT, rows.FAILED)
    )
    table = tables.counts.reshape(buckets, -1).T.copy()
    stations, links = {}, {}
    for number, each in enumerate(system.stations):
        stations[each.name] = _station_run(table[number * rows.STATION_COUNTS :], span_ns / buckets)
    for number, name in enumerate(names_of(ordered_links(system))):
        begin = len(system.stations) * rows.STATION_COUNTS + number * rows.LINK_COUNTS
        links[name] = _link_run(table[begin:])
    finished = bool(state[rows.STATE_BUCKET] == buckets)
    return EventRun(
        arrived=arrived,
        served=served,
        rejected=rejected,
        timed_out=timed_out,
        failed=failed,
        dead=dead,
        in_flight=arrived - served - rejected - timed_out - failed - dead,
        stations=stations,
        links=links,
        buckets=buckets,
        span_ns=span_ns,
        reached_s=(span_ns if finished else int(state[rows.STATE_NOW])) / 1e9,
        events=int(state[rows.STATE_EVENTS]),
        cut_short=not finished,
        at_ns=tables.arrival[:arrived],
        client=client[:arrived],
        answered_ns=np.where(good, answered_ns, -1),
        settled_ns=np.where(done, settled_ns, -1),
        outcome=outcome,
        lost_messages=status // rows.STATUS_DEAD,
    )


def _station_run(cells: NDArray[np.int64], bucket_ns: float) -> StationRun:
    return StationRun(
        calls=cells[rows.COUNT_CALLS],
        finished=cells[rows.COUNT_FINISHED],
        failed=cells[rows.COUNT_FAILED],
        rejected=cells[rows.COUNT_REJECTED],
        shed=cells[rows.COUNT_SHED],
        wasted=cells[rows.COUNT_WASTED],
        crashes=cells[rows.COUNT_CRASHES],
        busy=cells[rows.COUNT_BUSY_NS] / bucket_ns,
        queued=cells[rows.COUNT_QUEUED],
        oldest_s=cells[rows.COUNT_AGE_NS] / 1e9,
        busiest=cells[rows.COUNT_BUSIEST_NS] / bucket_ns,
    )


def _link_run(cells: NDArray[np.int64]) -> LinkRun:
    return LinkRun(
        attempts=cells[rows.COUNT_ATTEMPTS],
        retries=cells[rows.COUNT_RETRIES],
        timeouts=cells[rows.COUNT_TIMEOUTS],
        refused=cells[rows.COUNT_REFUSED],
        without_budget=cells[rows.COUNT_NO_BUDGET],
        succeeded=cells[rows.COUNT_SUCCEEDED],
        given_up=cells[rows.COUNT_GIVEN_UP],
        breaker_open=cells[rows.COUNT_BREAKER] == rows.OPEN,
    )


def _edges(span_ns: int, buckets: int) -> NDArray[np.int64]:
    # In Python's whole numbers: the product does not fit into 64 bits for every span.
    return np.array([-(-(bucket + 1) * span_ns // buckets) for bucket in range(buckets)], dtype=np.int64)
