"""How exercise 09 judges what works off a backlog: the pace after an outage, and what leaves first and what never."""

from __future__ import annotations

from typing import Any, NamedTuple

from fortyfive.checks.failure_modes_drivers import alike, made
from fortyfive.grading.child import Load, call
from fortyfive.grading.exercise import Answer
from fortyfive.grading.report import Failure
from fortyfive.sim.callers import Backlog, Second, drain

DRIVER = "fortyfive.checks.failure_modes_backlog"

# --- the pace

PACE = {"calls_per_s": "self, now_s, backlog, oldest_s, refused_share"}

# What the small limit tolerates is too little for the middle one: no constant keeps both promises.
SMALL, MIDDLE, LARGE = Backlog(limit_per_s=45), Backlog(limit_per_s=100, seed=1), Backlog(limit_per_s=250, seed=2)
BACKLOGS = (SMALL, MIDDLE, LARGE)
GONE, GONE_WITHIN_S = 100, 900
OVER_LIMIT, OVER_WINDOW_S = 1.2, 10
# From the second minute of the outage on.
MOST_WHILE_DOWN_PER_S = 10


def drive_drain(load: Load) -> list[list[Second]]:
    """Let a controller of the learner's work off each of `BACKLOGS` (driver); return what happened each second."""
    namespace = load()
    told = [drain(made(namespace, "Drain", PACE), backlog) for backlog in BACKLOGS]
    alike("Drain", told[0], drain(made(namespace, "Drain", PACE), SMALL))
    return told


def judge_drain(answer: Answer) -> str:
    """Raise Failure at the first promise that a pace does not keep; return how long the slowest drain took."""
    told = [[Second(*one) for one in seconds] for seconds in answer.drive(f"{DRIVER}:drive_drain")]
    for backlog, seconds in zip(BACKLOGS, told, strict=True):
        _calm_while_down(backlog, seconds)
        _no_second_collapse(backlog, seconds)
        _within_the_limit(backlog, seconds)
    slowest = max(_gone(backlog, seconds) for backlog, seconds in zip(BACKLOGS[1:], told[1:], strict=True))
    return f"Here the backlog was gone {slowest / 60:.1f} minutes after the outage."


def _calm_while_down(backlog: Backlog, seconds: list[Second]) -> None:
    from_s = backlog.down_s + 60
    calls = sum(one.calls for one in seconds[from_s : backlog.up_s])
    span_s = backlog.up_s - from_s
    if calls > MOST_WHILE_DOWN_PER_S * span_s:
        raise Failure(
            f"The provider was down from second {backlog.down_s} to {backlog.up_s}, and from its second minute on you "
            f"called it {calls:,} times: {calls / span_s:,.0f} a second; {MOST_WHILE_DOWN_PER_S} are the most.",
            help="When all calls are refused (`refused_share` is 1), a few a second are enough to notice that it is "
            "back.",
        )


def _no_second_collapse(backlog: Backlog, seconds: list[Second]) -> None:
    fallen = [now_s for now_s, one in enumerate(seconds) if one.collapsed]
    if fallen:
        now_s = fallen[0]
        times = "" if len(fallen) == 1 else f", and {len(fallen) - 1} more times after that"
        raise Failure(
            f"In second {now_s} you called a provider with a limit of {backlog.limit_per_s}/s {seconds[now_s].calls:,} "
            f"times, more than twice its limit: it collapsed for {backlog.collapsed_for_s} s{times}.",
            help="Nobody tells you the limit, so feel for it: begin with a few calls a second, go up step by step, and "
            "go down as soon as some are refused. How many wait says nothing about how many it can take.",
        )


def _within_the_limit(backlog: Backlog, seconds: list[Second]) -> None:
    calls = [one.calls for one in seconds]
    most = OVER_LIMIT * backlog.limit_per_s * OVER_WINDOW_S
    window = sum(calls[backlog.up_s : backlog.up_s + OVER_WINDOW_S - 1])
    for now_s in range(backlog.up_s + OVER_WINDOW_S - 1, backlog.for_s):
        window += calls[now_s]
        if window > most:
            refused = sum(one.refused for one in seconds[now_s - OVER_WINDOW_S + 1 : now_s + 1])
            raise Failure(
                f"In seconds {now_s - OVER_WINDOW_S + 1} to {now_s} you made {window:,} calls to a provider that takes "
                f"{backlog.limit_per_s * OVER_WINDOW_S:,} in that time, and {refused:,} were refused; {most:,.0f} are "
                "the most.",
                help="A refused call costs the provider work too. When a share of them is refused, go down by more "
                "than you went up.",
            )
        window -= calls[now_s - OVER_WINDOW_S + 1]


def _gone(backlog: Backlog, seconds: list[Second]) -> int:
    """Return how long (s) after the outage the backlog was gone. Raises Failure where it was not in time."""
    for now_s in range(backlog.up_s, min(backlog.for_s, backlog.up_s + GONE_WITHIN_S)):
        if seconds[now_s].backlog < GONE:
            return now_s - backlog.up_s
    after = seconds[backlog.up_s : backlog.up_s + GONE_WITHIN_S]
    pace = sum(one.calls - one.refused for one in after) / len(after)
    raise Failure(
        f"The provider was back in second {backlog.up_s} and takes {backlog.limit_per_s}/s. {GONE_WITHIN_S // 60} "
        f"minutes later {after[-1].backlog:,} messages still waited, of {seconds[backlog.up_s - 1].backlog:,}: "
        f"{pace:.0f} a second left, while {backlog.per_s} a second came.",
        help="What is not refused can be more. As long as nothing is refused, go up; how fast must you go up to get "
        "there in time?",
    )


# --- the order

OUT = {"put": "self, message", "take": "self, now_s"}

BEFORE_S, DOWN_S, AFTER_S = 30, 1_200, 600
COME_PER_S, LEAVE_PER_S, CODE_EVERY = 25, 100, 5
CODE_TTLS_S, NEWS_TTL_S, SHORT_NEWS_TTL_S = (45, 60, 90), 86_400, 300
# Long enough to leave messages in the queue.
SHORT_PLAY_S = BEFORE_S + 10
CODE_WAITS_S = 10

OLD_IS_NOT_EXPIRED = "Old is not expired: only `expires_s` says what is of no use any more."


class Outgoing(NamedTuple):
    """A message that waits to be sent: its kind ("code" or "news"), when it came, and when it is of no use any more."""

    id: int
    kind: str
    created_s: float
    expires_s: float


def outgoing(now_s: int) -> list[Outgoing]:
    """Return the messages of one second: of `CODE_EVERY` one is a one-time code, and one is news of the moment."""
    found = []
    for number in range(COME_PER_S):
        code = number % CODE_EVERY == 0
        created_s = now_s + number / COME_PER_S
        lives_s = SHORT_NEWS_TTL_S if number % CODE_EVERY == 3 else NEWS_TTL_S
        if code:
            lives_s = CODE_TTLS_S[(now_s + number // CODE_EVERY) % len(CODE_TTLS_S)]
        found.append(Outgoing(now_s * COME_PER_S + number, "code" if code else "news", created_s, created_s + lives_s))
    return found


def drive_outbound(load: Load) -> list[list[int | None]]:
    """Fill and empty the learner's queue, with an outage between (driver); return the ids taken in each second.

    None ends a second in which the queue said that it had nothing. Each id is a message's own.
    """
    namespace = load()
    alike("Outbound", *(_play(made(namespace, "Outbound", OUT), SHORT_PLAY_S) for _ in range(2)))
    return _play(made(namespace, "Outbound", OUT), BEFORE_S + DOWN_S + AFTER_S)


def _play(queue: Any, for_s: int) -> list[list[int | None]]:
    told: list[list[int | None]] = []
    for now_s in range(for_s):
        for message in outgoing(now_s):
            call(queue.put, message)
        taken: list[int | None] = []
        told.append(taken)
        if BEFORE_S <= now_s < BEFORE_S + DOWN_S:
            continue
        for number in range(LEAVE_PER_S):
            at_s = now_s + 1 + number / LEAVE_PER_S
            message = call(queue.take, at_s)
            if message is None:
                taken.append(None)
                break
            if type(message) is not Outgoing:
                raise Failure(
                    f"take({at_s:g}) returned {message!r}.",
                    help="Return one of the messages that were put in, as it is, or None where there is nothing to "
                    "send.",
                )
            taken.append(message.id)
    return told


def judge_outbound(answer: Answer) -> None:
    """Raise Failure at the first message that left too late, out of its turn, twice, or never."""
    told = answer.drive(f"{DRIVER}:drive_outbound")
    messages = {one.id: one for now_s in range(len(told)) for one in outgoing(now_s)}
    left: dict[int, float] = {}
    last_news = -1
    for now_s, taken in enumerate(told):
        for number, message_id in enumerate(taken):
            if message_id is None:
                continue
            at_s = now_s + 1 + number / LEAVE_PER_S
            message = messages.get(message_id)
            if message is None or message_id in left:
                raise Failure(
                    f"take({at_s:g}) returned message {message_id}, which had left or was never put in.",
                    help="Whoever takes a message takes it out: each leaves once.",
                )
            left[message_id] = at_s
            if at_s >= message.expires_s:
                raise _expired(at_s, message)
            if message.kind == "news":
                if message_id < last_news:
                    raise Failure(
                        f"take({at_s:g}) returned the news of second {message.created_s:g}, after the news of second "
                        f"{messages[last_news].created_s:g}.",
                        help="News leave in the order in which they came.",
                    )
                last_news = message_id
    _in_time(messages, left)
    _no_news_skipped(messages, left)
    _nothing_dropped(messages, left, told)


def _expired(at_s: float, message: Outgoing) -> Failure:
    what, gets = "news", "what is over"
    if message.kind == "code":
        what, gets = "a one-time code", "a code that does not work"
    return Failure(
        f"take({at_s:g}) returned {what} that expired in second "
        f"{message.expires_s:g}: it came in second {message.created_s:g}, and nobody can use it any more.",
        help=f"Whoever sends it pays for a call, and the user gets {gets}. Look at `expires_s` when you take a message "
        "out: each message has its own.",
    )


def _in_time(messages: dict[int, Outgoing], left: dict[int, float]) -> None:
    up_s = BEFORE_S + DOWN_S
    for message in messages.values():
        if message.kind != "code" or not up_s <= message.created_s < up_s + AFTER_S - CODE_WAITS_S - 1:
            continue
        waited_s = left.get(message.id, float("inf")) - message.created_s
        if waited_s > CODE_WAITS_S:
            how = "never left" if message.id not in left else f"left after {waited_s:,.0f} s"
            raise Failure(
                f"The provider was back in second {up_s}. A one-time code that came in second {message.created_s:g} "
                f"{how}; {CODE_WAITS_S} s are the most.",
                help="Behind an outage's backlog even a fresh code is an old one. Let codes pass the news.",
            )


def _no_news_skipped(messages: dict[int, Outgoing], left: dict[int, float]) -> None:
    """Refuse news that never left, and were good when later ones did: their turn cannot come any more."""
    later_s = None
    for message_id in sorted(messages, reverse=True):
        message = messages[message_id]
        if message.kind == "code":
            continue
        if message_id in left:
            later_s = left[message_id]
        elif later_s is not None and later_s < message.expires_s:
            raise Failure(
                f"The news of second {message.created_s:g} never left. They are good until second "
                f"{message.expires_s:,.0f}, and later ones left in second {later_s:,.0f}.",
                help=OLD_IS_NOT_EXPIRED,
            )


def _nothing_dropped(messages: dict[int, Outgoing], left: dict[int, float], told: list[list[int | None]]) -> None:
    up_s, end_s = BEFORE_S + DOWN_S, len(told)
    empty = bool(told[-1]) and told[-1][-1] is None
    for message in messages.values():
        # What came last may still be on its way, and what was about to expire need not have made it.
        soon = message.created_s < BEFORE_S or message.expires_s >= up_s + CODE_WAITS_S
        # Where news of the moment expire before their turn, none of them is missed.
        expected = soon if message.kind == "code" else message.expires_s >= end_s
        if message.id in left or not expected or message.created_s >= end_s - 2 * CODE_WAITS_S:
            continue
        kind, are = ("The news", "they are") if message.kind == "news" else ("A one-time code", "it is")
        nothing = ": `take` said that nothing was left" if empty else ""
        raise Failure(
            f"{kind} of second {message.created_s:g} never left, and {are} good until second "
            f"{message.expires_s:,.0f}{nothing}.",
            help=OLD_IS_NOT_EXPIRED
            if empty
            else "Something else was always taken first. Is there work for every call that may be made?",
        )
