"""The facade says what the broker does, also where a loop is running, and when the broker is gone."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fortyfive.stores.nats import Counts, DeadLetter, Receipt
from fortyfive.stores.server import StoreUnavailable


@pytest.fixture
def client(broker):
    with broker.client() as connected:
        yield connected


def test_a_message_comes_as_it_was_published(client):
    stream = client.stream("s")
    assert stream.publish("grüße", message_id="id-1") == Receipt(1, duplicate=False)
    assert stream.publish("grüße", message_id="id-1") == Receipt(1, duplicate=True)
    assert stream.publish("no id") == Receipt(2, duplicate=False)
    assert stream.stored() == 2
    messages = stream.consumer("c").fetch(10)
    assert [(message.body, message.message_id, message.sequence) for message in messages] == [
        ("grüße", "id-1", 1),
        ("no id", None, 2),
    ]


def test_counts_follow_a_message_from_waiting_to_acknowledged(client):
    stream = client.stream("s")
    consumer = stream.consumer("c")
    for number in range(3):
        stream.publish(str(number))
    assert consumer.counts() == Counts(3, 0, 0)
    first, second = consumer.fetch(2)
    assert consumer.counts() == Counts(1, 2, 0)
    first.ack()
    assert consumer.counts() == Counts(1, 1, 0)
    second.nak()
    (again,) = consumer.fetch(1)
    assert (again.body, again.deliveries) == ("1", 2)
    assert consumer.counts() == Counts(1, 1, 1)


def test_a_nak_with_a_delay_brings_the_message_later_and_without_the_time_out(client):
    client.stream("s").publish("m")
    consumer = client.stream("s").consumer("c", visibility_timeout_s=30)
    (message,) = consumer.fetch()
    message.nak(delay_s=0.3)
    assert consumer.fetch(wait_s=0.1) == []
    (again,) = consumer.fetch(wait_s=5)
    assert again.deliveries == 2


def test_a_late_acknowledgement_counts_and_a_second_one_is_refused(client):
    client.stream("s").publish("m")
    consumer = client.stream("s").consumer("c", visibility_timeout_s=0.1)
    (first,) = consumer.fetch()
    (second,) = consumer.fetch(wait_s=5)
    first.ack()
    assert consumer.counts().in_flight == 0
    second.ack()
    with pytest.raises(ValueError, match="answered already"):
        first.ack()


def test_consumers_of_one_name_share_and_those_of_different_names_each_get_all(client):
    stream = client.stream("s")
    for number in range(4):
        stream.publish(str(number))
    shared = [stream.consumer("one").fetch(2), stream.consumer("one").fetch(2)]
    assert sorted(message.body for batch in shared for message in batch) == list("0123")
    assert len(stream.consumer("other").fetch(10)) == 4


def test_dead_letters_are_those_of_this_consumer_and_go_with_their_stream(client):
    stream = client.stream("s")
    for body in ("poison", "poison too"):
        stream.publish(body)
    strict, lenient = stream.consumer("strict", max_deliveries=1), stream.consumer("lenient")
    assert strict.dead_letters() == []
    for consumer in (strict, lenient):
        for message in consumer.fetch(2):
            message.nak()
    assert strict.fetch(wait_s=0.3) == []
    assert strict.dead_letters() == [DeadLetter(1, "poison", 1), DeadLetter(2, "poison too", 1)]
    assert lenient.dead_letters() == []
    client.delete("s")
    assert client.stream("s").consumer("strict", max_deliveries=1).dead_letters() == []


def test_it_works_where_a_loop_is_running(broker):
    async def cell():
        with broker.client() as client:
            return client.stream("s").publish("m")

    # In a thread of its own: a browser test before this one leaves a loop running in the main one.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, cell()).result() == Receipt(1, duplicate=False)


def test_an_interrupted_cell_ends_its_wait(client, monkeypatch):
    consumer = client.stream("s").consumer("c")
    waiting = []

    def interrupt(future, timeout=None):
        waiting.append(future)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("concurrent.futures.Future.result", interrupt)
        with pytest.raises(KeyboardInterrupt):
            consumer.fetch(wait_s=60)
    assert waiting[0].cancelled()
    client.stream("s").publish("m")
    assert len(consumer.fetch()) == 1


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda client: client.stream("s", deduplication_window_s=0.01), "0.1 s and longer"),
        (lambda client: client.stream("s", deduplication_window_s=5), "different configuration"),
        (lambda client: client.stream("a b"), "invalid stream name"),
        (lambda client: client.stream("s").consumer("c", visibility_timeout_s=0), "must be above 0"),
        (lambda client: client.stream("s").consumer("c", max_deliveries=0), "must be 1 or more"),
        (lambda client: client.stream("s").consumer("c").fetch(0), "invalid batch size"),
        (lambda client: client.stream("s").consumer("c").fetch(wait_s=0), "invalid fetch timeout"),
    ],
)
def test_what_the_broker_would_refuse_or_take_for_something_else_is_a_value_error(client, call, sentence):
    client.stream("s")
    with pytest.raises(ValueError, match=sentence):
        call(client)


def test_a_deleted_stream_is_named_as_the_reason(client):
    stream = client.stream("s")
    consumer = stream.consumer("c")
    client.delete("s")
    client.delete("s")
    for call in (lambda: stream.publish("m"), stream.stored, consumer.counts, consumer.fetch):
        with pytest.raises(ValueError, match=r"no such stream|stream not found"):
            call()


def test_every_call_to_a_dead_broker_is_answered_with_the_way_back(broker):
    client = broker.client()
    stream = client.stream("s")
    consumer = stream.consumer("c")
    stream.publish("m")
    (message,) = consumer.fetch()
    broker.kill()
    started_s = time.monotonic()
    for call in (
        lambda: stream.publish("m"),
        stream.stored,
        consumer.fetch,
        consumer.counts,
        consumer.dead_letters,
        message.ack,
        message.nak,
        message.heartbeat,
        lambda: client.stream("t"),
        broker.client,
    ):
        with pytest.raises(StoreUnavailable, match=r"broker\.start\(\)"):
            call()
    client.close()
    assert time.monotonic() - started_s < 10
    broker.start()
    with broker.client() as client:
        assert client.stream("s").stored() == 1
