"""A system that makes no sense is refused in a sentence."""

import numpy as np
import pytest

from fortyfive.flow.events import (
    Backoff,
    Breaker,
    Call,
    Client,
    Constant,
    Degraded,
    Exponential,
    Fewer,
    Lognormal,
    Measured,
    Outage,
    Queue,
    RateLimit,
    Retry,
    RetryBudget,
    Station,
    Surge,
    System,
    simulate,
)
from fortyfive.flow.memory import NotEnoughMemoryError

CLIENT, STATION, CALL = Client("c"), Station("s", 1, Constant(1.0)), Call("c", "s")
OTHER = Station("other", 1, Constant(1.0))
PAIR = Station("s", 2, Constant(1.0), instances=2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(-1.0), "service time in seconds is -1.0"),
        (lambda: Constant(float("nan")), "service time in seconds is nan"),
        (lambda: Exponential(0.0), "mean service time"),
        (lambda: Lognormal(1.0, 0.5), "p99 of the service time over its mean is 0.5"),
        (lambda: Lognormal(1.0, 20.0), "from 1 to 14.9"),
        (lambda: Measured(()), "measured service times is 0"),
        (lambda: Measured((1.0, -1.0)), "shortest service time"),
        (lambda: RateLimit(0.0), "rate limit in calls/s is 0.0"),
        (lambda: RateLimit(1.0, 0), "tokens in the bucket is 0"),
        (lambda: Station("s", 0, Constant(1.0)), "servers of 's' is 0"),
        (lambda: Station("s", 1.5, Constant(1.0)), "servers of 's' is 1.5"),
        (lambda: Station("s", 1, Constant(1.0), buffer=-1), "buffer of 's' is -1"),
        (lambda: Station("s", 1, Constant(1.0), buffer=1.5), "buffer of 's' is 1.5"),
        (lambda: Station("s", 1, Constant(1.0), batch=0), "batch of 's' is 0"),
        (lambda: Station("s", 1, Constant(1.0), errors=1.1), "share of errors of 's' is 1.1"),
        (lambda: Station("s", 1, Constant(1.0), crashes=-0.1), "share of crashes of 's'"),
        (lambda: Station("s", 1, Constant(1.0), starts_per_s=-1.0), "rate of starts of 's'"),
        (lambda: Station("s", 1, Constant(1.0), starts_per_s=0.0), "rate of starts of 's'"),
        (lambda: Backoff(jitter="some"), "jitter is 'some': choose"),
        (lambda: Backoff(2.0, 1.0), "cap of the back-off in seconds is 1.0"),
        (lambda: Retry(0), "attempts is 0"),
        (lambda: RetryBudget(burst=0.5), "tokens in the retry budget is 0.5"),
        (lambda: Breaker(failures=5, window=20), "share of failures"),
        (lambda: Breaker(failures=0.5, window=None), "failures in a row"),
        (lambda: Call("a", "b", timeout_s=0.0), "time-out of a -> b in seconds is 0.0"),
        (lambda: Call("a", "b", bulkhead=0), "bulkhead of a -> b is 0"),
        (lambda: Queue("a", "b", visibility_s=-1.0), "visibility time-out of a -> b"),
        (lambda: Queue("a", "b", max_receives=0), "receives of a -> b is 0"),
        (lambda: Surge(2, 1, 2.0), "surge lasts from 2 s to 1 s"),
        (lambda: Client("c", -1.0), "rate of 'c' in requests/s is -1.0"),
        (lambda: Client("c", priority=4), "priority of 'c' is 4"),
        (lambda: Client("c", priority=0.5), "priority of 'c' is 0.5"),
        (lambda: Client("c", surges=(Surge(0, 2, 2.0), Surge(1, 3, 2.0))), "overlap: one begins at 1 s"),
        (lambda: Outage("s", 1, 1), "outage of 's' lasts from 1 s to 1 s"),
        (lambda: Degraded("s", 0, 1, slower=0.0), "factor by which 's' is slower"),
        (lambda: System((), (STATION,), ()), "no client"),
        (lambda: System((CLIENT,), (STATION, STATION), (CALL,)), "name 's' stands for two"),
        (lambda: System((CLIENT,), (STATION,), (Call("c", "t"),)), "no station 't' here, only s"),
        (lambda: System((CLIENT,), (STATION,), (CALL, Call("x", "s"))), "no client or station 'x'"),
        (lambda: System((CLIENT,), (STATION,), (Call("c", "c"),)), "no station 'c'"),
        (lambda: System((CLIENT,), (STATION,), ()), "client 'c' has 0 links"),
        (lambda: System((CLIENT,), (STATION, OTHER), (CALL, Call("c", "other"))), "client 'c' has 2 links"),
        (lambda: System((CLIENT,), (STATION,), (CALL, CALL)), "same source and target"),
        (
            lambda: System((CLIENT,), (STATION, OTHER), (CALL, Call("s", "other"), Queue("other", "s"))),
            "in a circle for ever: s -> other -> s",
        ),
        (lambda: System((CLIENT,), (STATION,), (CALL, Call("s", "s"))), "circle for ever: s -> s"),
        (lambda: System((CLIENT,), (STATION,), (CALL,), (Outage("t", 0, 1),)), "trouble at 't'"),
        (
            lambda: System((CLIENT,), (STATION,), (CALL,), (Outage("s", 0, 5), Degraded("s", 4, 6))),
            "troubles of 's' overlap",
        ),
        (lambda: Station("s", 1, Constant(1.0), instances=0), "instances of 's' is 0"),
        (lambda: Station("s", 1, Constant(1.0), instances=1_001), "instances of 's' is 1001"),
        (lambda: Station("s", 1, Constant(1.0), fails_marked=-1), "mask of marks that fail of 's' is -1"),
        (lambda: Call("a", "b", balance="best"), "balance of a -> b is 'best': choose from random, round_robin"),
        (lambda: Call("a", "b", fanout=0), "copies of a -> b is 0"),
        (lambda: Queue("a", "b", fanout=100_001), "copies of a -> b is 100001"),
        (lambda: Call("a", "b", share=(-0.1, 1.0)), "beginning of the share of a -> b is -0.1"),
        (lambda: Call("a", "b", share=(0.6, 0.5)), "end of the share of a -> b is 0.5"),
        (lambda: Call("a", "b", wanted=-1), "mask `wanted` of a -> b is -1"),
        (lambda: Queue("a", "b", also_wanted=2**62), "mask `also_wanted` of a -> b"),
        (lambda: Queue("a", "b", unwanted=0.5), "mask `unwanted` of a -> b is 0.5"),
        (lambda: Call("a", "b", delay_s=-1.0), "delay of a -> b in seconds is -1.0"),
        (lambda: Client("c", marks=-1), "marks of 'c' begin at -1"),
        (lambda: Client("c", marks=0.5), "marks of 'c' have shape"),
        (lambda: Client("c", marks=[1, 2]), "client 'c' has 2 marks"),
        (lambda: Client("c", at_ns=[1, 2, 3], keys=[1, 2]), "client 'c' has 2 keys"),
        (lambda: Client("c", marks=2**62), r"marks of 'c' go up to 4,611,686,018,427,387,904"),
        (lambda: Outage("s", 0, 1, noticed_s=-1.0), "notice the outage of 's' is -1.0"),
        (lambda: Fewer("s", 0, 0, 1), "servers that 's' loses is 0"),
        (lambda: Fewer("s", 1, 2, 1), "fewer servers of 's' lasts from 2 s to 1 s"),
        (lambda: System((CLIENT,), (STATION,), (CALL,), (Fewer("s", 2, 0, 1),)), "cannot have 2 fewer"),
        (
            lambda: System((CLIENT,), (PAIR,), (CALL,), (Outage("s", 0, 1, instance=2),)),
            "instance of 's' that is out is 2",
        ),
        (
            lambda: System((CLIENT,), (PAIR,), (CALL,), (Outage("s", 0, 5, instance=1), Outage("s", 4, 6, instance=1))),
            "troubles of 's' overlap",
        ),
        (
            lambda: System((CLIENT,), (PAIR,), (CALL,), (Outage("s", 0, 5, instance=1), Degraded("s", 4, 6))),
            "troubles of 's' overlap",
        ),
        (lambda: System((CLIENT,), (STATION,), (Call("c", "s", fanout=2),)), "each request of a client is sent once"),
        (lambda: System((CLIENT,), (STATION,), (Queue("c", "s", wanted=1),)), "each request of a client is sent once"),
        (lambda: System((CLIENT,), (STATION,), (Call("c", "s", together=True),)), "`together` with the link before it"),
        (
            lambda: System(
                (CLIENT,),
                tuple(Station(f"s{n}", 1, Constant(1.0), instances=1_000) for n in range(11)),
                (Call("c", "s0"),),
            ),
            "11,000 instances in all",
        ),
    ],
)
def test_parts_that_make_no_sense_are_refused_in_a_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_troubles_of_different_instances_may_overlap_and_fewer_servers_with_all():
    troubles = (Outage("s", 0, 5, instance=0), Outage("s", 1, 6, instance=1), Fewer("s", 1, 2, 7), Fewer("s", 2, 3, 8))
    assert System((CLIENT,), (PAIR,), (CALL,), troubles).troubles == troubles


SYSTEM = System((CLIENT,), (STATION,), (CALL,))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"span_s": 0}, "span in seconds is 0"),
        ({"span_s": float("nan")}, "span in seconds is nan"),
        ({"buckets": 0}, "number of buckets is 0"),
        ({"buckets": 1.5}, "number of buckets is 1.5"),
        ({"most_events": 0}, "number of events is 0"),
    ],
)
def test_runs_that_make_no_sense_are_refused_in_a_sentence(changed, message):
    with pytest.raises(ValueError, match=message):
        simulate(SYSTEM, **{"span_s": 1.0} | changed)


@pytest.mark.parametrize(
    ("times", "message"), [([2, 1], "not sorted"), ([-1, 1], "none can be below 0"), ([0.5], "whole numbers is needed")]
)
def test_times_that_make_no_sense_are_refused_in_a_sentence(times, message):
    system = System((Client("c", at_ns=np.array(times)),), (STATION,), (CALL,))
    with pytest.raises(ValueError, match=message):
        simulate(system, span_s=1.0)


def test_more_requests_than_fit_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr("fortyfive.flow.memory.free_bytes", lambda: 10**9)
    system = System((Client("c", 1e7),), (STATION,), (CALL,))
    with pytest.raises(NotEnoughMemoryError, match="requests: this needs"):
        simulate(system, span_s=100.0)
    with pytest.raises(ValueError, match="number of requests"):
        simulate(system, span_s=1e6)


def test_a_queue_that_outgrows_the_memory_ends_in_a_sentence(monkeypatch):
    monkeypatch.setattr("fortyfive.flow.memory.free_bytes", lambda: 10**8)
    monkeypatch.setattr("fortyfive.flow.events_tables._FEW_BYTES", 10**5)
    system = System((Client("c", at_ns=np.zeros(3_000, dtype=int)),), (STATION,), (CALL,))
    monkeypatch.setattr("fortyfive.flow.memory.free_bytes", lambda: 500_000)
    with pytest.raises(NotEnoughMemoryError, match="calls at the same time"):
        simulate(system, span_s=10.0)
