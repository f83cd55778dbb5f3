"""Each promise holds of a run that keeps it, and says in a sentence what a run has broken."""

from dataclasses import replace

import pytest

from fortyfive.sim import invariants as promise
from tests.sim.worlds import CLAIM, NAIVE, SCENE, consumer, run

REFUSED = "from fortyfive.sim.world import Refused"
STUBBORN = consumer(
    "try:",
    "    await push.send(message.device, message.text)",
    "except Refused:",
    "    return await queue.nack(message, 1)",
    "await queue.ack(message)",
    head=REFUSED,
)
SENSIBLE = STUBBORN.replace(
    "    return await", "    if refused.status not in (400, 410):\n            return await"
).replace("except Refused:", "except Refused as refused:")
COUNTS = consumer("await store.write(adds={'unread:' + message.user: 1}, if_absent=None)", "await queue.ack(message)")
COUNTS_ONCE = COUNTS.replace("None", "message.id").replace("write(", "write({message.id: 1}, ")
TOKENS = consumer(
    "await store.put('token:' + message.device, 1)",
    "try:",
    "    await push.send(message.device, message.text)",
    "except Refused:",
    "    FORGET",
    "await queue.ack(message)",
    head=REFUSED,
)
SHORT = replace(SCENE, horizon_s=100)
ONE_WORKER = replace(SCENE, workers=1)
LIMITED = replace(SCENE, limit_per_s=5, gap_s=0.01, workers=8)
QUIET = consumer("if message.attempt == 1:", "    return", "await push.send(message.device, message.text)")
GONE = ("gone", "ana-phone", 0)
OUTAGE = ("outage", 0, 20)
REPEATS = "was shown 'Parcel 1 is on its way' 2 times, and"

# The promise; a run that keeps it; a run that breaks it, and words of the sentence.
BOTH_WAYS = {
    "comes to an end": (
        promise.comes_to_an_end,
        [(NAIVE, (), {"messages": 9})],
        (consumer("while True:", "    await store.get('x')"), (), {}, "it called `store.get` 1,399 times"),
    ),
    "nothing lost": (
        promise.nothing_lost,
        [(NAIVE, (OUTAGE,), {}), (consumer("await queue.ack(message)"), (GONE,), {}), (NAIVE, (("poison", "m1"),), {})],
        (consumer("await queue.ack(message)"), (), {}, "m1 is lost: its text never reached ana-phone, and it was ackn"),
    ),
    "nothing lost, nobody acknowledged": (
        promise.nothing_lost,
        [(NAIVE, (), {})],
        (consumer("pass"), (), {"scene": SHORT}, "nobody acknowledged it either"),
    ),
    "nothing lost among the dead letters": (
        promise.nothing_lost,
        [(NAIVE, (("crash", "m1", 1, 0),), {"scene": replace(SCENE, max_receives=1)})],
        (
            consumer("pass"),
            (),
            {"scene": replace(SCENE, max_receives=1)},
            "among the dead letters, though nothing failed",
        ),
    ),
    "only what was asked": (
        promise.only_what_was_asked,
        [(NAIVE, (), {"messages": 3})],
        (
            consumer("await push.send('ben-phone', message.text)"),
            (),
            {},
            "on 'ben-phone', and no message asked for that",
        ),
    ),
    "no needless repeat": (
        promise.no_needless_repeat,
        [(CLAIM, (("copy", "m1", 0.06),), {}), (NAIVE, (("crash", "m1", 1, 1),), {})],
        (NAIVE, (("copy", "m1", 0.06),), {}, f"ana-phone {REPEATS} nothing in this schedule hid a sending"),
    ),
    "no needless repeat beside one that is excused": (
        promise.no_needless_repeat,
        [(NAIVE, (("crash", "m1", 1, 1), ("crash", "m2", 1, 1)), {"messages": 2})],
        (NAIVE, (("crash", "m2", 1, 1), ("copy", "m1", 0)), {"messages": 2}, "this schedule can hide one sending only"),
    ),
    "all acknowledged": (
        promise.all_acknowledged,
        [(NAIVE, (("copy", "m1", 40),), {})],
        (consumer("pass"), (), {}, "m1 is still in the queue after 30 minutes: nobody acknowledged it"),
    ),
    "permanent errors end": (
        promise.permanent_errors_end,
        [(SENSIBLE, (GONE,), {"messages": 5}), (SENSIBLE, (OUTAGE,), {}), (SENSIBLE, (GONE, ("copy", "m1", 1)), {})],
        (STUBBORN, (GONE,), {"scene": SHORT}, "ana-phone answered 410, which is final, and was asked"),
    ),
    "permanent errors end under a cut": (
        promise.permanent_errors_end,
        [(SENSIBLE, (("poison", "m1"), ("cut off", "worker 1", 0.12, 9)), {})],
        (STUBBORN, (("poison", "m1"),), {"scene": SHORT}, "answered 400, which is final"),
    ),
    "counted once": (
        promise.counted_once,
        [(COUNTS_ONCE, (("copy", "m1", 1), ("crash", "m2", 1, 1)), {"messages": 9}), (COUNTS, (), {"messages": 9})],
        (COUNTS, (("copy", "m1", 1),), {}, "`unread:ana` is 2 after 1 message for ana: too many"),
    ),
    "counted at all": (
        promise.counted_once,
        [(COUNTS_ONCE, (), {})],
        (NAIVE, (), {"messages": 5}, "`unread:ana` is 0 after 2 messages for ana: too few"),
    ),
    "shown in order": (
        promise.shown_in_order,
        [(NAIVE, (), {"messages": 9, "scene": ONE_WORKER}), (NAIVE, (("crash", "m1", 1, 0),), {"messages": 4})],
        (NAIVE, (("crash", "m1", 1, 0),), {"messages": 5}, "ana-phone was shown m5 before m1, which was sent first"),
    ),
    "dead tokens removed": (
        promise.dead_tokens_removed("token:"),
        [(TOKENS.replace("FORGET", "await store.delete('token:' + message.device)"), (GONE,), {"messages": 4})],
        (TOKENS.replace("FORGET", "pass"), (GONE,), {}, "ana-phone answered 410, and `token:ana-phone` is still"),
    ),
    "at most waiting": (
        promise.at_most_waiting(2),
        [(NAIVE, (), {"messages": 2}), (NAIVE, (("crash", "m1", 1, 1), ("copy", "m1", 1)), {})],
        (
            NAIVE,
            (),
            {"messages": 9, "scene": replace(SCENE, gap_s=0)},
            "3 messages waited in the queue; 2 are its bound",
        ),
    ),
    "at most tries": (
        promise.at_most_tries(3),
        [(STUBBORN, (("outage", 0, 1),), {}), (NAIVE, (), {"messages": 9})],
        (STUBBORN, (OUTAGE,), {}, "asked 19 times to show 'Parcel 1 is on its way' on ana-phone; 3 are the budget"),
    ),
    "within limit": (
        promise.within_limit(5),
        [(NAIVE, (), {"messages": 4, "scene": LIMITED}), (NAIVE, (), {})],
        (NAIVE, (), {"messages": 9, "scene": LIMITED}, "the provider was called 9 times, and its limit is 5"),
    ),
    "recovered within": (
        promise.recovered_within(5),
        [(STUBBORN, (OUTAGE,), {"messages": 4}), (NAIVE, (("crash", "m1", 1, 0),), {}), (NAIVE, (), {})],
        (NAIVE, (OUTAGE,), {}, "m1 was shown 10.2 s after the trouble was over; within 5 s is promised"),
    ),
    "recovered at all": (
        promise.recovered_within(5),
        [(consumer("pass"), (OUTAGE, ("poison", "m1")), {})],
        (consumer("await queue.ack(message)"), (OUTAGE,), {}, "m1 was shown never after the trouble was over"),
    ),
    "shown within": (
        promise.shown_within(20),
        [(NAIVE, (), {"messages": 9}), (NAIVE, (("outage", 0, 29),), {})],
        (QUIET, (), {}, "m1 was shown 30.1 s after it came, while others had their turn"),
    ),
}


@pytest.mark.parametrize(("invariant", "kept", "broken"), BOTH_WAYS.values(), ids=BOTH_WAYS)
def test_a_promise_holds_or_is_broken(invariant, kept, broken):
    for source, faults, others in kept:
        assert invariant(run(source, *faults, **others)) == ""
    source, faults, others, words = broken
    said = invariant(run(source, *faults, **others))
    assert words in said
    assert said.endswith(".")


def test_every_promise_is_tested_both_ways_and_has_a_name():
    made = {
        "dead_tokens_removed",
        "at_most_waiting",
        "at_most_tries",
        "within_limit",
        "recovered_within",
        "shown_within",
    }
    plain = {
        name
        for name, value in vars(promise).items()
        if getattr(value, "__module__", "") == promise.__name__ and not name.startswith("_")
    }
    assert {invariant.__name__ for invariant, _, _ in BOTH_WAYS.values()} == plain
    assert made < plain
