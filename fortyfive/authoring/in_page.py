"""What the book needs to grade code in its pages: Pyodide from npm, our own sources, and which cells make up a task."""

from __future__ import annotations

import ast
import base64
import functools
import hashlib
import html
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fortyfive import checks
from fortyfive.authoring.reach import PACKAGE, ROOMS, reach
from fortyfive.grading.exercise import Exercise
from fortyfive.grading.source import UNREADABLE, defined_names

PINNED: dict[str, Any] = json.loads(Path(__file__).with_name("pyodide.json").read_text(encoding="utf-8"))
LIBRARY = "python_stdlib.zip"
COMPILER = Path(__file__).with_name("compile.mjs")
STATIC = Path(__file__).parent / "book_static"
# A slow line takes a minute for six megabytes.
NPM_LIMIT_S = 180.0
# Which Pyodide the pages get is told to Sphinx by this variable: the folder, or nothing.
VARIABLE = "FORTYFIVE_PYODIDE"


# Pyodide


class UnavailableError(Exception):
    """The book cannot grade in its pages; the message is one sentence, which says why."""


def fetch_pyodide(cache: Path) -> Path:
    """Return a folder with the files of Pyodide that a page needs, from `cache` or from npm.

    Raises UnavailableError where there is no npm, no registry for it, or where it brings something else than is pinned.
    """
    recipe = json.dumps(PINNED).encode() + COMPILER.read_bytes()
    folder = cache / f"pyodide-{PINNED['version']}-{hashlib.sha256(recipe).hexdigest()[:8]}"
    if folder.is_dir():
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            new = Path(scratch) / "pyodide"
            new.mkdir()
            _unpack(_download(Path(scratch)), new)
            _compile(new, new / LIBRARY)
            # One step, so that a folder of that name is always whole.
            new.rename(folder)
    except OSError as error:
        raise UnavailableError(f"The pages do not grade code: {cache} could not be used ({error.strerror}).") from None
    return folder


def _download(folder: Path) -> bytes:
    package = f"pyodide@{PINNED['version']}"
    command = ["npm", "pack", package, "--pack-destination", str(folder), "--loglevel=error", "--fetch-retries=0"]
    _run(command, f"npm could not fetch {package}")
    data = (folder / f"pyodide-{PINNED['version']}.tgz").read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != PINNED["integrity"]:
        raise UnavailableError(
            f"The pages do not grade code: what npm brought as {package} is not what fortyfive/authoring/pyodide.json "
            f"pins (its hash is {found[:20]}...)."
        )
    return data


def _unpack(package: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for name in PINNED["files"]:
            member = archive.extractfile(f"package/{name}")
            assert member, name
            (folder / name).write_bytes(member.read())


def _compile(pyodide: Path, archive: Path) -> None:
    """Put compiled modules in place of the sources in an archive."""
    _run(["node", str(COMPILER), str(pyodide), str(archive)], "node could not compile Python's sources for it")


def _run(command: list[str], failed: str) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise UnavailableError(
            f"The pages do not grade code: there is no {command[0]} here, which brings Python for the browser. "
            "Install Node.js (https://nodejs.org) and build again."
        )
    try:
        done = subprocess.run([program, *command[1:]], capture_output=True, timeout=NPM_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"The pages do not grade code: {failed} within {NPM_LIMIT_S:g} s.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise UnavailableError(f"The pages do not grade code: {failed} ({said[0][:200]}).")


# Our own sources


@functools.cache
def archive() -> bytes:
    """Return a zip of the sources that the checks of all pages need: the same bytes wherever it is made."""
    found = [reach(check) for stem in checks.STEMS for check in checks.load(stem).checks]
    modules = {module for each in found if not each.beyond for module in each.checks}
    paths = {PACKAGE / "__init__.py", PACKAGE / "checks" / "__init__.py"}
    paths |= {PACKAGE / "checks" / f"{module.rpartition('.')[2]}.py" for module in modules}
    paths |= {path for room in ROOMS for path in (PACKAGE / room).rglob("*.py")}
    data = io.BytesIO()
    # Not compressed: what comes out of a compressor depends on its version.
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as sources:
        for path in sorted(paths):
            entry = zipfile.ZipInfo(f"{PACKAGE.name}/{path.relative_to(PACKAGE).as_posix()}")
            entry.create_system = 3
            # Read as text, so that the ends of lines are the same on every system.
            sources.writestr(entry, path.read_text(encoding="utf-8").encode())
    return data.getvalue()


# The tasks of a page


@dataclass(frozen=True)
class Task:
    """A cell that calls `check`, the cells that are edited for it, and what its own checks are worth.

    Cells are counted as the notebook counts them. What a learner makes of one is kept under the names that it defines,
    which outlive a change of the page.
    """

    cell: int
    names: tuple[str, ...]
    edited: dict[int, str]
    points: dict[str, int]


@dataclass(frozen=True)
class Page:
    """An exercise's page: the tasks that can be graded there, and what is graded, by cell.

    Of a cell that nobody edits, that is what it defines: what it does besides may need more than a page has.
    """

    stem: str
    cells: dict[int, str]
    tasks: tuple[Task, ...]

    def to_json(self) -> str:
        """Return what the page loads when it is asked to grade."""
        return json.dumps([*self.cells.items()])

    def version(self) -> str:
        """Return a text that changes whenever anything changes that the page loads."""
        scripts = [path.read_bytes() for path in sorted(STATIC.glob("fortyfive-in-page*"))]
        return hashlib.sha256(b"".join([self.to_json().encode(), archive(), *scripts])).hexdigest()[:12]

    def marker(self, task: Task, pyodide: Path) -> str:
        """Return the element, empty until the page's script fills it, that stands below a task."""
        data = {
            "stem": self.stem,
            "names": " ".join(task.names),
            "cells": json.dumps(task.edited),
            "points": json.dumps(task.points),
            "pyodide": pyodide.name,
            "version": self.version(),
        }
        attributes = "".join(f' data-{name}="{html.escape(text)}"' for name, text in data.items())
        return f'<div class="ff-task"{attributes}></div>'


def write_files(folder: Path, pyodide: Path, pages: Iterable[Page]) -> None:
    """Write what pages load when they are asked to grade: Pyodide, our sources, and the cells of each page."""
    folder.mkdir()
    shutil.copytree(pyodide, folder / pyodide.name)
    (folder / "sources.zip").write_bytes(archive())
    # A page takes sources as well: without node it only waits longer.
    with suppress(UnavailableError):
        _compile(pyodide, folder / "sources.zip")
    for page in pages:
        (folder / f"{page.stem}.json").write_text(page.to_json(), encoding="utf-8")


def read_page(notebook: Path) -> Page | None:
    """Return the page of an exercise's notebook, or None where none of its tasks can be graded in it."""
    stem = notebook.stem
    if stem not in checks.STEMS:
        return None
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = {number: "".join(cell["source"]) for number, cell in enumerate(cells) if cell["cell_type"] == "code"}
    tasks = find_tasks(checks.load(stem), sources)
    edited = {number for task in tasks for number in task.edited}
    graded = {number: text if number in edited else _definitions(text) for number, text in sources.items()}
    return Page(stem, {number: text for number, text in graded.items() if text}, tuple(tasks)) if tasks else None


def find_tasks(exercise: Exercise, cells: Mapping[int, str]) -> list[Task]:
    """Return the tasks that can be graded in a page: each belongs to a cell `check("05", "name", ...)`.

    A cell is edited for the first such cell after it that asks for a name which it defines.
    """
    tasks: list[Task] = []
    taken: set[int] = set()
    judged: set[str] = set()
    for number, source in cells.items():
        names = _asked(exercise, source)
        if names is None or any(name not in exercise.names for name in names):
            continue
        selected = exercise.select(names)
        before = [earlier for earlier in cells if earlier < number and earlier not in taken]
        defined = {n: [name for name in names or exercise.names if name in defined_names(cells[n])] for n in before}
        edited = {n: " ".join(found) for n, found in defined.items() if found}
        taken |= set(edited)
        own = {check.id: check.points for check in selected if check.id not in judged}
        judged |= set(own)
        if not any(reach(check).beyond for check in selected):
            tasks.append(Task(number, names, edited, own))
    return tasks


DEFINITIONS = (
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.Assign, ast.AnnAssign),
)


def _definitions(source: str) -> str:
    """Return the statements of a cell that only give names a meaning."""
    try:
        statements = ast.parse(source).body
    except UNREADABLE:
        return ""
    return "\n".join(ast.unparse(statement) for statement in statements if isinstance(statement, DEFINITIONS))


def _asked(exercise: Exercise, source: str) -> tuple[str, ...] | None:
    """Return the names that a cell asks to be checked, none for all of them; None where it asks for no check."""
    try:
        statements = ast.parse(source).body
    except UNREADABLE:
        return None
    for statement in statements:
        match statement:
            case ast.Expr(ast.Call(ast.Name("check"), [ast.Constant(str() | int() as topic), *names], [])):
                if checks.find_stem(topic) == exercise.stem:
                    return tuple(str(name.value) for name in names if isinstance(name, ast.Constant))
    return None
