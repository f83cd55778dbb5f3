"""Exercise 09 beyond its table: sound answers of many shapes pass, and what its texts say is what its worlds do."""

import re
from statistics import fmean

import pytest

from fortyfive.checks import failure_modes as exercise
from fortyfive.checks import failure_modes_backlog as backlog
from fortyfive.checks import failure_modes_breaker as breaker
from fortyfive.checks import failure_modes_drivers as drivers
from fortyfive.checks import failure_modes_overload as overload
from fortyfive.checks import failure_modes_retries as retries
from fortyfive.checks import failure_modes_review as review
from fortyfive.checks import failure_modes_tokens as tokens
from fortyfive.checks.answers import solution
from fortyfive.checks.failure_modes_latencies import LATENCIES_S
from fortyfive.grading.report import Failure
from fortyfive.sim.callers import CallError
from fortyfive.sim.hunt import judge
from fortyfive.sim.scenes import Schedule

TEXT = re.sub(r"\s+", " ", re.sub(r"^# ?", "", solution("09_failure_modes"), flags=re.MULTILINE))


class Direct:
    """An answer whose drivers run here and now; the table runs them in their sandbox."""

    def __init__(self, **names):
        self.names = names

    def drive(self, driver, *args):
        module = {one.DRIVER: one for one in (retries, breaker, backlog, overload)}[driver.partition(":")[0]]
        return getattr(module, driver.partition(":")[2])(lambda: self.names, *args)


# --- sound answers of many shapes


def full(base_s, cap_s, tries):
    def next_retry(attempt, error, draw):
        if error.status in (400, 404, 410) or attempt >= tries:
            return None
        return (error.retry_after_s or 0) + draw * min(cap_s, base_s * 2 ** (attempt - 1))

    return next_retry


def equal(base_s, cap_s, tries):
    def next_retry(attempt, error, draw):
        whole_s = full(base_s, cap_s, tries)(attempt, error._replace(retry_after_s=None), 1)
        return whole_s and (error.retry_after_s or 0) + whole_s * (0.5 + draw / 2)

    return next_retry


@pytest.mark.parametrize("tries", [13, 15])
@pytest.mark.parametrize("cap_s", [20, 60])
@pytest.mark.parametrize("base_s", [0.5, 1, 2])
@pytest.mark.parametrize("jitter", [full, equal])
def test_a_sound_retry_policy_passes(jitter, base_s, cap_s, tries):
    answer = Direct(next_retry=jitter(base_s, cap_s, tries))
    retries.judge_policy(answer)
    retries.judge_herd(answer)


def test_a_permanent_error_is_one_that_stays():
    assert {error.status for error in retries.PERMANENT} == {400, 404, 410}
    assert CallError(None) in retries.PASSING


def aimd(up, down, least):
    class Drain:
        def __init__(self):
            self.rate = least

        def calls_per_s(self, now_s, backlog, oldest_s, refused_share):
            self.rate = max(least, self.rate * down) if refused_share else self.rate + up
            return self.rate

    return Drain


@pytest.mark.parametrize("up", [1, 2, 5])
@pytest.mark.parametrize("down", [0.5, 0.7, 0.9])
@pytest.mark.parametrize("least", [0.5, 1, 5])
def test_a_sound_pace_passes(up, down, least):
    assert "minutes after the outage" in backlog.judge_drain(Direct(Drain=aimd(up, down, least)))


@pytest.mark.parametrize("up", [1.02, 1.05, 1.1])
def test_a_pace_that_grows_by_a_share_and_without_a_bound_passes(up):
    class Drain:
        def __init__(self):
            self.rate = 1

        def calls_per_s(self, now_s, backlog, oldest_s, refused_share):
            self.rate = max(1, self.rate * 0.7) if refused_share else self.rate * up
            return self.rate

    assert "minutes after the outage" in backlog.judge_drain(Direct(Drain=Drain))


@pytest.mark.parametrize("rate", [45, 54, 55, 60, 100])
def test_no_steady_pace_passes(rate):
    class Drain:
        def calls_per_s(self, now_s, backlog, oldest_s, refused_share):
            return 1 if refused_share == 1 else rate

    with pytest.raises(Failure):
        backlog.judge_drain(Direct(Drain=Drain))


def in_a_row(failures, cool_down_s, lost_after_s):
    class Breaker:
        def __init__(self):
            self.bad, self.opened_s, self.probe_s = 0, None, None

        def allow(self, now_s):
            if self.opened_s is None:
                return True
            probing = self.probe_s is not None and now_s < self.probe_s + lost_after_s
            if probing or now_s < self.opened_s + cool_down_s:
                return False
            self.probe_s = now_s
            return True

        def record(self, ok, started_s, now_s):
            if self.opened_s is None:
                self.bad = 0 if ok else self.bad + 1
                self.opened_s = now_s if self.bad >= failures else None
            elif started_s == self.probe_s:
                self.bad, self.probe_s = 0, None
                self.opened_s = None if ok else now_s

    return Breaker


@pytest.mark.parametrize(("failures", "cool_down_s", "lost_after_s"), [(4, 1, 1), (10, 5, 2), (30, 12, 12), (5, 3, 10)])
def test_a_sound_breaker_passes(failures, cool_down_s, lost_after_s):
    answer = Direct(Breaker=in_a_row(failures, cool_down_s, lost_after_s))
    breaker.judge_opening(answer)
    breaker.judge_recovery(answer)


@pytest.mark.parametrize("others", [0.25, 0.5, 0.8])
@pytest.mark.parametrize("critical_ones", [0.85, 0.9, 0.95])
def test_a_sound_bound_passes(others, critical_ones):
    def admit(waiting, per_s, critical):
        return waiting < (critical_ones if critical else others) * per_s

    overload.judge_shed(Direct(admit=admit))


def test_a_budget_may_count_in_floats_and_lose_a_hair():
    class RetryBudget:
        def __init__(self, share, burst):
            self.share, self.burst, self.tokens = share, burst, float(burst)

        def request(self):
            self.tokens = min(self.burst, self.tokens + self.share)

        def may_retry(self):
            allowed = self.tokens >= 1
            self.tokens -= allowed
            return allowed

    budget = RetryBudget(0.1, 10)
    assert all(budget.may_retry() for _ in range(10))
    for _ in range(10):
        budget.request()
    assert not budget.may_retry()
    assert "calls at the bottom" in retries.judge_budget(Direct(RetryBudget=RetryBudget))


# --- what is no answer


@pytest.mark.parametrize("found", [None, 3, "next_retry"])
def test_what_cannot_be_called_is_named(found):
    with pytest.raises(Failure, match="the grader needs a function of that name"):
        drivers.learners({"next_retry": found}, "next_retry", "a function")


def test_a_missing_method_is_named_with_its_signature():
    with pytest.raises(Failure, match="no method `record`") as failure:
        drivers.made({"Breaker": type("Breaker", (), {"allow": print})}, "Breaker", breaker.METHODS)
    assert failure.value.help == "Write `def record(self, ok, started_s, now_s)` in it."


@pytest.mark.parametrize("given", [(1,), (1, 2, 3), (0, 1), (-1, 1), ("1", 1), None, {}, (True, float("nan"))])
def test_a_trigger_is_two_numbers(given):
    with pytest.raises(Failure, match="two numbers above 0"):
        overload.judge_trigger(given)


@pytest.mark.parametrize("given", [True, "33", None, [], -1, 0, float("nan"), float("inf"), 1e7])
def test_a_load_is_a_number(given):
    with pytest.raises(Failure, match="a number of requests/s"):
        overload.judge_safe_load(given)


def test_a_trigger_that_is_not_allowed_is_not_tried():
    with pytest.raises(ValueError, match="500 are allowed, within 10 s"):
        overload.try_trigger(1_000_000, 5)


# --- what the texts say


def test_the_promises_of_the_text_are_those_of_the_grader():
    for said in (
        f"no wait is longer than **{retries.LONGEST_WAIT_S} s**",
        f"at most **{retries.MOST_TRIES} tries**",
        f"an outage of **{retries.LONG_S} s** loses nothing",
        f"after a hiccup of {retries.HICCUP_S:g} s, **{retries.MOST_OF_THEM} %** of the callers",
        f"are done {retries.OVER_S} s after their start",
        f"at most **{retries.MOST_AT_ONCE}** of them call it within the same 100 ms",
        f"at most **{breaker.MOST_CALLS}** of its 3,000 calls",
        f"at most **{breaker.FLOWS_AGAIN_S} s** after an outage",
        f"at most {breaker.FLOWS_AGAIN_LOST_S} s after it where the caller of a probe dies",
        f"at most **{backlog.MOST_WHILE_DOWN_PER_S} calls/s** on average",
        f"in any {backlog.OVER_WINDOW_S} s at most **{backlog.OVER_LIMIT:g} times** the limit",
        f"**{backlog.GONE_WITHIN_S // 60} minutes** after the outage the backlog is gone",
        f"(fewer than {backlog.GONE} wait), where the limit is {backlog.MIDDLE.limit_per_s}/s or more",
        f"between {backlog.SMALL.limit_per_s} and {backlog.LARGE.limit_per_s} calls/s",
        f"at {backlog.LEAVE_PER_S} calls/s, a code leaves at most **{backlog.CODE_WAITS_S} s** after it came",
        "a **one-time code**, good for {}, {} or {} s".format(*backlog.CODE_TTLS_S),
        f"or some of them for {backlog.SHORT_NEWS_TTL_S // 60} minutes",
        f"when {overload.SLOWEST.per_s}/s come to one that has become so slow",
        f"that it does {overload.SLOWEST.serves_per_s}/s",
        f"{breaker.HEALTHY.for_s * breaker.HEALTHY.per_s:,} calls are made in those 10 minutes",
        "the caller of a probe dies, or of three in a row",
        f"asks them all to wait for {retries.ASKED_S} s",
        f"at {overload.CALM.per_s} requests/s, and {overload.CALM.burst} more at once every other second",
        f"at least **{100 * overload.GOODPUT:g} %** of what it can do within 1 s",
        f"and **{100 * overload.CRITICAL:g} %** of the critical requests",
        f"**at most {overload.MOST_EXTRA} in all and within at most {overload.MOST_FOR_S} s**",
        f"less than {100 * overload.DOWN_SHARE:g} % of its requests",
    ):
        assert said in TEXT, said
    assert [one.until_s for one in retries.OUTAGES] == [1, 3, 8, 20]
    assert breaker.PROBERS_DIE.dying == 3
    for crowds in (retries.LONG, retries.FOR_EVER, retries.SPREAD):
        assert {one.error for one in crowds} >= set(retries.PASSING)
    assert backlog.DOWN_S == backlog.MIDDLE.up_s - backlog.MIDDLE.down_s == 20 * 60


def test_the_points_are_what_the_course_counts_on():
    checks = exercise.exercise.checks
    assert (len(checks), sum(check.points for check in checks)) == (14, 29)
    assert all(2 <= len(check.hints) <= 3 for check in checks)


def test_the_window_of_the_time_out_is_what_the_text_says():
    times = sorted(LATENCIES_S)
    assert len(times) == 2_000
    assert 0.7 < times[-3] < 0.8 < exercise.LONGEST_S == 1
    twice_s = 2 * fmean(times)
    assert sum(time > twice_s for time in times) / 2_000 == pytest.approx(0.09, abs=0.005)


def test_the_backlog_after_the_outage_is_what_the_text_says():
    seconds = backlog.drain(aimd(2, 0.7, 1)(), backlog.MIDDLE)
    assert seconds[backlog.MIDDLE.up_s].backlog == pytest.approx(30_000, rel=0.02)
    # A code of every fifth message, 25 of them a second: what the second world of this part holds.
    assert sum(one.kind == "code" for one in backlog.outgoing(7)) == 5


def passes(judged, given):
    try:
        judged(given)
    except Failure:
        return False
    return True


def test_33_requests_a_second_are_the_largest_safe_load_and_with_two_tries_it_is_half():
    assert [passes(overload.judge_safe_load, load) for load in (29, 30, 33, 34, 50)] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert [overload.shares(load, 500, 1, tries=2, until_s=600)[-1] for load in (48, 51)] == [1, 0]


def test_the_trigger_of_the_solution_leaves_120_waiting_and_needs_100():
    assert (80 + 50 - 100) * 4 == 120
    assert [passes(overload.judge_trigger, one) for one in ((50, 4), (50, 3), (46, 4), (30, 10), (500, 1))] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_the_notebook_shows_the_very_code_that_is_broken():
    shown = review.CODE["colleague"].partition("\n\n\n")[2]
    assert shown in solution("09_failure_modes")
    assert set(review.CODE) == {review.COLLEAGUE.function}


@pytest.mark.parametrize(("outage_s", "lost"), [(149, False), (152, True), (3_600, True)])
def test_the_colleague_gives_up_after_150_seconds(outage_s, lost):
    assert passes(review.disprove, [("outage", 0, outage_s)]) is lost


@pytest.mark.parametrize("faults", [[("poison", "m1")], [("gone", "ana-phone", 0)], [("lost", "m1", 1, 2)]])
def test_other_trouble_does_not_break_the_colleague(faults):
    assert not passes(review.disprove, faults)


# --- the world of tokens


def run_tokens(source, *faults, messages=1):
    def load():
        namespace = {}
        exec(f"from fortyfive.sim.world import NoAnswer, Refused\n{source}", namespace)
        return namespace

    return tokens.TOKENS.run(Schedule(0, messages, faults), load)


SOURCE = re.search(r"async def notify_devices.*?(?=\n\n\n# %%)", solution("09_failure_modes"), re.DOTALL).group()


def test_each_provider_has_its_own_word_for_a_dead_token():
    run = run_tokens(SOURCE, messages=4)
    assert {(token, status) for _, token, _, status in run.push.refused} == {
        ("apns-ana-watch-1", 410),
        ("fcm-ben-watch-1", 404),
        ("apns-cleo-watch-1", 410),
        ("fcm-dev-watch-1", 404),
    }
    assert judge(run) == ("", "")


def test_a_phone_registers_again_and_a_tablet_does_not():
    run = run_tokens(SOURCE, ("gone", "ana-phone", 0), ("gone", "ana-tablet", 0))
    assert run.active["ana-phone"] == run.store.values["token:ana:phone"] == "apns-ana-phone-2"
    assert "ana-tablet" not in run.active
    assert "token:ana:tablet" not in run.store.values
    assert judge(run) == ("", "")


def test_the_second_registration_reaches_the_phone_with_the_next_message():
    run = run_tokens(SOURCE, ("gone", "ana-phone", 0), messages=5)
    shown = [text for _, _, token, text in run.push.sent if token == "apns-ana-phone-2"]
    assert shown == ["Parcel 5 is on its way"]


def test_whose_name_begins_like_another_s_gets_none_of_her_pushes():
    run = run_tokens(SOURCE)
    assert run.store.values["token:anabel:phone"] == "apns-anabel-phone-1"
    run = run_tokens(SOURCE.replace("{message.user}:", "{message.user}"))
    assert judge(run)[0] == "sent_to_its_user"


def test_a_conditional_removal_says_whether_it_was_one():
    run = run_tokens(
        """
async def notify_devices(message, queue, store, push):
    for value in ("another", "apns-ana-phone-1", "apns-ana-phone-1"):
        await store.put(f"was removed for {value} as well", await store.delete_if("token:ana:phone", value))
        await store.put(f"{await store.get('token:ana:phone')}", True)
    await queue.ack(message)
"""
    )
    said = [step[5] for step in run.history if step[3] == "delete_if"]
    assert said == [False, True, False]
    assert "token:ana:phone" not in run.store.values


def test_every_key_of_the_advice_is_a_promise_of_the_world():
    names = {invariant.__name__ for invariant in tokens.TOKENS.invariants}
    assert set(tokens.ADVICE) <= names
    for name in names:
        assert tokens.advise(name, Schedule(0, 1), []).endswith(".")
