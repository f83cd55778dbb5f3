"""What a worker talks to: a queue that delivers at least once, a store that survives, a push provider."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import NoneType
from typing import Any, NamedTuple, NoReturn

from fortyfive.grading.report import Failure
from fortyfive.sim.story import brief
from fortyfive.sim.world import MILLISECOND, SECOND, Refused, World, effect

STORE_NS = 4 * MILLISECOND
QUEUE_NS = 6 * MILLISECOND
PUSH_NS = 80 * MILLISECOND

# A text with this character is refused for good.
POISON = "\N{REPLACEMENT CHARACTER}"
BAD_REQUEST, GONE, TOO_MANY, UNAVAILABLE = 400, 410, 429, 503

# Amazon SQS hides a message for 12 hours at most (its developer guide, "visibility timeout").
LONGEST_HIDDEN_S = 43_200
# A value of a store is a record. What is larger than this belongs elsewhere, and would only slow the simulation down.
MOST_PARTS, MOST_CHARS, MOST_LEVELS = 10_000, 1_000_000, 20
# Apple's and Google's providers take 4,096 bytes (APNs: "Generating a remote notification"; FCM: "message types").
MOST_PUSH_CHARS = 4_096

_ATOMS = frozenset((str, int, float, bool, NoneType, bytes))


class _Fields(NamedTuple):
    id: str
    user: str
    device: str
    text: str
    attempt: int
    receipt: str


class Message(_Fields):
    """A message as one delivery brings it: `attempt` counts its deliveries, and each has a `receipt` of its own."""

    def __setattr__(self, name: str, _: object) -> NoReturn:
        """Refuse: what was delivered stays as it is."""
        raise Failure(
            f"Your code set `message.{name}`, and a message does not change: the queue would not know of it.",
            help="Keep what you want to note in a variable, or in the store if it must outlive the worker.",
        )


def _need(world: World, kind: type, value: object, call: str, what: str) -> None:
    if not isinstance(value, kind):
        raise world.refuse(f"Your code called `{call}` with {brief(value)} where {what} belongs.")


def _need_seconds(world: World, value: object, call: str, most_s: float = math.inf) -> None:
    """Refuse what is no time: a text, NaN, infinity, less than nothing, or more than the service allows."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= most_s or value == math.inf:  # type: ignore[operator]
        limit = "0 or more" if most_s == math.inf else f"0 to {most_s:,g}"
        raise world.refuse(f"Your code called `{call}` with {brief(value)} where a time in seconds belongs, {limit}.")


class Queue:
    """A queue with at-least-once delivery: a delivered message stays hidden for a while, then returns unless acked."""

    def __init__(
        self, world: World, *, visibility_s: float = 30, max_receives: int | None = None, dedup_s: float | None = None
    ) -> None:
        self._world = world
        self._visibility_ns = round(visibility_s * SECOND)
        self._max_receives = max_receives
        self._dedup_ns = None if dedup_s is None else round(dedup_s * SECOND)
        self._seen: dict[str, int] = {}
        self._receives: dict[str, int] = {}
        self._hidden: dict[str, tuple[Message, int]] = {}
        # All deliveries are hidden for the same time, so they come back in the order in which they went.
        self._hides: deque[tuple[int, str]] = deque()
        self.ready: deque[_Fields] = deque()
        """What waits for a worker, in order."""
        self.accepted: dict[str, int] = {}
        """Message id to the time (ns) when the queue first took it."""
        self.bodies: dict[str, _Fields] = {}
        self.acked: dict[str, int] = {}
        """Message id to the time (ns) of the first acknowledgement that removed a copy of it."""
        self.dead: list[str] = []
        self.on_ready: Callable[[], None] = _nobody_waits
        self.on_publish: Callable[[str], None] = _nobody_listens

    # What a learner's code calls.

    def ack(self, message: Message) -> Awaitable[bool]:
        """Remove a delivered message; True, or False where its visibility time-out had run out before."""
        world = self._world
        if type(message) is not Message:
            _need(world, _Fields, message, "queue.ack", "the message itself")
        world.made += 1
        return effect((self._ack, QUEUE_NS, "queue", "ack", (message.id, message.receipt)))

    def nack(self, message: Message, delay_s: float = 0) -> Awaitable[bool]:
        """Give a delivered message back: it becomes visible again after `delay_s`."""
        return self._postpone(message, delay_s, "nack")

    def extend(self, message: Message, visibility_s: float) -> Awaitable[bool]:
        """Keep a delivered message hidden for `visibility_s` from now on; False where it was visible again already."""
        return self._postpone(message, visibility_s, "extend")

    def publish(self, id: str, text: str, user: str = "ana") -> Awaitable[bool]:  # noqa: A002 - the word of the trade
        """Put a new message into the queue; False where its id was taken for a duplicate of a recent one."""
        for value, what in ((id, "the id of the message, a text,"), (text, "a text"), (user, "a user's name, a text,")):
            _need(self._world, str, value, "queue.publish", what)
        self._world.made += 1
        return effect((self._publish, QUEUE_NS, "queue", "publish", (id, text, user)))

    def _postpone(self, message: Message, by_s: float, verb: str) -> Awaitable[bool]:
        world = self._world
        _need(world, _Fields, message, f"queue.{verb}", "the message itself")
        _need_seconds(world, by_s, f"queue.{verb}", LONGEST_HIDDEN_S)
        world.made += 1
        return effect((self._hide_for, QUEUE_NS, "queue", verb, (message.id, message.receipt, by_s)))

    # What the world calls.

    def accept(self, fields: _Fields) -> None:
        """Take a message from a client."""
        world = self._world
        world.history.append((world.now_ns, "client", "queue", "publish", (fields.id,), True))
        self._take(fields)
        self.on_ready()

    def again(self, message_id: str) -> None:
        """Put one more copy of a message into the queue, as a sender or a network may; also when the first is gone."""
        if message_id in self.bodies:
            self._world.history.append((self._world.now_ns, "queue", "queue", "a second copy", (message_id,), None))
            self.ready.append(self.bodies[message_id])
            self.on_ready()

    @property
    def left(self) -> list[str]:
        """The ids of the messages that are still in it, hidden ones included."""
        return [fields.id for fields in self.ready] + [message.id for message, _ in self._hidden.values()]

    @property
    def depth(self) -> int:
        """How many messages are in it, hidden ones included."""
        return len(self.ready) + len(self._hidden)

    def deliver(self, most: int) -> list[Message]:
        """Hand out up to `most` messages, and hide them for the visibility time-out."""
        found: list[Message] = []
        ready, hides = self.ready, self._hides
        until_ns = self._world.now_ns + self._visibility_ns
        while ready and len(found) < most:
            message_id, user, device, text, _, _ = ready.popleft()
            attempt = self._receives[message_id] = self._receives.get(message_id, 0) + 1
            receipt = f"{message_id}#{attempt}"
            message = tuple.__new__(Message, (message_id, user, device, text, attempt, receipt))
            found.append(message)
            self._hidden[receipt] = (message, until_ns)
            if not hides:
                self._world.at(until_ns, self._expire_first, None)
            hides.append((until_ns, receipt))
        return found

    def _take(self, fields: _Fields) -> None:
        self.accepted.setdefault(fields.id, self._world.now_ns)
        self.bodies[fields.id] = fields
        self.ready.append(fields)

    def _hide(self, message: Message, for_ns: int) -> None:
        until_ns = self._world.now_ns + for_ns
        self._hidden[message.receipt] = (message, until_ns)
        self._world.at(until_ns, self._expire, message.receipt)

    def _expire_first(self, _: object) -> None:
        """Let the deliveries that are due come back, and wait for the next that is still hidden."""
        hides, hidden = self._hides, self._hidden
        while hides:
            until_ns, receipt = hides[0]
            if receipt in hidden:
                if until_ns > self._world.now_ns:
                    self._world.at(until_ns, self._expire_first, None)
                    return
                self._expire(receipt)
            hides.popleft()

    def _expire(self, receipt: str) -> None:
        hidden = self._hidden.get(receipt)
        if hidden is None or hidden[1] > self._world.now_ns:
            return
        message = hidden[0]
        del self._hidden[receipt]
        self._world.history.append((self._world.now_ns, "queue", "queue", "visible again", (message.id,), None))
        if self._max_receives and message.attempt >= self._max_receives:
            self.dead.append(message.id)
            self._world.history.append((self._world.now_ns, "queue", "dead letters", "move", (message.id,), None))
            return
        self.ready.append(self.bodies[message.id])
        self.on_ready()

    def _ack(self, message_id: str, receipt: str) -> bool:
        held = self._hidden.pop(receipt, None) is not None
        if held:
            self.acked.setdefault(message_id, self._world.now_ns)
        return held

    def _hide_for(self, _: str, receipt: str, by_s: float) -> bool:
        held = self._hidden.get(receipt)
        if held:
            self._hide(held[0], round(by_s * SECOND))
        return held is not None

    def _publish(self, id: str, text: str, user: str) -> bool:  # noqa: A002 - as above
        now_ns = self._world.now_ns
        last_ns = self._seen.get(id)
        new = self._dedup_ns is None or last_ns is None or now_ns - last_ns >= self._dedup_ns
        self.on_publish(id)
        if new:
            self._seen[id] = now_ns
            self._take(_Fields(id, user, f"{user}-phone", text, 0, ""))
            # Whoever published it hears so first; then it is delivered.
            self._world.at(now_ns, self._published, None)
        return new

    def _published(self, _: object) -> None:
        self.on_ready()


def _nobody_waits() -> None:
    """Stand where nobody takes what is in the queue."""


def _nobody_listens(_: str) -> None:
    """Stand where nobody wants to hear of what is published."""


class Store:
    """A key-value store that survives every crash. Each call is atomic, and so is all of one `write`.

    It keeps copies of plain data: what a caller does to a list afterwards does not reach it.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.values: dict[str, Any] = {}
        self._until_ns: dict[str, int] = {}

    def get(self, key: str) -> Awaitable[Any]:
        """Return the value of a key, or None."""
        return _fresh(self._request(self._get, "get", key))

    def put(self, key: str, value: object, ttl_s: float | None = None) -> Awaitable[None]:
        """Set a key, for good or for `ttl_s` seconds."""
        return effect(self._request(self._put, "put", key, self._copied(value, "put"), *self._ttl(ttl_s, "put")))

    def put_if_absent(self, key: str, value: object, ttl_s: float | None = None) -> Awaitable[bool]:
        """Set a key unless it is there; return whether it was set."""
        ttl = self._ttl(ttl_s, "put_if_absent")
        value = self._copied(value, "put_if_absent")
        return effect(self._request(self._put_if_absent, "put_if_absent", key, value, *ttl))

    def delete(self, key: str) -> Awaitable[None]:
        """Remove a key, if it is there."""
        return effect(self._request(self._delete, "delete", key))

    def add(self, key: str, amount: int) -> Awaitable[int]:
        """Add to a number (0 where there is none) and return the sum."""
        self._need_amount(amount, "add")
        return effect(self._request(self._add, "add", key, amount))

    def scan(self, prefix: str) -> Awaitable[list[tuple[str, Any]]]:
        """Return all (key, value) whose key begins with `prefix`, sorted by key."""
        return _fresh(self._request(self._scan, "scan", prefix))

    def write(
        self,
        puts: Mapping[str, object] | None = None,
        *,
        adds: Mapping[str, int] | None = None,
        deletes: Iterable[str] = (),
        if_absent: str | None = None,
    ) -> Awaitable[bool]:
        """Do all of it in one transaction, or none where the key `if_absent` is there; return whether it was done."""
        world = self._world
        for given in (puts, adds):
            _need(world, Mapping | NoneType, given, "store.write", "a dictionary of keys")  # type: ignore[arg-type]
        if isinstance(deletes, str) or not isinstance(deletes, Iterable):
            _need(world, list, deletes, "store.write", "a list of keys to delete")
        setting = {self._key(key, "write"): self._copied(value, "write") for key, value in (puts or {}).items()}
        adding = {self._key(key, "write"): amount for key, amount in (adds or {}).items()}
        for amount in adding.values():
            self._need_amount(amount, "write")
        leaving = tuple(self._key(key, "write") for key in deletes)
        if if_absent is not None:
            self._key(if_absent, "write")
        added = (f"{key} {amount:+}" for key, amount in adding.items())
        changes = (*setting, *added, *(f"-{key}" for key in leaving))
        world.made += 1

        def apply(*_: str) -> bool:
            return self._write(setting, adding, leaving, if_absent)

        return effect((apply, STORE_NS, "store", "write", changes))

    def _request(self, apply: Callable[..., Any], verb: str, key: str, *args: Any) -> Any:
        if type(key) is not str:
            key = self._key(key, verb)
        self._world.made += 1
        return (apply, STORE_NS, "store", verb, (key, *args))

    def _key(self, key: object, verb: str) -> str:
        if not isinstance(key, str):
            raise self._world.refuse(f"Your code called `store.{verb}` with {brief(key)} where a key, a text, belongs.")
        return str.__str__(key)

    def _ttl(self, ttl_s: float | None, verb: str) -> tuple[float, ...]:
        if ttl_s is None:
            return ()
        _need_seconds(self._world, ttl_s, f"store.{verb}")
        return (ttl_s,)

    def _need_amount(self, amount: object, verb: str) -> None:
        if type(amount) is not int:
            raise self._world.refuse(
                f"Your code called `store.{verb}` with {brief(amount)} where a whole number to add belongs."
            )

    def _copied(self, value: object, verb: str) -> Any:
        if type(value) in _ATOMS and not (type(value) is str and len(value) > MOST_CHARS):
            return value
        try:
            return _copy(value, [MOST_PARTS, MOST_CHARS], MOST_LEVELS)
        except OverflowError:
            raise self._world.refuse(
                f"Your code called `store.{verb}` with a value that is too large, or contains itself.",
                help="A store keeps records of some kilobytes.",
            ) from None
        except TypeError as error:
            raise self._world.refuse(
                f"Your code called `store.{verb}` with an object of the kind {error}, and a store keeps plain data: "
                "texts, numbers, True, False, None, and lists, tuples and dictionaries of them.",
                help="Keep a set as a sorted list, and an object as the dictionary of its fields.",
            ) from None

    def has(self, key: str) -> bool:
        """Say whether a key is there, which is free of charge for whoever judges a run."""
        if key not in self.values:
            return False
        if key not in self._until_ns or self._until_ns[key] > self._world.now_ns:
            return True
        del self._until_ns[key], self.values[key]
        return False

    def _get(self, key: str) -> Any:
        return self.values[key] if self.has(key) else None

    def _put(self, key: str, value: object, ttl_s: float | None = None) -> None:
        self.values[key] = value
        if ttl_s is not None:
            self._until_ns[key] = self._world.now_ns + round(ttl_s * SECOND)
        elif self._until_ns:
            self._until_ns.pop(key, None)

    def _put_if_absent(self, key: str, value: object, ttl_s: float | None = None) -> bool:
        absent = not self.has(key)
        if absent:
            self._put(key, value, ttl_s)
        return absent

    def _delete(self, key: str) -> None:
        self.values.pop(key, None)
        self._until_ns.pop(key, None)

    def _add(self, key: str, amount: int) -> int:
        found = self._get(key) or 0
        if not isinstance(found, int | float):
            raise Failure(f"Your code added to `{key}`, which holds {brief(found)}, and that is no number.")
        total: Any = found + amount
        self.values[key] = total
        return total  # type: ignore[no-any-return]

    def _scan(self, prefix: str) -> list[tuple[str, Any]]:
        found = [key for key in sorted(self.values) if key.startswith(prefix)]
        return [(key, self.values[key]) for key in found if self.has(key)]

    def _write(
        self, puts: dict[str, Any], adds: dict[str, int], deletes: tuple[str, ...], if_absent: str | None
    ) -> bool:
        if if_absent is not None and self.has(if_absent):
            return False
        for key, value in puts.items():
            self._put(key, value)
        for key, amount in adds.items():
            self._add(key, amount)
        for key in deletes:
            self._delete(key)
        return True


def _copy(value: Any, left: list[int], levels: int) -> Any:
    """Return a copy of plain data. Raises TypeError, with the kind's name, or OverflowError where `left` is used up."""
    left[0] -= 1
    if isinstance(value, str | bytes):
        left[1] -= len(value)
    if min(left) < 0 or levels < 0:
        raise OverflowError
    kind = type(value)
    if kind in _ATOMS or kind is Message:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int | float):
        return int(value) if isinstance(value, int) else float(value)
    if isinstance(value, list | tuple):
        parts = [_copy(part, left, levels - 1) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    if isinstance(value, dict):
        return {_atom(key): _copy(part, left, levels - 1) for key, part in value.items()}
    raise TypeError(kind.__name__)


def _atom(key: Any) -> Any:
    if type(key) not in _ATOMS:
        raise TypeError(f"{type(key).__name__} (as a key)")
    return key


async def _fresh(request: Any) -> Any:
    """Return the store's answer as a copy of the caller's own."""
    answer = await effect(request)
    return answer if type(answer) in _ATOMS else _copy(answer, [MOST_PARTS << 7, MOST_CHARS << 7], MOST_LEVELS + 2)


class Push:
    """A push provider such as APNs or FCM: it takes a text for a device, and knows nothing of what it took before."""

    def __init__(self, world: World, *, limit_per_s: int | None = None) -> None:
        self._world = world
        self.limit_per_s = limit_per_s
        self._second = -1
        self._calls_in_second = 0
        self.outages: list[tuple[int, int]] = []
        self.throttled: list[tuple[int, int]] = []
        self.gone: dict[str, int] = {}
        self.sent: list[tuple[int, str, str, str]] = []
        """Time (ns), machine, device and text of everything that reached a device, in order."""
        self.refused: list[tuple[int, str, str, int]] = []
        """Time (ns), device, text and status of everything that was refused, in order."""

    def send(self, device: str, text: str, collapse_key: str | None = None) -> Awaitable[None]:
        """Show a text on a device. Raises Refused: 400 bad text, 410 device gone, 429 too many, 503 provider down.

        A text with the `collapse_key` of an earlier one takes its place on the screen; the device still buzzes twice.
        """
        world = self._world
        if type(device) is not str or type(text) is not str:
            _need(world, str, device, "push.send", "a device, a text such as 'ana-phone',")
            _need(world, str, text, "push.send", "the text to show")
            device, text = str.__str__(device), str.__str__(text)
        if len(text) > MOST_PUSH_CHARS:
            raise world.refuse(
                f"Your code called `push.send` with a text of {len(text):,} characters, and a push holds 4 KB at most."
            )
        world.made += 1
        return effect((self._send, PUSH_NS, "push", "send", (device, text)))

    def _send(self, device: str, text: str) -> None:
        world = self._world
        if self.outages or self.throttled or self.gone or self.limit_per_s is not None or POISON in text:
            status = self._refusal(device, text)
            if status:
                self.refused.append((world.now_ns, device, text, status))
                raise Refused(status, *_REASONS[status])
        self.sent.append((world.now_ns, world.machine, device, text))

    def _refusal(self, device: str, text: str) -> int:
        now_ns = self._world.now_ns
        if any(start <= now_ns < end for start, end in self.outages):
            return UNAVAILABLE
        if self.limit_per_s is not None:
            second = now_ns // SECOND
            self._calls_in_second = self._calls_in_second + 1 if second == self._second else 1
            self._second = second
            if self._calls_in_second > self.limit_per_s:
                return TOO_MANY
        if any(start <= now_ns < end for start, end in self.throttled):
            return TOO_MANY
        if self.gone.get(device, now_ns + 1) <= now_ns:
            return GONE
        return BAD_REQUEST if POISON in text else 0


_REASONS: Mapping[int, tuple[str, float | None]] = {
    BAD_REQUEST: ("the text cannot be shown", None),
    GONE: ("the token is no longer active", None),
    TOO_MANY: ("too many requests", 1.0),
    UNAVAILABLE: ("the provider is down", None),
}
