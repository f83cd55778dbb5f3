"""The requests of a design's run: when each comes, for which key, which caches miss it, and which way it goes."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import networkx
import numpy as np
from numpy.typing import NDArray

from fortyfive.design.model import Component, Design, Link
from fortyfive.flow import caches, draws
from fortyfive.scenario.prompts import Loss, Operation, Scenario, Trouble

HIT = 0.8
# How long it takes to fetch what a cache has missed, for as long as nobody else measures it.
FETCH_S = 0.02
MOST_OPERATIONS, MOST_CACHES = 16, 32
# More requests than this in one run take longer than a second or so.
MOST_REQUESTS = 2_000_000
MOST_KEYS, MOST_RUN_S = 10_000_000, 100_000.0
# A request's marks: which operation it is, which caches miss it, and whether it is poison.
POISON = 1 << 60
_FIRST_MISS = MOST_OPERATIONS
_ARRIVALS, _KEYS, _HITS, _SENDERS, _BAD = 70, 71, 72, 73, 74
# Fewer requests than this, on average, are none.
_FEW = 1e-3


@dataclass(frozen=True)
class Workload:
    """All requests in the order of time, shape (n,): when each comes, its operation, its key, dice for its client."""

    at_ns: NDArray[np.int64]
    operation: NDArray[np.int64]
    key: NDArray[np.int64]
    sender: NDArray[np.float64]


@dataclass(frozen=True)
class Requests:
    """What the requests of a run do in a design.

    `marks` has the bits of each request, `writes` says which write, `comes` which come to each component, and `taken`
    how many use each link, by its ends; the last two as if no link had a `share`.
    """

    marks: NDArray[np.int64]
    writes: NDArray[np.bool_]
    comes: Mapping[str, NDArray[np.bool_]]
    taken: Mapping[tuple[str, str], int]


def require_sound(scenario: Scenario) -> None:
    """Raise ValueError with a sentence unless a scenario can be run at all."""
    names = [each.name for each in scenario.operations]
    if not names or len(set(names)) < len(names):
        raise ValueError("A scenario needs operations, each with a name of its own.")
    if len(names) > MOST_OPERATIONS:
        raise ValueError(f"A run takes {MOST_OPERATIONS} kinds of requests at most, and here are {len(names)}.")
    bounds: list[tuple[str, float, float, float]] = [
        ("span in seconds", scenario.span_s, 0.01, MOST_RUN_S),
        ("number of keys", scenario.keys, 1, MOST_KEYS),
        ("skew of the keys", scenario.skew, 0, 10),
        ("share of the hottest key", scenario.hottest, 0, 1),
        ("share of poison", scenario.poison, 0, 1),
        ("patience of a client in seconds", scenario.patience_s, 1e-3, MOST_RUN_S),
        ("size of a request in bytes", scenario.payload_bytes, 0, 1e12),
        ("average share of the load", scenario.average, 0, 1e6),
        *((f"rate of '{each.name}' in requests/s", each.rate_per_s, 0, 1e9) for each in scenario.operations),
    ]
    for what, value, low, high in bounds:
        if not low <= value <= high:
            raise ValueError(f"The {what} is {value!r}: choose a number from {low:,} to {high:,}.")
    for each in scenario.troubles:
        if not 0 <= each.start_s < each.end_s < math.inf:
            raise ValueError(
                f"The trouble of '{each.component}' lasts from {each.start_s} s to {each.end_s} s: it has to begin at "
                "0 s or later, and then end."
            )
    requests = scenario.rate_per_s * scenario.span_s
    if not _FEW <= requests <= MOST_REQUESTS:
        raise ValueError(
            f"{requests:,.0f} requests are asked for: run 1 to {MOST_REQUESTS:,} at once, by another span or rate."
        )


def workload(scenario: Scenario, seed: int) -> Workload:
    """Return the requests of a scenario; what goes wrong in it changes none of them."""
    rates = tuple(each.rate_per_s for each in scenario.operations)
    return _workload(rates, scenario.span_s, scenario.keys, scenario.skew, scenario.hottest, seed)


@functools.lru_cache(maxsize=4)
def _workload(rates: tuple[float, ...], span_s: float, keys: int, skew: float, hottest: float, seed: int) -> Workload:
    times, numbers, chosen = [], [], []
    for number, rate_per_s in enumerate(rates):
        mean = rate_per_s * span_s
        if mean < _FEW:
            continue
        # Ten standard deviations more than the mean: the draws reach past the span.
        index = np.arange(int(mean + 10 * math.sqrt(mean) + 10))
        at_ns = np.cumsum(draws.exponential_ns(seed, _ARRIVALS, index, 1e9 / rate_per_s, number))
        at_ns = at_ns[: np.searchsorted(at_ns, round(span_s * 1e9))]
        times.append(at_ns)
        numbers.append(np.full(at_ns.size, number))
        chosen.append(caches.zipf_keys(seed, _KEYS, at_ns.size, keys=keys, skew=skew, hottest=hottest, attempt=number))
    at_ns, operation, key = (np.concatenate(each) for each in (times, numbers, chosen))
    order = np.argsort(at_ns, kind="stable")
    sender = draws.uniform(seed, _SENDERS, np.arange(at_ns.size))
    return Workload(at_ns[order], operation[order], key[order], sender)


def strikes(trouble: Trouble, design: Design) -> tuple[Component, ...]:
    """Return the components that a trouble is about: the one of that name, or else all of that kind."""
    named = tuple(each for each in design.components if each.name == trouble.component)
    return named or design.of_kind(trouble.component)


class Ways:
    """Which requests use which link of a design: by operation, by the misses of a cache, and with which marks."""

    def __init__(self, design: Design, operations: tuple[Operation, ...]) -> None:
        self._design = design
        self._operations = operations
        self.caches = [each.name for each in design.of_kind("cdn", "cache")]
        self.order = self._ordered()
        self.everybody = (1 << len(operations)) - 1
        self.writers = sum(1 << number for number, each in enumerate(operations) if each.writes)
        if len(self.caches) > MOST_CACHES:
            raise ValueError(f"A run takes {MOST_CACHES} caches at most, and here are {len(self.caches)}.")

    def _ordered(self) -> list[str]:
        """Return the names so that what decides about a component's requests stands before it."""
        graph = self._design.graph()
        for link in self._design.links:
            if (cache := self.missed_at(link)) is not None:
                graph.add_edge(cache, link.target)
                if networkx.has_path(graph, link.target, cache):
                    raise ValueError(
                        f"{link.name}: '{link.target}' is for what '{cache}' misses, and asks '{cache}' itself. Leave "
                        "out one of the two."
                    )
        return list(networkx.lexicographical_topological_sort(graph))

    def operations_of(self, link: Link) -> int:
        """Return the marks of the operations that may use a link; 0 for a link that nobody uses.

        Raises ValueError for a word that is no operation here.
        """
        chosen, names = 0, [each.name for each in self._operations]
        for word in link.only:
            if word not in ("read", "write", "miss", *names):
                raise ValueError(
                    f"{link.name}: 'only={word}' fits no request here. Choose from read, write, miss, "
                    f"{', '.join(names)}."
                )
        for number, operation in enumerate(self._operations):
            if link.is_for(operation.name, writes=operation.writes):
                chosen |= 1 << number
        return chosen

    def missed_at(self, link: Link) -> str | None:
        """Return the cache whose hits do not use a link. Raises ValueError where a miss is meant, and no cache is."""
        if link.source in self.caches:
            return link.source
        if "miss" not in link.only:
            return None
        own = self._design.links_from(link.source)
        before = [each.target for each in own[: own.index(link)] if each.target in self.caches]
        if not before:
            raise ValueError(
                f"{link.name}: 'only=miss', but '{link.source}' asks no cache before. Draw its link to the cache first."
            )
        return before[-1]

    def missed_mark(self, cache: str) -> int:
        """Return the mark of the reads that a cache does not answer."""
        return 1 << (_FIRST_MISS + self.caches.index(cache))

    def requests(self, scenario: Scenario, seed: int) -> Requests:
        """Return what the requests of a scenario do. A cache's answers are settled before the run begins."""
        load = workload(scenario, seed)
        marks = np.left_shift(1, load.operation)
        if scenario.poison > 0:
            bad = draws.uniform(seed, _BAD, np.arange(load.at_ns.size)) < scenario.poison
            marks |= np.where(bad, POISON, 0)
        writes = np.array([each.writes for each in self._operations])[load.operation]
        comes: dict[str, NDArray[np.bool_]] = {}
        missed: dict[str, NDArray[np.bool_]] = {}
        taken: dict[tuple[str, str], int] = {}
        for name in self.order:
            into = self._design.links_to(name)
            comes[name] = np.full(marks.size, self._design.component(name).kind == "client")
            for link in into:
                uses = comes[link.source] & ((marks & self.operations_of(link)) != 0)
                if (cache := self.missed_at(link)) is not None:
                    uses &= writes | missed[cache]
                taken[link.source, name] = int(np.count_nonzero(uses))
                comes[name] |= uses
            if name in self.caches:
                component = self._design.component(name)
                # Who was answered before it came here has not missed here.
                missed[name] = comes[name] & self._missed(component, scenario, comes[name], writes, load, seed)
                marks |= np.where(missed[name], self.missed_mark(name), 0)
        return Requests(marks, writes, comes, taken)

    def _missed(
        self,
        cache: Component,
        scenario: Scenario,
        comes: NDArray[np.bool_],
        writes: NDArray[np.bool_],
        load: Workload,
        seed: int,
    ) -> NDArray[np.bool_]:
        """Return which requests a cache would not answer."""
        if cache.size is None or cache.hit is not None:
            hit = HIT if cache.hit is None else cache.hit
            missed = draws.uniform(seed, _HITS, np.arange(comes.size), self.caches.index(cache.name)) >= hit
        else:
            missed = cache_answers(cache, comes, writes, load.key, load.at_ns) == caches.MISS
        for trouble in scenario.troubles:
            # A CDN has many machines, and somebody else sees to them.
            if isinstance(trouble, Loss) and cache.kind == "cache" and cache in strikes(trouble, self._design):
                gone = (load.at_ns >= trouble.start_s * 1e9) & (load.at_ns < trouble.end_s * 1e9)
                missed = missed | (gone & (load.key % cache.parts == 0))
        return missed


def cache_answers(
    cache: Component,
    comes: NDArray[np.bool_],
    writes: NDArray[np.bool_],
    key: NDArray[np.int64],
    at_ns: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return how a cache with a size answers each request; a write that does not come through it makes it stale."""
    what = np.where(writes, np.where(comes, caches.WRITE, caches.WRITE_PAST), caches.READ)
    seen = comes | writes
    answer = np.full(comes.size, caches.MISS, dtype=np.int64)
    answer[seen] = caches.lru(
        key[seen],
        at_ns[seen],
        what[seen],
        size=(cache.size or 1) * cache.parts,
        ttl_s=cache.ttl_s,
        fetch_s=FETCH_S,
        coalesce=cache.coalesce,
    )
    return answer
