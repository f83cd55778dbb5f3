"""Draws are the published algorithm, and stories make sense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fortyfive.scenario.draws import Draws
from fortyfive.scenario.fan_out import ACCOUNTS, SMALL_CAST, Truth, author_of, random_story, read_story, sensible, tell

KINDS = ["publish", "follow", "unfollow", "delete", "cross"]


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


def test_crossings_go_both_ways_and_only_where_they_change_something():
    world = Truth()
    assert [world.allows(("cross", "nova", way)) for way in ("up", "down")] == [False, True]
    world.apply(("cross", "nova", "down"))
    assert [world.allows(("cross", "nova", way)) for way in ("up", "down")] == [True, False]
    assert world.celebrities == {"zara"}
    ways = [step[2] for seed in range(20) for step in random_story(seed, KINDS, 40, SMALL_CAST) if step[0] == "cross"]
    assert min(ways.count("up"), ways.count("down")) > 20


def test_a_small_cast_keeps_to_itself():
    for seed in range(10):
        story = random_story(seed, KINDS, 40, SMALL_CAST)
        assert {step[1] for step in story} | {author_of(step) for step in story} == set(SMALL_CAST)


def test_a_post_is_newer_than_every_post_before_it():
    world = Truth()
    world.apply(("publish", "ana", 5))
    world.apply(("delete", "ana", 5))
    assert [world.allows(("publish", "ben", post_id)) for post_id in (4, 5, 6)] == [False, False, True]


GOOD = [("follow", "ben", "ana"), ["publish", "ana", 1], ("cross", "ana", "up"), ("read", "ben", 10)]


def test_a_written_story_is_read_as_steps():
    assert read_story(GOOD, 4) == ([tuple(step) for step in GOOD], "")


BAD = {
    "this is none": [None, 5, "", "follow ben ana", [], (), {}, {"read": "ben"}],
    "are plenty": [GOOD * 13],
    "three parts": [[1], ["read ben"], [("read", "ben")], [("read", "ben", 10, 10)], [None]],
    "first part": [[("like", "ben", "ana")], [(5, "ben", "ana")], [(["read"], "ben", 10)]],
    "second part": [[("read", "bob", 10)], [("follow", ["ben"], "ana")], [("read", None, 1)]],
    "third part": [
        [("follow", "ben", 5)],
        [("follow", "ben", {})],
        [("read", "ben", "10")],
        [("read", "ben", 0)],
        [("read", "ben", True)],
        [("read", "ben", 10**6)],
        [("publish", "ana", 1.5)],
        [("cross", "ana", "sideways")],
        [("cross", "ana", 1)],
    ],
    "Step 1, ('unfollow', 'ben', 'ana'), makes no sense there: ben does not follow ana": [[("unfollow", "ben", "ana")]],
    "ben follows ana already": [[GOOD[0], GOOD[0]]],
    "ana cannot follow ana": [[("follow", "ana", "ana")]],
    "no post 1 by ana": [[("delete", "ana", 1)], [("publish", "ben", 1), ("delete", "ana", 1)]],
    "a number above 3": [[("publish", "ana", 3), ("publish", "ben", 3)]],
    "nova is a celebrity already": [[("cross", "nova", "up")]],
    "ana is no celebrity": [[("cross", "ana", "down")]],
    "Nobody reads": [GOOD[:3]],
}


@pytest.mark.parametrize(("says", "story"), [(says, story) for says, stories in BAD.items() for story in stories])
def test_what_is_wrong_with_a_written_story_is_said(says, story):
    assert says in read_story(story, 50)[1]


def test_a_step_is_told_as_a_sentence():
    assert tell(("cross", "ana", "up")) == "ana becomes a celebrity"
    assert tell(("cross", "nova", "down")) == "nova becomes an ordinary account"
    assert tell(("unfollow", "ana", "nova")) == "ana unfollows nova"
    assert tell(("publish", "nova", 4)) == "nova publishes post 4"
