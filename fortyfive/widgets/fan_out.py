"""The explorers and tables of topic 05, fan-out."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from fortyfive.flow import fan_out
from fortyfive.flow.delivery import Delivery, Prepared
from fortyfive.flow.fan_out import Cost, FollowerGraph, Sweep, Workload, thresholds
from fortyfive.widgets import theme
from fortyfive.widgets.explorer import Explorer, Slider, View
from fortyfive.widgets.table import with_one_header

COLUMNS = {
    "threshold": "threshold (followers)",
    "pulled_accounts": "accounts pulled",
    "writes_per_s": "writes (1/s)",
    "lookups_per_s": "lookups (1/s)",
    "work_per_s": "work (1/s)",
    "slowest_delivery_s": "slowest delivery (s)",
    "p99_lookups": "p99 lookups a read",
}


def fan_out_table(costs: Iterable[Cost]) -> pd.DataFrame:
    """Return one row a threshold, rounded, with units in the header."""
    rows = [{header: getattr(item, name) for name, header in COLUMNS.items()} for item in costs]
    digits = {"writes (1/s)": 0, "lookups (1/s)": 0, "work (1/s)": 0, "slowest delivery (s)": 2}
    table = pd.DataFrame(rows).round(digits)
    return _by_threshold(table.astype(dict.fromkeys(["writes (1/s)", "lookups (1/s)", "work (1/s)"], "int64")))


def explore_fan_out(
    accounts: FollowerGraph | Sweep,
    workload: Workload,
    *,
    start: int = 10_000,
    slowest_delivery_s: float,
    p99_lookups: int,
) -> Explorer:
    """Return an explorer of the threshold. The last two arguments are promises, drawn as lines.

    Over a sweep, two more sliders change the delivery rate and the share of followers who still come back. Raises
    ValueError where `start` is no position of the slider.
    """
    if isinstance(accounts, Sweep):
        positions = thresholds(int(accounts.thresholds[-1]))
        rates = [round(workload.deliveries_per_s * factor) for factor in (0.1, 0.2, 0.5, 1, 2, 5, 10)]
        more = [
            Slider("deliveries_per_s", "deliveries (1/s)", rates, rates[3]),
            Slider("active_percent", "followers who come back (%)", [10, 20, 35, 50, 75, 100], 100),
        ]
    else:
        positions, more = thresholds(accounts), []

    @functools.lru_cache(maxsize=64)
    def costs(**changes: Any) -> dict[int, Cost]:
        changed = dataclasses.replace(workload, **changes)
        if isinstance(accounts, Sweep):
            every = accounts.costs(changed)
            return {value: every.of(value) for value in positions}
        return {value: fan_out.cost(accounts, changed, value) for value in positions}

    figure, places = _three_curves(positions, slowest_delivery_s, p99_lookups)
    fixed = list(figure.to_plotly_json()["layout"]["shapes"])

    def view(threshold: int, active_percent: float = 100, **changes: float) -> View:
        by_threshold = costs(active_share=workload.active_share * active_percent / 100, **changes)
        curves = ("work_per_s", "slowest_delivery_s", "p99_lookups")
        here = places[threshold]
        mark = {"type": "line", "xref": "x", "yref": "paper", "x0": here, "x1": here, "y0": 0, "y1": 1}
        first, last, now = (by_threshold[value] for value in (positions[0], positions[-1], threshold))
        return View(
            table=fan_out_table([now]),
            data=[{"y": np.array([getattr(cost, name) for cost in by_threshold.values()])} for name in curves],
            layout={"shapes": [*fixed, mark | {"line": {"color": theme.PURPLE, "width": 2}}]},
            alt=(
                "Three curves over the threshold on a logarithmic axis. Total work falls all the way from "
                f"{first.work_per_s:,.0f} per second with everything pulled to {last.work_per_s:,.0f} with everything "
                f"pushed. The slowest delivery rises with the threshold to {last.slowest_delivery_s:,.1f} s, against a "
                f"promise of {slowest_delivery_s:g} s. The lookups of the slowest read in a hundred fall from "
                f"{first.p99_lookups} to {last.p99_lookups}, against a promise of {p99_lookups}. At the mark, "
                f"{threshold:,} followers, work is {now.work_per_s:,.0f} per second, the slowest delivery "
                f"{now.slowest_delivery_s:,.2f} s, and p99 {now.p99_lookups} lookups."
            ),
        )

    return Explorer(figure, [Slider("threshold", "threshold (followers)", positions, start), *more], view)


def _three_curves(
    positions: list[int], slowest_delivery_s: float, p99_lookups: int
) -> tuple[go.Figure, dict[int, float]]:
    """Return the figure, its curves still to come, and where on its axis each position stands."""
    # A logarithmic axis has no 0: pull-everything stands half a decade left of 10.
    places = {value: float(max(value, 3)) for value in positions}
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.09)
    names = (("work", theme.BLUE), ("slowest delivery", theme.ORANGE), ("p99 lookups", theme.GREEN))
    for row, (name, colour) in enumerate(names, start=1):
        line = {"color": colour, "width": 3}
        figure.add_scatter(
            x=list(places.values()), name=name, mode="lines+markers", line=line, row=row, col=1, showlegend=False
        )
    figure.update_traces(cliponaxis=False)
    # Each promise is named on the side of its line where the curve is not.
    promises = (
        (slowest_delivery_s, f"promise: {slowest_delivery_s:g} s", "top left", 2),
        (p99_lookups, f"promise: {p99_lookups} lookups", "bottom left", 3),
    )
    dashed = {"dash": "dash", "color": theme.RED}
    for limit, text, place, row in promises:
        figure.add_hline(y=limit, line=dashed, annotation={"text": text}, annotation_position=place, row=row, col=1)
    # On a phone there is room for five labels, none of them less than half a decade from the last.
    decades = range(2, 10, 2 if positions[-1] >= 10**7 else 1)
    ticks = [value for value in positions if value in (0, *(10**power for power in decades))]
    ticks = [*(value for value in ticks if value < positions[-1] / 3), positions[-1]]
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
        alt="",
        height_px=560,
    )
    return figure, places


def delivery_table(deliveries: Iterable[Delivery]) -> pd.DataFrame:
    """Return one row a threshold: what the queue did to the posts that were pushed."""
    rows = [
        {
            "threshold (followers)": item.threshold,
            "work offered (% of capacity)": round(100 * item.utilisation),
            "p50 (s)": round(item.p50_s, 3),
            "p99 (s)": round(item.p99_s, 2),
            "slowest (s)": round(item.slowest_s, 1),
        }
        for item in deliveries
    ]
    return _by_threshold(pd.DataFrame(rows))


def explore_delivery(prepared: Prepared, *, start: int = 1_000_000, promise_s: float) -> Explorer:
    """Return an explorer of the queue behind the posts: how long until the last follower has one, over time.

    The threshold and the number of workers move; the dice stay the same. Raises ValueError where `start` is no position
    of the slider.
    """
    posts, count = prepared.posts, prepared.workers.count
    largest = int(posts.followers.max())
    positions = [value for value in thresholds(largest) if value >= 10_000]
    counts = sorted({max(1, round(count * factor)) for factor in (0.5, 0.75, 1, 1.5, 2, 4, 10)})
    span_s = posts.span_ns / 1e9

    @functools.lru_cache(maxsize=64)
    def delivered(threshold: int, workers: int) -> Delivery:
        return prepared.deliver(threshold, count=workers)

    buckets = delivered(start, count).bands.shape[1]
    figure = theme.bands(go.Figure(), (np.arange(buckets) + 0.5) * span_s / buckets)
    dashed = {"dash": "dash", "color": theme.GREY}
    figure.add_hline(y=promise_s, line=dashed)
    # An annotation, unlike a line, takes the logarithm where the axis is logarithmic.
    place = {"x": 0, "xref": "x domain", "xanchor": "left", "y": math.log10(promise_s), "yanchor": "bottom"}
    figure.add_annotation(text=f"promise: {promise_s:g} s", showarrow=False, **place)
    figure.update_yaxes(type="log", title="to the last follower (s)", range=[-3.2, 3], dtick=1)
    figure.update_xaxes(title="time of the post (s)", range=[0, span_s])
    theme.style(
        figure, title="A pushed celebrity stands in front of everybody's post", alt="", height_px=420
    ).update_layout(legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"})

    def view(threshold: int, workers: int) -> View:
        result = delivered(threshold, workers)
        overload = " That is more work than the workers can do in this time." if result.overloaded else ""
        return View(
            table=delivery_table([result]),
            data=[{"y": band} for band in result.bands],
            alt=(
                "Three curves over the time of the post, on a logarithmic axis: the time until half, 95 and 99 in a "
                f"hundred of the pushed posts have reached their last follower. With a threshold of {threshold:,} "
                f"followers and {workers:,} workers half of the posts take {result.p50_s:.3f} s or less, one in a "
                f"hundred more than {result.p99_s:.2f} s, the slowest {result.slowest_s:.1f} s; the promise is "
                f"{promise_s:g} s.{overload}"
            ),
        )

    sliders = [
        Slider("threshold", "threshold (followers)", positions, start),
        Slider("workers", "workers", counts, count),
    ]
    return Explorer(figure, sliders, view)


def _by_threshold(table: pd.DataFrame) -> pd.DataFrame:
    return with_one_header(table.set_index("threshold (followers)"))


def _tick(value: int) -> str:
    for size, letter in ((1_000_000, "M"), (1_000, "K")):
        if value >= size:
            return f"{value / size:.0f} {letter}"
    return f"{value}"
