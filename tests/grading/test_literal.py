"""Text for plain values evaluates to the same value; every other value gets a sentence."""

import math
import sys
from collections import defaultdict, namedtuple
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fortyfive.grading.literal import MAX_CHARS, CannotTravelError, literal

scalars = (
    st.none()
    | st.just(...)
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters())
    | st.binary()
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.sets(st.integers() | st.text(), max_size=4)
        | st.frozensets(st.integers(), max_size=4)
    ),
    max_leaves=15,
)


@given(values)
def test_the_text_of_a_plain_value_evaluates_to_it(value):
    assert exact(read(literal("x", value))) == exact(value)


def read(text):
    return eval(text, {})


def exact(value):
    """A value as text that tells True from 1 and 0.0 from -0.0; sets in order."""
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__}({sorted(map(exact, value))})"
    if isinstance(value, dict):
        return str([(exact(key), exact(item)) for key, item in value.items()])
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({[exact(item) for item in value]})"
    return repr(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, complex(math.nan, -math.inf), set(), -7])
def test_odd_numbers_use_no_name_a_learner_may_have_taken(value):
    text = literal("x", value)
    assert repr(eval(text, {"float": None, "set": None, "inf": None, "nan": None})) == repr(value)


def test_a_number_longer_than_python_prints_travels():
    huge = 7**20_000
    with pytest.raises(ValueError, match="digits"):
        str(huge)
    assert read(literal("x", huge)) == huge


@pytest.mark.parametrize(
    "array",
    [np.array([[1.5, math.nan], [2, 3]]), np.zeros((0, 3)), np.array([1, 2], dtype=np.uint8), np.array(["a", "bc"])],
    ids=["floats", "empty", "bytes", "texts"],
)
def test_an_array_stays_an_array(array):
    found = read(literal("x", array))
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)


def test_numpy_numbers_become_plain():
    assert read(literal("x", [np.float64(0.1), np.int32(3), np.bool_(False)])) == [0.1, 3, False]


def test_sets_are_written_in_one_order():
    assert literal("x", {"b", "a", "c"}) == "{'a', 'b', 'c'}"


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "value",
    [object(), defaultdict(list), Point(1, 2), Decimal(1), np.array([object()]), np.longdouble(1), open, sys],
    ids=lambda value: type(value).__name__,
)
def test_another_kind_of_value_gets_a_sentence_with_its_name(value):
    with pytest.raises(
        CannotTravelError, match=r"`mine` is, or holds, an object of the kind \w+.*inside your function"
    ):
        literal("mine", [value])


@pytest.mark.parametrize(
    "value",
    [[0] * 10**7, "x" * (MAX_CHARS + 1), b"x" * (MAX_CHARS + 1), 1 << (8 * MAX_CHARS), np.zeros(10**8, np.int8)],
    ids=["list", "text", "bytes", "number", "array"],
)
def test_a_large_value_is_refused_before_it_is_written(value):
    with pytest.raises(CannotTravelError, match="`mine` is too large"):
        literal("mine", value)


def test_many_references_to_one_list_do_not_explode():
    value = [0] * 10
    for _ in range(20):
        value = [value] * 10
    with pytest.raises(CannotTravelError, match="too large"):
        literal("mine", value)


def test_a_list_that_contains_itself_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(CannotTravelError, match="contains itself"):
        literal("mine", loop)
