"""The store that a learner's code works against: what it gives, what it counts, what it refuses."""

import pytest

from fortyfive.grading.report import Failure
from fortyfive.sim.fan_out import Post, Store, drive


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
    store = store_after(("publish", "ana", 1))
    store.add("ben", Post(1, "ana"))
    store.add("ben", Post(1, "ana"))
    assert (store.inbox("ben"), store._writes) == ([Post(1, "ana")], 2)
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


def test_a_post_cannot_be_changed():
    with pytest.raises(AttributeError):
        Post(1, "ana").id = 2


def test_each_step_runs_as_if_on_another_machine():
    loads = []

    def load():
        memory = []
        loads.append(memory)
        return {"publish": lambda post, store: memory.append(post), "read": lambda *_: list(memory)}

    story = [("publish", "ana", 1), ("read", "ana", 5)]
    assert drive(load, [story])[0]["reads"] == [[]]
    assert drive(load, [story], True)[0]["reads"] == [[("post", 1)]]
