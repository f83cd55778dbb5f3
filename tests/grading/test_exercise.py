"""Every kind of learner code gets the verdict that fits, in a sentence that helps; a broken check never blames it."""

import json
import signal
import threading
import time

import pytest

from fortyfive.grading import sandbox
from fortyfive.grading.exercise import MAX_FEEDBACK_CHARS, Exercise, _groups, grade
from fortyfive.grading.report import Failure, Report, Verdict
from fortyfive.grading.sandbox import Limits
from fortyfive.grading.submission import Submission
from fortyfive.sim.fan_out import HYBRID

QUICK = Limits(wall_s=0.6, memory_bytes=300 << 20, printed_bytes=50_000)
ROOMY = Limits(memory_bytes=300 << 20)
DRIVER = "fortyfive.sim.fan_out:drive"


def exercise_of(limits=ROOMY):
    """An exercise that asks for `answer`, which should be 42, and for functions of a feed."""
    exercise = Exercise("99_test", title="Test")

    @exercise.check(points=3, needs=["answer"], hints=["Think.", "42."], takeaway="Well said.", limits=limits)
    def is_right(answer):
        """The answer is right

        More about it, which nobody is shown.
        """
        if answer.value("answer") != 42:
            raise Failure(f"`answer` is {answer.value('answer')!r}.", help="It is not.")

    @exercise.check(points=2, needs=["publish", "read"], hints=["Read."], takeaway="Served.", limits=limits)
    def reads_inbox(answer):
        """A post is read"""
        (played,) = answer.drive(DRIVER, [[("edge", "ben", "ana"), ("publish", "ana", 1), ("read", "ben", 5)]], HYBRID)
        if played["reads"] != [[("post", 1)]]:
            raise Failure(f"`read` returned {played['reads'][0]!r}.")

    return exercise


def judge(source, names=("answer",), limits=ROOMY, filename="<your notebook>", left_behind=None):
    """The result of one submission; it must be known in time, and shows nothing of ours."""
    started_s = time.monotonic()
    submission = Submission(source, filename, left_behind or {})
    (result,) = grade(exercise_of(limits), submission, names).results
    assert time.monotonic() - started_s < limits.wall_s + 2
    said = f"{result.rationale} {result.help}"
    assert "Traceback" not in said
    assert "fortyfive/" not in said
    assert (result.points > 0) is (result.verdict is Verdict.PASSED)
    assert result.max_points in (2, 3)
    return result


PASSED = {
    "a literal": "answer = 42",
    "a function's value": "def work(a=0):\n    return 42 + a\nanswer = work()",
    "a future import": "from __future__ import annotations\nx: Nothing = 1\nanswer = 42",
    "other tasks broken": "answer = 42\nother = 1 / 0\nbroken()\nwhile_true = [None for _ in iter(int, 1)]",
    "a dataclass": (
        "from dataclasses import dataclass\n@dataclass\n"
        "class P:\n    x: int\n"
        "    def go(self): return self.x\nanswer = P(42).go()"
    ),
    "an integer of a class": "import enum\nclass E(enum.IntEnum):\n    A = 42\nanswer = E.A",
    "numpy": "import numpy as np\nanswer = np.int64(42)",
    "printing": "print('x' * 10_000)\nanswer = 42",
    "an error caught": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    answer = 42",
    "windows lines": "answer = (\r\n    42\r\n)\r\n",
    "a tab and a form feed": "\x0canswer = 42\t",
    "a random seed": "import random\nrandom.seed = None\nanswer = 42",
    "built-ins damaged elsewhere": "import builtins\nbuiltins.len = builtins.isinstance = None\nanswer = 42",
}


@pytest.mark.parametrize("source", PASSED.values(), ids=PASSED)
def test_right_answers_pass_and_earn_the_take_away(source):
    result = judge(source)
    assert (result.verdict, result.points, result.rationale, result.help) == (Verdict.PASSED, 3, "Well said.", ""), (
        result
    )


NOT_ATTEMPTED = {
    "nothing": ("", "`answer` is not defined yet"),
    "words": ("'''push pull hybrid 42'''", "not defined yet"),
    "a stub": ("answer = ...", "`answer` is still `...`"),
    "a stub again": ("answer = 42\nanswer = ...", "still `...`"),
    "another name": ("Answer = 42", "not defined yet"),
    "only inside": ("def f():\n    answer = 42", "not defined yet"),
    "deleted": ("answer = 42\ndel answer", "not defined yet"),
    "a branch not taken": ("if False:\n    answer = 42", "not defined yet"),
}


@pytest.mark.parametrize(("source", "says"), NOT_ATTEMPTED.values(), ids=NOT_ATTEMPTED)
def test_what_is_untouched_is_not_attempted(source, says):
    result = judge(source)
    assert (result.verdict, result.attempted) == (Verdict.NOT_ATTEMPTED, False)
    assert says in result.rationale


WRONG = {
    "another number": ("answer = 41", "is 41."),
    "a text": ("answer = '42'", "is '42'."),
    "a missing return": ("def work():\n    42\nanswer = work()", "`answer` is None, which says nothing."),
    "a function": ("def answer():\n    return 42", "<function answer> (a function)"),
    "a generator": ("def work():\n    yield 42\nanswer = work()", "(a generator)"),
    "a coroutine": ("async def work():\n    return 42\nanswer = work()", "(a coroutine)"),
    "a class": ("class answer:\n    n = 42", "(a type)"),
    "a module": ("import math as answer", "(a module)"),
    "an exception": ("answer = ValueError('x')", "ValueError('x')"),
    "not implemented": ("answer = NotImplemented", "NotImplemented"),
    "bytes in a set": ("answer = {b'a'}", "frozenset({b'a' (a bytes)})"),
    "a huge number in digits": (f"answer = 0x{'f' * 10_000}", "an integer of 40,000 bits"),
    "not a number": ("answer = float('nan')", "nan"),
    "infinite": ("answer = -float('inf')", "-inf"),
    "a huge number": ("answer = 9**99999", "an integer of"),
    "a complex number": ("answer = 42 + 0j", "(42+0j)"),
    "bytes": ("answer = b'\\xff\\0'", "b'\\xff\\x00'"),
    "a lone surrogate": ("answer = '\\ud800'", "'\\ud800'"),
    "control characters": ("answer = '\\x1b[31m\\0'", "'\\x1b[31m\\x00'"),
    "equal to all": (
        "class Yes:\n    def __eq__(self, other): return True\n    __hash__ = None\nanswer = Yes()",
        "Yes object",
    ),
    "a number equal to all": ("class Yes(int):\n    def __eq__(self, other): return True\nanswer = Yes()", "is 0."),
    "a hostile repr": (
        "class No:\n    def __repr__(self): raise SystemExit\nanswer = [No()]",
        "a value whose repr() fails (a No)",
    ),
    "a repr that is no text": ("class No:\n    def __repr__(self): return 5\nanswer = No()", "whose repr() fails"),
    "a hostile class": (
        (
            "class No:\n    __class__ = property(lambda self: 1 / 0)\n"
            "    def __getattribute__(self, n): 1 / 0\nanswer = No()"
        ),
        "No object",
    ),
    "a list that lies": (
        "class L(list):\n    def __iter__(self): 1 / 0\n    def __len__(self): return -1\nanswer = L([1])",
        "is [1].",
    ),
    "a set of itself": (
        "class S(set):\n    def __hash__(self): return 1\nanswer = S()\nanswer.add(S([1]))",
        "frozenset({frozenset({1})})",
    ),
    "a long list": ("answer = list(range(400_000))", "characters)"),
    "a long text": ("answer = 'x' * 10**6", "(1,000,015 characters)"),
}


@pytest.mark.parametrize(("source", "says"), WRONG.values(), ids=WRONG)
def test_wrong_values_fail_and_are_shown(source, says):
    result = judge(source)
    assert (result.verdict, result.attempted) == (Verdict.FAILED, True)
    assert says in result.rationale
    assert len(result.rationale) < MAX_FEEDBACK_CHARS + 100
    json.dumps(result.rationale, ensure_ascii=False).encode()


RAISED = {
    "an error": (
        "def work(x):\n    return 1 / x\nanswer = work(0)",
        "ZeroDivisionError: division by zero (in `work`), at: return 1 / x",
        "",
    ),
    "a syntax error": ("a = 1\n\nanswer = = 42", "SyntaxError: invalid syntax, at: answer = = 42", ""),
    "an indentation error": ("if 1:\nanswer = 42", "IndentationError: expected an indented block", ""),
    "return outside": ("answer = 42\nreturn answer", "SyntaxError: 'return' outside function", ""),
    "a NUL byte": ("answer = 42\0", "null bytes", ""),
    "a lone surrogate": ("answer = '\ud800'", "UnicodeEncodeError", ""),
    "deep brackets": ("answer = " + "(" * 1_000 + ")" * 1_000, "too many nested parentheses", ""),
    "a missing name": ("answer = naem", "NameError: name 'naem' is not defined", "Is the name spelled the same"),
    "a module that is not there": (
        "import nothing_here\nanswer = nothing_here.x",
        "No module named 'nothing_here'",
        "",
    ),
    "sys.exit": ("import sys\nanswer = sys.exit(0)", "SystemExit: 0", "never leaves Python"),
    "exit": ("answer = exit()", "SystemExit", "never leaves Python"),
    "an interrupt": ("def work(): raise KeyboardInterrupt\nanswer = work()", "KeyboardInterrupt (in `work`)", ""),
    "os._exit": ("import os\nanswer = os._exit(0)", "ended with exit code 0 before it had returned", "os._exit"),
    "abort": ("import os\nanswer = os.abort()", "ended by SIGABRT", ""),
    "deep recursion": (
        "def work(n): return work(n + 1)\nanswer = work(0)",
        "RecursionError",
        "without reaching a case",
    ),
    "deep recursion of a method": (
        "class A:\n    def __getattr__(self, n): return getattr(self, n)\nanswer = A().x",
        "RecursionError",
        "",
    ),
    # Some versions of Python notice in time, others crash.
    "deeper than the stack": (
        "import sys\nclass A:\n    def __getattr__(self, n): return getattr(self, n)\n"
        "answer = [sys.setrecursionlimit(10**6), A().x]",
        "Your code",
        "",
    ),
    "input": ("answer = int(input('?'))", "EOFError", "Nobody types"),
    "closed output": (
        "import sys\nanswer = [sys.stdout.close(), print('x')]",
        "ValueError: I/O operation on closed",
        "",
    ),
    "a class of its own": (
        "class Odd(BaseException): pass\ndef work(): raise Odd('way')\nanswer = work()",
        "Odd: way",
        "",
    ),
    "a group": (
        "def work(): raise ExceptionGroup('two', [ValueError(1), TypeError(2)])\nanswer = work()",
        "ExceptionGroup: two (2 sub-exceptions)",
        "",
    ),
    "a hostile message": (
        "class E(Exception):\n    def __str__(self): raise SystemExit\ndef work(): raise E\nanswer = work()",
        "Your code raised E (in",
        "",
    ),
    "a message that is no text": (
        "class E(Exception):\n    def __str__(self): return 5\ndef work(): raise E\nanswer = work()",
        "Your code raised E (in",
        "",
    ),
    "a hidden traceback": (
        "class E(Exception):\n    __traceback__ = 5\n    __cause__ = 6\ndef work(): raise E('x')\nanswer = work()",
        "E: x (in `work`)",
        "",
    ),
    "a huge message": ("def work(): raise ValueError('x' * 10**7)\nanswer = work()", "... (10,000,000 characters)", ""),
    "a message that controls": (
        "def work(): raise ValueError('\\x1b[2J\\0\\ud800\\u202e')\nanswer = work()",
        r"\x1b[2J\x00\ud800\u202e",
        "",
    ),
    "a message over lines": ("def work(): raise ValueError('a\\nb')\nanswer = work()", "ValueError: a\nb", ""),
    "an error from an error": ("answer = eval('1 +')", "SyntaxError", ""),
    "a syntax error made up": (
        "def work(): raise SyntaxError('m', ('f', 'x', [], object()))\nanswer = work()",
        "SyntaxError: m",
        "",
    ),
    "a name error made up": (
        "def work(): raise NameError('m', name=[])\nanswer = work()",
        "NameError: m",
        "Is the name",
    ),
    "a hash that refuses": (
        "class A:\n    def __hash__(self): raise ValueError('no')\nanswer = {A()}",
        "ValueError: no",
        "",
    ),
    "a covered built-in": ("list = [1]\nanswer = list((42,))", "not callable", "Python itself uses: `list`"),
    "a deleted built-in": (
        "import builtins\ndel builtins.sum\nanswer = sum([42])",
        "'sum' is not defined",
        "Python itself uses: `sum`",
    ),
    "a metaclass that refuses": (
        "class M(type):\n    __module__ = property(lambda c: 1 / 0)\nclass A(metaclass=M): pass\nanswer = A()",
        "ZeroDivisionError",
        "",
    ),
    "a missing library of ours": (
        "import fortyfive.grading.wire as w\nw.encode = None\nanswer = w.encode(1)",
        "not callable",
        "",
    ),
}


@pytest.mark.parametrize(("source", "says", "helps"), RAISED.values(), ids=RAISED)
def test_errors_are_told_with_their_place(source, says, helps):
    result = judge(source)
    assert (result.verdict, result.attempted) == (Verdict.RAISED, True), result
    assert says in result.rationale
    assert helps in result.help
    assert len(result.rationale) < 3_000
    json.dumps(result.rationale, ensure_ascii=False).encode()


def test_in_a_file_an_error_has_its_line():
    source = "# One.\n\nanswer = (\n    1 / 0\n)\n"
    assert "(work.py, line 4), at: 1 / 0" in judge(source, filename="work.py").rationale
    assert "(work.py, line 3), at: answer = = 1" in judge("# One.\n\nanswer = = 1\n", filename="work.py").rationale
    broken = "text = 'a\x0cb'\ndef work():\n    return 1 / 0\nanswer = work()\n"
    assert "(work.py, line 3, in `work`), at: return 1 / 0" in judge(broken, filename="work.py").rationale


TIMED_OUT = {
    "a loop": "def work():\n    while True: pass\nanswer = work()",
    "a loop that prints little": (
        "import time\ndef work():\n    while True: print(1, flush=True); time.sleep(.1)\nanswer = work()"
    ),
    "a repr without end": "class A:\n    def __repr__(self):\n        while True: pass\nanswer = A()",
    "a loop at the top": "answer = 42\nwhile True: pass",
    "a wait": "import threading\nanswer = threading.Event().wait()",
}


@pytest.mark.parametrize("source", TIMED_OUT.values(), ids=TIMED_OUT)
def test_what_never_ends_is_timed_out(source):
    result = judge(source, limits=QUICK)
    assert result.verdict is Verdict.TIMED_OUT
    assert result.rationale == "Your code was still running after 0.6 s, and was ended."


OVER_LIMIT = {
    "printing": ("def work():\n    while True: print('spam')\nanswer = work()", "printed more than 48 KiB"),
    "memory": ("answer = [0] * (8 << 27)", "more memory than the grader gives it (300 MiB)"),
    "a result": ("answer = [0] * 10**7", "too large, or too deeply nested"),
    "a deep literal": (f"answer = {'[' * 60}{']' * 60}", "too large, or too deeply nested"),
    "a list in itself": ("answer = [1]\nanswer.append(answer)", "contain itself"),
}


@pytest.mark.parametrize(("source", "says"), OVER_LIMIT.values(), ids=OVER_LIMIT)
def test_limits_are_told(source, says):
    result = judge(source, limits=Limits(memory_bytes=300 << 20, printed_bytes=50_000))
    assert result.verdict is Verdict.OVER_LIMIT
    assert says in f"{result.rationale} {result.help}"


FEED = "def publish(post, store):\n    {}\ndef read(reader, limit, store):\n    {}\n"
FUNCTIONS = {
    "right": (FEED.format("store.add('ben', post)", "return store.inbox(reader)"), "passed", "Served."),
    "a stub": (FEED.format("...", "return []"), "not_attempted", "`publish` still contains"),
    "one missing": ("def publish(post, store): pass", "not_attempted", "`read` is not defined yet"),
    "no return": (FEED.format("pass", "store.inbox(reader)"), "failed", "`read` returned None."),
    "too few arguments": ("def publish(post): pass\nread = publish", "raised", "TypeError"),
    "no function": ("publish = 5\nread = 6", "failed", "needs a function"),
    "refused by the world": (FEED.format("store.add('ben', 7)", "pass"), "failed", "store.add` with 7"),
    "refused, and hidden": (
        FEED.format("try: store.add('ben', 7)\n    except Exception: pass", "return []"),
        "failed",
        "returned []",
    ),
    "refused, with a hostile repr": (
        "class A:\n    def __repr__(self): raise SystemExit\n" + FEED.format("store.add('ben', A())", "pass"),
        "raised",
        "SystemExit",
    ),
    "sys.exit": (FEED.format("raise SystemExit", "pass"), "raised", "SystemExit (in `publish`)"),
    "the world's built-ins replaced": (
        FEED.format("import builtins; builtins.isinstance = None; store.add('ben', post)", "pass"),
        "raised",
        "not callable",
    ),
    "our classes replaced": (
        FEED.format("import fortyfive.sim.fan_out as world; world.Store.inbox = None", "return store.inbox(reader)"),
        "raised",
        "not callable",
    ),
    "our encoder replaced": (
        FEED.format("import fortyfive.grading.wire as wire; wire._Encoder = None", "return []"),
        "grader_error",
        "not your mistake",
    ),
    "hostile posts": (
        "class A:\n    __class__ = property(lambda self: 1 / 0)\n" + FEED.format("pass", "return [A()]"),
        "raised",
        "ZeroDivisionError",
    ),
    "a coroutine": ("async " + FEED.format("pass", "return []"), "failed", "returned []"),
    "an open generator": (FEED.format("pass", "yield from store.inbox(reader)"), "failed", "(a generator)"),
    "methods of an object": (
        "class A:\n"
        "    def p(self, post, store): store.add('ben', post)\n"
        "    def r(self, reader, limit, store): return store.inbox(reader)\n"
        "publish, read = A().p, A().r",
        "passed",
        "Served.",
    ),
    "lambdas": (
        "publish = lambda post, store: store.add('ben', post); read = lambda reader, limit, store: store.inbox(reader)",
        "passed",
        "Served.",
    ),
    "the posts themselves in a tuple": (
        FEED.format("store.add('ben', post)", "return tuple(store.inbox(reader))"),
        "failed",
        "returned (Post",
    ),
}


@pytest.mark.parametrize(("source", "verdict", "says"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_functions_get_the_verdict_that_fits(source, verdict, says):
    result = judge(source, ["read"])
    assert (result.verdict, says in result.rationale) == (verdict, True), result


def test_one_tasks_endless_loop_is_that_tasks_alone():
    source = f"answer = [None for _ in iter(int, 1)]\n{FUNCTIONS['right'][0]}"
    report = grade(exercise_of(QUICK), Submission(source))
    assert [result.verdict for result in report.results] == [Verdict.TIMED_OUT, Verdict.PASSED]


def test_what_could_not_travel_is_said_where_it_is_missed():
    result = judge("x = 1", left_behind={"answer": "`answer` was lost."})
    assert (result.verdict, result.rationale) == (Verdict.FAILED, "`answer` was lost.")
    result = judge("answer = helper()", left_behind={"helper": "`helper` was lost."})
    assert (result.verdict, result.help) == (Verdict.RAISED, "`helper` was lost.")


def broken(error):
    exercise = exercise_of()

    @exercise.check(points=1, needs=["other"], hints=["?"], takeaway="!")
    def breaks(answer):
        """It breaks"""
        raise error

    return exercise


@pytest.mark.parametrize(
    "error", [KeyError("x"), ZeroDivisionError(), RecursionError("deep"), MemoryError(), OSError(28, "full")]
)
def test_a_check_that_raises_is_a_fault_of_ours(error):
    report = grade(broken(error), Submission("answer = 42"), ["answer", "other"])
    assert [result.verdict for result in report.results] == [Verdict.PASSED, Verdict.GRADER_ERROR]
    fault = report.results[1]
    assert (fault.points, fault.attempted) == (0, False)
    assert type(error).__name__ in fault.rationale
    assert "This is not your mistake" in fault.rationale
    assert "Traceback" not in fault.rationale


@pytest.mark.parametrize(
    "outcome",
    [
        {"status": "grader_error", "detail": "Traceback ...\nKeyError: 'x'\n"},
        {"status": "grader_error"},
        {"status": "raised"},
        {"status": "ok"},
        {"status": "ok", "value": {"dict": 5}},
        {"status": "ok", "value": {"dict": [[[], 5]]}},
        {"status": "ok", "value": {"odd": 5}},
        {"status": "failed", "rationale": 5, "help": []},
        {"status": "over_limit"},
        {"status": "never heard of"},
    ],
)
def test_an_answer_that_makes_no_sense_is_a_fault_of_ours(outcome, monkeypatch):
    monkeypatch.setattr(sandbox, "run", lambda *args: outcome)
    result = judge("answer = int(42)")
    assert result.verdict is Verdict.GRADER_ERROR, result
    assert "not your mistake" in result.rationale


def test_a_machine_that_starts_no_process_is_a_fault_of_ours(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(sandbox.subprocess, "Popen", refuse)
    result = judge("answer = int(42)")
    assert result.verdict is Verdict.GRADER_ERROR
    assert "Resource temporarily unavailable" in result.rationale


def ladder():
    """Checks a to e: b stands on a, c on b; d needs what is asked for last."""
    exercise = Exercise("98_ladder", title="Ladder")

    def declare(name, needs, after=None):
        def body(answer):
            if name in answer.submission.source:
                raise Failure(f"{name} is wrong.")

        body.__name__, body.__doc__ = name, f"Check {name} holds"
        return exercise.check(points=1, needs=needs, hints=["?"], takeaway=f"{name}!", after=after)(body)

    first = declare("check_a", ["x"])
    second = declare("check_b", ["x", "y"], first)
    declare("check_c", ["x", "y", "z"], second)
    declare("check_d", ["x", "z"])
    declare("check_e", ["v"])
    return exercise


def verdicts(report):
    return {result.id[-1]: result.verdict.value for result in report.results}


def test_checks_run_in_their_order_and_wait_for_those_they_stand_on():
    report = grade(ladder(), Submission("check_b"))
    assert verdicts(report) == {"a": "passed", "b": "failed", "c": "not_attempted", "d": "passed", "e": "passed"}
    assert report.results[2].rationale == "Waits for: Check check_b holds."
    assert (report.points, report.max_points) == (3, 5)
    report = grade(ladder(), Submission("check_a"))
    assert verdicts(report) == {"a": "failed", "b": "not_attempted", "c": "not_attempted", "d": "passed", "e": "passed"}


def test_checks_that_stand_on_one_another_are_one_group_and_the_others_another():
    groups = ["".join(check.id[-1] for check in group) for group in _groups(ladder().checks)]
    assert groups == ["abc", "de"]
    assert _groups([]) == []


def two_that_meet(monkeypatch, wait_s):
    """Two checks that pass only where both run at the same time, and the cores that takes."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    exercise, meeting = Exercise("96_meeting", title="Meeting"), threading.Barrier(2)

    def declare(name, after=None, body=lambda answer: None):
        body.__name__, body.__doc__ = name, name
        return exercise.check(points=1, needs=["x"], hints=["?"], takeaway="!", after=after)(body)

    declare("last", declare("first"), lambda answer: meeting.wait(wait_s) and None)
    declare("other", None, lambda answer: meeting.wait(wait_s) and None)
    return exercise


def test_groups_run_side_by_side_and_are_reported_in_the_exercises_order(monkeypatch):
    report = grade(two_that_meet(monkeypatch, wait_s=5), Submission("x = 1"))
    assert [(item.id, item.verdict.value) for item in report.results] == [
        ("first", "passed"),
        ("last", "passed"),
        ("other", "passed"),
    ]


def test_on_one_core_one_check_runs_after_the_other(monkeypatch):
    exercise = two_that_meet(monkeypatch, wait_s=0.05)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert [item.verdict.value for item in grade(exercise, Submission("x = 1")).results] == [
        "passed",
        "grader_error",
        "grader_error",
    ]


def test_an_interrupt_ends_the_learners_code_in_every_thread(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    exercise = exercise_of(Limits(wall_s=30.0))

    @exercise.check(points=1, needs=["answer"], hints=["?"], takeaway="!", after=exercise.checks[0].body)
    def follows(answer):
        """It follows"""

    loop = "    while True: pass\n"
    source = f"def work():\n{loop}answer = work()\ndef publish(post, store):\n{loop}read = publish\n"
    started_s = time.monotonic()
    threading.Timer(1.0, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        grade(exercise, Submission(source))
    assert time.monotonic() - started_s < 10
    assert not sandbox._children


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ([], "abcde"),
        (["x"], "a"),
        (["y"], "ab"),
        (["x", "y"], "ab"),
        (["z"], "abcd"),
        (["v"], "e"),
        (["v", "y"], "abce"),
    ],
)
def test_names_select_the_checks_that_can_be_judged_by_then(names, chosen):
    # `v` is asked for last: by then what check c needs, which is about `y`, has been asked for as well.
    assert "".join(check.id[-1] for check in ladder().select(names)) == chosen


def test_what_an_exercise_asks_for():
    exercise = ladder()
    assert exercise.names == ("x", "y", "z", "v")
    assert exercise.find("check_b").title == "Check check_b holds"
    with pytest.raises(KeyError):
        exercise.find("nothing")
    assert exercise_of().checks[0].title == "The answer is right"


def test_a_report_survives_its_journey():
    report = grade(ladder(), Submission("check_b"))
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_nothing_asked_is_nothing_judged():
    assert grade(Exercise("97_empty", title="Empty"), Submission("x = 1")).results == ()
