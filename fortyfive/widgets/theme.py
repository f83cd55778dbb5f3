"""One look for every figure: colours that survive colour blindness, and a title that states the finding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

# Okabe and Ito, "Color Universal Design", 2008; each is told apart by a dash or a marker as well.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#767676"

# From the middle to the tail: each at least 3:1 on white and on JupyterLab's dark, and a dash of its own.
_BANDS = ((BLUE, "solid"), (GREEN, "dash"), (RED, "dot"))


def bands(
    figure: go.Figure,
    x: Any,
    values: Any = None,
    *,
    quantiles: Sequence[float] = (0.5, 0.95, 0.99),
    row: int | None = None,
    col: int | None = None,
) -> go.Figure:
    """Add one line for each quantile, named p50, p95, p99, over `x`, the middles of the buckets.

    `values` has the shape (quantiles, buckets), with NaN, a gap, for an empty bucket. Without it a view brings them.
    Raises ValueError for more quantiles than there are ways to draw one.
    """
    if len(quantiles) > len(_BANDS):
        raise ValueError(f"A figure tells {len(_BANDS)} bands apart, and not {len(quantiles)}: leave some out.")
    for number, (quantile, (colour, dash)) in enumerate(zip(quantiles, _BANDS, strict=False)):
        y = None if values is None else values[number]
        line = {"color": colour, "dash": dash, "width": 2.5}
        figure.add_scatter(x=x, y=y, name=f"p{100 * quantile:g}", mode="lines", line=line, row=row, col=col)
    return figure


def style(figure: go.Figure, *, title: str, alt: str, height_px: int) -> go.Figure:
    """Give a figure, once its traces are there, the course's look; `alt` is what it shows, in words.

    The legend lies between title and plot, so that it takes no width from a narrow cell.
    """
    axis = {"gridcolor": "rgba(128,128,128,0.25)", "zeroline": False, "automargin": True}
    legend_px = 26 if sum(trace.showlegend is not False for trace in figure.data) > 1 else 0
    lines = 1 + title.count("<br>")
    figure.update_layout(
        template="none",
        title={
            "text": title,
            "font": {"size": 16},
            **{"x": 0, "xref": "container", "xanchor": "left"},
            **{"y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 12}},
        },
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.01, "yanchor": "bottom"},
        meta={"alt": alt},
        height=height_px,
        margin={"l": 60, "r": 16, "t": 24 + 20 * lines + legend_px, "b": 48},
        font={"size": 13, "family": "system-ui, sans-serif", "color": GREY},
        colorway=[BLUE, ORANGE, GREEN, RED, PURPLE],
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="x unified",
        hoverlabel={"bgcolor": "#222222", "font": {"color": "#ffffff"}},
    )
    figure.update_xaxes(axis)
    figure.update_yaxes(axis)
    return figure
