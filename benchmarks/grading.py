"""How long a learner waits for a verdict."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.row import Row, median_s
from fortyfive import checks, course
from fortyfive.checks.fan_out_answers import RIGHT
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
    ]


def _kernel_start() -> None:
    code = (
        "from jupyter_client.manager import start_new_kernel as start\n"
        "manager, client = start(kernel_name='python3')\n"
        "client.execute_interactive('1 + 1')\n"
        "client.stop_channels(); manager.shutdown_kernel(now=True)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
