"""What a component costs a month at dated list prices, line by line, each line with the source of its price."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from fortyfive.numbers import Fact, row, table

HOURS_PER_MONTH = 730
SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600

_PRICES = "prices.toml"


@dataclass(frozen=True)
class Line:
    """One amount of a bill; `key` is its `price(...)`, or "" where the design names the price itself."""

    what: str
    quantity: float
    unit: str
    unit_usd: float
    key: str

    @property
    def usd(self) -> float:
        """USD a month."""
        return self.quantity * self.unit_usd


@dataclass(frozen=True)
class Bill:
    """What one component costs a month."""

    kind: str
    lines: tuple[Line, ...]

    @property
    def usd(self) -> float:
        """USD a month, all lines together."""
        return sum(line.usd for line in self.lines)


def price(key: str) -> Fact:
    """Return one price, such as `price("s3.usd-per-gb-month")`; DynamoDB's are facts. Raises UnknownFact."""
    return row(key, _all_prices(), noun="price")


def prices() -> tuple[Fact, ...]:
    """Return the price table, sorted by key. DynamoDB's prices are in `facts()`."""
    return tuple(sorted(table(_PRICES).values(), key=lambda item: item.key))


@cache
def _all_prices() -> Mapping[str, Fact]:
    dynamodb = {key: fact for key, fact in table("facts.toml").items() if key.startswith("dynamodb.usd-per-")}
    return {**table(_PRICES), **dynamodb}


@dataclass(frozen=True)
class _Use:
    """What a component does in a month; `stored_gb` is on each machine."""

    machines: int
    reads: float
    writes: float
    payload_bytes: float
    stored_gb: float

    @property
    def requests(self) -> float:
        return self.reads + self.writes

    @property
    def moved_gb(self) -> float:
        return self.requests * self.payload_bytes / 1e9

    def pieces(self, kib: int) -> int:
        """Return how many pieces of that size a request is billed as: at least one."""
        return max(1, math.ceil(self.payload_bytes / (kib * 1024)))

    @property
    def lcu_hours(self) -> float:
        # Connections are taken to be kept open and reused, so that bytes or rules decide.
        return max(self.moved_gb, self.requests / (1000 * 3600))


@dataclass(frozen=True)
class _Meter:
    """A price and how much of it a month's use takes, in `unit`."""

    key: str
    unit: str
    quantity: Callable[[_Use], float]


def _hours(key: str) -> _Meter:
    return _Meter(key, "machine hours", lambda use: use.machines * HOURS_PER_MONTH)


def _millions(key: str) -> _Meter:
    return _Meter(key, "million requests", lambda use: use.requests / 1e6)


def _gb_per_machine(key: str) -> _Meter:
    return _Meter(key, "GB", lambda use: use.machines * use.stored_gb)


_COMPUTE = (_hours("compute.usd-per-h"),)

_METERS: dict[str, tuple[_Meter, ...]] = {
    "client": (),
    "dns": (_millions("route53.usd-per-m-queries"),),
    "cdn": (
        _millions("cloudfront.usd-per-m-requests"),
        _Meter("cloudfront.usd-per-gb", "GB sent", lambda use: use.moved_gb),
    ),
    "lb": (_hours("elb.usd-per-h"), _Meter("elb.usd-per-lcu-h", "LCU hours", lambda use: use.lcu_hours)),
    "gateway": (_millions("apigateway.usd-per-m-requests"),),
    "limiter": _COMPUTE,
    "service": _COMPUTE,
    "sockets": _COMPUTE,
    "cache": (_hours("elasticache.usd-per-h"),),
    # A message is sent, received and deleted, one at a time.
    "queue": (
        _Meter("sqs.usd-per-m-requests", "million requests", lambda use: 3 * use.requests * use.pieces(64) / 1e6),
    ),
    "stream": (_hours("msk.usd-per-h"), _gb_per_machine("msk.usd-per-gb-month")),
    "workers": _COMPUTE,
    "sql": (_hours("rds.usd-per-h"), _gb_per_machine("rds.usd-per-gb-month")),
    "kv": (
        _Meter("dynamodb.usd-per-m-reads", "million read units", lambda use: use.reads * use.pieces(4) / 1e6),
        _Meter("dynamodb.usd-per-m-writes", "million write units", lambda use: use.writes * use.pieces(1) / 1e6),
        _Meter("dynamodb.usd-per-gb-month", "GB", lambda use: use.stored_gb),
    ),
    "blob": (
        _Meter("s3.usd-per-k-gets", "thousand reads", lambda use: use.reads / 1e3),
        _Meter("s3.usd-per-k-puts", "thousand writes", lambda use: use.writes / 1e3),
        _Meter("s3.usd-per-gb-month", "GB", lambda use: use.stored_gb),
    ),
    "search": (_hours("opensearch.usd-per-h"), _gb_per_machine("opensearch.usd-per-gb-month")),
    "push": (_millions("sns.usd-per-m-publishes"), _millions("sns.usd-per-m-pushes")),
    "scheduler": (_millions("eventbridge.usd-per-m-invocations"),),
}

KINDS = tuple(_METERS)


def monthly_bill(
    kind: str,
    *,
    machines: int = 1,
    requests_per_s: float = 0,
    write_share: float = 0,
    payload_bytes: float = 0,
    stored_gb: float = 0,
    usd: float | None = None,
) -> Bill:
    """Return what a component of that type costs a month of 730 hours.

    `requests_per_s` is the average rate (of messages, for a queue); `payload_bytes` is what one request moves;
    `stored_gb` is kept on each machine of a sql, stream or search, and in all for a kv or blob. `usd` is the design's
    own price of a machine a month, in place of the list. Lines that come to nothing are left out. Raises ValueError.

    List prices: no volume discount and no free tier. Traffic between zones, backups and people are not counted. A
    message in a queue takes three requests, a read of a kv is strongly consistent, and dns, cdn, gateway, queue, kv,
    blob, push and scheduler are managed: they cost by use, whatever `machines` says.
    """
    if kind not in _METERS:
        near = difflib.get_close_matches(kind, _METERS, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"There is no price for a component of type {kind!r}. {hint}Types: {', '.join(KINDS)}.")
    given = {"machines": machines, "requests_per_s": requests_per_s, "payload_bytes": payload_bytes}
    for name, value in {**given, "stored_gb": stored_gb, "usd": usd or 0}.items():
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} is {value!r}; a bill needs a finite number that is zero or more.")
    if not 0 <= write_share <= 1:
        raise ValueError(f"write_share is {write_share!r}; a share lies between 0 and 1.")
    if usd is not None:
        return _bill(kind, (Line("A machine, at the design's own price.", machines, "machine months", usd, ""),))
    requests = requests_per_s * SECONDS_PER_MONTH
    writes = requests * write_share
    use = _Use(machines, requests - writes, writes, payload_bytes, stored_gb)
    return _bill(kind, (_line(meter, use) for meter in _METERS[kind]))


def _line(meter: _Meter, use: _Use) -> Line:
    listed = price(meter.key)
    return Line(listed.what, meter.quantity(use), meter.unit, listed.value, meter.key)


def _bill(kind: str, lines: Iterable[Line]) -> Bill:
    return Bill(kind, tuple(line for line in lines if line.usd > 0))
