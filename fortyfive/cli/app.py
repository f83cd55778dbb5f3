"""The commands of `forty`: `lab`, `book`, `check`, `run`, `sweep`, `progress`, `doctor`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fortyfive import checks, course
from fortyfive.cli import doctor as doctor_room
from fortyfive.cli.designs import run, sweep
from fortyfive.cli.texts import read_text, stop
from fortyfive.grading import render
from fortyfive.grading.report import Report, Verdict
from fortyfive.grading.submission import Submission
from fortyfive.ledger import Ledger, LedgerUnavailable
from fortyfive.startup import skip_address_grammars

app = typer.Typer(
    help="Forty-Five Minutes: the system-design round, as a course you can run.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help and plain errors, on every terminal
    pretty_exceptions_enable=False,
)
START_PAGE = "lessons/00_start.ipynb"
COLOURS = {"ok": "green", "bad": "red", "odd": "magenta", "idle": "bright_black"}
# Always the same: what a browser keeps for a page, it keeps by the page's address.
BOOK_PORT = 8045


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """Open the course in JupyterLab. What follows goes to JupyterLab, such as: --no-browser --port 9000."""
    root = course.root()
    if not (root / START_PAGE).is_file():
        raise stop(f"The start page {START_PAGE} is not in {root}. Clone the course again, or: git restore lessons")
    skip_address_grammars()
    try:
        from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]  # JupyterLab ships no types
    except ImportError as error:
        raise stop(f"JupyterLab is missing or damaged ({error}). {doctor_room.REINSTALL}") from None
    config = Path(__file__).parent / "lab_config"
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(config), *([others] if others else [])])
    ours = {"--ServerApp.root_dir": str(root), "--LabApp.default_url": f"/lab/tree/{START_PAGE}"}
    # JupyterLab refuses an option that is given twice, and the caller's goes first.
    given = {argument.partition("=")[0] for argument in context.args}
    options = [f"{name}={value}" for name, value in ours.items() if name not in given]
    _compile_beside()
    try:
        # In this process: a Ctrl-C, or the end of the terminal, reaches JupyterLab alone, which ends its kernels first.
        LabApp.launch_instance([*options, *context.args])
    except SystemExit as ended:
        if ended.code:
            raise stop(f"JupyterLab ended with an error; the lines above say why. Try: {doctor_room.CALL}") from None


def _compile_beside() -> None:
    """Start compiling the engine into its cache, so that no slider waits for it. What becomes of it does not matter."""
    with suppress(OSError):
        compiler = subprocess.Popen(
            [sys.executable, "-m", "fortyfive.flow"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is meant for JupyterLab
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),  # Windows alone has it
        )
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, compiler.pid, 10)


@app.command()
def book(
    serve: Annotated[bool, typer.Option("--serve", help="Serve what was built; build it only if nothing was.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to serve it; 0 is any port.")] = BOOK_PORT,
) -> None:
    """Build the book into _build/html."""
    from fortyfive.authoring import book as book_room

    built = course.root() / "_build"
    if not (serve and (built / "html" / "index.html").is_file()):
        result = book_room.build(course.root(), pyodide_cache=built / "npm")
        if not result.ok:
            raise stop(result.message)
        typer.echo(result.message)
    if serve:
        try:
            book_room.serve(built / "html", port, typer.echo)
        except OSError as error:
            raise stop(
                f"Port {port} could not be used: {error.strerror}. Serve the book on another: forty book --serve "
                f"--port {port + 1}. Code and points that a page has kept stay with the port they were kept on."
            ) from None


@app.command()
def check(
    stem: Annotated[str, typer.Argument(metavar="STEM", help="The exercise: 05_fan_out, or just 05.")],
    file: Annotated[Path, typer.Argument(metavar="FILE.py", help="A file that defines what the exercise asks for.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Grade a plain Python file as the notebook would.

    The exit code is 0 for full marks, 1 for less, 2 for a call that cannot be carried out.
    """
    try:
        exercise = checks.load(checks.find_stem(stem))
    except checks.UnknownExerciseError as error:
        raise stop(str(error)) from None
    submission = Submission(_read(file), filename=file.name)
    started_s = time.monotonic()
    report = course.grade(exercise, submission)
    notes = course.record(Ledger(), report, time.monotonic() - started_s)
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2))
    else:
        # No wrapping of ours: a terminal wraps by itself, and in a pipe a sentence stays one line.
        Console(highlight=False).print(_in_colour(report, exercise.title), soft_wrap=True)
    for note in notes:
        typer.echo(note, err=True)
    if any(item.verdict is not Verdict.PASSED for item in report.results):
        raise typer.Exit(1)


def _in_colour(report: Report, title: str) -> Text:
    text = Text(render.as_text(report, title))
    for sign, words, css in render.SIGNS.values():
        text.highlight_regex(re.compile(rf"^{re.escape(sign)} {words}", re.MULTILINE), COLOURS[css])
    return text


def _read(file: Path) -> str:
    """Return the text of a learner's file; end with a sentence where it is none."""
    if file.suffix.lower() == ".ipynb":
        raise stop(f"{file} is a notebook: run its check(...) cells in JupyterLab, or name a .py file here.")
    return read_text(file, "a Python file", "your answers")


app.command()(run)
app.command()(sweep)


@app.command()
def progress() -> None:
    """Show points, attempts and last attempt for each exercise."""
    ledger = Ledger()
    try:
        rows = course.standings(ledger)
    except LedgerUnavailable as error:
        raise stop(str(error)) from None
    title = f"Your progress: {sum(row.points for row in rows)} of {sum(row.max_points for row in rows)} points"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, collapse_padding=True)
    table.title_style = table.header_style = "none"
    for column in ("exercise", "points", "attempts", "last attempt"):
        table.add_column(column, overflow="fold")  # on a narrow terminal a cell takes two lines, and loses nothing
    for row in rows:
        table.add_row(row.title, f"{row.points} of {row.max_points}", str(row.attempts), row.last_attempt)
    Console(highlight=False).print(table)
    if ledger.notice:
        typer.echo(ledger.notice, err=True)


@app.command()
def doctor() -> None:
    """Say what is wrong with this installation, and how to mend it."""
    findings = doctor_room.examine()
    typer.echo(doctor_room.as_text(findings))
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
