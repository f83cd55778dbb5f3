"""The prompts as data: what is asked, how much of it comes, what was promised, and what goes wrong.

Everything is invented for practice; the amounts are round and stand in for what an interviewer would say when asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Operation:
    """One kind of request: how often it comes, and what was promised about it.

    `answer_p99_s` bounds the time to the answer, `done_p99_s` the time until everything that it causes is done. Also
    while any one instance is dead a share of `available` gets a good answer (None: nothing was promised). `needs`
    names what a request must reach, each as the words of the kinds of components that would do and the reason;
    `not_waiting_for` the kinds that the answer must not wait for. One request makes `copies` of its last step, for
    example one for each device. With `own_writes` a user reads what they have written a moment ago, and must see it.
    """

    name: str
    what: str
    rate_per_s: float
    writes: bool = False
    answer_p99_s: float = 1.0
    done_p99_s: float | None = None
    available: float | None = 0.999
    needs: Mapping[tuple[str, ...], str] = field(default_factory=dict, hash=False)
    not_waiting_for: tuple[str, ...] = ()
    copies: int = 1
    own_writes: bool = False


@dataclass(frozen=True)
class Loss:
    """One instance of a component dies, with what it was working on, and is back at the end."""

    component: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Slowdown:
    """All components of a kind (or one, by its name) take `slower` times as long, and a share of `errors` fails."""

    component: str
    start_s: float
    end_s: float
    slower: float = 1.0
    errors: float = 0.0


Trouble = Loss | Slowdown


@dataclass(frozen=True)
class Scenario:
    """The load of a run, over `span_s`, and what goes wrong in it.

    Reads and writes go to one of `keys` keys, the more popular the more often (Zipf's law with the exponent `skew`);
    `hottest` of all requests go to one key on top of that. A share of `poison` of the messages fails each time it is
    worked on. A client waits `patience_s` for an answer, and `connected` clients keep a connection. A request moves
    `payload_bytes`; over a month a share of `average` of this load comes, which is what the bill is for.
    """

    operations: tuple[Operation, ...]
    span_s: float = 20.0
    keys: int = 100_000
    skew: float = 0.9
    hottest: float = 0.0
    poison: float = 0.0
    patience_s: float = 10.0
    connected: int = 0
    payload_bytes: int = 2_000
    average: float = 0.2
    troubles: tuple[Trouble, ...] = ()

    @property
    def rate_per_s(self) -> float:
        """How many requests come in a second, of all operations."""
        return sum(each.rate_per_s for each in self.operations)

    def times(self, reads: float, writes: float | None = None) -> Scenario:
        """Return the scenario with so many times the reads, and the writes (None: the same factor)."""
        factors = {False: reads, True: reads if writes is None else writes}
        operations = (replace(each, rate_per_s=each.rate_per_s * factors[each.writes]) for each in self.operations)
        return replace(self, operations=tuple(operations))

    def lasting(self, span_s: float) -> Scenario:
        """Return the scenario over another span."""
        return replace(self, span_s=span_s)


@dataclass(frozen=True)
class Prompt:
    """A prompt and what its design is measured against.

    `load` is the peak that was promised for, and the bill of a month at most `usd_a_month`. At `overload` times the
    load not everybody can be served in time, but the design has to turn work away rather than serve nobody in time.
    """

    name: str
    title: str
    asked: str
    load: Scenario
    usd_a_month: float
    overload: float = 2.0


_STORE = ("sql", "kv")

PROMPTS: Mapping[str, Prompt] = {
    prompt.name: prompt
    for prompt in (
        Prompt(
            name="notifications",
            title="A notification system",
            asked="Design a system that sends notifications to the phones of our users.",
            load=Scenario(
                operations=(
                    Operation(
                        name="notify",
                        what="another team's service asks us to notify a user, who has four devices on average",
                        rate_per_s=500,
                        answer_p99_s=0.2,
                        done_p99_s=10.0,
                        needs={
                            ("push",): "only the push provider reaches a phone",
                            _STORE: "device tokens and preferences are kept somewhere",
                        },
                        not_waiting_for=("push",),
                        copies=4,
                    ),
                ),
                span_s=40.0,
                keys=1_000_000,
                poison=0.001,
            ),
            usd_a_month=5_000,
        ),
        Prompt(
            name="url-shortener",
            title="A URL shortener",
            asked="Design a service that turns long links into short ones.",
            load=Scenario(
                operations=(
                    Operation(
                        name="follow",
                        what="somebody opens a short link and is sent on",
                        rate_per_s=4_000,
                        answer_p99_s=0.1,
                        needs={_STORE: "the long link is stored somewhere durable"},
                        own_writes=True,
                    ),
                    Operation(
                        name="shorten",
                        what="somebody makes a new short link",
                        rate_per_s=40,
                        writes=True,
                        answer_p99_s=0.3,
                        needs={_STORE: "a new link is stored before it is handed out"},
                    ),
                ),
                span_s=20.0,
                keys=200_000,
                skew=1.0,
                hottest=0.02,
            ),
            usd_a_month=1_500,
        ),
        Prompt(
            name="checkout",
            title="An e-commerce checkout",
            asked="Design catalogue, cart and orders of a shop. There is a sale in November.",
            load=Scenario(
                operations=(
                    Operation(
                        name="browse",
                        what="somebody looks at an article",
                        rate_per_s=2_000,
                        answer_p99_s=0.2,
                        needs={(*_STORE, "search"): "the catalogue is stored somewhere"},
                    ),
                    Operation(
                        name="cart",
                        what="somebody puts an article into the cart",
                        rate_per_s=100,
                        writes=True,
                        answer_p99_s=0.3,
                        needs={_STORE: "a cart outlives the browser"},
                    ),
                    Operation(
                        name="order",
                        what="somebody buys what is in the cart; a mail confirms it",
                        rate_per_s=20,
                        writes=True,
                        answer_p99_s=1.0,
                        done_p99_s=30.0,
                        available=None,
                        needs={
                            ("sql",): "an order and its stock change together, or not at all",
                            ("push",): "the confirmation leaves through a provider of mail",
                        },
                        not_waiting_for=("push",),
                    ),
                    Operation(
                        name="orders",
                        what="somebody looks at their orders, most often just after buying",
                        rate_per_s=60,
                        answer_p99_s=0.3,
                        available=None,
                        needs={("sql",): "orders are read where they were written, or from a copy of it"},
                        own_writes=True,
                    ),
                ),
                span_s=30.0,
                keys=50_000,
                skew=1.0,
            ),
            usd_a_month=4_000,
        ),
    )
}


def find_prompt(name: str) -> Prompt:
    """Return a prompt by its name. Raises LookupError with a sentence that lists the names."""
    try:
        return PROMPTS[name.strip().lower().replace("_", "-").replace(" ", "-")]
    except (KeyError, AttributeError):
        raise LookupError(f"There is no prompt {name!r}. Choose one of: {', '.join(PROMPTS)}.") from None
