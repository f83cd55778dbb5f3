"""The gates of `make check`: is every notebook what its source gives, was it run, and is none missing or left over?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nbformat.validator import iter_validate

from fortyfive.authoring.notebooks import (
    AuthoringError,
    Cell,
    Json,
    Problem,
    Source,
    called,
    exercise_cells,
    find_sources,
    read_cells,
    solution_cells,
    to_notebook,
    to_text,
    unrepeatable_parts,
)
from fortyfive.widgets import WIDGET_MIME

FOLDERS = ("lessons", "exercises", "solutions")


def problems(root: Path) -> list[Problem]:
    """Return everything that is wrong with the lessons, exercises and solutions under `root`. Runs no notebook."""
    sources = find_sources(root)
    found = [*_catalogue_problems(root, sources)]
    for source in sources:
        try:
            cells = read_cells(source)
        except AuthoringError as error:
            found += error.problems
            continue
        found += _notebook_problems(source, cells)
        found += _exercise_problems(source, cells)
    return found


def _catalogue_problems(root: Path, sources: Sequence[Source]) -> Iterator[Problem]:
    if not sources:
        yield Problem(str(root), "has no source in lessons/ or solutions/", "run this in a checkout of the course")
    known = {source.name for source in sources}
    belongs = known | {source.notebook for source in sources} | {source.exercise for source in sources}
    for source in sources:
        if source.exercise and f"lessons/{source.stem}.py" not in known:
            yield Problem(
                source.name, "has no lesson", f"write lessons/{source.stem}.py, or give the two the same name"
            )
    for folder in FOLDERS:
        for path in sorted((root / folder).glob("*")):
            name = f"{folder}/{path.name}"
            if name not in belongs and path.name not in (".ipynb_checkpoints", "designs"):
                what = "has no source" if path.suffix == ".ipynb" else "does not belong here"
                yield Problem(name, what, "remove it")


def _notebook_problems(source: Source, cells: Sequence[Cell]) -> Iterator[Problem]:
    """Compare a lesson or a solution with its source, leaving aside its outputs, and look at how it was run."""
    try:
        text, notebook = _load(source.root / source.notebook)
    except _NotANotebookError as error:
        yield Problem(source.notebook, str(error), f"run `make notebooks`, which writes it from {source.name}")
        return
    complaints = [
        *_differences(_json(to_notebook(solution_cells(cells))), _unexecuted(notebook)),
        *_leftovers(notebook),
        *_run_complaints(notebook, source.root),
    ]
    if not complaints and text != _written(notebook):
        complaints = ["was saved by something other than the build"]
    for complaint in complaints:
        yield source.problem(complaint, source.notebook)


def _exercise_problems(source: Source, cells: Sequence[Cell]) -> Iterator[Problem]:
    """Compare an exercise with what the build would write, byte for byte."""
    if source.exercise is None:
        return
    try:
        text, notebook = _load(source.root / source.exercise)
    except _NotANotebookError as error:
        yield Problem(source.exercise, str(error), f"run `make notebooks`, which writes it from {source.name}")
        return
    expected = to_notebook(exercise_cells(cells))
    complaints = [*_differences(_json(expected), notebook), *_leftovers(notebook)]
    complaints += [
        f"{_called(cell)} is tagged `solution`"
        for cell in notebook["cells"]
        if "solution" in cell.get("metadata", {}).get("tags", ())
    ]
    if not complaints and text != to_text(expected):
        complaints = ["was saved by something other than the build"]
    for complaint in complaints:
        yield source.problem(complaint, source.exercise)


class _NotANotebookError(Exception):
    """A file that is missing or damaged; the message completes the sentence that its name begins."""


def _load(path: Path) -> tuple[str, Json]:
    """Return a notebook's text and JSON, as stored: nbformat would repair what is to be found here."""
    try:
        text = path.read_bytes().decode()
        notebook = json.loads(text)
    except FileNotFoundError:
        raise _NotANotebookError("is missing") from None
    except ValueError:
        raise _NotANotebookError("is not JSON") from None
    if any(iter_validate(notebook, version=4, version_minor=5)):  # type: ignore[no-untyped-call]
        raise _NotANotebookError("is not a notebook of format 4.5")
    return text, notebook


def _json(notebook: Json) -> Json:
    """Return a notebook as it is stored: a source is a list of lines there."""
    stored: Json = json.loads(to_text(notebook))
    return stored


def _written(notebook: Json) -> str:
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _unexecuted(notebook: Json) -> Json:
    blank: Json = {"execution_count": None, "outputs": []}
    cells = [{**cell, **blank} if cell.get("cell_type") == "code" else cell for cell in notebook["cells"]]
    return {**notebook, "cells": cells}


def _source(cell: Json) -> str:
    return "".join(cell.get("source", ""))


def _called(cell: Json) -> str:
    return called(_source(cell))


def _differences(expected: Json, found: Json) -> Iterator[str]:
    """Tell where a notebook first leaves its source: everything after that has the same cause and the same remedy."""
    for want, have in zip(expected["cells"], found["cells"], strict=False):
        if want != have:
            keys = sorted(key for key in want.keys() | have.keys() if want.get(key) != have.get(key))
            yield f"{_called(have)} differs from its source ({', '.join(keys)})"
            return
    if len(expected["cells"]) != len(found["cells"]):
        yield f"has {len(found['cells'])} cells, and its source gives {len(expected['cells'])}"
    elif "widgets" in found.get("metadata", {}):
        yield "carries the state of its widgets"
    elif {**expected, "cells": []} != {**found, "cells": []}:
        yield "has metadata that the build does not write"


def _leftovers(notebook: Json) -> Iterator[str]:
    for cell in notebook["cells"]:
        if "BEGIN SOLUTION" in _source(cell) or "END SOLUTION" in _source(cell):
            yield f"{_called(cell)} still has a solution marker"


def _run_complaints(notebook: Json, root: Path) -> Iterator[str]:
    cells = [cell for cell in notebook["cells"] if cell.get("cell_type") == "code" and _source(cell).strip()]
    never_run = [cell for cell in cells if cell.get("execution_count") is None]
    if never_run:
        # nbval runs such a cell but never compares it.
        yield f"{_called(never_run[0])} was never run" + (", nor was another" if len(never_run) > 1 else "")
    elif [cell["execution_count"] for cell in cells] != list(range(1, len(cells) + 1)):
        yield "was not run once from top to bottom"
    for cell in cells:
        for output in cell.get("outputs", ()):
            for complaint in _output_complaints(cell, output, root):
                yield f"{_called(cell)} {complaint}"


def _output_complaints(cell: Json, output: dict[str, Any], root: Path) -> Iterator[str]:
    if output.get("output_type") == "error" and "raises-exception" not in cell.get("metadata", {}).get("tags", ()):
        yield f"ended with {output.get('ename')}: {output.get('evalue')}"
    if WIDGET_MIME in output.get("data", {}):
        yield "holds the view of a widget, which needs a kernel"
    for part in unrepeatable_parts(output, root):
        yield f"shows {part}"
