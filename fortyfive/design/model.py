"""A design as data: components, links, and the graph that they make."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import networkx

from fortyfive.design.kinds import COMPONENT_PARAMETERS, KINDS, LINK_PARAMETERS, Kind

# What a design may hold: more than anybody can draw in a round, and little enough to run.
MOST_COMPONENTS, MOST_LINKS, MOST_INSTANCES = 100, 400, 1_000


@dataclass(frozen=True)
class Component:
    """One box: its name, the word of its kind, and what its author has said about it (None or False: nothing).

    The fields are described in `design.kinds.COMPONENT_PARAMETERS`, times in seconds. Nothing is checked here:
    `design.rules.problems` does, because a drawing is wrong most of the time while it is drawn.
    """

    name: str
    kind: str
    instances: int | None = None
    label: str = ""
    time_s: float | None = None
    p99_s: float | None = None
    slots: int | None = None
    backlog: int | None = None
    errors: float | None = None
    rate_per_s: float | None = None
    hit: float | None = None
    size: int | None = None
    ttl_s: float | None = None
    coalesce: bool = False
    batch: int | None = None
    each_s: float | None = None
    replicas: int | None = None
    standby: bool = False
    shards: int | None = None
    lag_s: float | None = None
    failover_s: float | None = None
    partitions: int | None = None
    limit: int | None = None
    tries: int | None = None
    visibility_s: float | None = None
    connections: int | None = None
    policy: str | None = None
    usd: float | None = None
    at: tuple[int, int] | None = None

    @property
    def type(self) -> Kind:
        """What kind of component it is, with its defaults. Raises KeyError for an unknown kind."""
        return KINDS[self.kind]

    @property
    def parts(self) -> int:
        """How many parts its keys, or its requests, are spread over: shards of a store, else instances."""
        if self.kind == "sql":
            return self.shards or 1
        return self.shards or self.instances or 1

    @property
    def spares(self) -> int:
        """How many copies each part of a store has beside the first.

        `x3` of a relational store are a primary and two replicas. A key-value store keeps three copies unless it says
        otherwise.
        """
        if self.replicas is not None:
            return self.replicas
        if self.kind == "sql":
            return max((self.instances or 1) // self.parts - 1, 0)
        return 2 if self.kind == "kv" else 0

    @property
    def machines(self) -> int:
        """How many machines it stands on."""
        return self.parts * (1 + self.spares)

    @property
    def tuned(self) -> tuple[str, ...]:
        """The words of the parameters that are set, without its place."""
        return tuple(each.word for each in COMPONENT_PARAMETERS if each.word != "at" and is_set(self, each.field))


@dataclass(frozen=True)
class Link:
    """One arrow. With `waits` the source waits for the answer; else it goes on, and the target works when it can.

    The other fields are described in `design.kinds.LINK_PARAMETERS`, times in seconds. A source uses its links one
    after the other, in the order of the design. Of the links that have a `share`, a request takes one at most.
    """

    source: str
    target: str
    waits: bool = True
    label: str = ""
    fanout: int | None = None
    share: float | None = None
    only: tuple[str, ...] = ()
    timeout_s: float | None = None
    retry: int | None = None
    breaker: bool = False
    optional: bool = False
    together: bool = False
    delay_s: float | None = None

    @property
    def name(self) -> str:
        """The link as it is typed, without its parameters."""
        return f"{self.source} {'->' if self.waits else '~>'} {self.target}"

    def is_for(self, operation: str, *, writes: bool) -> bool:
        """Say whether requests of an operation, which reads or `writes`, may go this way; `miss` chooses among them."""
        words = [word for word in self.only if word != "miss"]
        return not words or operation in words or ("write" if writes else "read") in words

    @property
    def tuned(self) -> tuple[str, ...]:
        """The words of the parameters that are set."""
        return tuple(each.word for each in LINK_PARAMETERS if is_set(self, each.field))


@dataclass(frozen=True)
class Design:
    """Components and links, in the order in which they were drawn. There is one link at most from one to another."""

    components: tuple[Component, ...] = ()
    links: tuple[Link, ...] = ()

    def component(self, name: str) -> Component:
        """Return the component of that name. Raises KeyError."""
        for each in self.components:
            if each.name == name:
                return each
        raise KeyError(f"The design has no '{name}'.")

    def link(self, source: str, target: str) -> Link:
        """Return the link between two components. Raises KeyError."""
        for each in self.links:
            if (each.source, each.target) == (source, target):
                return each
        raise KeyError(f"The design has no '{source} -> {target}'.")

    def links_from(self, name: str) -> tuple[Link, ...]:
        """Return the links that begin at a component, in their order."""
        return tuple(each for each in self.links if each.source == name)

    def links_to(self, name: str) -> tuple[Link, ...]:
        """Return the links that end at a component, in their order."""
        return tuple(each for each in self.links if each.target == name)

    def of_kind(self, *kinds: str) -> tuple[Component, ...]:
        """Return the components of these kinds."""
        return tuple(each for each in self.components if each.kind in kinds)

    def graph(self) -> networkx.DiGraph[str]:
        """Return the names as nodes and the links as edges."""
        graph: networkx.DiGraph[str] = networkx.DiGraph()
        graph.add_nodes_from(each.name for each in self.components)
        graph.add_edges_from((each.source, each.target) for each in self.links)
        return graph

    def without(self, name: str) -> Design:
        """Return the design without a component: who called it calls what it called, as it called that.

        Without a cache, what was for its misses only is for all.
        """
        into, out = self.links_to(name), self.links_from(name)
        kept = [each for each in self.links if name not in (each.source, each.target)]
        known = {(each.source, each.target) for each in kept}
        for before in into:
            for after in out:
                if before.source != after.target and (before.source, after.target) not in known:
                    known.add((before.source, after.target))
                    waits = before.waits and after.waits and not self.component(name).type.hands_on
                    kept.append(_joined(before, after, waits=waits))
        rest = tuple(each for each in self.components if each.name != name)
        caches, links = {each.name for each in rest if each.kind in ("cache", "cdn")}, list[Link]()
        for link in kept:
            asked = any(each.source == link.source and each.target in caches for each in links)
            words = link.only if asked else tuple(word for word in link.only if word != "miss")
            links.append(replace(link, only=words))
        return Design(rest, tuple(links))


def _joined(before: Link, after: Link, *, waits: bool) -> Link:
    """Return the link that does what two links in a row did."""
    values = {each.name: getattr(after, each.name) for each in fields(Link)}
    values |= {"source": before.source, "waits": waits, "only": before.only or after.only}
    values["fanout"] = None if before.fanout is after.fanout is None else (before.fanout or 1) * (after.fanout or 1)
    if before.share is not None:
        values["share"] = before.share * (1 if after.share is None else after.share)
    return Link(**values)


def is_set(thing: Component | Link, field: str) -> bool:
    """Return whether a parameter has been said. Zero has: `replicas=0` is not the default of a store."""
    value = getattr(thing, field)
    return value is not None and value is not False and value != ()
