"""The drawing board: a design as a text and as a drawing, side by side, and what a run makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from fortyfive.design import drawing, layout
from fortyfive.design.model import Design
from fortyfive.design.text import MOST_CHARS, read
from fortyfive.flow import designs
from fortyfive.judgement.judge import judge
from fortyfive.scenario.prompts import Prompt, Scenario
from fortyfive.widgets import sheet
from fortyfive.widgets.autosave import Autosave

DRAW, RUN = "Draw, or type.", "Draw, or type; then Run."
AGAIN = "Press Run to have it judged as it is now."
NOTHING = "It does what was asked, and nothing is left to push on."
# Where a component that is so busy takes its next colour.
HEAT_STEPS = (0.0, 0.7, 0.9)
# Below this there is no room for a palette and a drawing.
LEAST_HEIGHT_PX = 320


class _Canvas(anywidget.AnyWidget):
    """The browser's half. It sends one message an edit, and is sent everything that there is to see."""

    _esm = Path(__file__).with_name("board.js")
    _css = Path(__file__).with_name("board.css")
    offer: Any = traitlets.Dict().tag(sync=True)
    state: Any = traitlets.Dict().tag(sync=True)
    result: Any = traitlets.Dict().tag(sync=True)


class Board:
    """A drawing board over `source`, which Run runs under `scenario`; without one there is nothing to run.

    With a `prompt` it runs under the prompt's load, and Run also judges it: the findings stand below the numbers. After
    an edit it runs again by itself, and is judged when Run is pressed.

    With `save_as`, the name of a file in `designs/` beside the notebook, each edit is written at once, and a new board
    of that name goes on from there. Its text is what a check is given of it. Without a kernel it is the drawing.

    Raises TypeError for a source that is no text, ValueError for a name that is no file's.
    """

    def __init__(
        self,
        source: str = "",
        *,
        scenario: Scenario | None = None,
        prompt: Prompt | None = None,
        save_as: str | None = None,
        height_px: int = 400,
    ) -> None:
        read(source)  # raises where it is no text
        self.prompt = prompt
        self.scenario = prompt.load if prompt and scenario is None else scenario
        self.trace: designs.Trace | None = None
        self.status, self.failed = DRAW if self.scenario is None else RUN, False
        self.result: dict[str, Any] = {}
        self._sheet = sheet.Sheet(source)
        self._height_px = max(int(height_px), LEAST_HEIGHT_PX)
        self._autosave = None if save_as is None else Autosave(save_as)
        self._canvas: _Canvas | None = None
        # How often the text, and how often what a run depends on, has changed; which of those could not be run.
        self._seen, self._changes, self._arranged, self._refused = 0, 0, 0, -1
        if self._autosave:
            self._go_on(self._autosave)
        self._what_runs = sheet.what_runs(self.text)
        self.state = self._state()

    def _go_on(self, autosave: Autosave) -> None:
        text, said = autosave.restore(MOST_CHARS)
        if text is not None and text != self.text:
            self._sheet = self._sheet.edited(text)
            said = f"Went on from designs/{autosave.path.name}. Undo brings back the text of the cell."
        if said:
            self.status = said

    @property
    def text(self) -> str:
        """The design as it is typed."""
        return self._sheet.text

    @property
    def design(self) -> Design:
        """The design, as far as the text can be read."""
        return read(self.text).design

    def run(self, *, judged: bool = True) -> designs.Trace:
        """Run the design as it stands under the board's scenario, judge it if there is a prompt, and show both.

        Raises ValueError, with a sentence, for a design that cannot be run and on a board without a scenario.
        """
        if self.scenario is None:
            raise ValueError("This board has no load to run the design under. Give it one: draw(..., scenario=...).")
        reading = read(self.text)
        if fatal := [each for each in reading.problems if each.fatal]:
            raise ValueError(f"Not run. Line {fatal[0].line}, column {fatal[0].column}: {fatal[0].message}")
        if self.prompt is None or not judged:
            self.trace = designs.run(reading.design, self.scenario)
            self._show_run(designs.frames(self.trace), [] if self.prompt is None else [AGAIN])
            return self.trace
        judgement = judge(reading.design, replace(self.prompt, load=self.scenario))
        self.trace = judgement.trace
        found = [f"{each.rule}: {each.sentence()}" for each in judgement.findings]
        self._show_run(designs.frames(self.trace), found or [NOTHING])
        return self.trace

    def receive(self, message: object) -> None:
        """Do what a message of the browser asks for, or say in the status line why not; nothing is raised."""
        number = message.get("id") if isinstance(message, Mapping) else None
        if isinstance(number, int):
            self._seen = max(self._seen, number)
        try:
            if isinstance(message, Mapping) and message.get("op") == "run":
                self._run_anew(judged=not message.get("again"))
            else:
                self._edit(message)
        except (ValueError, MemoryError) as error:
            self._say(str(error) or "There is not enough memory for that.", failed=True)
        except Exception as error:  # noqa: BLE001 - a traceback would end in a log that nobody sees
            self._say(f"That failed with {error!r}, which is a defect of the board. The text is kept.", failed=True)
        self._push()

    def _edit(self, message: object) -> None:
        new = self._sheet.after(message)
        changed = new.text != self.text
        self._sheet = new
        if isinstance(message, Mapping) and message.get("op") == "arrange":
            self._arranged += 1
        if (ran := sheet.what_runs(self.text)) != self._what_runs:
            self._what_runs = ran
            self._changes += 1
        fresh = self.result.get("of") == self._changes
        self._say(verdict(self.result) if fresh else DRAW if self.scenario is None else RUN)
        if changed and self._autosave and (said := self._autosave.save(self.text)):
            self._say(said, failed=True)

    def _run_anew(self, *, judged: bool) -> None:
        if self.result.get("of") == self._changes and not (judged and self.result["findings"] == [AGAIN]):
            return  # the same design has the same run
        try:
            self.run(judged=judged)
        except Exception:
            self._refused = self._changes
            raise

    def _show_run(self, frames: Mapping[str, Any], findings: list[str]) -> None:
        again = bool(self.result)
        self.result = {
            **frames,
            "findings": findings,
            "of": self._changes,
            "again": again,
            "shown": shown_first(frames),
            "ramp": [[low, *drawing.heat(low)] for low in HEAT_STEPS],
        }
        self._say(verdict(frames))
        if self._canvas is not None:
            self._canvas.result = self.result

    def _say(self, status: str, *, failed: bool = False) -> None:
        self.status, self.failed = status, failed

    def _state(self) -> dict[str, Any]:
        return {
            "seen": self._seen,
            "design": self._changes,
            "refused": self._refused,
            "arranged": self._arranged,
            "text": self.text,
            "undo": bool(self._sheet.past),
            "redo": bool(self._sheet.ahead),
            "status": self.status,
            "failed": self.failed,
            **sheet.drawn(self.text),
        }

    def _push(self) -> None:
        self.state = self._state()
        if self._canvas is not None:
            self._canvas.state = self.state

    def widget(self) -> Any:
        """Return the live widget."""
        if self._canvas is None:
            size = {"width": layout.WIDTH, "height": layout.HEIGHT}
            more = {"runs": self.scenario is not None, "height_px": self._height_px, "size": size}
            self._canvas = _Canvas(offer=sheet.offer() | more, state=self.state, result=self.result)
            self._canvas.on_msg(lambda _, message, __: self.receive(message))
        return self._canvas

    def as_svg(self) -> str:
        """Return the drawing, after a run in the colours of the moment that it first shows."""
        if not self.result or self.result["of"] != self._changes:
            return drawing.as_svg(self.design)
        at, parts = self.result["shown"], self.result["components"]
        return drawing.as_svg(
            self.design,
            busy={name: each["busy"][at] for name, each in parts.items()},
            queued={name: each["queued"][at] for name, each in parts.items()},
            first=self.result["first"] or None,
        )

    def as_submission(self) -> str:
        """Return what a check is given of the board: its text."""
        return self.text

    def __repr__(self) -> str:
        return f"Board:\n{self.text}" + (f"\n\n{self.status}" if self.result else "")

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        live, _metadata = self.widget()._repr_mimebundle_()
        return {**live, "text/plain": repr(self), "text/html": drawing.framed(self.as_svg(), "The design")}


def draw(
    source: str = "",
    *,
    scenario: Scenario | None = None,
    prompt: Prompt | None = None,
    save_as: str | None = None,
    height_px: int = 400,
) -> Board:
    """Return a board to draw on; the arguments are those of `Board`."""
    return Board(source, scenario=scenario, prompt=prompt, save_as=save_as, height_px=height_px)


def verdict(frames: Mapping[str, Any]) -> str:
    """Return in a sentence what a run shows first."""
    if first := frames["first"]:
        return f"The first to saturate is {first}, after {frames['first_at_s']:g} s."
    parts = frames["components"]
    busiest = max(parts, key=lambda name: max(parts[name]["busy"]), default="")
    if not busiest:
        return "Nothing saturates."
    return f"Nothing saturates. The busiest is {busiest}, at {max(parts[busiest]['busy']):.0%}."


def shown_first(frames: Mapping[str, Any]) -> int:
    """Return the moment to look at first: when something saturates, or else when most is at work."""
    if first := frames["first"]:
        part = frames["components"][first]
        later = [n for n, at_s in enumerate(frames["at_s"]) if at_s >= frames["first_at_s"]] or [0]
        return max(later, key=lambda n: (part["busy"][n] + part["failing"][n], -n))
    total = [sum(each) for each in zip(*(part["busy"] for part in frames["components"].values()), strict=True)]
    return total.index(max(total)) if total else 0
