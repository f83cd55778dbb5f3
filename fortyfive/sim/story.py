"""A history told: the steps of a run as a sequence diagram in words that a reader of the lesson knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fortyfive.grading import wire
from fortyfive.grading.diagram import CALL, DIES, EVENT, LOST, NOTE, Diagram, Line
from fortyfive.sim.world import SECOND, Step

LANES = ("client", "queue", "worker 1", "worker 2", "worker 3", "worker 4", "store", "push", "dead letters")
# A longer history is told by its beginning and its end.
FIRST, LAST = 40, 15
MOST_CHARS, MOST_REPR_CHARS = 60, 10_000

# A step that stands for those left out.
_MORE = "more"


def shorten(history: Sequence[Step]) -> list[Step]:
    """Return a history, or, where it is long, its first and last steps and one between that counts the rest."""
    left_out = len(history) - FIRST - LAST
    if left_out <= 1:
        return list(history)
    return [*history[:FIRST], (history[FIRST][0], "", "", _MORE, (left_out,), None), *history[-LAST:]]


def as_diagram(history: Sequence[Sequence[Any]], title: str) -> Diagram:
    """Return the diagram of a history, or of what is left of one after a journey between processes."""
    lines = tuple(_line(*step) for step in shorten([tuple(step) for step in history]))
    seen = {lane for line in lines for lane in (line.source, line.target)} - {""}
    known = [lane for lane in LANES if lane in seen]
    return Diagram(title, (*known, *sorted(seen - set(known))), lines)


def _line(time_ns: int, source: str, target: str, what: str, args: Sequence[Any], result: Any) -> Line:
    time_s = time_ns / SECOND
    match what:
        case "more":
            return Line(time_s, "", "", f"… {args[0]:,} more …", NOTE)
        case "dies":
            return Line(time_s, source, target, "dies", DIES)
        case "lost":
            words = _WORDS.get(result, _any)(result, args, LOST)
            return Line(time_s, source, target, f"{words}: lost, no answer", LOST)
        case "no answer":
            return Line(time_s, source, target, "no answer: it is lost", LOST)
    kind = EVENT if source == target else CALL
    return Line(time_s, source, target, _WORDS.get(what, _any)(what, args, result), kind)


def _any(verb: str, args: Sequence[Any], result: Any) -> str:
    return f"{verb} {', '.join(map(brief, args))}{_answer(result)}"


def _answer(result: Any) -> str:
    return "" if result in (None, LOST) else f" -> {brief(result)}"


def _ids(args: Sequence[Any]) -> str:
    shown = ", ".join(map(str, args[:4]))
    return f"{shown} and {len(args) - 4} more" if len(args) > 4 else shown


def _acknowledged(verb: str, args: Sequence[Any], held: Any) -> str:
    wait = f" for {args[2]:g} s" if len(args) > 2 else ""
    return f"{verb} {args[0]}{wait}{'' if held else ': too late, it was visible again'}"


_WORDS: Mapping[str, Callable[[str, Sequence[Any], Any], str]] = {
    "publish": lambda _, args, new: f"publish {args[0]}{'' if new else ': taken for a duplicate'}",
    "deliver": lambda _, args, attempt: f"deliver {_ids(args)} (delivery {attempt})",
    "visible again": lambda _, args, __: f"{_ids(args)} is visible again",
    "a second copy": lambda _, args, __: f"a second copy of {_ids(args)}",
    "move": lambda _, args, __: f"give up on {_ids(args)}",
    "ack": _acknowledged,
    "nack": _acknowledged,
    "extend": _acknowledged,
    "send": lambda _, args, status: f"send {brief(args[1])}{_answer(status) if status else ' -> shown'}",
    "get": lambda _, args, value: f"get {brief(args[0])}{'' if value == LOST else f' -> {brief(value)}'}",
    "put_if_absent": lambda verb, args, done: f"{verb} {brief(args[0])}{_answer(done)}",
}


def brief(value: object) -> str:
    """Return a value as a reader wants to see it: its repr, shortened in the middle where it is long."""
    text = wire.safe_text(repr, value, MOST_REPR_CHARS) or f"a {type(value).__name__}"
    if len(text) <= MOST_CHARS:
        return text
    half = MOST_CHARS // 2
    return f"{text[:half]}…{text[-half:]}"
