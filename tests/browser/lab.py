"""JupyterLab in a browser: started over a copy of the course, and driven as a learner would."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-this-test"
START_LIMIT_S = 60
WAIT_MS = 60_000  # generous: a busy machine is no failure
FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "FORTYFIVE_DATA_DIR")
FOLDERS += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
OPTIONS = [
    "--no-browser",
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port=0",
    f"--IdentityProvider.token={TOKEN}",
    "--LabApp.expose_app_in_browser=True",
    "--allow-root",  # CI runs as root
]

# Two sliders over a line through the origin, whose table counts how often it was computed.
EXPLORER = """
import numpy as np, pandas as pd, plotly.graph_objects as go
from fortyfive.widgets import theme
from fortyfive.widgets.explorer import Explorer, Slider, View

computed = 0

def view(slope, end):
    global computed
    computed += 1
    if slope == 13:
        raise ValueError("A slope of 13 brings bad luck: take another.")
    y = slope * np.linspace(0, end, 300)
    return View(pd.DataFrame({"slope": [slope], "computed": [computed]}), [{"y": y}], alt=f"A line of slope {slope}")

figure = theme.style(go.Figure().add_scatter(x=np.arange(300)), title="It rises", alt="A line", height_px=300)
sliders = [Slider("slope", "slope (1/s)", range(1, 21), 3), Slider("end", "end (s)", (1, 9), 1)]
explorer = Explorer(figure, sliders, view)
computed = 0
explorer
"""

# A board without a load, and one that runs what is drawn and keeps it.
BLANK = """
from fortyfive.widgets.board import draw
draw()
"""
BOARD = """
from fortyfive.scenario.prompts import PROMPTS
from fortyfive.widgets.board import draw
draw("client -> api\\n", prompt=PROMPTS["notifications"], save_as="skeleton.txt")
"""
NOTEBOOKS = {
    "explorer.ipynb": ("# An explorer", EXPLORER),
    "blank.ipynb": ("# A blank board", BLANK),
    "board.ipynb": ("# A board", BOARD),
}


@contextmanager
def running(tmp: Path) -> Iterator[str]:
    """Run `forty lab` over a copy of the course, because JupyterLab saves what it opens; gives the address."""
    course = tmp / "course"
    for folder in ("fortyfive", "lessons", "exercises"):
        shutil.copytree(ROOT / folder, course / folder)
    for name, (heading, *cells) in NOTEBOOKS.items():
        nbformat.write(_notebook(heading, cells), course / "lessons" / name)
    mine = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    # The copy comes before the installed course, so that it is what JupyterLab opens and what its kernels import.
    mine |= {"PYTHONPATH": str(course), "FORTYFIVE_LEARNER": "tester"} | {name: str(tmp / name) for name in FOLDERS}
    command = [sys.executable, "-m", "fortyfive.cli", "lab", *OPTIONS]
    with (tmp / "lab.log").open("w+") as log:
        server = subprocess.Popen(
            command, cwd=course, env=mine, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield _address(server, tmp / "JUPYTER_RUNTIME_DIR", tmp / "lab.log")
        finally:
            # First the polite way, on which JupyterLab ends its kernels: they are no part of its process group.
            for end in (signal.SIGTERM, signal.SIGKILL):
                if server.poll() is None:
                    os.killpg(server.pid, end)
                    with suppress(subprocess.TimeoutExpired):
                        server.wait(timeout=15)


def _notebook(heading, cells):
    listed = [nbformat.v4.new_markdown_cell(heading), *(nbformat.v4.new_code_cell(cell.strip()) for cell in cells)]
    python = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=listed, metadata={"kernelspec": python})


def _address(server, runtime, log):
    """Wait until the server has noted its port, which it does when it listens."""
    deadline_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline_s and server.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            try:
                return json.loads(path.read_text())["url"].rstrip("/")
            except ValueError:
                break  # it is being written
        time.sleep(0.05)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


def execute(page, command, args=None):
    """Run a command of JupyterLab and wait for its end: a run-all has then run all."""
    page.evaluate(
        "([command, args]) => { window.ended = false;"
        " jupyterapp.commands.execute(command, args).finally(() => { window.ended = true; }); }",
        [command, args or {}],
    )
    page.wait_for_function("window.ended", timeout=WAIT_MS)


def run_all(page):
    # Before its kernel is there, a notebook asks which one to use.
    page.wait_for_function("jupyterapp.shell.currentWidget.sessionContext?.session?.kernel?.status === 'idle'")
    execute(page, "notebook:run-all-cells")


def open_course(page, lab, path, heading):
    page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    page.goto(f"{lab}{path}?token={TOKEN}&reset")
    expect(shown(page).get_by_role("heading", name=heading, level=1)).to_be_visible()


def shown(page):
    """The notebook in front."""
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")


def code_cell(page, text):
    return shown(page).locator(".jp-CodeCell").filter(has=page.locator(".cm-content", has_text=text))
