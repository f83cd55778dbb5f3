"""An explorer: one slider over one plain function, with a figure and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from fortyfive.widgets import PLOTLY_MIME
from fortyfive.widgets.table import Captioned

CONFIG = {"displayModeBar": False, "responsive": True}


class _Fitting(anywidget.AnyWidget):
    """Fits a live explorer into JupyterLab: to the width of its cell, the colours of the theme, and a screen reader.

    A FigureWidget is drawn before it has a place, 700 px wide, and hears of no later change but the window's own. A
    SelectionSlider has no name, and tells a position's number where its value belongs.
    """

    _esm = """
    export default {
      render({ el }) {
        const find = (selector) => el.closest(".ff-explorer")?.querySelector(selector);
        const tell = () => {
          find("[role=slider]").setAttribute("aria-label", find(".widget-label").textContent);
          find("[role=slider]").setAttribute("aria-valuetext", find(".widget-readout").textContent);
        };
        const told = new MutationObserver(tell);
        const fit = () => {
          const plot = find(".js-plotly-plot");
          if (!plot?.layout) return;
          plot.setAttribute("role", "img");
          plot.setAttribute("aria-label", plot.layout.meta.alt);
          tell();
          told.observe(find(".widget-readout"), { childList: true });
          dispatchEvent(new Event("resize"));
        };
        // Whichever comes last: the figure is drawn, or this element, as wide as the figure's place, is shown.
        document.addEventListener("plotlywidget-after-render", fit);
        const place = new ResizeObserver(fit);
        place.observe(el);
        return () => {
          document.removeEventListener("plotlywidget-after-render", fit);
          place.disconnect();
          told.disconnect();
        };
      },
    };
    """
    _css = """
    .ff-explorer .main-svg text { fill: var(--jp-content-font-color1) !important; }
    .ff-explorer .main-svg .hoverlayer text { fill: #fff !important; }
    .ff-explorer table.dataframe { border-collapse: collapse; }
    .ff-explorer table.dataframe :is(th, td) {
      text-align: right; vertical-align: bottom; line-height: 1.3; padding: 0.3em 0 0.3em 1.2em; white-space: normal;
    }
    .ff-explorer table.dataframe tbody tr { border-top: 1px solid var(--jp-border-color1); }
    """


class Explorer:
    """Shows `figure` and `table(position)`, both following a slider over `positions`.

    What the figure shows, in words, is its `layout.meta.alt`, as `theme.style` sets it.
    With a kernel the slider is a live widget. Without one, in the published page, the figure's own slider does the
    same by frames. Both move the figure by `move(position)`, which returns changes of the layout. `value` is where the
    slider stands.
    """

    def __init__(
        self,
        *,
        label: str,
        positions: Sequence[int],
        start: int,
        figure: go.Figure,
        move: Callable[[int], dict[str, Any]],
        table: Callable[[int], pd.DataFrame],
    ) -> None:
        if start not in positions:
            raise ValueError(f"The slider cannot start at {start:,}: it has the positions {list(positions)}.")
        self.label = label
        self.positions = list(positions)
        self.value = start
        self.move = move
        self.table = table
        figure.update_layout(move(start))
        self.figure = figure
        self._widget: Any = None

    def __repr__(self) -> str:
        return f"Explorer: {self.label} = {self.value:,}\n{self.table(self.value).to_string()}"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        live: dict[str, Any] = self.widget()._repr_mimebundle_()
        return {**live, "text/plain": repr(self), PLOTLY_MIME: self._with_frames()}

    def _with_frames(self) -> dict[str, Any]:
        """Return the figure with a slider of its own, as plain JSON data."""
        steps = []
        figure = go.Figure(self.figure).update_layout(self.move(self.value))
        figure.frames = [go.Frame(name=str(value), layout=self.move(value)) for value in self.positions]
        for value in self.positions:
            args = [[str(value)], {"mode": "immediate", "frame": {"duration": 0, "redraw": True}}]
            steps.append({"method": "animate", "label": f"{value:,}", "args": args})
        slider = {
            "active": self.positions.index(self.value),
            "currentvalue": {"prefix": f"{self.label}: "},
            "pad": {"t": 64},
            "steps": steps,
        }
        figure.update_layout(sliders=[slider], height=(self.figure.layout.height or 450) + 120)
        data: dict[str, Any] = figure.to_plotly_json()
        return data | {"config": CONFIG}

    def widget(self) -> Any:
        """Return the live widget: slider, reset button, figure and table, all following one another."""
        if self._widget is not None:
            return self._widget
        start = self.value
        options = [(f"{value:,}", value) for value in self.positions]
        slider = ipywidgets.SelectionSlider(
            options=options,
            value=start,
            description=self.label,
            style={"description_width": "initial"},
            layout={"flex": "1 1 auto", "width": "auto"},
        )
        reset = ipywidgets.Button(description="Reset", tooltip=f"Back to {start:,}", layout={"flex": "0 0 auto"})
        figure = go.FigureWidget(self.figure)
        figure._config = CONFIG
        table = ipywidgets.HTML(self._table_html(start))

        def moved(change: dict[str, Any]) -> None:
            self.value = change["new"]
            with figure.batch_update():
                figure.update_layout(self.move(self.value))
            table.value = self._table_html(self.value)

        slider.observe(moved, names="value")
        reset.on_click(lambda _: slider.set_trait("value", start))
        rows = [ipywidgets.HBox([slider, reset]), figure, table, _Fitting()]
        self._widget = ipywidgets.VBox(rows).add_class("ff-explorer")
        return self._widget

    def _table_html(self, position: int) -> str:
        return Captioned(self.table(position), "The numbers at the mark")._repr_html_()
