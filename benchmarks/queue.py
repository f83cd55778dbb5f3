"""How long a million requests take behind a slider: the queue alone, and the queue behind a post."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import simpy
from numpy.typing import NDArray

from benchmarks.row import Row, median_s, seconds
from fortyfive.flow import delivery, draws
from fortyfive.flow.queue import ggc, run

REQUESTS, SIMPY_REQUESTS = 1_000_000, 100_000
SERVERS, UTILISATION = 8, 0.9
SERVICE_NS = 1_000_000
TIMES = 15


def rows() -> list[Row]:
    """Measure one M/M/8 run with its bands, beside SimPy on a tenth of the same requests, and one tick of `deliver`."""
    index = np.arange(REQUESTS)
    arrival = np.cumsum(draws.exponential_ns(45, 1, index, SERVICE_NS / (SERVERS * UTILISATION)))
    service = draws.exponential_ns(45, 2, index, SERVICE_NS)
    span_ns = int(arrival[-1]) + 1
    run(arrival, service, SERVERS, span_ns)
    ours_s = median_s(lambda: run(arrival, service, SERVERS, span_ns), TIMES)
    few, their_finish = slice(SIMPY_REQUESTS), np.zeros(SIMPY_REQUESTS, dtype=np.int64)
    simpy_s = seconds(lambda: _simpy(arrival[few], service[few], their_finish))
    assert np.array_equal(their_finish, ggc(arrival[few], service[few], SERVERS))
    prepared = _prepared()
    prepared.deliver(10_000_000)
    return [
        Row(
            "ggc_1m_requests_ms",
            ours_s * 1000,
            "ms",
            target=30,
            ratio=(simpy_s / SIMPY_REQUESTS) / (ours_s / REQUESTS),
            against="SimPy per request, times as long (M/M/8 at 0.9, its first 100,000 requests)",
        ),
        Row("delivery_tick_ms", median_s(lambda: prepared.deliver(50_000_000), TIMES) * 1000, "ms", target=40),
    ]


def _simpy(arrival: NDArray[np.int64], service: NDArray[np.int64], finish: NDArray[np.int64]) -> None:
    """Run the same queue in SimPy, one process a request, and write when each is finished."""
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


def _prepared() -> delivery.Prepared:
    """Return about a million tasks: ten minutes of ordinary posts, and one celebrity among them."""
    # Follower counts that fall with the rank to the power -0.85, from 500,000 down to a few.
    followers = (500_000 * np.arange(1, 1_000_001, dtype=np.float64) ** -0.85).astype(np.int64) + 10
    posts = delivery.posts(followers, posts_per_s=1_500, span_s=600)
    return delivery.prepare(delivery.with_celebrity(posts, 60, 50_000_000), delivery.Workers())
