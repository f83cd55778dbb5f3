"""Delivery semantics on a real broker: five experiments of a second or two, each with a small result to look at."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from fortyfive.stores.nats import Broker, Client, Consumer, DeadLetter, Message, Stream
from fortyfive.stores.server import StoreUnavailable

EFFECT = "effect"
ACKNOWLEDGE = "acknowledge"
BATCH = 100
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Death:
    """What became of one message: its first worker did the steps in `done` and died, a second one did them all.

    `deliveries` is how often the broker delivered it, `effects` how often its effect happened.
    """

    order: str
    done: str
    deliveries: int
    effects: int


def redelivery(broker: Broker, *, visibility_timeout_s: float = 0.4) -> tuple[Death, ...]:
    """Let workers die before the first step and between the two, in both orders of effect and acknowledgement.

    Without an acknowledgement the message comes again after the visibility time-out. With one it never does: if its
    effect had not happened yet, it is lost.
    """
    name = "redelivery"
    cases = [(order, order[:steps]) for order in ((EFFECT, ACKNOWLEDGE), (ACKNOWLEDGE, EFFECT)) for steps in (0, 1)]
    with broker.client() as client:
        _new_stream(client, name).publish("a notification")
        effects = []
        for number, (_, done) in enumerate(cases):
            with broker.client() as worker:
                consumer = worker.stream(name).consumer(f"{number}", visibility_timeout_s=visibility_timeout_s)
                message = _next(consumer)
                effects.append(_work(message, done))
        deaths = []
        for number, (order, done) in enumerate(cases):
            consumer = client.stream(name).consumer(f"{number}", visibility_timeout_s=visibility_timeout_s)
            deliveries = 1
            # What is in flight comes again. The rest is done with: no time-out runs that could bring it back.
            while consumer.counts().in_flight:
                for message in consumer.fetch(wait_s=visibility_timeout_s):
                    deliveries = message.deliveries
                    effects[number] += _work(message, order)
            deaths.append(Death(_words(order), _words(done), deliveries, effects[number]))
    return tuple(deaths)


@dataclass(frozen=True)
class Sent:
    """One publication of the same message id: whether it was taken for a duplicate, and how many are stored now."""

    sent: str
    duplicate: bool
    stored: int


def dedup_window(broker: Broker, *, window_s: float = 1.0) -> tuple[Sent, ...]:
    """Publish a message, again within the deduplication window, and again after it: then it is a second message.

    The window of an SQS FIFO queue is five minutes. The trap is the same, only you would wait longer to see it.
    """
    with broker.client() as client:
        stream = _new_stream(client, "dedup_window", deduplication_window_s=window_s)

        def send(when: str) -> Sent:
            receipt = stream.publish("a notification", message_id="notification-1")
            return Sent(when, receipt.duplicate, stream.stored())

        sent = [send("first"), send("again, inside the window")]
        time.sleep(1.5 * window_s)
        return (*sent, send("again, after the window"))


@dataclass(frozen=True)
class Slow:
    """What became of one message whose service takes longer than the visibility time-out."""

    heartbeats: bool
    deliveries: int
    effects: int


def slow_worker(broker: Broker, *, service_s: float = 1.0, visibility_timeout_s: float = 0.6) -> tuple[Slow, ...]:
    """Let a second worker look for messages while the first works on the only one: without heartbeats, then with.

    Without, the message becomes visible while the work goes on, and both workers do it.
    """
    return tuple(_slow(broker, heartbeats, service_s, visibility_timeout_s) for heartbeats in (False, True))


def _slow(broker: Broker, heartbeats: bool, service_s: float, visibility_timeout_s: float) -> Slow:
    name = "slow_worker"
    with broker.client() as one, broker.client() as another:
        _new_stream(one, name).publish("a notification")
        first, second = (
            client.stream(name).consumer("workers", visibility_timeout_s=visibility_timeout_s)
            for client in (one, another)
        )
        message = _next(first)
        done_s = time.monotonic() + service_s
        deliveries = [message]
        while (left_s := done_s - time.monotonic()) > 0.001:
            if heartbeats:
                message.heartbeat()
            deliveries += second.fetch(wait_s=min(left_s, visibility_timeout_s / 4))
        # Each worker does what it was given: neither can know of the other.
        effects = sum(_work(delivery, (EFFECT, ACKNOWLEDGE)) for delivery in deliveries)
    return Slow(heartbeats, deliveries[-1].deliveries, effects)


@dataclass(frozen=True)
class Killed:
    """What a broker still knew after it was killed.

    Of the messages it had confirmed to the publisher (`published`): how many were `lost`, and how many were stored
    twice when all were sent again with their message ids. Of the acknowledgements it had confirmed to a consumer
    (`acknowledged`): how many it had forgotten, so that these messages are `delivered_again`.
    """

    published: int
    lost: int
    stored_twice: int
    acknowledged: int
    delivered_again: int


def kill_nine(broker: Broker, *, messages: int = 300, acknowledged: int = 100) -> Killed:
    """Publish messages, consume some of them, kill the broker (SIGKILL), start it again, and send all again.

    No message is lost, and the deduplication window is still known. A consumer's acknowledgements are written a moment
    late, so some messages may come again: at least once. And the death of a process is not that of a machine: the
    broker acknowledges what the operating system has, and syncs it to the disk every two minutes.
    """
    if not 0 <= acknowledged <= messages:
        raise ValueError(f"Of {messages} messages, {acknowledged} cannot be acknowledged.")
    name = "kill_nine"
    bodies = [f"notification-{number}" for number in range(messages)]
    with broker.client() as client:
        stream = _new_stream(client, name)
        _publish(stream, bodies)
        consumer = stream.consumer("workers")
        for _ in range(acknowledged):
            message = _next(consumer)
            message.ack()
        broker.kill()
    broker.start()
    with broker.client() as client:
        stream = client.stream(name)
        counts = stream.consumer("workers").counts()
        kept = _read_all(stream)
        _publish(stream, bodies)
        stored_twice = stream.stored() - len(kept)
    return Killed(
        published=messages,
        lost=len(set(bodies) - set(kept)),
        stored_twice=stored_twice,
        acknowledged=acknowledged,
        delivered_again=counts.waiting + counts.in_flight - (messages - acknowledged),
    )


@dataclass(frozen=True)
class Poisoned:
    """What became of a poison message, which no worker can do, and of one behind it.

    `deliveries` are the delivery counts of the poison message as they came; `stored` says that both are still in the
    stream, and `in_flight` that the broker expects nothing more of any.
    """

    deliveries: tuple[int, ...]
    behind_it_done: int
    in_flight: int
    stored: int
    dead_letters: tuple[DeadLetter, ...]


def max_deliver(broker: Broker, *, max_deliveries: int = 3, visibility_timeout_s: float = 0.3) -> Poisoned:
    """Let a worker fail on a poison message until the broker gives up: then it is a dead letter, and delivered no more.

    The broker only announces a dead letter. The message stays in its stream until somebody looks at it.
    """
    with broker.client() as client:
        stream = _new_stream(client, "max_deliver")
        _publish(stream, ["poison", "a notification"])
        consumer = stream.consumer("workers", visibility_timeout_s=visibility_timeout_s, max_deliveries=max_deliveries)
        deliveries, done = [], 0
        while messages := consumer.fetch(wait_s=3 * visibility_timeout_s):
            for message in messages:
                if message.body == "poison":
                    deliveries.append(message.deliveries)
                    message.nak()
                else:
                    done += _work(message, (EFFECT, ACKNOWLEDGE))
        letters = tuple(consumer.dead_letters())
        return Poisoned(tuple(deliveries), done, consumer.counts().in_flight, stream.stored(), letters)


def _new_stream(client: Client, name: str, *, deduplication_window_s: float = 120.0) -> Stream:
    """Return an empty stream, so that an experiment can be run again."""
    client.delete(name)
    return client.stream(name, deduplication_window_s=deduplication_window_s)


def _publish(stream: Stream, bodies: Sequence[str]) -> None:
    for body in bodies:
        stream.publish(body, message_id=body)


def _next(consumer: Consumer) -> Message:
    """Return a message that is known to wait."""
    for message in consumer.fetch(wait_s=PATIENCE_S):
        return message
    raise StoreUnavailable(
        f"The broker has a message and did not deliver it within {PATIENCE_S:.0f} s: this machine is too busy for the "
        "experiment. Run it again."
    )


def _read_all(stream: Stream) -> list[str]:
    consumer = stream.consumer("reader")
    found: list[str] = []
    while len(found) < stream.stored():
        found += [message.body for message in consumer.fetch(BATCH)]
    return found


def _work(message: Message, steps: Sequence[str]) -> int:
    """Do the steps with a message; return how many effects that made."""
    for step in steps:
        if step == ACKNOWLEDGE:
            message.ack()
    return steps.count(EFFECT)


def _words(steps: Sequence[str]) -> str:
    return ", ".join(steps) or "nothing"
