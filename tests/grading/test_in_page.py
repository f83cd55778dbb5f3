"""A page gives the verdicts of the notebook in one interpreter, and what one run leaves behind is undone."""

import builtins
import io
import json
import sys

import pytest

from fortyfive.grading import in_page, render
from fortyfive.grading.exercise import Exercise, grade
from fortyfive.grading.report import Failure, Report, Verdict
from fortyfive.grading.sandbox import Limits
from fortyfive.grading.submission import PAGE, Submission
from fortyfive.sim.fan_out import PULL, Store

LIMITS = Limits(printed_bytes=50_000, result_bytes=100_000)
DRIVER = "fortyfive.sim.fan_out:drive"
STORY = [("edge", "ben", "ana"), ("publish", "ana", 1), ("read", "ben", 5)]
PULL_READ = "def pull_read(reader, limit, store):\n    return store.outbox('ana')\n"


def exercise_of():
    """Two tasks that do not stand on one another: `answer`, worked out by a run, and a timeline."""
    exercise = Exercise("99_test", title="Test")

    @exercise.check(points=3, needs=["answer"], hints=["Think."], takeaway="Well said.", limits=LIMITS)
    def is_right(answer):
        """The answer is right"""
        if answer.value("answer") != 42:
            raise Failure(f"`answer` is {answer.value('answer')!r}.", help="It is not.")

    @exercise.check(points=2, needs=["pull_read"], hints=["Read."], takeaway="Served.", limits=LIMITS)
    def reads(answer):
        """A post is read"""
        (played,) = answer.drive(DRIVER, [STORY], PULL)
        if played["reads"] != [[("post", 1)]]:
            raise Failure(f"`pull_read` returned {played['reads'][0]!r}.")

    return exercise


class Page:
    """What a page does: it hears how runs go, and keeps the tape."""

    def __init__(self):
        self.heard = []

    def tell(self, text):
        self.heard.append(json.loads(text))

    @property
    def tape(self):
        return [message["ended"] for message in self.heard if "ended" in message]

    def grade(self, source, names=(), tape=()):
        request = json.dumps({"source": source, "names": list(names), "tape": list(tape)})
        return json.loads(in_page.serve(exercise_of(), request, self.tell))


def judge(source, names=("answer",), tape=()):
    """The results of one grading in a page."""
    return Report.from_json(Page().grade(source, names, tape)["report"]).results


def answered_by(*lines):
    """A text that works its right answer out in a function, which does other things first."""
    return "\n    ".join(["def work():", *lines, "return 42"]) + "\nanswer = work()\n"


ANY = {
    "right": "answer = max(42, 1)",
    "wrong": "answer = max(41, 1)",
    "an exception": "answer = 1 / 0",
    "no Python": "answer = = 1",
    "a missing name": "answer = nothing_like_it",
    "leaving": "import sys\nanswer = sys.exit(0)",
    "a typed answer": "answer = input()",
    "recursion": "def f(n):\n    return f(n + 1)\nanswer = f(0)",
    "an object": "answer = object()",
    "too large": "answer = [0] * 10**6",
    "too long": "answer = 'x' * 10**6",
    "endless print": "while True: print('x' * 1000)",
    "endless print, errors caught": "while True:\n    try: print('x' * 1000)\n    except Exception: pass",
    "bytes without end": "import sys\nwhile True: sys.stdout.buffer.write(b'x' * 1000)",
    "errors without end": "import sys\nwhile True: sys.stderr.write('é' * 1000)",
    "a little print": answered_by("print('x' * 10_000)"),
    "a built-in given away": "len = 5\nanswer = len('x')",
    "built-ins replaced": answered_by("import builtins", "builtins.len = builtins.isinstance = None"),
    "built-ins deleted": answered_by(
        "import builtins", "b = vars(builtins)", "for n in [*b]:", "    if n[0] != '_': del b[n]"
    ),
    "modules replaced": answered_by("import json, sys", "json.dumps = json.loads = None"),
    "modules gone": answered_by("import sys", "sys.modules.clear()"),
    "no output": answered_by("import sys", "sys.stdout = sys.stderr = None", "print('lost')"),
    "output closed": answered_by("import sys", "sys.stdout.close()"),
}


@pytest.mark.parametrize("source", ANY.values(), ids=ANY)
def test_a_page_gives_the_verdict_and_the_words_of_a_notebook(source, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    (expected,) = grade(exercise_of(), Submission(source, PAGE), ["answer"]).results
    assert judge(source) == (expected,)
    assert expected.verdict is not Verdict.GRADER_ERROR


def test_a_page_is_shown_what_a_notebook_is_shown():
    answer = Page().grade(f"answer = 41\n{PULL_READ}")
    report = Report.from_json(answer["report"])
    assert [(item.verdict, item.points) for item in report.results] == [(Verdict.FAILED, 0), (Verdict.PASSED, 2)]
    assert answer["html"] == render.as_html(report, "Test")
    assert answer["headline"] == "99 Test: 2 of 5 points"


def test_what_is_missing_is_looked_for_on_the_page():
    assert "define it in its place on this page" in judge("other = 1")[0].rationale


def test_the_page_hears_of_each_run_what_it_may_use_and_how_it_ended():
    page = Page()
    page.grade(f"answer = max(42, 1)\n{PULL_READ}")
    assert [next(iter(message)) for message in page.heard] == ["running", "ended"] * 2
    limits = {"limit_s": in_page.LEAST_LIMIT_S, "memory_bytes": LIMITS.memory_bytes}
    assert page.heard[0] == {"running": limits}
    assert [outcome["status"] for outcome in page.tape] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("limits", "limit_s"), [(Limits(wall_s=1), 15), (Limits(wall_s=30), 30), (Limits(wall_s=30, cpu_s=16), 16)]
)
def test_a_run_in_a_page_gets_the_time_of_its_check_and_never_less_than_a_slow_browser_needs(limits, limit_s):
    page = Page()
    in_page.Tape([], page.tell).run(Submission("x = 1"), "fortyfive.grading.child:read_names", [["x"]], limits)
    assert page.heard[0]["running"]["limit_s"] == limit_s


def test_a_run_that_the_page_ended_is_told_and_the_other_task_gets_its_verdict():
    source = f"import time\nanswer = time.sleep(3600)\n{PULL_READ}"
    page = Page()
    answer = page.grade(source, tape=[{"status": "timed_out", "limit_s": 10.0}])
    hung, other = Report.from_json(answer["report"]).results
    assert (hung.verdict, other.verdict) == (Verdict.TIMED_OUT, Verdict.PASSED)
    assert hung.rationale == "Your code was still running after 10 s, and was ended."
    assert len(page.tape) == 1


def test_what_is_on_the_tape_does_not_run_again():
    source = f"answer = max(42, 1)\n{PULL_READ}"
    first, second = Page(), Page()
    assert second.grade(source, tape=first.tape) == first.grade(source)
    again = Page()
    assert again.grade(source, tape=first.tape) == second.grade(source)
    assert again.heard == []


def test_a_page_that_lost_its_interpreter_says_that_the_process_ended():
    (result,) = judge("answer = max(42, 1)", tape=[{"status": "ended", "code": 1, "signal": ""}])
    assert result.verdict is Verdict.RAISED
    assert "ended with exit code 1" in result.rationale


STORE = "from fortyfive.sim.fan_out import Store"
LEFT_BEHIND = {
    "a built-in": ("import builtins", "builtins.max = min"),
    "a built-in deleted": ("import builtins", "del builtins.max"),
    "a module's functions": ("import json", "json.dumps = json.loads = lambda *_: '{}'"),
    "a module's function deleted": ("import json", "del json.dumps"),
    "a method of ours": (STORE, "Store.outbox = lambda self, author: []"),
    "a method that ours had not": (STORE, "Store.__getattribute__ = lambda *_: 1 / 0"),
    "a method of ours deleted": (STORE, "del Store.outbox"),
    "a module's name": ("import sys", "sys.modules['fortyfive.sim.fan_out'] = sys.modules['json'] = None"),
    "the path": ("import sys", "sys.path.clear()"),
    "the depth": ("import sys", "sys.setrecursionlimit(150)"),
    "the output": ("import sys", "sys.stdout = None"),
}


@pytest.mark.parametrize("act", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_what_one_run_leaves_behind_does_not_reach_the_next(act):
    def state():
        return {**vars(Store)}, {**vars(json)}, {**vars(builtins)}, [*sys.path], sys.stdout, sys.getrecursionlimit()

    before = state()
    results = judge(answered_by(*act) + PULL_READ, names=())
    assert [item.verdict for item in results] == [Verdict.PASSED, Verdict.PASSED]
    assert state() == before


def test_a_module_that_a_run_has_imported_stays_whole():
    judge("import wave\nanswer = 40 + 2")
    import wave

    assert wave.open


def test_warming_up_leaves_nothing_behind(capsys):
    before = {**vars(builtins)}, {**vars(json)}, sys.stdout
    in_page.warm_up()
    assert before == ({**vars(builtins)}, {**vars(json)}, sys.stdout)
    assert capsys.readouterr() == ("", "")
