"""How exercise 09 judges load shedding, and the trigger after which a service with retries stays down."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fortyfive.checks.failure_modes_drivers import learners
from fortyfive.grading.child import Load as Loader
from fortyfive.grading.exercise import Answer
from fortyfive.grading.report import Failure
from fortyfive.sim.callers import TRIGGER_AT_S, Load, Served, Storm, answered_shares, shed

DRIVER = "fortyfive.checks.failure_modes_overload"

# --- shedding

CALM = Load(for_s=60, per_s=60, serves_per_s=100, burst=20)
OVERLOAD = Load(for_s=60, per_s=300, serves_per_s=100, seed=1)
SLOW = Load(for_s=60, per_s=150, serves_per_s=40, seed=2)
# No number of requests is both long enough for the bursts of the first server and short enough for this one.
SLOWEST = Load(for_s=60, per_s=60, serves_per_s=20, seed=3)
LOADS = (CALM, OVERLOAD, SLOW, SLOWEST)
GOODPUT, CRITICAL = 0.9, 0.99


def drive_shed(load: Loader) -> list[Served]:
    """Let the learner's `admit` stand before a server under each of `LOADS` (driver); return what came of it."""
    namespace = load()
    admit = learners(namespace, "admit", "a function")
    served = [shed(admit, one) for one in LOADS]
    again = learners(load(), "admit", "a function")
    # One load can come out alike by chance.
    if served[1:] != [shed(again, one) for one in LOADS[1:]]:
        raise Failure(
            "`admit` decided otherwise when the same requests came again.",
            help="Leave `random` and the clock out. What decides is in the three arguments.",
        )
    return served


def judge_shed(answer: Answer) -> str:
    """Raise Failure at the first load under which too little is answered in time; return what overload leaves."""
    calm, overload, slow, slowest = (Served(*one) for one in answer.drive(f"{DRIVER}:drive_shed"))
    if calm.refused:
        raise Failure(
            f"The server was asked {calm.came / CALM.for_s:.0f} requests/s on average, of {CALM.serves_per_s} that it "
            f"can do, some of them {CALM.burst} at once. You refused {calm.refused:,} of {calm.came:,}; none need be.",
            help="A burst waits for a moment and is done. How long may a request wait and still be of use?",
        )
    for load, served in ((OVERLOAD, overload), (SLOW, slow), (SLOWEST, slowest)):
        _enough(load, served)
    for load, served in ((OVERLOAD, overload), (SLOW, slow)):
        _critical_ones(load, served)
    share = min(1.0, overload.in_time / (OVERLOAD.serves_per_s * OVERLOAD.for_s))
    return f"Under the overload yours answers {share:.0%} of what the server can do in time."


def _world(load: Load) -> str:
    return f"{load.per_s} requests/s came to a server that can do {load.serves_per_s}"


def _enough(load: Load, served: Served) -> None:
    possible = load.serves_per_s * load.for_s
    taken = served.came - served.refused
    if served.in_time < GOODPUT * possible:
        # Sooner than anything else: a server that idles has refused too many, one that is late has taken too many.
        late = taken - served.in_time
        advice = (
            "Who waits behind more requests than the server does in a second is served, and has gone by then: work for "
            "nobody. How many may wait, at this `per_s`?"
            if late > 0.1 * possible
            else "The server had nothing to do while you refused. How many may wait and still be served within 1 s?"
        )
        raise Failure(
            f"{_world(load)}: {served.in_time / load.for_s:.0f} a second were answered within 1 s; at least "
            f"{GOODPUT * load.serves_per_s:.0f} are promised. You let {taken:,} in, and {late:,} of them were answered "
            "too late.",
            help=advice,
        )


def _critical_ones(load: Load, served: Served) -> None:
    if served.critical_in_time < CRITICAL * served.critical_came:
        raise Failure(
            f"{_world(load)}: of {served.critical_came:,} critical requests {served.critical_in_time:,} were answered "
            f"within 1 s, and {served.critical_refused:,} were refused; {CRITICAL:.0%} are promised.",
            help="Keep room for them: let the others in only while fewer wait than for a critical one."
            if 2 * served.critical_refused > served.critical_came - served.critical_in_time
            else "You let them in, and they were late. The one that is let in last must still be done within 1 s.",
        )


# --- a system that stays down

SERVES_PER_S, USUAL_PER_S, TRIES = 100, 80, 3
MOST_EXTRA, MOST_FOR_S = 500, 10
STAYS_DOWN_S = 240
DOWN_SHARE, UP_SHARE = 0.1, 0.99
# What a safe load must survive, and by when it must be back.
WORST, BACK_WITHIN_S = (500, 1), 1_200
# The largest load that comes back is 33/s; this far below it is near enough.
SAFE_FROM = 30


@lru_cache(maxsize=32)
def shares(per_s: float, extra_per_s: float, for_s: float, tries: int = TRIES, until_s: int = 310) -> tuple[float, ...]:
    """Return the share of requests that is answered in time, for each second; the trigger comes in second 10."""
    return tuple(answered_shares(Storm(per_s, extra_per_s, for_s, tries=tries, for_s=until_s)))


def try_trigger(extra_per_s: float, for_s: float, per_s: float = USUAL_PER_S, tries: int = TRIES) -> str:
    """Return a line on how the service fares: the share of requests answered in time, before the trigger and after.

    Raises ValueError for a trigger that the task does not allow.
    """
    if wrong := _not_allowed(extra_per_s, for_s):
        raise ValueError(wrong)
    found = shares(min(per_s, 2 * SERVES_PER_S), extra_per_s, for_s, tries)
    marks = (5, TRIGGER_AT_S + int(for_s), 60, 120, 180, 240, 300)
    return ", ".join(f"second {mark}: {found[mark]:.0%}" for mark in marks)


def _not_allowed(extra_per_s: float, for_s: float) -> str:
    if extra_per_s * for_s <= MOST_EXTRA and for_s <= MOST_FOR_S:
        return ""
    return (
        f"{extra_per_s:g} requests/s more for {for_s:g} s are {extra_per_s * for_s:,.0f} requests; {MOST_EXTRA} are "
        f"allowed, within {MOST_FOR_S} s."
    )


def judge_trigger(given: Any) -> None:
    """Raise Failure unless the trigger is small and leaves the service down long after it is over."""
    extra_per_s, for_s = _read_trigger(given)
    if wrong := _not_allowed(extra_per_s, for_s):
        raise Failure(wrong, help="It takes less than that.")
    found = shares(USUAL_PER_S, extra_per_s, for_s)
    mark = TRIGGER_AT_S + int(for_s) + STAYS_DOWN_S
    if found[mark] > DOWN_SHARE:
        worst = min(found)
        raise Failure(
            f"{STAYS_DOWN_S // 60} minutes after your trigger the service answers {found[mark]:.0%} of its requests in "
            f"time. The worst second had {worst:.0%}: it was never down.",
            help="The server can do 100/s and gets 80 already. How many must wait before the next one waits for longer "
            "than its caller does? From then on each request comes three times.",
        )


def _read_trigger(given: Any) -> tuple[float, float]:
    match given:
        case (int() | float() as extra_per_s, int() | float() as for_s) if 0 < extra_per_s < 1e6 and 0 < for_s < 1e6:
            return extra_per_s, for_s
    raise Failure(
        f"`trigger` is {given!r}, and it should be two numbers above 0.",
        help="For example (30, 2): 30 requests/s more, for 2 s.",
    )


def judge_safe_load(given: Any) -> None:
    """Raise Failure unless the load is one that comes back by itself, and nearly the largest such."""
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given < 1e6:
        raise Failure(f"`safe_load_per_s` is {given!r}, and it should be a number of requests/s.")
    told = f"At {given:g} requests/s, {WORST[0]} more within {WORST[1]} s"
    if given < SAFE_FROM:
        raise Failure(
            f"{told} pass, and so they do at more than that: you would pay for servers that you do not need.",
            help=f"It comes back as long as {SERVES_PER_S}/s are more than all tries of all requests together.",
        )
    # Above what the server can do at all a larger number says nothing more.
    found = shares(min(given, SERVES_PER_S), *WORST, until_s=TRIGGER_AT_S + BACK_WITHIN_S)
    if found[-1] < UP_SHARE:
        raise Failure(
            f"{told}, and {BACK_WITHIN_S // 60} minutes later {found[-1]:.0%} of the requests are answered in time.",
            help="While nobody is answered in time every request comes three times. Does the server work off more than "
            "that?",
        )
