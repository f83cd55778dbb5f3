"""How many requests a second the event engine takes where nothing fails, beside SimPy, and where much does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import simpy
from numpy.typing import NDArray

from benchmarks.row import AtLeast, Row, median_s, seconds
from fortyfive.flow import events_loop, queue
from fortyfive.flow.events import (
    Backoff,
    Breaker,
    Call,
    Client,
    Degraded,
    EventRun,
    Exponential,
    Lognormal,
    Outage,
    Queue,
    Retry,
    RetryBudget,
    Station,
    System,
    simulate,
)

REQUESTS, SIMPY_REQUESTS = 1_000_000, 50_000
SERVERS, UTILISATION, SERVICE_S = 8, 0.9, 0.001
RATE_PER_S = SERVERS * UTILISATION / SERVICE_S
PIPELINE_PER_S = 2_000.0
TIMES = 7


def rows() -> list[Row]:
    """Measure M/M/8 beside SimPy on the same dice, and a pipeline of three stations with all kinds of faults."""
    for kernel in (events_loop.loop, queue._serve, queue._histograms):
        kernel.compiled()
    ours_s = median_s(lambda: figures(mm8(REQUESTS)), TIMES)
    few = mm8(SIMPY_REQUESTS)
    # With a server for everybody, the latencies are the service times.
    alone = mm8(SIMPY_REQUESTS, servers=SIMPY_REQUESTS)
    arrival, service = alone.at_ns, np.where(alone.answered_ns < 0, 10**12, alone.answered_ns - alone.at_ns)
    finish = np.zeros_like(arrival)
    simpy_s = seconds(lambda: _simpy(arrival, service, finish))
    assert np.array_equal(np.where(finish < few.span_ns, finish, -1), few.answered_ns)
    slow_s = median_s(lambda: figures(pipeline(REQUESTS)), TIMES)
    drag_s = median_s(lambda: figures(pipeline(100_000)), 3 * TIMES)
    return [
        AtLeast(
            "event_engine_mm8_requests_per_s",
            REQUESTS / ours_s,
            "requests/s",
            target=50 * arrival.size / simpy_s,
            ratio=(simpy_s / arrival.size) / (ours_s / REQUESTS),
            against="SimPy per request, times as many (M/M/8 at 0.9, its first 50,000 requests; target 50)",
        ),
        AtLeast("event_engine_faulty_pipeline_requests_per_s", REQUESTS / slow_s, "requests/s", target=1_000_000),
        Row("drag_100k_ms", drag_s * 1_000, "ms", target=120),
    ]


def figures(run: EventRun) -> None:
    """Bin what the figures of a lesson show; what is counted by station and by link is binned already."""
    assert run.bands.shape[1] == run.goodput.size


def mm8(requests: int, servers: int = SERVERS) -> EventRun:
    """Run one station whose queue is without end."""
    station = Station("servers", servers, Exponential(SERVICE_S))
    system = System((Client("clients", RATE_PER_S),), (station,), (Call("clients", "servers"),))
    return simulate(system, span_s=requests / RATE_PER_S)


def pipeline(requests: int) -> EventRun:
    """Run clients that time out and retry, a queue whose workers die, and a provider with an outage."""
    span_s = requests / PIPELINE_PER_S
    system = System(
        (Client("clients", PIPELINE_PER_S),),
        (
            Station("api", 24, Exponential(0.008), buffer=400, errors=0.002),
            Station("workers", 60, Lognormal(0.010, 0.040), crashes=0.002, restart_s=1.0),
            Station("provider", 16, Exponential(0.005), buffer=64, errors=0.05),
        ),
        (
            Call("clients", "api", timeout_s=0.2, retry=Retry(3, Backoff(0.05, 1.0), RetryBudget())),
            Queue("api", "workers", visibility_s=2.0, max_receives=8, backoff=Backoff(0.5, 10.0)),
            Call("workers", "provider", timeout_s=0.1, retry=Retry(2, Backoff(0.02)), breaker=Breaker(cool_down_s=0.5)),
        ),
        (Outage("provider", 0.2 * span_s, 0.22 * span_s), Degraded("provider", 0.5 * span_s, 0.6 * span_s, slower=3)),
    )
    return simulate(system, span_s=span_s)


def _simpy(arrival: NDArray[np.int64], service: NDArray[np.int64], finish: NDArray[np.int64]) -> None:
    """Run the station in SimPy, one process a request, and write when each is finished."""
    environment = simpy.Environment()
    servers = simpy.Resource(environment, capacity=SERVERS)

    def request(number: int, service_ns: int) -> Iterator[simpy.Event]:
        with servers.request() as turn:
            yield turn
            yield environment.timeout(service_ns)
        finish[number] = environment.now

    def source() -> Iterator[simpy.Event]:
        for number, (at, service_ns) in enumerate(zip(arrival.tolist(), service.tolist(), strict=True)):
            yield environment.timeout(at - environment.now)
            environment.process(request(number, service_ns))

    environment.process(source())
    environment.run()
