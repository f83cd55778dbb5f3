"""What the event engine runs: clients, stations, the links between them, and what goes wrong when."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from itertools import pairwise
from statistics import NormalDist
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fortyfive.flow.events_loop import PRIORITIES
from fortyfive.flow.queue import MOST_SERVERS, require_count, whole_numbers

MOST_SPAN_S = 1e7
_MOST_SERVICE_S = 3_600.0
_MOST_QUEUE = 1_000_000_000
_MOST_WINDOW = 10_000
# The p99 of a lognormal distribution is at most exp(2.326 ** 2 / 2) = 14.97 times its mean.
_MOST_P99_OVER_MEAN = 14.9
_MOST_INSTANCES, _MOST_INSTANCES_IN_ALL = 1_000, 10_000
_MOST_FANOUT = 100_000
_MOST_MARKS = 2**62 - 1

Jitter = Literal["none", "full", "equal"]
Balance = Literal["random", "round_robin", "least", "two", "key", "spread"]


def require_within(value: float, low: float, high: float, what: str) -> None:
    """Raise ValueError unless the value is a number from `low` to `high`."""
    if not low <= value <= high:
        raise ValueError(f"The {what} is {value!r}: choose a number from {low:,} to {high:,}.")


@dataclass(frozen=True)
class Constant:
    """The same service time for everybody. Raises ValueError for a time below 0 or above an hour."""

    time_s: float

    def __post_init__(self) -> None:
        require_within(self.time_s, 0, _MOST_SERVICE_S, "service time in seconds")

    def quantiles_s(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the service time that each share of the jobs, within (0, 1), does not exceed."""
        return np.full(levels.shape, float(self.time_s))


@dataclass(frozen=True)
class Exponential:
    """Service times without memory. Raises ValueError for a mean that is not above 0, or above three minutes."""

    mean_s: float

    def __post_init__(self) -> None:
        require_within(self.mean_s, 1e-9, _MOST_SERVICE_S / 20, "mean service time in seconds")

    def quantiles_s(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the service time that each share of the jobs, within (0, 1), does not exceed."""
        return -self.mean_s * np.log1p(-levels)


@dataclass(frozen=True)
class Lognormal:
    """Service times with a long tail, given by mean and p99.

    The p99 is 1 to 14.9 times the mean: further out, no lognormal distribution has it. Raises ValueError otherwise.
    """

    mean_s: float
    p99_s: float

    def __post_init__(self) -> None:
        require_within(self.mean_s, 1e-9, _MOST_SERVICE_S / 100, "mean service time in seconds")
        require_within(self.p99_s / self.mean_s, 1, _MOST_P99_OVER_MEAN, "p99 of the service time over its mean")

    @property
    def sigma(self) -> float:
        """The standard deviation of the logarithm."""
        z99 = NormalDist().inv_cdf(0.99)
        # ln(p99 / mean) = sigma z99 - sigma ** 2 / 2, and of both solutions the smaller.
        return z99 - math.sqrt(max(z99**2 - 2 * math.log(self.p99_s / self.mean_s), 0.0))

    def quantiles_s(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the service time that each share of the jobs, within (0, 1), does not exceed."""
        sigma = self.sigma
        z = np.array([NormalDist().inv_cdf(level) for level in levels.tolist()])
        return np.minimum(self.mean_s * np.exp(sigma * z - sigma**2 / 2), _MOST_SERVICE_S)


@dataclass(frozen=True)
class Measured:
    """Service times as they were measured, in seconds: each is as likely as the others.

    Raises ValueError for no times, for more than a million, and for times below 0 or above an hour.
    """

    times_s: tuple[float, ...]

    def __post_init__(self) -> None:
        require_count(len(self.times_s), "measured service times", 1_000_000)
        require_within(min(self.times_s), 0, _MOST_SERVICE_S, "shortest service time in seconds")
        require_within(max(self.times_s), 0, _MOST_SERVICE_S, "longest service time in seconds")

    def quantiles_s(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the service time that each share of the jobs, within (0, 1), does not exceed."""
        return np.quantile(np.asarray(self.times_s, dtype=np.float64), levels, method="inverted_cdf")


Service = Constant | Exponential | Lognormal | Measured


@dataclass(frozen=True)
class RateLimit:
    """A token bucket in front of a station, which holds `burst` tokens: who finds none is rejected (HTTP 429)."""

    per_s: float
    burst: int = 1

    def __post_init__(self) -> None:
        require_within(self.per_s, 1e-3, 1e9, "rate limit in calls/s")
        require_count(self.burst, "tokens in the bucket", _MOST_QUEUE)


@dataclass(frozen=True)
class Station:
    """Servers behind one queue.

    A call waits for one of `servers`; where `buffer` of them wait already, it is rejected. Among the waiting the class
    of highest priority goes first, then the oldest, or with `lifo` the youngest. A server takes up to `batch` calls at
    once; each after the first adds `batch_item_s` to the service time. It then makes the station's own calls, and is
    held until they are answered.

    `shed_after_s` rejects whom it would serve after a longer wait. `drops_abandoned` passes over calls whose caller has
    given up; by default nobody tells the server. `rate_limit` rejects; `starts_per_s` delays instead.

    A share of `errors` of the calls fails after their service; a share of `crashes` of the services (or batches) ends
    with the server's death at a random moment. It is back after `restart_s`. The dice of a batch are those of its first
    call. The service of a request with one of the marks in the bit mask `fails_marked` always fails.

    There are `instances` of all this, each with its own servers, queue, rate limits and pace; the link that calls says
    by its `balance` which of them is meant. With `holds` false, a server is free again after its own service, while the
    calls of its job go on (a proxy driven by events); the job is finished when these are answered.
    """

    name: str
    servers: int
    service: Service
    buffer: int | None = None
    lifo: bool = False
    batch: int = 1
    batch_item_s: float = 0.0
    shed_after_s: float | None = None
    drops_abandoned: bool = False
    rate_limit: RateLimit | None = None
    starts_per_s: float | None = None
    errors: float = 0.0
    crashes: float = 0.0
    restart_s: float = 1.0
    instances: int = 1
    holds: bool = True
    fails_marked: int = 0

    def __post_init__(self) -> None:
        of = f"of '{self.name}'"
        require_count(self.servers, f"servers {of}", MOST_SERVERS)
        require_count(self.batch, f"calls in a batch {of}", MOST_SERVERS)
        _require_whole(self.buffer or 0, _MOST_QUEUE, f"buffer {of}")
        require_within(
            self.batch_item_s * (self.batch - 1), 0, _MOST_SERVICE_S, f"time in seconds that a batch {of} adds"
        )
        require_within(self.shed_after_s or 0, 0, MOST_SPAN_S, f"age in seconds for shedding {of}")
        require_within(
            1 if self.starts_per_s is None else self.starts_per_s, 1e-3, 1e9, f"rate of starts {of} in calls/s"
        )
        require_within(self.errors, 0, 1, f"share of errors {of}")
        require_within(self.crashes, 0, 1, f"share of crashes {of}")
        require_within(self.restart_s, 0, MOST_SPAN_S, f"restart time in seconds {of}")
        require_count(self.instances, f"instances {of}", _MOST_INSTANCES)
        _require_whole(self.fails_marked, _MOST_MARKS, f"mask of marks that fail {of}")


@dataclass(frozen=True)
class Backoff:
    """How long to wait before the next attempt: `base_s`, doubled with each one, at most `cap_s`.

    Jitter "none" waits so long, "full" a random share of it, "equal" half of it and a random share of the other half
    (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). A base of 0 does not wait.
    """

    base_s: float = 0.1
    cap_s: float = 20.0
    jitter: Jitter = "full"

    def __post_init__(self) -> None:
        require_within(self.base_s, 0, _MOST_SERVICE_S, "base of the back-off in seconds")
        require_within(self.cap_s, self.base_s, _MOST_SERVICE_S, "cap of the back-off in seconds")
        if self.jitter not in ("none", "full", "equal"):
            raise ValueError(f"The jitter is {self.jitter!r}: choose 'none', 'full' or 'equal'.")


@dataclass(frozen=True)
class RetryBudget:
    """A bucket of `burst` tokens, full at first: a retry takes one, and without one there is no retry.

    Each first try puts `per_try` tokens back (Finagle's budget), each success `per_success` (as in the AWS SDKs).
    """

    per_try: float = 0.1
    per_success: float = 0.0
    burst: float = 10.0

    def __post_init__(self) -> None:
        require_within(self.per_try, 0, 1_000, "tokens that a first try earns")
        require_within(self.per_success, 0, 1_000, "tokens that a success earns")
        require_within(self.burst, 1, 1e9, "tokens in the retry budget")


@dataclass(frozen=True)
class Retry:
    """How often a call is tried in all (None: for ever), how long it waits in between, and what limits all retries."""

    attempts: int | None = 3
    backoff: Backoff = field(default_factory=Backoff)
    budget: RetryBudget | None = None

    def __post_init__(self) -> None:
        require_count(1 if self.attempts is None else self.attempts, "attempts", _MOST_QUEUE)


@dataclass(frozen=True)
class Breaker:
    """A circuit breaker: it opens after failures, and then calls fail at once, without a retry.

    With a `window` it opens where, of the last so many calls, a share of `failures` failed; without one, where as many
    as `failures` failed in a row. After `cool_down_s` it lets `probes` calls through (half-open): all of them succeed
    and it closes, one fails and it opens again.
    """

    failures: float = 0.5
    window: int | None = 20
    cool_down_s: float = 5.0
    probes: int = 3

    def __post_init__(self) -> None:
        if self.window is None:
            require_count(self.failures, "failures in a row that open the breaker", _MOST_WINDOW)
        else:
            require_count(self.window, "calls in the breaker's window", _MOST_WINDOW)
            require_within(self.failures, 1e-6, 1, "share of failures that opens the breaker")
        require_within(self.cool_down_s, 0, MOST_SPAN_S, "cool-down of the breaker in seconds")
        require_count(self.probes, "probes of the breaker", _MOST_WINDOW)


@dataclass(frozen=True)
class _Use:
    """Which jobs use a link, in how many copies, and which instance of the target each copy goes to.

    A link is used by requests that have a mark in the bit mask `wanted` and one in `also_wanted` (0: by all), and none
    in `unwanted`; and by those jobs whose own draw lies in `share`: at or above its first number, below its second. A
    job has one such draw, the same for all links of its station: of (0.0, 0.6) and (0.6, 1.0) it uses exactly one.

    `fanout` copies go out at the same time, each with dice of its own. A link that is `together` goes out at the same
    time as the link before it of the same source, instead of after its answer. The caller goes on when all of these
    are answered or given up, and fails then if one that is not optional failed.

    `balance` chooses the instance of each attempt: at "random"; in turn ("round_robin"); the one with the "least"
    calls on their way to it or waiting, and servers at work; the better in this sense of "two" that are drawn (the
    power of two choices); by the request's "key" modulo the instances; or "spread", by the number of the copy. The
    first four pass over instances that are known to be out (`Outage.noticed_s`), unless all are.
    """

    source: str
    target: str
    _: KW_ONLY
    balance: Balance = "random"
    fanout: int = 1
    together: bool = False
    share: tuple[float, float] = (0.0, 1.0)
    wanted: int = 0
    also_wanted: int = 0
    unwanted: int = 0

    def __post_init__(self) -> None:
        of = f"of {self.source} -> {self.target}"
        if self.balance not in get_args(Balance):
            raise ValueError(f"The balance {of} is {self.balance!r}: choose from {', '.join(get_args(Balance))}.")
        require_count(self.fanout, f"copies {of}", _MOST_FANOUT)
        low, high = self.share
        require_within(low, 0, 1, f"beginning of the share {of}")
        require_within(high, low, 1, f"end of the share {of}")
        for name in ("wanted", "also_wanted", "unwanted"):
            _require_whole(getattr(self, name), _MOST_MARKS, f"mask `{name}` {of}")

    @property
    def asks_for_marks(self) -> bool:
        """Whether the link is used by some requests only, according to their marks."""
        return bool(self.wanted or self.also_wanted or self.unwanted)

    @property
    def used_by_all(self) -> bool:
        """Whether every job uses the link."""
        return not self.asks_for_marks and self.share == (0, 1)


@dataclass(frozen=True)
class Call(_Use):
    """A synchronous link: who calls holds its server until the answer is there.

    After `timeout_s` the caller gives up, and the work goes on for nobody. `bulkhead` is how many calls may be under
    way at once. A failed call fails its caller, unless it is `optional`: then the caller goes on without the answer.
    Each attempt spends `delay_s`, the network's round trip, before it arrives; the time-out covers it.
    """

    timeout_s: float | None = None
    retry: Retry | None = None
    breaker: Breaker | None = None
    bulkhead: int | None = None
    optional: bool = False
    delay_s: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.timeout_s is not None:
            require_within(self.timeout_s, 1e-6, MOST_SPAN_S, f"time-out of {name_of(self)} in seconds")
        require_count(1 if self.bulkhead is None else self.bulkhead, f"calls in the bulkhead of {name_of(self)}", 10**9)
        require_within(self.delay_s, 0, _MOST_SERVICE_S, f"delay of {name_of(self)} in seconds")


@dataclass(frozen=True)
class Queue(_Use):
    """An asynchronous link: the caller goes on as soon as the message waits at the target, whose servers are workers.

    A worker that takes a message hides it for `visibility_s`. What is not acknowledged by then comes back, also while a
    slow worker is still at it. After a failure the message comes back at that time too, or earlier, where a `backoff`
    with a base above 0 says so. Without a time-out it comes back when the worker fails or dies. What fails after
    `max_receives` is dead. Copies (`fanout`) are messages of their own.

    A full buffer rejects the message: this fails the caller, unless the link is `optional`.
    """

    visibility_s: float | None = 30.0
    max_receives: int | None = None
    backoff: Backoff = field(default_factory=lambda: Backoff(base_s=0.0))
    optional: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.visibility_s is not None:
            require_within(self.visibility_s, 1e-6, MOST_SPAN_S, f"visibility time-out of {name_of(self)} in seconds")
        require_count(1 if self.max_receives is None else self.max_receives, f"receives of {name_of(self)}", 10**9)


Link = Call | Queue


@dataclass(frozen=True)
class Surge:
    """A span of time in which `factor` times as many requests arrive."""

    start_s: float
    end_s: float
    factor: float

    def __post_init__(self) -> None:
        _require_span(self.start_s, self.end_s, "surge")
        require_within(self.factor, 1e-3, 1e3, "factor of a surge")


@dataclass(frozen=True)
class Client:
    """Where requests come from: a Poisson process of `rate_per_s`, or the times `at_ns`, sorted whole nanoseconds.

    Requests of priority 0 go before those of priority 1, up to 3. `surges` change the rate; they stand in the order
    of time and do not overlap.

    `marks` are bits that links and stations ask for, `keys` what the balance "key" goes by: each is one whole number
    for all requests or, with `at_ns`, one for each of them. Marks lie below 2**62.
    """

    name: str
    rate_per_s: float = 100.0
    surges: tuple[Surge, ...] = ()
    priority: int = 0
    at_ns: ArrayLike | None = None
    marks: ArrayLike = 0
    keys: ArrayLike = 0

    def __post_init__(self) -> None:
        require_within(self.rate_per_s, 1e-6, 1e9, f"rate of '{self.name}' in requests/s")
        _require_whole(self.priority, PRIORITIES - 1, f"priority of '{self.name}'")
        _require_apart([(each.start_s, each.end_s) for each in self.surges], f"surges of '{self.name}'")
        for values, what in ((self.marks, "marks"), (self.keys, "keys")):
            numbers = whole_numbers(np.atleast_1d(values), f"{what} of '{self.name}'")
            if np.ndim(values) and (self.at_ns is None or numbers.size != np.size(self.at_ns)):
                raise ValueError(
                    f"The client '{self.name}' has {numbers.size:,} {what}: give one whole number for all requests, or "
                    "`at_ns` and as many numbers as it has times."
                )
            if numbers.size and numbers.max() > _MOST_MARKS:
                raise ValueError(f"The {what} of '{self.name}' go up to {numbers.max():,}: keep them below 2**62.")


@dataclass(frozen=True)
class Outage:
    """The station or one `instance` of it is down: it refuses calls, or with `hangs` takes them in and starts nothing.

    What its servers have begun, they finish; refusing calls, they also serve those that wait. With `loses` they start
    nothing: calls that wait as the outage begins fail at once (messages stay in their queue, which outlives the
    workers), and what is in service fails at the end of its service, or when the call that it makes then is answered.

    From `noticed_s` after the start on, links that balance pass over the instance (None: nobody notices).
    """

    station: str
    start_s: float
    end_s: float
    hangs: bool = False
    instance: int | None = None
    loses: bool = False
    noticed_s: float | None = None

    def __post_init__(self) -> None:
        _require_span(self.start_s, self.end_s, f"outage of '{self.station}'")
        require_within(self.noticed_s or 0, 0, MOST_SPAN_S, f"time in seconds to notice the outage of '{self.station}'")


@dataclass(frozen=True)
class Degraded:
    """The station is up and bad: services that begin now take `slower` times as long, and a share of `errors` fails."""

    station: str
    start_s: float
    end_s: float
    slower: float = 1.0
    errors: float = 0.0

    def __post_init__(self) -> None:
        _require_span(self.start_s, self.end_s, f"bad time of '{self.station}'")
        require_within(self.slower, 0.001, 1_000, f"factor by which '{self.station}' is slower")
        require_within(self.errors, 0, 1, f"share of errors of '{self.station}'")


@dataclass(frozen=True)
class Fewer:
    """The station (its instance 0) has so many `servers` fewer: dead workers of a pool.

    Those in service finish: until then there may be more at work than are left.
    """

    station: str
    servers: int
    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        _require_span(self.start_s, self.end_s, f"time with fewer servers of '{self.station}'")
        require_count(self.servers, f"servers that '{self.station}' loses", MOST_SERVERS)


Trouble = Outage | Degraded | Fewer


@dataclass(frozen=True)
class System:
    """Clients and stations, the links between them, and the troubles to come.

    A station's own links are used one after the other, in the order in which they stand here, or at once where they are
    `together`. Two links may have the same ends, where they differ in something else. Troubles at one instance do not
    overlap, but those of different instances may, and each may overlap with `Fewer`. Raises ValueError for names that
    are missing or double, for links in a circle, and for a client that has not exactly one link, which all its requests
    use once.
    """

    clients: tuple[Client, ...]
    stations: tuple[Station, ...]
    links: tuple[Link, ...]
    troubles: tuple[Trouble, ...] = ()

    def __post_init__(self) -> None:
        clients, stations = [each.name for each in self.clients], [each.name for each in self.stations]
        for name in (names := clients + stations):
            if names.count(name) > 1:
                raise ValueError(f"The name '{name}' stands for two parts of the system: give each a name of its own.")
        for link in self.links:
            for end, known in ((link.source, names), (link.target, stations)):
                if end not in known:
                    raise ValueError(
                        f"{name_of(link)}: there is no {'station' if known is stations else 'client or station'} "
                        f"'{end}' here, only {', '.join(known) or 'none at all'}."
                    )
        if len(set(self.links)) < len(self.links):
            raise ValueError(
                "Two links have the same source and target, and are equal in all else: keep one of them, or give it a "
                "`fanout`."
            )
        for name in clients:
            if (count := sum(link.source == name for link in self.links)) != 1:
                raise ValueError(
                    f"The client '{name}' has {count} links: give it exactly one, to where it sends requests."
                )
        if not clients:
            raise ValueError("There is no client, so nothing would happen: give at least one.")
        if (instances := sum(each.instances for each in self.stations)) > _MOST_INSTANCES_IN_ALL:
            raise ValueError(
                f"The stations have {instances:,} instances in all: the engine takes {_MOST_INSTANCES_IN_ALL:,}."
            )
        self._require_no_circle()
        self._require_plain_starts()
        self._require_possible_troubles()

    def _require_plain_starts(self) -> None:
        """Raise ValueError unless a client's link is used once by all, and no source begins with a link `together`."""
        clients, seen = {each.name for each in self.clients}, set()
        for link in self.links:
            if link.source in clients and not (link.used_by_all and link.fanout == 1):
                raise ValueError(
                    f"{name_of(link)} has a share, a mask of marks or copies, and each request of a client is sent "
                    "once: put a station in between, which has such links."
                )
            if link.together and link.source not in seen:
                raise ValueError(f"{name_of(link)} is `together` with the link before it, and there is none.")
            seen.add(link.source)

    def _require_no_circle(self) -> None:
        left = list(self.links)
        while left:
            sources = {link.source for link in left}
            rest = [link for link in left if link.target in sources]
            if len(rest) == len(left):
                # Each target left has a link of its own, so following them ends in the circle.
                path = [left[0].source]
                while path[-1] not in path[:-1]:
                    path.append(next(link.target for link in left if link.source == path[-1]))
                circle = " -> ".join(path[path.index(path[-1]) :])
                raise ValueError(f"A request would go in a circle for ever: {circle}. Take one of these links out.")
            left = rest

    def _require_possible_troubles(self) -> None:
        """Raise ValueError for troubles at stations, instances or servers that are not there, or at the same time."""
        troubles: dict[str, list[Trouble]] = {each.name: [] for each in self.stations}
        for each in self.troubles:
            if each.station not in troubles:
                raise ValueError(
                    f"There is trouble at '{each.station}', and no such station: choose from {', '.join(troubles)}."
                )
            troubles[each.station].append(each)
        for station in self.stations:
            _require_possible(troubles[station.name], station)


def name_of(link: Link) -> str:
    """Return the name of a link, `source -> target`."""
    return f"{link.source} -> {link.target}"


def names_of(links: Sequence[Link]) -> list[str]:
    """Return a name for each link: `source -> target`, and `source -> target (2)` for the next one between the same."""
    names, seen = [], Counter[str]()
    for link in links:
        seen[name := name_of(link)] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _require_possible(troubles: Sequence[Trouble], station: Station) -> None:
    """Raise ValueError where two troubles of one instance overlap, or one is of an instance or servers not there."""
    whole, of_instance = [], defaultdict(list)
    for each in troubles:
        span = (each.start_s, each.end_s)
        if isinstance(each, Fewer):
            if each.servers > station.servers:
                raise ValueError(
                    f"'{station.name}' has {station.servers:,} servers, and cannot have {each.servers:,} fewer."
                )
        elif isinstance(each, Outage) and each.instance is not None:
            _require_whole(each.instance, station.instances - 1, f"instance of '{station.name}' that is out")
            of_instance[each.instance].append(span)
        else:
            whole.append(span)
    for spans in (whole, *([*whole, *own] for own in of_instance.values())):
        _require_apart(sorted(spans), f"troubles of '{station.name}'")


def _require_whole(value: float, high: int, what: str) -> None:
    if not 0 <= value <= high or value != value // 1:
        raise ValueError(f"The {what} is {value!r}: choose a whole number from 0 to {high:,}.")


def _require_span(start_s: float, end_s: float, what: str) -> None:
    if not 0 <= start_s < end_s <= MOST_SPAN_S:
        raise ValueError(
            f"The {what} lasts from {start_s} s to {end_s} s: it has to begin at 0 s or later, and then end."
        )


def _require_apart(spans: Sequence[tuple[float, float]], what: str) -> None:
    for (_, end), (start, _) in pairwise(spans):
        if start < end:
            raise ValueError(f"The {what} overlap: one begins at {start} s, before another ends at {end} s.")
