"""A design for others to read: as plain data, as a Mermaid flowchart, as an SVG drawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from fortyfive.design.layout import layout
from fortyfive.design.model import Component, Design, Link
from fortyfive.design.rules import UNPRINTABLE
from fortyfive.design.svg import FAMILIES, as_svg, family_of, framed, goes_later, heat, link_words
from fortyfive.design.values import short

__all__ = ["FAMILIES", "as_mermaid", "as_plain", "as_svg", "framed", "from_plain", "heat", "layout"]

_MOST_NUMBER = 1e15
# By the annotation of a field: whether a value is of its type.
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "str": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "str | None": lambda value: value is None or isinstance(value, str),
    "int | None": lambda value: value is None or _is_number(value, int),
    "float | None": lambda value: value is None or _is_number(value, int | float),
    "tuple[str, ...]": lambda value: isinstance(value, tuple) and all(isinstance(each, str) for each in value),
    "tuple[int, int] | None": lambda value: (
        value is None or (isinstance(value, tuple) and len(value) == 2 and all(_is_number(each, int) for each in value))
    ),
}
_MERMAID = {
    "client": ("([", "])"),
    "edge": ("{{", "}}"),
    "compute": ("[", "]"),
    "queue": ("[[", "]]"),
    "store": ("[(", ")]"),
    "provider": (">", "]"),
}


def as_plain(design: Design) -> dict[str, Any]:
    """Return the design as JSON data: the fields of each component and link that are set, times in seconds."""
    return {
        "components": [_plain(each, Component) for each in design.components],
        "links": [_plain(each, Link) for each in design.links],
    }


def from_plain(data: Mapping[str, Any]) -> Design:
    """Read what `as_plain` wrote; `rules` judges the values.

    Raises ValueError with a sentence for what is no such data.
    """
    if not isinstance(data, Mapping) or set(data) - {"components", "links"}:
        raise ValueError("A design as data has 'components' and 'links', and nothing else.")
    return Design(
        tuple(_read(each, Component, ("name", "kind")) for each in _rows(data, "components")),
        tuple(_read(each, Link, ("source", "target")) for each in _rows(data, "links")),
    )


def as_mermaid(design: Design) -> str:
    """Return the design as a Mermaid flowchart; dotted arrows are those that nobody waits for."""
    ids = {each.name: f"n{number}" for number, each in enumerate(design.components)}
    lines = ["flowchart LR"]
    for each in design.components:
        opening, closing = _MERMAID[family_of(each)]
        words = [each.label or each.name, *([f"×{each.instances}"] if each.instances is not None else [])]
        lines.append(f'    {ids[each.name]}{opening}"{_mermaid(" ".join(words))}"{closing}')
    for link in design.links:
        if link.source in ids and link.target in ids:
            arrow = "-.->" if goes_later(design, link) else "-->"
            words_ = link_words(link)
            beside = f'|"{_mermaid(words_)}"|' if words_ else ""
            lines.append(f"    {ids[link.source]} {arrow}{beside} {ids[link.target]}")
    return "\n".join(lines) + "\n"


def _plain(thing: Component | Link, of: type[Component] | type[Link]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for each in fields(of):
        value = getattr(thing, each.name)
        if value != each.default or type(value) is not type(each.default):
            out[each.name] = list(value) if isinstance(value, tuple) else value
    return out


def _rows(data: Mapping[str, Any], key: str) -> Sequence[Any]:
    rows = data.get(key, [])
    if not isinstance(rows, list | tuple):
        raise ValueError(f"'{key}' of a design is a list.")
    return rows


def _read(row: Any, of: Any, needed: tuple[str, str]) -> Any:
    names = {each.name for each in fields(of)}
    what = of.__name__.lower()
    if not isinstance(row, Mapping) or any(not isinstance(row.get(each), str) for each in needed):
        raise ValueError(f"A {what} of a design has a '{needed[0]}' and a '{needed[1]}', both texts.")
    if unknown := [str(each) for each in row if each not in names]:
        raise ValueError(f"A {what} of a design has no '{unknown[0]}'.")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    for each in fields(of):
        if each.name in values and not _TYPES[str(each.type)](values[each.name]):
            raise ValueError(f"The '{each.name}' of a {what} is not {short(repr(values[each.name]))}.")
    return of(**values)


def _is_number(value: Any, of: Any) -> bool:
    return isinstance(value, of) and not isinstance(value, bool) and abs(value) < _MOST_NUMBER


def _mermaid(text: str) -> str:
    return "".join(f"#{ord(each)};" if each in "\"'#&<>;\\`" else each for each in UNPRINTABLE.sub(" ", text))
