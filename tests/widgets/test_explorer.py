"""An explorer without a browser: what it publishes, what its slider moves, and the same twice."""

import json

import pandas as pd
import plotly.graph_objects as go
import pytest

from fortyfive.flow.fan_out import Cost, cost, exercise_workload, follower_graph, thresholds
from fortyfive.widgets import PLOTLY_MIME, WIDGET_MIME, theme
from fortyfive.widgets.explorer import Explorer
from fortyfive.widgets.fan_out import explore_fan_out, fan_out_table


@pytest.fixture(scope="module")
def graph():
    return follower_graph(accounts=2_000)


@pytest.fixture
def explorer(graph):
    return explore_fan_out(graph, exercise_workload(), start=100, slowest_delivery_s=10, p99_lookups=8)


def parts(explorer):
    """The slider, the reset button, the figure and the table of the live widget."""
    bar, figure, table, _ = explorer.widget().children
    return *bar.children, figure, table


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
    assert layout.xaxis3.ticktext[:3] == ("0 (pull)", "10", "100")
    for axis, title in (("yaxis", "work (1/s)"), ("yaxis2", "slowest (s)"), ("yaxis3", "p99 lookups")):
        assert (layout[axis].title.text, layout[axis].rangemode) == (title, "tozero")
    for series in explorer.figure.data:
        assert len(series.x) == len(series.y) == len(thresholds(graph))


def test_the_slider_moves_the_figure_and_the_table(explorer):
    slider, _, figure, table = parts(explorer)
    before = mark(figure.layout.to_plotly_json()), table.value
    slider.value = 50
    assert explorer.value == 50
    assert mark(figure.layout.to_plotly_json()) == 50 != before[0]
    assert "<th>50</th>" in table.value
    assert table.value != before[1]
    assert len(figure.layout.shapes) == len(explorer.figure.layout.shapes), "the promises stay, and one mark"


def test_reset_goes_back_to_the_start(explorer):
    slider, reset, figure, table = parts(explorer)
    before = table.value
    slider.value = 0
    reset.click()
    assert (explorer.value, slider.value) == (100, 100)
    assert mark(figure.layout.to_plotly_json()) == 100
    assert table.value == before


def test_what_is_published_after_a_move_stands_where_the_slider_stands(explorer):
    parts(explorer)[0].value = 20
    figure = explorer._repr_mimebundle_()[PLOTLY_MIME]
    assert mark(figure["layout"]) == 20
    assert figure["frames"][figure["layout"]["sliders"][0]["active"]]["name"] == "20"
    assert repr(explorer).startswith("Explorer: threshold (followers) = 20\n")


def test_a_start_that_is_no_position_is_refused_with_the_positions(graph):
    with pytest.raises(ValueError, match=r"cannot start at 7: it has the positions \[0, 10, 20"):
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
    assert (work, slowest, lookups) == (
        round(expected.work_per_s),
        round(expected.slowest_delivery_s, 3),
        expected.p99_lookups,
    )
    pd.testing.assert_frame_equal(explorer.table(100), fan_out_table([expected]))


def test_the_live_table_groups_thousands_and_keeps_decimals():
    big = Cost(20_000, 1_234, 5_678.4, 9_000_000.6, 1.239, 41)
    made = Explorer(
        label="n",
        positions=[20_000],
        start=20_000,
        figure=theme.style(go.Figure(), title="t", alt="a", height_px=300),
        move=lambda _: {},
        table=lambda _: fan_out_table([big]),
    )
    html = parts(made)[-1].value
    for cell in ("<th>20,000</th>", "<td>1,234</td>", "<td>5,678</td>", "<td>9,000,001</td>", "<td>1.24</td>"):
        assert cell in html


def test_the_fan_out_table_is_rounded_with_units_in_one_line_of_headers():
    table = fan_out_table([Cost(0, 7, 0.4, 12.6, 0.0, 3), Cost(50, 6, 1.5, 2.5, 0.126, 2)])
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
