"""What a notebook calls: every answer is shown, none is an error, and no kernel dies of it."""

import builtins
import json
import linecache
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from jupyter_client.manager import start_new_kernel

import fortyfive
from fortyfive import checks, course
from fortyfive.grading import exercise as exercise_room
from fortyfive.grading import sandbox
from fortyfive.grading.report import Verdict
from fortyfive.grading.source import part_for
from fortyfive.grading.submission import Submission
from fortyfive.ledger import Ledger
from fortyfive.sim.hunt import replay_line
from fortyfive.sim.scenes import Schedule

STEM = "05_fan_out"
EXERCISE = checks.load(STEM)
SOLUTION = part_for((course.root() / "solutions" / f"{STEM}.py").read_text(encoding="utf-8"), EXERCISE.names)
POINTS = sum(check.points for check in EXERCISE.checks)
RATE = {"deliveries_per_s": "833 K deliveries/s"}
WRONG_RATE = {"deliveries_per_s": "50 M/s"}


def verdicts(shown):
    return [item.verdict.value for item in shown.report.results]


# --- grading in a process of its own


def test_a_right_answer_earns_its_points():
    report = course.grade(EXERCISE, Submission("deliveries_per_s = '833 K/s'"), ["deliveries_per_s"])
    assert [(item.id, item.verdict) for item in report.results] == [("celebrity_rate", Verdict.PASSED)]
    assert report.points == report.max_points == 2


PASS = {"id": "celebrity_rate", "title": "", "verdict": "passed", "points": 2, "max_points": 2}
BROKEN = {
    "killed": ["-c", "import os; os.kill(os.getpid(), 9)"],
    "ended early": ["-c", "raise SystemExit"],
    "an error of ours": ["-c", "raise KeyError('our own')"],
    "garbage": ["-c", "print('hello')"],
    "bytes that are no text": ["-c", r"import sys; sys.stdout.buffer.write(b'\xff\xfe{')"],
    "deep garbage": ["-c", "print('[' * 100_000)"],
    "a list": ["-c", "print('[]')"],
    "a number": ["-c", "print(5)"],
    "half a report": ["-c", f"print({json.dumps({'stem': STEM, 'checks': [PASS]})!r}[:-5])"],
    "a report with an unknown verdict": [
        "-c",
        f"print({json.dumps({'stem': STEM, 'checks': [PASS | {'verdict': '?'}]})!r})",
    ],
    "a report of other checks": ["-c", f"print({json.dumps({'stem': STEM, 'checks': [PASS | {'id': 'other'}]})!r})"],
    "a report of no checks": ["-c", f"print({json.dumps({'stem': STEM, 'checks': []})!r})"],
    "checks that are no checks": ["-c", 'print(\'{"stem": "05", "checks": [5, null]}\')'],
    "a report and more": ["-c", f"print({json.dumps({'stem': STEM, 'checks': [PASS]})!r}); print('done')"],
}


@pytest.mark.parametrize("command", BROKEN.values(), ids=BROKEN)
def test_a_grader_that_breaks_gives_no_points_and_blames_nobody(command, monkeypatch):
    monkeypatch.setattr(sandbox, "python", lambda *_: [sys.executable, *command])
    report = course.grade(EXERCISE, Submission("deliveries_per_s = '833 K/s'"), ["deliveries_per_s"])
    (item,) = report.results
    assert (item.id, item.verdict, item.points, item.max_points) == ("celebrity_rate", Verdict.GRADER_ERROR, 0, 2)
    assert "This is not your mistake" in item.rationale
    assert "Traceback" not in item.rationale
    assert "\n" not in item.rationale


def test_a_grader_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(course, "GRADING_LIMIT_S", 0.3)
    monkeypatch.setattr(sandbox, "python", lambda *_: [sys.executable, "-c", "import time; time.sleep(60)"])
    started_s = time.monotonic()
    report = course.grade(EXERCISE, Submission(SOLUTION))
    assert time.monotonic() - started_s < 3
    assert [item.id for item in report.results] == [item.id for item in EXERCISE.checks]
    assert {item.verdict for item in report.results} == {Verdict.GRADER_ERROR}
    assert "did not answer within 0.3 s" in report.results[0].rationale
    assert report.points == 0


def test_a_grader_that_cannot_start_is_told(monkeypatch):
    monkeypatch.setattr(sandbox, "python", lambda *_: ["/nonexistent/python"])
    (item,) = course.grade(EXERCISE, Submission(""), ["threshold"]).results
    assert (item.verdict, "could not be started" in item.rationale) == (Verdict.GRADER_ERROR, True)


def test_odd_text_reaches_the_grader(monkeypatch):
    source = "deliveries_per_s = '\\ud800\\x00 \N{SNOWMAN} 833 K/s'\n# \ud800 \N{SNOWMAN}"
    (item,) = course.grade(EXERCISE, Submission(source.replace("\ud800", "\N{SNOWMAN}")), ["deliveries_per_s"]).results
    assert item.verdict is Verdict.FAILED
    (item,) = course.grade(EXERCISE, Submission(source), ["deliveries_per_s"]).results
    assert (item.verdict, "UnicodeEncodeError" in item.rationale) == (Verdict.RAISED, True)


@pytest.mark.parametrize("environment", [{"PYTHONPATH": "/nonexistent"}, {"PYTHONSAFEPATH": ""}, {"PATH": ""}])
def test_a_notebooks_environment_does_not_reach_the_grader(environment, monkeypatch, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (item,) = course.grade(EXERCISE, Submission("deliveries_per_s = '833 K/s'"), ["deliveries_per_s"]).results
    assert item.verdict is Verdict.PASSED


def test_a_deleted_working_folder_does_not_matter(monkeypatch, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    (item,) = course.grade(EXERCISE, Submission("deliveries_per_s = '833 K/s'"), ["deliveries_per_s"]).results
    assert item.verdict is Verdict.PASSED


def test_the_same_submission_gets_the_same_bytes_under_every_hash_seed(tmp_path):
    # A set in the learner's code; one check fails with a shrunk story, one waits for it.
    source = f"{SOLUTION}\ndef read(reader, limit, store):\n    return list({{*store.inbox(reader)}})[:limit]\n"
    code = (
        "import json, sys; from fortyfive import checks, course; from fortyfive.grading.submission import Submission\n"
        "report = course.grade(checks.load('05_fan_out'), Submission(sys.argv[1]), ['unfollow'])\n"
        "print(json.dumps(report.to_json()))"
    )
    answers = set()
    for seed in ("0", "1", "4294967295"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code, source]
        answers.add(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    (answer,) = answers
    assert [item["verdict"] for item in json.loads(answer)["checks"]] == ["failed", "not_attempted"]


# --- check


def test_a_check_shows_the_report_and_records_it():
    shown = course.check("05", "deliveries_per_s", namespace=RATE)
    assert verdicts(shown) == ["passed"]
    assert repr(shown).startswith("05 Fan-out: 2 of 2 points\n✓ passed")
    assert "aria-label='05 Fan-out: 2 of 2 points'" in shown._repr_html_()
    (recorded,) = Ledger().summary()
    assert (recorded.stem, recorded.points, recorded.passed) == (STEM, 2, ("celebrity_rate",))


def test_a_plain_value_is_judged_without_a_child(monkeypatch):
    judged = []

    def grade(exercise, submission, names):
        report = exercise_room.grade(exercise, submission, names)
        judged.append(report)
        return report

    monkeypatch.setattr(course, "grade", grade)
    monkeypatch.setattr(sandbox, "run", lambda *_: pytest.fail("a child was started"))
    assert verdicts(course.check("05", "deliveries_per_s", namespace=RATE)) == ["passed"]
    assert len(judged) == 1


def test_without_a_namespace_the_callers_own_names_count():
    scope = {"fortyfive": fortyfive, "threshold": ...}
    exec("shown = fortyfive.check(5, 'threshold')", scope)
    assert verdicts(scope["shown"]) == ["not_attempted"]
    assert Ledger().summary() == ()


@pytest.mark.parametrize("topic", ["99", "", None, 7, "../etc"])
def test_an_unknown_exercise_is_answered_with_those_there_are(topic):
    assert "There are: 04_high_level_design" in repr(course.check(topic, namespace={}))
    if topic is not None:
        assert "There are: 04_high_level_design" in repr(course.reset(topic))


@pytest.mark.parametrize("name", ["treshold", "", 5, None, print, []])
def test_an_unknown_task_is_answered_with_those_there_are(name):
    shown = course.check("05", "threshold", name, namespace={})
    assert repr(shown).startswith(f'Exercise 05_fan_out has no {name!r}. It asks for: "deliveries_per_s", ')
    assert not hasattr(shown, "report")


def test_a_ledger_that_cannot_be_used_leaves_the_grade(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("FORTYFIVE_DATA_DIR", str(tmp_path / "file"))
    shown = course.check("05", "deliveries_per_s", namespace=RATE)
    assert verdicts(shown) == ["passed"]
    assert "The grade stands, but it was not recorded." in repr(shown)
    assert "The grade stands, but it was not recorded." in shown._repr_html_()
    assert "cannot be opened" in repr(course.progress())
    assert "cannot be opened" in repr(course.reset())
    failed = course.check("05", "deliveries_per_s", namespace=WRONG_RATE)
    hints = [repr(failed.hint()) for _ in range(4)]
    assert [f"Hint {number} of 3" in hint for number, hint in zip((1, 2, 3, 3), hints, strict=True)] == [True] * 4
    assert "deliveries_per_s = " in repr(failed.solution())


def test_a_new_ledger_after_damage_is_told_beside_the_grade():
    Ledger().path.parent.mkdir(parents=True, exist_ok=True)
    Ledger().path.write_bytes(b"no ledger at all" * 100)
    shown = course.check("05", "deliveries_per_s", namespace=RATE)
    assert verdicts(shown) == ["passed"]
    assert "was damaged" in repr(shown)


def test_a_ledger_that_fails_in_an_unknown_way_leaves_the_grade(monkeypatch):
    monkeypatch.setattr(Ledger, "record", lambda *_, **__: 1 / 0)
    shown = course.check("05", "deliveries_per_s", namespace=RATE)
    assert verdicts(shown) == ["passed"]
    assert "not recorded (ZeroDivisionError: division by zero)" in repr(shown)


# --- replay

CONSUMER = """
async def deliver(message, queue, push):
    await push.send(message.device, message.text)
    await queue.ack(message)
"""
SWAPPED = """
async def deliver(message, queue, push):
    await queue.ack(message)
    await push.send(message.device, message.text)
"""
CRASH = [("crash", "m1", 1, 1)]


def notebook(source):
    """The names of a notebook in which one cell holds this source."""
    name, namespace = f"<cell {hash(source)}>", {"__name__": "__main__"}
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), namespace)
    return namespace


def replayed(source, *args, **given):
    return course.replay(*args or ("06", "deliver"), namespace=notebook(source), **given)


def test_a_replay_shows_what_happened_and_that_all_holds():
    shown = replayed(CONSUMER, faults=CRASH)
    lines = repr(shown).splitlines()
    assert lines[:3] == [
        "Replay of `deliver`: 1 message, seed 0; the worker dies right after effect 1 of delivery 1 of m1",
        "✓ passed",
        "Everything that is promised here holds.",
    ]
    assert sum("deliver m1 (delivery" in line for line in lines) == 2
    assert "worker 1              dies" in repr(shown)
    assert "<svg class='ff-diagram'" in shown._repr_html_()
    assert Ledger().summary() == ()


def test_a_replay_says_what_is_broken():
    shown = replayed(SWAPPED, faults=[["crash", "m1", 1, 1]], messages=2, seed=5)
    assert "✗ failed\n`nothing_lost` is broken: m1 is lost: its text never reached ana-phone" in repr(shown)
    assert repr(replayed(SWAPPED, faults=[["crash", "m1", 1, 1]], messages=2, seed=5)) == repr(shown)


def test_a_replay_line_reads_as_it_is_written():
    line = replay_line("06_delivery_semantics", "deliver", Schedule(3, 2, (("copy", "m2", 0.06), ("late", "m1", 1))))
    scope = {"fortyfive": fortyfive, **notebook(CONSUMER)}
    exec(f"shown = fortyfive.{line}", scope)
    assert "2 messages, seed 3; the queue delivers a second copy of m2 after 0.06 s; m1 reaches" in repr(scope["shown"])


def test_a_colleague_s_code_needs_no_cell_of_its_own():
    shown = course.replay("06", "colleague_1", faults=[("copy", "m1", 0.05)], namespace={})
    assert "`no_needless_repeat` is broken: ana-phone was shown" in repr(shown)


ODD = {
    "an unknown topic": (("99", "deliver"), {}, "There is no exercise '99'"),
    "an unknown name": (("06", "delivr"), {}, "has nothing to replay for 'delivr'. It replays: \"deliver\""),
    "a name that is none": (("06", ["deliver"]), {}, "has nothing to replay for ['deliver']"),
    "an exercise without worlds": (("05", "threshold"), {}, "It replays: none of its tasks."),
    "an unknown fault": ((), {"faults": [("crush", "m1", 1, 1)]}, "The fault ('crush', 'm1', 1, 1) is none: the kinds"),
    "a fault without its list": ((), {"faults": CRASH[0]}, "A schedule is a list of faults"),
    "no faults at all": ((), {"faults": None}, "A schedule is a list of faults"),
    "too many": ((), {"faults": CRASH * 21}, "The schedule has 21 faults; 20 are enough."),
    "no message": ((), {"messages": 0}, "`messages` is 0, and it should be a whole number, 1 to 200."),
    "too many messages": ((), {"messages": 10**9}, "`messages` is 1000000000"),
    "a text for messages": ((), {"messages": "2"}, "`messages` is '2'"),
    "a seed that is none": ((), {"seed": 0.5}, "`seed` is 0.5, and it should be a whole number"),
    "a seed below 0": ((), {"seed": -1}, "`seed` is -1"),
}


@pytest.mark.parametrize(("args", "given", "words"), ODD.values(), ids=ODD)
def test_an_odd_replay_is_answered_in_a_sentence(args, given, words, monkeypatch):
    monkeypatch.setattr(sandbox, "run", lambda *_: pytest.fail("a child was started"))
    assert words in repr(replayed(CONSUMER, *args, **given))


BROKEN_CODE = {
    "nothing written": ("x = 1", "· not attempted\n`deliver` is not defined yet"),
    "raises": (CONSUMER + "    1 / 0", "✗ your code raised\nYour code raised ZeroDivisionError: division by zero"),
    "never awaits": ("async def deliver(message, queue, push):\n    while True:\n        pass", "✗ timed out"),
    "never ends": (
        "async def deliver(message, queue, push):\n    while True:\n        await queue.extend(message, 9)",
        "`comes_to_an_end` is broken: After",
    ),
    "forgets await": (CONSUMER.replace("await push", "push"), "✗ failed\nYour code called a service without `await`"),
    "chance": (
        "import random\n" + CONSUMER + "    await queue.extend(message, random.random())",
        "✗ failed\n`deliver` did two different things",
    ),
    "prints": (CONSUMER + "    while True:\n        print('x' * 1000)", "✗ over a limit"),
    "no coroutine": ("def deliver(message, queue, push): pass", "Write `async def deliver(...)`"),
}


@pytest.mark.parametrize(("source", "words"), BROKEN_CODE.values(), ids=BROKEN_CODE)
def test_a_replay_of_broken_code_is_answered_like_a_check(source, words, monkeypatch):
    task = next(check for check in checks.load("06_delivery_semantics").checks if "deliver" in check.needs)
    monkeypatch.setattr(
        checks.load("06_delivery_semantics"), "checks", [replace(task, limits=sandbox.Limits(wall_s=2))]
    )
    assert words in repr(replayed(source))


def test_a_world_that_fails_is_no_mistake_of_the_learners(monkeypatch):
    monkeypatch.setitem(checks.load("06_delivery_semantics").scenes, "deliver", "fortyfive.no_such_room:SCENE")
    assert "This is not your mistake" in repr(replayed(CONSUMER))


# --- hints and solutions


def test_hints_go_from_a_nudge_to_nearly_the_answer_and_stop_there():
    shown = course.check("05", "deliveries_per_s", namespace=WRONG_RATE)
    said = [repr(shown.hint()) for _ in range(5)]
    hints = EXERCISE.find("celebrity_rate").hints
    for number, text in enumerate(said):
        assert hints[min(number, 2)] in text
        assert ("That was the last one" in text) is (number >= 2)
    # The next check of the same notebook goes on where this one stopped.
    again = course.check("05", "deliveries_per_s", namespace=WRONG_RATE)
    assert "Hint 3 of 3" in repr(again.hint())


def test_hints_are_about_the_first_check_that_has_not_passed():
    shown = course.check("05", "deliveries_per_s", "threshold", namespace=RATE | {"threshold": 1_000})
    assert repr(shown.hint()).startswith(EXERCISE.find("threshold_keeps_promises").title)
    passed = course.check("05", "deliveries_per_s", namespace=RATE)
    assert repr(passed.hint()) == "Everything here has passed: no hint needed."


def test_a_solution_is_shown_only_after_an_attempt():
    shown = course.check("05", "deliveries_per_s", namespace={"deliveries_per_s": ...})
    assert "Try it once first" in repr(shown.solution())
    tried = course.check("05", "deliveries_per_s", namespace=WRONG_RATE)
    assert 'deliveries_per_s = "' in repr(tried.solution())
    assert "time_on_one_key" not in repr(tried.solution())
    # The attempt counts from now on, also for a notebook that was restarted with the stub.
    assert 'deliveries_per_s = "' in repr(shown.solution())
    course.reset("05")
    assert "Try it once first" in repr(shown.solution())


def test_a_fault_of_the_grader_is_no_attempt(monkeypatch):
    monkeypatch.setattr(sandbox, "python", lambda *_: [sys.executable, "-c", ""])
    shown = course.check("05", "deliveries_per_s", namespace=RATE)
    assert verdicts(shown) == ["grader_error"]
    assert "Try it once first" in repr(shown.solution())
    assert Ledger().summary() == ()


def test_a_solution_of_what_has_passed_is_all_of_it_without_marks():
    shown = repr(course.check("05", "deliveries_per_s", namespace=RATE).solution())
    assert "SOLUTION" not in shown
    for name in EXERCISE.names:
        assert f"{name} = " in shown or f"def {name}(" in shown


def test_solutions_that_are_not_there_are_missed_in_words(monkeypatch, tmp_path):
    monkeypatch.setattr(course, "root", lambda: tmp_path)
    assert "belongs in the course's folder solutions/" in repr(
        course.check("05", "deliveries_per_s", namespace=RATE).solution()
    )


# --- progress and reset


def test_progress_and_reset():
    assert "Your progress: 0 of " in repr(course.progress())
    course.check("05", "deliveries_per_s", namespace=RATE)
    course.check("05", "deliveries_per_s", namespace=WRONG_RATE)
    shown = course.progress()
    assert "Your progress: 2 of " in repr(shown)
    assert f"2 of {POINTS}" in repr(shown)
    html = shown._repr_html_()
    assert "<caption>Your progress: 2 of " in html
    assert "scope='row'" in html
    assert f"aria-label='2 of {POINTS} points'" in html
    assert repr(course.reset("05")).startswith("Set aside 2 recorded attempts of 05_fan_out.")
    assert repr(course.reset()).startswith("Set aside 0 recorded attempts of all exercises.")
    assert "Your progress: 0 of " in repr(course.progress())


# --- notebooks that have changed Python


@pytest.fixture
def own_builtins():
    before = dict(vars(builtins))
    yield vars(builtins)
    vars(builtins).update(before)


@pytest.mark.parametrize("names", [("len",), ("dict", "vars", "tuple"), ("isinstance", "next", "getattr", "print")])
def test_replaced_built_ins_are_told_and_do_not_matter(own_builtins, names):
    saved = {name: own_builtins[name] for name in names}
    own_builtins.update(dict.fromkeys(names))
    try:
        shown = course.check("05", "deliveries_per_s", namespace=WRONG_RATE)
        hint, progress, reset = shown.hint(), course.progress(), course.reset()
        left = [own_builtins[name] for name in saved]
    finally:
        own_builtins.update(saved)
    assert verdicts(shown) == ["failed"]
    assert f"has replaced built-in names of Python ({', '.join(sorted(names))})" in repr(shown)
    assert "Hint 1 of 3" in repr(hint)
    assert "Your progress" in repr(progress)
    assert "Set aside 1" in repr(reset)
    assert left == [None] * len(names)


def test_deleted_built_ins_are_told_and_stay_deleted(own_builtins):
    saved = own_builtins.pop("sorted")
    shown = course.check("05", "deliveries_per_s", namespace=RATE)
    stayed = "sorted" not in own_builtins
    own_builtins["sorted"] = saved
    assert (verdicts(shown), stayed) == (["passed"], True)
    assert "(sorted)" in repr(shown)


@pytest.mark.parametrize(
    "target", ["json.dumps", "json.loads", "random.random", "sys.stdout", "sys.stderr", "os.getcwd"]
)
def test_replaced_functions_of_modules_do_not_matter(target, monkeypatch):
    monkeypatch.setattr(target, None)
    assert verdicts(course.check("05", "deliveries_per_s", namespace=RATE)) == ["passed"]


@pytest.mark.parametrize(
    "target", ["subprocess.run", "subprocess.Popen", "tempfile.gettempdir", "time.monotonic", "ast.parse"]
)
def test_where_a_replaced_module_makes_checking_impossible_that_is_said(target, monkeypatch):
    monkeypatch.setattr(target, None)
    shown = course.check("05", "deliveries_per_s", namespace=RATE)
    monkeypatch.undo()
    assert repr(shown).startswith(
        "This could not be done in this notebook (TypeError: 'NoneType' object is not callable)"
    )
    assert "restart the kernel" in repr(shown)


class Hostile(dict):
    def get(self, *_):
        raise SystemExit("never")


class MuteError(Exception):
    def __str__(self):
        raise ValueError


def raise_mute(*_):
    raise MuteError


def test_a_hostile_namespace_is_answered():
    assert "(SystemExit: never)" in repr(course.check("05", "threshold", namespace=Hostile(threshold=5)))
    hostile = type("Hostile", (dict,), {"get": raise_mute})(threshold=5)
    assert "(MuteError: )" in repr(course.check("05", "threshold", namespace=hostile))


def test_an_interrupt_is_answered_and_nothing_recorded(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(course, "grade", interrupt)
    shown = course.check("05", "threshold", namespace={"threshold": 5})
    assert repr(shown) == "This was interrupted, and nothing was recorded. Run the cell again."
    assert Ledger().summary() == ()


# --- a real kernel


class Kernel:
    def __init__(self, folder):
        environment = os.environ | {"FORTYFIVE_DATA_DIR": str(folder), "IPYTHONDIR": str(folder / "ipython")}
        self.manager, self.client = start_new_kernel(
            kernel_name="python3", env=environment, cwd=str(folder), startup_timeout=60
        )

    def run(self, code, interrupt_when=None):
        """What a cell prints and shows; `interrupt_when` is a printed text at which the cell is interrupted."""
        shown = []

        def hear(message):
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    shown.append(content["text"])
                case "execute_result" | "display_data":
                    shown.append(content["data"].get("text/plain", ""))
                case "error":
                    shown.append(f"{content['ename']}: {content['evalue']}")
            if interrupt_when and message["msg_type"] == "stream" and interrupt_when in shown[-1]:
                self.manager.interrupt_kernel()

        self.client.execute_interactive(code, output_hook=hear, timeout=60, allow_stdin=False)
        return "\n".join(shown)

    def pid(self):
        return int(self.run("import os; print(os.getpid())"))


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    started = Kernel(tmp_path_factory.mktemp("kernel"))
    started.run("from fortyfive import check, progress, reset")
    yield started
    started.client.stop_channels()
    started.manager.shutdown_kernel(now=True)


def test_a_notebook_from_stub_to_full_marks(kernel):
    pid = kernel.pid()
    assert "· not attempted" in kernel.run("publish = read = ...\ncheck('05', 'publish', 'read')")
    kernel.run(SOLUTION)
    wrong = kernel.run("def read(reader, limit, store):\n    return store.inbox(reader)\ncheck('05', 'read')")
    assert "✗ failed" in wrong
    assert "The smallest story" in wrong
    kernel.run(SOLUTION)
    assert f"05 Fan-out: {POINTS} of {POINTS} points" in kernel.run("result = check('05')\nresult")
    assert kernel.run("result.report.points") == str(POINTS)
    assert f"Your progress: {POINTS} of " in kernel.run("progress()")
    assert kernel.pid() == pid


def test_magic_cells_enums_and_dataclasses_of_a_kernel_travel(kernel):
    kernel.run("from enum import Enum\nfrom dataclasses import dataclass")
    kernel.run("class Kind(Enum):\n    A = 500")
    kernel.run("class Kind(Enum):\n    A = 5_000")
    kernel.run("class Kind(Enum):\n    A = 500")
    kernel.run("@dataclass\nclass Rate:\n    count: int\n    time_s: int")
    kernel.run("%%capture\ndef publish(post, store):\n    Rate(1, 2)\n    store.add(post.author, Kind.A.value)")
    said = kernel.run("read = lambda *_: []\ncheck('05', 'publish', 'read')")
    assert "store.add` with 500" in said
    kernel.run("%%time\ndef publish(post, store):\n    store.add(post.author, 7)")
    assert "store.add` with 7" in kernel.run("check('05', 'publish', 'read')")


def test_what_belongs_to_the_notebook_is_told_where_it_is_missed(kernel):
    kernel.run("def publish(post, store):\n    display(post)\nread = lambda *_: []")
    said = kernel.run("check('05', 'read')")
    assert "NameError: name 'display' is not defined" in said
    assert "`display` belongs to the notebook" in said


def test_replaced_built_ins_in_a_kernel(kernel):
    kernel.run("import builtins\nkept = builtins.sum, builtins.sorted\nbuiltins.sum = None\ndel builtins.sorted")
    said = kernel.run("threshold = 5_000\ncheck('05', 'threshold')")
    kernel.run("builtins.sum, builtins.sorted = kept")
    assert "✓ passed" in said
    assert "(sorted, sum)" in said
    assert "replaced" not in kernel.run("check('05', 'threshold')")


def test_a_check_in_a_kernel_can_be_interrupted(kernel):
    kernel.run(
        "import threading, time\ndef publish(post, store):\n"
        "    while True: pass\n"
        "def read(reader, limit, store): pass\n"
        "def say_soon():\n    time.sleep(1)\n    print('now', flush=True)"
    )
    pid = kernel.pid()
    started_s = time.monotonic()
    said = kernel.run("threading.Thread(target=say_soon).start()\ncheck('05', 'read')", interrupt_when="now")
    assert time.monotonic() - started_s < 5
    assert "This was interrupted, and nothing was recorded." in said
    assert kernel.pid() == pid


def test_code_that_kills_its_process_leaves_the_kernel_alone(kernel):
    pid = kernel.pid()
    kernel.run(
        "import os, signal\ndef publish(post, store):\n    os.kill(os.getppid(), 9); os.kill(os.getpid(), 9)\n"
        "def read(reader, limit, store):\n    os._exit(0)"
    )
    said = kernel.run("check('05', 'publish', 'read')")
    assert "0 of " in said
    assert "✓" not in said
    assert kernel.pid() == pid
