"""The hunt finds the schedule that breaks a promise, makes it small, and says what it cannot judge."""

import textwrap
from dataclasses import asdict, replace

import pytest

from fortyfive.grading.child import LearnerError
from fortyfive.grading.report import Failure
from fortyfive.scenario.faults import KINDS, read_schedule
from fortyfive.sim import hunt as room
from fortyfive.sim.hunt import (
    Found,
    Plan,
    drive_hunt,
    drive_replay,
    hunt,
    judge,
    random_schedule,
    replay_line,
    smallest,
)
from fortyfive.sim.hunt import systematic as systematic_schedules
from fortyfive.sim.scenes import Schedule
from fortyfive.sim.services import Push
from tests.sim.worlds import CLAIM, NAIVE, SCENE, consumer, load

PLAN = Plan(count=150)
HERE = "tests.sim.worlds:SCENE"
CLAIM_LINES = textwrap.dedent(CLAIM.split(":\n", 1)[1]).splitlines()


def hunted(source, plan=PLAN, scene=SCENE):
    return hunt(load(source), scene, plan)


RIGHT = {
    "claim, then mark": CLAIM,
    "look, claim, look again": consumer(
        "sent = 'sent:' + message.id",
        "if await store.get(sent):",
        "    return await queue.ack(message)",
        "if not await store.put_if_absent('claim:' + message.id, message.receipt, ttl_s=90):",
        "    return await queue.nack(message, delay_s=20)",
        "if not await store.get(sent):",
        "    await push.send(message.device, message.text)",
        "    await store.put(sent, True)",
        "await queue.ack(message)",
    ),
    "mark by a conditional write": consumer(
        "if await store.put_if_absent('c' + message.id, 1, ttl_s=60):",
        "    if not await store.get('d' + message.id):",
        "        await push.send(message.device, message.text)",
        "        await store.write({'d' + message.id: 1}, if_absent='d' + message.id)",
        "    await queue.ack(message)",
        "elif await store.get('d' + message.id):",
        "    await queue.ack(message)",
    ),
    "tries again on the spot": consumer(
        "claim, sent = 'claim:' + message.id, 'sent:' + message.id",
        "if not await store.put_if_absent(claim, message.receipt, ttl_s=60):",
        "    if await store.get(sent):",
        "        await queue.ack(message)",
        "    return",
        "if not await store.get(sent):",
        "    await push.send(message.device, message.text)",
        "    for _ in range(3):",
        "        try:",
        "            await store.put(sent, True)",
        "            break",
        "        except NoAnswer:",
        "            continue",
        "    else:",
        "        return",
        "await queue.ack(message)",
        head="from fortyfive.sim.world import NoAnswer",
    ),
    "gives the claim back": consumer(
        "claim, sent = 'claim:' + message.id, 'sent:' + message.id",
        "if not await store.put_if_absent(claim, message.receipt, ttl_s=60):",
        "    if await store.get(sent):",
        "        await queue.ack(message)",
        "    return",
        "if not await store.get(sent):",
        "    try:",
        "        await push.send(message.device, message.text)",
        "    except Refused as refused:",
        "        if refused.status not in (400, 410):",
        "            await store.delete(claim)",
        "            return await queue.nack(message, delay_s=5)",
        "    await store.put(sent, True)",
        "await queue.ack(message)",
        head="from fortyfive.sim.world import Refused",
    ),
}


@pytest.mark.parametrize("source", RIGHT.values(), ids=RIGHT)
def test_right_code_is_never_accused(source):
    kinds = tuple(kind for kind in KINDS if kind not in ("poison", "gone") or "Refused" in source)
    outcome = hunted(source, Plan(count=400, kinds=kinds, faults=6, messages=6))
    assert outcome["found"] is None
    assert outcome["unlike"] is None
    assert outcome["ran"] == outcome["planned"] > 600


WRONG = {
    "acknowledges first": (
        consumer("await queue.ack(message)", "await push.send(message.device, message.text)"),
        "nothing_lost",
        [("crash", "m1", 1, 1)],
    ),
    "remembers nothing": (NAIVE, "no_needless_repeat", [("copy", "m1", 0)]),
    "asks and then acts": (
        consumer(
            "if not await store.get(message.id):",
            "    await push.send(message.device, message.text)",
            "    await store.put(message.id, True)",
            "await queue.ack(message)",
        ),
        "no_needless_repeat",
        [("copy", "m1", 0)],
    ),
    "claims for ever": (
        consumer(
            "if await store.put_if_absent(message.id, True):",
            "    await push.send(message.device, message.text)",
            "await queue.ack(message)",
        ),
        "nothing_lost",
        [("crash", "m1", 1, 1)],
    ),
    "forgets too early": (
        CLAIM.replace("message.id, True)", "message.id, True, ttl_s=300)"),
        "no_needless_repeat",
        [("copy", "m1", 400)],
    ),
    "works for ever": (consumer("while True:", "    await queue.extend(message, 30)"), "comes_to_an_end", []),
    "acknowledges nothing": (
        consumer(
            "if not await store.get(message.id):",
            "    await push.send(message.device, message.text)",
            "    await store.put(message.id, True)",
        ),
        "all_acknowledged",
        [],
    ),
    "another text": (
        consumer("await push.send(message.device, 'News')", "await queue.ack(message)"),
        "only_what_was_asked",
        [],
    ),
    "raises on a redelivery": (
        consumer("if message.attempt > 1:", "    {}[message.id]", *CLAIM_LINES),
        "raises_nothing",
        [("crash", "m1", 1, 0)],
    ),
}


@pytest.mark.parametrize(("source", "invariant", "faults"), WRONG.values(), ids=WRONG)
def test_wrong_code_is_found_out_by_a_small_schedule(source, invariant, faults):
    outcome = hunted(source, Plan(count=600))
    found = outcome["found"]
    assert found["invariant"] == invariant
    assert found["said"].endswith(".")
    smallest_one = found["schedule"]
    assert smallest_one == {"seed": 0, "messages": 1, "faults": faults}
    replayed = drive_replay(load(source), HERE, smallest_one)
    assert (replayed["invariant"], replayed["said"], replayed["unlike"]) == (invariant, found["said"], False)


@pytest.mark.parametrize("name", ["acknowledges first", "asks and then acts", "forgets too early"])
def test_what_is_found_at_random_shrinks_until_nothing_can_be_left_out(name):
    source, tries = WRONG[name][0], 0
    names = load(source)()
    for number in range(150):
        schedule = random_schedule(number, Plan(messages=6, faults=5), 3)
        invariant, said = judge(SCENE.run(schedule, lambda: names))
        if not invariant:
            continue
        tries += 1
        found = smallest(lambda: names, SCENE, Found(invariant, said, schedule))
        assert judge(SCENE.run(found.schedule, lambda: names)) == (found.invariant, found.said)
        faults, messages = found.schedule.faults, found.schedule.messages
        smaller = [replace(found.schedule, faults=faults[:at] + faults[at + 1 :]) for at in range(len(faults))]
        smaller += [replace(found.schedule, messages=fewer) for fewer in range(1, messages)]
        assert [schedule for schedule in smaller if judge(SCENE.run(schedule, lambda: names))[0]] == []
    assert tries >= 2


def test_the_small_schedules_strike_every_crash_point():
    effects = 5
    found = list(systematic_schedules(SCENE, Plan(small=2), load(CLAIM)))
    crashes = {schedule.faults[0][1:] for schedule in found if schedule.faults and schedule.faults[0][0] == "crash"}
    assert {(message, 1, effect) for message in ("m1", "m2") for effect in range(effects + 1)} <= crashes
    assert len(found) == len({repr(schedule) for schedule in found})
    assert all(read_schedule(list(schedule.faults), 9)[1] == "" for schedule in found)


def test_random_schedules_are_always_the_same_and_of_every_kind():
    plan = Plan(kinds=tuple(KINDS), also=("relay",))
    drawn = [random_schedule(number, plan, 5) for number in range(500)]
    assert drawn == [random_schedule(number, plan, 5) for number in range(500)]
    assert {fault[0] for schedule in drawn for fault in schedule.faults} == set(KINDS)
    assert all(read_schedule(list(schedule.faults), plan.faults)[1] == "" for schedule in drawn)
    assert {fault[1] for schedule in drawn for fault in schedule.faults} >= {"m1", "m12", "relay", "worker 1"}


# --- what cannot be judged

BY_CHANCE = {
    "random": ("import random", "if random.random() < 0.5:", "    await store.get('x')"),
    "random at the top": ("import random\nx = random.random()", "if x < 0.5:", "    await store.get('x')"),
    "the clock": ("import time", "await store.put('now', time.perf_counter_ns())"),
    "an address": ("", "await store.put('id', id(object()) + id(message) + hash(object()))"),
}


@pytest.mark.parametrize("lines", BY_CHANCE.values(), ids=BY_CHANCE)
def test_code_that_does_something_else_each_time_is_told_so(lines):
    head, *body = lines
    source = consumer(*body, *CLAIM_LINES, head=head)
    outcome = hunted(source)
    assert outcome["found"] is None
    assert outcome["unlike"] is not None
    assert outcome["ran"] < outcome["planned"]


def test_a_value_that_is_unequal_to_itself_is_not_taken_for_chance():
    source = consumer("await store.put('x', [float('nan')])", *CLAIM_LINES)
    assert hunted(source)["unlike"] is None


KEPT = {
    "a list": ("seen = []", "seen.append(1)", "if len(seen) > 40:", "    return"),
    "a default": ("def n(seen=[]):\n    seen.append(1)\n    return len(seen)", "if n() > 40:", "    return"),
    "a function": ("", "notify.n = getattr(notify, 'n', 0) + 1", "if notify.n > 40:", "    return"),
    "a class": ("class Seen:\n    n = 0", "Seen.n += 1", "if Seen.n > 40:", "    return"),
}


@pytest.mark.parametrize("lines", KEPT.values(), ids=KEPT)
def test_nothing_that_one_run_kept_reaches_the_next(lines):
    head, *body = lines
    outcome = hunted(consumer(*body, *CLAIM_LINES, head=head), Plan(count=40, messages=4))
    assert (outcome["found"], outcome["unlike"]) == (None, None)


def test_code_that_raises_though_nothing_fails_is_raised():
    with pytest.raises(LearnerError) as caught:
        hunted(consumer("1 / 0"))
    assert isinstance(caught.value.error, ZeroDivisionError)


def test_a_raise_under_a_fault_is_told_with_its_line():
    said = hunted(WRONG["raises on a redelivery"][0])["found"]["said"]
    assert said == "Your code raised KeyError: 'm1' in `notify`, at: {}[message.id]."


def test_a_coroutine_of_one_s_own_without_await_is_told():
    source = consumer("helper(message, push)", head="async def helper(message, push):\n    pass")
    with pytest.raises(Failure, match="its own coroutine `helper` without `await`"):
        hunted(source)


def test_a_service_that_was_changed_is_told_and_put_back():
    before = dict(vars(Push))
    source = consumer("type(push).send = lambda self, *_: queue.ack(message)", "await push.send()")
    with pytest.raises(Failure, match=r"changed `Push.send`"):
        hunted(source)
    assert dict(vars(Push)) == before


def test_what_dead_code_would_print_at_its_end_is_not_printed(capfd):
    lines = ("while True:", "    try:", "        await push.send(message.device, message.text)")
    hunted(consumer(*lines, "        return await queue.ack(message)", "    except BaseException:", "        pass"))
    assert capfd.readouterr() == ("", "")


def test_a_hunt_that_takes_too_long_is_cut_short_with_its_count(monkeypatch):
    monkeypatch.setattr(room, "PATIENCE_S", 0)
    outcome = hunted(CLAIM)
    assert (outcome["cut_short"], outcome["ran"]) == (True, 1)


# --- as a child runs it


def test_a_driver_hunts_in_a_scene_by_name():
    outcome = drive_hunt(load(NAIVE), HERE, asdict(PLAN))
    assert outcome["found"]["schedule"] == {"seed": 0, "messages": 1, "faults": [("copy", "m1", 0)]}


def test_a_replay_says_what_is_promised_and_what_happened():
    schedule = Schedule(0, 1, (("crash", "m1", 1, 3),)).plain()
    replayed = drive_replay(load(CLAIM), HERE, schedule)
    assert (replayed["invariant"], replayed["said"], replayed["unlike"]) == ("", "", False)
    assert replayed["holds"] == [invariant.__name__ for invariant in SCENE.invariants]
    assert [step[3] for step in replayed["history"]].count("dies") == 1


def test_a_replay_of_endless_code_is_short_enough_to_travel():
    replayed = drive_replay(load(consumer("while True:", "    await store.get('x')")), HERE, Schedule(0, 9).plain())
    assert replayed["invariant"] == "comes_to_an_end"
    assert len(replayed["history"]) < 60


def test_a_replay_notices_chance():
    source = consumer("await store.put('now', random.random())", head="import random")
    assert drive_replay(load(source), HERE, Schedule(0, 1).plain())["unlike"]


def test_a_replay_line_is_the_call_itself():
    schedule = Schedule(7, 3, (("crash", "m1", 1, 1), ("copy", "m2", 0.06), ("poison", 'm"3')))
    line = replay_line("06_delivery_semantics", "notify", schedule)
    assert line.startswith(
        'replay("06", "notify", seed=7, messages=3, faults=[("crash", "m1", 1, 1), ("copy", "m2", 0.06)'
    )
    called = {}
    eval(line, {"replay": lambda topic, name, **given: called.update(given, topic=topic, name=name)})
    assert (called["topic"], called["name"]) == ("06", "notify")
    assert Schedule(called["seed"], called["messages"], tuple(called["faults"])) == schedule
