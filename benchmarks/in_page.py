"""How long a learner waits for a verdict in the published page: the first, with Python to load, and later ones."""

from __future__ import annotations

import ast
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

from benchmarks.row import Row, median_s
from fortyfive import checks, course
from fortyfive.authoring.book import Server, build
from fortyfive.checks.answers import solution
from fortyfive.grading.submission import Submission
from tests.browser.conftest import LAUNCH_ARGS, NAMES

ROOT = Path(__file__).resolve().parent.parent
STEM = "06_delivery_semantics"
TASK = "notify"
TIMES = 5
PATIENCE_MS = 120_000
# What somebody needs at least to read a verdict and to change the code.
READING_MS = 3_000


def rows() -> list[Row]:
    """Measure a task with two thousand schedules, from the wish to edit, beside the same verdict from a process."""
    chromium = next(path for name in NAMES if (path := shutil.which(name)))
    source = _answer()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        result = build(ROOT, output=Path(folder), pyodide_cache=ROOT / "_build" / "npm")
        assert result.ok, result.message
        server = Server(result.index.parent, 0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=LAUNCH_ARGS)
        first_s, later_s = zip(
            *(_visit(browser.new_page(), f"{server.address}/exercises/{STEM}.html", source) for _ in range(TIMES)),
            strict=True,
        )
        browser.close()
        server.shutdown()
    exercise = checks.load(STEM)
    submission = Submission(solution(STEM))
    lab_s = median_s(lambda: course.grade(exercise, submission, [TASK]), TIMES)
    measured = (("first_in_page_grade_s", first_s, 6), ("later_in_page_grade_s", later_s, 2))
    return [
        Row(name, value := statistics.median(times), "s", target, value / lab_s, "the same verdict in JupyterLab")
        for name, times, target in measured
    ]


def _visit(page: Page, address: str, source: str) -> tuple[float, float]:
    """Open the page with nothing kept and nothing cached; return the seconds of a first and of a second verdict."""
    page.goto(address)
    task = page.locator(f'.ff-task[data-names="{TASK}"]')
    editor = page.get_by_label(f"Your code: {TASK}", exact=True)
    started_s = time.perf_counter()
    task.get_by_role("button", name="Edit and check here").click()
    editor.fill(source)
    first_s = _check(page, editor) - started_s
    page.wait_for_timeout(READING_MS)
    editor.fill(f"{source}\n")
    started_s = time.perf_counter()
    later_s = _check(page, editor) - started_s
    page.context.close()
    return first_s, later_s


def _check(page: Page, editor: Locator) -> float:
    """Ask for a verdict as a hurried hand would, and return the time at which it is there."""
    editor.press("ControlOrMeta+Enter")
    task = f'.ff-task[data-names="{TASK}"]'
    page.wait_for_selector(f'{task}[aria-busy="false"]', timeout=PATIENCE_MS)
    said = page.locator(task).get_by_role("status").text_content() or ""
    assert "passed." in said, said
    return time.perf_counter()


def _answer() -> str:
    """Return our solution of the task, without the rest of its notebook."""
    whole = solution(STEM)
    (function,) = (
        node for node in ast.parse(whole).body if isinstance(node, ast.AsyncFunctionDef) and node.name == TASK
    )
    return ast.get_source_segment(whole, function) or ""
