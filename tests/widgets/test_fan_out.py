"""The fan-out explorer: the engine's numbers as curves, its promises as lines, its mark where the slider stands."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fortyfive.flow.delivery import Workers, deliver, posts, prepare, with_celebrity
from fortyfive.flow.fan_out import Cost, cost, exercise_workload, follower_graph, sweep, thresholds
from fortyfive.widgets import PLOTLY_MIME, WIDGET_MIME
from fortyfive.widgets.fan_out import delivery_table, explore_delivery, explore_fan_out, fan_out_table


@pytest.fixture(scope="module")
def graph():
    return follower_graph(accounts=2_000)


@pytest.fixture
def explorer(graph):
    return explore_fan_out(graph, exercise_workload(), start=100, slowest_delivery_s=10, p99_lookups=8)


def mark(layout):
    """Where the vertical line of a layout stands."""
    shapes = json.loads(json.dumps(layout))["shapes"]
    (place,) = {shape["x0"] for shape in shapes if shape.get("yref") == "paper"}
    return place


def test_a_notebook_gets_the_live_widget_and_a_page_the_figure_with_a_frame_for_each_position(explorer, graph):
    bundle = explorer._repr_mimebundle_()
    assert {WIDGET_MIME, PLOTLY_MIME, "text/plain"} <= set(bundle)
    figure = bundle[PLOTLY_MIME]
    assert [frame["name"] for frame in figure["frames"]] == [str(value) for value in thresholds(graph)]
    (slider,) = figure["layout"]["sliders"]
    assert [step["args"][0] for step in slider["steps"]] == [[frame["name"]] for frame in figure["frames"]]
    assert slider["active"] == thresholds(graph).index(100)
    places = [mark(frame["layout"]) for frame in figure["frames"]]
    assert places == sorted(set(places)), "each frame puts the mark further to the right"


def test_the_figure_is_described_in_words_with_its_numbers_and_promises(explorer, graph):
    alt = explorer._repr_mimebundle_()[PLOTLY_MIME]["layout"]["meta"]["alt"]
    assert f"{cost(graph, exercise_workload(), 0).work_per_s:,.0f} per second with everything pulled" in alt
    assert "promise of 10 s" in alt
    assert "promise of 8." in alt


def test_the_promises_are_dashed_lines_that_say_their_number(explorer):
    layout = explorer.figure.to_plotly_json()["layout"]
    dashed = [shape["y0"] for shape in layout["shapes"] if shape["line"].get("dash") == "dash"]
    assert dashed == [10, 8]
    words = [note["text"] for note in layout["annotations"]]
    assert {"promise: 10 s", "promise: 8 lookups"} <= set(words)


def test_the_axes_are_shared_logarithmic_in_followers_and_start_at_zero_otherwise(explorer, graph):
    layout = explorer.figure.layout
    assert layout.xaxis.type == layout.xaxis2.type == layout.xaxis3.type == "log"
    assert layout.xaxis.matches == layout.xaxis2.matches == "x3"
    assert layout.xaxis3.title.text == "threshold (followers)"
    assert layout.xaxis3.ticktext[:2] == ("0", "100")
    for axis, title in (("yaxis", "work (1/s)"), ("yaxis2", "slowest (s)"), ("yaxis3", "p99 lookups")):
        assert (layout[axis].title.text, layout[axis].rangemode) == (title, "tozero")
    for series in explorer.figure.data:
        assert len(series.x) == len(series.y) == len(thresholds(graph))


def test_the_slider_moves_the_mark_and_the_table(explorer, graph):
    controls, figure = explorer.widget().children
    controls.at = [thresholds(graph).index(50)]
    assert mark(figure.layout.to_plotly_json()) == 50
    assert "<th>50</th>" in controls.answer["table"]
    assert len(figure.layout.shapes) == len(explorer.figure.layout.shapes), "the promises stay, and one mark"


def test_a_start_that_is_no_position_is_refused_with_the_positions(graph):
    with pytest.raises(ValueError, match=r"cannot be 7: the slider has the positions 0, 10, 20"):
        explore_fan_out(graph, exercise_workload(), start=7, slowest_delivery_s=10, p99_lookups=8)


def test_two_explorers_of_the_same_graph_publish_the_same_bytes(graph):
    def published():
        made = explore_fan_out(graph, exercise_workload(), start=100, slowest_delivery_s=10, p99_lookups=8)
        bundle = made._repr_mimebundle_()
        return repr(made), json.dumps(bundle[PLOTLY_MIME])

    assert published() == published()


def test_the_figure_and_the_table_of_a_position_are_the_engine_s_numbers(explorer, graph):
    at_100 = thresholds(graph).index(100)
    expected = cost(graph, exercise_workload(), 100)
    work, slowest, lookups = (series.y[at_100] for series in explorer.figure.data)
    assert (work, slowest, lookups) == (expected.work_per_s, expected.slowest_delivery_s, expected.p99_lookups)
    pd.testing.assert_frame_equal(explorer.at(threshold=100).table, fan_out_table([expected]))


def test_the_fan_out_table_is_rounded_with_units_in_one_line_of_headers():
    table = fan_out_table([Cost(0, 7, 0.4, 12.6, 0.0, 3, 1.0, 1.0), Cost(50, 6, 1.5, 2.5, 0.126, 2, 1.0, 1.0)])
    assert table.to_dict("list") == {
        "accounts pulled": [7, 6],
        "writes (1/s)": [0, 2],
        "lookups (1/s)": [13, 2],
        "work (1/s)": [13, 4],
        "slowest delivery (s)": [0.0, 0.13],
        "p99 lookups a read": [3, 2],
    }
    assert list(table.index) == [0, 50]
    first, *rest = table.to_string().splitlines()
    assert first.split("  ")[0] == "threshold (followers)"
    assert len(rest) == 2


def test_over_a_sweep_the_other_sliders_change_the_workload_and_the_curves_with_it(graph):
    swept = sweep(graph.followers)
    explorer = explore_fan_out(swept, exercise_workload(), start=100, slowest_delivery_s=10, p99_lookups=8)
    assert list(explorer.sliders) == ["threshold", "deliveries_per_s", "active_percent"]
    view = explorer.at(threshold=1_000, deliveries_per_s=250, active_percent=50)
    changed = replace(exercise_workload(), deliveries_per_s=250, active_share=0.5)
    pd.testing.assert_frame_equal(view.table, fan_out_table([swept.cost(changed, 1_000)]))
    expected = [swept.cost(changed, value).slowest_delivery_s for value in explorer.sliders["threshold"].positions]
    assert view.data[1]["y"].tolist() == expected
    assert max(expected) > 0


@pytest.fixture(scope="module")
def queue(graph):
    stretch = with_celebrity(posts(graph.followers, posts_per_s=10, span_s=60), at_s=20, followers=50_000)
    return prepare(stretch, Workers(count=4, copies_per_s=500))


def test_the_delivery_explorer_shows_what_the_queue_did(queue):
    explorer = explore_delivery(queue, start=20_000, promise_s=5)
    assert explorer.values == {"threshold": 20_000, "workers": 4}
    view = explorer.at(threshold=50_000, workers=8)
    expected = deliver(queue.posts, replace(queue.workers, count=8), 50_000)
    for shown, band in zip(view.data, expected.bands, strict=True):
        assert np.array_equal(shown["y"], band, equal_nan=True)
    pd.testing.assert_frame_equal(view.table, delivery_table([expected]))
    assert f"the slowest {expected.slowest_s:.1f} s" in view.alt


def test_the_promise_is_written_where_its_line_is(queue):
    layout = explore_delivery(queue, start=20_000, promise_s=5).figure.layout
    assert 10 ** layout.annotations[0].y == pytest.approx(layout.shapes[0].y0) == pytest.approx(5)


def test_the_delivery_explorer_says_when_there_is_more_work_than_the_workers_can_do(queue):
    explorer = explore_delivery(queue, start=20_000, promise_s=5)
    assert "more work than the workers can do" in explorer.at(threshold=50_000, workers=2).alt
    assert "more work" not in explorer.at(threshold=10_000, workers=40).alt
