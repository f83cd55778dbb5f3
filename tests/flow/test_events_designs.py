"""The event engine on designs (instances, copies, forks, shares, marks): by hand, and against closed forms."""

import dataclasses
import math
import os
import subprocess
import sys
from itertools import pairwise

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
    Fewer,
    Outage,
    Queue,
    RateLimit,
    Retry,
    Station,
    System,
    simulate,
)
from fortyfive.flow.events_tables import Tables
from tests.flow.theory import z_over_seeds

SECOND = 10**9
SEEDS = range(20)
INSTANT = Constant(0.0)
EVERYONE = 100_000
BALANCES = ("random", "round_robin", "least", "two", "key", "spread")


@pytest.fixture(scope="module", autouse=True)
def compiled_loop():
    events_loop.loop.compiled()


def at(*times_s, **fields):
    return Client("c", at_ns=np.array([round(each * SECOND) for each in times_s], dtype=int), **fields)


def run(client, stations, links, troubles=(), *, span_s=100.0, buckets=100, seed=45):
    system = System((client,), tuple(stations), tuple(links), tuple(troubles))
    return simulate(system, span_s=span_s, buckets=buckets, seed=seed)


def answered_s(result):
    return [each / SECOND if each >= 0 else None for each in result.answered_ns.tolist()]


def settled_s(result):
    return [each / SECOND if each >= 0 else None for each in result.settled_ns.tolist()]


def behind(*links, **front):
    """A client, a station without a service time for everybody, and its links."""
    return [Station("front", EVERYONE, INSTANT, **front)], [Call("c", "front"), *links]


# By hand: what goes out together.


def test_calls_that_go_out_together_take_as_long_as_the_slowest():
    stations, links = behind(Call("front", "a"), Call("front", "b", together=True), Call("front", "last"))
    stations += [Station("a", 1, Constant(2)), Station("b", 1, Constant(5)), Station("last", 1, Constant(1))]
    result = run(at(0), stations, links)
    assert answered_s(result) == [6]
    assert np.flatnonzero(result.stations["a"].busy).tolist() == [0, 1]
    assert np.flatnonzero(result.stations["b"].busy).tolist() == [0, 1, 2, 3, 4]
    assert np.flatnonzero(result.stations["last"].busy).tolist() == [5]


@pytest.mark.parametrize(("optional", "answered"), [(False, None), (True, 5)])
def test_one_failure_fails_the_caller_once_all_are_answered(optional, answered):
    stations, links = behind(Call("front", "bad", optional=optional), Call("front", "good", together=True))
    stations += [Station("bad", 1, Constant(1), errors=1.0), Station("good", 1, Constant(5))]
    result = run(at(0), stations, links)
    assert answered_s(result) == [answered]
    assert np.flatnonzero(result.stations["front"].busy).tolist() == [0, 1, 2, 3, 4]
    assert np.flatnonzero(result.stations["front"].failed).tolist() == ([] if optional else [5])


def test_copies_of_a_call_are_all_awaited():
    stations, links = behind(Call("front", "s", fanout=7))
    result = run(at(0), [*stations, Station("s", 2, Constant(1))], links)
    assert answered_s(result) == [4]
    assert result.links["front -> s"].attempts.sum() == result.links["front -> s"].succeeded.sum() == 7


def test_copies_of_a_message_are_answered_for_at_once_and_settled_with_the_last():
    stations, links = behind(Queue("front", "s", fanout=7))
    result = run(at(0), [*stations, Station("s", 2, Constant(1))], links)
    assert (answered_s(result), settled_s(result)) == ([0], [4])


def test_copies_of_a_message_that_find_no_room_fail_the_caller_and_the_others_stay():
    stations, links = behind(Queue("front", "s", fanout=7))
    result = run(at(0), [*stations, Station("s", 1, Constant(1), buffer=2)], links)
    assert (result.failed, result.stations["s"].rejected.sum(), result.stations["s"].finished.sum()) == (1, 4, 3)


def test_a_hundred_thousand_copies_fit():
    stations, links = behind(Queue("front", "s", fanout=100_000), Call("front", "t", fanout=100_000, together=True))
    stations += [Station("s", 1_000, Constant(0.001)), Station("t", EVERYONE, Constant(2))]
    result = run(at(0, 1), stations, links)
    assert (result.served, answered_s(result)) == (2, [2, 4])
    assert result.stations["s"].finished.sum() == result.stations["t"].finished.sum() == 200_000


def test_dead_copies_are_counted_apart_from_those_that_are_pending():
    stations, links = behind(Queue("front", "s", fanout=50_000, max_receives=1, visibility_s=None))
    result = run(at(0), [*stations, Station("s", 50, Constant(0.001), errors=0.5)], links)
    assert (result.dead, result.served, result.failed, result.in_flight) == (1, 0, 0, 0)
    given_up = result.links["front -> s"].given_up.sum()
    assert 24_000 < given_up < 26_000
    assert given_up == result.stations["s"].failed.sum()


def fork(levels, width):
    """Stations that each call `width` others at the same time, so many levels deep: `width ** levels` calls."""
    names = [f"s{level}" for level in range(levels + 1)]
    stations = [Station(name, 10**6, INSTANT) for name in names]
    links = [Call("c", names[0])]
    for source, target in pairwise(names):
        links += [Call(source, target, together=number > 0, bulkhead=10**9 - number) for number in range(width)]
    return stations, links


def test_deep_forks_end_and_count_what_they_call():
    stations, links = fork(12, 3)
    result = run(at(0), stations, links)
    assert result.served == 1
    assert result.stations["s12"].finished.sum() == 3**12
    assert result.links["s0 -> s1 (3)"].succeeded.sum() == 1


@pytest.mark.parametrize("by_python", [True, False])
def test_a_chain_of_calls_that_end_at_the_same_time_makes_the_stack_longer(by_python, monkeypatch):
    # One call ends at `b` and so at `a` at the same time. Then each call that one of them sheds lets its caller go on
    # to the other one, which has a call to shed as well.
    if by_python:
        monkeypatch.setattr(events_loop.loop, "_compiled", None)
        monkeypatch.setattr("fortyfive.flow.events_tables._FEW_EVENTS", 10**9)
    grown = []
    make_room = Tables._make_room
    monkeypatch.setattr(Tables, "_make_room", lambda tables: (make_room(tables), grown.append(tables.stack.size)))
    stations = [
        Station("p", EVERYONE, INSTANT),
        Station("q", EVERYONE, INSTANT),
        Station("a", 1, Constant(0.5), shed_after_s=1),
        Station("b", 1, Constant(10), shed_after_s=1),
    ]
    links = [Call("c", "p"), Call("d", "q"), Call("a", "b")]
    links += [Call("p", "a", optional=True), Call("p", "b"), Call("q", "b", optional=True), Call("q", "a")]
    clients = (at(*np.arange(400) / 1_000), dataclasses.replace(at(*(0.6 + np.arange(400) / 1_000)), name="d"))
    result = simulate(System(clients, tuple(stations), tuple(links)), span_s=100, buckets=100)
    assert max(grown) > 400
    assert (result.in_flight, result.arrived) == (0, 800)
    assert result.stations["a"].shed[10] > 390
    assert result.stations["b"].shed[10] > 390


# By hand: who uses a link.


def test_marks_decide_which_links_a_request_uses():
    stations, links = behind(
        Call("front", "a", wanted=0b011),
        Call("front", "b", wanted=0b011, also_wanted=0b100),
        Call("front", "c1", unwanted=0b100),
    )
    stations += [Station(name, 10, Constant(took)) for name, took in (("a", 1), ("b", 10), ("c1", 100))]
    times = range(0, 8000, 1000)
    client = Client("c", at_ns=np.array(times) * SECOND, marks=np.arange(8))
    result = run(client, stations, links, span_s=10_000)
    took = [answer - begin for answer, begin in zip(answered_s(result), times, strict=True)]
    assert took == [100, 101, 101, 101, 0, 11, 11, 11]


def test_each_client_has_its_own_marks_and_keys():
    stations, links = behind(Call("front", "a", wanted=2), Call("front", "b", balance="key"))
    stations += [Station("a", 10, INSTANT), Station("b", EVERYONE, Constant(0.001), instances=3)]
    links.append(Call("d", "front"))
    clients = (Client("c", 50.0, marks=2, keys=1), Client("d", 70.0, keys=2))
    result = simulate(System(clients, tuple(stations), tuple(links)), span_s=10, buckets=1)
    assert 0 < result.stations["a"].calls.sum() == (result.client == 0).sum() < result.arrived
    share = (result.client == 1).mean()
    assert share > 0.5
    assert result.stations["b"].busiest[0] == pytest.approx(share * result.stations["b"].busy[0], rel=1e-3)


def test_the_service_of_a_marked_request_fails():
    client = at(0, 1, 2, marks=np.array([1, 2, 6]))
    result = run(client, [Station("s", 1, Constant(0.5), fails_marked=4)], [Call("c", "s")])
    assert answered_s(result) == [0.5, 1.5, None]
    assert result.stations["s"].failed.sum() == 1


def test_a_poison_message_comes_back_until_it_is_dead():
    client = at(0, 1, marks=np.array([0, 1]))
    link = Queue("c", "s", visibility_s=2, max_receives=3)
    result = run(client, [Station("s", 1, Constant(0.5), fails_marked=1)], [link])
    assert (result.served, result.dead) == (1, 1)
    assert np.flatnonzero(result.stations["s"].failed).tolist() == [1, 3, 5]


def test_shares_that_exclude_each_other_are_an_exclusive_choice():
    stations, links = behind(
        Call("front", "a", share=(0, 0.6)),
        Call("front", "b", share=(0.6, 1), together=True),
        Queue("front", "never", share=(1, 1)),
    )
    stations += [Station(name, 10, INSTANT) for name in ("a", "b", "never")]
    result = run(Client("c", 100.0), stations, links)
    calls = {name: result.stations[name].calls.sum() for name in ("a", "b", "never")}
    assert calls["a"] + calls["b"] == result.arrived
    assert 0.5 < calls["a"] / result.arrived < 0.7
    assert calls["never"] == 0


def test_copies_draw_their_shares_apart():
    stations, links = behind(Call("front", "middle", fanout=1_000), Call("middle", "leaf", share=(0, 0.3)))
    stations += [Station("middle", EVERYONE, INSTANT), Station("leaf", EVERYONE, INSTANT)]
    result = run(at(*range(20)), stations, links)
    assert abs(result.stations["leaf"].calls[:20] - 300).max() < 4 * math.sqrt(1_000 * 0.3 * 0.7)


# By hand: instances.


def test_each_instance_has_its_own_servers_and_the_busiest_is_seen():
    station = Station("s", 1, Constant(2), instances=3)
    client = at(0, 0, 0, 0, keys=np.array([0, 1, 1, 1]))
    result = run(client, [station], [Call("c", "s", balance="key")])
    assert answered_s(result) == [2, 2, 4, 6]
    assert result.stations["s"].busy[:6].tolist() == [2, 2, 1, 1, 1, 1]
    assert result.stations["s"].busiest[:7].tolist() == [1, 1, 1, 1, 1, 1, 0]
    assert result.stations["s"].queued[:5].tolist() == [2, 2, 1, 1, 0]
    assert result.stations["s"].oldest_s[:4].tolist() == [1, 2, 3, 4]


def test_each_instance_has_its_own_buffer_and_rate_limit():
    client = at(*[0] * 9, keys=np.arange(9))
    link = Call("c", "s", balance="key")
    assert run(client, [Station("s", 1, Constant(2), buffer=1, instances=3)], [link]).served == 6
    limited = Station("s", 9, Constant(2), rate_limit=RateLimit(0.001), instances=3)
    assert run(client, [limited], [link]).served == 3


@pytest.mark.parametrize(
    ("balance", "answers"),
    [
        ("round_robin", [10, 2, 11, 5.5]),
        ("least", [10, 2, 4, 5.5]),
        ("key", [10, 11, 12, 13]),
        ("spread", [10, 11, 12, 13]),
    ],
)
def test_how_an_instance_is_chosen(balance, answers):
    # The first takes 10 s, and the others 1 s.
    client = at(0, 1, 3, 4.5, keys=np.array([2, 4, 0, 2]), marks=np.array([1, 0, 0, 0]))
    stations = [Station("s", 1, Constant(1), instances=2), Station("slow", 1, Constant(9))]
    result = run(client, stations, [Call("c", "s", balance=balance), Call("s", "slow", wanted=1)])
    assert answered_s(result) == answers


def test_ties_do_not_all_go_to_the_first_instance():
    station = Station("s", 10, Constant(0.1), instances=5)
    result = run(at(*range(5)), [station], [Call("c", "s", balance="least")], span_s=5, buckets=1)
    assert result.stations["s"].busiest[0] == pytest.approx(0.1 / 5)


def test_copies_are_spread_over_the_instances():
    stations, links = behind(Call("front", "s", fanout=8, balance="spread"))
    result = run(at(0), [*stations, Station("s", 1, Constant(1), instances=4)], links)
    assert answered_s(result) == [2]


def test_round_robin_goes_on_where_it_was_and_every_instance_gets_its_turn():
    station = Station("s", EVERYONE, Constant(1), instances=7)
    result = run(Client("c", 100.0), [station], [Call("c", "s", balance="round_robin")], buckets=1)
    assert result.stations["s"].busiest[0] == pytest.approx(result.stations["s"].busy[0] / 7, rel=0.01)


@pytest.mark.parametrize("balance", ["random", "two"])
def test_what_is_drawn_falls_on_all_instances_alike(balance):
    station = Station("s", EVERYONE, Constant(0.001), instances=10)
    result = run(Client("c", 2_000.0), [station], [Call("c", "s", balance=balance)], span_s=10, buckets=1)
    even = result.stations["s"].busy[0] / 10
    assert even < result.stations["s"].busiest[0] < even * (1 + 4 / math.sqrt(2_000))


@pytest.mark.parametrize("balance", ["random", "round_robin", "least", "two"])
def test_balancers_pass_over_an_instance_that_is_noticed_to_be_out(balance):
    station = Station("s", 1_000, Constant(0.1), instances=4)
    outage = Outage("s", 20, 40, instance=2, noticed_s=5)
    result = run(Client("c", 200.0), [station], [Call("c", "s", balance=balance)], [outage])
    rejected = result.stations["s"].rejected
    assert 0.1 < rejected[20:25].sum() / result.offered[20:25].sum() < 0.9
    assert rejected[25:].sum() == rejected[:20].sum() == 0
    # Three share the load, and then it is back.
    assert result.stations["s"].busy[30] / 3 == pytest.approx(result.stations["s"].busiest[30], rel=0.5)
    unnoticed = dataclasses.replace(outage, noticed_s=None)
    unseen = run(Client("c", 200.0), [station], [Call("c", "s", balance=balance)], [unnoticed])
    assert unseen.stations["s"].rejected[25:40].sum() > 0
    assert unseen.stations["s"].rejected[41:].sum() == 0


def test_where_all_are_out_the_balancer_takes_any():
    station = Station("s", 1_000, Constant(0.1), instances=2)
    outages = [Outage("s", 10, 20, instance=0, noticed_s=0), Outage("s", 12, 25, instance=1, noticed_s=0)]
    result = run(Client("c", 100.0), [station], [Call("c", "s")], outages, span_s=30, buckets=30)
    out = result.stations["s"].rejected / result.stations["s"].calls
    assert out[12:20].min() == 1
    assert out[:12].max() == out[20:].max() == 0


def test_a_retry_may_go_to_another_instance():
    outage = Outage("s", 0, 100, instance=0)
    link = Call("c", "s", balance="round_robin", retry=Retry(2, Backoff(0)))
    result = run(at(0, 1, 2), [Station("s", 1, Constant(0.1), instances=2)], [link], [outage])
    assert result.served == 3
    assert result.links["c -> s"].retries.sum() == 3


# By hand: delays, servers that do not wait, and troubles.


def test_a_delay_is_spent_before_the_call_arrives_and_the_timeout_covers_it():
    link = Call("c", "s", delay_s=3)
    result = run(at(0, 1), [Station("s", 1, Constant(2))], [link])
    assert answered_s(result) == [5, 7]
    assert np.flatnonzero(result.stations["s"].calls).tolist() == [3, 4]
    late = run(at(0, 1), [Station("s", 1, Constant(2))], [dataclasses.replace(link, timeout_s=5.5)])
    assert answered_s(late) == [5, None]
    never = run(
        at(0), [Station("s", 1, Constant(2))], [dataclasses.replace(link, timeout_s=2, retry=Retry(2, Backoff(0)))]
    )
    # Both tries arrive after their time-outs, and are served for nobody.
    assert (never.timed_out, never.stations["s"].wasted.sum()) == (1, 2)
    assert np.flatnonzero(never.stations["s"].calls).tolist() == [3, 5]


def test_a_call_that_is_turned_away_after_its_delay_fails_then():
    link = Call("c", "s", delay_s=3, retry=Retry(2, Backoff(0)))
    result = run(at(0), [Station("s", 1, Constant(2))], [link], [Outage("s", 2, 4)])
    assert answered_s(result) == [8]


def test_calls_on_their_way_count_for_the_least_loaded():
    station = Station("s", 1, Constant(1), instances=4)
    result = run(at(0, 0, 0, 0), [station], [Call("c", "s", balance="least", delay_s=5)])
    assert answered_s(result) == [6, 6, 6, 6]


def test_a_server_that_does_not_hold_is_free_while_its_calls_go_on():
    stations = [Station("proxy", 1, Constant(1), holds=False), Station("leaf", 9, Constant(10))]
    links = [Call("c", "proxy"), Call("proxy", "leaf")]
    result = run(at(0, 0, 0), stations, links)
    assert answered_s(result) == [11, 12, 13]
    assert result.stations["proxy"].busy[:4].tolist() == [1, 1, 1, 0]
    assert np.flatnonzero(result.stations["proxy"].finished).tolist() == [11, 12, 13]


def test_the_jobs_of_a_batch_go_on_apart_where_the_server_does_not_hold():
    stations = [Station("proxy", 1, Constant(1), batch=3, holds=False), Station("leaf", 1, Constant(10))]
    result = run(at(0, 0.5, 0.5, 0.5), stations, [Call("c", "proxy"), Call("proxy", "leaf")])
    assert answered_s(result) == [11, 21, 31, 41]
    assert result.stations["proxy"].busy[:3].tolist() == [1, 1, 0]


def test_a_loss_ends_what_waits_at_once_and_what_is_served_after_its_service():
    client, station = at(0, 1, 2, 5.5), Station("s", 1, Constant(4))
    outage = Outage("s", 3, 5, loses=True)
    result = run(client, [station], [Call("c", "s")], [outage])
    assert answered_s(result) == [None, None, None, 9.5]
    assert np.flatnonzero(result.stations["s"].failed).tolist() == [3, 4]
    assert result.stations["s"].queued[3] == 0
    kept = run(client, [station], [Call("c", "s")], [dataclasses.replace(outage, loses=False)])
    assert answered_s(kept) == [4, 8, 12, 16]


def test_a_loss_leaves_messages_in_their_queue_and_starts_none_before_its_end():
    link = Queue("c", "s", visibility_s=20)
    result = run(at(0, 1, 2), [Station("s", 1, Constant(4))], [link], [Outage("s", 3, 10, loses=True)])
    # The one in service comes back when it is visible again.
    assert settled_s(result) == [24, 14, 18]


def test_a_loss_strikes_a_job_whose_call_is_under_way():
    stations = [Station("s", 5, Constant(1)), Station("leaf", 5, Constant(5))]
    links = [Call("c", "s"), Call("s", "leaf"), Queue("s", "log", optional=True)]
    stations.append(Station("log", 1, INSTANT))
    result = run(at(0, 7), stations, links, [Outage("s", 3, 4, loses=True)])
    assert answered_s(result) == [None, 13]
    assert np.flatnonzero(result.stations["s"].failed).tolist() == [6]
    # It is gone, so it sends nothing more.
    assert result.stations["log"].calls.sum() == 1


def test_only_one_instance_is_out():
    client = at(0, 0, 4, 4, keys=np.array([0, 1, 0, 1]))
    link = Call("c", "s", balance="key")
    station = Station("s", 1, Constant(2), instances=2)
    result = run(client, [station], [link], [Outage("s", 1, 5, instance=1, loses=True)])
    assert answered_s(result) == [2, None, 6, None]
    hanging = run(client, [station], [link], [Outage("s", 1, 5, instance=1, hangs=True)])
    assert answered_s(hanging) == [2, 2, 6, 7]


def test_a_trouble_of_the_station_meets_all_instances():
    client = at(0, 0, 4, 4, keys=np.array([0, 1, 0, 1]))
    link, station = Call("c", "s", balance="key"), Station("s", 1, Constant(2), instances=2)
    assert answered_s(run(client, [station], [link], [Outage("s", 3, 5)])) == [2, 2, None, None]
    assert answered_s(run(client, [station], [link], [Degraded("s", 3, 5, slower=3)])) == [2, 2, 10, 10]


def test_fewer_servers_serve_fewer_and_may_overlap_with_all_else():
    station, link = Station("s", 2, Constant(2)), Call("c", "s")
    result = run(at(0, 0, 1, 1), [station], [link], [Fewer("s", 1, 0.5, 5)])
    # Those in service end at 2 s; then there is one, and from 5 s on there are two again.
    assert answered_s(result) == [2, 2, 4, 6]
    both = run(
        at(0, 0, 1, 1), [station], [link], [Fewer("s", 1, 0.5, 5), Fewer("s", 1, 0.7, 9), Degraded("s", 1, 8, 2)]
    )
    assert answered_s(both) == [2, 2, 9, 11]


# Closed forms.


def took_s(result, warm_up=2_000):
    took = (result.answered_ns - result.at_ns)[warm_up:]
    return took[result.answered_ns[warm_up:] >= 0] / 1e9


def means(stations, links, client, span_s, measure=lambda result: took_s(result).mean(), troubles=()):
    return [
        float(measure(run(client, stations, links, troubles, span_s=span_s, buckets=10, seed=seed))) for seed in SEEDS
    ]


def test_fork_and_join_of_two_is_as_flatto_and_hahn_have_it():
    # (12 - rho) / 8 of one M/M/1 (R. Nelson and A. N. Tantawi, IEEE Trans. Comput. 37, 1988, after Flatto and Hahn).
    rho = 0.7
    stations, links = behind(Call("front", "a"), Call("front", "b", together=True))
    stations += [Station(name, 1, Exponential(1.0)) for name in "ab"]
    found = means(stations, links, Client("c", rho), 20_000 / rho)
    assert abs(z_over_seeds(found, (12 - rho) / 8 / (1 - rho))) < 4


@pytest.mark.parametrize(("balance", "fanout"), [("random", 1), ("spread", 2)])
def test_instances_are_queues_of_their_own(balance, fanout):
    # A random split of a Poisson process gives independent M/M/1; copies on two instances are a fork and join again.
    rho, instances = 0.6, 4 if balance == "random" else 2
    stations, links = behind(Call("front", "s", balance=balance, fanout=fanout))
    stations.append(Station("s", 1, Exponential(1.0), instances=instances))
    rate = rho * instances / fanout
    expected = 1 / (1 - rho) * (1 if fanout == 1 else (12 - rho) / 8)
    assert abs(z_over_seeds(means(stations, links, Client("c", rate), 20_000 / rate), expected)) < 4


def test_a_hot_key_makes_one_instance_hot():
    # Key 0 has 40 % of the calls, the other seven share the rest; the even ones are on the first of two instances.
    rng = np.random.default_rng(7)
    times = np.cumsum(rng.exponential(SECOND, 30_000)).astype(np.int64)
    rate_hot = 0.4 + 0.6 * 3 / 7
    station, link = Station("s", 1, Exponential(0.8), instances=2), Call("c", "s", balance="key")
    hot, cold, busiest = [], [], []
    for seed in SEEDS:
        keys = np.where(rng.random(times.size) < 0.4, 0, rng.integers(1, 8, times.size))
        result = run(Client("c", at_ns=times, keys=keys), [station], [link], span_s=30_000, buckets=1, seed=seed)
        took = (result.answered_ns - result.at_ns) / 1e9
        good = (result.answered_ns >= 0) & (np.arange(result.arrived) > 1_000)
        even = keys[: result.arrived] % 2 == 0
        hot.append(took[good & even].mean())
        cold.append(took[good & ~even].mean())
        busiest.append(result.stations["s"].busiest[0])
    # The arrivals are the same for all seeds, so this is a little off what they were drawn from.
    assert np.mean(hot) == pytest.approx(0.8 / (1 - 0.8 * rate_hot), rel=0.05)
    assert np.mean(cold) == pytest.approx(0.8 / (1 - 0.8 * (1 - rate_hot)), rel=0.05)
    assert np.mean(busiest) == pytest.approx(0.8 * rate_hot, rel=0.03)


def test_stations_that_do_not_hold_are_a_tandem_of_jackson():
    rate = 0.7
    stations = [
        Station("first", 1, Exponential(1.0), holds=False),
        Station("second", 1, Exponential(0.8), holds=False),
        Station("third", 1, Exponential(1.2)),
    ]
    links = [Call("c", "first"), Call("first", "second"), Call("second", "third")]
    expected = sum(mean / (1 - rate * mean) for mean in (1.0, 0.8, 1.2))
    assert abs(z_over_seeds(means(stations, links, Client("c", rate), 30_000 / rate), expected)) < 4


@pytest.mark.parametrize("copies", [2, 10, 100])
def test_scatter_and_gather_waits_for_the_largest_of_many(copies):
    stations, links = behind(Call("front", "s", fanout=copies))
    stations.append(Station("s", 10**6, Exponential(2.0)))
    harmonic = sum(1 / each for each in range(1, copies + 1))
    found = means(
        stations, links, Client("c", 10.0), 200, lambda result: took_s(result, 0)[: result.arrived - 500].mean()
    )
    assert abs(z_over_seeds(found, 2.0 * harmonic)) < 4


def mean_field_s(rho, choices):
    """The mean time in queues that are chosen so, many of them, and a service time of 1 s.

    At least k calls are at a queue with probability rho ** ((d ** k - 1) / (d - 1)) (M. Mitzenmacher, IEEE Trans.
    Parallel Distrib. Syst. 12, 2001), which is rho ** (2 ** k - 1) for two.
    """
    powers = [sum(choices**each for each in range(k)) for k in range(1, 60)]
    return sum(rho**power for power in powers) / rho


@pytest.mark.parametrize(("balance", "choices"), [("random", 1), ("two", 2)])
def test_the_power_of_two_choices_is_that_of_mitzenmacher(balance, choices):
    rho, instances = 0.9, 100
    station, link = Station("s", 1, Exponential(1.0), instances=instances), Call("c", "s", balance=balance)
    rate = rho * instances
    found = means([station], [link], Client("c", rate), 800, lambda result: took_s(result, 30_000).mean())
    # The mean field is the limit of infinitely many instances; of a hundred, one choice has no other mean.
    assert np.mean(found) == pytest.approx(mean_field_s(rho, choices), rel=0.05)


def test_least_loaded_is_better_than_two_and_two_better_than_one():
    station = Station("s", 1, Exponential(1.0), instances=20)

    def mean_s(balance):
        return took_s(run(Client("c", 18.0), [station], [Call("c", "s", balance=balance)], span_s=2_000)).mean()

    order = [mean_s(balance) for balance in ("least", "two", "random")]
    assert order == sorted(order)
    assert order[2] > 2 * order[1] > 2 * order[0]


def test_a_share_thins_a_poisson_process():
    rate, share = 1.0, (0.25, 0.95)
    stations, links = behind(Call("front", "s", share=share))
    stations.append(Station("s", 1, Exponential(1.0)))
    used = means(
        stations, links, Client("c", rate), 20_000, lambda result: result.stations["s"].calls.sum() / result.arrived
    )
    assert abs(z_over_seeds(used, 0.7)) < 4
    # Those that are let through are Poisson again, so that its queue is M/M/1.
    found = means(stations, links, Client("c", rate), 20_000, lambda result: took_s(result)[took_s(result) > 0].mean())
    assert abs(z_over_seeds(found, 1 / (1 - 0.7))) < 4


def test_a_delay_adds_to_md1_and_moves_nobody():
    rate = 0.6
    found = means([Station("s", 1, Constant(1.0))], [Call("c", "s", delay_s=7.5)], Client("c", rate), 30_000 / rate)
    assert abs(z_over_seeds(found, 7.5 + 1 + rate / (2 * (1 - rate)))) < 4


def test_fewer_servers_leave_a_queue_with_as_many():
    def erlang_s(servers, load):
        terms = [load**k / math.factorial(k) for k in range(servers)]
        last = load**servers / math.factorial(servers) / (1 - load / servers)
        return 1 + last / (sum(terms) + last) / (servers - load)

    troubles = [Fewer("s", 1, 1.0, 1e6), Fewer("s", 2, 1.0, 1e6)]
    station = Station("s", 6, Exponential(1.0))
    found = means([station], [Call("c", "s")], Client("c", 2.1), 20_000, troubles=troubles)
    assert abs(z_over_seeds(found, erlang_s(3, 2.1))) < 4


def test_the_dice_of_copies_are_independent():
    stations, links = behind(Queue("front", "middle", fanout=2), Call("middle", "s"))
    stations += [Station("middle", 10**6, INSTANT), Station("s", 10**6, Exponential(1.0))]
    client = Client("c", at_ns=np.arange(20_000) * SECOND * 100)
    result = run(client, stations, links, span_s=2e6 + 60, buckets=1)
    # The later of two independent ones: 1.5 times the mean, and a variance of 1.25.
    later = (result.settled_ns - result.at_ns) / 1e9
    assert abs(later.mean() - 1.5) < 4 * math.sqrt(1.25 / later.size)


# For any system.


masks = st.sampled_from([0, 0, 1, 2, 6])
use = {
    "balance": st.sampled_from(BALANCES),
    "fanout": st.sampled_from([1, 1, 2, 3]),
    "share": st.sampled_from([(0.0, 1.0), (0.0, 1.0), (0.0, 0.5), (0.5, 1.0), (0.3, 0.3)]),
    "wanted": masks,
    "also_wanted": masks,
    "unwanted": masks,
    "optional": st.booleans(),
}


@st.composite
def stations_of(draw, name):
    return Station(
        name,
        servers=draw(st.integers(1, 3)),
        service=draw(st.sampled_from([INSTANT, Constant(0.2), Exponential(0.3)])),
        buffer=draw(st.none() | st.integers(0, 5)),
        lifo=draw(st.booleans()),
        batch=draw(st.integers(1, 3)),
        batch_item_s=0.05,
        shed_after_s=draw(st.none() | st.just(0.5)),
        drops_abandoned=draw(st.booleans()),
        starts_per_s=draw(st.none() | st.just(15.0)),
        errors=draw(st.sampled_from([0.0, 0.3, 1.0])),
        crashes=draw(st.sampled_from([0.0, 0.0, 0.2])),
        instances=draw(st.integers(1, 4)),
        holds=draw(st.booleans()),
        fails_marked=draw(masks),
    )


@st.composite
def troubles_of(draw, station):
    kind = draw(st.integers(0, 4))
    flags = {
        "hangs": draw(st.booleans()),
        "loses": draw(st.booleans()),
        "noticed_s": draw(st.sampled_from([None, 0, 0.5])),
    }
    name, many = station.name, draw(st.integers(1, station.instances))
    by_kind = [
        [],
        [Outage(name, 1, 3, **flags)],
        [Outage(name, 1 + number / 2, 3, instance=number, **flags) for number in range(many)],
        [Degraded(name, 1, 3, 4, 0.5)],
        [Fewer(name, station.servers, 1, 3), Outage(name, 2, 4, instance=0, **flags)],
    ]
    return by_kind[kind]


@st.composite
def systems(draw):
    """Two clients with marks and keys, and stations of which each links to some behind it; nothing lasts for ever."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 4)))]
    stations = [draw(stations_of(name)) for name in names]
    links = []
    for place, source in enumerate(["a", "b", *names]):
        following = names if place < 2 else names[place - 1 :]
        for number in range(1 if place < 2 else draw(st.integers(0, 3)) if following else 0):
            fields = {name: draw(values) for name, values in use.items()} if place >= 2 else {}
            fields |= {
                "source": source,
                "target": draw(st.sampled_from(following)),
                "together": number > 0 and draw(st.booleans()),
            }
            retries = st.none() | st.just(Retry(2, Backoff(0.1, 1, "full"))) | st.just(Retry(3, Backoff(0)))
            # Each has another bulkhead or back-off, so that no two are equal.
            if draw(st.booleans()):
                fields |= {"timeout_s": draw(st.none() | st.just(0.7)), "retry": draw(retries), "bulkhead": 10 + number}
                breaker = draw(st.none() | st.just(Breaker(0.5, 4, 1.0, 2)))
                links.append(Call(breaker=breaker, delay_s=draw(st.sampled_from([0.0, 0.1, 1.0])), **fields))
            else:
                fields |= {"visibility_s": draw(st.none() | st.just(0.8)), "max_receives": draw(st.integers(1, 3))}
                links.append(Queue(backoff=Backoff(draw(st.sampled_from([0.0, 0.2])), 5 + number), **fields))
    troubles = [trouble for station in stations for trouble in draw(troubles_of(station))]
    times = np.sort(np.array(draw(st.lists(st.integers(0, 4 * SECOND), min_size=1, max_size=15)), dtype=int))
    clients = (
        Client("a", at_ns=times, priority=1, marks=np.arange(times.size) % 8, keys=np.arange(times.size) // 2),
        Client("b", at_ns=times[::2], marks=draw(st.integers(0, 7)), keys=draw(st.integers(0, 9))),
    )
    return System(clients, tuple(stations), tuple(links), tuple(troubles))


@settings(max_examples=150, deadline=None)
@given(systems(), st.integers(0, 99))
def test_nothing_is_lost_and_nothing_stays(system, seed):
    result = simulate(system, span_s=100_000, seed=seed, buckets=3)
    assert not result.cut_short
    assert result.in_flight == 0
    parts = (result.served, result.rejected, result.timed_out, result.failed, result.dead)
    assert min(parts) >= 0
    assert sum(parts) == result.arrived == sum(client.at_ns.size for client in system.clients)
    assert ((result.answered_ns == -1) | (result.answered_ns >= result.at_ns)).all()
    assert ((result.settled_ns == -1) | (result.settled_ns >= result.answered_ns)).all()
    assert (result.settled_ns >= 0).sum() == result.served
    assert len(result.links) == len(system.links)
    into = dict.fromkeys(result.stations, 0)
    for name, link in result.links.items():
        assert (link.attempts - link.retries).sum() == (link.succeeded + link.given_up).sum()
        into[name.split(" ")[2]] += (link.attempts - link.refused).sum()
    for each in system.stations:
        station = result.stations[each.name]
        assert station.queued[-1] == 0
        assert station.calls.sum() == into[each.name]
        left = (station.finished + station.failed + station.rejected + station.shed).sum()
        # A crash takes a batch, whose size is not told.
        assert left <= station.calls.sum() if each.crashes else left == station.calls.sum()
        assert station.wasted.sum() <= (station.finished + station.failed).sum()
        assert (station.busiest <= station.busy).all()
        assert (station.busiest * each.instances >= station.busy * (1 - 1e-12)).all()
        assert station.busiest.max() <= each.servers


HASHES = """
import dataclasses, hashlib
import numpy as np
from fortyfive.flow import events_loop
from fortyfive.flow.events import *
rng = np.random.default_rng(1)
times = np.cumsum(rng.exponential(1e7, 1_800)).astype(np.int64)
clients = (
    Client("app", at_ns=times, marks=rng.integers(0, 16, times.size), keys=rng.integers(0, 50, times.size)),
    Client("web", 40.0, priority=1, marks=1, keys=7),
)
stations = (
    Station("lb", 2, Constant(0.0005), holds=False, instances=2, rate_limit=RateLimit(80.0, 3)),
    Station("gateway", 20, Exponential(0.002), holds=False, batch=2, buffer=200),
    Station("service", 12, Exponential(0.01), buffer=30, instances=4, shed_after_s=0.5, drops_abandoned=True),
    Station("cache", 8, Exponential(0.001), instances=3),
    Station("store", 2, Exponential(0.005), instances=4, errors=0.01),
    Station("search", 3, Exponential(0.01), instances=5),
    Station("workers", 10, Exponential(0.02), batch=3, crashes=0.01, fails_marked=8, instances=2),
    Station("provider", 8, Exponential(0.02), buffer=5, instances=2),
)
links = (
    Call("app", "lb", timeout_s=0.5, retry=Retry(2, Backoff(0.05)), delay_s=0.02, balance="round_robin"),
    Call("web", "lb", balance="random", delay_s=0.03, timeout_s=0.06),
    Call("lb", "gateway"),
    Call("gateway", "service", balance="least", breaker=Breaker(), unwanted=8, delay_s=0.001),
    Call("gateway", "service", balance="two", wanted=8, also_wanted=3),
    Call("service", "cache", balance="key", timeout_s=0.05, optional=True),
    Call("service", "store", balance="key", share=(0, 0.3), wanted=1),
    Call("service", "search", balance="spread", fanout=5, share=(0.3, 0.5), timeout_s=0.1),
    Call("service", "store", balance="random", together=True, share=(0.2, 0.6), retry=Retry(3, Backoff(0.01))),
    Queue("service", "workers", fanout=3, together=True, max_receives=3, visibility_s=1.0),
    Call("workers", "provider", balance="two", timeout_s=0.2),
)
troubles = (
    Outage("service", 5, 8, instance=1, noticed_s=1.0, loses=True),
    Outage("service", 6, 7, instance=2, hangs=True, loses=True),
    Outage("store", 10, 12, loses=True, noticed_s=0.1),
    Outage("gateway", 14, 14.5, instance=0, noticed_s=0.0),
    Fewer("workers", 6, 3, 9),
    Degraded("provider", 8, 12, slower=4, errors=0.1),
)
result = simulate(System(clients, stations, links, troubles), span_s=20, buckets=40)
parts = [result.at_ns, result.client, result.answered_ns, result.settled_ns, result.bands, result.quantiles_s]
for record in (*result.stations.values(), *result.links.values()):
    parts += [getattr(record, field.name) for field in dataclasses.fields(record)]
digest = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()
counts = (result.arrived, result.served, result.rejected, result.timed_out, result.failed, result.dead, result.events)
"""


def test_python_and_the_compiler_agree_bit_for_bit():
    here = {}
    exec(HASHES, here)
    there = subprocess.run(
        [sys.executable, "-c", HASHES + "print(events_loop.loop._compiled, digest, *counts)"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert there == ["None", here["digest"], *map(str, here["counts"])]
    # Everything is in it, so that all of the loop has been compared.
    assert min(here["counts"]) > 0
    result = here["result"]
    for station in ("finished", "failed", "rejected", "shed", "wasted", "crashes"):
        assert sum(getattr(each, station).sum() for each in result.stations.values()) > 0, station
    for name, link in result.links.items():
        assert link.succeeded.sum() > 0, name
