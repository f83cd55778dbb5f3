"""`python -m fortyfive.authoring` writes every notebook from its source; `--check` only compares."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from fortyfive import course
from fortyfive.authoring import board, catalogue
from fortyfive.authoring.notebooks import AuthoringError, Cell, Problem, Source, build, find_sources, read_cells


def main(arguments: Sequence[str] | None = None, root: Path | None = None) -> int:
    """Build or check the notebooks under `root`; returns the exit code, 1 if an author has something to do."""
    parser = argparse.ArgumentParser(prog="python -m fortyfive.authoring", description=__doc__)
    parser.add_argument("stems", nargs="*", metavar="STEM", help="build only these, for example 05_fan_out")
    parser.add_argument("--check", action="store_true", help="run nothing, write nothing, list every problem")
    options = parser.parse_args(arguments)
    root = root or course.root()
    if options.check and options.stems:
        parser.error("--check looks at the whole catalogue: give it no stem")
    found = [*catalogue.problems(root), *board.problems()] if options.check else build_all(root, options.stems)
    for problem in found:
        _say(str(problem))
    return 1 if found else 0


def build_all(root: Path, stems: Sequence[str] = ()) -> Sequence[Problem]:
    """Write the notebooks of `stems`, or of every source; returns what stopped it.

    Every source is read before the first one is run, so a slip in the last is not found minutes later.
    """
    sources = [source for source in find_sources(root) if not stems or source.stem in stems]
    known = {source.stem for source in sources}
    found = [Problem(stem, "names no source", "see lessons/ and solutions/") for stem in stems if stem not in known]
    readable: list[tuple[Source, tuple[Cell, ...]]] = []
    for source in sources:
        try:
            readable.append((source, read_cells(source)))
        except AuthoringError as error:
            found += error.problems
    if found:
        return found
    try:
        for source, cells in readable:
            for name, text in build(source, cells).items():
                _say(f"wrote {name}" if _write(root / name, text) else f"up to date {name}")
    except AuthoringError as error:
        return error.problems
    return []


def _write(path: Path, text: str) -> bool:
    """Write a file unless it already says this; returns whether it did."""
    content = text.encode()
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
