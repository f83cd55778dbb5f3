"""What exercise 04 gives: designs that carry a load, one that has too much, and situations to predict."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fortyfive.design.model import Design
    from fortyfive.scenario.prompts import Prompt, Scenario

# Notifications, as they are today; ten times as many come soon, and this is what they may cost then.
TODAY = """\
client -> gateway ->[retry=3] notify x4 [backlog=20] -> kv
notify -> queue [limit=1M, tries=5] ->[fanout=4] workers x20 -> apns
"""
GROWTH, USD_A_MONTH_THEN = 10, 20_000
# Long enough for a queue to grow, an instance to die and somebody to notice it.
GROWTH_SPAN_S = 10.0
# What an interviewer floats. Whatever is not drawn is deferred, and is said to be.
FLOATED = MappingProxyType(
    {
        "batches": "workers that take several messages at once",
        "cache": "a cache in front of the store of tokens",
        "stream": "Kafka in place of the queue",
        "second region": "the same again, on another continent",
    }
)

# A URL shortener with something for everybody.
RICH = """\
client -> dns -> limiter x2 -> lb
lb ->[retry=2] shorten x8 [backlog=20]
shorten ->[only=shorten, retry=2] ids:service x2
shorten ->[optional] cache x2 [size=20k, coalesce]
shorten ->[only=miss] links:kv
shorten ->[only=shorten] scan:queue [limit=100k, tries=5] -> scanner:workers x2
shorten ~> clicks:stream x3 [limit=1M, tries=5, partitions=8] -> counters:workers x4 -> stats:sql x2
shorten ~>[only=shorten] search x2
"""

# What fills up first? Posts come at 50 a second, and each makes three messages.
POSTS_PER_S, HIT, FANOUT = 50.0, 0.8, 3
GROWING = f"""\
client -> lb -> api x2 [time=10ms, slots=16]
api -> cache [time=1ms, slots=16, hit={HIT:g}]
api ->[only=miss] db:sql [time=60ms, slots=6]
api -> queue [limit=100k, tries=5] ->[fanout={FANOUT}] workers x2 [time=5ms, slots=16] -> push [time=75ms]
"""

# One balancer, three situations: POLICY is what is chosen.
PAGES_PER_S, SEARCHES_PER_S, CHEAP_PER_S = 360.0, 240.0, 1_000.0
DIES_AT_S, SPAN_S = 10.0, 30.0
SITUATIONS = MappingProxyType(
    {
        "alike": "client -> lb [policy=POLICY] -> pages:service x8 [time=20ms, p99=22ms, slots=1]",
        "uneven": "client -> lb [policy=POLICY] -> searches:service x8 [time=20ms, p99=200ms, slots=1]",
        "one dies": "client -> lb [policy=POLICY] -> cheap:service x8 [time=20ms, slots=16]",
    }
)

# The sale: many more look, and even more buy.
SALE_READS, SALE_WRITES, SALE_SPAN_S = 3, 10, 20.0


def drawn(text: str) -> Design:
    """Return one of the designs above."""
    from fortyfive.design.text import read

    return read(text).design


def prompt_of_growth() -> Prompt:
    """Return the prompt "notifications" with ten times the load, and its budget."""
    from dataclasses import replace

    from fortyfive.scenario.prompts import PROMPTS

    prompt = PROMPTS["notifications"]
    load = prompt.load.times(GROWTH).lasting(GROWTH_SPAN_S)
    return replace(prompt, load=load, usd_a_month=USD_A_MONTH_THEN)


def prompt_of_sale() -> Prompt:
    """Return the prompt "checkout" on the day of the sale, when money is no object."""
    from dataclasses import replace

    from fortyfive.scenario.prompts import PROMPTS

    prompt = PROMPTS["checkout"]
    load = prompt.load.times(SALE_READS, SALE_WRITES).lasting(SALE_SPAN_S)
    return replace(prompt, load=load, usd_a_month=float("inf"))


def posts(times: float = 1.0, span_s: float = 30.0) -> Scenario:
    """Return so many times the posts that come to `GROWING`."""
    from fortyfive.scenario.prompts import Operation, Scenario

    post = Operation(
        "post", "somebody posts", POSTS_PER_S, writes=False, answer_p99_s=1.0, done_p99_s=10.0, available=None
    )
    return Scenario((post,), span_s=span_s, keys=10_000).times(times)


def situation(name: str) -> Scenario:
    """Return the load of one of `SITUATIONS`."""
    from fortyfive.scenario.prompts import Loss, Operation, Scenario

    rate_per_s = {"alike": PAGES_PER_S, "uneven": SEARCHES_PER_S, "one dies": CHEAP_PER_S}[name]
    troubles = (Loss("cheap", DIES_AT_S, SPAN_S),) if name == "one dies" else ()
    return Scenario((Operation("ask", "somebody asks", rate_per_s),), span_s=SPAN_S, troubles=troubles)
