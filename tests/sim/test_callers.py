"""The world of many callers: every count is what the policies imply, and a run repeats itself."""

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fortyfive.grading.child import LearnerError
from fortyfive.grading.report import Failure
from fortyfive.sim import callers
from fortyfive.sim.callers import Backlog, CallError, Crowd, Load, Storm, Traffic
from fortyfive.sim.world import SECOND

# --- answers of policies


@pytest.mark.parametrize("value", [-1, -0.001, math.nan, math.inf, 1e9, 10**400])
def test_a_number_that_says_nothing_is_refused_with_what_was_asked(value):
    with pytest.raises(Failure, match=r"next\(1\) returned") as found:
        callers.as_number(value, "next(1)", "a number")
    assert found.value.help == "Return a number: finite, and at least 0."


@pytest.mark.parametrize("value", ["3", None, True, [1], 1j])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(Failure, match="returned"):
        callers.as_number(value, "next(1)", "a number")


@pytest.mark.parametrize("value", [1, 0, None, "True", []])
def test_an_answer_is_true_or_false(value):
    with pytest.raises(Failure, match="returned"):
        callers.as_answer(value, "allow(1)")
    assert callers.as_answer(True, "") is True
    assert callers.as_answer(False, "") is False


def test_an_object_s_address_is_not_part_of_the_feedback():
    with pytest.raises(Failure) as found:
        callers.as_answer(object(), "allow(1)")
    assert found.value.rationale == "allow(1) returned <object object>."


def test_a_coroutine_is_told_to_be_a_plain_function():
    async def policy(attempt, error, draw):
        return 1

    with pytest.raises(Failure, match="returned a coroutine"):
        callers.herd(policy, Crowd(1))


def test_an_error_of_the_policy_is_the_learner_s():
    with pytest.raises(LearnerError):
        callers.herd(lambda attempt, error, draw: error.nothing, Crowd(1))


# --- retries


def test_callers_try_until_the_provider_is_back():
    told = callers.herd(lambda attempt, error, draw: 1, Crowd(3))
    assert {one.ended for one in told} == {"done"}
    for one in told:
        assert 0 <= one.at_ns[0] < SECOND // 10
        assert all(later - earlier == 1.05 * SECOND for earlier, later in zip(one.at_ns, one.at_ns[1:], strict=False))
        assert one.at_ns[-2] < 3 * SECOND <= one.at_ns[-1]


def test_a_policy_hears_the_attempt_the_error_and_a_draw_of_its_own():
    heard = []
    error = CallError(429, 2)
    callers.herd(lambda *asked: heard.append(asked), Crowd(1, error))
    assert {(attempt, given) for attempt, given, _ in heard} == {(1, error)}
    draws = [draw for *_, draw in heard]
    assert len(set(draws)) == len(draws) == 300
    assert 0 <= min(draws) < 0.02
    assert 0.98 < max(draws) < 1
    assert sum(draws) / 300 == pytest.approx(0.5, abs=0.05)


def test_who_never_gives_up_and_who_gives_up_at_once_are_told_apart():
    (never,) = callers.herd(lambda *_: 1, Crowd(1e6, callers=1))
    (at_once,) = callers.herd(lambda *_: None, Crowd(1e6, callers=1))
    assert (never.ended, len(never.at_ns)) == ("still trying", callers.MOST_TRIES)
    assert (at_once.ended, len(at_once.at_ns)) == ("gave up", 1)


def test_a_herd_repeats_itself_and_another_seed_is_another_herd():
    def policy(attempt, error, draw):
        return None if attempt > 9 else draw * 2**attempt

    assert callers.herd(policy, Crowd(5, seed=3)) == callers.herd(policy, Crowd(5, seed=3))
    assert callers.herd(policy, Crowd(5, seed=3)) != callers.herd(policy, Crowd(5, seed=4))


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(1, 20))
def test_the_busiest_window_is_the_one_that_counting_finds(at_ns, window_ns):
    most, begins_ns = callers.busiest(at_ns, window_ns)
    counted = {start: sum(start <= at < start + window_ns for at in at_ns) for start in at_ns}
    assert most == max(counted.values(), default=0)
    if at_ns:
        assert counted[begins_ns] == most


# --- budgets


class Always:
    def request(self):
        pass

    def may_retry(self):
        return True


class Never(Always):
    def may_retry(self):
        return False


class EveryOther(Always):
    def __init__(self):
        self.asked = 0

    def may_retry(self):
        self.asked += 1
        return self.asked % 2 == 0


@pytest.mark.parametrize(("layers", "tries"), [(1, 1), (1, 3), (3, 2), (5, 3)])
def test_tries_multiply_from_layer_to_layer(layers, tries):
    assert callers.amplify(Always, 2, layers, tries) == 2 * tries**layers
    assert callers.amplify(Never, 2, layers, tries) == 2


def test_each_layer_has_a_budget_of_its_own():
    # Each refuses its first wish, and a refusal ends the request.
    assert callers.amplify(EveryOther, 2, layers=1, tries=2) == 3
    made = []
    callers.amplify(lambda: made.append(Always()) or made[-1], 1, layers=4, tries=1)
    assert len(made) == 4


# --- breakers


class Open:
    """A breaker that lets through what `when` says, and notes what it hears."""

    def __init__(self, when=lambda now_s: True):
        self.when, self.heard, self.asked = when, [], []

    def allow(self, now_s):
        self.asked.append(now_s)
        return self.when(now_s)

    def record(self, ok, started_s, now_s):
        self.heard.append((now_s, started_s, ok))


def test_every_call_is_asked_for_and_its_end_recorded_in_order_of_time():
    breaker = Open()
    told = callers.guard(breaker, Traffic(for_s=20, down_s=5, up_s=10))
    assert told.calls == len(breaker.asked) == 1_000
    assert told.refusals == []
    ends = [now_s for now_s, _, _ in breaker.heard]
    assert ends == sorted(ends)
    assert {started_s for _, started_s, _ in breaker.heard} <= set(breaker.asked)
    for now_s, started_s, ok in breaker.heard:
        assert 0 < now_s - started_s <= 0.2
        assert ok == (not 5 <= started_s < 10)
    assert [one[0] for one in told.let] == [round(at_s * SECOND) for at_s in breaker.asked if at_s >= 5]


def test_what_is_refused_is_neither_made_nor_recorded():
    breaker = Open(lambda now_s: not 2 <= now_s < 4)
    told = callers.guard(breaker, Traffic(for_s=10, down_s=1, up_s=5))
    ((first_ns, last_ns, count),) = told.refusals
    assert count == 100
    assert 2 <= first_ns / SECOND < 2.1
    assert 3.9 < last_ns / SECOND < 4
    assert not any(2 <= started_s < 4 for _, started_s, _ in breaker.heard)


@pytest.mark.parametrize(("lost", "begins_s"), [("first", 3), ("first after", 6)])
def test_the_caller_that_dies_is_never_recorded(lost, begins_s):
    breaker = Open(lambda now_s: not 2 <= now_s < 3)
    told = callers.guard(breaker, Traffic(for_s=10, down_s=1, up_s=6, lost=lost))
    dead = [one for one in told.let if one[2] is None]
    assert len(dead) == 1
    assert begins_s <= dead[0][0] / SECOND < begins_s + 0.1
    assert dead[0][0] / SECOND not in {started_s for _, started_s, _ in breaker.heard}


def test_as_many_callers_die_as_were_to_die():
    breaker = Open(lambda now_s: not 2 <= now_s < 3)
    told = callers.guard(breaker, Traffic(for_s=10, down_s=1, up_s=6, lost="first", dying=3))
    assert [one[2] for one in told.let if one[0] >= 3 * SECOND][:4] == [None, None, None, False]
    assert sum(one[2] is None for one in told.let) == 3


def test_an_outage_may_come_again():
    told = callers.guard(Open(), Traffic(for_s=10, down_s=1, up_s=2, again_s=(5, 7)))
    failed = {start_ns // SECOND for start_ns, _, ok in told.let if not ok}
    answered = {start_ns // SECOND for start_ns, _, ok in told.let if ok}
    assert (failed, answered) == ({1, 5, 6}, {2, 3, 4, 7, 8, 9})


def test_late_successes_come_when_the_outage_has_begun():
    breaker = Open()
    callers.guard(breaker, Traffic(for_s=10, down_s=5, up_s=10, slow_one_in=4))
    late = [now_s for now_s, started_s, ok in breaker.heard if ok and now_s - started_s > 0.5]
    assert late
    assert all(5.4 < now_s < 5.91 for now_s in late)


def test_errors_come_at_the_rate_that_was_asked_for():
    breaker = Open()
    callers.guard(breaker, Traffic(for_s=400, error_one_in=100))
    failed = Counter(ok for *_, ok in breaker.heard)[False]
    assert failed / len(breaker.heard) == pytest.approx(0.01, abs=0.003)


# --- a backlog


class Steady:
    def __init__(self, rate):
        self.rate = rate
        self.heard = []

    def calls_per_s(self, now_s, backlog, oldest_s, refused_share):
        self.heard.append((backlog, oldest_s, refused_share))
        return self.rate


def test_a_steady_pace_drains_what_arithmetic_says():
    told = callers.drain(Steady(75), Backlog(limit_per_s=100))
    assert told[59].backlog <= 30
    assert told[1_259].backlog == pytest.approx(25 * 1_200, rel=0.02)
    assert all((one.calls, one.refused) == (75, 75) for one in told[65:1_260])
    assert all((one.calls, one.refused) == (75, 0) for one in told[1_260:1_700])
    gone = next(second for second, one in enumerate(told) if second > 1_260 and one.backlog < 100)
    assert gone - 1_260 == pytest.approx(30_000 / 50, rel=0.05)


def test_above_twice_the_limit_the_provider_falls_over_for_a_while():
    told = callers.drain(Steady(201), Backlog(limit_per_s=100, down_s=0, up_s=20, for_s=200))
    fallen = [second for second, one in enumerate(told) if one.collapsed]
    assert fallen[:2] == [20, 50]
    assert all(one.refused == one.calls for one in told[20:50])
    assert not any(one.collapsed for one in callers.drain(Steady(200), Backlog(limit_per_s=100, for_s=1_300)))


def test_a_controller_hears_the_share_of_the_last_second_and_the_age_of_the_oldest():
    controller = Steady(30)
    callers.drain(controller, Backlog(limit_per_s=20, per_s=40, down_s=5, up_s=8, for_s=12))
    shares = [share for *_, share in controller.heard]
    assert shares[0] == 0
    assert shares[1] == pytest.approx(1 / 3)
    assert shares[6:9] == [1, 1, 1]
    ages = [age for _, age, _ in controller.heard]
    assert ages[0] == 0
    assert ages == sorted(ages)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 400), min_size=1, max_size=30), st.integers(1, 200), st.integers(0, 3))
def test_no_message_comes_from_nowhere_or_gets_lost(rates, limit_per_s, seed):
    class Erratic(Steady):
        def calls_per_s(self, now_s, backlog, oldest_s, refused_share):
            super().calls_per_s(now_s, backlog, oldest_s, refused_share)
            return rates[int(now_s) % len(rates)]

    controller = Erratic(0)
    told = callers.drain(controller, Backlog(limit_per_s, down_s=20, up_s=40, for_s=80, seed=seed))
    left = 0
    for now_s, (one, (waiting, oldest_s, _)) in enumerate(zip(told, controller.heard, strict=True)):
        assert 20 <= waiting - left <= 30
        assert 0 <= oldest_s <= now_s
        taken = one.calls - one.refused
        assert 0 <= taken <= limit_per_s
        left = waiting - taken
        assert one.backlog == left


@pytest.mark.parametrize("rate", [1e12, math.inf, 10**400])
def test_a_pace_beyond_all_that_waits_means_all_that_waits(rate):
    told = callers.drain(Steady(rate), Backlog(limit_per_s=100, for_s=40))
    assert told == callers.drain(Steady(31), Backlog(limit_per_s=100, for_s=40))
    assert {one.backlog for one in told} == {0}


def test_calls_of_less_than_one_a_second_add_up():
    told = callers.drain(Steady(0.25), Backlog(limit_per_s=100, for_s=40))
    assert sum(one.calls for one in told) == 10


# --- shedding


def test_below_its_capacity_a_server_answers_everybody_in_time():
    served = callers.shed(lambda waiting, per_s, critical: True, Load(for_s=30, per_s=80, serves_per_s=100))
    assert (served.came, served.refused, served.in_time) == (2_400, 0, 2_400)
    assert served.critical_came == pytest.approx(240, abs=50)
    assert served.critical_in_time == served.critical_came


def test_without_a_bound_nearly_everybody_is_served_too_late():
    served = callers.shed(lambda waiting, per_s, critical: True, Load(for_s=30, per_s=300, serves_per_s=100))
    # A second's work fills up in half a second at 200/s too many; who came until then was in time.
    assert served.in_time == pytest.approx(150, abs=3)


@pytest.mark.parametrize("bound", [0, 1, 5, 40])
def test_no_more_than_the_bound_ever_wait(bound):
    most = 0

    def admit(waiting, per_s, critical):
        nonlocal most
        most = max(most, waiting)
        assert per_s == 100
        return waiting <= bound

    served = callers.shed(admit, Load(for_s=10, per_s=400, serves_per_s=100))
    assert most == bound + 1
    assert served.refused + served.in_time == served.came
    assert served.in_time == pytest.approx(1_000, abs=bound + 3)


def test_a_burst_comes_at_once():
    seen = []
    load = Load(for_s=5, per_s=10, serves_per_s=100, burst=7)
    served = callers.shed(lambda waiting, *_: seen.append(waiting) or True, load)
    assert served.came == 50 + 2 * 7
    assert max(seen) == 6


# --- storms


def test_without_a_trigger_all_is_answered():
    assert set(callers.answered_shares(Storm(80, 0, 1, for_s=60))) == {1.0}


def test_a_small_trigger_leaves_the_service_down_by_its_retries_alone():
    down = callers.answered_shares(Storm(80, 50, 4, for_s=200))
    assert down[5] == 1
    assert max(down[20:195]) < 0.1
    assert callers.answered_shares(Storm(80, 50, 4, tries=1, for_s=200))[60] == 1
    assert min(callers.answered_shares(Storm(80, 30, 2, for_s=60))) == 1


@pytest.mark.parametrize(("per_s", "comes_back"), [(30, True), (36, False)])
def test_the_service_comes_back_where_all_tries_together_are_less_than_it_can_do(per_s, comes_back):
    shares = callers.answered_shares(Storm(per_s, 500, 1, for_s=300))
    assert min(shares[10:14]) == 0
    assert (shares[-1] == 1) is comes_back
