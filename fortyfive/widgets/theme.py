"""One look for every figure: colours that survive colour blindness, and a title that states the finding."""

from __future__ import annotations

import plotly.graph_objects as go

# Okabe and Ito, "Color Universal Design", 2008; each is told apart by a dash or a marker as well.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#767676"


def style(figure: go.Figure, *, title: str, alt: str, height_px: int) -> go.Figure:
    """Give a figure the course's look. `alt` is what it shows, in words, for those who do not see it."""
    axis = {"gridcolor": "rgba(128,128,128,0.25)", "zeroline": False, "automargin": True}
    figure.update_layout(
        template="none",
        title={"text": title, "x": 0, "xanchor": "left", "xref": "paper", "font": {"size": 16}},
        meta={"alt": alt},
        height=height_px,
        margin={"l": 60, "r": 16, "t": 64, "b": 48},
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
