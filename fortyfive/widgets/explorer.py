"""An explorer: sliders over one plain function, with a figure and the same numbers as a table."""

from __future__ import annotations

import base64
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import traitlets

from fortyfive.flow import compiled
from fortyfive.widgets import PLOTLY_MIME, SLIDER_HEIGHT_PX
from fortyfive.widgets.table import Captioned

CONFIG = {"displayModeBar": False, "responsive": True}
COMPILING = "Compiling the engine, once per installation; the first move may take a few seconds."
READY = "The engine is ready."

Number = int | float


def written(value: Number) -> str:
    """Write a number as people read it: 5,000 or 0.25."""
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,}"


@dataclass(frozen=True)
class Slider:
    """One argument of a view: its keyword, what people read, with its unit, and the numbers it can have, rising.

    Raises ValueError for positions or a start that no slider can have.
    """

    name: str
    label: str
    positions: Sequence[Number]
    start: Number
    write: Callable[[Number], str] = written

    def __post_init__(self) -> None:
        if not self.positions:
            raise ValueError(f"The slider {self.name!r} has no positions. Give it at least one number.")
        finite = all(_is_number(value) and math.isfinite(value) for value in self.positions)
        if not finite or any(a >= b for a, b in zip(self.positions, self.positions[1:], strict=False)):
            raise ValueError(f"The positions of the slider {self.name!r} must be finite numbers that rise.")
        self.index(self.start)

    def index(self, value: Number) -> int:
        """Return which position `value` is. Raises ValueError, with the positions, where it is none."""
        if not _is_number(value) or value not in self.positions:
            known = [self.write(position) for position in self.positions]
            if len(known) > 20:
                known = [*known[:3], "...", *known[-2:]]
            said = value if isinstance(value, str) else f"{value!r}"
            raise ValueError(f"{self.label} cannot be {said}: the slider has the positions {', '.join(known)}.")
        return self.positions.index(value)


@dataclass(frozen=True)
class View:
    """What a figure shows at one position of the sliders.

    `data` holds what changes of each trace, in the order of the traces: `{"y": array}`, or `{}`. `layout` is what
    changes of the layout. Both have the same keys at every position, because a frame of the published page takes back
    nothing that another has done. `alt` is the figure in words; None leaves the figure's own.
    """

    table: pd.DataFrame
    data: Sequence[Mapping[str, Any]] = ()
    layout: Mapping[str, Any] = field(default_factory=dict)
    alt: str | None = None


class _Controls(anywidget.AnyWidget):
    """The sliders, Reset, the status line and the table. `at` is where the page's sliders stand, as positions' indexes.

    ipywidgets sends one change at a time and keeps only the newest of those that wait, so a view that computes for long
    is followed by the position where the hand is by then, and not by all those it went through.
    """

    _esm = Path(__file__).with_name("explorer.js")
    _css = Path(__file__).with_name("explorer.css")
    sliders: Any = traitlets.List().tag(sync=True)
    start: Any = traitlets.List().tag(sync=True)
    at: Any = traitlets.List().tag(sync=True)
    # In one message: where the figure stands, the status line, whether it tells of a failure, the words, the table.
    answer: Any = traitlets.Dict().tag(sync=True)


class Explorer:
    """Shows `figure` and a table as `view(**{slider.name: value})` returns them, which is a plain function.

    In JupyterLab its sliders are live. In the published page, where there is no kernel, the slider `main` (the first
    unless named) moves over frames made beforehand, with all others at their start. `at` is the same without a widget.

    Raises ValueError where sliders and figure do not fit together.
    """

    def __init__(
        self,
        figure: go.Figure,
        sliders: Slider | Sequence[Slider],
        view: Callable[..., View],
        *,
        caption: str = "The numbers at the mark",
        main: str | None = None,
    ) -> None:
        listed = [sliders] if isinstance(sliders, Slider) else list(sliders)
        self.sliders = {slider.name: slider for slider in listed}
        if not listed or len(self.sliders) < len(listed):
            raise ValueError("An explorer needs at least one slider, each with a name of its own.")
        self.main = main or listed[0].name
        if self.main not in self.sliders:
            raise ValueError(f"There is no slider {main!r} to be the main one: there is {', '.join(self.sliders)}.")
        self.view = view
        self.caption = caption
        self.values = {slider.name: slider.start for slider in listed}
        self._compiler = None if compiled.ready() else compiled.warm_up()
        self._shown = self.at()
        if len(self._shown.data) > len(figure.data):
            raise ValueError(f"The view changes {len(self._shown.data)} traces, and the figure has {len(figure.data)}.")
        _apply(figure, self._shown)
        self.figure = figure
        self._widget: Any = None
        self._saying = threading.Lock()

    def at(self, **values: Number) -> View:
        """Return the view at these positions; a slider that is not named stands at its start.

        Raises ValueError for an unknown slider and for a value that is no position, and what the view itself raises.
        """
        if unknown := [name for name in values if name not in self.sliders]:
            raise ValueError(f"There is no slider {unknown[0]!r}: there is {', '.join(self.sliders)}.")
        places = {
            name: slider.positions[slider.index(values.get(name, slider.start))]
            for name, slider in self.sliders.items()
        }
        return self.view(**places)

    def __repr__(self) -> str:
        return f"Explorer: {self._where('; ', ' = ')}\n{self._shown.table.to_string()}"

    def _where(self, between: str = ", ", equals: str = " ") -> str:
        named = ((self.sliders[name], value) for name, value in self.values.items())
        return between.join(f"{slider.label}{equals}{slider.write(value)}" for slider, value in named)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        live: dict[str, Any] = self.widget()._repr_mimebundle_()
        return {**live, "text/plain": repr(self), PLOTLY_MIME: self._with_frames()}

    # For the page

    def _with_frames(self) -> dict[str, Any]:
        """Return the figure as plain JSON, with a slider of its own and a frame for each position of the main slider.

        A position at which the view raises ValueError or MemoryError has no frame.
        """
        slider, frames = self.sliders[self.main], {}
        for value in slider.positions:
            try:
                frames[value] = self._frame(self.at(**{self.main: value}))
            except (ValueError, MemoryError):
                continue
        now = self.values[self.main] if self.values[self.main] in frames else slider.start
        figure, shown = go.Figure(self.figure), self.at(**{self.main: now})
        _apply(figure, shown)
        plain: dict[str, Any] = _plain(figure.to_plotly_json())
        layout = plain["layout"]
        layout["meta"] = layout.get("meta", {}) | self._meta(shown)
        layout["height"] = layout.get("height", 450) + SLIDER_HEIGHT_PX
        steps = [
            {
                "method": "animate",
                "label": slider.write(value),
                "args": [[str(value)], {"mode": "immediate", "frame": {"duration": 0, "redraw": True}}],
            }
            for value in frames
        ]
        layout["sliders"] = [
            {
                "active": list(frames).index(now),
                "currentvalue": {"prefix": f"{slider.label}: "},
                "pad": {"t": 64},
                "steps": steps,
            }
        ]
        return plain | {"frames": _differences(frames), "config": CONFIG}

    def _frame(self, view: View) -> dict[tuple[Any, ...], Any]:
        """Return what the view sets, each under its place: ("data", trace, key), ("layout", key) or ("meta", key)."""
        frame: dict[tuple[Any, ...], Any] = {
            ("data", number, key): _plain(values)
            for number, trace in enumerate(view.data)
            for key, values in trace.items()
        }
        layout = go.Layout(**view.layout).to_plotly_json()
        frame |= {("layout", key): _plain(value) for key, value in layout.items()}
        return frame | {("meta", key): words for key, words in self._meta(view).items()}

    # For JupyterLab

    def widget(self) -> Any:
        """Return the live widget: sliders, Reset, status line, table and figure, all following one another."""
        if self._widget is not None:
            return self._widget
        places = [slider.index(self.values[name]) for name, slider in self.sliders.items()]
        controls = _Controls(
            sliders=[
                {"label": slider.label, "texts": [slider.write(value) for value in slider.positions]}
                for slider in self.sliders.values()
            ],
            start=[slider.index(slider.start) for slider in self.sliders.values()],
            at=places,
            answer=self._answer(places, COMPILING if self._compiler and self._compiler.is_alive() else ""),
        )
        live = go.FigureWidget(self.figure)
        live._config = CONFIG
        controls.observe(lambda change: self._moved(live, controls, change["new"]), names="at")
        self._widget = ipywidgets.VBox([controls, live]).add_class("ff-explorer")
        if controls.answer["status"]:
            threading.Thread(target=self._tell_when_ready, args=(controls, self._compiler), daemon=True).start()
        return self._widget

    def _moved(self, live: go.FigureWidget, controls: _Controls, places: list[int]) -> None:
        """Draw the view of these positions, or say in the status line why it could not be drawn."""
        try:
            values = {name: s.positions[place] for (name, s), place in zip(self.sliders.items(), places, strict=True)}
            view = self.at(**values)
            with live.batch_update():
                _apply(live, view)
        except Exception as error:  # noqa: BLE001 - a traceback would end in a log that nobody sees
            expected = isinstance(error, ValueError | MemoryError) and str(error)
            said = str(error) if expected else f"the function behind the sliders failed with {error!r}."
            answer = self._answer(places, f"Not drawn: {said} The figure and the table still show {self._where()}.")
            answer["failed"] = True
        else:
            self._shown, self.values = view, values
            answer = self._answer(places, f"The figure and the table show {self._where()}.")
        with self._saying:
            controls.answer = answer

    def _tell_when_ready(self, controls: _Controls, compiler: threading.Thread) -> None:
        compiler.join()
        with self._saying:
            if controls.answer["status"] == COMPILING:
                controls.answer = controls.answer | {"status": READY}

    def _answer(self, places: list[int], status: str) -> dict[str, Any]:
        return {"at": places, "status": status, "failed": False, **self._meta(self._shown)}

    def _meta(self, view: View) -> dict[str, str]:
        """Return what the view says to those who do not see the figure: the words, and the table as HTML."""
        meta = self.figure.layout.meta
        alt = view.alt or (meta.get("alt", "") if isinstance(meta, dict) else "")
        return {"alt": alt, "table": Captioned(view.table, self.caption)._repr_html_()}


def _apply(figure: Any, view: View) -> None:
    """Set what the view changes; nothing is sent for what stays."""
    for trace, changes in zip(figure.data, view.data, strict=False):
        for key, values in changes.items():
            new = _for_the_browser(values)
            if not _same(new, trace[key]):
                trace[key] = new
    figure.update_layout(dict(view.layout))


def _same(a: Any, b: Any) -> bool:
    """Compare as plotly does, but NaN, an empty bucket, is the same as NaN."""
    floats = all(isinstance(each, np.ndarray) and each.dtype.kind == "f" for each in (a, b))
    return np.array_equal(a, b, equal_nan=floats)


def _for_the_browser(values: Any) -> Any:
    """Return an array that goes as it is: plotly would make a list of 64-bit integers, which no browser has."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        return values.astype(np.float64)
    return values


def _differences(frames: Mapping[Number, Mapping[tuple[Any, ...], Any]]) -> list[dict[str, Any]]:
    """Return plotly's frames, each with what is not the same in all of them."""
    first, *others = frames.values()
    differ = [place for place in first if any(other.get(place) != first[place] for other in others)]
    made = []
    for value, frame in frames.items():
        traces = sorted({place[1] for place in differ if place[0] == "data"})
        data = [{place[2]: frame[place] for place in differ if place[:2] == ("data", number)} for number in traces]
        layout = {place[1]: frame[place] for place in differ if place[0] == "layout"}
        if meta := {place[1]: frame[place] for place in differ if place[0] == "meta"}:
            layout["meta"] = meta
        made.append({"name": str(value), "data": data, "traces": traces, "layout": layout})
    return made


def _plain(value: Any) -> Any:
    """Return JSON data with lists for arrays: floats of 4 significant digits, None for NaN, whole numbers whole."""
    if isinstance(value, dict) and "bdata" in value:  # plotly's own form of an array
        array = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
        return _plain(array.reshape([int(n) for n in value["shape"].split(",")]) if "shape" in value else array)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return [_plain(row) for row in value] if value.ndim > 1 else [_rounded(each) for each in value.tolist()]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _rounded(value: float) -> Number | None:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.4g}")
    return int(short) if short.is_integer() else short


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
