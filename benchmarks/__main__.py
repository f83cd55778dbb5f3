"""Run every benchmark, print a table, write benchmarks/results.json."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import browser, designs, events, fan_out, grading, house, in_page, queue, sim
from benchmarks.row import AtLeast, Row

RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    """Measure; a row whose target is missed is marked, and does not end the run."""
    rooms = (grading, house, fan_out, queue, events, designs, in_page, sim, browser)
    rows: list[Row] = [row for room in rooms for row in room.rows()]
    table = Table("name", "value", "unit", "ratio", "against", "target")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        bound = ">=" if isinstance(row, AtLeast) else "<="
        target = f"{'' if row.met else 'missed: '}{bound} {row.target:,g}"
        table.add_row(row.name, f"{row.value:,.1f}", row.unit, ratio, row.against, target)
    Console().print(table)
    RESULTS.write_text(json.dumps([row.to_json() for row in rows], indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
