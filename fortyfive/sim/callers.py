"""Many callers and one provider, in simulated time: what comes of policies to retry, to hold back and to shed."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from types import CoroutineType
from typing import Any, NamedTuple

from fortyfive.grading.child import call
from fortyfive.grading.report import Failure
from fortyfive.scenario.draws import Draws
from fortyfive.sim.story import brief
from fortyfive.sim.world import MILLISECOND, SECOND

# More than any policy can mean; it also keeps times within what a clock in nanoseconds holds.
MOST = 1e9

# A caller that has not come to its end by then never will.
MOST_TRIES = 60


class CallError(NamedTuple):
    """Why a call failed: its HTTP status, or None where no answer came, and how long the provider asked to wait."""

    status: int | None
    retry_after_s: float | None = None


DOWN = CallError(503)


def uniform(draws: Draws) -> float:
    """Return a number in [0, 1)."""
    return (draws.bits() >> 11) / (1 << 53)


def as_number(value: object, asked: str, what: str) -> float:
    """Return what a policy answered as a finite number of at least 0. Raises Failure where it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _no_answer(asked, value, what)
    if not 0 <= value < MOST:
        raise _no_answer(asked, value, f"{what}: finite, and at least 0")
    return float(value)


def as_answer(value: object, asked: str) -> bool:
    """Return what a policy answered, which must be True or False. Raises Failure where it is neither."""
    if type(value) is not bool:
        raise _no_answer(asked, value, "True or False, and nothing else")
    return value


def _no_answer(asked: str, value: object, what: str) -> Failure:
    if isinstance(value, CoroutineType):
        value.close()
        return Failure(f"{asked} returned a coroutine.", help="A plain function is asked for: `def`, without `async`.")
    # An address differs from run to run.
    shown = re.sub(r" at 0x[0-9a-fA-F]+", "", brief(value))
    return Failure(f"{asked} returned {shown}.", help=f"Return {what}.")


# --- retries


@dataclass(frozen=True)
class Crowd:
    """Callers with one request each, all made within `start_within_s`; each gets `error` until second `until_s`."""

    until_s: float
    error: CallError = DOWN
    callers: int = 300
    start_within_s: float = 0.1
    answer_s: float = 0.05
    seed: int = 0


class Tries(NamedTuple):
    """One caller's story: "done", "gave up" or "still trying", and when (ns) each of its tries arrived."""

    ended: str
    at_ns: list[int]


def herd(next_retry: Callable[[int, CallError, float], Any], crowd: Crowd) -> list[Tries]:
    """Let every caller try until it is done or `next_retry(attempt, error, draw)` gives None.

    Raises Failure where the policy returns anything but None or a number of seconds, LearnerError where it raises.
    """
    draws = Draws(crowd.seed)
    until_ns = round(crowd.until_s * SECOND)
    return [_tries(next_retry, crowd, draws, until_ns) for _ in range(crowd.callers)]


def _tries(policy: Callable[[int, CallError, float], Any], crowd: Crowd, draws: Draws, until_ns: int) -> Tries:
    now_ns = draws.below(round(crowd.start_within_s * SECOND))
    answer_ns = round(crowd.answer_s * SECOND)
    tries: list[int] = []
    for attempt in range(1, MOST_TRIES + 1):
        tries.append(now_ns)
        if now_ns >= until_ns:
            return Tries("done", tries)
        wait_s = wait_for(policy, attempt, crowd.error, uniform(draws))
        if wait_s is None:
            return Tries("gave up", tries)
        now_ns += answer_ns + round(wait_s * SECOND)
    return Tries("still trying", tries)


def wait_for(
    policy: Callable[[int, CallError, float], Any], attempt: int, error: CallError, draw: float
) -> float | None:
    """Ask a retry policy once. Raises Failure or LearnerError; see `herd`."""
    wait_s = call(policy, attempt, error, draw)
    if wait_s is None:
        return None
    asked = f"next_retry({attempt}, {error!r}, {draw!r})"
    return as_number(wait_s, asked, "a number of seconds to wait, or None to give up")


def busiest(at_ns: Iterable[int], window_ns: int) -> tuple[int, int]:
    """Return the most arrivals in any window of that length, and when (ns) the first such window begins."""
    recent: deque[int] = deque()
    most, begins_ns = 0, 0
    for now_ns in sorted(at_ns):
        recent.append(now_ns)
        while recent[0] <= now_ns - window_ns:
            recent.popleft()
        if len(recent) > most:
            most, begins_ns = len(recent), recent[0]
    return most, begins_ns


# --- retry budgets


def amplify(make: Callable[[], Any], requests: int, layers: int = 5, tries: int = 3) -> int:
    """Return how many calls reach the bottom when it answers none of them.

    Each request goes through `layers` services, which call one another and try up to `tries` times. Each has a budget,
    `make()`, hears of each request it gets (`request()`), and asks before each retry (`may_retry()`).
    """
    budgets = [make() for _ in range(layers)]
    reached = 0

    def ask(layer: int) -> None:
        nonlocal reached
        if layer == layers:
            reached += 1
            return
        budget = budgets[layer]
        call(budget.request)
        ask(layer + 1)
        for _ in range(tries - 1):
            if not as_answer(call(budget.may_retry), "may_retry()"):
                return
            ask(layer + 1)

    for _ in range(requests):
        ask(0)
    return reached


# --- breakers

# How long before an outage calls begin whose late answers come when a breaker has opened.
SLOW_BEFORE_NS = 400 * MILLISECOND


@dataclass(frozen=True)
class Traffic:
    """Calls of one service, `per_s` of them each second until `for_s`, all through one breaker.

    From `down_s` until `up_s` every call fails, `failing_s` after it began. Else it is answered within 0.2 s, and one
    in `error_one_in` fails; one in `slow_one_in` of those just before the outage is answered well, after 0.9 s. `lost`
    says of which calls the caller dies: "" none, "first" the first `dying` that are let through after one was refused,
    "first after" the first `dying` after the outage. `again_s` is a second outage, from when until when.
    """

    for_s: float
    down_s: float = math.inf
    up_s: float = math.inf
    per_s: int = 50
    failing_s: float = 0.05
    slow_one_in: int = 0
    error_one_in: int = 0
    lost: str = ""
    dying: int = 1
    again_s: tuple[float, float] = (math.inf, math.inf)
    seed: int = 0


class Guarded(NamedTuple):
    """What a breaker did. `let` are the calls let through from the outage on, as (start ns, end ns, ok or None).

    `refusals` are the times (ns) of the first and the last refusal of each unbroken row of them, and how many they are.
    None for ok: the caller died, and nobody heard of an answer.
    """

    calls: int
    let: list[tuple[int, int, bool | None]]
    refusals: list[tuple[int, int, int]]


def guard(breaker: Any, traffic: Traffic) -> Guarded:
    """Let calls go through a breaker: `allow(now_s)` before each, `record(ok, started_s, now_s)` after its answer.

    Raises Failure where `allow` returns neither True nor False, LearnerError where the breaker raises.
    """
    draws = Draws(traffic.seed)
    gap_ns = SECOND // traffic.per_s
    outages = [(_ns(traffic.down_s), _ns(traffic.up_s)), (_ns(traffic.again_s[0]), _ns(traffic.again_s[1]))]
    down_ns, up_ns = outages[0]
    pending: list[tuple[int, int, bool]] = []
    let: list[tuple[int, int, bool | None]] = []
    refusals: list[tuple[int, int, int]] = []
    refused_last = False
    to_lose = traffic.dying if traffic.lost else 0
    calls = round(traffic.for_s * traffic.per_s)
    for number in range(calls):
        # Never at the very moment of an answer, whose times are whole milliseconds.
        now_ns = number * gap_ns + 1_000
        while pending and pending[0][0] <= now_ns:
            end_ns, start_ns, ok = heappop(pending)
            call(breaker.record, ok, start_ns / SECOND, end_ns / SECOND)
        took_ns, ok = _answer(traffic, draws, now_ns, outages)
        if not as_answer(call(breaker.allow, now_ns / SECOND), f"allow({now_ns / SECOND!r})"):
            first_ns, _, count = refusals.pop() if refused_last else (now_ns, 0, 0)
            refusals.append((first_ns, now_ns, count + 1))
            refused_last = True
            continue
        refused_last = False
        end_ns = now_ns - 1_000 + took_ns
        dies = to_lose > 0 and bool(refusals) and (traffic.lost == "first" or now_ns >= up_ns)
        if dies:
            to_lose -= 1
        else:
            heappush(pending, (end_ns, now_ns, ok))
        if now_ns >= down_ns:
            let.append((now_ns, end_ns, None if dies else ok))
    return Guarded(calls, let, refusals)


def _answer(traffic: Traffic, draws: Draws, now_ns: int, outages: Sequence[tuple[int, int]]) -> tuple[int, bool]:
    """Return how long (ns) a call takes that begins now, and how it ends."""
    chance = draws.bits()
    if any(down_ns <= now_ns < up_ns for down_ns, up_ns in outages):
        return _ns(traffic.failing_s), False
    down_ns = outages[0][0]
    if traffic.slow_one_in and 0 < down_ns - now_ns < SLOW_BEFORE_NS and chance % traffic.slow_one_in == 0:
        return 900 * MILLISECOND, True
    ok = not traffic.error_one_in or chance % traffic.error_one_in != 0
    return (20 + (chance >> 32) % 180) * MILLISECOND, ok


def _ns(time_s: float) -> int:
    return 10**18 if time_s == math.inf else round(time_s * SECOND)


# --- a backlog, and a provider with a limit


@dataclass(frozen=True)
class Backlog:
    """Messages that come at `per_s`, a provider that takes `limit_per_s`, and is down from `down_s` until `up_s`.

    Above its limit it refuses; above `collapse` times the limit it falls over, and refuses everything for 30 s.
    """

    limit_per_s: int
    per_s: int = 25
    down_s: int = 60
    up_s: int = 1_260
    for_s: int = 2_160
    collapse: float = 2.0
    collapsed_for_s: int = 30
    seed: int = 0


class Second(NamedTuple):
    """One second of a drain: calls made and refused, messages left at its end, whether the provider fell over in it."""

    calls: int
    refused: int
    backlog: int
    collapsed: bool


def drain(controller: Any, backlog: Backlog) -> list[Second]:
    """Ask `calls_per_s(now_s, backlog, oldest_s, refused_share)` each second, and carry it out.

    `oldest_s` is the age of the oldest message, `refused_share` the share of the last second's calls that were refused
    (0 where there were none). Raises Failure where the answer is no number, LearnerError where the controller raises.
    """
    draws = Draws(backlog.seed)
    waiting: deque[list[int]] = deque()
    told: list[Second] = []
    total, share, carry, collapsed_until_s = 0, 0.0, 0.0, 0
    for now_s in range(backlog.for_s):
        come = backlog.per_s - 5 + draws.below(11)
        waiting.append([now_s, come])
        total += come
        oldest_s = now_s - waiting[0][0]
        rate = call(controller.calls_per_s, float(now_s), total, float(oldest_s), share)
        asked = f"calls_per_s({now_s:g}, {total}, {oldest_s:g}, {share:.3g})"
        # As many as wait are all that can be called for, and a pace that grows without a bound means no more.
        if isinstance(rate, (int, float)) and not isinstance(rate, bool) and rate > total:
            rate = total
        carry += as_number(rate, asked, "the number of calls for the next second")
        calls = min(total, int(carry))
        # Parts of a call add up; what was allowed and not needed does not.
        carry %= 1
        collapses = calls > backlog.collapse * backlog.limit_per_s and not _is_down(backlog, now_s, collapsed_until_s)
        if collapses:
            collapsed_until_s = now_s + backlog.collapsed_for_s
        down = _is_down(backlog, now_s, collapsed_until_s)
        taken = 0 if down else min(calls, backlog.limit_per_s)
        share = (calls - taken) / calls if calls else 0.0
        total -= taken
        _take(waiting, taken)
        told.append(Second(calls, calls - taken, total, collapses))
    return told


def _is_down(backlog: Backlog, now_s: int, collapsed_until_s: int) -> bool:
    return backlog.down_s <= now_s < backlog.up_s or now_s < collapsed_until_s


def _take(waiting: deque[list[int]], count: int) -> None:
    """Take that many messages off the old end of a queue of [when they came, how many]."""
    while count:
        took = min(count, waiting[0][1])
        waiting[0][1] -= took
        count -= took
        if not waiting[0][1]:
            waiting.popleft()


# --- a server, its queue, and callers who give up


@dataclass(frozen=True)
class Load:
    """What one server is asked, until `for_s`: `per_s` requests evenly, and `burst` more at once, `burst_every_s`.

    It works on `serves_per_s` in order of arrival. A caller gives up after `patience_s`, and the server does not know.
    """

    for_s: float
    per_s: float
    serves_per_s: int
    burst: int = 0
    burst_every_s: float = 2
    patience_s: float = 1
    seed: int = 0


class Served(NamedTuple):
    """How many requests came, were refused at once, and were answered in time; the same of the critical ones."""

    came: int
    refused: int
    in_time: int
    critical_came: int
    critical_refused: int
    critical_in_time: int


def shed(admit: Callable[[int, float, bool], Any], load: Load) -> Served:
    """Ask `admit(waiting, per_s, critical)` for each request that comes; one in ten is critical.

    Raises Failure where it returns neither True nor False, LearnerError where it raises.
    """
    draws = Draws(load.seed)
    service_ns = SECOND // load.serves_per_s
    patience_ns = round(load.patience_s * SECOND)
    begins: deque[int] = deque()
    free_ns = 0
    came, refused, in_time = [0, 0], [0, 0], [0, 0]
    for now_ns in _arrivals(load):
        while begins and begins[0] <= now_ns:
            begins.popleft()
        critical = draws.chance(1, 10)
        came[critical] += 1
        asked = f"admit({len(begins)}, {load.serves_per_s}, {critical})"
        if not as_answer(call(admit, len(begins), float(load.serves_per_s), critical), asked):
            refused[critical] += 1
            continue
        start_ns = max(now_ns, free_ns)
        free_ns = start_ns + service_ns
        begins.append(start_ns)
        in_time[critical] += free_ns - now_ns <= patience_ns
    return Served(sum(came), sum(refused), sum(in_time), came[True], refused[True], in_time[True])


def _arrivals(load: Load) -> list[int]:
    gap_ns = round(SECOND / load.per_s)
    evenly = [number * gap_ns for number in range(round(load.for_s * load.per_s))]
    every_ns = round(load.burst_every_s * SECOND)
    bursts = [at_ns for at_ns in range(every_ns, round(load.for_s * SECOND), every_ns) for _ in range(load.burst)]
    return sorted(evenly + bursts)


@dataclass(frozen=True)
class Storm:
    """A server as in `Load`, whose callers try `tries` times in all, each time at once after they gave up.

    From second 10 on `extra_per_s` more requests come for `extra_for_s`: the trigger.
    """

    per_s: float
    extra_per_s: float
    extra_for_s: float
    tries: int = 3
    serves_per_s: int = 100
    patience_s: float = 1
    for_s: int = 310


TRIGGER_AT_S = 10


def answered_shares(storm: Storm) -> Sequence[float]:
    """Return, for each second, the share of the requests first made in it that were answered in time by some try."""
    service_ns, patience_ns = SECOND // storm.serves_per_s, round(storm.patience_s * SECOND)
    came, answered = [0] * storm.for_s, [0] * storm.for_s
    free_ns = 0
    # All wait equally long before they try again, so the retries come in the order of the tries.
    retries: deque[tuple[int, int, int]] = deque()
    for first_ns in [*_with_trigger(storm), storm.for_s * SECOND]:
        while retries and retries[0][0] <= first_ns:
            now_ns, second, tries_left = retries.popleft()
            free_ns = max(now_ns, free_ns) + service_ns
            if free_ns - now_ns <= patience_ns:
                answered[second] += 1
            elif tries_left > 1:
                retries.append((now_ns + patience_ns, second, tries_left - 1))
        second = first_ns // SECOND
        if second == storm.for_s:
            break
        came[second] += 1
        free_ns = max(first_ns, free_ns) + service_ns
        if free_ns - first_ns <= patience_ns:
            answered[second] += 1
        elif storm.tries > 1:
            retries.append((first_ns + patience_ns, second, storm.tries - 1))
    return [done / asked if asked else 1.0 for done, asked in zip(answered, came, strict=True)]


def _with_trigger(storm: Storm) -> list[int]:
    evenly = _arrivals(Load(storm.for_s, storm.per_s, storm.serves_per_s))
    extra = _arrivals(Load(storm.extra_for_s, storm.extra_per_s, storm.serves_per_s)) if storm.extra_per_s else []
    return sorted(evenly + [at_ns + TRIGGER_AT_S * SECOND for at_ns in extra])
