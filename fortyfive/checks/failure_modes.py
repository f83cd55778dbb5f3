"""Exercise 09: retry, hold back, work off and shed in a failing world, and bring down what is said to be safe."""

from __future__ import annotations

from fortyfive.checks import failure_modes_backlog as backlog
from fortyfive.checks import failure_modes_breaker as breaker
from fortyfive.checks import failure_modes_overload as overload
from fortyfive.checks import failure_modes_retries as retries
from fortyfive.checks import failure_modes_review as review
from fortyfive.checks import failure_modes_tokens as tokens
from fortyfive.checks.failure_modes_latencies import LATENCIES_S
from fortyfive.checks.quantiles import read_seconds, where_to_look
from fortyfive.checks.schedules import HUNTS, holds
from fortyfive.grading.exercise import Answer, Exercise
from fortyfive.grading.report import Failure

STEM = "09_failure_modes"

exercise = Exercise(STEM, title="Failure modes")
exercise.scenes = {
    "notify_devices": "fortyfive.checks.failure_modes_tokens:TOKENS",
    "colleague": "fortyfive.checks.failure_modes_review:COLLEAGUE",
}
check = exercise.check

LAYERS, TRIES, SHARE = 5, 3, 0.1
TIMES = {"every layer": TRIES**LAYERS, "outermost only": TRIES, "10 % budget": (1 + SHARE) ** LAYERS}
NEAR = 0.02
WHY_NOT = {
    "every layer": "The first service calls the second up to 3 times. How often does the second call the third, for "
    "each of these? Layers multiply.",
    "outermost only": "Four of the five layers pass on what they get, once.",
    "10 % budget": "Each layer may add a tenth to what it gets, and passes the whole on to the next, which adds a "
    "tenth to that.",
}


@check(
    points=1,
    needs=["amplification"],
    hints=[
        "Follow one request. How many calls leave the first service, how many the second for each of them?",
        "With three tries in each of five layers: 3 × 3 × 3 × 3 × 3. What takes the place of the 3 in the other two?",
        '`{"every layer": 3**5, "outermost only": 3, "10 % budget": 1.1**5}`',
    ],
    takeaway="Retries multiply from layer to layer. Retry in one place, and where several layers must, give each a "
    "budget: 1.1 to the fifth power is 1.61, 3 to the fifth is 243.",
)
def counts_the_calls_at_the_bottom(answer: Answer) -> None:
    """The calls that one request becomes at the bottom are right for each policy"""
    given = answer.value("amplification")
    if not isinstance(given, dict) or set(given) != set(TIMES):
        raise Failure(
            f"`amplification` is {given!r}, and it should be a dictionary with the keys {', '.join(map(repr, TIMES))}."
        )
    for policy, times in TIMES.items():
        said = given[policy]
        if isinstance(said, bool) or not isinstance(said, (int, float)):
            raise Failure(f"For {policy!r} you say {said!r}, and it should be a number.")
        near = 0 if isinstance(times, int) else NEAR * times
        if not abs(said - times) <= near:
            raise Failure(f"For {policy!r} one request does not become {said:,g} calls.", help=WHY_NOT[policy])


FALSE_ONE_IN, ANSWER_WITHIN_S, TRIES_IN_A_ROW = 1_000, 2, 2
ALLOWED = len(LATENCIES_S) // FALSE_ONE_IN
LONGEST_S = ANSWER_WITHIN_S / TRIES_IN_A_ROW


@check(
    points=2,
    needs=["timeout_s"],
    hints=[
        "A false time-out gives up on a call that would have been answered. How many of the 2,000 may be such calls?",
        "'1 in 1,000' is a quantile. Sort the times and look at their end.",
        f"`sorted(LATENCIES_S)[-{ALLOWED + 1}]` is the smallest time-out that only {ALLOWED} answers exceed; from "
        f"there to {LONGEST_S:g} s all is well.",
    ],
    takeaway="A time-out is chosen from the share of good calls that you accept to give up on: 0.1 % is the p99.9 of "
    "the answer times. What the caller can wait for bounds it from above.",
)
def time_out_is_a_quantile(answer: Answer) -> None:
    """At most 1 call in 1,000 is given up on falsely, and two tries fit into the caller's 2 seconds"""
    given = read_seconds(answer, "timeout_s")
    falsely = sum(time > given for time in LATENCIES_S)
    if falsely > ALLOWED:
        raise Failure(
            f"With a time-out of {given:g} s, {falsely:,} of the {len(LATENCIES_S):,} calls would be given up on "
            f"although their answer comes; {ALLOWED} may be. Each of them is made again, for nothing.",
            help=where_to_look(given, LATENCIES_S),
        )
    if not given <= LONGEST_S:
        raise Failure(
            f"With a time-out of {given:g} s two tries in a row take up to {TRIES_IN_A_ROW * given:g} s; the caller "
            f"waits for {ANSWER_WITHIN_S} s.",
            help="Longer than the p99.9 buys nothing, and every second of it is a second that a dead server is waited "
            "for.",
        )


@check(
    points=1,
    needs=["next_retry"],
    hints=[
        "Which errors can become an answer when you ask again, and which cannot?",
        "400, 404 and 410: None. Where the provider names a time, wait at least that long. And never longer than a "
        "cap.",
        "`if error.status in (400, 404, 410): return None`; `wait_s = draw * min(cap_s, base_s * 2**attempt)`; return "
        "`(error.retry_after_s or 0) + wait_s`.",
    ],
    takeaway="A retry policy begins with what it never retries. 400, 404 and 410 are final; 429, 503 and silence pass.",
)
def answers_one_by_one(answer: Answer) -> None:
    """Permanent errors are not retried, the provider's wish is respected, and no wait is longer than a minute"""
    retries.judge_policy(answer)


@check(
    points=3,
    needs=["next_retry"],
    after=answers_one_by_one,
    hints=[
        "Three hundred callers fail in the same moment. What keeps them from coming back in the same moment?",
        "Full jitter: wait `draw` times the whole back-off, so that the callers spread over all of it. Begin with less "
        "than a second, double each time, and stop at a cap.",
        "`if attempt >= 14: return None`; `return (error.retry_after_s or 0) + draw * min(20, 2 ** (attempt - 1))`.",
    ],
    takeaway="Exponential back-off makes the tries few, jitter keeps them apart, the cap brings everybody back soon "
    "after the end, and the bound lets go. Each of the four mends something that the others do not.",
)
def no_herd_comes_back(answer: Answer) -> None:
    """Three hundred callers with this policy get through an outage, and do not come back as a herd"""
    retries.judge_herd(answer)


@check(
    points=3,
    needs=["RetryBudget"],
    hints=[
        "A bucket holds tokens. What puts one in, what takes one out, and when is it full?",
        "`request` adds `share`, and never beyond `burst`. `may_retry` takes 1 if there is 1.",
        "`self.tokens = min(self.burst, self.tokens + self.share)`; `if self.tokens < 1: return False`; "
        "`self.tokens -= 1`; `return True`.",
    ],
    takeaway="A token bucket bounds retries by the traffic itself: some failures are retried at once, and an outage "
    "gets a tenth more and not three times as much: in five layers hardly more than 1.6 times (1.61, and the five "
    "bursts of 10), where three tries were 243.",
)
def the_bucket_keeps_its_rim(answer: Answer) -> str:
    """Retries are at most a share of the requests, and a burst of them"""
    return retries.judge_budget(answer)


@check(
    points=2,
    needs=["Breaker"],
    hints=[
        "Count failures. What must set the count back, so that one failure in a hundred never adds up?",
        "After some failures in a row, say 5 to 20, note the time and refuse. After a few seconds, let one call try.",
        "`allow`: True while closed; False until 5 s after it opened; then one probe. `record`: a success sets the "
        "count to 0, a failure adds 1, and the fifth in a row opens.",
    ],
    takeaway="A breaker turns an outage from thousands of calls that wait for their time-out into thousands of quick "
    "refusals and a few probes. It must not mistake everyday errors for an outage.",
)
def opens_in_an_outage_only(answer: Answer) -> str:
    """With 1 % of errors no call is refused, and in an outage of a minute at most 400 get through"""
    return breaker.judge_opening(answer)


@check(
    points=3,
    needs=["Breaker"],
    after=opens_in_an_outage_only,
    hints=[
        "The breaker is half-open, and a call goes through as a probe. What do you tell the next caller, and for how "
        "long?",
        "Note when the probe began: its answer is the one with the same `started_s`. What began earlier says nothing "
        "about now, and a probe that has no answer after a while is none any more.",
        "In `allow`, when the cool-down is over: refuse if there is a probe that is younger than 2 s, else note "
        "`self.probe_s = now_s` and let it through. In `record`, while open: ignore all but `started_s == "
        "self.probe_s`.",
    ],
    takeaway="Half-open is one question at a time, answered by that question's own answer, and asked again when no "
    "answer comes. Forget the last and one dead caller closes the shop for good.",
)
def recovers_by_one_probe_at_a_time(answer: Answer) -> str:
    """While it is open one probe at a time goes through, and calls flow again soon after the outage"""
    return breaker.judge_recovery(answer)


@check(
    points=3,
    needs=["notify_devices"],
    limits=HUNTS,
    hints=[
        "A user has several devices, and each has its own fate. What does each status say: about the text, the token, "
        "or the provider?",
        "404 and 410 are about the token that you sent to, which may be an older one than the store now holds.",
        "For each key and token of `store.scan(...)`: `except Refused as error`: for 404 and 410 `await "
        "store.delete_if(key, token)`, for 429 and 503 note that something is left to do. Acknowledge if nothing is.",
    ],
    takeaway="A permanent error about a token removes that token, on condition that it is still the one that was "
    "refused. Nobody is unsubscribed by an outage or by a bad text.",
)
def removes_dead_tokens_only(answer: Answer) -> str:
    """Dead tokens leave the store, living ones stay and get every text, whatever fails"""
    name = "notify_devices"
    return holds(answer, STEM, name, exercise.scenes[name], tokens.PLAN, tokens.advise)


@check(
    points=3,
    needs=["Drain"],
    hints=[
        "Nobody tells you the limit. What do you see when you are above it, and what can you do a second later?",
        "Go up by a little each second in which nothing is refused, and down by a share when something is.",
        "`if refused_share > 0: self.rate = max(1, self.rate * 0.7)`, else `self.rate += 2`; return `self.rate`.",
    ],
    takeaway="After an outage the backlog is the load. Additive increase and multiplicative decrease find a limit that "
    "nobody tells; what finds it by sending everything finds the next outage.",
)
def drains_without_a_second_collapse(answer: Answer) -> str:
    """After 20 minutes of outage the backlog is gone in time, within a limit that nobody tells"""
    return backlog.judge_drain(answer)


@check(
    points=2,
    needs=["Outbound"],
    hints=[
        "Where does a fresh code stand in one line of 30,000?",
        "Two lines: codes before news. And look at `expires_s` when a message leaves, not when it comes.",
        "Two `deque`s; `take` goes through both, the codes first, pops what has expired, and returns the first that "
        "has not; None when both are empty.",
    ],
    takeaway="A backlog has an age, and some of it is worth nothing any more. Drop what has expired, by its own time "
    "and no other, and let what is urgent pass.",
)
def urgent_first_and_nothing_expired(answer: Answer) -> None:
    """Codes pass the backlog, nothing expired is sent, and nothing else is dropped"""
    backlog.judge_outbound(answer)


@check(
    points=2,
    needs=["admit"],
    hints=[
        "The last in the queue is served when all before it are. How long does that take?",
        "`waiting / per_s` is the wait in seconds. It must be less than 1 s, for those who may wait longest: the "
        "critical ones.",
        "`return waiting / per_s < (0.9 if critical else 0.5)`",
    ],
    takeaway="A queue longer than its callers' patience turns all work into waste. Refuse at the door, by the time "
    "that the queue stands for, and the unimportant first.",
)
def sheds_what_would_be_late(answer: Answer) -> str:
    """Under three times its load the server answers as many in time as it can, and the critical ones all"""
    return overload.judge_shed(answer)


@check(
    points=1,
    needs=["trigger"],
    hints=[
        "20 requests/s are to spare. How many must pile up before the next one waits longer than 1 s?",
        "More than 100 must wait. `(extra_per_s - 20) * for_s` is how many do.",
        "`(50, 4)`: 30/s pile up for 4 s, 120 in all. Look at it with `try_trigger(50, 4)`.",
    ],
    takeaway="A metastable failure: a small push moves the system into a state that feeds itself, here by retries of "
    "abandoned work, and it stays there after the push is over.",
)
def stays_down_after_its_trigger(answer: Answer) -> None:
    """A small trigger leaves the service down long after it is over"""
    overload.judge_trigger(answer.value("trigger"))


@check(
    points=1,
    needs=["safe_load_per_s"],
    hints=[
        "When nobody is answered in time, how many tries does each request make?",
        "The server must work off more than all tries together: 3 × load below 100.",
    ],
    takeaway="Above a third of its capacity this service is in the danger zone, however well it looks at 80. Fewer "
    "tries move the line: with two it is at half.",
)
def knows_the_safe_load(answer: Answer) -> None:
    """The largest load from which the service comes back by itself is named"""
    overload.judge_safe_load(answer.value("safe_load_per_s"))


@check(
    points=2,
    needs=["schedule"],
    hints=[
        "When does the colleague acknowledge a message that was not shown?",
        "On the fifth delivery. What keeps all of the first five from being shown, and how long does it take until "
        "then?",
        "The waits are 10, 20, 40 and 80 s: 150 s and a little. An outage of 200 s covers them.",
    ],
    takeaway="A counter of tries cannot tell a bad message from a bad provider. Give up on what is refused for good; "
    "for the rest hold back, and let only a person or a time to live give up.",
)
def breaks_the_colleague(answer: Answer) -> None:
    """The colleague's consumer loses a message that could have been shown"""
    review.disprove(answer.value("schedule"))
