"""A saved notebook keeps the figure that stands beside a live widget, and drops the widget's view."""

from fortyfive.cli.lab_extension import PLOTLY_MIME, WIDGET_MIME, without_live_views


def notebook_with(*outputs):
    return {"type": "notebook", "content": {"cells": [{"cell_type": "markdown"}, {"outputs": list(outputs)}]}}


def test_the_view_goes_where_a_figure_stands_beside_it():
    model = notebook_with({"data": {WIDGET_MIME: {"model_id": "1"}, PLOTLY_MIME: {}, "text/plain": "x"}})
    without_live_views(model=model, path="a.ipynb", contents_manager=None)
    assert model == notebook_with({"data": {PLOTLY_MIME: {}, "text/plain": "x"}})


def test_everything_else_is_left_alone():
    model = notebook_with({"data": {WIDGET_MIME: {"model_id": "1"}}}, {"output_type": "stream", "text": "x"})
    without_live_views(model=model)
    assert model == notebook_with({"data": {WIDGET_MIME: {"model_id": "1"}}}, {"output_type": "stream", "text": "x"})
    for other in ({"type": "file", "content": "text"}, {"type": "notebook", "content": None}):
        without_live_views(model=other)
