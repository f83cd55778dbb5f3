"""The store that a learner's code works against: what it gives, what it counts, what it refuses."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fortyfive.checks.fan_out_answers import FILTER_AT_READ, OTHER_PULL_AND_PUSH
from fortyfive.checks.fan_out_timelines import CROSSED
from fortyfive.grading.report import Failure
from fortyfive.scenario.fan_out import ACCOUNTS, SMALL_CAST, Truth, random_story, sensible
from fortyfive.sim.fan_out import HYBRID, PULL, PUSH, Post, Store, drive, first_wrong_read, replay, smallest

KINDS = ["publish", "follow", "unfollow", "delete"]
REMOVE_AND_COPY = """
def crossed(author, store):
    change = store.remove if store.is_celebrity(author) else store.add
    for reader in store.followers(author):
        for post in store.outbox(author):
            change(reader, post)

def read(reader, limit, store):
    pulled = [post for a in store.following(reader) if store.is_celebrity(a) for post in store.outbox(a)]
    return sorted(store.inbox(reader) + pulled, reverse=True)[:limit]

def publish(post, store):
    for reader in [] if store.is_celebrity(post.author) else store.followers(post.author):
        store.add(reader, post)

def delete(post, store):
    for reader in [] if store.is_celebrity(post.author) else store.followers(post.author):
        store.remove(reader, post)

def follow(reader, author, store):
    for post in [] if store.is_celebrity(author) else store.outbox(author):
        store.add(reader, post)

def unfollow(reader, author, store):
    for post in [] if store.is_celebrity(author) else store.outbox(author):
        store.remove(reader, post)
"""
LEAVES_COPIES = f"{REMOVE_AND_COPY}\ndef unfollow(reader, author, store):\n    pass\n"


def loader(source):
    code = compile(source, "<test>", "exec")

    def load():
        namespace = {}
        exec(code, namespace)
        return namespace

    return load


def store_after(*steps):
    store = Store()
    for step in steps:
        store._truth.apply(step)
    return store


def test_lists_are_sorted_copies():
    store = store_after(("edge", "ben", "ana"), ("edge", "cleo", "ana"), ("publish", "ana", 1), ("publish", "ana", 2))
    assert store.followers("ana") == ["ben", "cleo"]
    assert store.following("ben") == ["ana"]
    assert store.outbox("ana") == [Post(2, "ana"), Post(1, "ana")]
    store.outbox("ana").clear()
    store.add("ben", Post(1, "ana"))
    store.inbox("ben").clear()
    assert len(store.outbox("ana")) == 2
    assert store.inbox("ben") == [Post(1, "ana")]


def test_adding_twice_is_one_post_and_two_writes():
    store = store_after(("edge", "ben", "ana"), ("publish", "ana", 1))
    store.add("ben", Post(1, "ana"))
    store.add("ben", Post(1, "ana"))
    assert (store.inbox("ben"), store._meter.writes) == ([Post(1, "ana")], 2)
    store.remove("ben", Post(1, "ana"))
    store.remove("ben", Post(1, "ana"))
    assert store.inbox("ben") == []


@pytest.mark.parametrize("method", ["followers", "following", "is_celebrity", "outbox", "inbox"])
@pytest.mark.parametrize("account", [None, 7, "", "somebody", ["ana"], Post(1, "ana")])
def test_what_is_no_account_is_refused_by_name(method, account):
    with pytest.raises(Failure, match=rf"store\.{method}"):
        getattr(Store(), method)(account)


@pytest.mark.parametrize("post", [None, 1, "1", [Post(1, "ana")], (1, "ana")])
def test_what_is_no_post_is_refused(post):
    for method in (Store().add, Store().remove):
        with pytest.raises(Failure, match="where a post belongs"):
            method("ana", post)


def test_a_post_is_not_put_into_a_stranger_s_timeline():
    store = store_after(("edge", "ben", "ana"), ("publish", "ana", 1))
    for reader in ("ana", "cleo"):
        with pytest.raises(Failure, match=f"{reader}, who does not follow ana: that is the wrong timeline"):
            store.add(reader, Post(1, "ana"))


def test_a_post_cannot_be_changed():
    post = Post(1, "ana")
    for name in ("id", "author", "seen"):
        with pytest.raises(Failure, match=rf"post\.{name}.*does not change"):
            setattr(post, name, 2)
    assert (post, post < Post(2, "ana"), len({post, Post(1, "ana")})) == (Post(1, "ana"), True, 1)


def test_a_celebrity_is_one_until_a_crossing_says_otherwise():
    assert store_after().is_celebrity("nova")
    assert not store_after(("cross", "nova", "down")).is_celebrity("nova")
    assert store_after(("cross", "ana", "up")).is_celebrity("ana")


def test_each_step_runs_as_if_on_another_machine():
    def load():
        memory = []
        return {"publish": lambda post, store: memory.append(post), "read": lambda *_: list(memory)}

    story = [("publish", "ana", 1), ("read", "ana", 5)]
    assert drive(load, [story], HYBRID)[0]["reads"] == [[]]
    found = replay(load, story, HYBRID)
    assert (found["apart"]["reads"], found["together"]["reads"]) == ([[]], [[("post", 1)]])


def test_a_step_without_a_function_of_the_learner_s_calls_none():
    story = [("publish", "ana", 1), ("edge", "ben", "ana"), ("cross", "ana", "up"), ("read", "ben", 5)]
    load = loader("def pull_read(reader, limit, store):\n    return store.outbox('ana')")
    (played,) = drive(load, [story], PULL)
    assert played["reads"] == [[("post", 1)]]
    assert played["outboxes"] == [[], [], [], ["ana"]]
    assert first_wrong_read(story, played["reads"]) is None


def test_a_crossing_may_cost_a_write_for_each_copy_there_should_be_or_must_not_be():
    story = [("edge", reader, "ana") for reader in ("ben", "cleo")]
    story += [("publish", "ana", 1), ("publish", "ana", 2), ("cross", "ana", "up"), ("delete", "ana", 1)]
    story += [("unfollow", "ben", "ana"), ("cross", "ana", "down")]
    removed, left = (drive(loader(source), [story], HYBRID)[0] for source in (REMOVE_AND_COPY, FILTER_AT_READ))
    assert [removed["budget"][at] for at in (4, 7)] == [4, 1]
    # Four copies were left on the way up; of these one is right on the way down, and three are not.
    assert [left["budget"][at] for at in (4, 7)] == [4, 4]
    assert [left["writes"][at] for at in (4, 7)] == [0, 1]


def test_a_list_that_was_changed_in_vain_is_noticed():
    source = "def publish(post, store):\n    store.inbox('ben').append(post)\n    store.followers('ana').sort()\n"
    source += "def read(reader, limit, store):\n    posts = store.inbox(reader)\n    posts += [1]\n"
    source += "    store.following(reader).clear()\n    return posts"
    story = [("edge", "ben", "ana"), ("publish", "ana", 1), ("read", "ben", 5)]
    assert drive(loader(source), [story], HYBRID)[0]["changed"] == [[], ["inbox"], ["following"]]


@given(st.integers(0, 10**6), st.sampled_from([ACCOUNTS, SMALL_CAST]), st.integers(1, 80))
@settings(max_examples=60, deadline=None)
def test_both_hybrids_show_what_pull_shows_through_every_crossing(seed, cast, length):
    story = random_story(seed, [*KINDS, "cross", "cross"], length, cast)
    for source in (REMOVE_AND_COPY, FILTER_AT_READ):
        (played,) = drive(loader(source), [story], HYBRID)
        assert first_wrong_read(story, played["reads"]) is None
        crossings = [at for at, step in enumerate(story) if step[0] == "cross"]
        assert all(played["writes"][at] <= played["budget"][at] for at in crossings)


@given(st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_push_and_pull_show_the_same(seed):
    story = random_story(seed, KINDS)
    for names in (PUSH, PULL):
        assert first_wrong_read(story, drive(loader(OTHER_PULL_AND_PUSH), [story], names)[0]["reads"]) is None


def test_a_failing_story_shrinks_to_one_that_still_fails_and_has_nothing_to_spare():
    load = loader(LEAVES_COPIES)
    failing = [
        story
        for story in CROSSED.stories
        if first_wrong_read(story, drive(load, [story], HYBRID)[0]["reads"]) is not None
    ]
    assert len(failing) >= 10
    for story in failing[:5]:
        small = smallest(load, story, HYBRID)
        assert sensible(small) == small
        assert first_wrong_read(small, drive(load, [small], HYBRID)[0]["reads"]) == len(small) - 1
        for at in range(len(small) - 1):
            rest = sensible(small[:at] + small[at + 1 :])
            assert first_wrong_read(rest, drive(load, [rest], HYBRID)[0]["reads"]) is None


def test_the_truth_knows_no_difference_between_the_two_kinds_of_account():
    world = Truth()
    for step in [("edge", "ben", "ana"), ("publish", "ana", 1), ("cross", "ana", "up"), ("cross", "nova", "down")]:
        world.apply(step)
    assert world.timeline("ben", 5) == [1]
    assert world.celebrities == {"zara", "ana"}
