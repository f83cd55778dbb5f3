"""A module is loaded once only where nobody could tell that it was."""

import pytest

from fortyfive.sim.stateless import keeps_nothing, reuse
from tests.sim.worlds import CLAIM, consumer, load, run

KEEPS_NOTHING = {
    "a consumer": CLAIM,
    "constants": "LIMIT = 5\nSTATUSES = (400, frozenset({410}))",
    "imports": "import math\nfrom fortyfive.sim.world import NoAnswer",
    "helpers": "def key(message, prefix='a', *, sep=':'):\n    return prefix + sep + message.id",
    "inner functions": "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += 1\n    inner()",
}
KEEPS = {
    "a list": "seen = []",
    "a tuple that holds one": "seen = ([],)",
    "a dictionary": "seen = {}",
    "a default": "def f(seen=[]):\n    seen.append(1)",
    "a default by name": "def f(*, seen={}):\n    pass",
    "global": "n = 0\ndef f():\n    global n\n    n += 1",
    "global, further in": "n = 0\ndef f():\n    def g():\n        global n\n        n += 1",
    "an attribute of the function": "def f():\n    f.n = 1",
    "setattr": "def f():\n    setattr(f, 'n', 1)",
    "its dictionary": "def f():\n    f.__dict__['n'] = 1",
    "an attribute set from outside": "def f():\n    pass\nf.n = 0",
    "globals": "def f():\n    globals()['n'] = 1",
    "a class": "class Seen:\n    n = 0",
    "an instance": "import collections\nseen = collections.deque()",
    "a cache": "import functools\n@functools.lru_cache\ndef f():\n    pass",
    "a closure": "def make():\n    seen = []\n    def f():\n        seen.append(1)\n    return f\nf = make()",
    "an iterator": "import itertools\nnumbers = itertools.count()",
}


@pytest.mark.parametrize("source", KEEPS_NOTHING.values(), ids=KEEPS_NOTHING)
def test_functions_and_constants_are_loaded_once(source):
    again = reuse(load(source))
    assert again() is again()


@pytest.mark.parametrize("source", KEEPS.values(), ids=KEEPS)
def test_what_may_remember_is_loaded_each_time(source):
    again = reuse(load(source))
    assert not keeps_nothing(again())
    assert again() is not again()


def test_what_chance_wrote_down_is_loaded_each_time():
    again = reuse(load("import random\nx = random.random()"))
    assert again() is not again()


def test_a_run_is_the_same_either_way():
    source = consumer("await store.add('n', LIMIT)", "await queue.ack(message)", head="LIMIT = 3")
    names = load(source)()
    assert keeps_nothing(names)
    fault = ("crash", "m1", 1, 1)
    assert run(source, fault, messages=3).history == run(source, fault, messages=3).history
