"""What `forty sweep` prints and writes: a summary over the seeds, all rows as JSON, all rows as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from fortyfive.cli.run_report import NONE, table
from fortyfive.flow.designs import milliseconds
from fortyfive.judgement.sweep import Group, Row, Spread, Task, cells, groups

# Wider than any table of ours, to ask how wide one would like to be.
_WIDE = 10_000
# What stands behind a figure, if anything does.
_UNITS = " %ms"


def as_json(rows: Sequence[Row], task: Task, missing: int) -> str:
    """Return the rows as JSON, with how many are missing."""
    plain = {"prompt": task.prompt, "missing": missing, "rows": [cells(row, task) for row in rows]}
    return json.dumps(plain, indent=2, allow_nan=False)


def as_csv(rows: Sequence[Row], task: Task) -> str:
    """Return the rows as CSV with a line of names; what has no value is an empty cell."""
    lines = [cells(row, task) for row in rows]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(lines[0] if lines else [])
    writer.writerows(line.values() for line in lines)
    return out.getvalue()


def show(rows: Sequence[Row], task: Task, console: Console | None = None) -> None:
    """Print the median over the seeds and from where to where they reach: a table where it fits, else paragraphs."""
    console = console or Console(highlight=False)
    found = groups(rows, task)
    made = table(
        *((each.name, "left") for each in task.settings),
        ("load", "right"),
        ("tightest p99", "left"),
        ("in time/s", "right"),
        ("lost", "right"),
        ("USD a month", "right"),
        ("full first", "left"),
        ("meets", "right"),
    )
    for group in found:
        made.add_row(*map(Text, (*group.values, f"{group.times:g}×", *_figures(group, "\n"))))
    if console.measure(made, options=console.options.update_width(_WIDE)).maximum <= console.width:
        console.print(made)
    else:
        for line in _paragraphs(found, task):
            console.print(line, markup=False, soft_wrap=True)
    for problem in dict.fromkeys(group.problem for group in found if group.problem):
        of = [group for group in found if group.problem == problem]
        more = f" and {len(of) - 1:,} more" if len(of) > 1 else ""
        console.print(f"\n{_named(of[0], task)}{more}: {problem}", markup=False, soft_wrap=True)
    if any(group.ran > 1 for group in found):
        console.print("\nEach figure is the median over the seeds, with the least and the greatest.", soft_wrap=True)


def _figures(group: Group, between: str) -> tuple[str, ...]:
    """Return the cells of a group, with this between a median and from where to where the values reach."""
    if not group.ran:
        return (NONE, NONE, NONE, NONE, NONE, "did not run")
    name = " ".join(group.tight) if group.tight else ""
    return (
        f"{name}{between}{_spread(group.tight_p99_s, milliseconds, between)}".strip(),
        _spread(group.goodput_per_s, lambda value: f"{value:,.0f}", between),
        _spread(group.lost, lambda value: f"{value:.2%}", between),
        _spread(group.usd_a_month, lambda value: f"{value:,.0f}", between),
        ", ".join(name or "nothing" for name, _ in group.first),
        f"{group.meets} of {group.ran}",
    )


def _spread(spread: Spread | None, shown: Callable[[float], str], between: str) -> str:
    if spread is None:
        return NONE
    median, low, high = map(shown, (spread.median, spread.low, spread.high))
    if low == high:
        return median
    unit = high[len(high.rstrip(_UNITS)) :]
    return f"{median}{between}({low.removesuffix(unit)}–{high})"


def _paragraphs(found: Sequence[Group], task: Task) -> Iterator[str]:
    for group in found:
        tight, good, lost, usd, first, meets = _figures(group, " ")
        yield f"{_named(group, task)}: {meets}{' meet the promises' if group.ran else ''}"
        if group.ran:
            yield f"  p99 of {tight}; {good} in time/s; {lost} lost"
            yield f"  USD {usd} a month; full first: {first}"


def _named(group: Group, task: Task) -> str:
    settings = [f"{each.name}={value}" for each, value in zip(task.settings, group.values, strict=True)]
    return ", ".join([*settings, f"{group.times:g}× the load"])
