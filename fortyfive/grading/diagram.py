"""A sequence diagram as data: who called whom and what came of it; read as a table of text or drawn as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

CALL, LOST, DIES, EVENT, NOTE = KINDS = ("call", "lost", "dies", "event", "note")
"""A request that was answered, one that was not, a machine's end, something that happens in one lane, words between."""

# The drawing, in pixels at its full width.
_LANE, _TIMES, _ROW, _HEAD, _CHAR = 112, 84, 34, 34, 6.6
# What a row may say before the drawing shortens it; the text form says all of it.
_MOST_CHARS = 72


@dataclass(frozen=True)
class Line:
    """One step; `source` and `target` are lanes, the same one for what happens inside it, "" for a note."""

    time_s: float
    source: str
    target: str
    words: str
    kind: str = CALL


@dataclass(frozen=True)
class Diagram:
    """Steps between lanes, in the order in which they happened."""

    title: str
    lanes: tuple[str, ...]
    lines: tuple[Line, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data; `from_json` reads it back."""
        return {"title": self.title, "lanes": list(self.lanes), "lines": [asdict(line) for line in self.lines]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Diagram:
        """Read what `to_json` wrote; raises KeyError or TypeError where it is not that."""
        return cls(data["title"], tuple(data["lanes"]), tuple(Line(**line) for line in data["lines"]))

    def as_text(self) -> str:
        """Return the title and a table: time, from whom to whom, and what; a line each."""
        wide = max(map(len, self.lanes), default=0)
        times = [_time(line) for line in self.lines]
        wide_time = max(map(len, times), default=0)
        rows = [self.title]
        for time, line in zip(times, self.lines, strict=True):
            way = f"{line.source:<{wide}} -> {line.target:<{wide}}"
            if line.source == line.target:
                way = f"{line.source:<{2 * wide + 4}}"
            rows.append(f"{time:>{wide_time}}  {way}  {line.words}".rstrip())
        return "\n".join(rows)

    def as_svg(self) -> str:
        """Return one `<svg>` element: lanes, arrows with words, dashes for what got no answer, a cross for a death.

        It takes its colour from the text around it, grows no wider than its frame, and names itself to a reader.
        """
        width = _TIMES + _LANE * max(1, len(self.lanes))
        height = _HEAD + _ROW * len(self.lines) + 14
        among = ", ".join(self.lanes)
        steps = "1 step" if len(self.lines) == 1 else f"{len(self.lines)} steps"
        return (
            f"<svg class='ff-diagram' role='img' viewBox='0 0 {width} {height}' xmlns='http://www.w3.org/2000/svg' "
            f"style='display:block;width:100%;max-width:{width}px;height:auto' "
            "fill='none' stroke='currentColor' stroke-width='1.4' font-family='system-ui,sans-serif' font-size='12'>"
            f"<title>{escape(self.title)}</title>"
            f"<desc>{escape(f'Sequence diagram: {steps} between {among}. The same in words stands beside it.')}</desc>"
            f"{''.join(self._lifelines(height))}{''.join(self._rows(width))}</svg>"
        )

    def _x(self, lane: str) -> float:
        return _TIMES + _LANE * (self.lanes.index(lane) + 0.5)

    def _lifelines(self, height: int) -> Iterator[str]:
        for lane in self.lanes:
            x = self._x(lane)
            yield f"<path d='M{x:g} {_HEAD - 8}V{height - 4}' opacity='.3'/>"
            yield _text(x, 18, lane, "middle", bold=True)

    def _rows(self, width: float) -> Iterator[str]:
        for number, line in enumerate(self.lines):
            y = _HEAD + _ROW * (number + 1)
            if line.kind == NOTE:
                yield _text((_TIMES + width) / 2, y - 4, line.words, "middle", opacity=".75")
                continue
            start, end = self._x(line.source), self._x(line.target)
            yield _text(_TIMES - 12, y, _time(line), "end", opacity=".75")
            yield from _MARKS[line.kind](start, end, y)
            beside = 12 if start == end else 0
            yield _words(line.words, start + beside, end + beside, y - 6 + 10 * bool(beside), width)


def _time(line: Line) -> str:
    return "" if line.kind == NOTE else f"{line.time_s:,.3f} s"


def _arrow(start: float, end: float, y: float) -> Iterator[str]:
    if start == end:
        yield from _dot(start, end, y)
        return
    back = 7 if start < end else -7
    yield f"<path d='M{start:g} {y}H{end:g}M{end - back:g} {y - 4}L{end:g} {y}L{end - back:g} {y + 4}'/>"


def _broken_arrow(start: float, end: float, y: float) -> Iterator[str]:
    to = start + (end - start) * 0.75
    yield f"<path d='M{start:g} {y}H{to:g}' stroke-dasharray='5 4'/>"
    yield _cross(to, y, 4)


def _death(start: float, _: float, y: float) -> Iterator[str]:
    yield _cross(start, y, 7)


def _dot(start: float, _: float, y: float) -> Iterator[str]:
    yield f"<circle cx='{start:g}' cy='{y}' r='3.5' fill='currentColor' stroke='none'/>"


def _cross(x: float, y: float, arm: float) -> str:
    # A colour of its own, which holds on white and on black; the shape says it too.
    path = f"M{x - arm:g} {y - arm:g}l{2 * arm:g} {2 * arm:g}M{x - arm:g} {y + arm:g}l{2 * arm:g} {-2 * arm:g}"
    return f"<path d='{path}' stroke='#d0602f' stroke-width='2.6'/>"


_MARKS = {CALL: _arrow, LOST: _broken_arrow, DIES: _death, EVENT: _dot}


def _words(words: str, start: float, end: float, y: float, width: float) -> str:
    """Return the words of a row beside its mark, or over the middle of its arrow, and never outside the drawing."""
    words = words if len(words) <= _MOST_CHARS else f"{words[: _MOST_CHARS - 1]}…"
    half = len(words) * _CHAR / 2
    middle = start + half if start == end else (start + end) / 2
    middle = max(_TIMES + half, min(width - 4 - half, middle))
    return _text(middle, y, words, "middle")


def _text(x: float, y: float, words: str, anchor: str, *, bold: bool = False, opacity: str = "1") -> str:
    weight = " font-weight='600'" if bold else ""
    return (
        f"<text x='{x:g}' y='{y:g}' text-anchor='{anchor}' fill='currentColor' stroke='none' "
        f"opacity='{opacity}'{weight}>{escape(words)}</text>"
    )
