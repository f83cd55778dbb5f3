"""The look of every figure: told apart without colour, seen on white and on dark, room for title and legend."""

import numpy as np
import plotly.graph_objects as go
import pytest

from fortyfive.widgets import theme

X = np.arange(3.0)
WHITE, DARK = "#FFFFFF", "#111111"  # what lies behind a cell's output in JupyterLab


def contrast(a, b):
    """The ratio of WCAG 2 between two colours."""

    def light(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    high, low = sorted((light(a), light(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_bands_are_told_apart_without_colour_and_seen_on_white_and_on_dark():
    lines = [trace.line for trace in theme.bands(go.Figure(), X).data]
    assert len({line.dash for line in lines}) == len({line.color for line in lines}) == 3
    for line in lines:
        assert min(contrast(line.color, WHITE), contrast(line.color, DARK)) >= 3


def test_bands_are_named_after_their_quantiles_and_hold_their_values():
    values = np.array([[1.0, 2.0, np.nan], [3.0, 4.0, 5.0]])
    figure = theme.bands(go.Figure(), X, values, quantiles=(0.5, 0.999))
    assert [trace.name for trace in figure.data] == ["p50", "p99.9"]
    np.testing.assert_array_equal(figure.data[1].y, values[1])
    assert [trace.y for trace in theme.bands(go.Figure(), X).data] == [None] * 3


def test_more_bands_than_dashes_are_refused():
    with pytest.raises(ValueError, match="tells 3 bands apart, and not 4"):
        theme.bands(go.Figure(), X, quantiles=(0.1, 0.5, 0.9, 0.99))


def test_text_is_readable_on_white():
    assert contrast(theme.GREY, WHITE) >= 4.5


def test_the_margin_holds_the_lines_of_the_title_and_a_legend_where_there_is_one():
    one = theme.style(go.Figure().add_scatter(y=[1]), title="t", alt="a", height_px=300).layout.margin.t
    two = theme.style(go.Figure().add_scatter(y=[1]), title="t<br>u", alt="a", height_px=300).layout.margin.t
    legend = theme.style(theme.bands(go.Figure(), X), title="t", alt="a", height_px=300).layout.margin.t
    assert one < two < legend + 20
    assert legend > one
