"""What a drawing says before it runs: paths that are missing, answers that wait, queues without an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import networkx

from fortyfive.design.kinds import KINDS
from fortyfive.design.model import Component, Design, Link
from fortyfive.judgement.findings import Finding
from fortyfive.scenario.prompts import Operation, Prompt

_QUEUES = ("queue", "stream", "scheduler")
_READERS = ("workers", "service", *_QUEUES)
# A share of the requests that is as good as all: what a promise about the p99 asks.
_ALL = 0.99
# A queue that takes longer than this to fill has no limit, and tries that make more work than this share never end.
_FILLS_S, _WORK_OF_POISON = 7 * 86_400.0, 0.1
# So many tuned parameters in a drawing whose skeleton is not complete are too many.
_MANY_TUNED = 4
# What a drawing is allowed to have without a reason of its own: where requests come in, and the promised limits.
ENTRIES = ("lb", "gateway", "dns", "cdn", "limiter", "sockets")


def uses(link: Link, operation: Operation) -> bool:
    """Say whether requests of the operation may go over the link."""
    return link.is_for(operation.name, writes=operation.writes)


def way_of(design: Design, operation: Operation) -> networkx.DiGraph[str]:
    """Return what requests of an operation can reach from the clients, as a graph."""
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_edges_from((link.source, link.target) for link in design.links if uses(link, operation))
    clients = [each.name for each in design.of_kind("client") if each.name in graph]
    found = set(clients).union(*(networkx.descendants(graph, each) for each in clients))
    return networkx.DiGraph(graph.subgraph(found))


def structural(design: Design, prompt: Prompt) -> list[Finding]:
    """Return what is wrong with the drawing itself."""
    found = list(_missing_paths(design, prompt))
    found += _no_reader(design)
    complete = not found
    found += _fire_and_forget(design, prompt)
    found += _synchronous(design, prompt)
    found += _no_balancer(design)
    found += _queues(design, prompt)
    if not complete:
        found += _depth(design)
    return found


def _missing_paths(design: Design, prompt: Prompt) -> Iterator[Finding]:
    for operation in prompt.load.operations:
        way = way_of(design, operation)
        kinds = {design.component(name).kind for name in way}
        for wanted, reason in operation.needs.items():
            if kinds.isdisjoint(wanted):
                titles = " or ".join(_titles(wanted))
                yield Finding(
                    "missing path",
                    operation.name,
                    f"'{operation.name}' reaches no {titles}, but {reason}.",
                    f"From a client it gets to: {', '.join(sorted(way)) or 'nothing'}.",
                    f"Walk me through '{operation.name}', arrow by arrow. Where does it end up?",
                )
            else:
                yield from _unsure(design, operation, wanted, reason)


def _unsure(design: Design, operation: Operation, wanted: tuple[str, ...], reason: str) -> Iterator[Finding]:
    """Yield why some requests count as answered or done that have not been where they have to go."""
    name, titles = operation.name, " or ".join(_titles(wanted))
    # What nothing is promised about after the answer has to be done by then.
    waits = operation.done_p99_s is None and not set(wanted) <= set(operation.not_waiting_for)
    if sure_share(design, operation, wanted, waits=waits) >= _ALL:
        return
    share = sure_share(design, operation, wanted, optional=True)
    optional = [link.name for link in design.links if link.optional and uses(link, operation)]
    if sure_share(design, operation, wanted) >= _ALL:
        what = f"'{name}' is answered before it has reached a {titles}, but {reason}."
        evidence = "On the way there is an arrow that nobody waits for, or a queue, and nothing is promised for later."
        say = f"You have answered '{name}'. What did the answer say, and what if the rest never happens?"
    elif share >= _ALL:
        what = f"'{name}' counts as served where it has reached no {titles}, but {reason}."
        evidence = (
            f"Optional on its way: {', '.join(optional)}. Where such a call fails, its caller goes on without it."
        )
        say = f"That call has failed, and you go on. What does the user of '{name}' get?"
    else:
        what = f"Of '{name}' {share:.0%} are sure to reach a {titles}, but {reason}."
        evidence = (
            "The rest is lost where shares make less than 100 %, where a client has no way there, or where another "
            "reader takes a message off the same queue."
        )
        say = f"And the other {1 - share:.0%} of '{name}'? Where do they go?"
    yield Finding("missing path", name, what, evidence, say)


def sure_share(
    design: Design, operation: Operation, wanted: tuple[str, ...], *, waits: bool = False, optional: bool = False
) -> float:
    """Return which share of an operation's requests gets to a component of these kinds, as long as no call fails.

    With `waits` only what an answer waits for counts, and only with `optional` what the caller can do without. What a
    cache answers has got there.
    """
    links = [
        link
        for link in design.links
        if uses(link, operation)
        and (optional or not link.optional)
        and (not waits or (link.waits and not design.component(link.source).type.hands_on))
    ]
    sure: dict[str, float] = {}
    for name in reversed(list(networkx.topological_sort(design.graph()))):
        component = design.component(name)
        own = [link for link in links if link.source == name]
        all_go = [sure[link.target] for link in own if link.share is None]
        # A message of a queue goes to one of its readers, and nobody knows to which.
        most = (min if component.kind == "queue" else max)(all_go, default=0.0)
        sure[name] = 1.0 if component.kind in wanted else max(most, _by_shares(design, name, own, sure))
    begin = [each.name for each in design.of_kind("client") if _begins(design, each.name, operation)]
    return sum(sure[name] for name in begin) / len(begin) if begin else 0.0


def _by_shares(design: Design, name: str, own: list[Link], sure: Mapping[str, float]) -> float:
    """Return the part of a component's requests that gets there by links with a `share`, of which each takes one."""
    low, part = 0.0, 0.0
    for link in design.links_from(name):
        if link.share is not None:
            high = min(low + link.share, 1.0)
            part += (high - low) * sure[link.target] if link in own else 0.0
            low = high
    return part


def _begins(design: Design, client: str, operation: Operation) -> bool:
    return any(uses(link, operation) for link in design.links_from(client))


def _no_reader(design: Design) -> Iterator[Finding]:
    for queue in design.of_kind(*_QUEUES):
        for link in design.links_from(queue.name):
            reader = design.component(link.target)
            if reader.kind not in _READERS:
                yield Finding(
                    "missing path",
                    queue.name,
                    f"'{queue.name}' hands its messages to '{reader.name}', and a {reader.type.title} reads no queue.",
                    "Somebody has to take a message, act on it, and acknowledge it: a worker pool, or a service.",
                    "Who takes the message off the queue, and who deletes it there?",
                )


def _fire_and_forget(design: Design, prompt: Prompt) -> Iterator[Finding]:
    for operation in prompt.load.operations:
        way = way_of(design, operation)
        for link in design.links if operation.done_p99_s is not None else ():
            kinds = {design.component(link.source).kind, design.component(link.target).kind}
            if not link.waits and way.has_edge(link.source, link.target) and kinds.isdisjoint(_QUEUES):
                yield Finding(
                    "fire and forget",
                    operation.name,
                    f"What '{operation.name}' causes waits in the memory of '{link.target}' ({link.name}).",
                    "It was promised, its caller has gone, and it is lost with the process.",
                    f"You deploy '{link.target}'. What happens to the work that it had been given?",
                )


def _synchronous(design: Design, prompt: Prompt) -> Iterator[Finding]:
    for operation in prompt.load.operations:
        if names := waits_for(design, operation):
            titles = " and ".join(_titles(tuple(dict.fromkeys(design.component(name).kind for name in names))))
            yield Finding(
                "synchronous",
                operation.name,
                f"The answer to '{operation.name}' waits for {_quoted(names)}, and nobody asked it to.",
                "On the way there is no queue: each arrow waits for the next.",
                f"Your caller gets its answer when the {titles} has answered. What happens to it on a day on which "
                "that takes ten seconds?",
            )


def waits_for(design: Design, operation: Operation) -> list[str]:
    """Return the components that an answer waits for though it must not."""
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(each.name for each in design.components)
    for link in design.links:
        if uses(link, operation) and link.waits and not design.component(link.source).type.hands_on:
            graph.add_edge(link.source, link.target)
    reached: set[str] = set()
    for client in design.of_kind("client"):
        reached |= networkx.descendants(graph, client.name)
    return sorted(name for name in reached if design.component(name).kind in operation.not_waiting_for)


def _no_balancer(design: Design) -> Iterator[Finding]:
    for component in design.of_kind("service", "sockets", "gateway"):
        callers = [design.component(link.source) for link in design.links_to(component.name)]
        if component.parts > 1 and callers and all(caller.kind == "client" for caller in callers):
            yield Finding(
                "no balancer",
                component.name,
                f"Nothing spreads the requests over the {component.parts} instances of '{component.name}'.",
                "Its only callers are clients, and a client knows one address.",
                f"You have {component.parts} of these. How does a phone know which to call, and what if it is dead?",
            )


def _queues(design: Design, prompt: Prompt) -> Iterator[Finding]:
    load = prompt.load
    for queue in design.of_kind(*_QUEUES):
        if not design.links_from(queue.name):
            continue
        if queue.limit is None:
            yield Finding(
                "unbounded queue",
                queue.name,
                f"'{queue.name}' has no limit.",
                "While its readers are slower than its writers it grows, and so does the age of what is read.",
                "The queue absorbs the peak, good. How much of it, and what do you do with a message that is an hour "
                "old?",
            )
        elif queue.limit > _FILLS_S * load.rate_per_s:
            yield Finding(
                "unbounded queue",
                queue.name,
                f"'{queue.name}' may hold {queue.limit:,} messages, which is as good as no limit.",
                f"At {load.rate_per_s:,.0f} a second it is full after {queue.limit / load.rate_per_s / 86_400:,.0f} "
                "days without a reader.",
                "Your readers stopped on Monday. Who wants Monday's messages on Sunday?",
            )
        if queue.tries is None:
            yield Finding(
                "no dead letter",
                queue.name,
                f"A message of '{queue.name}' that always fails is tried for ever.",
                "There is no limit of tries after which it would be put aside.",
                "One message makes your worker crash each time. Where is it in an hour?",
            )
        elif queue.tries * load.poison > _WORK_OF_POISON:
            yield Finding(
                "no dead letter",
                queue.name,
                f"A message of '{queue.name}' that always fails is tried {queue.tries:,} times.",
                f"{load.poison:.1%} of the messages always fail here, and would make {queue.tries * load.poison:.0%} "
                "more work for the readers.",
                "What do you learn from the hundredth try that the fifth has not told you?",
            )


def _depth(design: Design) -> Iterator[Finding]:
    tuned = [(each.name, word) for each in design.components for word in each.tuned]
    tuned += [(each.name, word) for each in design.links for word in each.tuned if word != "only"]
    if len(tuned) >= _MANY_TUNED:
        some = ", ".join(f"{word} of '{name}'" for name, word in tuned[:3])
        yield Finding(
            "depth too early",
            tuned[0][0],
            f"{len(tuned)} parameters are set, and the skeleton is not complete.",
            f"Among them {some}.",
            "You are tuning one box, and I cannot see yet how a request gets to the end. Finish the skeleton first.",
        )


def every_way_cut(design: Design, operation: Operation) -> list[Component]:
    """Return the components that each way from a client to something an operation needs goes through."""
    way = way_of(design, operation)
    clients = [each.name for each in design.of_kind("client") if each.name in way]
    found = []
    for component in design.components:
        if component.kind == "client" or component.name not in way:
            continue
        rest = networkx.DiGraph(way)
        rest.remove_node(component.name)
        left = set(clients).union(*(networkx.descendants(rest, each) for each in clients))
        kinds = {design.component(name).kind for name in left}
        if any(kinds.isdisjoint(wanted) for wanted in operation.needs):
            found.append(component)
    return found


def _titles(kinds: tuple[str, ...]) -> list[str]:
    return [KINDS[kind].title for kind in kinds]


def _quoted(names: list[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)
