"""Shrinking finds a smallest failing input."""

from hypothesis import given
from hypothesis import strategies as st

from fortyfive.sim.shrink import shrink


def first(predicate):
    return lambda candidates: next((candidate for candidate in candidates if predicate(candidate)), None)


@given(st.lists(st.integers(0, 9), max_size=60), st.sets(st.integers(0, 9), min_size=1, max_size=3))
def test_what_is_left_is_exactly_what_fails(items, needed):
    fails = needed.issubset
    if fails(items):
        assert sorted(shrink(items, first(fails))) == sorted(needed)


@given(st.lists(st.integers(), max_size=30))
def test_what_fails_without_any_item_shrinks_to_nothing(items):
    assert shrink(items, first(lambda _: True)) == []


def test_the_order_of_what_is_left_is_kept():
    assert shrink(list("abcdefgh"), first(lambda items: "b" in items and "g" in items)) == ["b", "g"]
