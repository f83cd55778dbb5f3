"""The kinds of components a design is drawn from, and the parameters that they and their links take.

The default times and widths are round figures to begin a conversation with, not measurements of a product: a design
says its own where they matter. What a learner may type, what is checked, and what the drawing board offers are read
from these two tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["time", "count", "share", "rate", "money", "flag", "word", "words", "place"]

BALANCING = ("random", "round-robin", "least", "two")


@dataclass(frozen=True)
class Parameter:
    """A parameter as it is typed, `word=value`, and the field of `Component` or `Link` that holds it.

    `low` and `high` bound the value, in seconds, items, shares of 1, items per second, or USD a month. A "flag" is
    typed without a value, "words" are joined by `+`, a "place" is two whole numbers `x,y`.
    """

    word: str
    field: str
    unit: Unit
    what: str
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()


COMPONENT_PARAMETERS = (
    Parameter("time", "time_s", "time", "mean time that one request takes here", 1e-6, 60),
    Parameter("p99", "p99_s", "time", "99 of 100 requests take no longer than this here", 1e-6, 600),
    Parameter("slots", "slots", "count", "requests that one instance works on at once", 1, 100_000),
    Parameter("backlog", "backlog", "count", "requests that may wait at one instance before it rejects", 0, 10**7),
    Parameter("errors", "errors", "share", "share of requests that fail here", 0, 1),
    Parameter("rate", "rate_per_s", "rate", "requests a second that are let through", 1e-3, 1e8),
    Parameter("hit", "hit", "share", "share of reads that are answered here", 0, 1),
    Parameter("size", "size", "count", "entries that fit; the hit ratio then follows from the keys", 1, 10**7),
    Parameter("ttl", "ttl_s", "time", "how long an entry may be used before it is looked up again", 1e-3, 10**7),
    Parameter("coalesce", "coalesce", "flag", "of many misses on one key, one goes on and the others wait for it"),
    Parameter("batch", "batch", "count", "messages that a worker takes at once", 1, 10_000),
    Parameter("each", "each_s", "time", "time that each further message of a batch adds", 0, 60),
    Parameter("replicas", "replicas", "count", "copies beside the first, which serve reads and take over", 0, 100),
    Parameter("shards", "shards", "count", "parts that the keys are spread over", 1, 1_000),
    Parameter("lag", "lag_s", "time", "how long a write takes to reach the replicas, on average", 0, 3_600),
    Parameter("standby", "standby", "flag", "the replicas only take over; reads stay at the first copy"),
    Parameter("failover", "failover_s", "time", "time until a replica has taken over", 0, 3_600),
    Parameter("partitions", "partitions", "count", "parts of a stream: so many consumers can read at once", 1, 10_000),
    Parameter("limit", "limit", "count", "messages that may wait before new ones are rejected", 1, 10**9),
    Parameter("tries", "tries", "count", "deliveries of a message before it goes to the dead-letter queue", 1, 1_000),
    Parameter(
        "visibility", "visibility_s", "time", "how long a message is hidden once a worker has taken it", 1e-3, 43_200
    ),
    Parameter("connections", "connections", "count", "clients that one instance keeps connected", 1, 10**7),
    Parameter("policy", "policy", "word", "how requests are spread over instances", choices=BALANCING),
    Parameter("usd", "usd", "money", "price of one instance a month", 0, 10**7),
    Parameter("at", "at", "place", "where it stands on the drawing board", 0, 20_000),
)

LINK_PARAMETERS = (
    Parameter("fanout", "fanout", "count", "calls or messages that one request makes here", 1, 100_000),
    Parameter("share", "share", "share", "share of requests that go this way, and no other way with a share", 0, 1),
    Parameter("only", "only", "words", "which requests go this way: read, write, miss, or kinds of request by name"),
    Parameter("timeout", "timeout_s", "time", "after this the caller gives up", 1e-3, 3_600),
    Parameter("retry", "retry", "count", "further tries after one that failed", 0, 20),
    Parameter("breaker", "breaker", "flag", "a circuit breaker: calls fail at once while the target fails"),
    Parameter("optional", "optional", "flag", "the caller goes on without it where the call fails"),
    Parameter("together", "together", "flag", "goes out at the same time as the link before it"),
    Parameter("delay", "delay_s", "time", "round trip of the network", 0, 10),
)


@dataclass(frozen=True)
class Kind:
    """A kind of component: the word for it, other words for it, its defaults, and the parameters that mean anything.

    One instance works on `slots` requests at once (None: on all that come), each for `time_s` on average. With `holds`
    a slot stays taken while its request waits for an answer from further on. `keeps` says that it stores data,
    `hands_on` that whoever calls it goes on at once, and what follows happens later.
    """

    word: str
    title: str
    aliases: tuple[str, ...]
    what: str
    time_s: float
    slots: int | None
    parameters: tuple[str, ...]
    holds: bool = False
    keeps: bool = False
    hands_on: bool = False


_COMMON = ("time", "p99", "slots", "backlog", "errors", "rate", "usd", "at")
_STORE = (*_COMMON, "replicas", "standby", "shards", "lag", "failover")
_QUEUE = ("time", "limit", "tries", "visibility", "rate", "usd", "at")

_ALL = (
    Kind(
        "client",
        "client",
        ("user", "users", "clients", "browser", "mobile"),
        "where requests come from",
        0.0,
        None,
        ("at",),
    ),
    Kind("dns", "DNS", ("route53",), "tells a client where to connect", 0.001, None, ("time", "errors", "usd", "at")),
    Kind(
        "cdn",
        "CDN",
        ("edge", "cloudfront"),
        "a cache near the client",
        0.005,
        None,
        ("time", "p99", "errors", "hit", "size", "ttl", "coalesce", "usd", "at"),
    ),
    Kind(
        "lb",
        "load balancer",
        ("loadbalancer", "load-balancer", "load_balancer", "balancer", "alb", "nlb", "nginx", "haproxy"),
        "spreads requests over instances",
        0.0005,
        64,
        (*_COMMON, "policy"),
    ),
    Kind(
        "gateway",
        "API gateway",
        ("api-gateway", "api_gateway", "apigateway"),
        "checks who calls, and routes",
        0.002,
        64,
        (*_COMMON, "policy"),
    ),
    Kind(
        "limiter",
        "rate limiter",
        ("ratelimiter", "rate-limiter", "rate_limiter"),
        "rejects what is too much",
        0.0005,
        64,
        _COMMON,
    ),
    Kind(
        "service",
        "service",
        ("server", "microservice", "monolith"),
        "our own code",
        0.020,
        16,
        (*_COMMON, "policy"),
        holds=True,
    ),
    Kind(
        "sockets",
        "WebSocket tier",
        ("websocket", "websockets", "ws", "connections"),
        "keeps clients connected",
        0.001,
        64,
        (*_COMMON, "connections"),
    ),
    Kind(
        "cache",
        "cache",
        ("redis", "valkey", "memcached", "elasticache"),
        "answers what it has seen lately",
        0.0005,
        32,
        (*_COMMON, "hit", "size", "ttl", "coalesce"),
    ),
    Kind(
        "queue",
        "queue",
        ("sqs", "rabbitmq", "mq"),
        "holds messages until a worker takes them",
        0.005,
        None,
        _QUEUE,
        hands_on=True,
    ),
    Kind(
        "stream",
        "stream",
        ("kafka", "kinesis", "topic"),
        "keeps messages in order, for each reader",
        0.005,
        None,
        (*_QUEUE, "partitions"),
        hands_on=True,
    ),
    Kind(
        "workers",
        "worker pool",
        ("worker", "consumer", "consumers"),
        "works through messages",
        0.050,
        16,
        (*_COMMON, "batch", "each"),
        holds=True,
    ),
    Kind(
        "sql",
        "relational store",
        ("db", "database", "postgres", "postgresql", "mysql", "aurora", "rds", "rdbms"),
        "tables, transactions, one primary",
        0.005,
        16,
        _STORE,
        keeps=True,
    ),
    Kind(
        "kv",
        "key-value store",
        ("dynamodb", "dynamo", "cassandra", "scylla", "nosql"),
        "one item by its key, over many nodes",
        0.004,
        16,
        _STORE,
        keeps=True,
    ),
    Kind(
        "blob", "object store", ("s3", "objects", "bucket"), "large objects by name", 0.030, None, _COMMON, keeps=True
    ),
    Kind(
        "search",
        "search index",
        ("elasticsearch", "opensearch", "solr", "index"),
        "finds by words",
        0.030,
        16,
        _STORE,
        keeps=True,
    ),
    Kind(
        "push",
        "push provider",
        ("apns", "fcm", "sns", "provider"),
        "somebody else's way to a device",
        0.050,
        None,
        ("time", "p99", "slots", "errors", "rate", "usd", "at"),
    ),
    Kind(
        "scheduler",
        "scheduler",
        ("cron", "timer", "eventbridge"),
        "starts work later",
        0.005,
        None,
        _QUEUE,
        hands_on=True,
    ),
)

KINDS = {kind.word: kind for kind in _ALL}
# Every word that stands for a kind.
WORDS = {word: kind.word for kind in _ALL for word in (kind.word, *kind.aliases)}
