"""Widgets: thin shells around plain functions; the only room that imports ipywidgets, anywidget or plotly."""

# What Jupyter calls a plotly figure, and the view of a live widget.
PLOTLY_MIME = "application/vnd.plotly.v1+json"
WIDGET_MIME = "application/vnd.jupyter.widget-view+json"
