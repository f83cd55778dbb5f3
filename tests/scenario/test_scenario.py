"""Draws are the published algorithm, and stories make sense."""

from hypothesis import given
from hypothesis import strategies as st

from fortyfive.scenario.draws import Draws
from fortyfive.scenario.fan_out import ACCOUNTS, Truth, random_story, sensible, tell

KINDS = ["publish", "follow", "unfollow", "delete"]


def test_draws_are_splitmix64():
    # The first outputs for seed 1234567 of the reference implementation by Vigna, prng.di.unimi.it/splitmix64.c.
    draws = Draws(1234567)
    assert [draws.bits() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(st.integers(0, 2**64), st.integers(1, 1000))
def test_a_draw_stays_below_its_bound(seed, bound):
    draws = Draws(seed)
    assert all(0 <= draws.below(bound) < bound for _ in range(20))


def test_draws_are_even():
    draws = Draws(7)
    counts = [0] * 10
    for _ in range(20_000):
        counts[draws.below(10)] += 1
    chi_squared = sum((count - 2_000) ** 2 / 2_000 for count in counts)
    assert chi_squared < 27.9  # the 0.1 % point with 9 degrees of freedom


@given(st.integers(0, 10_000))
def test_a_story_makes_sense_and_ends_with_everybody_reading(seed):
    story = random_story(seed, KINDS)
    assert sensible(story) == story == random_story(seed, KINDS)
    assert [step[1] for step in story[-len(ACCOUNTS) :]] == list(ACCOUNTS)


@given(st.integers(0, 500), st.data())
def test_whatever_is_dropped_the_rest_makes_sense_again(seed, data):
    story = random_story(seed, KINDS)
    kept = data.draw(st.lists(st.sampled_from(range(len(story))), unique=True).map(sorted))
    shorter = sensible([story[position] for position in kept])
    assert sensible(shorter) == shorter


def test_stories_use_every_kind_of_step():
    kinds = {step[0] for seed in range(20) for step in random_story(seed, KINDS)}
    assert kinds == {"edge", "read", *KINDS}


def test_a_timeline_has_the_newest_posts_of_those_one_follows_now():
    world = Truth()
    for step in [("edge", "ana", "ben"), ("publish", "ben", 1), ("publish", "cleo", 2), ("publish", "ben", 3)]:
        world.apply(step)
    assert world.timeline("ana", 5) == [3, 1]
    assert world.timeline("ana", 1) == [3]
    world.apply(("delete", "ben", 3))
    assert world.timeline("ana", 5) == [1]
    world.apply(("unfollow", "ana", "ben"))
    assert world.timeline("ana", 5) == []


def test_a_step_is_told_as_a_sentence():
    assert tell(("unfollow", "ana", "nova")) == "ana unfollows nova"
    assert tell(("publish", "nova", 4)) == "nova publishes post 4"
