"""The fan-out explorer of lesson and exercise 05."""

from __future__ import annotations

from typing import Any

import pandas as pd
from plotly.subplots import make_subplots

from fortyfive.flow.fan_out import Cost, FollowerGraph, Workload, cost, thresholds
from fortyfive.widgets import theme
from fortyfive.widgets.explorer import Explorer

COLUMNS = {
    "threshold": "threshold (followers)",
    "pulled_accounts": "accounts pulled",
    "writes_per_s": "writes (1/s)",
    "lookups_per_s": "lookups (1/s)",
    "work_per_s": "work (1/s)",
    "slowest_delivery_s": "slowest delivery (s)",
    "p99_lookups": "p99 lookups a read",
}


def fan_out_table(costs: list[Cost]) -> pd.DataFrame:
    """Return one row a threshold, rounded, with units in the header."""
    rows = [{header: getattr(item, name) for name, header in COLUMNS.items()} for item in costs]
    digits = {"writes (1/s)": 0, "lookups (1/s)": 0, "work (1/s)": 0, "slowest delivery (s)": 2}
    table = pd.DataFrame(rows).round(digits).set_index("threshold (followers)")
    whole = ["writes (1/s)", "lookups (1/s)", "work (1/s)"]
    # As the name of the columns, the index's header shares their line instead of taking one of its own.
    return table.astype(dict.fromkeys(whole, "int64")).rename_axis(index=None, columns=table.index.name)


def explore_fan_out(
    graph: FollowerGraph, workload: Workload, *, start: int = 10_000, slowest_delivery_s: float, p99_lookups: int
) -> Explorer:
    """Return an explorer of the threshold. The last two arguments are promises, drawn as lines.

    Raises ValueError where `start` is no position of the slider.
    """
    positions = thresholds(graph)
    costs = {value: cost(graph, workload, value) for value in positions}
    # A logarithmic axis has no 0: pull-everything stands half a decade left of 10.
    places = {value: max(value, 3) for value in positions}
    x = list(places.values())

    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.09)
    series = (
        ("work", [round(costs[value].work_per_s) for value in positions], theme.BLUE, 1),
        ("slowest delivery", [round(costs[value].slowest_delivery_s, 3) for value in positions], theme.ORANGE, 2),
        ("p99 lookups", [costs[value].p99_lookups for value in positions], theme.GREEN, 3),
    )
    for name, y, colour, row in series:
        line = {"color": colour, "width": 3}
        figure.add_scatter(x=x, y=y, name=name, mode="lines+markers", line=line, row=row, col=1, showlegend=False)
    figure.update_traces(cliponaxis=False)
    # Each promise is named on the side of its line where the curve is not.
    promises = (
        (slowest_delivery_s, f"promise: {slowest_delivery_s:g} s", "top left", 2),
        (p99_lookups, f"promise: {p99_lookups} lookups", "bottom left", 3),
    )
    dashed = {"dash": "dash", "color": theme.RED}
    for limit, text, place, row in promises:
        figure.add_hline(y=limit, line=dashed, annotation={"text": text}, annotation_position=place, row=row, col=1)
    ticks = [value for value in positions if value in (0, 10, 100, 1_000, 10_000, positions[-1])]
    figure.update_xaxes(
        type="log", tickvals=[places[value] for value in ticks], ticktext=[_tick(value) for value in ticks], tickangle=0
    )
    figure.update_xaxes(title="threshold (followers)", row=3, col=1)
    figure.update_yaxes(tickformat=",", row=1, col=1)
    for row, text in ((1, "work (1/s)"), (2, "slowest (s)"), (3, "p99 lookups")):
        figure.update_yaxes(title=text, rangemode="tozero", row=row, col=1)
    theme.style(
        figure,
        title="Total work falls as you push more;<br>latency and the read set the threshold",
        alt=(
            "Three curves over the threshold on a logarithmic axis. Total work falls all the way from "
            f"{costs[positions[0]].work_per_s:,.0f} per second with everything pulled to "
            f"{costs[positions[-1]].work_per_s:,.0f} with everything pushed. The slowest delivery rises with the "
            f"threshold to {costs[positions[-1]].slowest_delivery_s:.1f} s, against a promise of "
            f"{slowest_delivery_s:g} s. The lookups of the slowest read in a hundred fall from "
            f"{costs[positions[0]].p99_lookups} to {costs[positions[-1]].p99_lookups}, against a promise of "
            f"{p99_lookups}."
        ),
        height_px=560,
    )
    fixed = list(figure.to_plotly_json()["layout"]["shapes"])

    def move(position: int) -> dict[str, Any]:
        here = places[position]
        mark = {"type": "line", "xref": "x", "yref": "paper", "x0": here, "x1": here, "y0": 0, "y1": 1}
        return {"shapes": [*fixed, mark | {"line": {"color": theme.PURPLE, "width": 2}}]}

    def table(position: int) -> pd.DataFrame:
        return fan_out_table([costs[position]])

    return Explorer(
        label="threshold (followers)", positions=positions, start=start, figure=figure, move=move, table=table
    )


def _tick(value: int) -> str:
    if value == 0:
        return "0 (pull)"
    return f"{value / 1000:.0f} K" if value >= 1000 else f"{value}"
