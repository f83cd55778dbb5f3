"""A scene under a schedule: who is called with what, what outlives a crash, and that no message gets out of sight."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fortyfive.grading.report import Failure
from fortyfive.scenario.faults import read_schedule
from fortyfive.sim.scenes import Schedule, excuses
from fortyfive.sim.services import POISON
from tests.sim.worlds import CLAIM, NAIVE, SCENE, consumer, load, run, steps


def delivered(of):
    return [(step[4], step[5], round(step[0] / 1e9, 2)) for step in of.history if step[3] == "deliver"]


def test_clients_send_one_message_after_the_other():
    of = run(consumer("await queue.ack(message)"), messages=5)
    assert delivered(of) == [((f"m{number}",), 1, round(number * 0.05, 2)) for number in range(1, 6)]
    assert [fields.user for fields in of.queue.bodies.values()] == ["ana", "ben", "cleo", "dev", "ana"]
    assert list(of.queue.acked) == ["m1", "m2", "m3", "m4", "m5"]


def test_a_worker_takes_one_batch_at_a_time():
    scene = replace(SCENE, batch=3, gap_s=0, workers=1)
    of = run(consumer("await queue.ack(message[-1])", "message.clear()"), messages=7, scene=scene)
    assert [ids for ids, *_ in delivered(of)][:3] == [("m1",), ("m2", "m3", "m4"), ("m5", "m6", "m7")]


@pytest.mark.parametrize(
    ("faults", "times"),
    [
        ([("copy", "m1", 0)], [0.05, 0.05]),
        ([("copy", "m1", 5)], [0.05, 5.05]),
        ([("late", "m1", 2)], [2.05]),
        ([("late", "m1", 2), ("copy", "m1", 5)], [2.05, 7.05]),
        ([("copy", "m2", 5), ("copy", "banana", 5), ("late", "relay", 1), ("poison", "")], [0.05]),
        ([("crash", "m1", 1, 0)], [0.05, 30.05]),
        ([("crash", "m1", 7, 1), ("crash", "m5", 1, 1), ("cut off", "worker 9", 0, 9), ("gone", "x", 0)], [0.05]),
    ],
)
def test_faults_strike_what_there_is_and_nothing_else(faults, times):
    of = run(consumer("await queue.ack(message)"), *faults)
    assert [at_s for _, _, at_s in delivered(of)] == times
    assert of.queue.left == []


def test_a_poisoned_text_is_one_that_the_provider_refuses():
    of = run(consumer("await queue.ack(message)"), ("poison", "m2"), messages=2)
    assert [POISON in fields.text for fields in of.queue.bodies.values()] == [False, True]


def test_a_worker_that_died_starts_again_with_an_empty_memory():
    lines = ("seen.append(message.id)", "await store.put(f'{message.attempt}', len(seen))", "await queue.ack(message)")
    source = consumer(*lines, head="seen = []")
    scene = replace(SCENE, workers=1)
    assert run(source, messages=3, scene=scene).store.values == {"1": 3}
    assert run(source, ("crash", "m2", 1, 0), messages=3, scene=scene).store.values == {"1": 1, "2": 2}
    # Two machines do not share a memory, and the next run begins with none.
    assert run(source, messages=2).store.values == {"1": 1}


def test_a_worker_that_died_is_back_after_two_seconds():
    scene = replace(SCENE, workers=1)
    of = run(consumer("await queue.ack(message)"), ("crash", "m1", 1, 0), messages=2, scene=scene)
    assert delivered(of)[1] == (("m2",), 1, 2.05)


def test_code_that_never_awaits_is_called_again_and_again():
    # A hundred messages wait when the only worker comes back: each delivery ends at once, and none inside another.
    scene = replace(SCENE, workers=1, gap_s=0, horizon_s=29, visibility_s=30)
    of = run(consumer("pass"), ("crash", "m1", 1, 0), messages=400, scene=scene)
    assert len(delivered(of)) == 400
    assert len(of.effects) == 400


def test_the_faults_end_before_the_time_that_is_promised_begins():
    of = run(NAIVE, ("outage", 0, 2_000), ("slow", "m1", 1, 1, 600))
    assert of.until_ns == 4_400_000_000_000
    assert (len(of.push.sent), of.queue.left, of.world.exhausted) == (1, [], False)


def test_whoever_tries_without_a_pause_has_the_time_of_an_outage_for_it():
    lines = ("try:", "    await push.send(message.device, message.text)", "except Exception:")
    source = consumer(*lines, "    await queue.nack(message, 0)", "else:", "    await queue.ack(message)")
    of = run(source, ("outage", 0, 120), messages=3)
    assert (len(of.push.sent), of.queue.left, of.world.exhausted) == (3, [], False)


@pytest.mark.parametrize("source", ["x = 1", "notify = 5"])
def test_what_is_no_function_is_told(source):
    with pytest.raises(Failure, match=r"`notify` is (None|5)"):
        run(source)


def test_an_instance_with_an_async_call_is_as_good_as_a_function():
    source = (
        "class Notify:\n    async def __call__(self, message, queue, store, push):\n        await queue.ack(message)\n"
        "notify = Notify()"
    )
    assert steps(run(source), "ack") == [("worker 1", "ack")]


@pytest.mark.parametrize(
    ("faults", "count"),
    [
        ([], 0),
        ([("crash", "m1", 1, 0), ("copy", "m1", 1), ("late", "m1", 1), ("outage", 0, 20), ("poison", "m1")], 0),
        ([("crash", "m1", 1, 1), ("lost", "m1", 1, 1), ("no answer", "m1", 1, 1), ("cut off", "worker 1", 0, 1)], 4),
        ([("slow", "m1", 1, 1, 19)], 0),
        ([("slow", "m1", 1, 1, 75)], 1),
        ([("slow", "m1", 1, 1, 10), ("slow", "m1", 1, 2, 10), ("slow", "m2", 1, 2, 10)], 2),
    ],
)
def test_an_excuse_is_a_fault_that_can_hide_a_sending(faults, count):
    assert excuses(SCENE.run(Schedule(0, 1, tuple(faults)), load(NAIVE))) == count


# --- any schedule at all

MESSAGE = st.sampled_from(["m1", "m2", "m3", "m9", "", "relay"])
COUNT, EFFECT = st.integers(1, 3), st.integers(0, 6)
SECONDS = st.sampled_from([0, 0.004, 0.06, 1, 29, 31, 75]) | st.floats(0, 40)
FAULT = st.one_of(
    st.tuples(st.sampled_from(["crash", "no answer", "lost"]), MESSAGE, COUNT, EFFECT),
    st.tuples(st.just("slow"), MESSAGE, COUNT, EFFECT, SECONDS),
    st.tuples(st.sampled_from(["copy", "late"]), MESSAGE, SECONDS),
    st.tuples(st.just("poison"), MESSAGE),
    st.tuples(st.sampled_from(["outage", "throttle"]), SECONDS, SECONDS),
    st.tuples(st.just("gone"), st.sampled_from(["ana-phone", "x"]), SECONDS),
    st.tuples(st.just("cut off"), st.sampled_from(["worker 1", "worker 2", "x"]), SECONDS, SECONDS),
)
SCENES = [
    replace(SCENE, horizon_s=300, **other)
    for other in ({}, {"batch": 3, "workers": 1}, {"max_receives": 2}, {"visibility_s": 1})
]
BATCHED = CLAIM.replace("notify(message,", "one(message,") + consumer(
    "for one_message in message if isinstance(message, list) else [message]:",
    "    await one(one_message, queue, store, push)",
)
NAMES = {source: load(source)() for source in (CLAIM, NAIVE, BATCHED, consumer("await queue.nack(message, 1)"))}


@settings(max_examples=100, deadline=None)
@given(
    faults=st.lists(FAULT, max_size=8),
    messages=st.integers(1, 4),
    seed=st.integers(0, 10**6),
    scene=st.sampled_from(SCENES),
    source=st.sampled_from(sorted(NAMES)),
)
def test_any_schedule_can_be_run_and_no_message_gets_out_of_sight(faults, messages, seed, scene, source):
    assert read_schedule(faults, 8) == (faults, "")
    names = NAMES[BATCHED if scene.batch > 1 else source]
    of = scene.run(Schedule(seed, messages, tuple(faults)), lambda: names)
    copies = Counter(of.queue.accepted.keys())
    copies.update(step[4][0] for step in of.history if step[3] == "a second copy")
    acked = Counter(step[4][0] for step in of.history if step[3] == "ack" and step[5])
    assert copies == acked + Counter(of.queue.dead) + Counter(of.queue.left)
    assert [step[0] for step in of.history] == sorted(step[0] for step in of.history)
