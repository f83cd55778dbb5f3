"""Long runs over the content: many stories for the graders, and the notebooks again and again."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fortyfive import checks
from fortyfive.checks import fan_out_timelines as timelines
from fortyfive.grading.exercise import grade
from fortyfive.grading.report import Verdict
from fortyfive.grading.submission import Submission

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.soak
original_story = timelines.random_story


SUITES = [suite for suite in vars(timelines).values() if isinstance(suite, timelines.Suite)]


def use_other_stories(monkeypatch, block):
    """Let every suite draw stories from seeds that no other block, and no learner, has seen."""
    monkeypatch.setattr(timelines, "random_story", lambda seed, *others: original_story(seed + block * 1_000, *others))
    timelines._last.clear()
    for suite in SUITES:
        vars(suite).pop("stories", None)


def test_right_answers_pass_and_wrong_ones_fail_on_stories_never_used_before(monkeypatch):
    exercise, table = checks.load("05_fan_out"), importlib.import_module("fortyfive.checks.fan_out_answers")
    assert SUITES
    for block in range(1, 20):
        use_other_stories(monkeypatch, block)
        for right in table.RIGHT:
            report = grade(exercise, Submission(right.source))
            assert {item.verdict for item in report.results} == {Verdict.PASSED}, (block, right.name)
        for wrong in table.WRONG[block % len(table.WRONG) :: 10]:
            needs = exercise.find(wrong.check).needs
            report = grade(exercise, Submission(f"{table.RIGHT[0].source}\n\n{wrong.change}\n"), needs)
            found = next(item for item in report.results if item.id == wrong.check)
            assert found.verdict is not Verdict.PASSED, (block, wrong.name)


def test_the_notebooks_give_the_same_outputs_every_time(tmp_path):
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-q", "--nbval", "--nbval-cell-timeout", "60"]
    for seed in range(8):
        # The start page shows a learner's record, so each run is a new learner's.
        environment = os.environ | {"PYTHONHASHSEED": str(seed), "FORTYFIVE_DATA_DIR": str(tmp_path / str(seed))}
        done = subprocess.run(
            [*command, "lessons", "solutions"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-4000:]
        assert re.search(r"\d+ passed", done.stdout)
