"""What the lesson claims of a real broker is what a real broker does."""

import pytest

from fortyfive.stores import delivery
from fortyfive.stores.delivery import Death, Sent, Slow
from fortyfive.stores.nats import DeadLetter


def test_without_an_acknowledgement_the_message_comes_again_and_with_one_before_the_effect_it_is_lost(broker):
    for _ in range(2):  # a cell can be run again
        assert delivery.redelivery(broker) == (
            Death("effect, acknowledge", "nothing", deliveries=2, effects=1),
            Death("effect, acknowledge", "effect", deliveries=2, effects=2),
            Death("acknowledge, effect", "nothing", deliveries=2, effects=1),
            Death("acknowledge, effect", "acknowledge", deliveries=1, effects=0),
        )


def test_the_same_message_id_is_stored_once_inside_the_window_and_again_after_it(broker):
    assert delivery.dedup_window(broker) == (
        Sent("first", duplicate=False, stored=1),
        Sent("again, inside the window", duplicate=True, stored=1),
        Sent("again, after the window", duplicate=False, stored=2),
    )


def test_work_longer_than_the_visibility_time_out_is_done_twice_without_heartbeats(broker):
    assert delivery.slow_worker(broker) == (
        Slow(heartbeats=False, deliveries=2, effects=2),
        Slow(heartbeats=True, deliveries=1, effects=1),
    )


def test_a_killed_broker_has_every_message_that_it_acknowledged(broker):
    pid = broker.pid
    killed = delivery.kill_nine(broker)
    assert broker.pid != pid
    assert (killed.published, killed.lost, killed.stored_twice) == (300, 0, 0)
    assert 0 <= killed.delivered_again <= killed.acknowledged == 100


def test_a_poison_message_is_delivered_as_often_as_allowed_and_then_a_dead_letter(broker):
    poisoned = delivery.max_deliver(broker, max_deliveries=3)
    assert poisoned.deliveries == (1, 2, 3)
    assert (poisoned.behind_it_done, poisoned.in_flight, poisoned.stored) == (1, 0, 2)
    assert poisoned.dead_letters == (DeadLetter(1, "poison", 3),)


def test_more_acknowledgements_than_messages_are_refused_before_anything_is_killed(broker):
    pid = broker.pid
    with pytest.raises(ValueError, match="Of 3 messages, 4 cannot be acknowledged"):
        delivery.kill_nine(broker, messages=3, acknowledged=4)
    assert broker.pid == pid
