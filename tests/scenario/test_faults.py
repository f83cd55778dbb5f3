"""A schedule of faults is read from whatever a learner writes, or refused in a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fortyfive.scenario.faults import AT_AN_EFFECT, KINDS, LONGEST_S, read_schedule, tell

ONE_OF_EACH = [
    ("crash", "m1", 1, 0),
    ("no answer", "m1", 1, 2),
    ("lost", "m1", 2, 1),
    ("slow", "m1", 1, 1, 2.5),
    ("copy", "m1", 0),
    ("late", "m2", 0.5),
    ("poison", "m1"),
    ("outage", 0, 20),
    ("throttle", 1, 2),
    ("gone", "ana-phone", 0.5),
    ("cut off", "worker 1", 0, 40),
]


def test_there_is_an_example_of_each_kind():
    assert [fault[0] for fault in ONE_OF_EACH] == list(KINDS)
    assert set(AT_AN_EFFECT) < set(KINDS)


@pytest.mark.parametrize("fault", ONE_OF_EACH, ids=KINDS)
def test_each_kind_is_read_and_told(fault):
    assert read_schedule([fault], 1) == ([fault], "")
    assert read_schedule((list(fault),), 1) == ([fault], "")
    clause = tell(fault)
    assert clause[0].islower()
    assert not clause.endswith(".")
    assert str(fault[1]) in clause


def test_the_place_before_the_first_effect_has_its_own_words():
    assert tell(("crash", "m1", 1, 0)) == "the worker dies before the first effect of delivery 1 of m1"
    assert tell(("crash", "m1", 1, 2)) == "the worker dies right after effect 2 of delivery 1 of m1"


REFUSED = {
    "no list": (5, "A schedule is a list"),
    "a text": ("crash", "A schedule is a list"),
    "a fault outside a list": (("crash", "m1", 1, 1), "A schedule is a list"),
    "a dictionary": ([{"crash": 1}], "A schedule is a list"),
    "too many": ([("poison", "m1")] * 4, "has 4 faults; 3 are enough"),
    "an empty fault": ([()], "the kinds are crash, no answer"),
    "an unknown kind": ([("crush", "m1", 1, 1)], "the kinds are crash"),
    "a kind that cannot be looked up": ([(["crash"], "m1", 1, 1)], "the kinds are crash"),
    "a part too few": ([("crash", "m1", 1)], "'crash' is followed by message and delivery and effect"),
    "a part too many": ([("poison", "m1", 1)], "'poison' is followed by message"),
    "delivery 0": ([("crash", "m1", 0, 1)], "the number of a delivery belongs"),
    "True as a delivery": ([("crash", "m1", True, 1)], "the number of a delivery belongs"),
    "half an effect": ([("crash", "m1", 1, 0.5)], "the number of an effect belongs"),
    "an effect before the start": ([("crash", "m1", 1, -1)], "the number of an effect belongs"),
    "a time that runs back": ([("late", "m1", -1)], "a time in seconds belongs"),
    "no number as a time": ([("late", "m1", float("nan"))], "a time in seconds belongs"),
    "for ever": ([("outage", 0, float("inf"))], "a time in seconds belongs, 0 to 3,600"),
    "longer than a run": ([("outage", 0, LONGEST_S + 1)], "a time in seconds belongs"),
    "a number as a message": ([("poison", 1)], "the name of a message belongs"),
    "an endless name": ([("poison", "m" * 10_000)], "the name of a message belongs"),
}


@pytest.mark.parametrize(("value", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_schedule_is_refused_in_a_sentence(value, words):
    faults, wrong = read_schedule(value, 3)
    assert faults == []
    assert words in wrong
    assert len(wrong) < 700


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(list(KINDS)),
    lambda inner: st.lists(inner, max_size=5) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=12,
)


@given(ANYTHING)
def test_whatever_is_written_is_read_or_refused(value):
    faults, wrong = read_schedule(value, 3)
    assert len(faults) == (0 if wrong else len(value))
    for fault in faults:
        assert tell(fault)
