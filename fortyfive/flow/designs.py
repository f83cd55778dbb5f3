"""Run a design: a drawing meets the load of a prompt, and what comes back are latencies, losses, queues and a bill."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fortyfive.design.model import Component, Design, Link
from fortyfive.design.rules import problems
from fortyfive.flow import events_loop
from fortyfive.flow.designs_requests import MOST_REQUESTS, strikes
from fortyfive.flow.designs_system import Plan, dead_until_s, drained_s, is_managed, plan, queues_before, slots_of
from fortyfive.flow.events import EventRun, simulate
from fortyfive.flow.memory import NotEnoughMemoryError
from fortyfive.numbers.prices import Bill, monthly_bill
from fortyfive.scenario.prompts import Loss, Operation, Scenario

__all__ = [
    "BUCKETS",
    "MOST_EVENTS",
    "MOST_REQUESTS",
    "ComponentRun",
    "DesignCannotRunError",
    "LossRun",
    "PathRun",
    "Trace",
    "answered_between",
    "frames",
    "losses",
    "milliseconds",
    "run",
    "saturation",
    "summary",
]

# A run that would take longer than a few seconds is cut short, and says so.
MOST_EVENTS = 5_000_000
BUCKETS = 120
# Busy for this share of the time, a component with a limit cannot take more.
FULL = 0.97
# So many buckets in a row it has to be full: a moment is not saturation.
_LASTING = 3
# In a run in which an instance dies, queues have filled by then.
_UNDER_WAY_S = 2.0


class DesignCannotRunError(ValueError):
    """The design has a problem that leaves nothing to run; the message says which, and what to do."""


@dataclass(frozen=True)
class PathRun:
    """What became of the requests of one operation.

    Of those that `arrived`, `answered` got a good answer, and `prompt` within the time promised; `done` had all of
    their messages worked through, and `done_in_time` within theirs. Of the others `dead` had a message that ended as a
    dead letter, `rejected`, `timed_out` and `failed` say how the client's call ended: what was turned away further on
    is a failure to the client. Quantiles are 0.5, 0.95 and 0.99, in seconds, over those that were answered or done; NaN
    without any.
    """

    operation: Operation
    arrived: int
    answered: int
    prompt: int
    done: int
    done_in_time: int
    dead: int
    rejected: int
    timed_out: int
    failed: int
    answer_s: tuple[float, float, float]
    done_s: tuple[float, float, float]

    @property
    def errors(self) -> int:
        """How many requests got an error for an answer, wherever it came from."""
        return self.rejected + self.failed

    @property
    def available(self) -> float:
        """The share of requests that got a good answer."""
        return self.answered / self.arrived if self.arrived else 1.0

    @property
    def in_promise(self) -> float:
        """The share of requests that got a good answer within the time promised."""
        return self.prompt / self.arrived if self.arrived else 1.0

    @property
    def done_in_promise(self) -> float:
        """The share of requests with everything done within the time promised."""
        return self.done_in_time / self.arrived if self.arrived else 1.0


@dataclass(frozen=True)
class ComponentRun:
    """What happened at a component, in each bucket of time where it is an array.

    `busy` is the share of its busiest instance that was at work (0 where there is no limit), `queued` how many requests
    or messages wait for it at the end of the bucket (for a queue: in it), `oldest_s` how long the oldest of them has
    waited, `turned_away` and `failed` the shares of the calls in the bucket. `utilisation` is the mean over the load,
    `calls` the total, `full_at_s` when it first had no room left for more, or None.
    """

    busy: NDArray[np.float64]
    queued: NDArray[np.int64]
    oldest_s: NDArray[np.float64]
    turned_away: NDArray[np.float64]
    failed: NDArray[np.float64]
    utilisation: float
    calls: int
    full_at_s: float | None


@dataclass(frozen=True)
class Trace:
    """A run of a design: by operation, by component, and over time.

    `saturated` names the components that had no room left, in the order in which it happened. `bills` say what a month
    costs at the scenario's average load, by component. With `cut_short` the run met its limit of events at `reached_s`,
    and what came later is missing.
    """

    design: Design
    scenario: Scenario
    seed: int
    paths: Mapping[str, PathRun]
    components: Mapping[str, ComponentRun]
    saturated: tuple[str, ...]
    bills: Mapping[str, Bill]
    bucket_s: float
    cut_short: bool
    reached_s: float
    engine: EventRun
    plan: Plan

    @property
    def usd_a_month(self) -> float:
        """What a month costs at the scenario's average load."""
        return sum(bill.usd for bill in self.bills.values())

    @property
    def arrived(self) -> int:
        """How many requests came."""
        return sum(path.arrived for path in self.paths.values())

    @property
    def available(self) -> float:
        """The share of all requests that got a good answer."""
        return sum(path.answered for path in self.paths.values()) / max(self.arrived, 1)

    def turned_away(self, name: str) -> int:
        """Return how many calls a component turned away."""
        runs = (self.engine.stations[each] for each in self.plan.stations[name])
        return sum(int(each.rejected.sum() + each.shed.sum()) for each in runs)

    @property
    def goodput_per_s(self) -> float:
        """Good answers within the time promised, a second."""
        return sum(path.prompt for path in self.paths.values()) / self.scenario.span_s


def run(design: Design, scenario: Scenario, *, seed: int = 45, most_events: int = MOST_EVENTS) -> Trace:
    """Run a design under a load; the same seed gives the same run, and its dice are shared by similar designs.

    Raises DesignCannotRunError with a sentence for a design with a fatal problem, and for a load that is too large.
    """
    if fatal := [each for each in problems(design) if each.fatal]:
        raise DesignCannotRunError(fatal[0].message)
    try:
        made = plan(design, scenario, seed)
        lasts_s = drained_s(scenario)
        # However long the end takes, the load itself is looked at closely.
        buckets = min(max(BUCKETS, round(BUCKETS / 2 * lasts_s / scenario.span_s)), 10 * BUCKETS)
        engine = simulate(made.system, span_s=lasts_s, seed=seed, buckets=buckets, most_events=most_events)
    except (ValueError, NotEnoughMemoryError) as error:
        raise DesignCannotRunError(str(error)) from None
    components = {each.name: _component_run(design, made, engine, each.name, scenario) for each in design.components}
    full = [(each.full_at_s, name) for name, each in components.items() if each.full_at_s is not None]
    return Trace(
        design=design,
        scenario=scenario,
        seed=seed,
        paths={each.name: _path_run(made, engine, number, each) for number, each in enumerate(scenario.operations)},
        components=components,
        saturated=tuple(name for _, name in sorted(full)),
        bills=_bills(made, components, design, scenario),
        bucket_s=engine.bucket_s,
        cut_short=engine.cut_short,
        reached_s=engine.reached_s,
        engine=engine,
        plan=made,
    )


def _path_run(made: Plan, engine: EventRun, number: int, operation: Operation) -> PathRun:
    mine = made.operation_of(engine.client) == number
    at_ns, answered_ns, settled_ns = engine.at_ns[mine], engine.answered_ns[mine], engine.settled_ns[mine]
    answer_s = (answered_ns - at_ns)[answered_ns >= 0] / 1e9
    done_s = (settled_ns - at_ns)[settled_ns >= 0] / 1e9
    outcome = engine.outcome[mine]
    limit_s = math.inf if operation.done_p99_s is None else operation.done_p99_s
    return PathRun(
        operation=operation,
        arrived=int(at_ns.size),
        answered=int(answer_s.size),
        prompt=int(np.count_nonzero(answer_s <= operation.answer_p99_s)),
        done=int(done_s.size),
        done_in_time=int(np.count_nonzero(done_s <= limit_s)),
        dead=int(np.count_nonzero(engine.lost_messages[mine])),
        rejected=int(np.count_nonzero(outcome == events_loop.REJECTED)),
        timed_out=int(np.count_nonzero(outcome == events_loop.TIMED_OUT)),
        failed=int(np.count_nonzero(outcome == events_loop.FAILED)),
        answer_s=_quantiles(answer_s),
        done_s=_quantiles(done_s),
    )


def _quantiles(times_s: NDArray[np.float64]) -> tuple[float, float, float]:
    if not times_s.size:
        return (math.nan, math.nan, math.nan)
    p50, p95, p99 = np.quantile(times_s, [0.5, 0.95, 0.99], method="inverted_cdf").tolist()
    return (p50, p95, p99)


def _component_run(design: Design, made: Plan, engine: EventRun, name: str, scenario: Scenario) -> ComponentRun:
    component = design.component(name)
    runs = [engine.stations[place] for place in made.stations[name]]
    none = np.zeros(engine.buckets)
    limited = component.kind != "client" and slots_of(component) is not None and bool(runs)
    busy = np.max([_busy(made, engine, place) for place in made.stations[name]], axis=0) if limited else none
    calls, away, failed = (
        np.sum(many or [none], axis=0)
        for many in (
            [each.calls for each in runs],
            [each.rejected + each.shed for each in runs],
            [each.failed + each.crashes for each in runs],
        )
    )
    turned_away = away / np.maximum(calls, 1)
    # A dead instance turns calls away too, and is not full.
    dies = any(isinstance(each, Loss) and component in strikes(each, design) for each in scenario.troubles)
    queued, oldest_s = _waiting(design, made, engine, component)
    loaded = engine.bucket_s * np.arange(1, engine.buckets + 1) <= scenario.span_s + 1e-9
    return ComponentRun(
        busy=busy,
        queued=queued,
        oldest_s=oldest_s,
        turned_away=turned_away,
        failed=failed / np.maximum(calls, 1),
        utilisation=float(busy[loaded].mean()) if loaded.any() else 0.0,
        calls=int(calls.sum()),
        full_at_s=_full_at_s(busy, none if dies else turned_away, engine.bucket_s),
    )


def _busy(made: Plan, engine: EventRun, place: str) -> NDArray[np.float64]:
    """Return the share of the busiest instance of a station that was at work, in each bucket.

    The one that was busiest within a bucket is so by chance where instances are small, so a station whose instances
    share the work shows their mean. Where the key decides, the mean is shared out as the keys are.
    """
    station = next(each for each in made.system.stations if each.name == place)
    run = engine.stations[place]
    if any(each.station == place for each in made.system.troubles):
        return np.minimum(run.busiest / station.servers, 1.0)
    mean = run.busy / (station.servers * station.instances)
    shares = made.by_key.get(place)
    return np.minimum(mean if shares is None else _hottest(mean, shares), 1.0)


def _hottest(mean: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how busy the instance with the greatest share is where the instances are so busy on average.

    With offered work `a` in all, in instances, the one with the share p is busy for min(1, a p) of the time; of the
    means that follow, from none to all busy, this is the way back.
    """
    least = float(shares[shares > 0].min(initial=1.0))
    work = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, 400) / least])
    means = np.minimum(work[:, None] * shares, 1.0).mean(axis=1)
    hottest: NDArray[np.float64] = np.interp(mean, means, np.minimum(work * shares.max(), 1.0))
    return hottest


def _waiting(
    design: Design, made: Plan, engine: EventRun, component: Component
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how many wait for a component, and since when the oldest does, at the end of each bucket.

    What waits for the readers of a queue waits in the queue, and not at the readers.
    """
    queued, oldest_s = np.zeros(engine.buckets, dtype=np.int64), np.zeros(engine.buckets)
    if not component.type.hands_on:
        if not queues_before(design, component.name):
            for each in made.stations[component.name]:
                queued = queued + engine.stations[each].queued
                oldest_s = np.maximum(oldest_s, engine.stations[each].oldest_s)
        return queued, oldest_s
    for link in design.links_from(component.name):
        if link.target in engine.stations and made.links[link.source, link.target]:
            run = engine.stations[link.target]
            of_all = sum(_unfinished(made, engine, each) for each in design.links_to(link.target))
            own = _unfinished(made, engine, link)
            queued = queued + np.rint(run.queued * (own / np.maximum(of_all, 1))).astype(np.int64)
            oldest_s = np.maximum(oldest_s, np.where(own > 0, run.oldest_s, 0.0))
    return queued, oldest_s


def _unfinished(made: Plan, engine: EventRun, link: Link) -> NDArray[np.int64]:
    """Return how many calls or messages of a link are neither answered nor given up, at the end of each bucket."""
    left = np.zeros(engine.buckets, dtype=np.int64)
    for name in made.links[link.source, link.target]:
        run = engine.links[name]
        left += np.cumsum(run.attempts - run.retries - run.succeeded - run.given_up)
    return left


def _full_at_s(busy: NDArray[np.float64], turned_away: NDArray[np.float64], bucket_s: float) -> float | None:
    full = ((busy >= FULL) | (turned_away > 0.01)).astype(np.int64)
    lasting = np.convolve(full, np.ones(_LASTING, dtype=np.int64))[_LASTING - 1 : full.size] == _LASTING
    return float(np.argmax(lasting) * bucket_s) if lasting.any() else None


def _bills(made: Plan, components: Mapping[str, ComponentRun], design: Design, scenario: Scenario) -> dict[str, Bill]:
    return {
        each.name: monthly_bill(
            each.kind,
            machines=each.machines,
            requests_per_s=components[each.name].calls / scenario.span_s * scenario.average,
            write_share=made.writes[each.name],
            payload_bytes=scenario.payload_bytes,
            usd=each.usd,
        )
        for each in design.components
    }


@dataclass(frozen=True)
class LossRun:
    """What the death of one instance of a component does: the share of requests answered, while it lasts.

    `shares` has it for each operation, `available` and `worst` the least of them and its operation. The instance is
    dead from `start_s` to `end_s`.
    """

    component: str
    instances: int
    available: float
    worst: str
    trace: Trace
    shares: Mapping[str, float]
    start_s: float
    end_s: float


def losses(design: Design, scenario: Scenario, *, seed: int = 45, most_events: int = MOST_EVENTS) -> list[LossRun]:
    """Kill one instance of each component in a run of its own, and return the worst first.

    It dies once the run is under way and stays dead for half the scenario's span; the requests of this time are looked
    at, and no more come. Components that somebody else runs for us (a CDN, a queue as a service) are left alone.
    Raises DesignCannotRunError as `run` does.
    """
    start_s = min(_UNDER_WAY_S, scenario.span_s / 4)
    end_s = start_s + scenario.span_s / 2
    load = scenario.lasting(end_s)
    mortal = [each for each in design.components if not is_managed(each)]
    usual: Trace | None = None
    found = []
    for component in mortal:
        loss = Loss(component.name, start_s, end_s)
        if component.type.keeps and dead_until_s(component, loss) <= start_s:
            # Another copy takes over at once: the run is the usual one.
            usual = usual or run(design, load, seed=seed, most_events=most_events)
            trace = usual
        else:
            trace = run(design, replace(load, troubles=(*load.troubles, loss)), seed=seed, most_events=most_events)
        shares = answered_between(trace, start_s, end_s)
        worst = min(shares, key=lambda name: shares[name])
        found.append(LossRun(component.name, component.machines, shares[worst], worst, trace, shares, start_s, end_s))
    return sorted(found, key=lambda each: each.available)


def answered_between(trace: Trace, start_s: float, end_s: float) -> dict[str, float]:
    """Return, for each operation, the share of requests of a span of time that got a good answer."""
    engine, shares = trace.engine, {}
    then = (engine.at_ns >= start_s * 1e9) & (engine.at_ns < end_s * 1e9)
    numbers = trace.plan.operation_of(engine.client)
    for number, operation in enumerate(trace.scenario.operations):
        of = (numbers == number) & then
        shares[operation.name] = float((engine.answered_ns[of] >= 0).mean()) if of.any() else 1.0
    return shares


def frames(trace: Trace, count: int = 60) -> dict[str, Any]:
    """Return a run as plain data for a picture that moves: `count` moments, and for each component what it did then."""
    places = np.unique(np.linspace(0, trace.engine.buckets - 1, count).astype(int))
    first = trace.saturated[0] if trace.saturated else ""
    return {
        "at_s": [round((int(place) + 1) * trace.bucket_s, 2) for place in places],
        "components": {
            name: {
                "busy": np.round(each.busy[places], 3).tolist(),
                "queued": each.queued[places].tolist(),
                "failing": np.round(np.maximum(each.turned_away, each.failed)[places], 3).tolist(),
            }
            for name, each in trace.components.items()
        },
        "first": first,
        "first_at_s": round(trace.components[first].full_at_s or 0.0, 1) if first else 0.0,
        "summary": summary(trace),
    }


def summary(trace: Trace) -> list[list[str]]:
    """Return what a run says in a few lines, each a label and a value."""
    lines = []
    for name, path in trace.paths.items():
        answer_s = ", ".join(milliseconds(each) for each in path.answer_s)
        lines.append([f"{name}: answer p50, p95, p99", f"{answer_s}; {path.available:.2%} answered"])
        if path.operation.done_p99_s is not None:
            done_s = ", ".join(milliseconds(each) for each in path.done_s)
            done = path.done / max(path.arrived, 1)
            lines.append([f"{name}: done p50, p95, p99", f"{done_s}; {done:.2%} done"])
    lines.append(["goodput", f"{trace.goodput_per_s:,.0f} good answers a second within the promise"])
    lines.append(["first to saturate", saturation(trace)])
    lines.append(["a month", f"USD {trace.usd_a_month:,.0f} at the average load"])
    if trace.cut_short:
        lines.append(
            ["cut short", f"at {trace.reached_s:.1f} s: the run met its limit of {trace.engine.events:,} events"]
        )
    return lines


def saturation(trace: Trace) -> str:
    """Say which components had no room left, and since when."""
    if not trace.saturated:
        return "nothing"
    times = [f"{name} after {trace.components[name].full_at_s or 0:.1f} s" for name in trace.saturated]
    return ", then ".join(times)


def milliseconds(time_s: float) -> str:
    """Return a time for a table: in ms below a second, in s from there on."""
    if math.isnan(time_s):
        return "none"
    return f"{1e3 * time_s:,.0f} ms" if time_s < 0.9995 else f"{time_s:,.1f} s"
