"""What becomes of many messages: each order of effect and acknowledgement has its own kind of damage."""

import pytest

from fortyfive.sim.outcomes import order, outcomes


async def ack_first(message, queue, store, push):
    await queue.ack(message)
    await push.send(message.device, message.text)


async def effect_first(message, queue, store, push):
    await push.send(message.device, message.text)
    await queue.ack(message)


def test_without_faults_everything_is_shown_once():
    found = outcomes(ack_first, messages=300, crash_percent=0, copy_percent=0)
    assert (found.messages, found.lost, found.repeated) == (300, 0, 0)


def test_one_order_only_loses_and_the_other_only_repeats():
    first, last = (outcomes(one, messages=3_000, crash_percent=3, copy_percent=0) for one in (ack_first, effect_first))
    assert first.lost > 0 == first.repeated
    assert last.repeated > 0 == last.lost


@pytest.mark.parametrize(("consumer", "gap_ms"), [(ack_first, 80), (effect_first, 6)])
def test_deaths_hit_the_gap_as_often_as_it_is_long(consumer, gap_ms):
    found = outcomes(consumer, messages=10_000, crash_percent=10, copy_percent=0)
    share = gap_ms / 86  # a push takes 80 ms, an acknowledgement 6
    expected = 1_000 * share
    assert abs(found.lost + found.repeated - expected) < 4 * (1_000 * share * (1 - share) + expected * 0.1) ** 0.5


def test_every_second_copy_is_shown_again_by_who_remembers_nothing():
    found = outcomes(effect_first, messages=4_000, crash_percent=0, copy_percent=2)
    assert abs(found.repeated - 80) < 4 * 80**0.5


def test_the_same_seed_gives_the_same_outcomes_and_another_one_others():
    first, again, other = (outcomes(effect_first, messages=2_000, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_one_worker_keeps_the_order_until_it_dies_and_several_do_not():
    assert order(messages=400, workers=1).overtaken == 0
    assert order(messages=400, workers=1, crash_percent=2).overtaken > 0
    assert order(messages=400, workers=8, gap_s=0.02).overtaken > 0
