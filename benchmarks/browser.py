"""How long a slider takes in a real browser, from its event to the redrawn figure, with 1 M requests behind it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.row import Row
from tests.browser.conftest import LAUNCH_ARGS, NAMES

ROOT = Path(__file__).resolve().parent.parent
MOVES = 40
PATIENCE_S = 120
TOKEN = "bench"
FOLDERS = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR", "LAB_SETTINGS_DIR", "LAB_WORKSPACES_DIR")
NOTEBOOK = """
import numpy as np, pandas as pd, plotly.graph_objects as go
from fortyfive.flow import draws, queue
from fortyfive.widgets import theme
from fortyfive.widgets.explorer import Explorer, Slider, View

REQUESTS, SPAN_NS = 1_000_000, 600 * 10**9
index = np.arange(REQUESTS)
arrival_ns = np.sort((draws.uniform(45, 0, index) * SPAN_NS).astype(np.int64))
service_ns = draws.exponential_ns(45, 1, index, 4_000_000)

def view(workers):
    run = queue.run(arrival_ns, service_ns, workers, SPAN_NS)
    worst = round(float(np.nanmax(run.bands[2])), 3)
    return View(pd.DataFrame({"worst p99 (s)": [worst]}), [{"y": band} for band in run.bands], alt=f"{workers} workers")

figure = theme.bands(go.Figure(), np.linspace(1, 599, 300))
theme.style(figure, title="Latency over ten minutes", alt="Three bands", height_px=400)
Explorer(figure, Slider("workers", "workers", range(7, 17), 8), view)
"""
# From the slider's event to the frame after plotly has drawn data that differ.
MOVE = """place => new Promise(done => {
  const plot = document.querySelector('.ff-explorer .js-plotly-plot');
  const slider = document.querySelector('.ff-explorer input');
  const before = plot.data[0].y;
  const drawn = () => {
    if (plot.data[0].y === before) return;
    plot.removeListener('plotly_afterplot', drawn);
    requestAnimationFrame(() => done(performance.now() - started));
  };
  plot.on('plotly_afterplot', drawn);
  slider.value = place;
  const started = performance.now();
  slider.dispatchEvent(new Event('input'));
})"""


def rows() -> list[Row]:
    """Measure moves in `forty lab` and, in turn with them, in a JupyterLab without the course's extension."""
    chromium = next(path for name in NAMES if (path := shutil.which(name)))
    with (
        sync_playwright() as playwright,
        _server(["fortyfive.cli", "lab"]) as ours,
        _server(["jupyterlab"]) as plain,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=LAUNCH_ARGS)
        pages = [_explorer(browser, address) for address in (ours, plain)]
        times_ms: tuple[list[float], list[float]] = ([], [])
        for number in range(MOVES):
            for page, times in zip(pages, times_ms, strict=True):
                times.append(page.evaluate(MOVE, (number * 7 + 3) % 10))
                page.wait_for_timeout(150)  # as a hand would; plotly still tells the kernel what it has worked out
        browser.close()
    ours_ms, plain_ms = (statistics.median(times) for times in times_ms)
    against = "JupyterLab without TCP_NODELAY"
    return [Row("slider_to_redraw_p50_ms", ours_ms, "ms", target=60, ratio=ours_ms / plain_ms, against=against)]


def _explorer(browser: Browser, address: str) -> Page:
    """Open the notebook, run it, and wait until its explorer has come to rest."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_S * 1000)
    page.goto(f"{address}/lab/tree/bench.ipynb?token={TOKEN}&reset")
    page.wait_for_function(
        "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
    )
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_function("document.querySelector('.ff-explorer .js-plotly-plot')?.data?.length")
    page.wait_for_timeout(3000)  # the figure fits itself into its cell, the compiler ends
    return page


@contextmanager
def _server(module: list[str]) -> Iterator[str]:
    """Run a JupyterLab over a folder with the notebook, in settings of its own; give its address."""
    with tempfile.TemporaryDirectory(prefix="fortyfive-bench-", ignore_cleanup_errors=True) as folder:
        course = Path(folder) / "course"
        course.mkdir()
        cells = [nbformat.v4.new_code_cell(NOTEBOOK)]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), course / "bench.ipynb")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [
            *(sys.executable, "-m", *module, "--no-browser", "--allow-root", f"--ServerApp.root_dir={course}"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", f"--IdentityProvider.token={TOKEN}"),
            "--LabApp.expose_app_in_browser=True",
        ]
        mine = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
        mine |= {f"JUPYTER_{name}".replace("JUPYTER_LAB", "JUPYTERLAB"): str(Path(folder) / name) for name in FOLDERS}
        with (Path(folder) / "log").open("w+b") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=mine, stdout=log, stderr=log, start_new_session=True)
            try:
                _wait(process, f"http://127.0.0.1:{port}")
                yield f"http://127.0.0.1:{port}"
            finally:
                # The polite way, on which JupyterLab ends its kernels.
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=PATIENCE_S)


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    started_s = time.monotonic()
    while process.poll() is None and time.monotonic() - started_s < PATIENCE_S:
        try:
            with urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("JupyterLab did not come up: start `forty lab` by hand to see why.")
