"""What a worker talks to: a queue, a store, a push provider, each as its documentation says."""

import math
from enum import StrEnum

import pytest

from fortyfive.grading.report import Failure
from fortyfive.sim.services import MOST_PUSH_CHARS, Message, Store
from fortyfive.sim.world import World
from tests.sim.worlds import SCENE, consumer, run, steps

# --- the queue


def test_an_acknowledged_message_is_gone_for_good():
    of = run(consumer("await queue.ack(message)"))
    assert steps(of, "deliver", "visible again") == [("queue", "deliver")]
    assert (list(of.queue.acked), of.queue.left, of.queue.depth) == (["m1"], [], 0)


def test_a_message_comes_back_after_its_visibility_time_out():
    of = run(consumer("if message.attempt > 2:", "    await queue.ack(message)"))
    delivered = [step[0] for step in of.history if step[3] == "deliver"]
    assert [round((later - delivered[0]) / 1e9) for later in delivered] == [0, 30, 60]
    assert [step[5] for step in of.history if step[3] == "deliver"] == [1, 2, 3]


def test_an_acknowledgement_that_comes_too_late_is_none():
    # The first worker stands still for longer than the time-out: its receipt is worth nothing any more.
    of = run(consumer("await queue.ack(message)"), ("slow", "m1", 1, 1, 31), ("slow", "m1", 2, 1, 10))
    acks = [(step[1], step[5]) for step in of.history if step[3] == "ack"]
    assert acks == [("worker 1", False), ("worker 2", True)]


def test_a_message_given_back_comes_back_when_it_was_asked_for():
    of = run(
        consumer(
            "if message.attempt == 1:", "    await queue.nack(message, 5)", "else:", "    await queue.ack(message)"
        )
    )
    back, again = [step[0] for step in of.history if step[3] in ("nack", "visible again")]
    assert again - back == 5_000_000_000


def test_a_heartbeat_keeps_a_message_hidden():
    lines = ("for _ in range(4):", "    await queue.extend(message, 30)", "    await store.get('x')")
    slow = [("slow", "m1", 1, effect, 25) for effect in (2, 4, 6, 8)]
    of = run(consumer(*lines, "await queue.ack(message)"), *slow)
    assert steps(of, "deliver", "visible again") == [("queue", "deliver")]
    assert of.queue.left == []


def test_a_heartbeat_after_the_time_out_hides_nothing():
    of = run(consumer("await queue.extend(message, 30)", "await queue.ack(message)"), ("slow", "m1", 1, 1, 31))
    assert [step[5] for step in of.history if step[3] == "extend"] == [True, False] or [
        step[5] for step in of.history if step[3] == "extend"
    ] == [False, True]


def test_a_dead_letter_is_a_message_delivered_too_often():
    scene = SCENE.__class__("notify", ("queue",), (), max_receives=3)
    of = run("async def notify(message, queue): pass", scene=scene)
    assert steps(of, "deliver", "move") == [("queue", "deliver")] * 3 + [("queue", "move")]
    assert (of.queue.dead, of.queue.left) == (["m1"], [])


def test_a_queue_with_a_window_takes_an_id_once_within_it():
    lines = ("if message.id == 'm1':", "    for number in range(3):")
    source = consumer(*lines, "        await queue.publish('again', 'x')", "await queue.ack(message)")
    windowed = SCENE.__class__("notify", SCENE.gives, (), dedup_s=300)
    assert steps(run(source, scene=windowed), "deliver") == [("queue", "deliver")] * 2
    assert steps(run(source), "deliver") == [("queue", "deliver")] * 4


def test_who_publishes_hears_so_before_it_is_delivered():
    source = consumer("if message.id == 'm1':", "    await queue.publish('b', 'x')", "await queue.ack(message)")
    assert steps(run(source), "publish", "deliver") == [
        ("client", "publish"),
        ("queue", "deliver"),
        ("worker 1", "publish"),
        ("queue", "deliver"),
    ]


def test_a_message_does_not_change():
    message = Message("m1", "ana", "ana-phone", "text", 1, "m1#1")
    with pytest.raises(Failure, match=r"set `message.text`"):
        message.text = "other"
    with pytest.raises(Failure, match=r"set `message.new`"):
        message.new = 1
    assert message.text == "text"


# --- the store


def store_after(*lines):
    return run(consumer(*lines, "await queue.ack(message)")).store.values


def test_a_store_keeps_what_was_put():
    assert store_after("await store.put('a', [1, 'x', None, {'b': (1, 2)}])") == {"a": [1, "x", None, {"b": (1, 2)}]}
    assert store_after("await store.put('a', 1)", "await store.put('a', 2)", "await store.delete('b')") == {"a": 2}
    assert store_after("await store.put('a', 1)", "await store.delete('a')") == {}


def test_a_store_keeps_a_copy_and_gives_a_copy():
    lines = ("given = [1]", "await store.put('a', given)", "given.append(2)", "found = await store.get('a')")
    assert store_after(*lines, "found.append(3)", "await store.put('b', found)") == {"a": [1], "b": [1, 3]}
    of = run(consumer(*lines, "found.append(3)", "await queue.ack(message)"))
    assert [step[5] for step in of.history if step[3] == "get"] == [[1]]


def test_put_if_absent_says_whether_it_did():
    lines = ("first = await store.put_if_absent('a', 1)", "second = await store.put_if_absent('a', 2)")
    assert store_after(*lines, "await store.put('answers', [first, second])") == {"a": 1, "answers": [True, False]}


def test_a_key_with_an_end_ends():
    claim = "await store.put('answer', await store.put_if_absent('a', message.receipt, ttl_s={}))"
    for ttl_s, ends in ((29, True), (31, False)):
        of = run(consumer(claim.format(ttl_s), "if message.attempt == 2:", "    await queue.ack(message)"))
        assert of.store.values["answer"] is ends
    assert "a" not in store_after("await store.put('a', 1, ttl_s=0)", "await store.get('a')")
    assert store_after("await store.put('a', 1, ttl_s=0)", "await store.put('a', 2)", "await store.get('a')") == {
        "a": 2
    }


def test_add_counts_and_scan_lists_in_order():
    lines = ("await store.add('n:b', 2)", "await store.add('n:a', 1)", "sum = await store.add('n:b', 3)")
    found = store_after(*lines, "await store.put('found', [sum, await store.scan('n:')])")
    assert found["found"] == [5, [("n:a", 1), ("n:b", 5)]]


def test_a_write_is_done_whole_or_not_at_all():
    write = "await store.write({'a': 1}, adds={'n': 2}, deletes=['old'], if_absent='a')"
    lines = ("await store.put('old', 1)", f"first = {write}", "await store.put('old', 2)", f"second = {write}")
    found = store_after(*lines, "await store.put('answers', [first, second])")
    assert found == {"a": 1, "n": 2, "old": 2, "answers": [True, False]}


def test_a_crash_leaves_the_store():
    of = run(consumer("await store.add('n', 1)", "await queue.ack(message)"), ("crash", "m1", 1, 1))
    assert of.store.values == {"n": 2}


class Colour(StrEnum):
    RED = "red"


def test_what_is_derived_from_plain_data_is_kept_as_plain_data():
    store = Store(World(0, 1))
    for value in (Colour.RED, {"a": Colour.RED}, [math.inf], (True,), b"x"):
        assert store._copied(value, "put") == value
    assert type(store._copied(Colour.RED, "put")) is str


loop = []
loop.append(loop)

MISUSES = {
    "a set": "store.put('a', {1, 2})",
    "an object": "store.put('a', object())",
    "a set as a key of a value": "store.put('a', {(1, 2): 3})",
    "too large": "store.put('a', [0] * 20_000)",
    "too long": "store.put('a', 'x' * 2_000_000)",
    "itself": "store.put('a', loop)",
    "a number as a key": "store.get(5)",
    "a list as a key": "store.put_if_absent([1], 2)",
    "None as a key": "store.delete(None)",
    "a negative time": "store.put('a', 1, ttl_s=-1)",
    "no number": "store.put('a', 1, ttl_s=float('nan'))",
    "for ever in figures": "store.put_if_absent('a', 1, ttl_s=float('inf'))",
    "a text as a time": "store.put('a', 1, '60')",
    "half a count": "store.add('a', 0.5)",
    "True as a count": "store.add('a', True)",
    "puts that are none": "store.write(['a'])",
    "adds that are none": "store.write(adds={'a': 'x'})",
    "a text to delete": "store.write(deletes='abc')",
    "a number to delete": "store.write(deletes=5)",
    "a number to look for": "store.write({'a': 1}, if_absent=5)",
    "a key that is none": "store.write({5: 1})",
    "an id to acknowledge": "queue.ack(message.id)",
    "None to acknowledge": "queue.ack(None)",
    "a text as a delay": "queue.nack(message, '5')",
    "back in time": "queue.nack(message, -1)",
    "a NaN": "queue.extend(message, float('nan'))",
    "longer than a queue hides": "queue.extend(message, 50_000)",
    "an id that is none": "queue.publish(5, 'x')",
    "no text": "queue.publish('a', None)",
    "no device": "push.send(None, 'x')",
    "no text to show": "push.send('ana-phone', b'x')",
    "a text too long": f"push.send('ana-phone', 'x' * {MOST_PUSH_CHARS + 1})",
}


@pytest.mark.parametrize("call", MISUSES.values(), ids=MISUSES)
def test_a_call_that_makes_no_sense_is_told_at_once(call):
    source = consumer(f"await {call}", head="loop = []\nloop.append(loop)")
    with pytest.raises(Failure, match=rf"Your code called `{call.partition('(')[0]}` with ") as caught:
        run(source)
    assert len(caught.value.rationale) < 400


def test_adding_to_a_text_is_told():
    with pytest.raises(Failure, match="holds 'x', and that is no number"):
        run(consumer("await store.put('a', 'x')", "await store.add('a', 1)"))


# --- the provider


def push_answers(*faults, text="message.text", scene=SCENE, messages=1):
    source = consumer(
        "try:",
        f"    await push.send(message.device, {text})",
        "except Refused as refused:",
        "    await store.put(message.id, [refused.status, refused.retry_after_s])",
        "await queue.ack(message)",
        head="from fortyfive.sim.world import Refused",
    )
    return run(source, *faults, scene=scene, messages=messages)


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (("poison", "m1"), [400, None]),
        (("gone", "ana-phone", 0), [410, None]),
        (("throttle", 0, 10), [429, 1.0]),
        (("outage", 0, 10), [503, None]),
    ],
)
def test_a_provider_refuses_with_its_status(fault, answer):
    of = push_answers(fault)
    assert of.store.values == {"m1": answer}
    assert [(device, status) for _, device, _, status in of.push.refused] == [("ana-phone", answer[0])]
    assert of.push.sent == []


@pytest.mark.parametrize("fault", [("outage", 10, 20), ("gone", "ana-phone", 10), ("gone", "ben-phone", 0)])
def test_a_provider_that_is_well_shows_the_text(fault):
    of = push_answers(fault)
    assert [(device, text) for _, _, device, text in of.push.sent] == [("ana-phone", "Parcel 1 is on its way")]


def test_a_provider_refuses_what_is_above_its_limit():
    scene = SCENE.__class__("notify", SCENE.gives, (), limit_per_s=3, gap_s=0.01, workers=8)
    of = push_answers(scene=scene, messages=8)
    seconds = [at_ns // 1_000_000_000 for at_ns, *_ in of.push.sent]
    assert max(map(seconds.count, seconds)) == 3
    assert {status for *_, status in of.push.refused} == {429}
    assert len(of.push.sent) + len(of.push.refused) == 8
