"""Designs that run: where requests go, what is counted, what a dead instance does, and what cannot run."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from fortyfive.design.model import Component, Design, Link
from fortyfive.design.text import read
from fortyfive.flow import events_loop
from fortyfive.flow.designs import (
    DesignCannotRunError,
    answered_between,
    frames,
    losses,
    run,
    summary,
)
from fortyfive.scenario.prompts import PROMPTS, Loss, Operation, Scenario, Slowdown
from tests.flow.drawn_runs import runnable, scenarios

LOOK = Operation("look", "somebody looks", 100.0)
CHANGE = Operation("change", "somebody changes it", 50.0, writes=True)
LOAD = Scenario((LOOK, CHANGE), span_s=10.0, keys=1_000)


@pytest.fixture(scope="module", autouse=True)
def compiled_loop():
    events_loop.loop.compiled()


def traced(text, load=LOAD, **fields):
    reading = read(text)
    assert reading.ok, reading.problems
    return run(reading.design, replace(load, **fields))


def calls(trace):
    return {name: each.calls for name, each in trace.components.items()}


def arrived(trace):
    return [trace.paths[name].arrived for name in ("look", "change")]


# Which way requests go


def test_each_request_comes_by_every_link_without_a_condition():
    trace = traced("client -> a:service x4 -> b:service x4\na -> kv")
    assert set(calls(trace).values()) == {trace.arrived}
    assert trace.available == 1.0


def test_reads_and_writes_and_operations_go_where_their_links_say():
    trace = traced(
        "client ->[only=read] a:service x4\nclient ->[only=write] b:service x4\nclient ->[only=look] c:service x4"
    )
    looks, changes = arrived(trace)
    assert calls(trace) == {"client": looks + changes, "a": looks, "b": changes, "c": looks}


def test_a_link_for_what_never_comes_is_used_by_nobody():
    trace = traced("client -> a:service x4 ->[only=write] kv\na ->[together] b:service x4", Scenario((LOOK,)))
    assert trace.components["kv"].calls == 0
    assert trace.components["b"].calls == trace.arrived


def test_a_miss_goes_on_and_a_hit_does_not():
    trace = traced("client -> a:service x4 -> cache [hit=70%]\na ->[only=miss] kv")
    looks, changes = arrived(trace)
    assert 0.2 * looks < trace.components["kv"].calls - changes < 0.4 * looks
    within = traced("client -> cdn [hit=100%] -> a:service x4")
    assert within.components["a"].calls == arrived(within)[1]


def test_who_was_answered_by_a_first_cache_misses_no_second_one():
    trace = traced(
        "client -> a:service x4 -> one:cache [hit=100%]\na ->[only=miss] two:cache [hit=0]\na ->[only=miss] kv"
    )
    assert trace.components["two"].calls == trace.components["kv"].calls == arrived(trace)[1]


def test_a_hit_ratio_counts_before_a_size():
    few = traced("client -> cdn [hit=0, size=10M] -> a:service x4")
    assert few.components["a"].calls == few.arrived


def test_reads_go_to_the_replicas_and_writes_to_the_primary():
    trace = traced("client -> a:service x4 -> db x3")
    looks, changes = arrived(trace)
    assert trace.engine.stations["db"].calls.sum() == changes
    assert trace.engine.stations["db (replicas)"].calls.sum() == looks
    assert trace.components["db"].calls == looks + changes
    waiting = traced("client -> a:service x4 -> db x3 [standby]")
    assert waiting.engine.stations["db"].calls.sum() == waiting.arrived


def test_one_hot_key_does_not_fill_one_of_several_replicas():
    trace = traced("client -> a:service x9 -> db x5 [slots=1, time=5ms]", keys=1, span_s=20.0)
    assert trace.components["db"].utilisation < 0.35


def test_several_clients_share_what_both_send():
    trace = traced("web:client, phone:client -> a:service x4\nphone ->[only=change] b:service x4")
    looks, changes = arrived(trace)
    assert calls(trace)["a"] == looks + changes
    assert 0.3 * changes < calls(trace)["b"] < 0.7 * changes


def test_a_client_goes_on_where_a_link_does_not_wait():
    waits, goes_on = (traced(f"client -> a:service x9 {arrow} b:workers x9 [time=300ms]") for arrow in ("->", "~>"))
    assert waits.paths["look"].answer_s[0] > 0.2
    assert goes_on.paths["look"].answer_s[0] < 0.1
    assert goes_on.paths["look"].done_s[0] > 0.2


# Queues


def test_readers_of_one_queue_share_its_messages_by_what_they_can_do():
    trace = traced("client -> queue -> large:workers x3\nqueue -> small:workers x1")
    large, small = calls(trace)["large"], calls(trace)["small"]
    assert large + small == trace.arrived
    assert 0.7 < large / trace.arrived < 0.8


def test_readers_of_one_queue_that_take_different_messages_take_all_of_them():
    trace = traced("client -> queue ->[only=look] a:workers x3\nqueue ->[only=change] b:workers x3")
    assert [calls(trace)["a"], calls(trace)["b"]] == arrived(trace)
    both = traced("client -> queue -> a:workers x3\nqueue ->[only=change] b:workers x3")
    assert calls(both)["a"] + calls(both)["b"] == both.arrived


def test_each_reader_of_a_stream_gets_all_messages():
    trace = traced("client -> stream -> a:workers x3, b:workers x3")
    assert calls(trace)["a"] == calls(trace)["b"] == trace.arrived


def test_a_backlog_is_seen_in_the_queue_and_its_readers_are_busy():
    trace = traced("client -> a:service x9 -> queue -> workers x1 [slots=2]")
    assert trace.components["workers"].utilisation > 0.97
    assert trace.saturated == ("workers",)
    assert trace.components["queue"].queued.max() > 800
    assert trace.components["queue"].oldest_s.max() > 5
    assert trace.components["workers"].queued.max() == 0
    assert {trace.components[name].utilisation for name in ("client", "queue")} == {0.0}
    assert trace.available == 1.0


def test_what_waits_in_two_queues_before_one_pool_is_told_apart():
    trace = traced(
        "client ->[only=look] one:queue -> workers x1 [slots=2]\nclient ->[only=change] two:queue -> workers",
    )
    one, two = (trace.components[name].queued for name in ("one", "two"))
    assert np.abs(one + two - trace.engine.stations["workers"].queued).max() <= 1
    assert 1.5 < one.max() / two.max() < 2.5


def test_a_queue_hands_on_what_makes_its_reader_fail():
    trace = traced("client -> queue [tries=2, visibility=2s] -> stream -> workers x4", poison=0.1)
    assert trace.components["stream"].failed.max() == 0.0
    assert trace.components["workers"].failed.max() > 0.0
    kept = traced("client -> queue [tries=2, visibility=2s] -> workers x4", poison=0.1)
    assert 0.05 < kept.paths["look"].dead / kept.paths["look"].arrived < 0.15
    assert kept.paths["look"].answered == kept.paths["look"].arrived


def test_a_full_queue_turns_away():
    trace = traced("client -> queue [limit=50] -> workers x1 [slots=1]")
    assert trace.available < 0.6
    assert trace.components["queue"].queued.max() <= 50


def test_a_partition_has_one_reader_at_a_time():
    few = traced("client -> stream [partitions=2] -> workers x4")
    many = traced("client -> stream [partitions=40] -> workers x4")
    assert few.components["workers"].utilisation > 0.95
    assert few.components["stream"].queued.max() > 500
    assert many.paths["look"].done / many.paths["look"].arrived > 0.95
    unsaid = traced("client -> stream -> workers x4")
    assert unsaid.paths["look"].done == unsaid.paths["look"].arrived


def test_the_busiest_of_small_instances_is_not_full_by_chance():
    trace = traced("client -> stream [partitions=32] -> workers x4", keys=100_000)
    assert trace.components["workers"].full_at_s is None
    assert trace.components["workers"].utilisation < 0.6


def test_readers_with_a_rate_take_their_time_and_services_turn_away():
    readers = traced("client -> queue -> workers x4 [rate=60/s]")
    assert readers.available == 1.0
    assert readers.components["queue"].queued.max() > 500
    service = traced("client -> a:service x4 [rate=60/s]")
    assert service.available < 0.6
    assert service.saturated == ("a",)


def test_a_run_lasts_until_what_was_promised_should_be_done():
    slow = replace(LOOK, done_p99_s=60.0)
    trace = traced("client -> queue -> workers x1 [slots=4]", Scenario((slow,), span_s=10.0, patience_s=1.0))
    assert trace.paths["look"].done == trace.arrived


# What goes wrong


def test_a_pool_that_loses_a_worker_has_so_many_hands_fewer():
    trace = traced("client -> queue -> workers x2 [slots=4]", troubles=(Loss("workers", 2.0, 9.0),))
    assert trace.components["queue"].queued.max() > 200
    assert trace.available == 1.0


def test_the_partitions_of_a_dead_reader_get_another_one():
    load = replace(LOAD, span_s=20.0, troubles=(Loss("workers", 2.0, 19.0),))
    trace = traced("client -> stream [partitions=64] -> workers x4", load)
    # What the dead one had taken comes back when nobody sees it done: after 30 s, when nobody looks any more.
    assert 0 <= trace.paths["look"].arrived - trace.paths["look"].done < 16
    assert 3 < trace.paths["look"].done_s[2] < 7


def test_a_trouble_strikes_the_component_of_its_name_or_else_all_of_its_kind():
    text = "client -> lb ->[share=0.5] cache:service x1\nlb ->[share=0.5] b:service x1"
    named = traced(text, troubles=(Loss("cache", 2.0, 8.0),))
    assert named.components["cache"].failed.max() + named.components["cache"].turned_away.max() > 0
    assert named.components["b"].turned_away.max() == 0.0
    both = traced(text, troubles=(Loss("service", 2.0, 8.0),))
    assert min(both.components[name].turned_away.max() for name in ("cache", "b")) > 0


def test_a_dead_part_of_a_cache_misses_and_its_caller_goes_on():
    text = "client -> a:service x4 ->[optional] cache x2 [hit=100%]\na ->[only=miss] kv"
    usual, dead = traced(text), traced(text, troubles=(Loss("cache", 0.0, 10.0),))
    assert dead.available == 1.0
    more = dead.components["kv"].calls - usual.components["kv"].calls
    assert 0.3 < more / arrived(usual)[0] < 0.7


def test_nothing_of_ours_dies_with_what_somebody_else_runs():
    text = "client -> cdn [hit=90%] -> a:service x4"
    assert calls(traced(text)) == calls(traced(text, troubles=(Loss("cdn", 0.0, 10.0),)))


def test_a_slow_provider_is_waited_for():
    text = "client -> a:service x20 -> apns"
    slow = traced(text, troubles=(Slowdown("push", 0.0, 10.0, slower=10.0),))
    assert slow.paths["look"].answer_s[0] > 0.5 > traced(text).paths["look"].answer_s[0]


def test_losses_are_told_worst_first_and_only_of_machines_of_our_own():
    design = read("client -> lb ->[retry=3] a:service x4 -> db\na -> kv\na -> queue -> workers x9").design
    found = losses(design, LOAD)
    assert found[0].component == "db"
    assert {each.component for each in found} == {"a", "db", "kv", "workers"}
    assert found[0].available < 0.1
    assert found[-1].available == 1.0


def test_what_is_answered_in_a_span_of_time_is_told_by_operation():
    trace = traced(
        "client ->[only=look] a:service x1\nclient ->[only=change] b:service x4", troubles=(Loss("a", 4, 6),)
    )
    during, after = answered_between(trace, 4.0, 6.0), answered_between(trace, 6.5, 10.0)
    assert during["look"] < 0.05
    assert during["change"] == after["look"] == 1.0


# What is counted


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runnable(), scenarios())
def test_no_request_and_no_message_is_lost_or_made_up(design, scenario):
    try:
        trace = run(design, scenario)
    except DesignCannotRunError as error:
        assert "overlap" in str(error) or "itself" in str(error)
        return
    engine = trace.engine
    outcomes = (engine.served, engine.rejected, engine.timed_out, engine.failed, engine.dead, engine.in_flight)
    assert sum(outcomes) == engine.arrived == trace.arrived == trace.plan.requests
    for path in trace.paths.values():
        assert path.done <= path.answered <= path.arrived
        assert path.prompt <= path.answered
        assert path.answered + path.errors + path.timed_out <= path.arrived
    into = dict.fromkeys(engine.stations, 0)
    for name, link in engine.links.items():
        left = np.cumsum(link.attempts - link.retries - link.succeeded - link.given_up)
        assert left.min() >= 0
        into[name.split(" -> ")[1].removesuffix(" (2)")] += int((link.attempts - link.refused).sum())
    for name, station in engine.stations.items():
        # Messages that come back are attempts too, but some of these are still on their way.
        assert station.calls.sum() <= into[name]
        gone = station.finished + station.failed + station.rejected + station.shed + station.crashes
        assert np.cumsum(station.calls - gone).min() >= 0
    for component in trace.components.values():
        assert component.busy.min() >= 0.0
        assert component.busy.max() <= 1.0
        assert 0.0 <= component.utilisation <= 1.0
        assert component.queued.min() >= 0
    assert trace.usd_a_month >= 0
    json.dumps([frames(trace), summary(trace)], allow_nan=False)


def test_a_run_is_the_same_under_another_hash_seed_and_without_a_compiler():
    code = (
        "import hashlib, json\n"
        "from fortyfive.design.text import read\n"
        "from fortyfive.flow.designs import frames, run\n"
        "from fortyfive.scenario.prompts import PROMPTS\n"
        "design = read('client -> cdn [size=50, ttl=1s] -> lb -> a:service x3 -> db x3\\n"
        "a -> queue [tries=2] ->[fanout=2] workers x2 -> apns, fcm').design\n"
        "trace = run(design, PROMPTS['notifications'].load.lasting(0.5))\n"
        "said = json.dumps(frames(trace)) + str(trace.engine.events)\n"
        "print(hashlib.sha256(trace.engine.settled_ns.tobytes() + said.encode()).hexdigest())\n"
    )
    digests = set()
    for changes in ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "NUMBA_DISABLE_JIT": "1"}):
        done = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | changes, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_an_operation_that_does_not_come_is_no_trouble():
    trace = traced("client -> a:service x4 -> cache [size=10]\na ->[only=miss] kv", LOAD.times(0.0, 1.0))
    assert trace.paths["look"].arrived == 0
    assert trace.paths["look"].in_promise == 1.0
    json.dumps(frames(trace), allow_nan=False)


# What cannot run

LB = "client -> lb -> a:service x4"


@pytest.mark.parametrize(
    ("text", "fields", "said"),
    [
        ("", {}, "Nothing is drawn"),
        ("a:service -> kv", {}, "There is no client"),
        ("client -> a:service -> b:service -> a", {}, "go round for ever: a -> b -> a"),
        ("client -> a:service x1000000", {}, "choose 1 to 1,000"),
        ("client -> a:service x0", {}, "choose 1 to 1,000"),
        ("client -> a:service [slots=0]", {}, "choose a value from 1"),
        ("client ->[only=read] a:service", {}, "No client sends 'change'"),
        ("client ->[only=buy] a:service", {}, "'only=buy' fits no request here. Choose from read, write, miss, look"),
        ("client -> a:service ->[only=miss] kv", {}, "'a' asks no cache before"),
        (
            "client -> a:service -> cache\na ->[only=miss] b:service -> cache",
            {},
            "'b' is for what 'cache' misses, and asks",
        ),
        ("client -> queue ->[fanout=100k] workers", {}, "'workers', and a run takes 3,000,000"),
        ("client -> " + " -> ".join(f"s{each}:service x1000" for each in range(12)), {}, "12,001 instances in all"),
        (LB, {"span_s": 0.0}, "The span in seconds is 0.0"),
        (LB, {"span_s": math.nan}, "The span in seconds is nan"),
        (LB, {"span_s": math.inf}, "The span in seconds is inf"),
        (LB, {"keys": 0}, "The number of keys is 0"),
        (LB, {"skew": math.nan}, "The skew of the keys is nan"),
        (LB, {"poison": 2.0}, "The share of poison is 2.0"),
        (LB, {"patience_s": -1.0}, "The patience of a client in seconds is -1.0"),
        (LB, {"operations": ()}, "A scenario needs operations"),
        (LB, {"operations": (LOOK, LOOK)}, "each with a name of its own"),
        (LB, {"operations": (replace(LOOK, rate_per_s=math.nan),)}, "The rate of 'look' in requests/s is nan"),
        (LB, {"operations": (replace(LOOK, rate_per_s=-5.0), CHANGE)}, "The rate of 'look' in requests/s is -5.0"),
        (LB, {"operations": (replace(LOOK, rate_per_s=0.0),)}, "0 requests are asked for"),
        (LB, {"operations": (replace(LOOK, rate_per_s=1e9),)}, "10,000,000,000 requests are asked for"),
        (LB, {"troubles": (Loss("a", 5.0, 2.0),)}, "0 s or later, and then end"),
        (LB, {"troubles": (Loss("a", 1.0, 5.0), Loss("a", 2.0, 6.0))}, "overlap"),
    ],
)
def test_what_cannot_run_is_a_sentence(text, fields, said):
    with pytest.raises(DesignCannotRunError) as error:
        run(read(text).design, replace(LOAD, **fields))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_link_into_the_air_is_a_sentence():
    design = Design((Component("c", "client"),), (Link("c", "nowhere"),))
    with pytest.raises(DesignCannotRunError, match="there is no 'nowhere'"):
        run(design, LOAD)
    with pytest.raises(DesignCannotRunError, match="no kind of component"):
        run(Design((Component("c", "client"), Component("x", "box")), (Link("c", "x"),)), LOAD)


def test_extremes_that_a_design_may_have_run():
    text = """
        client -> lb x1000 [policy=least] -> a:service x1000 [slots=100k, backlog=10M, rate=0.001/s]
        a -> db x1000 [shards=10, replicas=99]
        a -> stream [partitions=10k, limit=1, tries=1000, visibility=1ms] -> workers x1000 [slots=100k, batch=10k]
        workers -> queue [limit=1000M] -> pool:workers x1000 [slots=100k]
    """
    trace = traced(text, span_s=0.5, poison=1.0)
    assert trace.arrived > 50


def test_a_run_that_never_ends_is_cut_short_and_says_where():
    load = replace(LOAD, span_s=20.0, poison=1.0)
    design = read("client -> queue [visibility=1ms] -> workers x1000 [time=1us]").design
    trace = run(design, load, most_events=100_000)
    assert trace.cut_short
    assert 0 < trace.reached_s < 20
    assert summary(trace)[-1] == ["cut short", f"at {trace.reached_s:.1f} s: the run met its limit of 100,000 events"]


@pytest.mark.parametrize("name", PROMPTS)
def test_the_summary_of_a_run_names_every_operation(name):
    load = PROMPTS[name].load.lasting(1.0)
    trace = run(
        read("client -> lb -> a:service x9 -> kv\na -> queue [limit=1M, tries=3] -> workers -> push").design, load
    )
    labels = " ".join(label for label, _ in summary(trace))
    assert all(f"{each.name}: answer" in labels for each in load.operations)
    assert "a month" in labels
