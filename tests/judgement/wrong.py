"""Designs that are wrong in one way each: a small change of a reference, and the rule that has to find it."""

from dataclasses import dataclass

from tests.judgement.reference import REFERENCES

ONE_POOL, TWO, SHORT, APART, SHOP, _ = REFERENCES


@dataclass(frozen=True)
class Wrong:
    """A reference in which `old` is `new`. The finding of `rule` is about `subject`, and says all of `words`."""

    name: str
    of: str
    changes: tuple[tuple[str, str], ...]
    rule: str
    subject: str
    words: tuple[str, ...]

    @property
    def prompt(self):
        return REFERENCES[self.of][0]

    @property
    def text(self):
        text = REFERENCES[self.of][1]
        for old, new in self.changes:
            assert text.count(old) == 1, f"{self.name}: {old!r} stands {text.count(old)} times in the reference"
            text = text.replace(old, new)
        return text


SENT = "queue [limit=1M, tries=5] ->[fanout=4] workers x20 -> apns"

WRONG = (
    Wrong(
        "all the right boxes, and too few of them",
        ONE_POOL,
        (("notify x4 [backlog=20]", "notify x1 [backlog=20, slots=8]"),),
        "promise",
        "notify",
        ("within 200 ms at p99", "Full first: notify"),
    ),
    Wrong(
        "workers that are slower than what comes",
        ONE_POOL,
        (("workers x20", "workers x5"),),
        "promise",
        "notify",
        ("promised within 10.0 s", "is done in time for", "Full first: workers"),
    ),
    Wrong(
        "workers that are slower by a little, which a short run hides",
        ONE_POOL,
        (("workers x20", "workers x12"),),
        "promise",
        "queue",
        ("grows for as long as the load lasts", "after an hour"),
    ),
    Wrong(
        "calls that fail on an ordinary day",
        ONE_POOL,
        (("-> kv ", "-> kv [errors=0.4%] "), ("[retry=3] ", "")),
        "promise",
        "notify",
        ("get no good answer, on an ordinary day", "got an error"),
    ),
    Wrong(
        "nothing is stored",
        ONE_POOL,
        (("notify -> kv", ""),),
        "missing path",
        "notify",
        ("reaches no relational store or key-value store", "device tokens"),
    ),
    Wrong(
        "a store that a request can do without",
        ONE_POOL,
        (("notify -> kv ", "notify ->[optional] kv "),),
        "missing path",
        "notify",
        ("counts as served where it has reached no relational store", "Optional on its way: notify -> kv."),
    ),
    Wrong(
        "a store that hardly anybody asks",
        SHORT,
        (("-> links:kv x4", "->[share=0.1] links:kv"),),
        "missing path",
        "follow",
        ("Of 'follow' 10% are sure to reach", "shares make less than 100 %"),
    ),
    Wrong(
        "a few messages less",
        ONE_POOL,
        (("notify -> queue", "notify ->[share=93%] queue"),),
        "missing path",
        "notify",
        ("Of 'notify' 93% are sure to reach a push provider",),
    ),
    Wrong(
        "an answer that does not wait for what it is about",
        SHORT,
        (("-> links:kv x4", "~> links:kv x4"),),
        "missing path",
        "follow",
        ("is answered before it has reached a relational store", "nobody waits for"),
    ),
    Wrong(
        "a write that is on its way when the answer says that it is done",
        APART,
        (("create -> links", "create -> writes:queue [limit=100k, tries=5] -> writer:workers x2 -> links"),),
        "missing path",
        "shorten",
        ("is answered before it has reached a relational store", "or a queue"),
    ),
    Wrong(
        "a cache that may fail in front of the only way to the store",
        SHORT,
        (("-> links:kv x4", "->[optional] cache x3 [size=20k, coalesce] -> links:kv x4"),),
        "missing path",
        "follow",
        ("Optional on its way: shorten -> cache.",),
    ),
    Wrong(
        "two readers, of which each gets a part of the messages",
        ONE_POOL,
        (("workers x20 -> apns", "workers x20 -> apns\n queue ->[fanout=4] archive:workers x20 -> blob"),),
        "missing path",
        "notify",
        ("are sure to reach a push provider", "off the same queue"),
    ),
    Wrong(
        "a pool for each provider, and half of the messages for each pool",
        ONE_POOL,
        (
            (
                "->[fanout=4] workers x20 -> apns",
                "->[fanout=2] a:workers x10 -> apns\n queue ->[fanout=2] b:workers -> fcm",
            ),
        ),
        "missing path",
        "notify",
        ("and became 2.0", "'queue' gives each message to one of its readers"),
    ),
    Wrong(
        "a client without a way",
        ONE_POOL,
        (("client -> gateway", "phone:client -> help:service\n client -> gateway"),),
        "missing path",
        "notify",
        ("Of 'notify' 50% are sure to reach a push provider",),
    ),
    Wrong(
        "a limit that nobody will ever see",
        ONE_POOL,
        (("limit=1M", "limit=1000M"),),
        "unbounded queue",
        "queue",
        ("1,000,000,000 messages", "full after 23 days"),
    ),
    Wrong(
        "a thousand tries",
        ONE_POOL,
        (("tries=5", "tries=1000"),),
        "no dead letter",
        "queue",
        ("is tried 1,000 times", "100% more work"),
    ),
    Wrong(
        "a balancer that looks for who is idle, and finds the dead one",
        ONE_POOL,
        (("gateway ->", "gateway [policy=least] ->"),),
        "single point of failure",
        "notify",
        ("cannot spare one", "'gateway' looks for who has little to do", "looks idle"),
    ),
    Wrong(
        "a stream with few parts",
        ONE_POOL,
        (("queue [limit=1M, tries=5]", "stream x3 [limit=1M, tries=5, partitions=32]"),),
        "promise",
        "notify",
        ("'stream' is read in 32 parts by key",),
    ),
    Wrong(
        "one device instead of four",
        ONE_POOL,
        (("[fanout=4] ", ""),),
        "missing path",
        "notify",
        ("has to become 4", "became 1.0"),
    ),
    Wrong(
        "the queue calls the provider by itself",
        ONE_POOL,
        (("workers x20 -> apns", "apns"),),
        "missing path",
        "queue",
        ("a push provider reads no queue", "worker pool"),
    ),
    Wrong(
        "the provider is called while the caller waits",
        ONE_POOL,
        ((f"notify -> {SENT}", "notify ->[fanout=4] apns"),),
        "synchronous",
        "notify",
        ("waits for 'apns'", "20 times as slow"),
    ),
    Wrong(
        "both providers are called while the caller waits",
        TWO,
        (
            ("api ->[fanout=4] work:queue [limit=500k, tries=4, visibility=10s]", ""),
            ("work -> senders:workers x20", ""),
            ("senders ->[share=0.6, timeout=2s] apns", "api ->[share=0.6, fanout=4] apns"),
            ("senders ->[share=0.4, timeout=2s] fcm", "api ->[share=0.4, fanout=4] fcm"),
        ),
        "synchronous",
        "notify",
        ("waits for 'apns' and 'fcm'",),
    ),
    Wrong(
        "one large machine",
        ONE_POOL,
        (("notify x4 [backlog=20]", "notify x1 [backlog=80, slots=64]"),),
        "single point of failure",
        "notify",
        ("'notify' is alone", "99.9% are promised", "every way goes through it"),
    ),
    Wrong(
        "a balancer of one's own, alone",
        SHORT,
        (("client -> lb ", "client -> lb x1 "),),
        "single point of failure",
        "lb",
        ("'lb' is alone", "'follow' were answered"),
    ),
    Wrong(
        "nobody tries again while a dead instance is not noticed",
        ONE_POOL,
        (("[retry=3] ", ""),),
        "single point of failure",
        "notify",
        ("'notify' has 4 machines, and cannot spare one",),
    ),
    Wrong(
        "a primary whose replica takes half a minute",
        SHORT,
        (("links:kv x4", "links:sql x2 [standby, slots=32]"),),
        "single point of failure",
        "links",
        ("takes over after 30.0 s",),
    ),
    Wrong(
        "keys without a copy",
        SHORT,
        (("links:kv x4", "links:kv x4 [replicas=0]"),),
        "single point of failure",
        "links",
        ("each with keys of its own", "'follow' were answered"),
    ),
    Wrong(
        "a cache that its caller cannot do without",
        APART,
        (("[optional] ", ""),),
        "single point of failure",
        "cache",
        ("'cache' has 3 machines, each with keys of its own",),
    ),
    Wrong(
        "more machines than the money is for",
        ONE_POOL,
        (("workers x20", "workers x90"),),
        "budget",
        "workers",
        ("may cost USD 5,000", "'workers' USD"),
    ),
    Wrong(
        "everybody waits, and nobody is turned away",
        SHORT,
        ((" [backlog=20]", ""),),
        "no back-pressure",
        "shorten",
        ("At 2 times the load", "Full first: shorten"),
    ),
    Wrong(
        "work in the memory of a process",
        ONE_POOL,
        ((f"notify -> {SENT}", "notify ~>[fanout=4] workers x20 -> apns"),),
        "fire and forget",
        "notify",
        ("in the memory of 'workers'", "notify ~> workers"),
    ),
    Wrong(
        "a message that fails for ever",
        ONE_POOL,
        ((", tries=5", ""),),
        "no dead letter",
        "queue",
        ("tried for ever",),
    ),
    Wrong(
        "a queue without an end",
        ONE_POOL,
        (("limit=1M, ", ""),),
        "unbounded queue",
        "queue",
        ("'queue' has no limit",),
    ),
    Wrong(
        "orders read from a copy that lags",
        SHOP,
        (("orders_db:sql x2 [standby]", "orders_db:sql x2"),),
        "read your writes",
        "orders",
        ("reads from replicas of 'orders_db'", "100 ms", "9.1%"),
    ),
    Wrong(
        "a cache that never forgets",
        APART,
        (("ttl=5m, ", ""),),
        "stale cache",
        "cache",
        ("never hears of 'shorten'", "old value"),
    ),
    Wrong(
        "a cache that lets all misses through",
        APART,
        ((", coalesce", ""),),
        "stampede",
        "cache",
        ("miss at once", "20 ms"),
    ),
    Wrong(
        "ten machines and one address",
        SHORT,
        (("client -> lb ->[retry=3]", "client ->[retry=3]"),),
        "no balancer",
        "shorten",
        ("the 10 instances of 'shorten'", "a client knows one address"),
    ),
    Wrong(
        "a cache that no number earns",
        SHORT,
        (("-> links:kv x4", "->[optional] cache x3 [hit=90%, coalesce, ttl=5m]\n shorten ->[only=miss] links:kv x4"),),
        "over-architecture",
        "cache",
        ("No requirement needs 'cache'", "It costs USD", "the p99 of"),
    ),
    Wrong(
        "a stream that nobody asked for",
        ONE_POOL,
        (("notify -> kv", "notify -> events:stream [limit=1M, tries=5] -> stats:workers x4\n notify -> kv"),),
        "over-architecture",
        "events",
        ("No requirement needs 'events' (stream)",),
    ),
    Wrong(
        "a second queue",
        ONE_POOL,
        (
            (
                "->[fanout=4] workers x20",
                "-> router:workers x4 ->[fanout=4] second:queue [limit=1M, tries=5] -> workers x20",
            ),
        ),
        "over-architecture",
        "second",
        ("No requirement needs 'second' (queue)",),
    ),
    Wrong(
        "a search index that nobody searches",
        SHOP,
        (("-> products:kv x4", "-> products:kv x4\n catalogue ->[optional] search x2 [time=5ms, slots=64]"),),
        "over-architecture",
        "search",
        ("No requirement needs 'search' (search index)",),
    ),
    Wrong(
        "a service that passes requests on",
        ONE_POOL,
        (("notify x4 [backlog=20]", "front:service x4 [backlog=20, time=5ms] ->[retry=3] notify x4 [backlog=20]"),),
        "over-architecture",
        "front",
        ("No requirement needs 'front' (service)",),
    ),
    Wrong(
        "a second store",
        ONE_POOL,
        (("notify -> kv", "notify -> kv\n notify -> prefs:sql x2 [failover=0s, standby]"),),
        "over-architecture",
        "prefs",
        ("No requirement needs 'prefs' (relational store)",),
    ),
    Wrong(
        "parameters before the skeleton",
        SHORT,
        (("[backlog=20] -> links:kv x4", "[backlog=20, time=12ms, slots=24, p99=60ms]"),),
        "depth too early",
        "shorten",
        ("the skeleton is not complete", "time of 'shorten'"),
    ),
)
