"""`python -m fortyfive.authoring.board` bundles the drawing board's script for the browser; needs Node.js and npm."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from fortyfive import widgets
from fortyfive.authoring.notebooks import Problem

WIDGETS = Path(widgets.__file__).parent
SOURCE = WIDGETS / "board_source"
BUILT = ("board.css", "board.js", "board_licences.txt")
COMMAND = "make board"
# A slow line takes a minute for the bundler.
NPM_LIMIT_S = 180.0
_HASH = re.compile(rb"\b[0-9a-f]{64}\b")


class BuildError(Exception):
    """The board could not be built; the message is a sentence that says why."""


def sources(source: Path = SOURCE) -> dict[str, bytes]:
    """Return the text of each file that the build reads, by its name, with the same ends of lines on every system."""
    paths = sorted(path for path in source.iterdir() if path.is_file())
    return {path.name: path.read_text(encoding="utf-8").encode() for path in paths}


def fingerprint(files: Mapping[str, bytes]) -> str:
    """Return a hash of files and their names."""
    parts = (f"{name} {len(data)}\n".encode() + data for name, data in sorted(files.items()))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def problems(folder: Path = WIDGETS) -> Iterator[Problem]:
    """Yield what is wrong with the built files: missing, older than their sources, or changed by hand. Runs no npm."""
    source = folder / SOURCE.name
    built = {}
    for name in BUILT:
        path = folder / name
        if not path.is_file():
            yield Problem(_named(path), "is missing", f"run `{COMMAND}`")
            return
        built[name] = path.read_text(encoding="utf-8").encode()
    head, _, body = built["board.js"].partition(b"\n")
    if head != _head(sources(source), built | {"board.js": body}):
        current = fingerprint(sources(source)).encode() in _HASH.findall(head)
        what = "or another built file of the board was changed by hand" if current else "is older than its sources"
        yield Problem(_named(folder / "board.js"), what, f"edit {_named(source)}/ and run `{COMMAND}`")


def build(source: Path = SOURCE) -> dict[str, bytes]:
    """Return the built files, by name: the same bytes wherever they are made. Raises BuildError."""
    with tempfile.TemporaryDirectory(prefix="board-") as scratch:
        here, out = Path(scratch) / "source", Path(scratch) / "built"
        here.mkdir()
        out.mkdir()
        files = sources(source)
        for name, data in files.items():
            (here / name).write_bytes(data)
        # No script of a package runs; npm compares what it brings with the hashes in package-lock.json.
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], here)
        _run(["node", "build.mjs", str(out)], here)
        built = {name: (out / name).read_bytes() for name in BUILT}
    return built | {"board.js": _head(files, built) + b"\n" + built["board.js"]}


def _head(files: Mapping[str, bytes], built: Mapping[str, bytes]) -> bytes:
    """Return the first line of the script: hashes of the sources, and of what was built from them."""
    return (
        f"/* Built by `{COMMAND}` from board_source/ ({fingerprint(files)}): edit those. "
        f"This file, the style and the licences: {fingerprint(built)} */"
    ).encode()


def _named(path: Path) -> str:
    return f"fortyfive/widgets/{path.name}"


def _run(command: list[str], folder: Path) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise BuildError(
            f"There is no {command[0]} here, which bundles the board: install Node.js (https://nodejs.org)."
        )
    try:
        done = subprocess.run(
            [program, *command[1:]], cwd=folder, capture_output=True, timeout=NPM_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise BuildError(
            f"`{' '.join(command[:2])}` took more than {NPM_LIMIT_S:g} s: is npm's registry slow?"
        ) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        raise BuildError(f"`{' '.join(command[:2])}` failed:\n{said}")


def main() -> int:
    """Build the board and write its files; returns the exit code."""
    try:
        built = build()
    except BuildError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    for name, data in built.items():
        (WIDGETS / name).write_bytes(data)
        sys.stdout.write(f"wrote fortyfive/widgets/{name} ({len(data):,} bytes)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
