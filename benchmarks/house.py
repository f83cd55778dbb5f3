"""How long the house itself takes: a fresh clone until JupyterLab answers, and the check of all content."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.row import Row, median_s, seconds

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 300


def rows() -> list[Row]:
    """Measure `make lab` in a fresh clone, beside pip installing the same pins, and the content check."""
    with tempfile.TemporaryDirectory(prefix="fortyfive-bench-") as folder:
        clone = Path(folder) / "course"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        lab_s = _until_lab_answers(clone)
        pip_s = _pip_install(clone, Path(folder) / "pip")
    content = [sys.executable, "-m", "fortyfive.authoring", "--check"]
    content_s = median_s(lambda: subprocess.run(content, cwd=ROOT, check=True, capture_output=True), 3)
    build = [sys.executable, "-m", "jupytext", "--version"]
    base_s = median_s(lambda: subprocess.run(build, check=True, capture_output=True), 3)
    return [
        Row("lab_up_s", lab_s, "s", target=60, ratio=lab_s / pip_s, against="pip install of the same pins alone"),
        Row("content_check_s", content_s, "s", target=5, ratio=content_s / base_s, against="jupytext --version"),
    ]


def _until_lab_answers(clone: Path) -> float:
    """Return the seconds from `make lab` to the first answer of the server, which is then ended."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = f"--no-browser --ip=127.0.0.1 --port={port} --IdentityProvider.token=bench --allow-root"
    started_s = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            ["make", "lab", f"LAB_ARGS={arguments}", f"PYTHON={sys._base_executable}"],
            cwd=clone,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            while not _answers(port):
                if process.poll() is not None or time.perf_counter() - started_s > PATIENCE_S:
                    log.seek(0)
                    raise RuntimeError(f"JupyterLab did not come up:\n{log.read()[-2000:].decode(errors='replace')}")
                time.sleep(0.05)
            return time.perf_counter() - started_s
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token=bench", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _pip_install(clone: Path, folder: Path) -> float:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", "-r", "requirements.txt"]
    return seconds(lambda: subprocess.run(pip, cwd=clone, check=True, capture_output=True))
