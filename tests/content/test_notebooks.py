"""The notebooks: lessons and solutions give the outputs that are stored, exercises run and are unsolved as shipped."""

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from fortyfive import checks
from fortyfive.grading.exercise import grade
from fortyfive.grading.report import Verdict
from fortyfive.grading.submission import Submission

ROOT = Path(__file__).resolve().parents[2]


def nbval(*args):
    """Run nbval in a process of its own, as it is meant to be run, with a time limit for each cell."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", "addopts=", "-q"]
    command += ["--nbval-cell-timeout", "60", *args]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | {"COLUMNS": "200"}
    )


def test_lessons_and_solutions_give_their_stored_outputs():
    done = nbval("--nbval", "lessons", "solutions")
    assert done.returncode == 0, done.stdout[-6000:]
    # The count is asserted, because an empty collection also exits without a failure of any cell.
    cells = sum(
        len(code_cells(path)) for folder in ("lessons", "solutions") for path in (ROOT / folder).glob("*.ipynb")
    )
    assert f"{cells} passed" in done.stdout


def test_exercises_run_from_top_to_bottom_as_shipped():
    done = nbval("--nbval-lax", "exercises")
    assert done.returncode == 0, done.stdout[-6000:]


def code_cells(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]


def as_file(path):
    """A notebook's code as one Python file, as a learner would hand it to `forty check`."""
    return "\n\n".join("".join(cell["source"]) for cell in code_cells(path))


@pytest.mark.parametrize("stem", checks.STEMS)
def test_an_exercise_is_unsolved_as_shipped(stem):
    report = grade(checks.load(stem), Submission(as_file(ROOT / "exercises" / f"{stem}.ipynb")))
    assert {item.verdict for item in report.results} == {Verdict.NOT_ATTEMPTED}


@pytest.mark.parametrize("stem", checks.STEMS)
def test_a_solution_earns_full_marks(stem):
    report = grade(checks.load(stem), Submission(as_file(ROOT / "solutions" / f"{stem}.ipynb")))
    assert {item.verdict for item in report.results} == {Verdict.PASSED}
    assert report.points == report.max_points > 0


@pytest.mark.parametrize("stem", checks.STEMS)
def test_an_exercise_asks_for_every_name_that_is_judged(stem):
    shipped = as_file(ROOT / "exercises" / f"{stem}.ipynb")
    for name in checks.load(stem).names:
        assert re.search(rf"^((async )?def {name}\(|class {name}\b|{name} = \.\.\.)", shipped, re.MULTILINE), name


def test_every_topic_of_the_folders_is_registered():
    assert sorted(path.stem for path in (ROOT / "exercises").glob("*.ipynb")) == sorted(checks.STEMS)


def test_the_pins_satisfy_the_ranges_and_are_what_is_installed():
    from packaging.requirements import Requirement

    pins = dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE))
    course = (ROOT / "requirements.txt").read_text()
    for text in metadata.requires("fortyfive"):
        wanted = Requirement(text)
        assert wanted.specifier.contains(pins[wanted.name]), text
        assert metadata.version(wanted.name) == pins[wanted.name]
        if not wanted.marker:
            assert f"\n{wanted.name}=={pins[wanted.name]}" in course, text


@pytest.mark.parametrize("stem", checks.STEMS)
def test_the_start_page_leads_to_every_topic(stem):
    page = (ROOT / "lessons/00_start.py").read_text(encoding="utf-8")
    assert f"]({stem}.ipynb)" in page
    assert f"](../exercises/{stem}.ipynb)" in page
