"""What a page needs to grade: which tasks can, the same sources in every build, and Pyodide from npm or a sentence."""

import base64
import hashlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from fortyfive import checks, course
from fortyfive.authoring import book, in_page, reach, sphinx_ext
from fortyfive.checks.answers import solution
from fortyfive.cli import app as app_room

ROOT = course.root()
MODULE = "fortyfive.checks.topic"
HEAD = "from fortyfive.grading.report import Failure\nfrom fortyfive.grading.exercise import Exercise\n"


# Which checks can be judged in a page


@pytest.fixture
def beyond(tmp_path, monkeypatch):
    """A function that says what a check `body` reaches beyond the page, in a package of the modules given."""
    monkeypatch.setattr(reach, "PACKAGE", tmp_path)
    (tmp_path / "checks").mkdir()
    reach._read.cache_clear()

    def find(text, **others):
        for name, source in {"__init__": "import importlib\n", "topic": HEAD + text, **others}.items():
            (tmp_path / "checks" / f"{name}.py").write_text(source, encoding="utf-8")
        return reach.reach(SimpleNamespace(body=SimpleNamespace(__module__=MODULE, __name__="body"))).beyond

    yield find
    reach._read.cache_clear()


WITHIN = {
    "nothing": "def body(answer):\n    pass\n",
    "the rooms of a page": "from fortyfive.sim import fan_out\nimport json\ndef body(answer):\n    fan_out.drive()\n",
    "a driver of the page": "def body(answer):\n    answer.drive('fortyfive.sim.fan_out:drive')\n",
    "another check's import": "def body(answer):\n    pass\ndef other(answer):\n    from fortyfive import units\n",
    "a check that it waits for": (
        "def other(answer):\n    from fortyfive import units\n@check(after=other)\ndef body(answer):\n    pass\n"
    ),
    "a type": "if TYPE_CHECKING:\n    from fortyfive.flow.delivery import Posts\ndef body(answer):\n    pass\n",
    "a word": "def body(answer):\n    raise Failure('see fortyfive.units for more')\n",
}


@pytest.mark.parametrize("text", WITHIN.values(), ids=WITHIN)
def test_a_check_can_be_judged_in_a_page_with(beyond, text):
    assert beyond(text) == set()


BEYOND = {
    "an import": ("def body(answer):\n    from fortyfive import units\n", "fortyfive.units"),
    "a module's import": ("import numpy as np\ndef body(answer):\n    pass\n", "numpy"),
    "a room of the machine": (
        "from fortyfive.flow.fan_out import cost\ndef body(answer):\n    pass\n",
        "fortyfive.flow",
    ),
    "a driver elsewhere": ("def body(answer):\n    answer.drive('fortyfive.stores.nats:drive')\n", "fortyfive.stores"),
    "a driver in parts": (
        "WORLD = 'fortyfive.flow.queue'\ndef body(answer):\n    answer.drive(f'{WORLD}:drive')\n",
        "fortyfive.flow",
    ),
    "a function on the way": (
        "def body(answer):\n    return [first(x) for x in answer]\ndef first(x):\n    return second(x)\n"
        "def second(x):\n    import pandas\n",
        "pandas",
    ),
    "a function that is handed on": (
        "def body(answer):\n    answer.each(with_units)\ndef with_units(x):\n    from fortyfive.units import parse\n",
        "fortyfive.units",
    ),
    "a class": (
        "def body(answer):\n    Judge()\nclass Judge:\n    def __init__(self):\n        import numpy\n",
        "numpy",
    ),
    "a function called on import": ("def load():\n    import pint\nload()\ndef body(answer):\n    pass\n", "pint"),
    "a function that a value holds": (
        "def story():\n    import numpy\nSUITE = Suite(story)\ndef body(answer):\n    SUITE.run()\n",
        "numpy",
    ),
    "a default": ("def body(answer, units=__import__):\n    pass\nclass A:\n    import numpy\n", "numpy"),
}


@pytest.mark.parametrize(("text", "found"), BEYOND.values(), ids=BEYOND)
def test_a_check_cannot_be_judged_in_a_page_with(beyond, text, found):
    assert beyond(text) == {found}


THROUGH = {
    "a name": ("from fortyfive.checks.other import judge\ndef body(answer):\n    judge()\n", {"fortyfive.units"}),
    "a module": ("from fortyfive.checks import other\ndef body(answer):\n    other.judge()\n", {"fortyfive.units"}),
    "another function": ("from fortyfive.checks.other import fine\ndef body(answer):\n    fine()\n", set()),
    "a driver": ("def body(answer):\n    answer.drive('fortyfive.checks.other:judge')\n", {"fortyfive.units"}),
    "a late import": (
        "def body(answer):\n    from fortyfive.checks import other\n    other.judge()\n",
        {"fortyfive.units"},
    ),
}


@pytest.mark.parametrize(("text", "found"), THROUGH.values(), ids=THROUGH)
def test_a_check_is_followed_into_other_modules_through(beyond, text, found):
    other = "def judge():\n    from fortyfive import units\ndef fine():\n    pass\n"
    assert beyond(text, other=other) == found


def judged_in_page(stem):
    return {check.id for check in checks.load(stem).checks if not reach.reach(check).beyond}


def test_the_code_of_exercise_05_is_judged_in_the_page_and_its_numbers_are_not():
    judged = judged_in_page("05_fan_out")
    assert {"pull_is_right", "push_matches_pull", "deletes_match_pull", "crossings_stay_in_budget"} <= judged
    assert judged.isdisjoint({"celebrity_rate", "second_flaw", "threshold_keeps_promises", "design_survives_10x"})


# In a process that has nothing but Python and the archive, as a page has it.
GRADE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from fortyfive import checks
from fortyfive.grading import in_page
request = json.load(sys.stdin)
exercise = checks.load(request.pop("stem"))
print(in_page.serve(exercise, json.dumps({**request, "tape": []}), lambda _: None))
"""


@pytest.mark.parametrize("stem", checks.STEMS)
def test_the_solution_passes_in_the_page_with_nothing_but_the_archive(stem, tmp_path):
    page = in_page.read_page(ROOT / "exercises" / f"{stem}.ipynb")
    assert {check for task in page.tasks for check in task.points} <= judged_in_page(stem)
    (tmp_path / "sources.zip").write_bytes(in_page.archive())
    names = [name for task in page.tasks for name in task.names]
    process = subprocess.run(
        [sys.executable, "-I", "-S", "-c", GRADE, str(tmp_path / "sources.zip")],
        input=json.dumps({"stem": stem, "source": solution(stem), "names": names}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert process.returncode == 0, process.stderr
    results = json.loads(process.stdout)["report"]["checks"]
    assert len(results) >= len(page.tasks)
    assert [item["id"] for item in results if item["verdict"] != "passed"] == []


# The archive


def test_the_archive_is_the_same_wherever_it_is_made():
    assert in_page.archive.__wrapped__() == in_page.archive()
    with zipfile.ZipFile(io.BytesIO(in_page.archive())) as archive:
        entries = archive.infolist()
        assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
        made = {(entry.date_time, entry.create_system, entry.compress_type) for entry in entries}
        assert made == {((1980, 1, 1, 0, 0, 0), 3, zipfile.ZIP_STORED)}
        assert all(b"\r" not in archive.read(entry) for entry in entries)


def test_the_archive_holds_the_very_sources_and_none_of_other_rooms():
    with zipfile.ZipFile(io.BytesIO(in_page.archive())) as archive:
        names = archive.namelist()
        for name in names:
            assert archive.read(name).decode() == (ROOT / name).read_text(encoding="utf-8")
    rooms = {name.split("/")[1] for name in names}
    assert rooms == {"__init__.py", "checks", "grading", "scenario", "sim"}
    assert "fortyfive/checks/fan_out_timelines.py" in names
    assert "fortyfive/checks/fan_out_defence.py" not in names
    assert not [name for name in names if name.endswith("_answers.py")]


# The tasks of a page

CELLS = {
    1: "import pandas as pd\nfrom fortyfive import check",
    2: "deliveries_per_s = ...",
    3: 'check("05", "deliveries_per_s")',
    5: "LIMIT = 3\nfor _ in range(3):\n    print(pd)",
    6: "def pull_read(reader, limit, store):\n    ...",
    7: "def nobody_asked():\n    ...",
    8: 'check("05", "pull_read")',
    9: 'check(5, "pull_read")',
    10: "def publish(post, store):\n    ...",
    11: "def read(reader, limit, store):\n    ...",
    12: 'check("05", "publish", "read")',
    13: "%matplotlib",
    14: 'check("05")',
    15: 'check("05", "no_such_name")',
}


def tasks():
    return {task.cell: task for task in in_page.find_tasks(checks.load("05_fan_out"), CELLS)}


def test_a_task_is_a_cell_that_calls_check_on_what_a_page_can_judge():
    assert {cell: task.names for cell, task in tasks().items()} == {
        8: ("pull_read",),
        9: ("pull_read",),
        12: ("publish", "read"),
    }


def test_a_cell_is_edited_for_the_first_task_that_asks_for_its_names():
    assert tasks()[8].edited == {6: "pull_read"}
    assert tasks()[9].edited == {}
    assert tasks()[12].edited == {10: "publish", 11: "read"}


def test_a_check_is_worth_its_points_in_one_task_only():
    assert tasks()[8].points == {"pull_is_right": 1}
    assert tasks()[9].points == {}
    assert tasks()[12].points == {"timelines_match_pull": 2}


def notebook(path, cells):
    last = max(cells)
    kinds = [{"cell_type": "code" if n in cells else "markdown", "source": [cells.get(n, "")]} for n in range(last + 1)]
    path.write_text(json.dumps({"cells": kinds}), encoding="utf-8")
    return path


def test_of_a_cell_that_nobody_edits_only_definitions_are_graded(tmp_path):
    page = in_page.read_page(notebook(tmp_path / "05_fan_out.ipynb", CELLS))
    assert page.cells[5] == "LIMIT = 3"
    assert page.cells[6] == CELLS[6]
    assert page.cells[2] == "deliveries_per_s = ..."
    assert {8, 9, 12, 13, 14, 15}.isdisjoint(page.cells)
    assert dict(json.loads(page.to_json())) == page.cells


def test_a_page_without_such_a_task_is_no_page(tmp_path):
    assert in_page.read_page(notebook(tmp_path / "05_fan_out.ipynb", {1: CELLS[1], 2: CELLS[2], 3: CELLS[3]})) is None
    assert in_page.read_page(notebook(tmp_path / "04_other.ipynb", CELLS)) is None


def test_the_marker_of_a_task_says_what_its_button_needs(tmp_path):
    page = in_page.read_page(notebook(tmp_path / "05_fan_out.ipynb", CELLS))
    marker = page.marker(page.tasks[-1], Path("somewhere/pyodide-1"))
    assert 'data-names="publish read"' in marker
    assert 'data-cells="{&quot;10&quot;: &quot;publish&quot;, &quot;11&quot;: &quot;read&quot;}"' in marker
    assert 'data-pyodide="pyodide-1"' in marker
    assert f'data-version="{page.version()}"' in marker


def test_a_page_is_read_again_when_it_would_load_something_else(tmp_path, monkeypatch):
    (tmp_path / "exercises").mkdir()
    path = notebook(tmp_path / "exercises" / "05_fan_out.ipynb", CELLS)
    env = SimpleNamespace(found_docs={"e", "intro"}, doc2path={"e": str(path), "intro": "intro.md"}.get)

    def again():
        return sphinx_ext._pages_to_read_again(None, env, set(), set(), set())

    monkeypatch.setenv(in_page.VARIABLE, "/pyodide-1")
    assert again() == ["e"]
    assert again() == []
    notebook(path, CELLS | {6: "def pull_read(reader):\n    ..."})
    assert again() == ["e"]
    monkeypatch.setenv(in_page.VARIABLE, "/pyodide-2")
    assert again() == ["e"]
    monkeypatch.setenv(in_page.VARIABLE, "")
    assert again() == ["e"], "a button that leads nowhere must go"
    assert again() == []


def test_a_page_loads_pyodide_its_cells_and_the_sources_compiled_where_node_is(tmp_path, tools):
    tools()
    page = in_page.read_page(notebook(tmp_path / "05_fan_out.ipynb", CELLS))
    pyodide = tmp_path / "pyodide-1"
    pyodide.mkdir()
    (pyodide / "pyodide.mjs").write_text("export", encoding="utf-8")
    in_page.write_files(tmp_path / "with", pyodide, [page])
    written = sorted(path.name for path in (tmp_path / "with").iterdir())
    assert written == ["05_fan_out.json", "pyodide-1", "sources.zip"]
    assert (tmp_path / "with" / "pyodide-1" / "pyodide.mjs").read_text(encoding="utf-8") == "export"
    assert (tmp_path / "with" / "05_fan_out.json").read_text(encoding="utf-8") == page.to_json()
    assert (tmp_path / "with" / "sources.zip").read_bytes() == b"compiled"
    (tmp_path / "bin" / "node").unlink()
    in_page.write_files(tmp_path / "without", pyodide, [page])
    assert (tmp_path / "without" / "sources.zip").read_bytes() == in_page.archive()


# Pyodide from npm

FILES = {"pyodide.mjs": b"export", "python_stdlib.zip": b"zip"}


def package(files):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return data.getvalue()


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A function that puts programs of ours in place of npm and node, and nothing else on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    (tmp_path / "package.tgz").write_bytes(package({**FILES, "README.md": b"words"}))
    integrity = "sha512-" + base64.b64encode(hashlib.sha512((tmp_path / "package.tgz").read_bytes()).digest()).decode()
    pinned = {"version": "1.2.3", "integrity": integrity, "files": [*FILES]}
    monkeypatch.setattr(in_page, "PINNED", pinned)
    bring = f"cp={tmp_path}/package.tgz\n/bin/cp $cp $4/pyodide-1.2.3.tgz"

    def make(npm=bring, node='printf compiled > "$3"'):
        for name, text in {"npm": npm, "node": node}.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
            (folder / name).chmod(0o755)
        return pinned

    return make


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "npm"


def test_pyodide_comes_from_npm_once_with_the_files_that_are_needed(tools, cache, monkeypatch):
    tools()
    folder = in_page.fetch_pyodide(cache)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "pyodide.mjs": b"export",
        "python_stdlib.zip": b"compiled",
    }
    assert [path.name for path in cache.iterdir()] == [folder.name]
    monkeypatch.setenv("PATH", "")
    assert in_page.fetch_pyodide(cache) == folder


def test_another_pin_is_another_folder(tools, cache, monkeypatch):
    folder = in_page.fetch_pyodide(cache) if tools() else None
    monkeypatch.setattr(in_page, "PINNED", {**in_page.PINNED, "files": ["pyodide.mjs"]})
    assert in_page.fetch_pyodide(cache) != folder


def refused(cache):
    """The sentence of a refusal, after which the cache must be empty and the book is told the same."""
    with pytest.raises(in_page.UnavailableError) as refusal:
        in_page.fetch_pyodide(cache)
    sentence = str(refusal.value)
    assert "\n" not in sentence
    assert sentence.startswith("The pages do not grade code: ")
    assert not cache.exists() or list(cache.iterdir()) == []
    assert book._pyodide(cache) == ("", f"\n{sentence}")
    return sentence


def test_without_npm_the_book_says_so_in_one_line(cache, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "there is no npm here" in refused(cache)


def test_without_a_registry_the_book_says_so_in_one_line(tools, cache):
    tools(npm="echo 'npm error code ENOTFOUND' >&2; echo more >&2; exit 1")
    assert "npm could not fetch pyodide@1.2.3 (npm error code ENOTFOUND)." in refused(cache)


def test_npm_that_fails_without_a_word_is_told_too(tools, cache):
    tools(npm="exit 7")
    assert "(exit code 7)" in refused(cache)


def test_a_package_with_another_hash_is_refused(tools, cache):
    pinned = tools()
    pinned["integrity"] = "sha512-" + base64.b64encode(bytes(64)).decode()
    assert "is not what fortyfive/authoring/pyodide.json pins" in refused(cache)


def test_a_node_that_fails_leaves_nothing_half_done(tools, cache):
    tools(node="echo 'SyntaxError' >&2; exit 1")
    assert "node could not compile Python's sources for it (SyntaxError)." in refused(cache)


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(in_page.UnavailableError, match="could not be used"):
        in_page.fetch_pyodide(tmp_path / "file" / "npm")


def test_a_book_that_is_not_asked_to_grade_asks_npm_for_nothing(monkeypatch):
    monkeypatch.setattr(in_page, "fetch_pyodide", lambda _: pytest.fail("npm was asked"))
    assert book._pyodide(None) == ("", "")


def test_what_is_pinned_is_an_exact_version_with_its_hash():
    pinned = json.loads((ROOT / "fortyfive" / "authoring" / "pyodide.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"\d+\.\d+\.\d+", pinned["version"])
    assert len(base64.b64decode(pinned["integrity"].removeprefix("sha512-"))) == 64


# Serving

SERVE = """
import sys
from pathlib import Path
from fortyfive.cli import app
app.course.root = lambda: Path(sys.argv[1])
app.app(["book", "--serve", *sys.argv[2:]])
"""


@pytest.fixture
def course_folder(tmp_path):
    html = tmp_path / "_build" / "html"
    html.mkdir(parents=True)
    for name in ("index.html", "a.mjs", "a.wasm", "a.js"):
        (html / name).write_text("words", encoding="utf-8")
    return tmp_path


def test_the_book_is_served_to_this_machine_until_ctrl_c(course_folder):
    command = [sys.executable, "-c", SERVE, str(course_folder), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", said)[0]
        types = {}
        for name in ("index.html", "a.mjs", "a.wasm", "a.js"):
            with urllib.request.urlopen(address + name, timeout=10) as answer:
                assert answer.read() == b"words"
                assert answer.headers["Cache-Control"] == "no-cache"
                types[name] = answer.headers["Content-Type"]
        script = "text/javascript"
        assert types == {"index.html": "text/html", "a.mjs": script, "a.wasm": "application/wasm", "a.js": script}
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=10)
    finally:
        process.kill()
    assert (rest, errors, process.returncode) == ("", "", 0)


def test_a_port_that_is_taken_is_told_with_what_to_do(course_folder, monkeypatch, capsys):
    monkeypatch.setattr(app_room.course, "root", lambda: course_folder)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            app_room.app(["book", "--serve", "--port", str(port)])
    assert ended.value.code == 2
    assert f"Port {port} could not be used" in capsys.readouterr().err


def test_a_book_that_is_not_there_is_built_before_it_is_served(tmp_path, monkeypatch, capsys):
    def build(root, pyodide_cache):
        assert pyodide_cache == tmp_path / "_build" / "npm"
        return book.BuildResult(True, "Built.", tmp_path / "index.html", 1.0, "")

    monkeypatch.setattr(app_room.course, "root", lambda: tmp_path)
    monkeypatch.setattr(book, "build", build)
    monkeypatch.setattr(book, "serve", lambda folder, port, say: say(f"{folder.relative_to(tmp_path)} at {port}"))
    with pytest.raises(SystemExit) as ended:
        app_room.app(["book", "--serve"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"Built.\n{Path('_build', 'html')} at {app_room.BOOK_PORT}\n".replace("/", os.sep)
