"""The event engine against closed forms, over independent seeds."""

import math

import numpy as np
import pytest

from fortyfive.flow import draws, events_loop
from fortyfive.flow.events import (
    Backoff,
    Breaker,
    Call,
    Client,
    Constant,
    Exponential,
    Lognormal,
    Measured,
    Outage,
    Queue,
    RateLimit,
    Retry,
    Station,
    System,
    simulate,
)
from fortyfive.flow.events_tables import service_table_ns
from fortyfive.flow.queue import ggc
from tests.flow.theory import z_over_seeds

SEEDS = range(24)
REQUESTS, WARM_UP = 30_000, 3_000
INSTANT = Constant(0.0)


@pytest.fixture(scope="module", autouse=True)
def compiled_loop():
    events_loop.loop.compiled()


def one(client, station, **link):
    return System((client,), (station,), (Call(client.name, station.name, **link),))


def means(system, span_s, measure):
    return [float(measure(simulate(system, span_s=span_s, seed=seed, buckets=10))) for seed in SEEDS]


def latency_s(run):
    """Latencies of those that were answered, without the first, which still profit from the empty start."""
    took = (run.answered_ns - run.at_ns)[WARM_UP:]
    return took[run.answered_ns[WARM_UP:] >= 0] / 1e9


def erlang_b(servers, load):
    return load**servers / math.factorial(servers) / sum(load**k / math.factorial(k) for k in range(servers + 1))


def erlang_c(servers, load):
    blocked = erlang_b(servers, load)
    return blocked / (1 - load / servers * (1 - blocked))


@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (2, 1.5), (8, 6.8)])
def test_latency_in_mmc_follows_erlang(servers, load):
    system = one(Client("c", load), Station("s", servers, Exponential(1.0)))
    expected = 1 + erlang_c(servers, load) / (servers - load)
    assert abs(z_over_seeds(means(system, REQUESTS / load, lambda run: latency_s(run).mean()), expected)) < 4


@pytest.mark.parametrize(("servers", "buffer", "load"), [(8, 0, 7.0), (1, 4, 0.9), (1, 9, 1.5), (3, 5, 3.0)])
def test_loss_in_mmck_follows_the_birth_death_chain(servers, buffer, load):
    weights = [
        load**k / math.factorial(min(k, servers)) / servers ** max(k - servers, 0) for k in range(servers + buffer + 1)
    ]
    system = one(Client("c", load), Station("s", servers, Exponential(1.0), buffer=buffer))
    losses = means(system, REQUESTS / load, lambda run: run.rejected / run.arrived)
    assert abs(z_over_seeds(losses, weights[-1] / sum(weights))) < 4


def lognormal_second_moment(mean, p99):
    sigma = 2.3263478740408408 - math.sqrt(2.3263478740408408**2 - 2 * math.log(p99 / mean))
    return mean**2 * math.exp(sigma**2)


@pytest.mark.parametrize(
    ("service", "second_moment"),
    [
        (Constant(1.0), 1.0),
        (Exponential(1.0), 2.0),
        (Lognormal(1.0, 3.0), lognormal_second_moment(1.0, 3.0)),
        (Measured((0.5,) * 9 + (5.5,)), 0.9 * 0.5**2 + 0.1 * 5.5**2),
    ],
)
def test_latency_in_mg1_follows_pollaczek_and_khinchine(service, second_moment):
    rate = 0.6
    system = one(Client("c", rate), Station("s", 1, service))
    expected = 1 + rate * second_moment / (2 * (1 - rate))
    assert abs(z_over_seeds(means(system, REQUESTS / rate, lambda run: latency_s(run).mean()), expected)) < 4


@pytest.mark.parametrize("service", [Exponential(2.0), Lognormal(2.0, 8.0), Measured((1.0, 2.0, 3.0))])
def test_a_table_has_the_mean_and_the_p99_of_its_distribution(service):
    table = service_table_ns(service)
    half = events_loop.TABLE_STEPS + 1
    assert (np.diff(table) >= 0)[np.arange(table.size - 1) != half - 1].all()
    between = (table[:-1] + table[1:]) / 2
    mean = (between[: half - 2].sum() + between[half:].mean()) / events_loop.TABLE_STEPS
    assert mean / 2e9 == pytest.approx(1, abs=2e-4)
    if isinstance(service, Lognormal):
        assert np.interp(0.99, np.arange(half) / (half - 1), table[:half]) / 8e9 == pytest.approx(1, abs=1e-3)


def test_two_queues_in_a_row_are_as_jackson_has_them():
    rate = 0.7
    system = System(
        (Client("c", rate),),
        (Station("first", 1, Exponential(1.0)), Station("second", 2, Exponential(1.6))),
        (Queue("c", "first", visibility_s=None), Queue("first", "second", visibility_s=None)),
    )
    load = rate * 1.6
    expected = 1 / (1 - rate) + 1.6 * (1 + erlang_c(2, load) / (2 - load))
    took = means(
        system,
        REQUESTS / rate,
        lambda run: (run.settled_ns - run.at_ns)[WARM_UP:][run.settled_ns[WARM_UP:] > 0].mean() / 1e9,
    )
    assert abs(z_over_seeds(took, expected)) < 4


def test_two_classes_wait_as_cobham_has_it():
    urgent, other = 0.3, 0.5
    system = System(
        (Client("urgent", urgent, priority=0), Client("other", other, priority=1)),
        (Station("s", 1, Exponential(1.0)),),
        (Call("urgent", "s"), Call("other", "s")),
    )
    # W0 is the work left on the server at an arrival; each class waits for those that go before it.
    residual = urgent + other
    waits = {0: residual / (1 - urgent), 1: residual / (1 - urgent) / (1 - urgent - other)}
    found = {0: [], 1: []}
    for seed in SEEDS:
        run = simulate(system, span_s=REQUESTS / (urgent + other), seed=seed, buckets=10)
        for number, samples in found.items():
            mine = (run.client == number) & (run.answered_ns >= 0)
            samples.append(float((run.answered_ns - run.at_ns)[mine][WARM_UP:].mean() / 1e9))
    for number, samples in found.items():
        assert abs(z_over_seeds(samples, 1 + waits[number])) < 4


def test_servers_at_work_are_as_many_as_little_says():
    system = one(Client("c", 50.0), Station("s", 1_000, Lognormal(0.4, 1.6)))
    busy = means(system, REQUESTS / 50, lambda run: run.stations["s"].busy[1:].mean())
    assert abs(z_over_seeds(busy, 50 * 0.4)) < 4


def chain(layers, attempts, errors):
    """A client, and stations that each call the next one so often; the last of them fails."""
    names = [f"s{number}" for number in range(layers)]
    stations = [Station(name, 1_000_000, INSTANT, errors=errors * (name == names[-1])) for name in names]
    retry = Retry(attempts, Backoff(base_s=0.0))
    links = [Call(source, target, retry=retry) for source, target in zip(["c", *names], names, strict=False)]
    return System((Client("c", 10.0),), tuple(stations), tuple(links)), names[-1]


@pytest.mark.parametrize(("layers", "calls"), [(1, 3), (3, 27), (5, 243)])
def test_a_dead_leaf_is_called_three_to_the_power_of_the_layers(layers, calls):
    system, leaf = chain(layers, 3, errors=1.0)
    run = simulate(system, span_s=50, seed=1)
    assert run.arrived > 300
    assert run.stations[leaf].calls.sum() == calls * run.arrived
    assert run.failed == run.arrived


def test_a_bad_leaf_is_called_as_often_as_the_geometric_series_says():
    system, leaf = chain(3, 3, errors=0.9)
    expected, fails = 1.0, 0.9
    for _ in range(3):
        expected *= 1 + fails + fails**2
        fails = fails**3
    runs = [simulate(system, span_s=100, seed=seed) for seed in SEEDS]
    assert abs(z_over_seeds([run.stations[leaf].calls.sum() / run.arrived for run in runs], expected)) < 4
    assert abs(z_over_seeds([run.failed / run.arrived for run in runs], fails)) < 4


def test_a_token_bucket_lets_its_rate_and_its_burst_through():
    system = one(Client("c", 500.0), Station("s", 1_000, INSTANT, rate_limit=RateLimit(100.0, burst=20)))
    for seed in SEEDS:
        run = simulate(system, span_s=30, seed=seed)
        assert abs(run.served - (30 * 100 + 20)) <= 1
        assert run.rejected == run.arrived - run.served


def test_loss_in_md12_follows_the_chain_at_departures():
    # With one place to wait, a departure leaves nobody behind where nobody came during a service, after an idle time or
    # not: pi_0 = exp(-load). The share that is let in is then 1 / (pi_0 + load).
    load = 0.8
    expected = 1 - 1 / (math.exp(-load) + load)
    system = one(Client("c", load), Station("s", 1, Constant(1.0), buffer=1))
    assert abs(z_over_seeds(means(system, REQUESTS / load, lambda run: run.rejected / run.arrived), expected)) < 4


def workers(crashes, max_receives):
    return System(
        (Client("c", 20.0),),
        (Station("workers", 100, Exponential(0.1), crashes=crashes, restart_s=0.5),),
        (Queue("c", "workers", visibility_s=5.0, max_receives=max_receives),),
    )


def test_workers_that_crash_get_messages_as_often_as_the_geometric_law_says():
    def receives(run):
        workers = run.stations["workers"]
        return (workers.finished + workers.crashes).sum() / workers.finished.sum()

    assert abs(z_over_seeds(means(workers(0.3, None), 500, receives), 1 / 0.7)) < 4


def test_messages_that_kill_their_worker_again_and_again_are_dead():
    runs = [simulate(workers(0.3, 3), span_s=500, seed=seed) for seed in SEEDS]
    assert abs(z_over_seeds([run.dead / (run.dead + run.served) for run in runs], 0.3**3)) < 4
    stations = [run.stations["workers"] for run in runs]
    assert abs(z_over_seeds([each.crashes.sum() / (each.crashes + each.finished).sum() for each in stations], 0.3)) < 4


def test_a_breaker_before_a_dead_station_probes_once_a_cycle():
    # It opens for the cool-down, and then the next request, after 1 / rate on average, is the probe that fails.
    rate, cool_down_s = 4.0, 2.0
    breaker = Breaker(failures=1, window=None, cool_down_s=cool_down_s, probes=1)
    system = one(Client("c", rate), Station("s", 1, INSTANT, errors=1.0), breaker=breaker)
    probes = means(system, 5_000, lambda run: run.stations["s"].calls.sum() / 5_000)
    assert abs(z_over_seeds(probes, 1 / (cool_down_s + 1 / rate))) < 4


@pytest.mark.parametrize(("jitter", "mean", "low"), [("none", 1.0, 1.0), ("full", 0.5, 0.0), ("equal", 0.75, 0.5)])
def test_jitter_spreads_the_second_try(jitter, mean, low):
    # All come at once and are refused, and all of the second tries are served.
    client, station = Client("c", at_ns=np.zeros(5_000, dtype=int)), Station("s", 5_000, INSTANT)
    link = Call("c", "s", retry=Retry(None, Backoff(1.0, 1.0, jitter)))
    system = System((client,), (station,), (link,), (Outage("s", 0, 1e-6),))
    runs = [simulate(system, span_s=1.5, seed=seed) for seed in SEEDS]
    times_s = [run.answered_ns / 1e9 for run in runs]
    assert min(times.min() for times in times_s) >= low
    assert max(times.max() for times in times_s) <= 1
    assert abs(z_over_seeds([float(times.mean()) for times in times_s], mean)) < 4


def test_the_queue_engine_finishes_every_request_at_the_same_nanosecond():
    # A million servers show the service times, because a job keeps its dice whatever else is there.
    def run(servers):
        return simulate(one(Client("c", 2.7), Station("s", servers, Exponential(1.0))), span_s=5_000, seed=3)

    free, busy = run(1_000_000), run(3)
    known = free.answered_ns >= 0
    service = np.where(known, free.answered_ns - free.at_ns, 10**13)
    finish = ggc(free.at_ns, service, 3)
    assert np.array_equal(busy.answered_ns, np.where(finish < busy.span_ns, finish, -1))


def test_the_dice_of_a_request_are_independent_of_its_number_and_its_seed():
    # Correlations of the service times with themselves, one request, one seed and one try further on.
    def services(seed):
        client = Client("c", at_ns=np.arange(20_000))
        run = simulate(one(client, Station("s", 20_000, Exponential(1.0))), span_s=60, seed=seed)
        return np.log((run.answered_ns - run.at_ns).astype(float))

    first, second = services(1), services(2)
    for left, right in ((first[1:], first[:-1]), (first[2:], first[:-2]), (first, second)):
        assert abs(np.corrcoef(left, right)[0, 1]) < 4 / math.sqrt(20_000)
    assert abs(np.corrcoef(first, np.log(draws.uniform(1, 2, np.arange(20_000))))[0, 1]) < 4 / math.sqrt(20_000)
