"""The scheduler: one effect at a time, in simulated time, with a fault wherever one is planted."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fortyfive.grading.child import LearnerError
from fortyfive.grading.report import Failure
from fortyfive.sim.hunt import Plan, random_schedule
from fortyfive.sim.world import SECOND, NoAnswer, Refused, World, effect
from tests.sim.worlds import NAIVE, SCENE, consumer, digest, load, run, steps


def world_with(*functions, faults=None, budget=1_000, until_s=100, cut_off=None):
    """Run coroutine functions side by side, each on its own machine; returns the world and how each ended."""
    world, ends = World(0, budget), []
    world.cut_off.update(cut_off or {})

    def call(what, answer=None):
        world.made += 1

        def apply(*_):
            if isinstance(answer, Exception):
                raise answer
            return answer

        return effect((apply, SECOND, "service", what, ()))

    for number, function in enumerate(functions, start=1):
        start = (f"machine {number}", function, (call,), faults or {}, lambda task, how: ends.append((task.step, how)))
        world.at(0, lambda args: world.start(*args), start)
    world.run(until_s * SECOND)
    return world, ends


def test_events_happen_in_the_order_of_time_and_then_of_asking():
    world, seen = World(0, 100), []
    for time_ns, name in ((5, "c"), (1, "a"), (5, "d"), (1, "b")):
        world.at(time_ns, seen.append, name)
    world.run(10)
    assert seen == ["a", "b", "c", "d"]


def test_what_is_due_after_the_end_does_not_happen():
    world, seen = World(0, 100), []
    world.at(10, seen.append, "in time")
    world.at(11, seen.append, "late")
    world.run(10)
    assert (seen, world.exhausted) == (["in time"], False)


def test_an_effect_happens_when_it_is_awaited_and_its_answer_comes_back():
    answers = []

    async def code(call):
        answers.append(await call("one", 1))
        answers.append(await call("two", 2))

    world, ends = world_with(code)
    assert answers == [1, 2]
    assert [(step[1], step[3], step[5]) for step in world.history] == [("machine 1", "one", 1), ("machine 1", "two", 2)]
    assert ends == [(2, "returned")]


def test_each_effect_takes_between_half_and_twice_its_usual_time():
    async def code(call):
        for _ in range(200):
            await call("x")

    world, _ = world_with(code, until_s=1_000)
    times = [step[0] for step in world.history]
    gaps = [later - earlier for earlier, later in zip([0, *times], times, strict=False)]
    assert SECOND / 2 <= min(gaps) < 0.6 * SECOND
    assert 1.8 * SECOND < max(gaps) <= 2 * SECOND


def test_two_machines_take_turns():
    async def code(call):
        for _ in range(20):
            await call("x")

    world, _ = world_with(code, code)
    who = [step[1] for step in world.history]
    assert who != sorted(who)
    assert who.count("machine 1") == who.count("machine 2") == 20


def test_a_refusal_is_raised_where_it_was_awaited():
    async def code(call):
        try:
            await call("x", Refused(503, "down"))
        except Refused as refused:
            await call(f"heard {refused.status}")

    world, ends = world_with(code)
    assert [(step[3], step[5]) for step in world.history] == [("x", 503), ("heard 503", None)]
    assert ends == [(2, "returned")]


@pytest.mark.parametrize("error", [Refused(503, "down"), NoAnswer("x")])
def test_a_service_s_no_that_is_not_caught_ends_the_delivery_only(error):
    async def code(call):
        await call("x")
        raise error

    assert world_with(code)[1] == [(1, "raised")]


async def three(call):
    await call("one")
    try:
        await call("two")
    except NoAnswer:
        await call("no answer heard")
    await call("three")


@pytest.mark.parametrize(
    ("fault", "verbs", "how"),
    [
        ({0: ("crash",)}, ["dies"], "died"),
        ({1: ("crash",)}, ["one", "dies"], "died"),
        ({2: ("crash",)}, ["one", "two", "dies"], "died"),
        ({2: ("no answer",)}, ["one", "two", "no answer", "no answer heard", "three"], "returned"),
        ({2: ("lost",)}, ["one", "lost", "no answer heard", "three"], "returned"),
        ({1: ("no answer",)}, ["one", "no answer"], "raised"),
        ({9: ("crash",)}, ["one", "two", "three"], "returned"),
    ],
)
def test_a_fault_strikes_at_its_effect(fault, verbs, how):
    world, ends = world_with(three, faults=fault)
    assert [step[3] for step in world.history] == verbs
    assert ends[0][1] == how


def test_a_lost_request_says_in_the_history_what_was_asked():
    world, _ = world_with(three, faults={2: ("lost",)})
    assert [(step[3], step[5]) for step in world.history][1] == ("lost", "two")


def test_a_slow_effect_happens_later_by_as_much():
    plain, slow = world_with(three), world_with(three, faults={2: ("slow", 40 * SECOND)})
    assert slow[0].history[1][0] - plain[0].history[1][0] == 40 * SECOND
    assert slow[0].history[0] == plain[0].history[0]


def test_a_machine_that_is_cut_off_reaches_nothing_while_it_lasts():
    world, _ = world_with(three, three, cut_off={"machine 1": [(0, SECOND * 30)]})
    first = [step[3] for step in world.history if step[1] == "machine 1"]
    assert first == ["lost"]
    assert [step[3] for step in world.history if step[1] == "machine 2"] == ["one", "two", "three"]


def test_a_dead_machine_does_nothing_any_more():
    async def code(call):
        try:
            await call("one")
            await call("two")
        finally:
            await call("tidy up")

    world, _ = world_with(code, faults={1: ("crash",)})
    assert [step[3] for step in world.history] == ["one", "dies"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_code_that_does_not_let_go_is_let_go_of():
    async def code(call):
        while True:
            try:
                await call("x")
            except BaseException:  # noqa: BLE001 - as a learner may write it
                continue

    world, ends = world_with(code, faults={3: ("crash",)})
    assert (len(world.history), ends) == (4, [(3, "died")])


def test_endless_code_ends_with_the_budget():
    async def code(call):
        while True:
            await call("x")

    world, _ = world_with(code, budget=50, until_s=10_000)
    assert world.exhausted
    assert len(world.history) == 49


async def _unawaited(call):
    call("x")


async def _forgotten_at_last(call):
    await call("x")
    call("y")


@pytest.mark.parametrize("code", [_unawaited, _forgotten_at_last])
def test_a_call_without_await_is_told(code):
    with pytest.raises(Failure, match="without `await`"):
        world_with(code)


def test_calls_may_be_made_first_and_awaited_later():
    async def code(call):
        for one in [call("a"), call("b"), call("c")]:
            await one

    assert [step[3] for step in world_with(code)[0].history] == ["a", "b", "c"]


async def _gathers(_):
    import asyncio

    await asyncio.sleep(0)


async def _sleeps(_):
    import asyncio

    await asyncio.sleep(1)


async def _yields(_):
    yield 1


def _plain(_):
    return 5


class Instance:
    def __call__(self, _):
        return None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (_gathers, "none of the course's services"),
        (_sleeps, "none of the course's services"),
        (_yields, "contains `yield`"),
        (_plain, "`_plain` is called with `await`, and it is a plain function"),
        (Instance(), "`Instance` is called with `await`"),
        (lambda call: call("x"), "is a plain function"),
    ],
)
def test_what_is_no_coroutine_of_services_is_told(code, words):
    with pytest.raises(Failure, match=words) as caught:
        world_with(code)
    assert caught.value.help


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyboardInterrupt(), SystemExit(), GeneratorExit(), RecursionError()]
)
def test_whatever_else_it_raises_is_the_learner_s(error):
    async def code(call):
        await call("x")
        raise error

    with pytest.raises(LearnerError) as caught:
        world_with(code)
    assert caught.value.error is error
    assert [step[3] for step in caught.value.history] == ["x"]


def test_a_misuse_counts_even_where_it_was_caught():
    lines = ("try:", "    await push.send(5, 'x')", "except Exception:", "    pass", "await queue.ack(message)")
    with pytest.raises(Failure, match=r"`push.send` with 5"):
        run(consumer(*lines))


# --- the same bytes, always


def test_ten_thousand_schedules_give_the_same_histories_again():
    names = load(NAIVE)()
    for number in range(10_000):
        schedule = random_schedule(number, Plan(messages=2, faults=2), 2)
        assert SCENE.run(schedule, lambda: names).history == SCENE.run(schedule, lambda: names).history


PROGRAM = "from tests.sim.worlds import digest; print(digest(150))"


def digest_of(python, hash_seed):
    """What another interpreter finds, which knows nothing of this one's packages."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd()), "PYTHONHASHSEED": hash_seed}
    command = [python, "-s", "-B", "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("hash_seed", ["1", "4711"])
def test_the_hash_seed_changes_nothing(hash_seed):
    assert digest_of(sys.executable, hash_seed) == digest(150)


@pytest.mark.parametrize("name", ["python3.12", "python3.13", "python3.14"])
def test_another_python_changes_nothing(name):
    python = shutil.which(name)
    if python is None or subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip(f"there is no {name} here")
    assert digest_of(python, "0") == digest(150)


def test_another_seed_takes_other_times():
    assert run(NAIVE, seed=1).history != run(NAIVE, seed=2).history
    assert steps(run(NAIVE, seed=1)) == steps(run(NAIVE, seed=2))
