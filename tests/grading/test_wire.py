"""Plain values cross unchanged; everything else crosses as a description, whatever its class tries."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fortyfive.grading import wire
from fortyfive.grading.wire import Opaque, TooLargeError, decode, encode

hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False)
    | st.text(st.characters()),  # lone surrogates and NUL among them
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=8,
)
plain = st.recursive(
    hashable,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(hashable, inner, max_size=4),
    max_leaves=12,
)


def sent(value):
    """The value after a whole journey: through JSON bytes, as between the processes."""
    return decode(json.loads(json.dumps(encode(value)).encode()))


def exact(value):
    """A value with its types spelled out: tells True from 1, 1 from 1.0, and 0.0 from -0.0."""
    if isinstance(value, dict):
        return ("dict", sorted((exact(key), exact(item)) for key, item in value.items()).__repr__())
    if isinstance(value, set | frozenset):
        return ("set", sorted(map(exact, value)).__repr__())
    if isinstance(value, list | tuple):
        return (type(value).__name__, [*map(exact, value)].__repr__())
    return (type(value).__name__, repr(value))


@given(plain)
def test_plain_values_cross_unchanged(value):
    assert exact(sent(value)) == exact(value)


@given(st.sets(st.integers() | st.text(), max_size=5))
def test_what_crosses_does_not_depend_on_the_order_of_a_set(values):
    forwards, backwards = set(), set()
    for item in values:
        forwards.add(item)
    for item in reversed([*values]):
        backwards.add(item)
    assert encode(forwards) == encode(backwards) == encode(frozenset(values))


def test_numbers_that_are_none_cross():
    assert math.isnan(sent(math.nan))
    assert sent([math.inf, -math.inf, -0.0]) == [math.inf, -math.inf, 0.0]
    assert math.copysign(1, sent(-0.0)) == -1


def test_a_number_too_long_to_print_crosses_as_its_size():
    assert sent(1 << 5_000) == Opaque("int", "an integer of 5,001 bits")
    assert sent(-(1 << 4_000)) == -(1 << 4_000)


def test_numpy_crosses_as_plain_values():
    values = [np.int64(5), np.float64(0.5), np.bool_(True), np.array([[1, 2], [3, 4]]), np.float32(0.25), np.str_("a")]
    assert exact(sent(values)) == exact([5, 0.5, True, [[1, 2], [3, 4]], 0.25, "a"])
    assert isinstance(sent(np.longdouble(1)), Opaque)
    assert isinstance(sent(np.datetime64("2026-01-01", "ns")), int | Opaque)


def test_a_value_of_another_kind_crosses_as_its_type_and_text():
    assert sent(1j) == Opaque("complex", "1j")
    assert sent(b"ab") == Opaque("bytes", "b'ab'")
    assert sent(print).type_name == "builtin_function_or_method"
    assert repr(sent(Opaque("Post", "post 1"))) == "post 1 (a Post)"


def test_no_address_crosses():
    assert " at 0x" not in sent(object()).text
    assert sent(object()) == sent(object())


def test_a_long_description_says_how_long_it_was():
    class Long:
        def __repr__(self):
            return "x" * 10_000

    assert sent(Long()).text.endswith("x ... (10,000 characters)")


class HostileMeta(type):
    def __instancecheck__(cls, instance):
        raise RuntimeError("asked")


def refuse(*args, **kwargs):
    raise SystemExit("never")


HOSTILE_MEMBERS = ["__repr__", "__str__", "__eq__", "__iter__", "__len__", "__bool__", "__getattr__", "__int__"]
HOSTILE_MEMBERS += ["__float__", "__format__", "__reduce__", "__index__", "items", "__class__"]


@pytest.mark.parametrize("base", [object, list, tuple, dict, set, frozenset, str, int, float])
def test_no_method_of_the_learner_decides_what_crosses(base):
    members = dict.fromkeys(HOSTILE_MEMBERS, refuse) | {"__class__": property(refuse), "__hash__": base.__hash__}
    value = HostileMeta("Hostile", (base,), members)()
    expected = Opaque("Hostile", "a value whose repr() fails") if base is object else base()
    assert sent([value]) == [expected]


def test_a_value_that_lies_about_its_class_is_described():
    class Liar:
        __class__ = list

        def __repr__(self):
            return "liar"

    assert sent(Liar()) == Opaque("Liar", "liar")


def test_a_list_made_hashable_is_described_where_a_key_belongs():
    class Key(list):
        def __hash__(self):
            return 1

    class Pair(tuple):
        def __hash__(self):
            return 1

    assert sent({Key([1]): 1}) == {Opaque("Key", "[1]"): 1}
    assert sent({Pair([[1]])}) == {Opaque("Pair", "([1],)")}


def test_what_contains_itself_is_too_large():
    loop = []
    loop.append(loop)
    with pytest.raises(TooLargeError):
        encode(loop)
    table = {}
    table["self"] = table
    with pytest.raises(TooLargeError):
        encode(table)


@pytest.mark.parametrize(
    "value",
    [range(0), [0] * (wire.MAX_NODES + 1), "x" * (wire.MAX_TEXT_CHARS + 1), np.zeros(wire.MAX_NODES + 1)],
    ids=["fits", "many parts", "long text", "large array"],
)
def test_size_is_limited(value):
    if isinstance(value, range):
        assert isinstance(sent(value), Opaque)
    else:
        with pytest.raises(TooLargeError):
            encode(value)


@pytest.mark.parametrize("data", [{}, {"a": 1, "b": 2}, {"unknown": 1}, {"float": "x"}, {"int": "zz"}, [{"?": 0}]])
def test_what_is_no_message_is_refused(data):
    with pytest.raises(ValueError):
        decode(data)
