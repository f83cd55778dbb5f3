"""What is gathered from a notebook means outside of it what it meant inside, or a sentence says why it cannot."""

import gc
import importlib
import linecache
import sys
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from fortyfive.grading.collect import collect


@pytest.fixture(scope="module")
def one_shell(tmp_path_factory):
    before = sys.modules["__main__"], sys.displayhook, sys.excepthook
    config = Config()
    config.HistoryManager.enabled = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        patch.setattr(linecache, "cache", dict(linecache.cache))
        gc.freeze()  # a reset collects garbage, and need not look through what the tests have imported
        yield InteractiveShell(config=config)
        gc.unfreeze()
        sys.modules["__main__"], sys.displayhook, sys.excepthook = before


@pytest.fixture
def shell(one_shell):
    one_shell.reset(new_session=True)
    return one_shell


def run(shell, *cells):
    for cell in cells:
        outcome = shell.run_cell(cell, store_history=True)
        assert outcome.success, outcome.error_before_exec or outcome.error_in_exec
    return shell.user_ns


def outside(source):
    """The names that a text defines when it runs as the grader runs it."""
    module = types.ModuleType("submission")
    # Where dataclasses and typing look for it.
    sys.modules["submission"] = module
    exec(compile(source, "<submission>", "exec", dont_inherit=True), vars(module))
    return vars(module)


# Cells, and an expression that must give the same inside the notebook and outside of it.
SAME = {
    "a function": (["def f(a, b=2):\n    return a + b"], "f(1)"),
    "a helper and a constant": (["K = 3", "def g(x):\n    return x * K", "def f(x):\n    return g(x) + 1"], "f(2)"),
    "a value changed since": (["K = 3\ndef f():\n    return K", "K = 4"], "f()"),
    "redefined in a later cell": (["def f():\n    return 1", "def f():\n    return 2"], "f()"),
    "redefined below in the same cell": (["def f():\n    return 1\n\n\ndef f():\n    return 2"], "f()"),
    "the older cell run again": (["def f():\n    return 1", "def f():\n    return 2", "def f():\n    return 1"], "f()"),
    "cells out of order": (["def f():\n    return helper()", "def helper():\n    return 5"], "f()"),
    "a copied cell": (["def f():\n    return 1", "def f():\n    return 1"], "f()"),
    "another name for it": (["def deliver(x):\n    return x", "f = deliver"], "f(3)"),
    "the old one under a new name": (
        ["def f():\n    return 1", "old = f", "def f():\n    return old() + 1", "def h():\n    return old(), f()"],
        "h(), f(), old()",
    ),
    "names that changed places": (
        ["def f():\n    return 'was f'", "def g():\n    return 'was g'", "f, g = g, f"],
        "f(), g()",
    ),
    "recursion": (["def f(n):\n    return 1 if n < 2 else n * f(n - 1)"], "f(5)"),
    "mutual recursion": (
        ["def f(n):\n    return n == 0 or odd(n - 1)", "def odd(n):\n    return n != 0 and f(n - 1)"],
        "f(6), f(7)",
    ),
    "a lambda": (["f = lambda x: x + 1"], "f(1)"),
    "a lambda over lines": (["f = (lambda x:\n     x\n     + 1)"], "f(1)"),
    "two lambdas on a line": (["f = lambda x: x + 1; g = lambda x: x + 2"], "f(1), g(1)"),
    "lambdas in a tuple": (["f, g = lambda x: x + 1, lambda x: x * 5"], "f(2), g(2)"),
    "a lambda that a lambda made": (["make = lambda: lambda x: x + 1", "f = make()"], "f(1)"),
    "a lambda with a default": (["K = 7\nf = lambda x, k=K: x + k"], "f(1)"),
    "lambdas with code in their defaults": (
        ["f, g = lambda x, k=[i for i in (1, 2)]: k[x], lambda x, k=(lambda: 3): k() + x"],
        "f(1), g(1)",
    ),
    "a lambda among calls": (["start = 1; f = lambda: start; start"], "f()"),
    "one function from a branch": (["if True:\n    def f(x):\n        return '''a\nb''' + x"], "f('c')"),
    "a nested function": (["def f(x):\n    def g(y):\n        return x + y\n    return g(1)"], "f(1)"),
    "a generator": (["def f():\n    yield from range(3)"], "list(f())"),
    "a coroutine": (["async def f():\n    return 4"], "f().close()"),
    "a decorator": (["import functools", "@functools.lru_cache\ndef f(x):\n    return x + 1"], "f(1)"),
    "a cached function by call": (["from functools import lru_cache", "def g(x): return x\nf = lru_cache(g)"], "f(1)"),
    "a learner's decorator that wraps": (
        [
            "from functools import wraps",
            "def twice(g):\n    @wraps(g)\n    def w(x):\n        return 2 * g(x)\n    return w",
            "@twice\ndef f(x):\n    return x",
        ],
        "f(4)",
    ),
    "a learner's decorator that hides": (
        ["def twice(g):\n    return lambda x: 2 * g(x)", "@twice\ndef f(x):\n    return x"],
        "f(4)",
    ),
    "a decorator that is a class": (
        [
            (
                "class Twice:\n    def __init__(self, g):\n"
                "        self.g = g\n    def __call__(self, x):\n"
                "        return 2 * self.g(x)"
            ),
            "@Twice\ndef f(x):\n    return x",
        ],
        "f(4)",
    ),
    "decorators and defaults need what they name first": (
        [
            "def f(x=1):\n    return later(x)",
            "N = 2",
            "def keep(g):\n    return g",
            "@keep\ndef later(x, n=N):\n    return x + n",
        ],
        "f()",
    ),
    "a class": (
        ["class A:\n    n = 1\n    def go(self):\n        return self.n", "def f():\n    return A().go()"],
        "f()",
    ),
    "a class without methods": (["class A:\n    n = 1", "class A:\n    n = 2", "def f():\n    return A.n"], "f()"),
    "inheritance": (
        ["class A:\n    def go(self):\n        return 1", "class B(A):\n    pass", "def f():\n    return B().go()"],
        "f()",
    ),
    "a base that makes what derives from it": (
        [
            "class A:\n    def make(self):\n        return B()\n    x = 5",
            "class B(A):\n    pass",
            "def f():\n    return A().make().x",
        ],
        "f()",
    ),
    "a dataclass": (
        [
            "from dataclasses import dataclass, field",
            "@dataclass(order=True)\nclass P:\n    x: int\n    y: list = field(default_factory=list)",
            "def f():\n    return P(1) < P(2), str(P(3))",
        ],
        "f()",
    ),
    "a dataclass with a method": (
        [
            "from dataclasses import dataclass",
            "@dataclass\nclass P:\n    x: 'int'\n    def double(self):\n        return 2 * self.x",
            "def f():\n    return P(1).double()",
        ],
        "f()",
    ),
    "an enum": (
        ["from enum import Enum", "class C(Enum):\n    A = 1\n    B = 2", "def f():\n    return C(2).name"],
        "f()",
    ),
    "an enum by call": (["import enum", "C = enum.Enum('C', 'A B')", "def f():\n    return C(2).name"], "f()"),
    "a namedtuple": (
        ["from collections import namedtuple", "P = namedtuple('P', 'x y')", "def f():\n    return str(P(1, 2))"],
        "f()",
    ),
    "a NamedTuple": (
        ["from typing import NamedTuple", "class P(NamedTuple):\n    x: int = 1", "def f():\n    return P().x"],
        "f()",
    ),
    "a property only": (
        ["class A:\n    @property\n    def x(self):\n        return 8", "def f():\n    return A().x"],
        "f()",
    ),
    "a static method only": (
        ["class A:\n    @staticmethod\n    def x():\n        return 8", "f = lambda: A.x()"],
        "f()",
    ),
    "a class under another name": (["class A:\n    x = 1", "B = A", "class A:\n    x = 2", "f = lambda: A.x"], "f()"),
    "an exception class": (
        [
            "class Lost(Exception):\n    pass",
            "def f():\n    try:\n        raise Lost('x')\n    except Lost as e:\n        return str(e)",
        ],
        "f()",
    ),
    "modules under other names": (
        ["import math as m, os.path as p", "def f():\n    return m.pi, p.join('a', 'b')"],
        "f()",
    ),
    "a submodule": (
        ["import xml.dom.minidom, urllib.parse", "f = lambda: urllib.parse.quote('ä') + str(xml.dom.minidom)"],
        "f()",
    ),
    "names from modules": (
        [
            "from math import sqrt, pi",
            "from random import Random, choice, random, randint\nfrom time import time",
            (
                "def f():\n"
                "    return sqrt(4), pi, choice([1]), random() < 1, randint(2, 2), time() > 0, Random(1).random()"
            ),
        ],
        "f()",
    ),
    "typing": (
        [
            "from typing import Any, Callable, List, Optional",
            "Posts = list[int]",
            "def f(a: Optional[Posts] = None, b: List[Any] = ()) -> Posts:\n    return b",
        ],
        "f()",
    ),
    "an annotation that nothing defines": (
        ["from __future__ import annotations", "def f(a: Nothing) -> Never:\n    return a"],
        "f(1)",
    ),
    "numpy": (
        [
            "import numpy as np\nfrom numpy import mean, sqrt",
            "W = np.array([[1.0, 2.0]])\nK = np.float64(2)",
            (
                "def f():\n"
                "    drawn = np.random.default_rng(1).random()\n"
                "    return (W * K).sum(axis=1).tolist(), float(mean(W)), float(sqrt(4)), drawn"
            ),
        ],
        "f()",
    ),
    "built-ins with another meaning": (
        ["sorted = lambda x: 'mine'\nlist = 3", "def f():\n    return sorted([2]), list"],
        "f()",
    ),
    "comprehensions and globals": (
        ["A = [1, 2]\nB = {3}", "def f():\n    global A\n    return [a + b for a in A for b in B], {a: B for a in A}"],
        "f()",
    ),
    "a magic in the cell": (["%pwd\ndef f():\n    return 1\n_ = !true"], "f()"),
    "odd characters": (["def f():\n    return 'é', '\\u2028', '\\ud800', '𝄞'"], "f()"),
    "an indented cell": (["    def f():\n        return 1\n"], "f()"),
    "a timed cell": (["def f():\n    return 1", "%%time\nK = 5\ndef f():\n    return K"], "f()"),
    "a class in a timed cell": (["class A:\n    x = 1", "%%time\nclass A:\n    x = 2", "f = lambda: A.x"], "f()"),
    "a class named in a timed cell": (["class A:\n    x = 1", "%%time\ndef f():\n    return A.x"], "f()"),
    "a decorated function in a timed cell": (
        [
            "def deco(g):\n    return lambda: g()",
            "@deco\ndef f():\n    return 1",
            "%%time\n@deco\ndef f():\n    return 2",
        ],
        "f()",
    ),
    "a shell's cell that names it": (["class A:\n    x = 1", "f = lambda: A.x", "%%bash\n: class A"], "f()"),
    "a cell with a captured output": (["%%capture\ndef f():\n    return 1"], "f()"),
}


@pytest.mark.parametrize(("cells", "expression"), SAME.values(), ids=SAME)
def test_it_means_the_same_outside_the_notebook(shell, cells, expression):
    inside = run(shell, *cells)
    asked = [name for name in ("f", "g", "h", "old") if name in inside]
    for names in (asked, asked[::-1]):
        submission = collect(inside, names)
        assert set(submission.left_behind) <= {"Posts"}
        got = eval(expression, outside(submission.source))
        assert repr(got) == repr(eval(expression, inside)), submission.source


LEFT = {
    "a closure": (
        ["def make(n):\n    def f():\n        return n\n    return f", "f = make(1)"],
        "remembers its variables (`n`)",
    ),
    "a function in a function": (
        ["def make():\n    def f():\n        return 1\n    return f", "f = make()"],
        "was not found",
    ),
    "a closure where a decorated function was": (
        ["def deco(g):\n    return lambda: g()", "@deco\ndef f():\n    return 1", "%%time\nf = deco(f)"],
        "remembers its variables (`g`)",
    ),
    "a timed cell with a magic inside": (["class f:\n    x = 1", "%%time\n%pwd\nclass f:\n    x = 2"], "was not found"),
    "twins on a line": (["f, g = lambda x, k=1: x + k, lambda x, k=2: x + k"], "was not found"),
    "made by exec": (["def f(): return 1", "exec('def f(): return 2')"], "was not found"),
    "a partial": (["import functools\nf = functools.partial(print, 1)"], "object of the kind partial"),
    "a bound method": (["class A:\n    def go(self): pass\nf = A().go"], "object of the kind method"),
    "a method of a text": (["f = 'a'.upper"], "object of the kind builtin_function_or_method"),
    "an object": (["class A: pass\nf = A()"], "an object of the kind A"),
    "a lock in a list": (["import threading\nf = [threading.Lock()]"], "an object of the kind lock"),
    "a table": (["import pandas\nf = pandas.DataFrame({'a': [1]})"], "an object of the kind DataFrame"),
    "a coroutine object": (["async def g(): pass\nf = g()\nf.close()"], "an object of the kind coroutine"),
    "a large value": (["f = [0] * 10**7"], "too large"),
    "a value in itself": (["f = []\nf.append(f)"], "contains itself"),
    "a made module": (["import types\nf = types.ModuleType('math')"], "a module that only this notebook can reach"),
    "the notebook's shell": (["f = get_ipython"], "belongs to the notebook"),
    "what raises when asked": (
        ["class A:\n    def __getattr__(self, name): 1 / 0\n    def __call__(self): pass\nf = A()"],
        "could not be read",
    ),
    "what never ends when asked": (
        ["class A:\n    def __getattr__(self, name): return A()\n    def __call__(self): pass\nf = A()"],
        "could not be read",
    ),
    "what lies about its class": (["class A:\n    __class__ = property(lambda self: 1 / 0)\nf = A()"], "kind A"),
    "a mock": (["from unittest.mock import MagicMock\nf = MagicMock()"], "kind MagicMock"),
}


@pytest.mark.parametrize(("cells", "says"), LEFT.values(), ids=LEFT)
def test_what_cannot_travel_is_named_and_said_why(shell, cells, says):
    submission = collect(run(shell, *cells), ["f"])
    assert list(submission.left_behind) == ["f"]
    assert says in submission.left_behind["f"]
    assert "`f`" in submission.left_behind["f"]
    assert "f" not in outside(submission.source)


def test_what_a_function_uses_and_cannot_have_is_told(shell):
    submission = collect(run(shell, "t = {1: open}", "def f():\n    display(t)\n    return t"), ["f"])
    assert set(submission.left_behind) >= {"t"}
    assert "def f" in submission.source


def test_a_learners_own_file_is_named(shell, tmp_path, monkeypatch):
    (tmp_path / "my_helpers.py").write_text("def g():\n    return 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    namespace = run(shell, "import my_helpers as mine\nfrom my_helpers import g", "def f():\n    return g() + mine.g()")
    left_behind = collect(namespace, ["f"]).left_behind
    assert set(left_behind) == {"g", "mine"}
    assert all("your own file my_helpers.py" in sentence for sentence in left_behind.values())
    sys.modules.pop("my_helpers")


def test_dots_stay_dots(shell):
    source = collect(run(shell, "a = ...", "def f():\n    ..."), ["a", "f"]).source
    assert "a = ..." in source
    assert "    ..." in source


def test_a_drawing_board_travels_as_its_text(shell):
    text = "client -> api x2  # 'ours'\n"
    namespace = run(shell, f"from fortyfive.widgets.board import draw\nboard = draw({text!r})", "design = board")
    submission = collect(namespace, ["board", "design"])
    assert submission.left_behind == {}
    assert outside(submission.source)["board"] == outside(submission.source)["design"] == text


def test_names_that_are_not_there_are_left_out(shell):
    submission = collect(run(shell, "def f():\n    return missing"), ["f", "g"])
    assert submission.left_behind == {}
    assert "g" not in outside(submission.source)


def test_nothing_else_of_the_notebook_travels(shell):
    namespace = run(shell, "secret = 1\nprint('shown once')", "def f():\n    return 1", "f()\nf")
    source = collect(namespace, ["f"]).source
    assert source == "from __future__ import annotations\n\ndef f():\n    return 1\n"


def test_a_damaged_history_takes_nothing_else_along(shell):
    namespace = run(shell, "class A:\n    x = 1", "def f():\n    return A.x", "In = _ih = None")
    assert "class `A` was not found" in collect(namespace, ["f"]).left_behind["A"]


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()) | st.binary()
)
literals = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.frozensets(st.integers(), max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), literals))
def test_values_travel_as_they_are(values):
    submission = collect(values, ["a", "b", "c"])
    found = outside(submission.source)
    assert {name: found[name] for name in values} == values
    assert submission.left_behind == {}
