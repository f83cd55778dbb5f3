"""How long a drawn design takes to run, beside SimPy on the same stations, and that the time grows as the calls do."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import simpy
from rich.console import Console
from rich.table import Table

from benchmarks.row import AtLeast, Row, median_s, seconds
from fortyfive.design.model import Design
from fortyfive.design.text import read
from fortyfive.flow import events_loop
from fortyfive.flow.designs import Trace, frames, run
from fortyfive.scenario.prompts import Operation, Scenario

# Ten components under 100,000 requests: what is dragged on the drawing board.
TEN = """
client -> lb -> gateway x2 [slots=32] ->[retry=2] api x8 [backlog=50]
api ->[optional] cache x3 [hit=90%, ttl=60s, coalesce]
api ->[only=miss] kv x4
api ->[only=send] queue [limit=1M, tries=5] -> workers x20 -> apns
api ~>[only=send] audit:stream [limit=1M, tries=5]
"""
# Five stations in a row, each with its own queue, all times exponential.
FIVE_SLOTS, FIVE_S, FIVE_PER_S = (4, 5, 4, 6, 4), 0.005, 640.0
_STATIONS = (f"s{at}:limiter [slots={slots}, time=5ms, backlog=10M]" for at, slots in enumerate(FIVE_SLOTS))
FIVE = " -> ".join(["client", *_STATIONS])
REQUESTS, SIMPY_REQUESTS = 100_000, 20_000
TIMES = 9


def rows() -> list[Row]:
    """Measure a run with all its results, and five stations in a row beside SimPy; print a table of n against time."""
    events_loop.loop.compiled()
    ten, load = read(TEN).design, ten_load(REQUESTS)
    figures(run(ten, load))
    ten_s = median_s(lambda: figures(run(ten, load)), TIMES)
    five = read(FIVE).design
    ours_s = median_s(lambda: figures(run(five, five_load(REQUESTS))), TIMES)
    mean_s: list[float] = []
    simpy_s = seconds(lambda: mean_s.append(_simpy(SIMPY_REQUESTS)))
    engine = run(five, five_load(REQUESTS)).engine
    ours_mean_s = float((engine.answered_ns - engine.at_ns)[engine.answered_ns >= 0].mean() / 1e9)
    # Other dice, the same distributions: the means agree to a few per cent.
    assert abs(ours_mean_s / mean_s[0] - 1) < 0.1, (ours_mean_s, mean_s[0])
    _print_growth(five)
    return [
        Row("design_10_components_100k_ms", ten_s * 1_000, "ms", target=150),
        AtLeast(
            "design_five_stations_requests_per_s",
            REQUESTS / ours_s,
            "requests/s",
            target=30 * SIMPY_REQUESTS / simpy_s,
            ratio=(simpy_s / SIMPY_REQUESTS) / (ours_s / REQUESTS),
            against="SimPy per request, times as many (five stations in a row, the same distributions; target 30)",
        ),
    ]


def figures(trace: Trace) -> None:
    """Ask for all that the drawing board shows of a run."""
    assert frames(trace)["summary"]


def ten_load(requests: int) -> Scenario:
    """Return a load of so many requests, one in ten of which sends something."""
    look = Operation("look", "somebody looks", 4_500.0)
    send = Operation("send", "somebody sends", 500.0, writes=True, done_p99_s=10.0)
    return Scenario((look, send), span_s=requests / 5_000.0)


def five_load(requests: int) -> Scenario:
    """Return a load of so many requests, which the five stations can just take."""
    return Scenario((Operation("ask", "somebody asks", FIVE_PER_S),), span_s=requests / FIVE_PER_S, patience_s=60.0)


def _print_growth(five: Design) -> None:
    """Print how long a run takes, by its requests and by its stations: a call costs the same in all rows."""
    table = Table("requests", "stations", "calls", "ms", "ns a call", title="A run grows as requests x stations")
    for requests in (25_000, 50_000, 100_000, 200_000):
        for stations in (1, 3, 5):
            names = [each.name for each in five.components[: stations + 1]]
            some = replace(
                five,
                components=five.components[: stations + 1],
                links=tuple(each for each in five.links if each.target in names),
            )
            load = five_load(requests)
            calls = sum(each.calls for each in run(some, load).components.values())
            took_s = median_s(lambda some=some, load=load: figures(run(some, load)), 3)  # type: ignore[misc]
            table.add_row(
                f"{requests:,}", str(stations), f"{calls:,}", f"{1e3 * took_s:,.0f}", f"{1e9 * took_s / calls:,.0f}"
            )
    Console().print(table)


def _simpy(requests: int) -> float:
    """Run the five stations in SimPy, one process a request, and return the mean time to an answer."""
    environment, dice = simpy.Environment(), random.Random(45)
    stations = [simpy.Resource(environment, capacity=slots) for slots in FIVE_SLOTS]
    took_s = []

    def request() -> Iterator[simpy.Event]:
        came = environment.now
        for station in stations:
            with station.request() as turn:
                yield turn
                yield environment.timeout(dice.expovariate(1 / FIVE_S))
        took_s.append(environment.now - came)

    def source() -> Iterator[simpy.Event]:
        for _ in range(requests):
            yield environment.timeout(dice.expovariate(FIVE_PER_S))
            environment.process(request())

    environment.process(source())
    environment.run()
    return sum(took_s) / len(took_s)
