import itertools
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from fortyfive.flow import draws, queue
from fortyfive.flow.queue import QUANTILES, bands, ggc, run
from tests.flow.theory import z_over_seeds

SEEDS = range(24)
REQUESTS, WARM_UP = 200_000, 20_000
SECOND = 10**9


def poisson(seed, rate_per_s, requests=REQUESTS):
    """Arrival times of a Poisson process."""
    return np.cumsum(draws.exponential_ns(seed, 1, np.arange(requests), SECOND / rate_per_s))


def exponential(seed, mean_s=1.0, requests=REQUESTS):
    return draws.exponential_ns(seed, 2, np.arange(requests), mean_s * SECOND)


def waits_s(arrival, service, servers):
    """How long each request waits, without those that still profit from the empty start."""
    return (ggc(arrival, service, servers) - arrival - service)[WARM_UP:] / 1e9


def erlang_c(servers, load):
    """The chance to wait in M/M/c, where `load` is the arrival rate over the service rate of one server."""
    waits = load**servers / math.factorial(servers) / (1 - load / servers)
    return waits / (sum(load**k / math.factorial(k) for k in range(servers)) + waits)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.8), (2, 1.6), (8, 7.2), (50, 45.0)])
def test_waiting_in_mmc_follows_erlang(servers, load):
    waits = [waits_s(poisson(seed, load), exponential(seed), servers) for seed in SEEDS]
    chance = erlang_c(servers, load)
    assert abs(z_over_seeds([float((wait > 0).mean()) for wait in waits], chance)) < 4
    assert abs(z_over_seeds([float(wait.mean()) for wait in waits], chance / (servers - load))) < 4


@pytest.mark.parametrize(
    ("name", "second_moment"), [("constant", 1.0), ("exponential", 2.0), ("two kinds", 0.9 * 0.5**2 + 0.1 * 5.5**2)]
)
def test_waiting_in_mg1_follows_pollaczek_and_khinchine(name, second_moment):
    rate = 0.7

    def service(seed):
        match name:
            case "constant":
                return np.full(REQUESTS, SECOND)
            case "exponential":
                return exponential(seed)
        rare = draws.uniform(seed, 3, np.arange(REQUESTS)) < 0.1
        return np.where(rare, 5_500_000_000, 500_000_000)

    waits = [float(waits_s(poisson(seed, rate), service(seed), 1).mean()) for seed in SEEDS]
    assert abs(z_over_seeds(waits, rate * second_moment / (2 * (1 - rate)))) < 4


def test_batches_wait_for_their_own_first():
    # M^X/M/1 with 5 tasks a batch: the batch waits as in M/G/1, and a task for two others of its batch on average.
    size, batch_rate = 5, 0.15
    waits = []
    for seed in SEEDS:
        arrival = np.repeat(poisson(seed, batch_rate, REQUESTS // size), size)
        waits.append(float(waits_s(arrival, exponential(seed), 1).mean()))
    batch_wait = batch_rate * (size + size**2) / (2 * (1 - batch_rate * size))
    assert abs(z_over_seeds(waits, batch_wait + (size - 1) / 2)) < 4


def test_the_p99_of_mmc_is_where_theory_has_it():
    servers, load = 8, 6.4
    chance, spare = erlang_c(servers, load), servers - 1 - load

    def exceeds(time):
        return math.exp(-time) * (1 + chance * (1 - math.exp(-time * spare)) / spare)

    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if exceeds(middle) > 0.01 else (low, middle)
    measured = []
    for seed in SEEDS:
        arrival, service = poisson(seed, load), exponential(seed)
        measured.append(float(np.percentile((ggc(arrival, service, servers) - arrival)[WARM_UP:], 99)) / 1e9)
    assert abs(z_over_seeds(measured, low)) < 4


@pytest.mark.parametrize("servers", [1, 3, 40])
def test_nobody_waits_where_everything_is_regular(servers):
    arrival = np.arange(10_000) * SECOND
    service = np.full(10_000, servers * SECOND)
    assert (ggc(arrival, service, servers) == arrival + service).all()


def test_little_holds_exactly():
    # The time integral of how many are there is the sum of how long each is there.
    arrival, service = poisson(1, 7.2), exponential(1)
    finish = ggc(arrival, service, 8)
    times = np.concatenate([arrival, finish])
    order = np.argsort(times, kind="stable")
    present = np.cumsum(np.repeat([1, -1], arrival.size)[order])
    assert (present[:-1] * np.diff(times[order])).sum() == (finish - arrival).sum()


def test_simpy_finishes_every_request_at_the_same_nanosecond():
    arrival, service = poisson(2, 2.7, 3_000).tolist(), exponential(2, 1.0, 3_000).tolist()
    environment = simpy.Environment()
    servers = simpy.Resource(environment, capacity=3)
    finish = [0] * len(arrival)

    def request(number):
        yield environment.timeout(arrival[number])
        with servers.request() as turn:
            yield turn
            yield environment.timeout(service[number])
        finish[number] = environment.now

    for number in range(len(arrival)):
        environment.process(request(number))
    environment.run()
    assert ggc(arrival, service, 3).tolist() == finish


requests = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 15)), min_size=1, max_size=40).map(
    lambda pairs: (list(itertools.accumulate(gap for gap, _ in pairs)), [service for _, service in pairs])
)
few = st.integers(1, 6)


@given(requests, few)
def test_requests_start_in_order_and_only_wait_while_all_servers_work(both, servers):
    arrival, service = both
    finish = ggc(arrival, service, servers).tolist()
    start = [done - each for done, each in zip(finish, service, strict=True)]
    assert start == sorted(start)
    for at, begin in zip(arrival, start, strict=True):
        assert begin >= at
        working = sum(other <= begin - 1 < done for other, done in zip(start, finish, strict=True))
        assert working <= servers
        if begin > at:
            assert working == servers


@given(requests, few, st.integers(1, 1_000))
def test_more_servers_delay_nobody_and_units_do_not_matter(both, servers, factor):
    arrival, service = (np.array(values) for values in both)
    finish = ggc(arrival, service, servers)
    assert (ggc(arrival, service, servers + 1) <= finish).all()
    assert (ggc(arrival * factor, service * factor, servers) == finish * factor).all()


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 10**12)), max_size=200).map(sorted),
    st.integers(1, 7),
)
def test_bands_are_the_quantiles_within_their_stated_error(pairs, buckets):
    at, latency = [first for first, _ in pairs], [second for _, second in pairs]
    # The span ends before the last requests, which are left out.
    got = bands(np.array(at, dtype=int), np.array(latency, dtype=int), 90, buckets)
    assert got.shape == (len(QUANTILES), buckets)
    for bucket in range(buckets):
        inside = sorted(took for time, took in pairs if time < 90 and time * buckets // 90 == bucket)
        for row, share in enumerate((50, 95, 99)):
            if not inside:
                assert math.isnan(got[row, bucket])
                continue
            exact_s = inside[-(-len(inside) * share // 100) - 1] / 1e9
            assert abs(got[row, bucket] - exact_s) <= exact_s / 128 * (1 + 1e-12)


def test_a_run_says_what_its_parts_say():
    arrival, service = poisson(3, 7.2), exponential(3)
    span_ns = int(arrival[-1] * 0.9)
    inside = arrival < span_ns
    latency = ggc(arrival, service, 8) - arrival
    result = run(arrival, service, 8, span_ns, buckets=50)
    assert np.array_equal(result.bands, bands(arrival, latency, span_ns, 50))
    assert np.array_equal(result.quantiles_s, bands(arrival, latency, span_ns, 1)[:, 0])
    assert result.mean_wait_s == pytest.approx((latency - service).mean() / 1e9)
    assert result.delayed_share == (latency > service).mean()
    assert result.utilisation == pytest.approx(service[inside].sum() / (8 * span_ns))


HASHES = """
import hashlib
import numpy as np
from fortyfive.flow import draws, queue
hashes = []
for requests in (80_000, 20_000):
    index = np.arange(requests)
    arrival = np.cumsum(draws.exponential_ns(1, 1, index, 140_000_000))
    service = draws.exponential_ns(1, 2, index, 1_000_000_000)
    result = queue.run(arrival, service, 8, int(arrival[-1]) + 1)
    parts = (queue.ggc(arrival, service, 8), result.bands, result.quantiles_s)
    hashes.append(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
compiled = queue._serve._compiled is not None and queue._histograms._compiled is not None
"""


def test_python_and_the_compiler_agree_bit_for_bit():
    queue._serve.compiled()
    queue._histograms.compiled()
    here = {}
    exec(HASHES, here)
    assert here["compiled"]
    there = subprocess.run(
        [sys.executable, "-c", HASHES + "print(compiled, *hashes)"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert there == ["False", *here["hashes"]]
    assert len(set(there)) == 3


def test_no_requests_finish_at_no_time():
    assert ggc([], [], 3).size == 0
    assert np.isnan(bands([], [], 100, 4)).all()
    with pytest.raises(ValueError, match="no requests"):
        run([], [], 3, 100)


@pytest.mark.parametrize(
    ("arrival", "service", "servers", "message"),
    [
        ([2, 1], [1, 1], 1, "not sorted"),
        ([-1, 1], [1, 1], 1, "none can be below 0"),
        ([1, 2], [1, -1], 1, "none can be below 0"),
        ([1.0, 2.5], [1, 1], 1, "whole numbers is needed"),
        ([1, float("nan")], [1, 1], 1, "whole numbers is needed"),
        ([[1, 2]], [[1, 1]], 1, "shape"),
        ([1, 2], [1], 1, "needs one of both"),
        ([1, 2], [1, 1], 0, "number of servers is 0"),
        ([1, 2], [1, 1], -3, "number of servers is -3"),
        ([1, 2], [1, 1], 1.5, "number of servers is 1.5"),
        ([1, 2], [1, 1], float("nan"), "number of servers is nan"),
        ([1, 2], [1, 1], 10**18, "choose a whole number from 1 to 1,000,000"),
        ([1, 2], [2**61, 2**61], 1, "146 years"),
    ],
)
def test_bad_requests_are_refused_in_a_sentence(arrival, service, servers, message):
    for call in (ggc, lambda *args: run(*args, span_ns=10)):
        with pytest.raises(ValueError, match=message):
            call(arrival, service, servers)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"span_ns": 0}, "nanoseconds in the span is 0"),
        ({"buckets": 0}, "number of buckets is 0"),
        ({"buckets": 10**9}, "number of buckets"),
        ({"quantiles": ()}, "quantiles are"),
        ({"quantiles": (0.9, 0.5)}, "rising numbers"),
        ({"quantiles": (0.0, 0.5)}, "above 0"),
        ({"quantiles": (99,)}, "up to 1"),
        ({"quantiles": (float("nan"),)}, "quantiles are"),
        ({"latency_ns": [1]}, "needs one of both"),
        ({"at_ns": [3, 2]}, "not sorted"),
    ],
)
def test_bad_bands_are_refused_in_a_sentence(changed, message):
    with pytest.raises(ValueError, match=message):
        bands(**{"at_ns": [1, 2], "latency_ns": [5, 6], "span_ns": 10} | changed)
