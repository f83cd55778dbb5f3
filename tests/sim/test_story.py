"""A history reads as a learner would tell it."""

import json

from fortyfive.grading import wire
from fortyfive.grading.diagram import NOTE
from fortyfive.sim.scenes import Schedule
from fortyfive.sim.story import FIRST, LANES, LAST, MOST_CHARS, as_diagram, brief, shorten
from tests.sim.worlds import CLAIM, SCENE, consumer, load, run


def words(of):
    return [(line.source, line.target, line.words) for line in as_diagram(of.history, "t").lines]


def test_a_crash_is_told_from_the_first_delivery_to_the_last_acknowledgement():
    told = words(run(CLAIM, ("crash", "m1", 1, 3)))
    assert told[:7] == [
        ("client", "queue", "publish m1"),
        ("queue", "worker 1", "deliver m1 (delivery 1)"),
        ("worker 1", "store", "put_if_absent 'claim:m1' -> True"),
        ("worker 1", "store", "get 'sent:m1' -> None"),
        ("worker 1", "push", "send 'Parcel 1 is on its way' -> shown"),
        ("worker 1", "worker 1", "dies"),
        ("queue", "queue", "m1 is visible again"),
    ]
    assert told[-2:] == [("worker 1", "store", "put 'sent:m1', True"), ("worker 1", "queue", "ack m1")]


def test_what_was_lost_and_what_got_no_answer_are_told_apart():
    told = words(run(consumer("await push.send(message.device, 'x')"), ("lost", "m1", 1, 1)))
    assert ("worker 1", "push", "send 'x': lost, no answer") in told
    told = words(run(consumer("await push.send(message.device, 'x')"), ("no answer", "m1", 1, 1)))
    at = told.index(("worker 1", "push", "send 'x' -> shown"))
    assert told[at + 1] == ("push", "worker 1", "no answer: it is lost")
    for call in ("store.get('k')", "store.put_if_absent('k', 1)", "store.write({'k': 1})", "queue.ack(message)"):
        told = words(run(consumer(f"await {call}"), ("lost", "m1", 1, 1)))
        verb = call.partition(".")[2].partition("(")[0]
        assert any(said.startswith(f"{verb} ") and said.endswith(": lost, no answer") for _, _, said in told)


def test_every_call_has_its_words():
    lines = (
        "await store.write({'a': 1}, adds={'n': 2}, deletes=['b'])",
        "await store.add('n', 1)",
        "await store.scan('n')",
        "await queue.extend(message, 30)",
        "await queue.publish('p', 'text')",
        "await queue.nack(message, 1.5)",
        "await queue.ack(message)",
    )
    told = [said for _, _, said in words(run(consumer("if message.id == 'm1':", *(f"    {line}" for line in lines))))]
    for said in (
        "write 'a', 'n +2', '-b' -> True",
        "add 'n', 1 -> 3",
        "scan 'n' -> [('n', 3)]",
        "extend m1 for 30 s",
        "publish p",
        "nack m1 for 1.5 s",
        "ack m1",
        "deliver p (delivery 1)",
    ):
        assert said in told


def test_refusals_second_copies_and_late_acknowledgements_are_told():
    source = consumer(
        "try:", "    await push.send(message.device, 'x')", "except Exception:", "    await queue.ack(message)"
    )
    told = [said for _, _, said in words(run(source, ("outage", 0, 5), ("copy", "m1", 1)))]
    assert {"send 'x' -> 503", "a second copy of m1"} <= set(told)
    told = [said for _, _, said in words(run(consumer("await queue.ack(message)"), ("slow", "m1", 1, 1, 31)))]
    assert "ack m1: too late, it was visible again" in told


def test_a_dead_letter_is_told():
    scene = SCENE.__class__("notify", SCENE.gives, (), max_receives=1)
    diagram = as_diagram(run(consumer("pass"), scene=scene).history, "t")
    assert diagram.lines[-1].words == "give up on m1"
    assert diagram.lanes == ("client", "queue", "worker 1", "dead letters")


def test_lanes_are_those_that_appear_in_one_order():
    assert as_diagram(run(consumer("pass"), messages=1).history[:2], "t").lanes == ("client", "queue", "worker 1")
    lanes = as_diagram(run(CLAIM, messages=2).history, "t").lanes
    assert lanes == tuple(lane for lane in LANES if lane in lanes)
    assert as_diagram([(0, "relay", "store", "get", ("a",), 1), (1, "b", "a", "x", (), 2)], "t").lanes == (
        "store",
        "a",
        "b",
        "relay",
    )


def test_a_long_history_is_told_by_its_beginning_and_its_end():
    history = run(CLAIM, messages=60).history
    lines = as_diagram(history, "t").lines
    assert len(lines) == FIRST + 1 + LAST
    assert (lines[FIRST].kind, lines[FIRST].words) == (NOTE, f"… {len(history) - FIRST - LAST:,} more …")
    assert lines[-1].words == as_diagram(history[-1:], "t").lines[0].words
    assert shorten(shorten(history)) == shorten(history)
    assert len(shorten(history[: FIRST + LAST + 1])) == FIRST + LAST + 1


def test_a_history_that_came_over_the_wire_is_told_in_the_same_words():
    of = SCENE.run(Schedule(0, 2, (("lost", "m1", 1, 2), ("crash", "m2", 1, 1))), load(CLAIM))
    there = wire.decode(json.loads(json.dumps(wire.encode(of.history))))
    assert as_diagram(there, "t") == as_diagram(of.history, "t")
    assert as_diagram([list(step) for step in there], "t") == as_diagram(of.history, "t")


def test_a_large_value_is_shortened_and_an_unspeakable_one_is_named():
    assert brief("x" * 1_000).startswith("'xxx")
    assert len(brief("x" * 1_000)) == MOST_CHARS + 1
    assert brief(1 << 100_000) == "a int"
