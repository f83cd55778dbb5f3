"""How the breaker of exercise 09 is judged: by traffic that is healthy, that fails, and whose callers die."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from fortyfive.checks.failure_modes_drivers import alike, made
from fortyfive.grading.child import Load
from fortyfive.grading.diagram import CALL, DIES, EVENT, LOST, Diagram, Line
from fortyfive.grading.exercise import Answer
from fortyfive.grading.report import Failure
from fortyfive.sim.callers import Guarded, Traffic, guard
from fortyfive.sim.world import MILLISECOND, SECOND

DRIVER = "fortyfive.checks.failure_modes_breaker"
METHODS = {"allow": "self, now_s", "record": "self, ok, started_s, now_s"}

HEALTHY = Traffic(for_s=600, error_one_in=100)
REFUSING = Traffic(for_s=150, down_s=30, up_s=90, seed=1)
SILENT = Traffic(for_s=150, down_s=30, up_s=90, failing_s=1, seed=2)
LATE = Traffic(for_s=150, down_s=30, up_s=90, failing_s=0.05, slow_one_in=4, seed=3)
LONG = Traffic(for_s=700, down_s=30, up_s=640, seed=4)
PROBER_DIES = Traffic(for_s=100, down_s=30, up_s=40, lost="first", seed=5)
PROBER_DIES_LATER = Traffic(for_s=150, down_s=30, up_s=90, lost="first after", seed=6)
PROBERS_DIE = Traffic(for_s=180, down_s=30, up_s=120, lost="first", dying=3, seed=7)
TWICE = Traffic(for_s=270, down_s=30, up_s=90, again_s=(150, 210), seed=8)

OPENINGS = (REFUSING, SILENT, TWICE)
RECOVERIES = (REFUSING, SILENT, LATE, LONG, PROBER_DIES, PROBER_DIES_LATER, PROBERS_DIE, TWICE)

MOST_CALLS = 400
CALL_NS = SECOND  # the longest that a caller who lives waits for its answer
FLOWS_AGAIN_S, FLOWS_AGAIN_LOST_S = 15, 30

# How many steps before the one that matters a picture shows.
BEFORE = 12

FIRST_TIME = replace(TWICE, for_s=TWICE.again_s[0], again_s=(math.inf, math.inf))
SECOND_TIME = replace(TWICE, down_s=TWICE.again_s[0], up_s=TWICE.again_s[1], again_s=(math.inf, math.inf))

WHAT_FAILS = {
    REFUSING: "every call is refused within 50 ms",
    SILENT: "every call goes unanswered for 1 s",
    LATE: "every call is refused within 50 ms, and some calls from before are answered up to 0.9 s late",
    LONG: "every call is refused within 50 ms",
    PROBER_DIES: "the first caller that is let through after a refusal dies before its answer",
    PROBER_DIES_LATER: "the first caller that is let through after the outage dies before its answer",
    PROBERS_DIE: "the first three callers that are let through after a refusal die before their answer",
    FIRST_TIME: "every call is refused within 50 ms",
    SECOND_TIME: "every call is refused within 50 ms, in the second outage since the breaker was made",
}


def drive(load: Load, healthy: bool) -> list[Guarded]:
    """Send traffic through a breaker of the learner's (driver): the healthy and the failing, or all that recovers."""
    namespace = load()
    traffics = (HEALTHY, *OPENINGS) if healthy else RECOVERIES
    told = [guard(made(namespace, "Breaker", METHODS), traffic) for traffic in traffics]
    alike("Breaker", told[1], guard(made(namespace, "Breaker", METHODS), REFUSING if healthy else SILENT))
    return told


def judge_opening(answer: Answer) -> str:
    """Raise Failure where the breaker opens without need, or lets an outage have too many calls; return how many."""
    healthy, *down = [Guarded(*told) for told in answer.drive(f"{DRIVER}:drive", True)]
    if healthy.refusals:
        first_ns, _, _ = healthy.refusals[0]
        refused = sum(count for _, _, count in healthy.refusals)
        raise Failure(
            f"One call in a hundred failed, here and there, and in second {first_ns / SECOND:.1f} the breaker refused "
            f"the first: {refused:,} of {healthy.calls:,} calls in 10 minutes. None may be.",
            help="One failure is no outage. Open when many fail in a row, or most of the last ones, and let a success "
            "count against the failures before it.",
        )
    worst = 0
    for traffic, told in _outages(OPENINGS, down):
        let = _in_outage(traffic, told.let)
        worst = max(worst, len(let))
        if len(let) > MOST_CALLS:
            asked = round((traffic.up_s - traffic.down_s) * traffic.per_s)
            raise Failure(
                f"The provider was down for {traffic.up_s - traffic.down_s:g} s: {WHAT_FAILS[traffic]}. The breaker "
                f"let {len(let):,} of {asked:,} calls through; {MOST_CALLS} are the most.",
                help=_why_so_many(traffic, told),
            )
    return f"Here at most {worst:,} calls got through in an outage."


def _why_so_many(traffic: Traffic, told: Guarded) -> str:
    if traffic is SECOND_TIME:
        return "It did better in the first outage. What has to be as in a new breaker, once it has closed?"
    if not told.refusals:
        return "It never opened. When do you stop saying True?"
    return (
        "It opened too late, too rarely, or for too short a time. How many calls get through each time it is half-open?"
    )


def judge_recovery(answer: Answer) -> str:
    """Raise Failure where two probes are under way at a time, or calls do not flow again; return how soon they do."""
    told = [Guarded(*one) for one in answer.drive(f"{DRIVER}:drive", False)]
    worst_s = 0.0
    for traffic, one in _outages(RECOVERIES, told):
        _one_at_a_time(traffic, one)
        worst_s = max(worst_s, _flows_again(traffic, one))
    return f"Here calls flowed again {worst_s:.1f} s after the end of an outage at the latest."


def _outages(traffics: Sequence[Traffic], told: Sequence[Guarded]) -> Iterator[tuple[Traffic, Guarded]]:
    """Yield each traffic and what the breaker did in it; of two outages each as a traffic of its own."""
    for traffic, one in zip(traffics, told, strict=True):
        if traffic is not TWICE:
            yield traffic, one
            continue
        split_ns = round(SECOND_TIME.down_s * SECOND)
        for part, second in ((FIRST_TIME, False), (SECOND_TIME, True)):
            let = [call for call in one.let if (call[0] >= split_ns) is second]
            yield part, Guarded(one.calls, let, [row for row in one.refusals if (row[0] >= split_ns) is second])


def _in_outage(traffic: Traffic, let: Sequence[tuple[int, int, bool | None]]) -> list[tuple[int, int, bool | None]]:
    return [one for one in let if one[0] < round(traffic.up_s * SECOND)]


def _one_at_a_time(traffic: Traffic, told: Guarded) -> None:
    """Refuse a call that was let through, in the outage and after the breaker had opened, beside one under way."""
    opened_ns = told.refusals[0][0] if told.refusals else 10**18
    probes = [one for one in _in_outage(traffic, told.let) if one[0] > opened_ns]
    for number, (start_ns, end_ns, ok) in enumerate(probes[:-1]):
        # Of a caller that died nobody knows for longer than a call can take.
        over_ns = start_ns + CALL_NS if ok is None else end_ns
        later_ns = probes[number + 1][0]
        if later_ns < over_ns:
            late = traffic is LATE and start_ns < opened_ns + CALL_NS
            raise Failure(
                f"The provider was down from second {traffic.down_s:g} on: {WHAT_FAILS[traffic]}. The breaker had "
                f"refused a call in second {opened_ns / SECOND:.2f}; then it let one through in second "
                f"{start_ns / SECOND:.2f}, and another in second {later_ns / SECOND:.2f}, before the first was "
                "answered. One at a time is promised.",
                help="A success of a call that began before the breaker opened says nothing about now: compare "
                "`started_s`."
                if late
                else "Half-open lets one probe through, and refuses everybody until that one is answered.",
                diagram=_picture(
                    traffic, told, later_ns, "Two calls under way while the breaker tries whether it may close"
                ),
            )


def _flows_again(traffic: Traffic, told: Guarded) -> float:
    """Return for how long (s) after the outage calls were still refused. Raises Failure where that is too long."""
    up_ns = round(traffic.up_s * SECOND)
    last_ns = told.refusals[-1][1] if told.refusals else 0
    limit_s = FLOWS_AGAIN_LOST_S if traffic.lost else FLOWS_AGAIN_S
    if last_ns <= up_ns + limit_s * SECOND:
        return max(0.0, (last_ns - up_ns) / SECOND)
    end_ns = round(traffic.for_s * SECOND)
    refused_to_the_end = end_ns - last_ns < SECOND
    answered = [end_ns for start_ns, end_ns, ok in told.let if ok and start_ns >= up_ns]
    if traffic.lost:
        advice = (
            "A caller may die with its answer: nobody records it then. An answer takes 1 s at the most; after that "
            "give the place to another probe."
        )
    elif not any(one[0] > told.refusals[0][0] for one in told.let):
        advice = (
            "Once open it stays open. Let one call through after a while, by `now_s`: the time is simulated, and the "
            "machine's own clock hardly moves here."
        )
    elif answered and answered[0] < last_ns - CALL_NS:
        advice = "A probe was answered, and the breaker refused all the same. What has to be forgotten when it closes?"
    else:
        advice = "Wait less before the next probe; where the wait grows each time, put a cap on it."
    said = "still refused calls at the end" if refused_to_the_end else "refused its last call"
    raise Failure(
        f"The provider was up again in second {traffic.up_s:g}{_and_who_died(traffic)}. The breaker {said}, in second "
        f"{last_ns / SECOND:.0f}; {limit_s} s after the outage calls must flow.",
        help=advice,
        diagram=_picture(traffic, told, last_ns, f"The last steps; the provider is up from second {traffic.up_s:g} on"),
    )


def _and_who_died(traffic: Traffic) -> str:
    return f"; {WHAT_FAILS[traffic]}" if traffic.lost else ""


def _picture(traffic: Traffic, told: Guarded, until_ns: int, title: str) -> Diagram:
    steps = sorted(_steps(told, until_ns), key=lambda step: step[0])
    opened_ns = told.refusals[0][0]
    shown = [step for step in steps if step[0] >= opened_ns - 100 * MILLISECOND][-BEFORE:]
    return Diagram(title, ("caller", "breaker", "provider"), tuple(line for _, line in shown))


def _steps(told: Guarded, until_ns: int) -> Iterator[tuple[int, Line]]:
    for first_ns, last_ns, count in told.refusals:
        if first_ns <= until_ns:
            calls = "1 call" if count == 1 else f"{count:,} calls, until second {last_ns / SECOND:.2f}"
            yield first_ns, Line(first_ns / SECOND, "caller", "breaker", f"refused: {calls}", LOST)
    for start_ns, end_ns, ok in told.let:
        if start_ns > until_ns:
            continue
        yield start_ns, Line(start_ns / SECOND, "caller", "provider", "let through", CALL)
        if end_ns <= until_ns and ok is None:
            yield end_ns, Line(end_ns / SECOND, "caller", "caller", "dies: nobody hears the answer", DIES)
        elif end_ns <= until_ns:
            how = "answered" if ok else "failed"
            said = f"the call of second {start_ns / SECOND:.2f} {how}"
            yield end_ns, Line(end_ns / SECOND, "breaker", "breaker", said, EVENT)
