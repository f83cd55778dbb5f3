"""Bars of plain characters: a chart of a few lines over time, and how full something is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

# Eighths of a cell. Where a terminal's encoding lacks them, `cli.PLAIN_SIGNS` says what stands for each.
EIGHTHS = " ▁▂▃▄▅▆▇█"


def columns(values: Sequence[float], width: int, merge: Callable[[Sequence[float]], float]) -> list[float]:
    """Return the values in `width` columns at most, each merged from the values that fall into it."""
    count = min(width, len(values))
    edges = [number * len(values) // count for number in range(count + 1)] if count else []
    return [merge(values[low:high]) for low, high in itertools.pairwise(edges)]


def bars(values: Sequence[float], height: int) -> list[str]:
    """Return lines, from the top, with a bar for each value; the greatest fills the height, and a small one shows."""
    top = max(values, default=0.0)
    eighths = [0 if value <= 0 else max(1, round(8 * height * value / top)) for value in values]
    return ["".join(EIGHTHS[min(max(each - 8 * row, 0), 8)] for each in eighths) for row in range(height - 1, -1, -1)]


def gauge(share: float, width: int) -> str:
    """Return a bar that is full at a share of 1, with dots for what is left."""
    filled = min(round(share * width), width)
    return "█" * filled + "·" * (width - filled)
