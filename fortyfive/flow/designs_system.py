"""From a learner's design to what the event engine runs: stations, and the links and troubles between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fortyfive.design.kinds import KINDS
from fortyfive.design.model import Component, Design, Link
from fortyfive.flow.designs_requests import POISON, Requests, Ways, Workload, require_sound, strikes, workload
from fortyfive.flow.events_model import (
    MOST_SPAN_S,
    Backoff,
    Breaker,
    Call,
    Client,
    Constant,
    Degraded,
    Exponential,
    Fewer,
    Lognormal,
    Outage,
    Queue,
    RateLimit,
    Retry,
    Service,
    Station,
    System,
    names_of,
)
from fortyfive.flow.events_model import Link as EngineLink
from fortyfive.flow.events_model import Trouble as EngineTrouble
from fortyfive.flow.queue import MOST_SERVERS
from fortyfive.scenario.prompts import Loss, Scenario, Slowdown

# What a design does not say. A balancer's health check, a replica's taking over and a partition's new reader take
# typical times here, no guarantees.
BACKLOG = 1_000
VISIBILITY_S = 30.0
NOTICED_S = 3.0
REBALANCED_S = 5.0
# A key-value store asks a quorum of its copies, so one of them may die unnoticed.
FAILOVER_S: Mapping[str, float] = {"sql": 30.0, "kv": 0.0, "search": 5.0}
# Calls that a run makes at most, tries again not counted: each takes memory while it is under way.
MOST_CALLS = 3_000_000
# What the engine takes, of one station and of all together.
_MOST_INSTANCES, _MOST_INSTANCES_IN_ALL = 1_000, 10_000
# Kinds that somebody else runs for us: there is no machine of ours that could die.
_MANAGED = ("client", "dns", "cdn", "blob", "push", "queue", "stream", "scheduler")

_Balance = Literal["random", "round_robin", "least", "two", "key", "spread"]


@dataclass(frozen=True)
class Plan:
    """A system, and where its parts come from.

    `stations` and `links` name what a component and a link have become; `operation` has the number of the operation of
    each of the system's clients. `requests` has the number of requests that come, `writes` the share of those that
    write among the ones that come to a component (were there no `share` on any link). `by_key` has, for each station
    whose instances are chosen by key, the share of each instance in the requests, shape (instances,).
    """

    system: System
    stations: Mapping[str, tuple[str, ...]]
    links: Mapping[tuple[str, str], tuple[str, ...]]
    operation: tuple[int, ...]
    requests: int
    writes: Mapping[str, float]
    by_key: Mapping[str, NDArray[np.float64]]

    def operation_of(self, client: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of the operation of each request, from the number of its client."""
        return np.asarray(self.operation, dtype=np.int64)[client]


def plan(design: Design, scenario: Scenario, seed: int) -> Plan:
    """Return what to run for a design without fatal problems. Raises ValueError with a sentence where it cannot run."""
    require_sound(scenario)
    ways = Ways(design, scenario.operations)
    requests = ways.requests(scenario, seed)
    load = workload(scenario, seed)
    _require_few_calls(design, ways, requests)
    stations = {each.name: _stations_of(design, each, scenario) for each in design.components}
    _require_few_instances(stations)
    clients, links, numbers = _clients(design, scenario, ways, load, requests)
    made: dict[tuple[str, str], list[EngineLink]] = {}
    for link in design.links:
        own = _links(design, scenario, ways, link)
        if own and own[0].together and not any(each.source == link.source for each in links):
            # The links that it would go out together with are used by nobody here.
            own[0] = replace(own[0], together=False)
        made[link.source, link.target] = own
        links += own
    used = {link.source for link in links} | {link.target for link in links}
    troubles = _troubles(design, scenario, {each.name: each for of in stations.values() for each in of})
    system = System(
        clients=tuple(clients),
        stations=tuple(each for of in stations.values() for each in of if each.name in used),
        links=tuple(links),
        troubles=tuple(each for each in troubles if each.station in used),
    )
    return Plan(
        system=system,
        stations={name: tuple(each.name for each in of if each.name in used) for name, of in stations.items()},
        links={ends: tuple(names_of(own)) for ends, own in made.items()},
        operation=tuple(numbers),
        requests=load.at_ns.size,
        writes={
            name: float(requests.writes[each].mean()) if each.any() else 0.0 for name, each in requests.comes.items()
        },
        by_key=_by_key(stations, system, load, requests),
    )


def _require_few_calls(design: Design, ways: Ways, requests: Requests) -> None:
    """Raise ValueError where the fan-out makes more calls of the requests than a run takes."""
    calls = dict.fromkeys(ways.order, 0.0)
    clients = [each.name for each in design.of_kind("client")]
    for name in ways.order:
        if name in clients:
            calls[name] = requests.marks.size / len(clients)
        for link in design.links_from(name):
            came = max(int(np.count_nonzero(requests.comes[name])), 1)
            share = 1.0 if link.share is None else link.share
            uses = calls[name] * requests.taken[name, link.target] / came
            calls[link.target] += uses * (link.fanout or 1) * share
    if (total := sum(calls.values())) > MOST_CALLS:
        most = max(calls, key=lambda name: calls[name])
        raise ValueError(
            f"{requests.marks.size:,} requests become {total:,.0f} calls, most of them at '{most}', and a run takes "
            f"{MOST_CALLS:,}: lower the fan-out, the rate, or the span."
        )


def _require_few_instances(stations: Mapping[str, Sequence[Station]]) -> None:
    instances = {name: sum(each.instances for each in of) for name, of in stations.items()}
    if (total := sum(instances.values())) > _MOST_INSTANCES_IN_ALL:
        most = max(instances, key=lambda name: instances[name])
        raise ValueError(
            f"The components have {total:,} instances in all, most of them '{most}', and a run takes "
            f"{_MOST_INSTANCES_IN_ALL:,}: choose fewer, with more slots each."
        )


def _by_key(
    stations: Mapping[str, Sequence[Station]], system: System, load: Workload, requests: Requests
) -> dict[str, NDArray[np.float64]]:
    """Return how the keys share out the requests of each station that has its instances chosen by key."""
    instances = {each.name: each.instances for each in system.stations}
    component = {each.name: name for name, of in stations.items() for each in of}
    found = {}
    for name in sorted({each.target for each in system.links if each.balance == "key"}):
        if instances[name] > 1:
            key = load.key[requests.comes[component[name]]]
            counts = np.bincount(key % instances[name], minlength=instances[name])
            found[name] = counts / max(key.size, 1)
    return found


def _clients(
    design: Design, scenario: Scenario, ways: Ways, load: Workload, requests: Requests
) -> tuple[list[Client], list[EngineLink], list[int]]:
    """Return a client for each operation and each component that sends it, and its link to where it starts."""
    clients: list[Client] = []
    links: list[EngineLink] = []
    numbers: list[int] = []
    for number, operation in enumerate(scenario.operations):
        senders = [
            each.name
            for each in design.of_kind("client")
            if any(ways.operations_of(link) >> number & 1 for link in design.links_from(each.name))
        ]
        if not senders:
            raise ValueError(
                f"No client sends '{operation.name}' ({operation.what}): draw a link for it out of a client."
            )
        of = load.operation == number
        choice = np.minimum((load.sender * len(senders)).astype(np.int64), len(senders) - 1)
        for place, sender in enumerate(senders):
            mine = of & (choice == place)
            name = f"{operation.name} from {sender}"
            clients.append(Client(name, at_ns=load.at_ns[mine], marks=requests.marks[mine], keys=load.key[mine]))
            links.append(Call(name, sender, timeout_s=scenario.patience_s))
            numbers.append(number)
    return clients, links, numbers


def queues_before(design: Design, name: str) -> tuple[Component, ...]:
    """Return the queues and streams that a component takes its messages from."""
    return tuple(each for link in design.links_to(name) if (each := design.component(link.source)).type.hands_on)


def _stations_of(design: Design, component: Component, scenario: Scenario) -> list[Station]:
    """Return the station that a component becomes, and that of its replicas where reads go to them."""
    if component.kind == "client":
        return [Station(component.name, MOST_SERVERS, Constant(0.0), holds=False)]
    slots, queues = slots_of(component), queues_before(design, component.name)
    instances, servers = component.parts, slots or MOST_SERVERS
    if _is_pool(design, component):
        # They take from one queue whatever is next, so it does not matter which of them is free.
        servers, instances = min(servers * instances, MOST_SERVERS), 1
        if partitions := _partitions(queues):
            # Each partition has one reader at a time; further readers have nothing to read.
            servers, instances = 1, min(partitions, servers, _MOST_INSTANCES)
    first = Station(
        component.name,
        servers,
        _service(component),
        buffer=_buffer(component, queues, instances),
        batch=component.batch or 1,
        batch_item_s=_time_s(component) / 10 if component.each_s is None else component.each_s,
        errors=component.errors or 0.0,
        instances=instances,
        holds=component.type.holds,
        # A queue hands on what makes its readers fail.
        fails_marked=POISON if queues and not component.type.hands_on and scenario.poison > 0 else 0,
        **_rate(component, instances, waits=bool(queues)),
    )
    if _reads_go_to_replicas(component):
        return [first, replace(first, name=replicas_of(component), instances=component.parts * component.spares)]
    return [first]


def _is_pool(design: Design, component: Component) -> bool:
    into = design.links_to(component.name)
    taken = bool(into) and len(queues_before(design, component.name)) == len(into)
    return component.kind == "workers" or (component.kind == "service" and taken)


def _partitions(queues: Sequence[Component]) -> int | None:
    """Return into how many parts the messages come that are read, or None where nothing keeps them apart."""
    return min((each.partitions for each in queues if each.partitions is not None), default=None)


def _buffer(component: Component, queues: Sequence[Component], instances: int) -> int | None:
    """Return how many may wait at an instance."""
    if queues:
        limits = [each.limit for each in queues if each.limit is not None]
        return max(min(limits) // instances, 1) if limits else None
    if slots_of(component) is None:
        return None
    return BACKLOG if component.backlog is None else component.backlog


def _rate(component: Component, instances: int, *, waits: bool) -> dict[str, Any]:
    """Return what a limit of the rate does: calls are turned away, and messages wait in their queue."""
    if component.rate_per_s is None:
        return {}
    rate = max(component.rate_per_s / instances, 1e-3)
    if waits and not component.type.hands_on and component.kind != "push":
        return {"starts_per_s": rate}
    return {"rate_limit": RateLimit(rate, max(int(rate / 10), 1))}


def _reads_go_to_replicas(component: Component) -> bool:
    return component.kind in ("sql", "search") and component.spares > 0 and not component.standby


def replicas_of(component: Component) -> str:
    """Return the name of the station that stands for a store's replicas."""
    return f"{component.name} (replicas)"


def is_managed(component: Component) -> bool:
    """Say whether somebody else runs it. `lb` is a service that one rents, `lb x1` a machine of one's own."""
    return component.kind in _MANAGED or (component.kind in ("lb", "gateway") and component.instances is None)


def slots_of(component: Component) -> int | None:
    """Return how many requests one instance works on at once, or None for no limit."""
    if component.slots is None and component.kind in ("lb", "gateway") and is_managed(component):
        return None
    return KINDS[component.kind].slots if component.slots is None else component.slots


def _time_s(component: Component) -> float:
    return component.type.time_s if component.time_s is None else component.time_s


def _service(component: Component) -> Service:
    time_s = _time_s(component)
    if component.p99_s is not None:
        return Lognormal(time_s, component.p99_s)
    return Constant(time_s) if component.type.slots is None else Exponential(time_s)


def _links(design: Design, scenario: Scenario, ways: Ways, link: Link) -> list[EngineLink]:
    """Return the engine's links for one of the design: several where requests go different ways, none without any."""
    source, target = design.component(link.source), design.component(link.target)
    uses = ways.operations_of(link)
    cache = ways.missed_at(link)
    also_wanted = 0 if cache is None else ways.writers | ways.missed_mark(cache)
    made: list[EngineLink] = []
    for operations, share in _parts(design, ways, link, uses):
        common: dict[str, Any] = {
            "source": link.source,
            "fanout": link.fanout or 1,
            "share": share,
            "optional": link.optional,
            "also_wanted": also_wanted,
        }
        if source.type.hands_on or not link.waits:
            queue = _queue(source, common)
            made.append(replace(queue, target=link.target, wanted=operations, balance=_balance(source, target, link)))
            continue
        call = _call(link, common | {"together": link.together})
        primary = operations & ways.writers if _reads_go_to_replicas(target) else operations
        if primary:
            made.append(replace(call, target=link.target, wanted=primary, balance=_balance(source, target, link)))
        if rest := operations & ~primary:
            # Any replica of a part answers; where there are parts, the key says which.
            balance: _Balance = "random" if target.parts == 1 else "key"
            made.append(replace(call, target=replicas_of(target), wanted=rest, balance=balance))
    return [replace(each, wanted=0) if each.wanted == ways.everybody else each for each in made]


def _queue(source: Component, common: Mapping[str, Any]) -> Queue:
    if not source.type.hands_on:
        return Queue(target="", visibility_s=None, max_receives=1, **common)
    visibility_s = VISIBILITY_S if source.visibility_s is None else source.visibility_s
    return Queue(target="", visibility_s=visibility_s, max_receives=source.tries, **common)


def _call(link: Link, common: Mapping[str, Any]) -> Call:
    return Call(
        target="",
        timeout_s=link.timeout_s,
        retry=Retry(1 + link.retry, Backoff(0.05, 1.0)) if link.retry else None,
        breaker=Breaker() if link.breaker else None,
        delay_s=link.delay_s or 0.0,
        **common,
    )


def _parts(design: Design, ways: Ways, link: Link, uses: int) -> list[tuple[int, tuple[float, float]]]:
    """Return which operations use a link, and for which part of the dice, which choose among the links of a source."""
    if not uses:
        return []
    own = design.links_from(link.source)
    if design.component(link.source).kind != "queue" or any(each.share is not None for each in own):
        return [(uses, _share(own, link))]
    # A queue hands each message to one of its readers, more to those who can do more.
    parts: dict[tuple[float, float], int] = {}
    for number in range(len(bin(ways.everybody)) - 2):
        if uses >> number & 1:
            able = [each for each in own if ways.operations_of(each) >> number & 1]
            weights = [_capacity_per_s(design.component(each.target)) for each in able]
            if math.inf in weights:
                weights = [1.0] * len(able)
            ends = [min(end, 1.0) for end in np.cumsum([0.0, *weights]) / sum(weights)]
            place = able.index(link)
            share = (float(ends[place]), float(ends[place + 1]))
            parts[share] = parts.get(share, 0) | 1 << number
    return [(operations, share) for share, operations in parts.items()]


def _share(own: Sequence[Link], link: Link) -> tuple[float, float]:
    if link.share is None:
        return (0.0, 1.0)
    low = sum(each.share or 0.0 for each in own[: own.index(link)])
    return (min(low, 1.0), min(low + link.share, 1.0))


def _capacity_per_s(component: Component) -> float:
    slots = slots_of(component)
    return math.inf if slots is None else slots * component.parts / max(_time_s(component), 1e-9)


def _balance(source: Component, target: Component, link: Link) -> _Balance:
    if (link.fanout or 1) > 1 and link.waits and target.type.keeps:
        return "spread"
    if target.kind in ("sql", "kv", "search", "cache") or source.kind == "stream":
        return "key"
    if source.policy is not None:
        policies: Mapping[str, _Balance] = {"round-robin": "round_robin", "least": "least", "two": "two"}
        return policies.get(source.policy, "random")
    return "round_robin" if source.kind in ("lb", "gateway", "dns", "sockets") else "random"


def _troubles(design: Design, scenario: Scenario, stations: Mapping[str, Station]) -> list[EngineTrouble]:
    """Return what goes wrong at which station."""
    found: list[EngineTrouble] = []
    for trouble in scenario.troubles:
        for component in strikes(trouble, design):
            if isinstance(trouble, Loss):
                found += _loss(component, trouble, stations[component.name])
            else:
                found += _slowdown(component, trouble, stations)
    return found


def dead_until_s(component: Component, loss: Loss) -> float:
    """Return until when what an instance did is not done, because nobody has taken over."""
    if not (component.type.keeps and component.spares):
        return loss.end_s
    default_s = FAILOVER_S.get(component.kind, 0.0)
    return min(loss.start_s + (default_s if component.failover_s is None else component.failover_s), loss.end_s)


def _loss(component: Component, loss: Loss, station: Station) -> list[EngineTrouble]:
    if is_managed(component):
        return []
    own = slots_of(component) or MOST_SERVERS
    if component.kind == "workers" or (component.kind == "service" and station.instances < component.parts):
        if station.instances == 1:
            return [Fewer(component.name, min(own, station.servers), loss.start_s, loss.end_s)]
        # Readers of partitions: those of the dead one wait until another reader has them.
        machines = component.instances or 1
        end_s = loss.end_s if machines == 1 else min(loss.start_s + REBALANCED_S, loss.end_s)
        dead = range(math.ceil(station.instances / machines))
        return [Outage(component.name, loss.start_s, end_s, hangs=True, instance=each, loses=True) for each in dead]
    end_s = dead_until_s(component, loss)
    if end_s <= loss.start_s:
        return []
    noticed_s = NOTICED_S if station.instances > 1 else None
    return [Outage(component.name, loss.start_s, end_s, instance=0, loses=True, noticed_s=noticed_s)]


def _slowdown(component: Component, trouble: Slowdown, stations: Mapping[str, Station]) -> list[EngineTrouble]:
    return [
        Degraded(name, trouble.start_s, trouble.end_s, slower=trouble.slower, errors=trouble.errors)
        for name in (component.name, replicas_of(component))
        if name in stations
    ]


def drained_s(scenario: Scenario) -> float:
    """Return how long a run lasts: until all that the last request causes should be done, and nobody is patient."""
    waits_s = [each.done_p99_s for each in scenario.operations if each.done_p99_s is not None]
    return min(scenario.span_s + max(scenario.patience_s, *waits_s, 0.0), MOST_SPAN_S)
