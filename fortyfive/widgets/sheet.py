"""What a drawing board does to its text: one edit a message, undo and redo; and what of the text there is to see."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fortyfive.design import drawing, edit
from fortyfive.design.kinds import COMPONENT_PARAMETERS, KINDS, LINK_PARAMETERS, Parameter
from fortyfive.design.model import Component, Design, Link
from fortyfive.design.text import MOST_CHARS, read
from fortyfive.design.values import short, write_value
from fortyfive.flow.designs_requests import HIT
from fortyfive.flow.designs_system import BACKLOG, FAILOVER_S, VISIBILITY_S, slots_of

MOST_STEPS = 200

# In which groups the kinds are offered.
GROUPS = {
    "edge": ("client", "dns", "cdn", "lb", "gateway", "limiter"),
    "compute": ("service", "workers", "sockets", "scheduler"),
    "messages": ("queue", "stream"),
    "data": ("cache", "sql", "kv", "blob", "search"),
    "outside": ("push",),
}
_COMPONENT = {each.word: each for each in COMPONENT_PARAMETERS}

Message = Mapping[str, Any]


@dataclass(frozen=True)
class Sheet:
    """A text and its history, the newest last; `burst` names the steps that undo takes back together."""

    text: str
    past: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    burst: str = ""

    def edited(self, text: str, burst: str = "") -> Sheet:
        """Return the sheet with a new text, and the old one to go back to. The oldest of `MOST_STEPS` is forgotten."""
        if text == self.text:
            return self
        past = self.past if burst and burst == self.burst else (*self.past, self.text)[-MOST_STEPS:]
        return Sheet(text, past, burst=burst)

    def undone(self) -> Sheet:
        """Return the sheet before its last step. Raises ValueError where there is none."""
        if not self.past:
            raise ValueError("There is nothing to undo.")
        return Sheet(self.past[-1], self.past[:-1], (self.text, *self.ahead))

    def redone(self) -> Sheet:
        """Return the sheet before the last undo. Raises ValueError where there was none."""
        if not self.ahead:
            raise ValueError("There is nothing to redo.")
        return Sheet(self.ahead[0], (*self.past, self.text), self.ahead[1:])

    def after(self, message: object) -> Sheet:
        """Return the sheet after the edit that a message `{"op": ..., ...}` asks for; `OPS` names them.

        Raises ValueError with a sentence for an edit that makes no sense, and for a message that is none.
        """
        if not isinstance(message, Mapping):
            raise ValueError(f"The board takes a message with an 'op', not {short(repr(message))}.")
        op = message.get("op")
        if op == "undo":
            return self.undone()
        if op == "redo":
            return self.redone()
        if not isinstance(op, str) or op not in OPS:
            known = ", ".join((*OPS, "undo", "redo"))
            raise ValueError(f"The board does not know {short(repr(op))}: it knows {known}.")
        burst = message.get("burst")
        return self.edited(OPS[op](self.text, message), burst if isinstance(burst, str) else "")


# Edits


def _add(text: str, message: Message) -> str:
    kind = _said(message, "kind")
    new = edit.add(text, kind)
    if message.get("at") is None:
        return new
    before = {each.name for each in read(text).design.components}
    added = [each.name for each in read(new).design.components if each.name not in before]
    return edit.move(new, added[-1], *_place(message["at"])) if added else new


def _connect(text: str, message: Message) -> str:
    return edit.connect(text, *_ends(message), waits=message.get("waits") is not False)


def _remove(text: str, message: Message) -> str:
    names, links = _listed(message, "names"), _listed(message, "links")
    for ends in links:
        if not isinstance(ends, list | tuple) or len(ends) != 2:
            raise ValueError(f"A link is named by its two ends, not by {short(repr(ends))}.")
        source, target = ends
        if source not in names and target not in names:
            text = edit.disconnect(text, _text(source, "links"), _text(target, "links"))
    for name in names:
        text = edit.remove(text, _text(name, "names"))
    return text


def _component(text: str, message: Message) -> str:
    return edit.set_component(text, _said(message, "name"), _said(message, "word"), _value(message))


def _link(text: str, message: Message) -> str:
    return edit.set_link(text, *_ends(message), _said(message, "word"), _value(message))


def _move(text: str, message: Message) -> str:
    places = message.get("places")
    if not isinstance(places, Mapping):
        raise ValueError("A move says in 'places' what is where: {'db': [120, 80]}.")
    for name, place in places.items():
        text = edit.move(text, _text(name, "places"), *_place(place))
    return text


def _arrange(text: str, _: Message) -> str:
    for each in read(text).design.components:
        if each.at is not None:
            text = edit.set_component(text, each.name, "at", None)
    return text


def _typed(_: str, message: Message) -> str:
    text = message.get("text")
    if not isinstance(text, str):
        raise ValueError("The text of a design is a text.")
    if len(text) > MOST_CHARS:
        raise ValueError(
            f"That text has {len(text):,} characters, and a design has {MOST_CHARS:,} at most: the text from before is "
            "still here. Draw one system, in a page or two."
        )
    return text


OPS: Mapping[str, Callable[[str, Message], str]] = {
    "text": _typed,
    "add": _add,
    "connect": _connect,
    "remove": _remove,
    "rename": lambda text, message: edit.rename(text, _said(message, "old"), _said(message, "new")),
    "component": _component,
    "link": _link,
    "move": _move,
    "arrange": _arrange,
}


def _said(message: Message, key: str) -> str:
    return _text(message.get(key), key)


def _text(value: object, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"The board needs a word in '{key}', not {short(repr(value))}.")
    return value


def _ends(message: Message) -> tuple[str, str]:
    return _said(message, "source"), _said(message, "target")


def _value(message: Message) -> str | None:
    value = message.get("value")
    if value is not None and not isinstance(value, str):
        raise ValueError(f"A value is a text such as '20ms', or nothing, and not {short(repr(value))}.")
    return value


def _listed(message: Message, key: str) -> list[Any]:
    found = message.get(key, [])
    if not isinstance(found, list | tuple):
        raise ValueError(f"The board needs a list in '{key}', not {short(repr(found))}.")
    return list(found)


def _place(place: object) -> tuple[float, float]:
    numbers = place if isinstance(place, list | tuple) else ()
    if len(numbers) != 2 or not all(type(each) in (int, float) for each in numbers):
        raise ValueError(f"A place is two numbers such as [120, 80], not {short(repr(place))}.")
    return numbers[0], numbers[1]


# What there is to see


def drawn(text: str) -> dict[str, Any]:
    """Return a text as a board shows it, as plain data: `nodes`, `links` and `problems`.

    A node has its place, `at`, in pixels from the top left, and `values` and `defaults` as they are typed.
    """
    reading = read(text)
    places = drawing.layout(reading.design)
    wrong = {each.subject for each in reading.problems if each.fatal and each.subject}
    return {
        "nodes": [
            {
                "name": each.name,
                "kind": each.kind,
                "family": drawing.FAMILIES[each.kind],
                "title": each.type.title,
                "label": each.label,
                "instances": each.instances,
                "limited": each.kind != "client" and slots_of(each) is not None,
                "at": list(places[each.name]),
                "takes": [word for word in each.type.parameters if word != "at"],
                "values": _written(each, COMPONENT_PARAMETERS),
                "defaults": _defaults(each),
                "problem": each.name in wrong,
            }
            for each in reading.design.components
        ],
        "links": [
            {
                "source": each.source,
                "target": each.target,
                "waits": each.waits,
                "later": not each.waits or reading.design.component(each.source).type.hands_on,
                "label": each.label,
                "values": _written(each, LINK_PARAMETERS),
                "words": words_of(each),
            }
            for each in reading.design.links
        ],
        "problems": [
            {"line": each.line, "column": each.column, "words": each.message, "fatal": each.fatal}
            for each in reading.problems
        ],
    }


def offer() -> dict[str, Any]:
    """Return what a board has to offer, as plain data: kinds in their groups, and the parameters of both tables."""
    return {
        "groups": [
            {
                "title": title,
                "kinds": [{"word": word, "title": KINDS[word].title, "what": KINDS[word].what} for word in words],
            }
            for title, words in GROUPS.items()
        ],
        "component": {each.word: _described(each) for each in COMPONENT_PARAMETERS if each.word != "at"},
        "link": {each.word: _described(each) for each in LINK_PARAMETERS},
    }


def words_of(link: Link) -> str:
    """Return what stands beside an arrow: its label, or else its parameters."""
    values = _written(link, LINK_PARAMETERS)
    return link.label or " · ".join(
        {"fanout": f"×{value}", "share": value, "only": f"only {value}"}.get(word, f"{word} {value}".strip())
        for word, value in values.items()
    )


def what_runs(text: str) -> Design | None:
    """Return of a text what a run depends on: the design without places and labels, or None where it cannot run."""
    reading = read(text)
    if not reading.ok:
        return None
    return Design(
        tuple(replace(each, at=None, label="") for each in reading.design.components),
        tuple(replace(each, label="") for each in reading.design.links),
    )


def _described(parameter: Parameter) -> dict[str, Any]:
    return {"unit": parameter.unit, "what": parameter.what, "choices": list(parameter.choices)}


def _written(thing: Component | Link, parameters: tuple[Parameter, ...]) -> dict[str, str]:
    """Return the parameters that are set as they are typed; a flag as "on"."""
    fields = {each.word: each for each in parameters}
    return {word: write_value(fields[word], getattr(thing, fields[word].field)) or "on" for word in thing.tuned}


def _defaults(component: Component) -> dict[str, str]:
    """Return what a run takes where nothing is said, as it would be typed."""
    kind = component.type
    known: dict[str, Any] = {
        "time": kind.time_s,
        "slots": slots_of(replace(component, slots=None)),
        "backlog": BACKLOG,
        "errors": 0.0,
        "hit": HIT,
        "batch": 1,
        "shards": 1,
        "visibility": VISIBILITY_S,
        "failover": FAILOVER_S.get(kind.word),
        "policy": "random",
    }
    said = {word: known.get(word) for word in kind.parameters}
    return {word: write_value(_COMPONENT[word], value) for word, value in said.items() if value is not None}


assert sorted(itertools.chain(*GROUPS.values())) == sorted(KINDS), "every kind is offered once"
