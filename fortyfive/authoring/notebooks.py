"""Notebooks from py:percent sources: a lesson and a solution with their outputs, an exercise without its answers."""

from __future__ import annotations

import ast
import copy
import hashlib
import json
import os
import re
import tempfile
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from fortyfive.widgets import WIDGET_MIME

# The JSON of a notebook, of one of its cells, or of one output of a cell.
Json = dict[str, Any]

STEM = re.compile(r"\d\d_[a-z_]+")
TAGS = (
    "solution",
    "nbval-ignore-output",
    "nbval-skip",
    "raises-exception",
    "hide-input",
    "remove-cell",
    "remove-input",
)
CELL_TIMEOUT_S = 60

METADATA: Json = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    # Without a lexer the book warns about every exercise, which it shows and does not run. No version: it would differ.
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}

# What jupytext notes about the layout of a source; it means nothing in a notebook.
_LAYOUT_KEYS = {"lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker", "region_name"}
_MARKER = re.compile(r"^[ \t]*# (BEGIN|END) SOLUTION[ \t]*(?:\n|$)", re.MULTILINE)
# A page and the next must not have the same title.
_TITLE = re.compile(r"\A# Exercise\b")
_BLOCK = re.compile(r"^([ \t]*)# BEGIN SOLUTION[ \t]*\n(.*?)^[ \t]*# END SOLUTION[ \t]*$", re.MULTILINE | re.DOTALL)
_MARKER_WORDS = re.compile(r"\b(?:BEGIN|END)\W*SOLUTION")
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")


@dataclass(frozen=True)
class Problem:
    """Something an author has to put right: in which file, what is wrong, and what to do."""

    file: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}; {self.remedy}"


class AuthoringError(Exception):
    """A source that gives no notebook; `problems` says why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Source:
    """A py:percent file in lessons/ or solutions/. `name`, `notebook` and `exercise` are paths relative to `root`."""

    root: Path
    folder: str
    stem: str

    @property
    def name(self) -> str:
        """The source itself."""
        return f"{self.folder}/{self.stem}.py"

    @property
    def notebook(self) -> str:
        """The notebook with outputs that is written beside the source."""
        return f"{self.folder}/{self.stem}.ipynb"

    @property
    def exercise(self) -> str | None:
        """The exercise that is written from a solution; a lesson has none."""
        return f"exercises/{self.stem}.ipynb" if self.folder == "solutions" else None

    def problem(self, what: str, file: str | None = None) -> Problem:
        """Return a problem of this source, or of a `file` derived from it, that is put right in this source."""
        return Problem(file or self.name, what, f"edit {self.name} and run `make notebooks`")


@dataclass(frozen=True)
class Cell:
    """One cell as its source gives it; `cell_type` is markdown, code or raw."""

    cell_type: str
    source: str
    tags: tuple[str, ...] = ()
    source_hidden: bool = False


def find_sources(root: Path) -> list[Source]:
    """Return every source under `root`, lessons before solutions, each in the order of their stems."""
    return [
        Source(root, folder, path.stem)
        for folder in ("lessons", "solutions")
        for path in sorted((root / folder).glob("*.py"))
    ]


def read_cells(source: Source) -> tuple[Cell, ...]:
    """Return the cells of a source, markers included. Raises AuthoringError with everything that is wrong in it."""
    try:
        text = (source.root / source.name).read_text(encoding="utf-8")
        nodes = jupytext.reads(text, fmt="py:percent").cells
    except (OSError, ValueError, nbformat.ValidationError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise AuthoringError([source.problem(f"cannot be read as py:percent ({reason})")]) from error
    cells = tuple(_cell(node) for node in nodes)
    complaints = [
        *_name_complaints(source),
        *_title_complaints(cells),
        *_metadata_complaints(nodes),
        *_marker_complaints(text, cells),
        *(_lesson_complaints(cells) if source.exercise is None else ()),
    ]
    if complaints:
        raise AuthoringError([source.problem(complaint) for complaint in complaints])
    return cells


def _cell(node: Mapping[str, Any]) -> Cell:
    metadata = node["metadata"]
    hidden = metadata.get("jupyter") == {"source_hidden": True}
    return Cell(node["cell_type"], node["source"], tuple(metadata.get("tags", ())), hidden)


def called(source: str) -> str:
    """Return how messages name a cell: by its first line."""
    lines = source.strip().splitlines()
    return f"the cell `{lines[0]}`" if lines else "an empty cell"


def _name_complaints(source: Source) -> Iterator[str]:
    if not STEM.fullmatch(source.stem):
        yield f"the name {source.stem!r} is not two digits, an underscore and lower-case words, as 05_fan_out is"


def _title_complaints(cells: Sequence[Cell]) -> Iterator[str]:
    if not cells or cells[0].cell_type != "markdown" or not cells[0].source.startswith("# "):
        yield "the first cell is not markdown that starts with a title, `# ...`"


def _metadata_complaints(nodes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for node in nodes:
        metadata, name = node["metadata"], called(node["source"])
        for tag in metadata.get("tags", ()):
            if tag not in TAGS:
                yield f"{name} has the tag {tag!r}, which is not one of {', '.join(TAGS)}"
        # A mistyped `tags=` arrives as another key: dropped in silence, it would put an answer into the exercise.
        others = {key: value for key, value in metadata.items() if key not in ("tags", *_LAYOUT_KEYS)}
        if others.get("jupyter") == {"source_hidden": True}:
            del others["jupyter"]
        if others:
            yield (
                f"{name} has {json.dumps(others)} on its `# %%` line, which takes only "
                'tags=["..."] and jupyter={"source_hidden": true}'
            )


def _marker_complaints(text: str, cells: Sequence[Cell]) -> Iterator[str]:
    # jupytext tells no line numbers, but it keeps every line: the nth marker of the cells is the nth of the file.
    numbers = iter([number for number, line in enumerate(text.splitlines(), 1) if _MARKER_WORDS.search(line)])
    for cell in cells:
        opened = 0
        for line in cell.source.splitlines():
            if not _MARKER_WORDS.search(line):
                continue
            number = next(numbers, 0)
            marker = _MARKER.match(line)
            if marker is None or cell.cell_type != "code":
                yield f"line {number}: a marker is a line of its own in a code cell, and this one is not"
            elif marker[1] == "BEGIN":
                if opened:
                    yield f"line {number}: `# BEGIN SOLUTION` stands inside the block that line {opened} begins"
                opened = opened or number
            elif opened:
                opened = 0
            else:
                yield f"line {number}: `# END SOLUTION` ends a block that its cell does not begin"
        if opened:
            yield f"line {opened}: `# BEGIN SOLUTION` begins a block that its cell does not end"


def _lesson_complaints(cells: Iterable[Cell]) -> Iterator[str]:
    for cell in cells:
        if "solution" in cell.tags or _MARKER.search(cell.source):
            yield f"{called(cell.source)} marks a solution, but a lesson has no exercise to hide it from"


def solution_cells(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Return the cells of a lesson or a solution: without marker lines, and a solution's title says that it is one."""
    return tuple(replace(cell, source=_title(cell, _MARKER.sub("", cell.source).rstrip("\n"))) for cell in cells)


def _title(cell: Cell, source: str) -> str:
    return source if cell.cell_type == "code" else _TITLE.sub("# Solution", source)


def exercise_cells(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Return the cells of an exercise: no cell tagged `solution`, and a stub where a marked block was."""
    return tuple(
        replace(cell, source=_BLOCK.sub(lambda block: textwrap.indent(_stub(block[2]), block[1]), cell.source))
        for cell in cells
        if "solution" not in cell.tags
    )


def _stub(block: str) -> str:
    """Return `name = ...` for each name where the block only gives values to names, and `...` for any other block."""
    code = textwrap.dedent(block)
    try:
        statements = ast.parse(code).body
    except SyntaxError:
        return "..."
    stubs: dict[str, str] = {}
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]):
                stubs.setdefault(name, f"{name} = ...")
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr()):
                stubs.setdefault(name, f"{name}: {ast.get_source_segment(code, annotation)} = ...")
            case _:
                return "..."
    return "\n".join(stubs.values()) or "..."


def to_notebook(cells: Iterable[Cell]) -> Json:
    """Return an unexecuted notebook. Cell ids are hashes of what the cells say, so they change only with it."""
    seen: Counter[Cell] = Counter()
    made = []
    for cell in cells:
        key = Cell(cell.cell_type, cell.source)
        made.append(_cell_json(cell, seen[key]))
        seen[key] += 1
    return {"cells": made, "metadata": copy.deepcopy(METADATA), "nbformat": 4, "nbformat_minor": 5}


def _cell_json(cell: Cell, occurrence: int) -> Json:
    metadata: Json = {}
    if cell.tags:
        metadata["tags"] = list(cell.tags)
    if cell.source_hidden:
        metadata["jupyter"] = {"source_hidden": True}
    identity = f"{cell.cell_type}\n{occurrence}\n{cell.source}"
    made: Json = {
        "cell_type": cell.cell_type,
        "id": hashlib.sha256(identity.encode()).hexdigest()[:16],
        "metadata": metadata,
        "source": cell.source,
    }
    if cell.cell_type == "code":
        made |= {"execution_count": None, "outputs": []}
    return made


def to_text(notebook: Json) -> str:
    """Return what is written to disk: sorted keys, an indent of 1, and a newline at the end."""
    return str(nbformat.writes(_node(notebook))) + "\n"  # type: ignore[no-untyped-call]  # nbformat has no types


def _node(notebook: Json) -> nbformat.NotebookNode:
    node: nbformat.NotebookNode = nbformat.from_dict(copy.deepcopy(notebook))  # type: ignore[no-untyped-call]
    return node


def execute(notebook: Json, source: Source, timeout_s: int = CELL_TIMEOUT_S) -> Json:
    """Run a notebook top to bottom, in a fresh kernel and in its own folder, and return it with its outputs.

    `timeout_s` is for each cell, in seconds. Raises AuthoringError at the first cell that fails, or where an output
    would differ in the next run.
    """
    # Only the build runs notebooks: what compares them stays quick.
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    running = _node(notebook)
    client = NotebookClient(
        running,
        timeout=timeout_s,
        kernel_name="python3",
        store_widget_state=False,
        record_timing=False,
        extra_arguments=["--log-level=CRITICAL"],  # a kernel warns at each start, between the lines of the build
        resources={"metadata": {"path": str(source.root / source.folder)}},
    )
    with tempfile.TemporaryDirectory() as scratch, client.setup_kernel(env=_environment(Path(scratch))):
        for index, cell in enumerate(running["cells"]):
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                last_line = (error.evalue.strip().splitlines() or [""])[-1]
                failure = f"raised {error.ename}: {last_line}"
            except CellTimeoutError:
                failure = f"took longer than {timeout_s} s"
            except DeadKernelError:
                failure = "ended the kernel"
            else:
                continue
            raise AuthoringError([source.problem(f"{called(cell['source'])} {failure}")])
    return _with_outputs(notebook, running["cells"], source)


def _environment(scratch: Path) -> dict[str, str]:
    """Return an environment that keeps an author's own ledger and IPython profile out of the notebooks."""
    return {
        **os.environ,
        "FORTYFIVE_DATA_DIR": str(scratch / "data"),
        "IPYTHONDIR": str(scratch / "ipython"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # a warning about debuggers, in the middle of the build's own lines
    }


def _with_outputs(notebook: Json, executed: Sequence[Json], source: Source) -> Json:
    cells, problems = [], []
    for cell, ran in zip(notebook["cells"], executed, strict=True):
        if cell["cell_type"] != "code":
            cells.append(cell)
            continue
        outputs = clean_outputs(ran["outputs"])
        cells.append({**cell, "execution_count": ran["execution_count"], "outputs": outputs})
        problems += [
            source.problem(f"{called(cell['source'])} shows {part}")
            for output in outputs
            for part in unrepeatable_parts(output, source.root)
        ]
    if problems:
        raise AuthoringError(problems)
    return {**notebook, "cells": cells}


def clean_outputs(outputs: Iterable[Mapping[str, Any]]) -> list[Json]:
    """Return the outputs of a cell without what depends on chance or on this machine."""
    kept = []
    # How a stream is cut into pieces, and how two streams interleave, is a matter of timing.
    for is_stream, group in groupby(outputs, key=lambda output: output["output_type"] == "stream"):
        together = list(group)
        kept += _merge_streams(together) if is_stream else [_clean_output(output) for output in together]
    return [output for output in kept if output.get("data") != {}]


def _merge_streams(outputs: Iterable[Mapping[str, Any]]) -> list[Json]:
    texts: dict[str, str] = {}
    for output in outputs:
        texts[output["name"]] = texts.get(output["name"], "") + output["text"]
    return [{"output_type": "stream", "name": name, "text": texts[name]} for name in sorted(texts, reverse=True)]


def _clean_output(output: Mapping[str, Any]) -> Json:
    cleaned = copy.deepcopy(dict(output))
    if output["output_type"] == "error":
        # The frames name files of this machine.
        cleaned["traceback"] = [f"{output['ename']}: {output['evalue']}"]
    elif "data" in cleaned:
        # A view needs the state of its kernel, which is not kept.
        cleaned["data"].pop(WIDGET_MIME, None)
    return cleaned


def unrepeatable_parts(output: Mapping[str, Any], root: Path) -> list[str]:
    """Return what in an output would differ in the next run or on the next machine, as a message says it."""
    text = json.dumps(output, ensure_ascii=False)
    # A home that is the root of the file system, as in some containers, tells nothing.
    places = [place for place in (root.resolve(), Path.home(), Path(tempfile.gettempdir())) if place.name]
    found = [f"a memory address ({address})" for address in _ADDRESS.findall(text)[:1]]
    found += [
        f"a path of this machine ({place})"
        for place in dict.fromkeys(places)
        if json.dumps(f"{place}{os.sep}", ensure_ascii=False)[1:-1] in text
    ]
    return found


def build(source: Source, cells: Sequence[Cell]) -> dict[str, str]:
    """Run a source and return the text of each notebook it gives, by path. Raises AuthoringError."""
    made = {source.notebook: to_text(execute(to_notebook(solution_cells(cells)), source))}
    if source.exercise:
        made[source.exercise] = to_text(to_notebook(exercise_cells(cells)))
    return made
