"""Builds the book with Jupyter Book, says in a sentence why it could not, and serves what was built."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fortyfive.authoring import in_page

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


# Under another name a browser would not run them.
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}


@dataclass(frozen=True)
class BuildResult:
    """What a build came to: a sentence for people, the page to open, and all that Sphinx said."""

    ok: bool
    message: str
    index: Path
    elapsed_s: float
    log: str


def build(root: Path, *, output: Path | None = None, pyodide_cache: Path | None = None) -> BuildResult:
    """Build the book of the course in `root` into `_build/html`, with every warning an error.

    `output` is the folder that gets `_build` instead of `root`. Notebooks run with a ledger that is thrown away. With
    a `pyodide_cache`, the folder where Pyodide lies or is put, the pages grade code; where that cannot be had, the
    message says why.
    Raises nothing that a mistake in the content could cause: that is a result which is not `ok`.
    """
    pyodide, in_pages = _pyodide(pyodide_cache)
    built = (output or root).resolve() / "_build"
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", ".", "--toc", "book/_toc.yml", "-n", "-W", "--keep-going"]
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        process = subprocess.run(
            [*command, "--path-output", str(built.parent)],
            cwd=root,
            env=os.environ | {"FORTYFIVE_DATA_DIR": scratch, "TMPDIR": scratch, in_page.VARIABLE: pyodide},
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
        message = f"The book is built ({elapsed_s:.0f} s). Open {index}{in_pages}"
        return BuildResult(True, message, index, elapsed_s, log)
    # Sphinx warns about a page only when it reads it. Without this a second build would read nothing and pass.
    shutil.rmtree(built / ".doctrees", ignore_errors=True)
    return BuildResult(False, explain(log, root), index, elapsed_s, log)


def _pyodide(cache: Path | None) -> tuple[str, str]:
    """Return the folder of Pyodide as text, empty where there is none, and what to say about it."""
    if cache is None:
        return "", ""
    try:
        folder = in_page.fetch_pyodide(cache)
    except in_page.UnavailableError as error:
        return "", f"\n{error}"
    return str(folder), "\nTo check your code in its pages, serve it: .venv/bin/forty book --serve"


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


class _Handler(SimpleHTTPRequestHandler):
    """Answers with files of the book, says nothing, and lets a browser keep a file only while it has not changed."""

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        """Return the type that a browser asks for, whatever this system calls such a file."""
        return TYPES.get(Path(path).suffix) or super().guess_type(path)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def end_headers(self) -> None:
        """End the headers, with one more."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


class Server(ThreadingHTTPServer):
    """Serves a built book to this machine alone; port 0 is any that is free. Raises OSError where it cannot be had."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(("127.0.0.1", port), partial(_Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Say nothing: a browser that leaves a page goes away in the middle of a file."""


def serve(folder: Path, port: int, say: Callable[[str], object]) -> None:
    """Serve a built book until somebody presses Ctrl-C; `say` gets the sentence with the address. Raises OSError."""
    with Server(folder, port) as server:
        say(f"The book is at {server.address}/ until you press Ctrl-C.")
        with suppress(KeyboardInterrupt):
            server.serve_forever()
