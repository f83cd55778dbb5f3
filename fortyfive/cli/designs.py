"""The commands that run a drawn design: `forty run` once, with its judgement, and `forty sweep` for many settings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fortyfive.cli.texts import read_text, stop
from fortyfive.scenario.prompts import PROMPTS, find_prompt

if TYPE_CHECKING:  # numpy and the engine are loaded by the commands that need them
    from fortyfive.design.text import Reading
    from fortyfive.scenario.prompts import Prompt

INTERRUPTED = 130
File = Annotated[
    Path,
    typer.Argument(metavar="DESIGN.txt", help="A file with a design in its text form; - reads it from standard input."),
]
PromptName = Annotated[str, typer.Option("--prompt", metavar="NAME", help=f"What is asked: {', '.join(PROMPTS)}.")]


def run(
    file: File,
    prompt: PromptName,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    times: Annotated[float, typer.Option(metavar="FACTOR", help="So many times the prompt's load.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="The seed of the run's dice.")] = 45,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the drawing, coloured by the run.")] = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print the drawing for Mermaid instead.")] = False,
) -> None:
    """Run a design under a prompt's load and judge it.

    The exit code is 0 where it does what was asked, 1 where it does not, 2 for a design that cannot be run.
    """
    from fortyfive.cli import run_report
    from fortyfive.flow.designs import DesignCannotRunError
    from fortyfive.judgement import report
    from fortyfive.judgement.judge import judge
    from fortyfive.judgement.sweep import require_times

    if as_json and mermaid:
        raise stop("--json and --mermaid both print to standard output: choose one.")
    asked = _prompt(prompt)
    reading = _reading(file)
    try:
        require_times(times)
    except ValueError as error:
        raise stop(str(error)) from None
    try:
        judged = judge(reading.design, replace(asked, load=asked.load.times(times)), seed=seed)
    except (ValueError, DesignCannotRunError) as error:
        raise stop(f"{error}{' Or choose a smaller --times.' if times > 1 else ''}") from None
    if svg:
        _write(svg, run_report.drawing(judged.trace))
    if mermaid:
        typer.echo(run_report.mermaid(reading.design))
    elif as_json:
        typer.echo(json.dumps({"times": times, **report.as_plain(judged)}, indent=2, allow_nan=False))
    else:
        run_report.show(judged, times)
    if not judged.meets:
        raise typer.Exit(1)


def sweep(
    file: File,
    prompt: PromptName,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUES", help="What to vary: notify.x=2,4,8, a->b.retry=0,2, c.coalesce=on,off."
        ),
    ] = None,
    times: Annotated[str, typer.Option(metavar="FACTORS", help="Multiples of the prompt's load: 1,2,5.")] = "1",
    seeds: Annotated[int, typer.Option(min=1, help="How often each combination is run, with dice of its own.")] = 1,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Run on a dask.distributed cluster: tcp://host:8786.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print all rows as JSON.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write all rows to a CSV file.")] = None,
) -> None:
    """Run a design for all combinations of settings, loads and seeds.

    Ctrl-C keeps the rows that are finished. The exit code is 0 where all runs are, 130 after Ctrl-C, 2 for a sweep that
    cannot be carried out.
    """
    from fortyfive.cli import farm, sweep_report
    from fortyfive.judgement import sweep as plain

    if as_json and csv:
        raise stop("--json prints the rows and --csv writes them: choose one.")
    _prompt(prompt)
    reading = _reading(file)
    try:
        task = plain.Task(reading.source, prompt, tuple(plain.setting(each) for each in settings or ()))
        points = plain.points(task, _factors(times), seeds)
    except ValueError as error:
        raise stop(str(error)) from None
    if csv:
        _require_writable(csv)  # before hours of runs, not after them
    try:
        outcome = farm.run_all(points, task, scheduler)
    except farm.NoClusterError as error:
        raise stop(str(error)) from None
    if as_json:
        typer.echo(sweep_report.as_json(outcome.rows, task, outcome.missing))
    else:
        if csv:
            _write(csv, sweep_report.as_csv(outcome.rows, task))
        sweep_report.show(outcome.rows, task)
    if outcome.missing:
        typer.echo(
            f"{outcome.reason} {len(outcome.rows):,} of {len(points):,} runs are finished and kept; "
            f"{outcome.missing:,} are missing.",
            err=True,
        )
        raise typer.Exit(INTERRUPTED if outcome.interrupted else 2)


def _prompt(name: str) -> Prompt:
    try:
        return find_prompt(name)
    except LookupError as error:
        raise stop(str(error)) from None


def _reading(file: Path) -> Reading:
    """Return a design that can be run; say what is wrong with it, all of it, and end where it cannot."""
    from fortyfive.design.text import read

    reading = read(read_text(file, "a text file", "the design"))
    for problem in reading.problems:
        typer.echo(f"{'' if problem.fatal else 'Note. '}{problem}", err=True)
    if not reading.ok:
        raise typer.Exit(2)
    return reading


def _factors(text: str) -> list[float]:
    try:
        return list(dict.fromkeys(float(each) for each in text.split(",")))
    except ValueError:
        raise ValueError(f"'{text}' in --times is no list of numbers: write --times 1,2,5.") from None


def _require_writable(file: Path) -> None:
    try:
        with file.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise stop(f"{file} could not be written: {error.strerror}. Name another file.") from None


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise stop(f"{file} could not be written: {error.strerror}. Name another file.") from None
