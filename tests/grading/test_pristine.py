"""Built-ins that a notebook has replaced are lent back for a while, by code that itself needs none of them."""

import builtins

import pytest

from fortyfive.grading.pristine import builtins_restored, restore_builtins


@pytest.fixture(autouse=True)
def kept():
    """Whatever a test does to the built-ins ends with it."""
    before = dict(vars(builtins))
    yield
    vars(builtins).update(before)


def test_nothing_changed_is_nothing_reported():
    with builtins_restored() as replaced:
        assert replaced == ()


def test_what_was_replaced_or_deleted_is_lent_and_taken_back():
    namespace = vars(builtins)
    saved = len
    namespace["len"] = None
    del namespace["print"]
    with builtins_restored() as replaced:
        lent = (len, print)
    after = (namespace["len"], "print" in namespace)
    namespace["len"] = saved
    assert replaced == ("len", "print")
    assert lent[0] is saved
    assert lent[1].__name__ == "print"
    assert after == (None, False)


def test_it_works_with_no_built_in_left_at_all():
    namespace = vars(builtins)
    for name in [name for name in namespace if not name.startswith("_")]:
        del namespace[name]
    with builtins_restored() as replaced:
        lent = {"len", "print", "vars", "sorted", "BaseException"} <= set(replaced)
        assert sum([1, 2]) == 3
    assert "sum" not in namespace
    restore_builtins()
    assert lent
    assert "sum" in namespace


def test_an_error_inside_leaves_the_notebook_as_it_was():
    vars(builtins)["sum"] = 5
    with pytest.raises(KeyError), builtins_restored():
        raise KeyError
    assert vars(builtins)["sum"] == 5


def test_what_a_kernel_sets_is_its_own():
    vars(builtins)["_"] = vars(builtins)["input"] = 7
    with builtins_restored() as replaced:
        assert (builtins._, builtins.input) == (7, 7)
    assert replaced == ()


def test_restoring_says_what_stood_there():
    vars(builtins)["sum"] = 5
    assert restore_builtins() == {"sum": 5}
    assert restore_builtins() == {}
