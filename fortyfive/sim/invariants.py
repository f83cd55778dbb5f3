"""What must hold in the end, as named predicates over a run: each returns "" or a sentence that says what is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from fortyfive.sim.scenes import Run, excuses, lasts_s
from fortyfive.sim.services import BAD_REQUEST, GONE
from fortyfive.sim.story import brief
from fortyfive.sim.world import SECOND

Invariant = Callable[[Run], str]

NEVER_NS = 10**18


def comes_to_an_end(run: Run) -> str:
    """The code stops asking: it does not call services for ever."""
    if run.world.exhausted:
        calls = Counter(f"{step[2]}.{step[3]}" for step in run.history if step[1].startswith(("worker", "relay")))
        name, count = calls.most_common(1)[0] if calls else ("nothing", 0)
        after_s = run.world.now_ns / SECOND
        return f"After {after_s:,.0f} s your code was still at work: it called `{name}` {count:,} times."
    return ""


def nothing_lost(run: Run) -> str:
    """Every message has its effect: its text is shown, unless the provider refuses it for good."""
    shown = {(device, text) for _, _, device, text in run.push.sent}
    for message_id, fields in run.queue.bodies.items():
        if message_id in run.poisoned or fields.device in run.push.gone:
            continue
        if message_id in run.queue.dead and run.schedule.faults:
            # It is kept for somebody to look at, and faults alone may have taken all its deliveries.
            continue
        if (fields.device, fields.text) not in shown:
            where = "it was acknowledged" if message_id in run.queue.acked else "nobody acknowledged it either"
            if message_id in run.queue.dead:
                where = "it ended among the dead letters, though nothing failed"
            return f"{message_id} is lost: its text never reached {fields.device}, and {where}."
    return ""


def only_what_was_asked(run: Run) -> str:
    """Nothing is shown that no message asked for."""
    wanted = {(fields.device, fields.text) for fields in run.queue.bodies.values()}
    for _, machine, device, text in run.push.sent:
        if (device, text) not in wanted:
            return f"{machine} showed {brief(text)} on {brief(device)}, and no message asked for that."
    return ""


def no_needless_repeat(run: Run) -> str:
    """A text is shown twice only where a fault hid that it was shown before.

    One fault at an effect can hide one sending, so it excuses one repeat.
    """
    times = Counter((device, text) for _, _, device, text in run.push.sent)
    repeats = sum(times.values()) - len(times)
    excused = excuses(run)
    if repeats > excused:
        (device, text), count = times.most_common(1)[0]
        return f"{device} was shown {brief(text)} {count} times, and {_hidden(excused)}."
    return ""


def all_acknowledged(run: Run) -> str:
    """Every message leaves the queue in the end."""
    if left := run.queue.left:
        return f"{left[0]} is still in the queue after {run.scene.horizon_s / 60:g} minutes: nobody acknowledged it."
    return ""


def permanent_errors_end(run: Run) -> str:
    """What is refused for good (400, 410) is not tried again."""
    tries = Counter((device, text) for _, device, text, status in run.push.refused if status in (BAD_REQUEST, GONE))
    excused = excuses(run) + sum(fault[0] == "copy" for fault in run.schedule.faults)
    if tries and sum(tries.values()) - len(tries) > excused:
        (device, _), count = tries.most_common(1)[0]
        status = next(
            status for _, one, _, status in run.push.refused if one == device and status in (BAD_REQUEST, GONE)
        )
        return f"{device} answered {status}, which is final, and was asked {count} times in all."
    return ""


def counted_once(run: Run) -> str:
    """Each message is counted exactly once, whatever happens."""
    wanted = Counter(f"unread:{fields.user}" for fields in run.queue.bodies.values())
    for key, count in sorted(wanted.items()):
        found = run.store.values.get(key, 0)
        if found != count:
            user = key.partition(":")[2]
            how = "too many" if isinstance(found, int) and found > count else "too few"
            return f"`{key}` is {brief(found)} after {_messages(count)} for {user}: {how}."
    return ""


def shown_in_order(run: Run) -> str:
    """Each user sees first showings in the order in which the queue took the messages."""
    times: dict[tuple[str, str], int] = {}
    for at_ns, _, device, text in run.push.sent:
        times.setdefault((device, text), at_ns)
    last: dict[str, tuple[int, str]] = {}
    for message_id in sorted(run.queue.accepted, key=lambda one: run.queue.accepted[one]):
        fields = run.queue.bodies[message_id]
        shown_ns = times.get((fields.device, fields.text))
        if shown_ns is None:
            continue
        earlier_ns, earlier = last.get(fields.device, (0, ""))
        if shown_ns < earlier_ns:
            return f"{fields.device} was shown {message_id} before {earlier}, which was sent first."
        last[fields.device] = (shown_ns, message_id)
    return ""


def dead_tokens_removed(prefix: str) -> Invariant:
    """Return: the store holds no key `prefix` + device of a device that answered 410."""

    def removed(run: Run) -> str:
        for _, device, _, status in run.push.refused:
            if status == GONE and f"{prefix}{device}" in run.store.values:
                return f"{device} answered 410, and `{prefix}{device}` is still in the store: it will be asked again."
        return ""

    return _named(removed, "dead_tokens_removed")


def at_most_waiting(most: int) -> Invariant:
    """Return: there are never more than `most` messages that wait for a worker."""

    def bounded(run: Run) -> str:
        waiting = 0
        for at_ns, _, target, what, args, result in run.history:
            if what == "deliver" or (what == "move" and target == "dead letters"):
                waiting -= len(args)
            elif what in ("visible again", "a second copy") or (what == "publish" and result):
                waiting += 1
            if waiting > most:
                return f"After {at_ns / SECOND:,.1f} s {waiting} messages waited in the queue; {most} are its bound."
        return ""

    return _named(bounded, "at_most_waiting")


def at_most_tries(most: int) -> Invariant:
    """Return: the provider is asked at most `most` times to show one text on one device."""

    def bounded(run: Run) -> str:
        tries = Counter((device, text) for _, device, text in _calls(run))
        if tries:
            (device, text), count = tries.most_common(1)[0]
            if count > most:
                return f"The provider was asked {count} times to show {brief(text)} on {device}; {most} are the budget."
        return ""

    return _named(bounded, "at_most_tries")


def within_limit(limit_per_s: int) -> Invariant:
    """Return: in no second of its clock the provider is called more than `limit_per_s` times."""

    def kept(run: Run) -> str:
        seconds = Counter(at_ns // SECOND for at_ns, _, _ in _calls(run))
        for second, count in sorted(seconds.items()):
            if count > limit_per_s:
                return f"In second {second} the provider was called {count} times, and its limit is {limit_per_s}."
        return ""

    return _named(kept, "within_limit")


def recovered_within(seconds: float) -> Invariant:
    """Return: `seconds` after the last outage, throttling or cut everything that was accepted by then is shown."""

    def recovered(run: Run) -> str:
        ends = [fault[-1] for fault in run.schedule.faults if fault[0] in ("outage", "throttle", "cut off")]
        if not ends:
            return ""
        end_ns = round(max(ends) * SECOND)
        for message_id, waited_s in _waits_s(run, end_ns):
            if waited_s > seconds:
                how = _after(waited_s)
                return f"{message_id} was shown {how} the trouble was over; within {seconds:g} s is promised."
        return ""

    return _named(recovered, "recovered_within")


def shown_within(seconds: float) -> Invariant:
    """Return: nobody starves: each message is shown `seconds` after it came, plus as long as the faults last."""

    def in_time(run: Run) -> str:
        trouble_s = sum(map(lasts_s, run.schedule.faults))
        for message_id, waited_s in _waits_s(run, 0):
            if waited_s > seconds + trouble_s:
                return f"{message_id} was shown {_after(waited_s)} it came, while others had their turn."
        return ""

    return _named(in_time, "shown_within")


def _waits_s(run: Run, from_ns: int) -> Iterator[tuple[str, float]]:
    """Yield for each message that can be shown how long (s) it waited, from its coming but not before `from_ns`."""
    times: dict[tuple[str, str], int] = {}
    for at_ns, _, device, text in run.push.sent:
        times.setdefault((device, text), at_ns)
    for message_id, fields in run.queue.bodies.items():
        if message_id not in run.poisoned and fields.device not in run.push.gone:
            shown_ns = times.get((fields.device, fields.text), NEVER_NS)
            yield message_id, (shown_ns - max(from_ns, run.queue.accepted[message_id])) / SECOND


def _after(waited_s: float) -> str:
    return "never after" if waited_s > NEVER_NS / SECOND / 2 else f"{waited_s:,.1f} s after"


def _calls(run: Run) -> list[tuple[int, str, str]]:
    """Return time (ns), device and text of everything that the provider was asked, in order."""
    sent = [(at_ns, device, text) for at_ns, _, device, text in run.push.sent]
    return sorted(sent + [(at_ns, device, text) for at_ns, device, text, _ in run.push.refused])


def _named(invariant: Invariant, name: str) -> Invariant:
    invariant.__name__ = name
    return invariant


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _hidden(count: int) -> str:
    if count == 0:
        return "nothing in this schedule hid a sending"
    return f"this schedule can hide {'one sending' if count == 1 else f'{count} sendings'} only"
