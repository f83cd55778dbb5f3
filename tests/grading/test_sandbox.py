"""A child answers, or is ended in time with everything it started, with walls around it and without."""

import os
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from fortyfive.grading import sandbox
from fortyfive.grading.sandbox import Limits
from fortyfive.grading.submission import Submission

QUICK = Limits(wall_s=0.4)
SPARE_S = 2.0


@pytest.fixture(params=["walls", "no walls"])
def walls(request, monkeypatch):
    """Both kinds of machine: with bubblewrap, and with bubblewrap hidden."""
    if request.param == "no walls":
        monkeypatch.setattr(sandbox, "_bubblewrap_works", lambda: False)
    elif not sandbox._bubblewrap_works():
        pytest.skip("bubblewrap does not work on this machine")
    return request.param


def run(source, limits=sandbox.DEFAULT_LIMITS):
    """What becomes of a text that should define `x`; it must be known within the limit and two seconds."""
    started_s = time.monotonic()
    outcome = sandbox.run(Submission(source), "fortyfive.grading.child:read_names", [["x"]], limits)
    assert time.monotonic() - started_s < limits.wall_s + SPARE_S
    return outcome


def answer(value):
    return {"status": "ok", "value": {"dict": [["x", value]]}}


FINE = {
    "a value": "x = 5",
    "standard output closed": "import sys\nsys.stdout.close()\nsys.stderr.close()\nx = 5",
    "its descriptors closed": "import os\nos.close(0), os.close(1), os.close(2)\nx = 5",
    "standard output gone": "import sys\nsys.stdout = sys.stderr = None\nprint('lost')\nx = 5",
    "garbage printed": 'print(\'{"status": "ok", "value": 1}\')\nimport os\nos.write(1, b\'\\xff\\n{}\')\nx = 5',
    "modules replaced": (
        "import json, os, random\njson.dumps = os.write = os._exit = os.getpid = random.random = None\nx = 5"
    ),
    "built-ins replaced": (
        "import builtins\nfor n in ('len', 'isinstance', 'type', 'sorted'): setattr(builtins, n, None)\nx = 5"
    ),
    "built-ins deleted": "import builtins\nb = vars(builtins)\nfor n in [*b]:\n    if n[0] != '_': del b[n]\nx = 5",
    "a thread that goes on": "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\nx = 5",
    "a thread that prints": (
        "import threading, time\ndef go():\n    while True: print('.', flush=True); time.sleep(.01)\n"
        "threading.Thread(target=go, daemon=True).start()\nx = 5"
    ),
    "a program that goes on": "import subprocess\nsubprocess.Popen(['sleep', '60'])\nx = 5",
    "a fork that goes on": "import os, time\nif os.fork() == 0: time.sleep(60)\nx = 5",
    "a fork that answers too": "import os, time\npid = os.fork()\nx = 5\nif pid: time.sleep(.1)",
    "signals ignored": "import signal\nfor s in (1, 2, 13, 15): signal.signal(s, signal.SIG_IGN)\nx = 5",
    "a function at exit": "import atexit, time\natexit.register(time.sleep, 60)\nx = 5",
    "another folder": "import os\nos.chdir('/')\nos.environ.clear()\nx = 5",
    "its folder taken away": "import os, shutil\nos.makedirs('a/b')\nos.chmod('a', 0)\nx = 5",
}


@pytest.mark.parametrize("source", FINE.values(), ids=FINE)
def test_what_goes_on_beside_an_answer_does_not_harm_it(walls, source):
    assert run(source) == answer(5)


# A process that leaves its session can be ended where it has a process space of its own only; elsewhere it dies alone.
FLED = {
    "a session of its own": "import subprocess\nsubprocess.Popen(['sleep', '4'], start_new_session=True)\nx = 5",
    "a double fork": (
        "import os, time\nif os.fork() == 0:\n"
        "    os.setsid()\n    if os.fork() == 0: time.sleep(4)\n"
        "    os._exit(0)\nx = 5"
    ),
}


@pytest.mark.parametrize("source", FLED.values(), ids=FLED)
def test_a_process_that_fled_with_the_pipes_keeps_nobody_waiting(walls, source):
    started_s = time.monotonic()
    assert run(source) == answer(5)
    assert time.monotonic() - started_s < SPARE_S


ENDLESS = {
    "a loop": "while True: pass",
    "a sleep": "import time\ntime.sleep(60)",
    "a loop that catches all": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "a loop that prints little": "import time\nwhile True: print('.', flush=True); time.sleep(.1)",
    "signals ignored": "import signal\nsignal.signal(15, signal.SIG_IGN)\nwhile True: pass",
    "everything closed first": "import os\nos.closerange(0, 100)\nwhile True: pass",
    "a thread waited for": "import threading\nthreading.Event().wait()",
    "a fork for each turn": "import os, time\nfor _ in range(5): os.fork()\ntime.sleep(60)",
}


@pytest.mark.parametrize("source", ENDLESS.values(), ids=ENDLESS)
def test_what_does_not_end_is_ended(walls, source):
    assert run(source, QUICK) == {"status": "timed_out", "limit_s": 0.4}


def test_processor_time_spent_in_many_threads_is_a_time_out(walls):
    # Four processes that the child waits for would outlive a clock; the processor's limit ends the child itself.
    source = "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 3))\nwhile True: pass"
    assert run(source, Limits(wall_s=4.0))["status"] == "timed_out"


LIMITED = {
    "printed without end": ("while True: print('x' * 1000)", "printed"),
    "written to descriptors": ("import os\nwhile True: os.write(2, b'x' * 10_000)", "printed"),
    "printed by a thread": (
        "import threading, time\ndef go():\n    while True: print('x' * 1000)\n"
        "threading.Thread(target=go).start()\ntime.sleep(60)",
        "printed",
    ),
    "eight gigabytes": ("x = [0] * 10**9", "memory"),
    "memory bit by bit": ("x = []\nwhile True: x.append(bytes(100_000))", "memory"),
    "memory in small things": ("x = []\nwhile True: x.append([len(x)])", "memory"),
    "memory in a global kept": ("keep = {}\ni = 0\nwhile True:\n    keep[i] = str(i); i += 1", "memory"),
    "too many parts": ("x = [0] * 10**7", "result"),
    "too long a text": ("x = 'x' * 10**8", "result"),
    "a list in itself": ("x = []\nx.append(x)", "result"),
    "too deep": ("x = []\nfor _ in range(500): x = [x]", "result"),
}


@pytest.mark.parametrize(("source", "limit"), LIMITED.values(), ids=LIMITED)
def test_limits_are_told_apart(walls, source, limit):
    limits = Limits(wall_s=4.0, memory_bytes=200 << 20, printed_bytes=100_000)
    assert run(source, limits) == {"status": "over_limit", "limit": limit}


def test_an_answer_longer_than_its_limit_is_too_large(walls):
    assert run("x = 'x' * 5_000", Limits(result_bytes=1_000)) == {"status": "over_limit", "limit": "result"}


ENDED = {
    "os._exit(0)": ("import os\nos._exit(0)", 0, ""),
    "os._exit(3)": ("import os\nos._exit(3)", 3, ""),
    "os.abort()": ("import os\nos.abort()", None, "SIGABRT"),
    "a wild pointer": ("import ctypes\nctypes.string_at(0)", None, "SIGSEGV"),
    "a signal to itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", None, "SIGTERM"),
    "every file closed": ("import os\nos.closerange(0, 100)\nx = 5", 1, ""),
}


@pytest.mark.parametrize(("source", "code", "name"), ENDED.values(), ids=ENDED)
def test_how_a_child_ended_is_told(walls, source, code, name):
    outcome = run(source)
    assert (outcome["status"], outcome["signal"]) == ("ended", name)
    assert code is None or outcome["code"] == code


def test_a_child_that_answers_garbage_has_ended():
    for data in (b"", b"[]", b"null\n", b"{}\n", b'{"status": 5}', b"\xff\xfe", b"[" * 100_000, b'{"status": "ok"} {}'):
        assert sandbox._read_answer(data, 0) == {"status": "ended", "code": 0, "signal": ""}
    assert sandbox._read_answer(b"", 128 + 11)["signal"] == "SIGSEGV"
    assert sandbox._read_answer(b"", -9)["signal"] == "SIGKILL"


def test_nothing_of_a_run_stays_on_disk(walls, tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox.tempfile, "tempdir", str(tmp_path))
    assert run("open('here', 'w').write('x')\nimport os\nx = os.listdir()") == answer(["here"])
    assert list(tmp_path.iterdir()) == []


def test_the_learners_settings_do_not_reach_the_child(walls, monkeypatch, tmp_path):
    (tmp_path / "random.py").write_text("raise SystemExit", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "random.py"))
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("SECRET", "s3cret")
    monkeypatch.chdir(tmp_path)
    source = "import os, random\nx = [os.environ.get('SECRET'), hash('a'), 's3cret' in str(os.environ)]"
    first = run(source)
    monkeypatch.setenv("PYTHONHASHSEED", "8")
    assert first == run(source)
    assert first["value"]["dict"][0][1][0] is None
    assert first["value"]["dict"][0][1][2] is False


def test_a_childs_imports_leave_nothing_behind(walls):
    assert run("import sys\nx = sys.dont_write_bytecode") == answer(True)


def test_numpy_fits_into_the_memory(walls):
    assert run("import numpy\nx = numpy.arange(3)") == answer([0, 1, 2])


def test_a_child_that_nobody_watches_ends_by_itself(tmp_path):
    # As after a kill of the grader: the child sleeps, and is not ended from outside.
    command = sandbox.python("-m", "fortyfive.grading")
    request = {"source": "import time\ntime.sleep(60)", "filename": "<x>", "args": [["x"]]}
    request |= {"driver": "fortyfive.grading.child:read_names", "memory_bytes": 1 << 30, "cpu_s": 1, "alarm_s": 1}
    process = sandbox.subprocess.Popen(command, stdin=-1, stdout=-1, env=sandbox.clean_environment(str(tmp_path)))
    process.communicate(sandbox.json.dumps(request).encode(), timeout=10)
    assert process.returncode == -signal.SIGALRM


@pytest.fixture
def only_with_walls():
    if not sandbox._bubblewrap_works():
        pytest.skip("bubblewrap does not work on this machine")


@pytest.mark.usefixtures("only_with_walls")
def test_walls_keep_other_files_as_they_are(tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("mine", encoding="utf-8")
    for act in (f"open({str(other)!r}, 'w')", f"__import__('os').remove({str(other)!r})", "open('/tmp/new', 'w')"):
        assert run(f"x = {act}")["type"] == "OSError"
    assert other.read_text(encoding="utf-8") == "mine"
    assert run("x = open('new', 'w').write('a')") == answer(1)


@pytest.mark.usefixtures("only_with_walls")
def test_walls_keep_the_network_out():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        outcome = run(f"import socket\nx = socket.create_connection(('127.0.0.1', {port}), timeout=1)")
    assert outcome["type"] in ("ConnectionRefusedError", "OSError")


@pytest.mark.usefixtures("only_with_walls")
def test_walls_keep_other_processes_out_of_reach():
    outcome = run(f"import os\nos.kill({os.getpid()}, 0)")
    assert outcome["type"] == "ProcessLookupError"


@pytest.mark.usefixtures("only_with_walls")
def test_walls_end_what_fled():
    mark = "31.4159"
    run(f"import subprocess\nsubprocess.Popen(['sleep', '{mark}'], start_new_session=True)\nx = 5")
    deadline_s = time.monotonic() + SPARE_S
    while mark in commands() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert mark not in commands()


def commands():
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(entry.read_bytes().decode(errors="replace"))
        except OSError:  # it ended meanwhile
            continue
    return "\n".join(found)


def test_a_broken_bubblewrap_is_not_used(tmp_path, monkeypatch):
    (tmp_path / "bwrap").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert Path(shutil.which("bwrap")).parent == tmp_path
    sandbox._bubblewrap_works.cache_clear()
    try:
        assert run("x = 5") == answer(5)
    finally:
        sandbox._bubblewrap_works.cache_clear()
