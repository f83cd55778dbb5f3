"""The commands as they are typed: what is printed where, and the exit code."""

import contextlib
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fortyfive import checks, cli, course
from fortyfive.authoring import book
from fortyfive.cli import app as app_room
from fortyfive.cli import doctor
from fortyfive.grading import render
from fortyfive.grading.report import Verdict
from fortyfive.grading.submission import Submission
from fortyfive.ledger import Ledger

SOLUTION = course.root() / "solutions" / "05_fan_out.py"
EXERCISE = checks.load("05_fan_out")
MAX_POINTS = sum(check.points for check in EXERCISE.checks)
ALL_POINTS = sum(check.points for stem in checks.STEMS for check in checks.load(stem).checks)
# The answer to one task, as our solution gives it: what most tests here hand in.
[ONE_ANSWER] = re.findall(r"^threshold = .+\n", SOLUTION.read_text(encoding="utf-8"), re.MULTILINE)
ONE_POINTS = sum(check.points for check in EXERCISE.checks if check.needs == ("threshold",))
ESCAPE = "\x1b"


def forty(*arguments):
    return CliRunner().invoke(app_room.app, [str(argument) for argument in arguments])


def forty_process(*arguments, **environment):
    """A process of its own, as a shell starts it; what it prints comes back as bytes."""
    command = [sys.executable, "-m", "fortyfive.cli", *map(str, arguments)]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, check=False)


@pytest.fixture
def answers(tmp_path):
    """Write a file of answers and return its path."""

    def write(text, name="answers.py"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


# check


def test_check_prints_the_report_as_json_and_nothing_else():
    result = forty("check", "05", SOLUTION, "--json")
    report = json.loads(result.stdout)
    assert list(report) == ["stem", "points", "max_points", "checks"]
    fields = ["id", "title", "verdict", "points", "max_points", "rationale", "help", "diagram"]
    assert all(list(item) == fields for item in report["checks"])
    assert (report["stem"], report["points"]) == ("05_fan_out", report["max_points"])
    assert {item["verdict"] for item in report["checks"]} == {"passed"}
    assert (result.stderr, result.exit_code) == ("", 0)


def test_check_grades_a_plain_file_and_less_than_full_marks_is_exit_code_1(answers):
    result = forty("check", "5", answers(ONE_ANSWER), "--json")
    report = json.loads(result.stdout)
    assert {item["verdict"] for item in report["checks"]} == {"passed", "not_attempted"}
    assert (report["points"], report["max_points"]) == (ONE_POINTS, MAX_POINTS)
    assert (result.stderr, result.exit_code) == ("", 1)


def test_check_says_in_words_what_the_notebook_says(answers):
    result = forty("check", "fan_out", answers(ONE_ANSWER))
    report = course.grade(EXERCISE, Submission(ONE_ANSWER, filename="answers.py"))
    said = render.as_text(report, EXERCISE.title)
    assert result.stdout == f"{said}\n"
    assert "✓ passed" in said
    assert max(map(len, said.splitlines())) > 100  # so a long line is not broken in a pipe


def test_check_records_the_attempt(answers):
    forty("check", "05", answers(ONE_ANSWER))
    (standing,) = [each for each in course.standings(Ledger()) if each.attempts]
    assert (standing.points, standing.attempts) == (ONE_POINTS, 1)


def test_a_syntax_error_is_a_verdict_with_its_line(answers):
    result = forty("check", "05", answers(f"{ONE_ANSWER}def read(:\n"), "--json")
    raised = [item for item in json.loads(result.stdout)["checks"] if item["verdict"] == Verdict.RAISED.value]
    assert raised
    assert all("answers.py, line 2" in item["rationale"] for item in raised)
    assert result.exit_code == 1


@pytest.mark.parametrize(
    "text",
    [b"", b"\xef\xbb\xbf# a byte order mark, and lines of Windows\r\n", b"# only a comment", "x = 'Grüße ✓'".encode()],
    ids=["empty", "bom", "no newline", "signs"],
)
def test_a_file_without_answers_is_not_attempted(answers, text):
    result = forty("check", "05", answers(text), "--json")
    assert {item["verdict"] for item in json.loads(result.stdout)["checks"]} == {"not_attempted"}
    assert result.exit_code == 1


def test_an_unusable_ledger_is_said_beside_the_report(answers, monkeypatch):
    monkeypatch.setenv("FORTYFIVE_DATA_DIR", str(answers("a file, not a folder", "data")))
    result = forty("check", "05", answers(""), "--json")
    assert json.loads(result.stdout)["points"] == 0
    assert result.stderr == ""  # nothing was attempted, so there was nothing to record
    result = forty("check", "05", answers(ONE_ANSWER), "--json")
    assert json.loads(result.stdout)["points"] == ONE_POINTS
    assert "The grade stands, but it was not recorded." in result.stderr


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"x = '\xe9'", "latin.py", "is not UTF-8 text"),
        (b"\x7fELF\x00\x01\x02", "binary.py", "holds binary data"),
        ("x = '" + "é" * 600_000 + "'", "big.py", "is larger than 1,000,000 bytes"),
        (b"{}", "05_fan_out.ipynb", "is a notebook"),
        (b"{}", "05_FAN_OUT.IPYNB", "is a notebook"),
    ],
)
def test_a_file_that_is_no_python_text_is_a_sentence_and_exit_code_2(answers, content, name, sentence):
    path = answers(content, name)
    result = forty("check", "05", path, "--json")
    assert (result.stdout, result.exit_code) == ("", 2)
    assert result.stderr.startswith(f"{path} {sentence}")


def test_a_missing_file_or_a_folder_is_a_sentence_and_exit_code_2(tmp_path):
    for path, reason in ((tmp_path / "none.py", "No such file or directory"), (tmp_path, "Is a directory")):
        result = forty("check", "05", path)
        assert (result.stdout, result.exit_code) == ("", 2)
        assert result.stderr == f"{path} could not be read: {reason}. Name a Python file.\n"


def test_an_unknown_exercise_is_a_sentence_that_lists_them(answers):
    result = forty("check", "99", answers(""))
    assert (result.stdout, result.exit_code) == ("", 2)
    assert result.stderr == f"There is no exercise '99'. There are: {', '.join(checks.STEMS)}.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Commands:"),
        (["--nope"], "No such option: --nope"),
        (["chekc"], "No such command 'chekc'"),
        (["check"], "Missing argument 'STEM'"),
        (["check", "05"], "Missing argument 'FILE.py'"),
        (["check", "05", "a.py", "b.py"], "unexpected extra argument"),
        (["check", "05", "a.py", "--jsn"], "No such option: --jsn"),
        (["progress", "--nope"], "No such option: --nope"),
        (["doctor", "05"], "unexpected extra argument"),
    ],
)
def test_wrong_usage_is_said_on_standard_error_with_exit_code_2(arguments, sentence):
    result = forty(*arguments)
    assert (result.stdout, result.exit_code) == ("", 2)
    assert sentence in result.stderr
    assert "╭" not in result.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_narrow_encoding_gets_signs_of_its_own(answers, encoding):
    path = answers(ONE_ANSWER)
    process = forty_process("check", "05", path, PYTHONIOENCODING=encoding)
    text = process.stdout.decode(encoding)
    assert re.search(r"^✓ passed " if encoding == "utf-8" else r"^\+ passed ", text, re.MULTILINE)
    assert process.stderr == b""
    assert process.returncode == 1


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_error_that_names_unspeakable_signs_does_not_crash(tmp_path, encoding):
    process = forty_process("check", "05", tmp_path / "日本.py", PYTHONIOENCODING=encoding)
    assert process.stderr.endswith(b".py could not be read: No such file or directory. Name a Python file.\n")
    assert process.returncode == 2


def test_colour_is_for_a_terminal_that_wants_it(answers, monkeypatch):
    path = answers(ONE_ANSWER)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    coloured = forty("check", "05", path).stdout
    assert f"{ESCAPE}[32m✓ passed{ESCAPE}[0m" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert ESCAPE not in forty("check", "05", path).stdout
    assert ESCAPE not in forty("progress").stdout


# progress


@pytest.mark.parametrize("columns", [40, 120])
def test_progress_says_the_same_at_any_width(answers, monkeypatch, columns):
    forty("check", "05", answers(ONE_ANSWER))
    monkeypatch.setenv("COLUMNS", str(columns))
    result = forty("progress")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].strip() == f"Your progress: {ONE_POINTS} of {ALL_POINTS} points"
    assert max(map(len, lines)) <= columns
    rows = course.standings(Ledger())
    values = " ".join(f"{row.title} {row.points} of {row.max_points} {row.attempts} {row.last_attempt}" for row in rows)
    assert sorted(" ".join(lines[1:]).split()) == sorted(f"exercise points attempts last attempt {values}".split())


def test_progress_without_a_ledger_is_a_sentence(answers, monkeypatch):
    monkeypatch.setenv("FORTYFIVE_DATA_DIR", str(answers("a file, not a folder", "data")))
    result = forty("progress")
    assert (result.stdout, result.exit_code) == ("", 2)
    assert "Your progress cannot be shown" in result.stderr


def test_a_damaged_ledger_is_said_on_standard_error(answers, monkeypatch):
    monkeypatch.setenv("FORTYFIVE_DATA_DIR", str(answers(b"no database" * 500, "ledger.sqlite").parent))
    result = forty("progress")
    assert f"0 of {ALL_POINTS} points" in result.stdout
    assert "was damaged, so a new one was started" in result.stderr


# book


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 2)])
def test_book_hands_on_what_the_build_said(monkeypatch, tmp_path, ok, code):
    result = book.BuildResult(ok, "What the build said.", tmp_path / "index.html", 1.0, "the log")
    monkeypatch.setattr(book, "build", lambda root, **_: result if root == course.root() else None)
    printed = forty("book")
    assert printed.exit_code == code
    assert (printed.stdout if ok else printed.stderr) == "What the build said.\n"


# lab


@pytest.fixture
def lab(monkeypatch):
    """JupyterLab that only remembers its arguments, and ends with `lab.code`."""
    from jupyterlab.labapp import LabApp

    class Lab:
        code = 0
        arguments = ()

        def launch_instance(self, arguments):
            self.arguments = arguments
            raise SystemExit(self.code)

    lab = Lab()
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")
    monkeypatch.setattr(LabApp, "launch_instance", lab.launch_instance)
    monkeypatch.setattr(app_room, "_compile_beside", lambda: None)
    return lab


def test_lab_opens_the_start_page_and_hands_on_what_it_does_not_know(lab):
    result = forty("lab", "--no-browser", "--port", "9000", "-y")
    assert result.exit_code == 0
    assert lab.arguments == [
        f"--ServerApp.root_dir={course.root()}",
        f"--LabApp.default_url=/lab/tree/{app_room.START_PAGE}",
        "--no-browser",
        "--port",
        "9000",
        "-y",
    ]


def test_lab_puts_the_courses_settings_before_a_persons_own_folders(lab, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", os.pathsep.join(["one", "two"]))
    forty("lab")
    first, *others = os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert (Path(first) / "labconfig" / "default_setting_overrides.json").is_file()
    assert others == ["one", "two"]


def test_a_jupyterlab_that_fails_is_a_sentence_below_its_own(lab):
    lab.code = 1
    result = forty("lab")
    assert result.exit_code == 2
    assert result.stderr == f"JupyterLab ended with an error; the lines above say why. Try: {doctor.CALL}\n"


def test_a_missing_jupyterlab_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    result = forty("lab")
    assert (result.stdout, result.exit_code) == ("", 2)
    assert re.match(r"JupyterLab is missing or damaged \(.+\)\. Remove the folder \.venv, then run:", result.stderr)


def test_a_missing_start_page_is_a_sentence(lab, monkeypatch, tmp_path):
    monkeypatch.setattr(course, "root", lambda: tmp_path)
    result = forty("lab")
    assert (result.exit_code, lab.arguments) == (2, ())
    assert result.stderr.startswith(f"The start page lessons/00_start.ipynb is not in {tmp_path}.")


@pytest.fixture
def running_lab(tmp_path):
    """`forty lab` on a free port, in a Jupyter without anybody's settings: its process, its log, and how to ask it."""
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    environment = os.environ | {name: str(tmp_path / folder) for name, folder in folders.items()}
    log = tmp_path / "log"
    # A container's root must say that it means it.
    options = ["--no-browser", "--ServerApp.port=0", "--allow-root", "--IdentityProvider.token=secret"]
    with log.open("wb") as opened:
        command = [sys.executable, "-m", "fortyfive.cli", "lab", *options]
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=opened, stderr=opened, start_new_session=True
        )

    def server():
        """What Jupyter says of itself; the file is written after the log's line, and not in one go."""
        for path in (tmp_path / "runtime").glob("jpserver-*.json"):
            with contextlib.suppress(ValueError):
                return json.loads(path.read_text())
        return None

    def ask(path):
        request = urllib.request.Request(server()["url"] + path)
        request.add_header("Authorization", "token secret")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            return answer.geturl(), answer.read().decode()

    try:
        deadline_s = time.monotonic() + 60
        while "is running at" not in log.read_text() or not server():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline_s, log.read_text()
            time.sleep(0.1)
        yield process, log, ask
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without a signal that it could answer")
def test_a_running_lab_starts_on_our_page_asks_for_no_news_and_ends_quietly(running_lab):
    process, log, ask = running_lab
    assert ask("")[0].endswith(f"/lab/tree/{app_room.START_PAGE}")

    def default(plugin, name):
        return json.loads(ask(f"lab/api/settings/{plugin}")[1])["schema"]["properties"][name]["default"]

    assert default("@jupyterlab/apputils-extension:notification", "fetchNews") == "false"
    assert default("@jupyterlab/apputils-extension:notification", "checkForUpdates") is False
    assert default("@jupyterlab/docmanager-extension:plugin", "defaultViewers") == {"markdown": "Markdown Preview"}

    kernels = json.loads(ask("api/kernelspecs")[1])
    command = kernels["kernelspecs"][kernels["default"]]["spec"]["argv"][0]
    assert doctor.runs_in(command, sys.executable)

    process.send_signal(signal.SIGTERM)  # what the end of a session sends; it must reach JupyterLab, not a parent only
    assert process.wait(timeout=30) == 0
    assert "received signal 15, stopping" in log.read_text()
    assert "Traceback" not in log.read_text()


# main


def start(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["forty", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_a_fault_of_ours_is_a_sentence_and_exit_code_2(monkeypatch, capsys):
    def broken(*_):
        raise RuntimeError("what broke")

    monkeypatch.setattr(course, "standings", broken)
    assert start(monkeypatch, "progress") == 2
    printed = capsys.readouterr()
    sentence = f"forty could not finish (RuntimeError: what broke). Your work is safe. Try: {doctor.CALL}\n"
    assert (printed.out, printed.err) == ("", sentence)


@pytest.fixture
def without_typer(monkeypatch):
    monkeypatch.setitem(sys.modules, "typer", None)
    monkeypatch.delitem(sys.modules, "fortyfive.cli.app")
    yield
    monkeypatch.undo()
    importlib.import_module("fortyfive.cli.app")


@pytest.mark.usefixtures("without_typer")
def test_a_broken_installation_says_so_and_names_the_fix(monkeypatch, capsys):
    assert start(monkeypatch, "progress") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("A part of the course is missing or damaged: ")
    assert "Remove the folder .venv, then run: make install" in printed.err


@pytest.mark.usefixtures("without_typer")
def test_doctor_works_in_a_broken_installation(monkeypatch, capsys):
    assert start(monkeypatch, "doctor") == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("WRONG  The other commands cannot start: ")
    assert "Notebooks run in this environment." in printed.out
    assert printed.err == ""
