"""How the retry policy and the retry budget of exercise 09 are judged: asked one by one, and among many callers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from fortyfive.checks.failure_modes_drivers import alike, learners, made
from fortyfive.grading.child import Load, call
from fortyfive.grading.diagram import CALL, EVENT, Diagram, Line
from fortyfive.grading.exercise import Answer
from fortyfive.grading.report import Failure
from fortyfive.scenario.draws import Draws
from fortyfive.sim.callers import CallError, Crowd, Tries, amplify, as_answer, busiest, herd, wait_for
from fortyfive.sim.world import MILLISECOND, SECOND

DRIVER = "fortyfive.checks.failure_modes_retries"

PASSING = (CallError(503), CallError(429), CallError(None))
PERMANENT = (CallError(400), CallError(404), CallError(410))
ASKING = (CallError(429, 20), CallError(503, 7.5))
GRID = [
    (attempt, error, draw)
    for attempt in range(1, 21)
    for error in (*PASSING, *PERMANENT, *ASKING)
    for draw in (0.0, 0.3, 0.7, 0.999)
]

LONGEST_WAIT_S = 60
MOST_TRIES = 15
# The share of callers (in percent) that a hiccup may not hold up, and for how long.
HICCUP_S, OVER_S, MOST_OF_THEM = 0.5, 3, 80
LONG_S = 20
WINDOW_NS, MOST_AT_ONCE = 100 * MILLISECOND, 150
ASKED_S = 5

HICCUP = Crowd(HICCUP_S)
OUTAGES = (Crowd(1, seed=1), Crowd(3, seed=2), Crowd(8, seed=3), Crowd(LONG_S, seed=4))
ASKED = tuple(Crowd(4, CallError(status, ASKED_S), seed=5) for status in (429, 503))
# With the same draws for each error: a policy that does not look at it does the same each time.
LONG = tuple(Crowd(LONG_S, error) for error in PASSING)
FOR_EVER = tuple(Crowd(1e6, error) for error in (*PASSING, *(crowd.error for crowd in ASKED)))
SPREAD = (*OUTAGES, *(replace(crowd, error=error) for error in PASSING[1:] for crowd in OUTAGES[1:3]), *ASKED)
CROWDS = (*FOR_EVER, *LONG, HICCUP, *SPREAD)

# How many callers a picture shows.
SHOWN, SHOWN_LINES = 3, 40


def drive_policy(load: Load) -> list[tuple[float | None, float | None]]:
    """Ask `next_retry` everything in `GRID`, and once more from the end (driver); return both answers to each."""
    policy = learners(load(), "next_retry", "a function")
    once = [wait_for(policy, *asked) for asked in GRID]
    again = [wait_for(policy, *asked) for asked in reversed(GRID)]
    return list(zip(once, reversed(again), strict=True))


def drive_herd(load: Load) -> list[list[tuple[str, list[int]]]]:
    """Let the callers of each of `CROWDS` use `next_retry` (driver); return their `Tries`."""
    policy = learners(load(), "next_retry", "a function")
    return [[(one.ended, one.at_ns) for one in herd(policy, crowd)] for crowd in CROWDS]


def judge_policy(answer: Answer) -> None:
    """Raise Failure at the first single answer of `next_retry` that is no good."""
    answers = answer.drive(f"{DRIVER}:drive_policy")
    for (attempt, error, draw), (wait_s, again_s) in zip(GRID, answers, strict=True):
        asked = f"next_retry({attempt}, {error!r}, {draw!r})"
        if wait_s != again_s:
            raise Failure(
                f"{asked} returned {wait_s!r}, and {again_s!r} when it was asked again.",
                help="The answer may depend on the three arguments only. Chance comes from `draw`; the clock, `random` "
                "and variables outside the function do not belong here: one function serves all callers.",
            )
        if error in PERMANENT and wait_s is not None:
            raise Failure(
                f"{asked} returned {wait_s:g}: the call would be made again.",
                help=f"{error.status} is final: the same call gets the same answer. Give up at once, with None.",
            )
        if wait_s is None:
            continue
        wish_s = error.retry_after_s or 0
        if wait_s < wish_s:
            raise Failure(
                f"{asked} returned {wait_s:g}, and the provider asked for {wish_s:g} s.",
                help="`error.retry_after_s` is the least that you wait, unless you give up.",
            )
        if wait_s > wish_s + LONGEST_WAIT_S:
            beyond = f" beyond the {wish_s:g} s that the provider asked for" if wish_s else ""
            raise Failure(
                f"{asked} returned {wait_s:,.0f}: {wait_s - wish_s:,.0f} s of waiting{beyond}; {LONGEST_WAIT_S} s are "
                "the most.",
                help="What doubles each time is soon longer than any outage. Put a cap on it: `min(cap, ...)`.",
            )


def judge_herd(answer: Answer) -> None:
    """Raise Failure at the first promise that three hundred callers with this policy do not keep."""
    told = [[Tries(*one) for one in crowd] for crowd in answer.drive(f"{DRIVER}:drive_herd")]
    stories = dict(zip(CROWDS, told, strict=True))
    for crowd in FOR_EVER:
        _bounded(crowd, stories[crowd])
    for crowd in (*LONG, *ASKED):
        _patient(crowd, stories[crowd])
    _quick(stories[HICCUP])
    for crowd in SPREAD:
        _spread(crowd, stories[crowd])


def _answered(error: CallError) -> str:
    said = "did not answer anybody" if error.status is None else f"answered {error.status} to all"
    return said if error.retry_after_s is None else f"{said} and asked each to wait for {error.retry_after_s:g} s"


def _bounded(crowd: Crowd, tries: list[Tries]) -> None:
    worst = max(tries, key=lambda one: len(one.at_ns))
    if len(worst.at_ns) > MOST_TRIES:
        never = worst.ended == "still trying"
        said = f"made {len(worst.at_ns)} tries and went on" if never else f"made {len(worst.at_ns)} tries"
        raise Failure(
            f"The provider stayed down: it {_answered(crowd.error)}. A caller {said}; {MOST_TRIES} tries are the most, "
            "the first one included.",
            help="Return None once `attempt` is large enough, whatever the error.",
            diagram=_one_caller(crowd, worst, "One caller, and a provider that stays down"),
        )


def _patient(crowd: Crowd, tries: list[Tries]) -> None:
    lost = sorted((one for one in tries if one.ended != "done"), key=lambda one: one.at_ns[-1])
    if lost:
        first = lost[0]
        after_s = first.at_ns[-1] / SECOND
        raise Failure(
            f"The provider was down for {crowd.until_s:g} s: it {_answered(crowd.error)}. {len(lost)} of {len(tries)} "
            f"callers gave up meanwhile: the first after {len(first.at_ns)} "
            f"{'try' if len(first.at_ns) == 1 else 'tries'}, in second {after_s:.1f}.",
            help="429, 503 and silence pass: try again."
            if len(first.at_ns) == 1
            else f"Add up the waits of all tries, the short draws included: do they cover {crowd.until_s:g} s? "
            f"{MOST_TRIES} tries are allowed, and a cap that is too low makes every one of them short.",
            diagram=_one_caller(
                crowd, first, f"The first caller that gave up; the provider is back in second {crowd.until_s:g}"
            ),
        )


def _quick(tries: list[Tries]) -> None:
    soon = sum(one.ended == "done" and one.at_ns[-1] <= OVER_S * SECOND for one in tries)
    if 100 * soon < MOST_OF_THEM * len(tries):
        slow = max(tries, key=lambda one: one.at_ns[-1])
        raise Failure(
            f"The provider hiccupped for {HICCUP_S:g} s, and {OVER_S} s after the start only {soon} of {len(tries)} "
            f"callers were done; {MOST_OF_THEM * len(tries) // 100} are promised.",
            help="The first wait must be short, and it may: it is the later ones that have to be long.",
            diagram=_one_caller(HICCUP, slow, f"The slowest caller; the provider is back in second {HICCUP_S:g}"),
        )


def _at_once(tries: list[Tries], from_ns: int) -> tuple[int, float]:
    """Return the most calls within the window from a time on, and the second in which it begins."""
    most, begins_ns = busiest([at_ns for one in tries for at_ns in one.at_ns if at_ns >= from_ns], WINDOW_NS)
    return most, begins_ns / SECOND


def _spread(crowd: Crowd, tries: list[Tries]) -> None:
    most, begins_s = _at_once(tries, round(crowd.until_s * SECOND))
    if most > MOST_AT_ONCE:
        raise Failure(
            f"The provider was down for {crowd.until_s:g} s: it {_answered(crowd.error)}. In second {begins_s:.2f}, "
            f"when it was back, {most} of {len(tries)} callers called it within 100 ms; {MOST_AT_ONCE} are the most.",
            help=_how_to_spread(crowd, tries),
            diagram=_callers(crowd, tries, f"{SHOWN} of {len(tries)} callers"),
        )


def _how_to_spread(crowd: Crowd, tries: list[Tries]) -> str:
    if len({one.at_ns[1] - one.at_ns[0] for one in tries if len(one.at_ns) > 1}) > 1:
        return "There is some jitter, and it is too little: spread the callers over the whole wait, not over its edge."
    if crowd.error.retry_after_s is None:
        return "All who failed together come back together: the waits do not depend on `draw`."
    return (
        "Who was asked to wait for the same time comes back at the same time. Wait as long as you were asked, and add "
        "jitter on top."
    )


def _answer_in(crowd: Crowd, at_ns: int) -> str:
    if at_ns >= round(crowd.until_s * SECOND):
        return "done"
    return "no answer" if crowd.error.status is None else str(crowd.error.status)


def _one_caller(crowd: Crowd, tries: Tries, title: str) -> Diagram:
    lines = []
    for number, at_ns in enumerate(tries.at_ns[:MOST_TRIES], start=1):
        lines.append(Line(at_ns / SECOND, "caller", "provider", f"try {number} -> {_answer_in(crowd, at_ns)}", CALL))
    if tries.ended == "gave up":
        lines.append(Line(tries.at_ns[-1] / SECOND + crowd.answer_s, "caller", "caller", "gives up", EVENT))
    return Diagram(title, ("caller", "provider"), tuple(lines))


def _callers(crowd: Crowd, tries: Sequence[Tries], title: str) -> Diagram:
    steps = sorted(
        (at_ns, caller, number)
        for caller, one in enumerate(tries[:SHOWN], start=1)
        for number, at_ns in enumerate(one.at_ns, start=1)
    )
    lines = tuple(
        Line(at_ns / SECOND, f"caller {caller}", "provider", f"try {number} -> {_answer_in(crowd, at_ns)}", CALL)
        for at_ns, caller, number in steps[:SHOWN_LINES]
    )
    return Diagram(title, (*(f"caller {number + 1}" for number in range(SHOWN)), "provider"), lines)


# --- the budget

SHARE, BURST = 0.1, 10
METHODS = {"request": "self", "may_retry": "self"}
# Requests that all fail, through five layers of three tries each.
REQUESTS = 1_000

Story = tuple[float, int, list[tuple[str, int]]]
"""A share, a burst, and what happens to a budget made of them: rows of requests and of wishes to retry."""

WRITTEN: tuple[Story, ...] = (
    (0.1, 10, [("retry", 12)]),
    (0.1, 10, [("retry", 10), ("request", 9), ("retry", 1), ("request", 3), ("retry", 3)]),
    (0.1, 10, [("request", 2_000), ("retry", 40)]),
    (0.1, 10, [("retry", 10), ("request", 55), ("retry", 20), ("request", 300), ("retry", 40)]),
    (0.5, 3, [("retry", 5), ("request", 1), ("retry", 2), ("request", 1), ("retry", 2), ("request", 1), ("retry", 1)]),
    (0.2, 5, [("request", 1), ("retry", 2)] * 30),
)


def stories() -> list[Story]:
    """Return the stories that a budget is judged by, the shortest first."""
    drawn = []
    for seed in range(40):
        draws = Draws(seed)
        share, burst = draws.choice(((0.1, 10), (0.2, 5), (0.05, 20), (0.5, 3)))
        rows = [
            ("retry", 1 + draws.below(2 * burst)) if number % 2 else ("request", 1 + draws.below(60))
            for number in range(draws.below(2), 3 + draws.below(8))
        ]
        drawn.append((share, burst, rows))
    return sorted((*WRITTEN, *drawn), key=lambda story: sum(count for _, count in story[2]))


def drive_budget(load: Load) -> tuple[list[list[bool]], int]:
    """Play each of `stories` with a budget of its own (driver); return its answers to the wishes to retry.

    Also return how many calls reach the bottom of five layers with a budget each, when `REQUESTS` fail.
    """
    namespace = load()
    found = [_play(namespace, story) for story in stories()]
    alike("RetryBudget", found[0], _play(namespace, stories()[0]))
    return found, amplify(lambda: made(namespace, "RetryBudget", METHODS, SHARE, BURST), REQUESTS)


def _play(namespace: dict[str, Any], story: Story) -> list[bool]:
    share, burst, rows = story
    budget = made(namespace, "RetryBudget", METHODS, share, burst)
    answers = []
    for what, count in rows:
        for _ in range(count):
            if what == "request":
                call(budget.request)
            else:
                answers.append(as_answer(call(budget.may_retry), "may_retry()"))
    return answers


def judge_budget(answer: Answer) -> str:
    """Raise Failure at the first answer that a bucket of tokens would not have given; return how retries add up.

    Each answer is judged by the tokens that the learner's own earlier answers have left. A sum of floats may come out
    just below a whole token, so a refusal is wrong only when a token and one more share are there. Where no share has
    been added yet, or floats add it up exactly, a token is enough.
    """
    told, reached = answer.drive(f"{DRIVER}:drive_budget")
    for (share, burst, rows), given in zip(stories(), told, strict=True):
        part, tokens, answers = Fraction(str(share)), Fraction(burst), iter(given)
        needed = Fraction(1)
        for number, (what, count) in enumerate(rows):
            for done in range(count):
                if what == "request":
                    tokens = min(Fraction(burst), tokens + part)
                    needed = Fraction(1) if part == Fraction(share) else min(1 + part, Fraction(burst))
                    continue
                allowed = next(answers)
                if allowed and tokens < 1:
                    raise _too_generous(share, burst, [*rows[:number], (what, done + 1)], tokens)
                if not allowed and tokens >= needed:
                    raise _too_strict(share, burst, [*rows[:number], (what, done + 1)], tokens)
                tokens -= allowed
    times = reached / REQUESTS
    return (
        f"Here {REQUESTS:,} failing requests became {reached:,} calls at the bottom of five layers: {times:.2f} times."
    )


def _told(share: float, burst: int, rows: Sequence[tuple[str, int]]) -> str:
    said = [
        f"{count:,} {what if count == 1 else {'request': 'requests', 'retry': 'retries'}[what]}" for what, count in rows
    ]
    more = f"{len(said) - 8} rows before, then " if len(said) > 8 else ""
    return f"RetryBudget({share:g}, {burst}), asked for {more}{', '.join(said[-8:])}"


def _too_generous(share: float, burst: int, rows: list[tuple[str, int]], tokens: Fraction) -> Failure:
    before = [count for what, count in rows[:-1] if what == "request"]
    if not before:
        advice = f"Nothing but the burst of {burst} was there. What takes a token out of the bucket?"
    elif max(before) * share > burst:
        advice = f"A bucket has a rim: after many requests without a failure it holds {burst} tokens and no more."
    else:
        advice = f"A request adds {share:g} of a token, a retry takes a whole one, and nothing else adds any."
    return Failure(
        f"{_told(share, burst, rows)}: the last retry was allowed, with {float(tokens):g} tokens left.", help=advice
    )


def _too_strict(share: float, burst: int, rows: list[tuple[str, int]], tokens: Fraction) -> Failure:
    last = "One whole token is enough: the last one is there to be used as well."
    if any(what == "request" for what, _ in rows):
        advice = f"Each request adds {share:g} of a token, up to {burst}, and a retry needs one."
        advice = f"{advice} {last}" if tokens == 1 else advice
    else:
        advice = last if tokens == 1 else f"The bucket is full at the start: it holds {burst} tokens."
    return Failure(
        f"{_told(share, burst, rows)}: the last retry was refused, with {float(tokens):g} tokens left.", help=advice
    )
