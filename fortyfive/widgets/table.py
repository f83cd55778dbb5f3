"""A pandas table with a caption, as lessons show their results."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd


class Captioned:
    """Shows a table under its caption, with thousands separated; the numbers are rounded by whoever made them."""

    def __init__(self, table: pd.DataFrame, caption: str) -> None:
        self.table = table
        self.caption = caption

    def _written(self) -> pd.DataFrame:
        written = self.table.apply(_write_column)
        written.index = _write_column(written.index)
        if written.index.name and not written.columns.name:
            written = with_one_header(written)
        return written

    def __repr__(self) -> str:
        return f"{self.caption}\n{self._written().to_string()}"

    def _repr_html_(self) -> str:
        # pandas writes no caption without a Styler, whose ids differ from run to run.
        html = str(self._written().to_html(border=0))
        start = html.index(">") + 1
        return f"{html[:start]}<caption>{escape(self.caption)}</caption>{html[start:]}"


def with_one_header(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its index's name as that of the columns: it shares their line instead of taking another."""
    return table.rename_axis(index=None, columns=table.index.name)


def _write_column(column: Any) -> Any:
    """Return a column, or an index, as texts: whole numbers, and as many decimals as the longest number has."""
    decimals = max((len(repr(value).partition(".")[2]) for value in column if isinstance(value, float)), default=0)

    def write(value: Any) -> str:
        if isinstance(value, str):
            return value
        return f"{value:,.{decimals}f}" if isinstance(value, float) else f"{value:,}"

    return column.map(write)
