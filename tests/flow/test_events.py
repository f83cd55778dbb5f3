"""The event engine on cases that can be done by hand, what must hold for any system, and the same bits from Python."""

import dataclasses
import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fortyfive.flow import events_loop
from fortyfive.flow.events import (
    Backoff,
    Breaker,
    Call,
    Client,
    Constant,
    Degraded,
    Exponential,
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

SECOND = 10**9


def at(*times_s):
    return Client("c", at_ns=np.array([round(each * SECOND) for each in times_s], dtype=int))


def run(client, stations, links, troubles=(), span_s=100.0, buckets=100):
    return simulate(System((client,), tuple(stations), tuple(links), tuple(troubles)), span_s=span_s, buckets=buckets)


def answered_s(result):
    return [each / SECOND if each >= 0 else None for each in result.answered_ns.tolist()]


def settled_s(result):
    return [each / SECOND if each >= 0 else None for each in result.settled_ns.tolist()]


def totals(record):
    return {name: int(value.sum()) for name, value in dataclasses.asdict(record).items() if value.dtype == np.int64}


def test_who_waits_is_served_in_the_order_of_arrival():
    result = run(at(0, 0.5, 1), [Station("s", 1, Constant(2))], [Call("c", "s")])
    assert answered_s(result) == [2, 4, 6]
    # One waits from 0.5 s to 2 s and one from 1 s to 4 s: read just before 1 s, 2 s, ...
    assert result.stations["s"].queued[:5].tolist() == [1, 2, 1, 1, 0]
    assert result.stations["s"].oldest_s[:5].tolist() == [0.5, 1.5, 2, 3, 0]
    assert result.stations["s"].busy[:7].tolist() == [1, 1, 1, 1, 1, 1, 0]


def test_the_youngest_goes_first_where_the_station_says_so():
    result = run(at(0, 0.5, 1), [Station("s", 1, Constant(2), lifo=True)], [Call("c", "s")])
    assert answered_s(result) == [2, 6, 4]


def test_a_caller_that_gives_up_leaves_its_work_behind():
    result = run(at(0, 0.1), [Station("s", 1, Constant(2))], [Call("c", "s", timeout_s=3)])
    assert answered_s(result) == [2, None]
    assert (result.served, result.timed_out, result.in_flight) == (1, 1, 0)
    assert totals(result.stations["s"])["wasted"] == 1
    # The second was served all the same, from 2 s to 4 s.
    assert result.stations["s"].busy[:5].tolist() == [1, 1, 1, 1, 0]
    assert result.links["c -> s"].timeouts.tolist()[3] == 1


def test_a_server_that_knows_passes_over_abandoned_work():
    result = run(at(0, 0.1), [Station("s", 1, Constant(2), drops_abandoned=True)], [Call("c", "s", timeout_s=1)])
    assert result.timed_out == 2
    assert (totals(result.stations["s"])["shed"], totals(result.stations["s"])["wasted"]) == (1, 1)


def test_backoff_doubles_up_to_its_cap():
    retry = Retry(6, Backoff(1, 5, "none"))
    result = run(at(0), [Station("s", 1, Constant(1), errors=1.0)], [Call("c", "s", retry=retry)])
    # It fails after 1 s each time, and waits 1, 2, 4, 5 and 5 s.
    assert np.flatnonzero(result.stations["s"].calls).tolist() == [0, 2, 5, 10, 16, 22]
    assert result.failed == 1
    assert totals(result.links["c -> s"])["retries"] == 5


def test_a_slow_leaf_fills_its_callers():
    stations = [Station("front", 2, Constant(0)), Station("leaf", 1, Constant(10))]
    result = run(at(0, 1, 2), stations, [Call("c", "front"), Call("front", "leaf")])
    assert result.stations["front"].busy[5] == 2
    assert result.stations["front"].queued[5] == 1
    assert answered_s(result) == [10, 20, 30]


def test_a_bulkhead_keeps_a_slow_leaf_from_filling_its_callers():
    stations = [Station("front", 2, Constant(0)), Station("leaf", 1, Constant(10))]
    result = run(at(0, 1, 2), stations, [Call("c", "front"), Call("front", "leaf", bulkhead=1)])
    assert answered_s(result) == [10, None, None]
    assert totals(result.links["front -> leaf"])["refused"] == 2
    assert result.failed == 2


def test_an_optional_call_fails_without_failing_its_caller():
    stations = [Station("front", 2, Constant(1)), Station("extra", 1, Constant(1), errors=1.0)]
    result = run(at(0), stations, [Call("c", "front"), Call("front", "extra", optional=True)])
    assert answered_s(result) == [2]
    assert totals(result.links["front -> extra"])["given_up"] == 1


def test_a_message_is_answered_for_as_soon_as_it_waits():
    stations = [Station("front", 1, Constant(1)), Station("worker", 1, Constant(5))]
    result = run(at(0, 0), stations, [Call("c", "front"), Queue("front", "worker")])
    assert answered_s(result) == [1, 2]
    assert settled_s(result) == [6, 11]


def test_a_visibility_timeout_shorter_than_the_work_does_it_twice():
    link = Queue("c", "s", visibility_s=3, max_receives=2)
    result = run(at(0), [Station("s", 2, Constant(5))], [link])
    # Taken at 0 s and again at 3 s; finished at 5 s by a worker that holds it no more, and dead at 6 s.
    assert totals(result.stations["s"]) == {
        "calls": 2,
        "finished": 2,
        "failed": 0,
        "rejected": 0,
        "shed": 0,
        "wasted": 2,
        "crashes": 0,
        "queued": 0,
    }
    assert (result.dead, result.served) == (1, 0)
    longer = run(at(0), [Station("s", 2, Constant(5))], [dataclasses.replace(link, visibility_s=5.5)])
    assert (longer.served, totals(longer.stations["s"])["wasted"]) == (1, 0)


@pytest.mark.parametrize(
    ("backoff", "visibility_s", "starts"),
    [(Backoff(0), 10, [0, 10, 20]), (Backoff(2, 20, "none"), 10, [0, 3, 8]), (Backoff(0), None, [0, 1, 2])],
)
def test_a_message_that_fails_comes_back_when_its_queue_says(backoff, visibility_s, starts):
    link = Queue("c", "s", visibility_s=visibility_s, max_receives=3, backoff=backoff)
    result = run(at(0), [Station("s", 1, Constant(1), errors=1.0)], [link])
    assert np.flatnonzero(result.stations["s"].calls).tolist() == starts
    assert (result.dead, answered_s(result)) == (1, [0])
    assert totals(result.links["c -> s"])["given_up"] == 1


def test_a_crash_takes_the_whole_batch_and_the_server():
    client, link = at(0, 0, 0, 0), Queue("c", "s", visibility_s=10, max_receives=1)
    # The first message is taken alone, and the others wait for its crash, which takes less than 1 s, and the restart.
    station = Station("s", 1, Constant(1), batch=3, crashes=1.0, restart_s=4)
    result = run(client, [station], [link])
    assert totals(result.stations["s"])["crashes"] == 2
    assert np.flatnonzero(result.stations["s"].crashes).tolist()[0] == 0
    assert 4 <= np.flatnonzero(result.stations["s"].crashes).tolist()[1] <= 5
    assert result.dead == 4


def test_a_batch_takes_what_waits_and_each_item_adds_its_time():
    station = Station("s", 1, Constant(2), batch=3, batch_item_s=0.5)
    result = run(at(0, 1, 1, 1, 1), [station], [Call("c", "s")])
    assert answered_s(result) == [2, 5, 5, 5, 7]


def test_a_limit_on_starts_delays_and_rejects_nobody():
    result = run(at(0, 0, 0, 0), [Station("s", 10, Constant(1), starts_per_s=0.5)], [Call("c", "s")])
    assert answered_s(result) == [1, 3, 5, 7]


def test_who_has_waited_too_long_is_shed():
    result = run(at(0, 1, 4), [Station("s", 1, Constant(5), shed_after_s=2)], [Call("c", "s")])
    assert answered_s(result) == [5, None, 10]
    assert (result.rejected, totals(result.stations["s"])["shed"]) == (1, 1)


@pytest.mark.parametrize(("hangs", "expected"), [(True, [1, 11, 12]), (False, [1, None, 12])])
def test_an_outage_refuses_or_hangs(hangs, expected):
    result = run(at(0.0, 5, 11), [Station("s", 1, Constant(1))], [Call("c", "s")], [Outage("s", 4, 10, hangs)])
    assert answered_s(result) == expected


def test_a_degraded_station_is_slower_or_fails_for_a_while():
    station, link = Station("s", 1, Constant(1)), Call("c", "s")
    slow = run(at(0, 5, 20), [station], [link], [Degraded("s", 4, 10, slower=2.5)])
    assert answered_s(slow) == [1, 7.5, 21]
    bad = run(at(0, 5, 20), [station], [link], [Degraded("s", 4, 10, errors=1.0)])
    assert answered_s(bad) == [1, None, 21]


def test_a_breaker_opens_probes_and_closes():
    times = np.arange(0, 30)
    breaker = Breaker(failures=2, window=None, cool_down_s=5, probes=2)
    result = run(
        at(*times),
        [Station("s", 5, Constant(0.5))],
        [Call("c", "s", breaker=breaker)],
        [Degraded("s", 3, 12, errors=1.0)],
    )
    # The failure of the call at 4 s opens it at 4.5 s; the probe at 10 s fails, and those at 16 s and 17 s do not.
    called = np.flatnonzero(result.stations["s"].calls).tolist()
    assert called == [0, 1, 2, 3, 4, 10, *range(16, 30)]
    assert np.flatnonzero(result.links["c -> s"].breaker_open).tolist() == [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]


def test_a_breaker_with_a_window_counts_the_last_calls_only():
    breaker = Breaker(failures=0.5, window=4, cool_down_s=100, probes=1)
    trouble = Degraded("s", 10, 50, errors=1.0)
    result = run(at(*range(20)), [Station("s", 5, Constant(0.5))], [Call("c", "s", breaker=breaker)], [trouble])
    assert np.flatnonzero(result.stations["s"].calls).tolist() == list(range(12))


def test_a_budget_allows_its_burst_and_then_what_first_tries_earn():
    retry = Retry(None, Backoff(0), RetryBudget(per_try=0.25, burst=3))
    result = run(at(*range(40)), [Station("s", 1, Constant(0), errors=1.0)], [Call("c", "s", retry=retry)])
    # The first request takes the burst; from then on, every fourth request earns a retry.
    assert result.stations["s"].calls[:13].tolist() == [4, 1, 1, 1, 2, 1, 1, 1, 2, 1, 1, 1, 2]
    assert totals(result.links["c -> s"])["without_budget"] == 40


def test_successes_can_earn_retries():
    retry = Retry(None, Backoff(0), RetryBudget(per_try=0, per_success=0.5, burst=2))
    trouble = [Degraded("s", 0, 0.5, errors=1.0), Degraded("s", 10.5, 20, errors=1.0)]
    result = run(at(0, 1, 2, 3, 11), [Station("s", 1, Constant(0.01))], [Call("c", "s", retry=retry)], trouble)
    assert result.stations["s"].calls[[0, 1, 11]].tolist() == [3, 1, 2]


def test_more_tokens_let_a_burst_through():
    result = run(
        at(0, 0, 0, 0, 1, 2.5), [Station("s", 10, Constant(0), rate_limit=RateLimit(0.5, 3))], [Call("c", "s")]
    )
    assert answered_s(result) == [0, 0, 0, None, None, 2.5]


def test_a_full_buffer_turns_a_message_away():
    stations = [Station("front", 1, Constant(0)), Station("worker", 1, Constant(5), buffer=1)]
    links = [Call("c", "front"), Queue("front", "worker")]
    result = run(at(0, 0, 0), stations, links)
    assert (result.served, result.failed, totals(result.stations["worker"])["rejected"]) == (2, 1, 1)
    direct = run(at(0, 0, 0), stations[1:], [Queue("c", "worker")])
    assert (direct.served, direct.rejected) == (2, 1)


def test_a_station_uses_its_links_one_after_the_other():
    stations = [Station("front", 1, Constant(1)), Station("a", 1, Constant(2)), Station("b", 1, Constant(4))]
    links = [Call("front", "a"), Call("c", "front"), Call("front", "b")]
    result = run(at(0), stations, links)
    assert answered_s(result) == [7]
    assert np.flatnonzero(result.stations["b"].busy).tolist() == [3, 4, 5, 6]


def test_a_surge_brings_more_requests_and_moves_no_other():
    calm = Client("c", 100.0)
    system = System((calm,), (Station("s", 1, Constant(0)),), (Call("c", "s"),))
    surged = dataclasses.replace(system, clients=(Client("c", 100.0, surges=(Surge(20, 30, 5.0),)),))
    before, after = simulate(system, span_s=100, buckets=100), simulate(surged, span_s=100, buckets=100)
    assert before.offered[:20].tolist() == after.offered[:20].tolist()
    assert 4_000 < after.offered[20:30].sum() < 6_000
    assert 6_500 < after.offered[30:].sum() < 7_500
    assert (np.diff(after.at_ns) >= 0).all()


def test_with_the_same_dice_one_more_server_delays_nobody():
    def answered_ns(servers):
        system = System((Client("c", 100.0),), (Station("s", servers, Exponential(0.02)),), (Call("c", "s"),))
        return simulate(system, span_s=50).answered_ns

    for servers in range(1, 6):
        fewer, more = answered_ns(servers), answered_ns(servers + 1)
        assert (((more <= fewer) & (more >= 0)) | (fewer < 0)).all()


def test_bands_are_those_of_the_answered():
    system = System((Client("c", 50.0),), (Station("s", 8, Exponential(0.1), buffer=2),), (Call("c", "s"),))
    result = simulate(system, span_s=60, buckets=6)
    good = result.answered_ns >= 0
    took = (result.answered_ns - result.at_ns)[good] / SECOND
    assert result.bands.shape == (3, 6)
    for row, share in enumerate((0.5, 0.95, 0.99)):
        exact = np.quantile(took, share, method="inverted_cdf")
        assert result.quantiles_s[row] == pytest.approx(exact, rel=1 / 128)
    assert result.goodput.sum() == result.served == good.sum()
    assert result.offered.sum() == result.arrived
    assert result.settled.tolist() == result.goodput.tolist()
    assert np.array_equal(result.bands, result.settled_bands)


def test_endless_retries_at_once_are_cut_short_too():
    system = System(
        (at(1),),
        (Station("s", 1, Constant(1)),),
        (Call("c", "s", retry=Retry(None, Backoff(0))),),
        (Outage("s", 0, 10),),
    )
    result = simulate(system, span_s=10, most_events=30_000)
    assert (result.cut_short, result.events, result.in_flight) == (True, 30_000, 1)


def test_a_run_that_is_too_long_is_cut_short_and_says_so():
    # A message that fails at once and comes back at once would go on for ever.
    loop = Queue("c", "s", visibility_s=None)
    system = System((at(1, 2),), (Station("s", 1, Constant(0), errors=1.0),), (loop,))
    result = simulate(system, span_s=10, most_events=30_000)
    assert result.cut_short
    assert (result.events, result.reached_s, result.arrived, result.in_flight) == (30_000, 1.0, 1, 1)
    done = simulate(dataclasses.replace(system, links=(dataclasses.replace(loop, max_receives=5),)), span_s=10)
    assert (done.cut_short, done.reached_s, done.dead) == (False, 10.0, 2)


def test_a_client_that_never_comes_leaves_an_empty_run():
    result = run(at(), [Station("s", 1, Constant(1))], [Call("c", "s")])
    assert (result.arrived, result.events) == (0, 0)
    assert np.isnan(result.bands).all()


services = st.sampled_from([Constant(0.2), Exponential(0.3), Lognormal(0.2, 1.0), Measured((0.0, 0.1, 1.0))])
backoffs = st.sampled_from([Backoff(0), Backoff(0.1, 1, "none"), Backoff(0.2, 3, "full"), Backoff(0.2, 3, "equal")])
budgets = st.none() | st.builds(RetryBudget, burst=st.sampled_from([1.0, 5.0]))
retries = st.none() | st.builds(Retry, attempts=st.integers(1, 4), backoff=backoffs, budget=budgets)
breakers = st.none() | st.builds(Breaker, failures=st.just(0.5), window=st.integers(1, 6), probes=st.integers(1, 3))


@st.composite
def systems(draw):
    """Two clients, and up to four stations of which each links to some of those behind it; nothing lasts for ever."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 4)))]
    stations = [
        Station(
            name,
            servers=draw(st.integers(1, 4)),
            service=draw(services),
            buffer=draw(st.none() | st.integers(0, 5)),
            lifo=draw(st.booleans()),
            batch=draw(st.integers(1, 3)),
            batch_item_s=0.05,
            shed_after_s=draw(st.none() | st.just(0.5)),
            drops_abandoned=draw(st.booleans()),
            rate_limit=draw(st.none() | st.builds(RateLimit, per_s=st.just(20.0), burst=st.integers(1, 4))),
            starts_per_s=draw(st.none() | st.just(15.0)),
            errors=draw(st.sampled_from([0.0, 0.3, 1.0])),
            crashes=draw(st.sampled_from([0.0, 0.2])),
        )
        for name in names
    ]
    links = []
    for place, source in enumerate(["a", "b", *names]):
        following = names[max(place - 1, 0) :]
        count = 1 if place < 2 else draw(st.integers(0, 2))
        for target in draw(st.permutations(names if place < 2 else following))[:count]:
            if draw(st.booleans()):
                link = Call(
                    source,
                    target,
                    timeout_s=draw(st.none() | st.just(0.7)),
                    retry=draw(retries),
                    breaker=draw(breakers),
                    bulkhead=draw(st.none() | st.integers(1, 3)),
                    optional=draw(st.booleans()),
                )
            else:
                link = Queue(
                    source,
                    target,
                    visibility_s=draw(st.none() | st.just(0.8)),
                    max_receives=draw(st.integers(1, 4)),
                    backoff=draw(backoffs),
                    optional=draw(st.booleans()),
                )
            links.append(link)
    trouble = draw(
        st.sampled_from(
            [None, Outage(names[-1], 1, 3), Outage(names[-1], 1, 3, hangs=True), Degraded(names[-1], 1, 3, 4, 0.5)]
        )
    )
    times = np.sort(np.array(draw(st.lists(st.integers(0, 4 * SECOND), min_size=1, max_size=25)), dtype=int))
    clients = (Client("a", at_ns=times, priority=1), Client("b", at_ns=times[::2]))
    return System(clients, tuple(stations), tuple(links), (trouble,) if trouble else ())


@settings(max_examples=150, deadline=None)
@given(systems(), st.integers(0, 99))
def test_nothing_is_lost_and_nothing_stays(system, seed):
    result = simulate(system, span_s=100_000, seed=seed, buckets=1)
    assert not result.cut_short
    assert result.in_flight == 0
    parts = (result.served, result.rejected, result.timed_out, result.failed, result.dead)
    assert min(parts) >= 0
    assert sum(parts) == result.arrived == sum(client.at_ns.size for client in system.clients)
    assert ((result.answered_ns == -1) | (result.answered_ns >= result.at_ns)).all()
    assert ((result.settled_ns == -1) | (result.settled_ns >= result.answered_ns)).all()
    assert (result.settled_ns >= 0).sum() == result.served
    for each in system.stations:
        station = result.stations[each.name]
        assert station.queued.sum() == 0
        left = station.finished + station.failed + station.rejected + station.shed
        # A crash takes a batch, whose size is not told.
        assert (left <= station.calls).all()
        if not each.crashes:
            assert (left == station.calls).all()
        assert (station.wasted <= station.finished + station.failed).all()
    for link in result.links.values():
        assert (link.attempts - link.retries == link.succeeded + link.given_up).all()
    for name in (each.name for each in system.stations):
        calls = sum(
            (link.attempts - link.refused).sum() for key, link in result.links.items() if key.endswith(f"-> {name}")
        )
        assert calls == result.stations[name].calls.sum()


HASHES = """
import dataclasses, hashlib
import numpy as np
from fortyfive.flow import compiled, events_loop
from fortyfive.flow.events import *
system = System(
    (Client("urgent", 60.0, surges=(Surge(5, 8, 4.0),)), Client("other", 40.0, priority=1)),
    (
        Station("front", 30, Lognormal(0.05, 0.4), 40, errors=0.02, rate_limit=RateLimit(150, 20), shed_after_s=0.4),
        Station("store", 4, Measured((0.01, 0.02, 0.09)), errors=0.05, lifo=True, drops_abandoned=True),
        Station("worker", 6, Exponential(0.1), batch=5, batch_item_s=0.01, crashes=0.02, starts_per_s=80),
        Station("provider", 8, Constant(0.04), buffer=3),
    ),
    (
        Call("urgent", "front", timeout_s=0.8, retry=Retry(4, Backoff(0.05, 1.0, "full"), RetryBudget(burst=20))),
        Call("other", "front", timeout_s=0.5, retry=Retry(3, Backoff(0.05, 1.0, "equal"))),
        Call("front", "store", timeout_s=0.2, retry=Retry(2, Backoff(0.01, 0.1, "none")), bulkhead=25, optional=True),
        Queue("front", "worker", visibility_s=2.0, max_receives=4, backoff=Backoff(0.3, 2.0)),
        Call("worker", "provider", timeout_s=0.3, breaker=Breaker(0.5, 10, 1.0, 2)),
    ),
    (Outage("provider", 4, 6), Degraded("provider", 8, 12, slower=4, errors=0.1), Outage("store", 9, 10, hangs=True)),
)
result = simulate(system, span_s=20, buckets=40)
parts = [result.at_ns, result.client, result.answered_ns, result.settled_ns, result.bands, result.quantiles_s]
for record in (*result.stations.values(), *result.links.values()):
    parts += [getattr(record, field.name) for field in dataclasses.fields(record)]
digest = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()
counts = (result.arrived, result.served, result.rejected, result.timed_out, result.failed, result.dead, result.events)
compiled_it = events_loop.loop._compiled is not None
"""


def test_python_and_the_compiler_agree_bit_for_bit():
    events_loop.loop.compiled()
    here = {}
    exec(HASHES, here)
    assert here["compiled_it"]
    there = subprocess.run(
        [sys.executable, "-c", HASHES + "print(compiled_it, digest, *counts)"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert there == ["False", here["digest"], *map(str, here["counts"])]
    # Every way to end is in it, so that all of the loop has been compared.
    assert min(here["counts"]) > 0
    for station in ("finished", "failed", "rejected", "shed", "wasted", "crashes"):
        assert sum(getattr(each, station).sum() for each in here["result"].stations.values()) > 0, station
    for link in ("retries", "timeouts", "refused", "without_budget", "given_up", "breaker_open"):
        assert sum(getattr(each, link).sum() for each in here["result"].links.values()) > 0, link


def test_python_hands_a_long_run_over_to_the_compiler_and_nobody_sees_it(monkeypatch):
    system = System((Client("c", 900.0),), (Station("s", 8, Exponential(0.01)),), (Call("c", "s", timeout_s=0.05),))
    whole = simulate(system, span_s=30)
    compiled_loop = events_loop.loop.compiled()
    monkeypatch.setattr(events_loop.loop, "_compiled", None)
    monkeypatch.setattr(events_loop.loop, "compiled", lambda: compiled_loop)
    handed = simulate(system, span_s=30)
    assert handed.events == whole.events > 50_000
    assert hashlib.sha256(handed.answered_ns).digest() == hashlib.sha256(whole.answered_ns).digest()
    assert (handed.stations["s"].busy == whole.stations["s"].busy).all()


def test_little_work_leaves_the_compiler_alone(monkeypatch):
    monkeypatch.setattr(events_loop.loop, "_compiled", None)
    monkeypatch.setattr(events_loop.loop, "compiled", lambda: pytest.fail("the compiler was asked"))
    assert run(at(*range(50)), [Station("s", 1, Constant(0.5))], [Call("c", "s")]).served == 50
