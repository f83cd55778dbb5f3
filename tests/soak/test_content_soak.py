"""Long runs over the content: many stories for the graders, and the notebooks again and again."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fortyfive import checks
from fortyfive.checks import fan_out
from fortyfive.grading.exercise import grade
from fortyfive.grading.report import Verdict
from fortyfive.grading.submission import Submission

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.soak


def test_right_answers_pass_and_wrong_ones_fail_on_stories_never_used_before(monkeypatch):
    exercise, table = checks.load("05_fan_out"), importlib.import_module("fortyfive.checks.fan_out_answers")
    seeds_at_once = fan_out.STORIES
    original = fan_out.random_story
    for block in range(1, 40):
        monkeypatch.setattr(
            fan_out, "random_story", lambda seed, kinds, block=block: original(seed + block * seeds_at_once, kinds)
        )
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
