"""What a design does when it runs: under its load, under too much of it, with an instance dead, or a provider slow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import networkx
import numpy as np
from numpy.typing import NDArray

from fortyfive.design.model import Component, Design
from fortyfive.flow import caches
from fortyfive.flow.designs import LossRun, PathRun, Trace, losses, milliseconds, run, saturation
from fortyfive.flow.designs_requests import FETCH_S, Requests, Ways, cache_answers, workload
from fortyfive.flow.designs_system import FAILOVER_S
from fortyfive.judgement.findings import Finding
from fortyfive.judgement.structure import every_way_cut, uses, waits_for, way_of
from fortyfive.scenario.prompts import Operation, Prompt, Scenario, Slowdown

# A judgement takes a dozen runs and more, so each may do less than one that is looked at.
MOST_EVENTS = 4_000_000
# What a promise about the p99 asks of all requests.
_PROMISED = 0.99
# Under too much load this share of the good answers of the ordinary load has to be left, in a run of at most so long.
_LEFT, _OVERLOAD_S = 0.5, 20.0
# How slow a provider is on a bad day, and how long a user takes until they look at what they have just written.
SLOWER = 20.0
LOOKS_AFTER_S = 1.0
_STALE, _TOGETHER = 0.001, 3.0
# So many messages wait before it is a backlog. It grows where the second half of the run adds as much as the first, and
# where that is more than a small share of what comes.
_BACKLOG, _GROWS, _SHARE = 100, 1.5, 0.01
# What one instance of a WebSocket tier keeps where the design does not say; a round figure.
CONNECTIONS = 100_000


def measure(design: Design, load: Scenario, seed: int) -> Trace:
    """Run a design for a judgement."""
    return run(design, load, seed=seed, most_events=MOST_EVENTS)


def is_short_of(answered: int, arrived: int, promised: float | None) -> bool:
    """Say whether fewer than a promised share were answered, by more than two standard errors of the promise."""
    allowed = arrived * (1 - (promised or 0.0))
    return arrived - answered > allowed + 2 * math.sqrt(allowed)


def promises(trace: Trace, prompt: Prompt) -> list[Finding]:
    """Return which promises the ordinary load breaks."""
    found = []
    if trace.cut_short:
        found.append(
            Finding(
                "promise",
                trace.saturated[0] if trace.saturated else "",
                f"The run was cut short after {trace.reached_s:.1f} s: it makes more calls than can be followed.",
                f"{trace.engine.events:,} events for {trace.arrived:,} requests. {_full(trace)}",
                "One request comes in. How many calls does it become, with all its copies and tries?",
            )
        )
        return found
    for path in trace.paths.values():
        operation = path.operation
        if path.in_promise < _PROMISED:
            found.append(
                Finding(
                    "promise",
                    operation.name,
                    f"'{operation.name}' is promised within {milliseconds(operation.answer_p99_s)} at p99, and only "
                    f"{path.in_promise:.1%} of the requests get a good answer in time.",
                    f"p50 {milliseconds(path.answer_s[0])}, p99 {milliseconds(path.answer_s[2])} of those answered; "
                    f"{_unanswered(path)} {_full(trace)}",
                    "Which of your boxes is full first, and how do you know before your users do?",
                )
            )
        elif is_short_of(path.answered, path.arrived, operation.available):
            found.append(
                Finding(
                    "promise",
                    operation.name,
                    f"{1 - path.available:.2%} of '{operation.name}' get no good answer, on an ordinary day.",
                    f"{_unanswered(path)} {_full(trace)}",
                    "Where do these requests end, and who notices?",
                )
            )
        # Who got no answer has been told already: this is about work that was taken in.
        if operation.done_p99_s is not None and path.done_in_time < _PROMISED * path.answered:
            found.append(
                Finding(
                    "promise",
                    operation.name,
                    f"What '{operation.name}' causes is promised within {milliseconds(operation.done_p99_s)} at p99, "
                    f"and is done in time for {path.done_in_promise:.1%}.",
                    f"p99 {milliseconds(path.done_s[2])} of those done; {path.arrived - path.done:,} of "
                    f"{path.arrived:,} are not done at the end, {path.dead:,} of them dead letters. {_full(trace)}"
                    + _one_a_partition(trace.design),
                    "Your callers are happy, and the work is not done. How much comes a second, and how much is done?",
                )
            )
    if not found:
        found += backlogs(trace)
    if trace.usd_a_month > prompt.usd_a_month:
        dear = sorted(trace.bills, key=lambda name: -trace.bills[name].usd)[:3]
        parts = ", ".join(f"'{name}' USD {trace.bills[name].usd:,.0f}" for name in dear)
        found.append(
            Finding(
                "budget",
                dear[0],
                f"A month costs USD {trace.usd_a_month:,.0f}, and may cost USD {prompt.usd_a_month:,.0f}.",
                f"The dearest: {parts}.",
                "Which of these machines would you give back first?",
            )
        )
    return found


def backlogs(trace: Trace) -> list[Finding]:
    """Return which queues grow for as long as the load lasts: a short run keeps promises that a day breaks."""
    found = []
    span_s = trace.scenario.span_s
    end = int(span_s / trace.bucket_s) - 1
    for queue in trace.design.of_kind("queue", "stream", "scheduler"):
        waiting, comes_per_s = trace.components[queue.name].queued, trace.components[queue.name].calls / span_s
        half, last = int(waiting[end // 2]), int(waiting[end])
        per_s = (last - half) / (span_s / 2)
        if last >= max(_BACKLOG, _GROWS * half) and per_s >= _SHARE * comes_per_s:
            found.append(
                Finding(
                    "promise",
                    queue.name,
                    f"'{queue.name}' grows for as long as the load lasts, by {per_s:,.0f} messages a second.",
                    f"{last:,} wait after {span_s:g} s, and after an hour it would be {3_600 * per_s:,.0f}.",
                    "It is in time now, and not in an hour. At what rate do the readers take messages off it?",
                )
            )
    return found


def _one_a_partition(design: Design) -> str:
    """Say how many messages of a stream are worked on at once, where its partitions bound that, or ""."""
    bound = [each for each in design.of_kind("stream") if each.partitions is not None]
    said = (
        f" '{each.name}' is read in {each.partitions:,} parts by key, one message at a time each." for each in bound
    )
    return "".join(said)


def _one_reader_each(design: Design) -> str:
    """Say which queues share their messages out among several readers, or ""."""
    shared = [each for each in design.of_kind("queue") if len(design.links_from(each.name)) > 1]
    said = (f" '{each.name}' gives each message to one of its readers, and not to all of them." for each in shared)
    return "".join(said)


def _unanswered(path: PathRun) -> str:
    return f"{path.errors:,} of {path.arrived:,} got an error, and {path.timed_out:,} gave up waiting."


def copies(trace: Trace) -> list[Finding]:
    """Return which operations reach what they need less often than they should."""
    found = []
    for operation in trace.scenario.operations:
        last = [each for each in trace.design.components if each.kind in operation.not_waiting_for]
        done = trace.paths[operation.name].done
        if operation.copies == 1 or not last or not done:
            continue
        calls = sum(trace.components[each.name].calls for each in last)
        if calls < 0.9 * done * operation.copies:
            found.append(
                Finding(
                    "missing path",
                    operation.name,
                    f"One '{operation.name}' has to become {operation.copies} calls of the provider, and became "
                    f"{calls / done:.1f}.",
                    f"{calls:,} calls at {' and '.join(repr(each.name) for each in last)} in the run."
                    + _one_reader_each(trace.design),
                    "A user has a phone, a tablet and two browsers. Where in your drawing does one become four?",
                )
            )
    return found


def lost_instances(design: Design, trace: Trace, seed: int) -> Iterator[Finding]:
    """Yield which components may not lose an instance, by killing one of each.

    Of operations whose promise is broken while all are alive nothing more is said.
    """
    load = trace.scenario
    able = [
        each
        for each in load.operations
        if each.available is not None
        and not is_short_of(trace.paths[each.name].answered, trace.paths[each.name].arrived, each.available)
    ]
    if not able:
        return
    for loss in losses(design, load, seed=seed, most_events=MOST_EVENTS):
        arrived = {each.name: each.rate_per_s * (loss.end_s - loss.start_s) for each in able}
        broken = [
            each
            for each in able
            if is_short_of(
                round(loss.shares[each.name] * arrived[each.name]), round(arrived[each.name]), each.available
            )
        ]
        if broken:
            yield _lost(design, loss, broken)


def _lost(design: Design, loss: LossRun, broken: list[Operation]) -> Finding:
    component = design.component(loss.component)
    name, cut = component.name, {each.name for one in broken for each in every_way_cut(design, one)}
    shares = ", ".join(
        f"{loss.shares[each.name]:.2%} of '{each.name}' were answered ({each.available or 0:.1%} are promised)"
        for each in broken
    )
    if component.machines == 1:
        what = f"'{name}' is alone, and nothing takes over."
        say = f"'{name}' has just died. What do your users see, and for how long?"
    elif component.type.keeps and component.spares:
        default_s = FAILOVER_S.get(component.kind, 0.0)
        failover_s = default_s if component.failover_s is None else component.failover_s
        what = f"A copy of '{name}' takes over after {milliseconds(failover_s)}; until then nobody does its work."
        say = f"The first copy of '{name}' has just died. Who decides that, and what happens to writes until then?"
    elif component.kind == "cache" or component.type.keeps:
        what = f"'{name}' has {component.machines} machines, each with keys of its own, and no copy of them."
        say = f"One '{name}' is dead. Which users notice, and where do their requests go?"
    else:
        what = f"'{name}' has {component.machines} machines, and cannot spare one."
        say = f"One '{name}' is dead, and nobody has noticed yet. Who gets the errors?"
    return Finding(
        "single point of failure",
        name,
        what,
        f"One killed in the run, for {loss.end_s - loss.start_s:g} s: {shares}."
        + (" In the drawing every way goes through it." if name in cut else "")
        + _draws_in(design, component),
        say,
    )


def _draws_in(design: Design, component: Component) -> str:
    """Say who sends calls to a dead instance because nothing is under way there, or ""."""
    callers = [design.component(link.source) for link in design.links_to(component.name)]
    looking = [each for each in callers if each.policy in ("least", "two")]
    if not looking or component.machines == 1 or component.type.keeps:
        return ""
    each = looking[0]
    return f" '{each.name}' looks for who has little to do (policy={each.policy}): a dead one refuses, and looks idle."


def slow_provider(design: Design, prompt: Prompt, trace: Trace, seed: int) -> dict[str, str]:
    """Return what a bad day of a provider does to the answer, for each operation whose answer waits for it."""
    waiting = {each.name: waits_for(design, each) for each in prompt.load.operations}
    kinds = sorted({design.component(name).kind for names in waiting.values() for name in names})
    if not kinds:
        return {}
    # A component's own name goes before a kind, so each is named.
    bad = tuple(
        Slowdown(each.name, 0.0, prompt.load.span_s, slower=SLOWER)
        for each in design.components
        if any(each.name in names for names in waiting.values())
    )
    slow = measure(design, replace(prompt.load, troubles=(*prompt.load.troubles, *bad)), seed)
    said = {}
    for name, names in waiting.items():
        if names:
            before, after = trace.paths[name], slow.paths[name]
            said[name] = (
                f"With the provider {SLOWER:g} times as slow, the p99 goes from {milliseconds(before.answer_s[2])} to "
                f"{milliseconds(after.answer_s[2])}, and {after.in_promise:.1%} are in time."
            )
    return said


def overload(design: Design, prompt: Prompt, trace: Trace, seed: int) -> Iterator[Finding]:
    """Yield whether the design collapses under too much load, instead of turning work away."""
    load = prompt.load.times(prompt.overload).lasting(min(prompt.load.span_s, _OVERLOAD_S))
    much = run(design, load, seed=seed, most_events=2 * MOST_EVENTS)
    if much.goodput_per_s >= _LEFT * trace.goodput_per_s or not much.saturated:
        return
    away = sum(much.turned_away(name) for name in much.components)
    yield Finding(
        "no back-pressure",
        much.saturated[0],
        f"At {prompt.overload:g} times the load hardly anybody is served in time.",
        f"Good answers in time fall from {trace.goodput_per_s:,.0f} to {much.goodput_per_s:,.0f} a second, and "
        f"{away:,} calls were turned away, for {much.arrived:,} requests. Full first: {saturation(much)}.",
        f"{prompt.overload:g} times the traffic that you planned for. Do you serve half of them well, or all too late?",
    )


def cache_rules(design: Design, load: Scenario, seed: int) -> Iterator[Finding]:
    """Yield what is wrong with the caches, each from the keys that come to it in this load."""
    own = design.of_kind("cache", "cdn")
    if not own:
        return
    come = workload(load, seed)
    requests = Ways(design, load.operations).requests(load, seed)
    for cache in own:
        past = writers_past(design, load, cache)
        numbers = [number for number, each in enumerate(load.operations) if each in past]
        stale = _stale(cache, load, requests, come.key, come.at_ns, np.isin(come.operation, numbers)) if past else 0.0
        if cache.ttl_s is None and stale > 0:
            yield Finding(
                "stale cache",
                cache.name,
                f"'{cache.name}' never hears of '{past[0].name}', and keeps what it has for ever.",
                f"{stale:.2%} of the reads in {load.span_s:g} s were answered with an old value, and the share grows.",
                "A user changes the entry. When does the next reader see it, and what makes that happen?",
            )
        together = _misses_together(load, requests.comes[cache.name] & ~requests.writes, come.key)
        if not cache.coalesce and together >= _TOGETHER and not stale * (cache.ttl_s is None):
            yield Finding(
                "stampede",
                cache.name,
                f"When the hottest entry of '{cache.name}' expires or is lost, everybody who wants it asks the store.",
                f"About {together:.0f} requests miss at once, in the {milliseconds(FETCH_S)} that fetching it takes.",
                "Your most popular key has just expired. How many identical queries does the store see?",
            )


def _stale(
    cache: Component,
    load: Scenario,
    requests: Requests,
    key: NDArray[np.int64],
    at_ns: NDArray[np.int64],
    past: NDArray[np.bool_],
) -> float:
    """Return the share of a cache's reads that it answers with an old value, were it large enough for all keys."""
    whole = replace(cache, size=load.keys, hit=None, instances=1, shards=None)
    comes = requests.comes[cache.name] & (past | ~requests.writes)
    reads = comes & ~requests.writes
    answer = cache_answers(whole, comes, past, key, at_ns)
    return float((answer[reads] == caches.STALE).mean()) if reads.any() else 0.0


def writers_past(design: Design, load: Scenario, cache: Component) -> list[Operation]:
    """Return the operations that write to a store behind a cache, and do not come through the cache."""
    behind = _stores_behind(design, cache)
    asks = design.links_to(cache.name)
    past = []
    for operation in load.operations:
        way = way_of(design, operation)
        through = any(link.source in way and uses(link, operation) for link in asks)
        if operation.writes and not behind.isdisjoint(way) and not through:
            past.append(operation)
    return past


def _stores_behind(design: Design, cache: Component) -> set[str]:
    """Return the stores that are asked for what a cache does not have."""
    begins = [link.target for link in design.links_from(cache.name)]
    for ask in design.links_to(cache.name):
        own = design.links_from(ask.source)
        begins += [link.target for link in own[own.index(ask) + 1 :] if "miss" in link.only]
    graph = design.graph()
    names = set(begins).union(*(networkx.descendants(graph, each) for each in begins))
    return {name for name in names if design.component(name).type.keeps}


def _misses_together(load: Scenario, reads: NDArray[np.bool_], key: NDArray[np.int64]) -> float:
    """Return how many reads of the hottest key come within one fetch."""
    if not reads.any():
        return 0.0
    hottest = int(np.bincount(key[reads]).max())
    return hottest / load.span_s * FETCH_S


def own_writes(design: Design, load: Scenario) -> Iterator[Finding]:
    """Yield which operations may not show users what they have just written."""
    for operation in load.operations:
        if not operation.own_writes:
            continue
        for store in design.of_kind("sql", "search"):
            lag_s = 0.1 if store.lag_s is None else store.lag_s
            read = any(uses(link, operation) for link in design.links_to(store.name))
            if read and store.spares and not store.standby and lag_s > 0:
                # Both times are exponential: the look comes first with this chance.
                stale = lag_s / (lag_s + LOOKS_AFTER_S)
                if stale > _STALE:
                    yield Finding(
                        "read your writes",
                        operation.name,
                        f"'{operation.name}' reads from replicas of '{store.name}', which lag behind.",
                        f"A user who looks {LOOKS_AFTER_S:g} s after writing, on average, misses it in {stale:.1%} of "
                        f"the cases, at a lag of {milliseconds(lag_s)}: lag / (lag + time to look).",
                        "I press the button, and my own entry is not there. Where did my read go?",
                    )


def _full(trace: Trace) -> str:
    return f"Full first: {saturation(trace)}." if trace.saturated else "No component was full."


def connections(design: Design, prompt: Prompt) -> list[Finding]:
    """Return whether all who stay connected find room."""
    load = prompt.load
    tiers = design.of_kind("sockets")
    room = sum((each.connections or CONNECTIONS) * each.parts for each in tiers)
    if not load.connected or room >= load.connected:
        return []
    return [
        Finding(
            "connections",
            tiers[0].name if tiers else "",
            f"{load.connected:,} clients stay connected, and there is room for {room:,}.",
            f"Each instance of a WebSocket tier keeps {CONNECTIONS:,} unless it says otherwise.",
            "Everybody is online after the match. Who gets no connection?",
        )
    ]
