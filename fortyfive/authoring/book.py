"""Builds the book with Jupyter Book, and says in a sentence why it could not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

# jupyter-book 1 has no __main__, and a script's folder need not be on PATH.
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
FAILED_NOTEBOOK = re.compile(r"^myst_nb\.core\.execute\.base\.ExecutionError: (.+)$", re.MULTILINE)
FAILED_CELL = re.compile(
    r"CellExecutionError: An error occurred while executing the following cell:\n"
    r"-+\n(?P<source>.*?)\n-+\n.*?(?P<error>[^\n]+)\n+The above exception was the direct cause",
    re.DOTALL,
)
PROBLEM = re.compile(r"^(?P<file>.*?):(?P<line>\d*):? (?:WARNING|ERROR|CRITICAL): (?P<text>.*)$", re.MULTILINE)


@dataclass(frozen=True)
class BuildResult:
    """What a build came to: a sentence for people, the page to open, and all that Sphinx said."""

    ok: bool
    message: str
    index: Path
    elapsed_s: float
    log: str


def build(root: Path, *, output: Path | None = None) -> BuildResult:
    """Build the book of the course in `root` into `_build/html`, with every warning an error.

    `output` is the folder that gets `_build` instead of `root`. Notebooks run with a ledger that is thrown away.
    Raises nothing that a mistake in the content could cause: that is a result which is not `ok`.
    """
    built = (output or root).resolve() / "_build"
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", ".", "--toc", "book/_toc.yml", "-n", "-W", "--keep-going"]
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        process = subprocess.run(
            [*command, "--path-output", str(built.parent)],
            cwd=root,
            env=os.environ | {"FORTYFIVE_DATA_DIR": scratch, "TMPDIR": scratch},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    elapsed_s = time.monotonic() - started_s
    log = COLOUR.sub("", process.stdout)
    index = built / "html" / "index.html"
    if process.returncode == 0:
        return BuildResult(True, f"The book is built ({elapsed_s:.0f} s). Open {index}", index, elapsed_s, log)
    # Sphinx warns about a page only when it reads it. Without this a second build would read nothing and pass.
    shutil.rmtree(built / ".doctrees", ignore_errors=True)
    return BuildResult(False, explain(log, root), index, elapsed_s, log)


def explain(log: str, root: Path) -> str:
    """Return what went wrong, what it means and what to do, from the log of a failed build."""
    if notebook := FAILED_NOTEBOOK.search(log):
        return _about_a_notebook(_relative(notebook[1], root), FAILED_CELL.search(log))
    if found := list(dict.fromkeys(_problem(match, root) for match in PROBLEM.finditer(log))):
        count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
        listed = "\n".join(f"  {line}" for line in found)
        return (
            f"The book was not built: {count}.\n{listed}\n"
            "A page with a warning is a page with a hole in it, so each one stops the build. "
            "Mend what is listed and build again."
        )
    tail = "\n".join(f"  {line}" for line in log.strip().splitlines()[-20:])
    return f"The book was not built. Jupyter Book ended with:\n{tail}\nIf that is no help, run: .venv/bin/forty doctor"


def _about_a_notebook(name: str, cell: re.Match[str] | None) -> str:
    what = f"The book was not built: a cell of {name} failed.\n"
    if cell:
        source = "\n".join(f"  {line}" for line in cell["source"].splitlines())
        what += f"{source}\n  {cell['error']}\n"
    return (
        f"{what}The book shows what the code really does, so a failing cell stops the build. "
        f"Mend {name.removesuffix('.ipynb')}.py, run `make notebooks`, and build again."
    )


def _problem(match: re.Match[str], root: Path) -> str:
    name = _relative(match["file"], root)
    # In a notebook myst-nb counts lines in its own way, and the text names the cell.
    line = f":{match['line']}" if match["line"] and not name.endswith(".ipynb") else ""
    return f"{name}{line}: {match['text']}"


def _relative(file: str, root: Path) -> str:
    path = Path(file)
    return path.relative_to(root.resolve()).as_posix() if path.is_relative_to(root.resolve()) else file
