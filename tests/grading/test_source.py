"""What is read off a learner's source without running it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fortyfive.grading.source import defined_names, find_stubs, literal_of, part_for, split_lines, used_names


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("x = ...", "put your answer there"),
        ("x: int = ...", "put your answer there"),
        ("x = 5\nx = ...", "put your answer there"),
        ("def x():\n    ...", "replace it with your code"),
        ("def x():\n    '''Doc.'''\n    for i in y:\n        ...", "replace it with your code"),
        ("def x():\n    z = ...\n    return z", "replace it with your code"),
        ("async def x(): ...", "replace it with your code"),
        ("class x:\n    ...", "`x` still contains"),
        ("class x:\n    def go(self):\n        ...", "`x.go` still contains"),
    ],
)
def test_what_is_still_dots_is_a_stub(source, says):
    assert says in find_stubs(source, ["x"])["x"]


@pytest.mark.parametrize(
    "source",
    [
        "x = 5",
        "x = ...\nx = 5",
        "def x(): ...\ndef x(): return 1",
        "def x():\n    return ...",
        "x = [...]",
        "x = ...\nif True:\n    x = 5",
        "x = ...\nfor x in [5]: pass",
        "x = ...\nwith y as x: pass",
        "x = ...\nfrom math import *",
        "from math import *",
        "if y:\n    from z import x",
        "print(x := 5)",
        "x, y = 1, 2",
        "for x in y: pass",
        "del x",
        "x = (",
        "x = 1\0",
        "x" * 3 + " = '\ud800'; x = 1",
        "x = " + "(" * 1_000 + ")" * 1_000,
        "x = " + "-" * 100_000 + "1",
    ],
)
def test_what_may_be_an_answer_is_no_stub(source):
    assert find_stubs(source, ["x"]) == {}


@pytest.mark.parametrize("source", ["", "y = 1", "print('x')", "def y():\n    x = 1", "x: int", "if y: z = x"])
def test_a_name_that_is_never_defined_is_missing(source):
    assert find_stubs(source, ["x"]) == {"x": ""}


def test_names_that_a_source_surely_defines():
    source = "import os.path, sys as s\nfrom m import a as b\ndef f(): g = 1\nclass C: h = 1\n(i, [j]) = k = 1\nl += 1"
    assert defined_names(source) == {"os", "s", "b", "f", "C", "i", "j", "k", "l"}
    assert defined_names("x = (") == set()


def test_names_used_now_and_names_used_later():
    source = """
@deco
def f(a=default) -> note:
    b = [c for c in d]
    global e
    return a + b + e + len(b)

class C(Base):
    g = attribute
    h = [i for i in j]
    def method(self):
        return k
"""
    at_once = {"deco", "f", "default", "note", "C", "Base", "attribute", "j", "e"}
    assert used_names(source, at_once=True) == at_once
    assert used_names(source) == at_once | {"d", "len", "k"}


PROGRAM = """import math
from json import *
rate = slow()
table = {}
table["a"] = helper(2)
table.update(b=2)
draw(table)
def helper(x):
    return x * FACTOR
FACTOR = 3
text = '''one
two'''; other = 1
answer: int = len(text)
answer += other
"""


def test_a_part_keeps_what_its_names_need_and_every_line_number():
    part = part_for(PROGRAM, ["table"])
    assert len(split_lines(part)) == len(split_lines(PROGRAM))
    kept = {number: line for number, line in enumerate(split_lines(part), start=1) if line}
    original = dict(enumerate(split_lines(PROGRAM), start=1))
    assert kept == {number: original[number] for number in (2, 4, 5, 6, 8, 9, 10)}


def test_statements_on_one_line_stay_together():
    part = part_for(PROGRAM, ["other"])
    namespace = {}
    exec(part, namespace)
    assert (namespace["other"], namespace["text"]) == (1, "one\ntwo")
    exec(part_for(PROGRAM, ["answer"]), namespace)
    assert namespace["answer"] == 8


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("odd", ["\x0c", "\x1c", "\x85", "\u2028", "\x0b"])
def test_lines_are_counted_as_python_counts_them(odd, end):
    source = end.join([f"noise = '{odd}'", "stop()", f"text = 'a{odd}b'", "", "answer = text", ""])
    namespace = {}
    part = part_for(source, ["answer"])
    exec(part, namespace)
    assert namespace["answer"] == f"a{odd}b"
    assert [bool(line) for line in split_lines(part)] == [False, False, True, False, True, False]


@pytest.mark.parametrize("source", ["x = (", "x = 1\0", "def f(:\n  pass", "x = '\ud800'", "x = " + "(" * 1_000])
def test_what_cannot_be_parsed_comes_back_whole(source):
    assert part_for(source, ["x"]) == source


def test_a_future_import_and_what_only_running_tells_are_kept():
    source = "from __future__ import annotations\ntry:\n    import fast\nexcept ImportError:\n    fast = None\nx = 1\n"
    assert part_for(source, ["x"]) == source
    assert part_for(source, ["y"]) == source.replace("x = 1", "")


NAMES = ["a", "b", "c", "d"]


@st.composite
def programs(draw):
    """A program that runs: each name is a number or a list, each statement uses what is defined before it."""
    lines = [f"{name} = {number}" for number, name in enumerate(NAMES)]
    for _ in range(draw(st.integers(0, 8))):
        to, one, two = (draw(st.sampled_from(NAMES)) for _ in range(3))
        lines.append(
            draw(
                st.sampled_from(
                    [
                        f"{to} = {one} + {two}",
                        f"{to} += {one}",
                        f"{to} = {one}; {two} = 5",
                        f"def f_{to}(x={one}):\n    return x + {two}\n{to} = f_{to}()",
                        f"{to} = sum([\n    {one},\n    {two},\n])",
                        f"for {to} in range(3):\n    {one} = {two}",
                        f"if {to} > {one}:\n    {two} = 7\nelse:\n    {one} = 8",
                        f"({to}, {one}) = ({two}, {to})",
                        f"box = [{to}]\nbox.append({one})\n{two} = sum(box)",
                        f"print({one})",
                        f"class C_{to}:\n    value = {one}\n{to} = C_{to}.value",
                        f"{to} = len('''\n{one} = 1\n''') + {two}",
                    ]
                )
            )
        )
    return "\n".join(lines) + "\n"


@given(programs(), st.sets(st.sampled_from(NAMES), min_size=1))
def test_a_part_gives_its_names_the_values_that_the_whole_gives(source, names):
    whole, part = {"print": str}, {"print": str}
    exec(source, whole)
    text = part_for(source, sorted(names))
    exec(text, part)
    assert {name: part[name] for name in names} == {name: whole[name] for name in names}
    assert all(line in ("", original) for line, original in zip(split_lines(text), split_lines(source), strict=False))


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("x = 5_000", 5000),
        ("\n\nx = '12 K/s'\n", "12 K/s"),
        ("x = -1.5", -1.5),
        ("x = [1, (2, None)]", [1, (2, None)]),
        ("from __future__ import annotations\n\nx = 5\n", 5),
    ],
)
def test_a_literal_is_read_without_running_anything(source, value):
    assert literal_of(source, "x") == value


@pytest.mark.parametrize(
    "source",
    ["x = 50_000_000 / 60", "x = y", "y = 5", "x = 5\nx += 1", "x = f()", "x = [", "", "x = {[]: 1}", "x: int = 5"],
)
def test_whatever_is_no_literal_is_left_to_the_child(source):
    with pytest.raises(ValueError, match="is no literal"):
        literal_of(source, "x")
