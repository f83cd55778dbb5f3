"""The failures that the event engine is for: each is reproduced, and each has a cure."""

import numpy as np
import pytest

from fortyfive.flow import events_loop
from fortyfive.flow.events import (
    Backoff,
    Breaker,
    Call,
    Client,
    Constant,
    Exponential,
    Outage,
    Queue,
    Retry,
    RetryBudget,
    Station,
    Surge,
    System,
    simulate,
)

SEEDS = range(20)


@pytest.fixture(scope="module", autouse=True)
def compiled_loop():
    events_loop.loop.compiled()


NAIVE = Retry(3, Backoff(0.1, 1.0))


def goodput_share(seed, *, retry=NAIVE, breaker=None, outage_s=10.0, surge=None, **station):
    """The share of requests with a good answer long after an outage, at 80 % load."""
    surges = (Surge(30, 40, surge),) if surge else ()
    system = System(
        (Client("users", 80.0, surges=surges),),
        (Station("api", 10, Exponential(0.1), **station),),
        (Call("users", "api", timeout_s=1.0, retry=retry, breaker=breaker),),
        () if surge else (Outage("api", 30, 30 + outage_s, hangs=True),),
    )
    run = simulate(system, span_s=160, seed=seed, buckets=160)
    assert run.goodput[10:30].sum() > 0.97 * run.offered[10:30].sum()
    return run.goodput[120:].sum() / run.offered[120:].sum()


def test_naive_retries_keep_a_system_down_after_its_outage():
    assert max(goodput_share(seed) for seed in SEEDS) < 0.01


def test_a_short_load_spike_is_trigger_enough():
    assert max(goodput_share(seed, surge=3.0) for seed in SEEDS) < 0.01


@pytest.mark.parametrize(
    "cure",
    [
        {"retry": None},
        {"retry": Retry(3, Backoff(0.1, 1.0), RetryBudget(per_try=0.1))},
        {"retry": Retry(3, Backoff(0.1, 1.0), RetryBudget(per_try=0.0, per_success=0.1))},
        {"breaker": Breaker(0.5, window=20, cool_down_s=5, probes=3)},
        {"lifo": True},
        {"shed_after_s": 0.5},
        {"buffer": 50},
    ],
    ids=["no retry", "budget", "budget by success", "breaker", "lifo", "shed by age", "shed by length"],
)
def test_a_system_with_a_cure_recovers_from_the_same_outage(cure):
    assert min(goodput_share(seed, **cure) for seed in range(5)) > 0.97


@pytest.mark.parametrize("no_cure", [{"buffer": 200}, {"retry": Retry(3, Backoff(1.0, 20.0))}])
def test_a_buffer_longer_than_the_timeout_and_slower_retries_are_no_cure(no_cure):
    assert max(goodput_share(seed, **no_cure) for seed in range(5)) < 0.01


def test_the_trigger_decides_whether_it_stays_down():
    assert min(goodput_share(seed, outage_s=0.5) for seed in range(5)) > 0.97
    assert max(goodput_share(seed, outage_s=2.0) for seed in range(5)) < 0.01


def herd(jitter):
    """Ten thousand devices call within 0.2 s, while the service, which takes 2,000 calls/s, is down for a second."""
    devices = Client("devices", at_ns=np.arange(10_000) * 20_000)
    system = System(
        (devices,),
        (Station("api", 20, Exponential(0.01), buffer=200),),
        (Call("devices", "api", retry=Retry(None, Backoff(1.0, 8.0, jitter))),),
        (Outage("api", 0, 1),),
    )
    return simulate(system, span_s=60, buckets=600)


def test_jitter_breaks_up_the_herd():
    together, spread = herd("none"), herd("full")
    peaks = {name: 10 * run.stations["api"].calls[10:].max() for name, run in (("none", together), ("full", spread))}
    assert peaks["none"] > 3 * peaks["full"]
    assert spread.served == 10_000
    assert np.flatnonzero(spread.goodput).max() < 150
    assert together.served < 7_500


def long_outage(**workers):
    """A provider that is down for twenty minutes, behind a queue; it takes 60 calls/s, and 20 messages/s arrive."""
    system = System(
        (Client("events", 20.0),),
        (Station("workers", service=Constant(0.01), **workers), Station("provider", 6, Exponential(0.1))),
        (Queue("events", "workers", visibility_s=30.0, backoff=Backoff(1.0, 60.0)), Call("workers", "provider", 1.0)),
        (Outage("provider", 600, 1_800),),
    )
    run = simulate(system, span_s=3_600, buckets=360)
    return run, run.offered.cumsum() - run.settled.cumsum()


def test_too_many_workers_meet_the_provider_that_comes_back_and_bring_it_down_again():
    run, backlog = long_outage(servers=100)
    assert backlog[180] > 20_000
    assert run.settled[180:].sum() < 1_000
    assert run.stations["provider"].wasted[180:].sum() > 50_000
    assert backlog[-1] > backlog[180]


@pytest.mark.parametrize("workers", [{"servers": 100, "starts_per_s": 50.0}, {"servers": 30}])
def test_a_limited_drain_is_done_in_a_quarter_of_an_hour(workers):
    run, backlog = long_outage(**workers)
    assert backlog[180] > 20_000
    assert backlog[-90:].max() < 200
    assert (run.dead, run.failed, run.rejected) == (0, 0, 0)
