"""Widgets: thin shells around plain functions; the only room that imports ipywidgets, anywidget or plotly."""

from fortyfive.startup import skip_address_grammars

# What Jupyter calls a plotly figure, and the view of a live widget.
PLOTLY_MIME = "application/vnd.plotly.v1+json"
WIDGET_MIME = "application/vnd.jupyter.widget-view+json"

# What plotly's own slider takes at the foot of a stored figure. A published page has a slider of its own beside it.
SLIDER_HEIGHT_PX = 120

skip_address_grammars()
