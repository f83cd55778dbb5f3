"""Drawn designs against closed forms, over independent seeds."""

import math

import numpy as np
import pytest

from fortyfive.design.text import read
from fortyfive.flow import caches, events_loop
from fortyfive.flow.designs import run
from fortyfive.scenario.prompts import Operation, Scenario
from tests.flow.theory import z_over_seeds

SEEDS = range(24)
REQUESTS, WARM_UP = 16_000, 2_000


@pytest.fixture(scope="module", autouse=True)
def compiled_loop():
    events_loop.loop.compiled()


def load(rate_per_s, **fields):
    operation = Operation("ask", "somebody asks", rate_per_s)
    return Scenario((operation,), **({"span_s": REQUESTS / rate_per_s, "patience_s": 1_000.0} | fields))


def samples(text, rate_per_s, measure, **fields):
    reading = read(text)
    assert reading.ok, reading.problems
    return [float(measure(run(reading.design, load(rate_per_s, **fields), seed=seed))) for seed in SEEDS]


def mean_s(trace):
    """The mean time to an answer, without the first requests, which still profit from the empty start."""
    took = (trace.engine.answered_ns - trace.engine.at_ns)[WARM_UP:]
    return took[trace.engine.answered_ns[WARM_UP:] >= 0].mean() / 1e9


def erlang_b(servers, work):
    return work**servers / math.factorial(servers) / sum(work**k / math.factorial(k) for k in range(servers + 1))


def test_two_stations_in_a_row_are_as_jackson_has_them():
    text = "client -> a:limiter [slots=1, time=10ms, backlog=1M] -> b:limiter [slots=1, time=12ms, backlog=1M]"
    expected = 1 / (100 - 60) + 1 / (1 / 0.012 - 60)
    assert abs(z_over_seeds(samples(text, 60.0, mean_s), expected)) < 4


@pytest.mark.parametrize(("slots", "rate_per_s"), [(1, 70.0), (8, 680.0)])
def test_a_service_waits_as_erlang_has_it(slots, rate_per_s):
    work = rate_per_s * 0.01
    blocked = erlang_b(slots, work)
    waits = blocked / (1 - work / slots * (1 - blocked))
    expected = 0.01 + waits * 0.01 / (slots - work)
    text = f"client -> a:service [slots={slots}, time=10ms, backlog=1M]"
    assert abs(z_over_seeds(samples(text, rate_per_s, mean_s), expected)) < 4
    busy = samples(text, rate_per_s, lambda trace: trace.components["a"].utilisation)
    assert abs(np.mean(busy) - work / slots) < 0.01


def test_a_backlog_that_ends_rejects_as_the_birth_death_chain_has_it():
    slots, backlog, work = 3, 5, 3.0
    weights = [work**k / math.factorial(k) for k in range(slots + 1)]
    weights += [weights[-1] * (work / slots) ** k for k in range(1, backlog + 1)]
    lost = samples(
        f"client -> a:service [slots={slots}, time=10ms, backlog={backlog}]",
        100 * work,
        lambda trace: trace.turned_away("a") / trace.arrived,
    )
    assert abs(z_over_seeds(lost, weights[-1] / sum(weights))) < 4


def test_two_calls_together_take_as_long_as_a_fork_and_join():
    """R. Nelson and A. Tantawi, "Approximate Analysis of Fork/Join Synchronization", 1988: exact for two."""
    station = "limiter [slots=1, time=10ms, backlog=1M]"
    rate, capacity = 60.0, 100.0
    expected = (12 - rate / capacity) / 8 / (capacity - rate)
    text = f"client -> a:{station}\nclient ->[together] b:{station}"
    assert abs(z_over_seeds(samples(text, rate, mean_s), expected)) < 4


def test_instances_chosen_at_random_are_queues_apart():
    text = "client -> lb [policy=random] -> a:service x3 [slots=1, time=10ms, backlog=1M]"
    assert abs(z_over_seeds(samples(text, 180.0, mean_s), 0.0005 + 1 / (100 - 60))) < 4


def test_workers_share_one_queue():
    text = "client -> queue -> workers x4 [slots=2, time=10ms]"
    blocked = erlang_b(8, 6.8)
    waits = blocked / (1 - 6.8 / 8 * (1 - blocked))

    def done_s(trace):
        return (trace.engine.settled_ns - trace.engine.at_ns)[WARM_UP:].mean() / 1e9

    assert abs(z_over_seeds(samples(text, 680.0, done_s), 0.005 + 0.01 + waits * 0.01 / 1.2)) < 4


def test_shares_thin_the_requests():
    text = "client ->[share=0.3] a:service x9\nclient ->[share=0.6] b:service x9"
    for name, share in (("a", 0.3), ("b", 0.6)):
        got = samples(text, 500.0, lambda trace, name=name: trace.components[name].calls / trace.arrived)
        assert abs(z_over_seeds(got, share)) < 4


def test_so_many_messages_are_dead_as_are_poison():
    text = "client -> queue [tries=3, visibility=2s] -> workers x4"
    dead = samples(text, 500.0, lambda trace: trace.paths["ask"].dead / trace.arrived, poison=0.02)
    assert abs(z_over_seeds(dead, 0.02)) < 4


def test_copies_multiply_what_comes():
    text = "client -> queue ->[fanout=3] workers x8 ->[fanout=2] push"
    assert set(samples(text, 200.0, lambda trace: trace.components["push"].calls / trace.arrived)) == {6.0}


def test_retries_follow_the_geometric_series():
    text = "client ->[retry=3] a:service x9 [errors=20%, time=1ms]"
    calls = samples(text, 500.0, lambda trace: trace.components["a"].calls / trace.arrived)
    assert abs(z_over_seeds(calls, (1 - 0.2**4) / 0.8)) < 4


@pytest.mark.parametrize("size", [300, 2_000])
def test_a_cache_with_a_size_hits_as_che_has_it(size):
    text = f"client -> a:service x9 -> cache [size={size}]\na ->[only=miss] kv"

    def missed(trace):
        """The share of misses once the cache is full."""
        engine = trace.engine
        late = engine.buckets // 4
        calls = {name: engine.stations[name].calls[late:].sum() for name in ("cache", "kv")}
        return calls["kv"] / calls["cache"]

    fields = {"keys": 10_000, "skew": 0.9, "span_s": 80.0, "patience_s": 1.0}
    expected = 1 - caches.che(caches.popularity(10_000, 0.9), size)
    assert abs(np.mean(samples(text, 500.0, missed, **fields)) - expected) < 0.006


def test_a_hot_key_fills_one_part_of_a_store():
    text = "client -> a:service x30 -> kv x4 [slots=1, time=1ms, backlog=1M]"
    trace = run(read(text).design, load(800.0, keys=4, skew=0.0, hottest=0.6, span_s=10.0, patience_s=5.0))
    # Key 0 gets 60 % and a quarter of the rest: 560 of 800 a second, at a part that takes 1,000.
    assert trace.components["kv"].utilisation == pytest.approx(0.56, abs=0.03)
    assert trace.components["kv"].full_at_s is None
    more = run(read(text).design, load(1_600.0, keys=4, skew=0.0, hottest=0.6, span_s=10.0, patience_s=5.0))
    assert more.components["kv"].utilisation > 0.97
    assert more.saturated[0] == "kv"
