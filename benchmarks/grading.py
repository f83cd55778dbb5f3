"""How long a learner waits for a verdict, and how many of the named wrong answers the graders catch."""

from __future__ import annotations

import importlib
import subprocess
import sys

from benchmarks.row import AtLeast, Row, median_s
from fortyfive import checks, course
from fortyfive.checks.answers import Wrong
from fortyfive.checks.fan_out_answers import RIGHT
from fortyfive.grading.exercise import grade
from fortyfive.grading.submission import Submission

TIMES = 15


def rows() -> list[Row]:
    """Measure the verdict on a whole exercise and on one coding task, beside the fresh kernel others start for one."""
    exercise = checks.load("05_fan_out")
    submission = Submission(RIGHT[0].source)
    assert course.grade(exercise, submission).points > 0
    verdict_s = median_s(lambda: course.grade(exercise, submission), TIMES)
    task_s = median_s(lambda: course.grade(exercise, submission, ["pull_read"]), TIMES)
    kernel_s = median_s(_kernel_start, 3)
    return [
        Row(
            "check_verdict_p50_ms",
            verdict_s * 1000,
            "ms",
            target=1000,
            ratio=verdict_s / kernel_s,
            against="start of a fresh Jupyter kernel",
        ),
        Row(
            "task_verdict_p50_ms",
            task_s * 1000,
            "ms",
            target=500,
            ratio=task_s / kernel_s,
            against="start of a fresh Jupyter kernel",
        ),
        *(_catch_rate(stem) for stem in checks.STEMS),
    ]


def _catch_rate(stem: str) -> AtLeast:
    """Return the share of an exercise's named wrong answers that fail with the feedback meant for them."""
    exercise = checks.load(stem)
    table = importlib.import_module(f"fortyfive.checks.{stem[3:]}_answers")

    def caught(wrong: Wrong) -> bool:
        submission = Submission(f"{table.RIGHT[0].source}\n\n{wrong.change}\n")
        results = grade(exercise, submission, exercise.find(wrong.check).needs).results
        found = next(item for item in results if item.id == wrong.check)
        return found.verdict == wrong.verdict and wrong.says in f"{found.rationale}\n{found.help}"

    share = sum(map(caught, table.WRONG)) / len(table.WRONG)
    return AtLeast(f"grader_catch_rate_{stem[:2]}", 100 * share, f"% of {len(table.WRONG)} wrong answers", target=100)


def _kernel_start() -> None:
    code = (
        "from jupyter_client.manager import start_new_kernel as start\n"
        "manager, client = start(kernel_name='python3')\n"
        "client.execute_interactive('1 + 1')\n"
        "client.stop_channels(); manager.shutdown_kernel(now=True)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
