"""Changes to the text of a design that leave its comments, and all that they are not about, as they are.

Each function takes a text and returns the changed one. It raises ValueError with a sentence where the change makes no
sense: an unknown name, a name that is taken, a value that cannot be read. What is drawn may still be wrong then, as a
circle is: `rules` says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from fortyfive.design.kinds import COMPONENT_PARAMETERS, KINDS, LINK_PARAMETERS, WORDS, Parameter
from fortyfive.design.model import MOST_COMPONENTS, MOST_LINKS, Design
from fortyfive.design.rules import MOST_LABEL, MOST_NAME, UNPRINTABLE
from fortyfive.design.syntax import NAME, Arrow, Item, Node, Part, Statement, parse, quoted
from fortyfive.design.text import MOST_CHARS, read
from fortyfive.design.values import near, read_value, short
from fortyfive.design.writing import Join, default_kind, setting_text, statements

_COMPONENT_WORDS = {parameter.word: parameter for parameter in COMPONENT_PARAMETERS}
_LINK_WORDS = {parameter.word: parameter for parameter in LINK_PARAMETERS}

# A piece of the text, from where up to where, and what comes in its place.
_Change = tuple[int, int, str]


def add(source: str, kind: str, name: str | None = None) -> str:
    """Return the text with one more component of a kind, by a free name unless one is given."""
    text = _Text(source)
    word = WORDS.get(kind.casefold())
    if word is None:
        raise ValueError(f"'{short(kind)}' is no kind of component.{near(kind, list(WORDS))}")
    if len(text.design.components) >= MOST_COMPONENTS:
        raise ValueError(f"A design has {MOST_COMPONENTS} components at most: leave one out first.")
    if name is None:
        name = text.free(kind.casefold())
    text.require_free(name)
    return text.with_line(name if default_kind(name) == word else f"{name}:{word}")


def connect(source: str, start: str, end: str, *, waits: bool = True) -> str:
    """Return the text with a link from one component to another."""
    text = _Text(source)
    start, end = text.known(start), text.known(end)
    if any((each.source, each.target) == (start, end) for each in text.design.links):
        raise ValueError(f"'{short(start)}' and '{short(end)}' are linked already.")
    if len(text.design.links) >= MOST_LINKS:
        raise ValueError(f"A design has {MOST_LINKS} links at most: leave one out first.")
    drawn = "->" if waits else "~>"
    last = text.syntax.statements[-1]
    if not text.syntax.goes_on:
        if _keys(last.groups[-1]) == [start.casefold()]:
            return text.changed([(last.end, last.end, f" {drawn} {end}")])
        arrow = last.arrows[-1] if last.arrows else None
        if arrow and arrow.waits == waits and not arrow.parts and _keys(last.groups[-2]) == [start.casefold()]:
            return text.changed([(last.end, last.end, f", {end}")])
    return text.with_line(f"{start} {drawn} {end}")


def disconnect(source: str, start: str, end: str) -> str:
    """Return the text without the link from one component to another. Both stay."""
    text = _Text(source)
    ends = text.linked(start, end)
    return text.changed([text.redrawn(each, without=ends) for each in text.drawing(ends)])


def remove(source: str, name: str) -> str:
    """Return the text without a component and its links."""
    text = _Text(source)
    key = text.known(name).casefold()
    concerned = [each for each in text.syntax.statements if key in (n for group in each.groups for n in _keys(group))]
    return text.changed([text.redrawn(each, without_name=key) for each in concerned])


def rename(source: str, name: str, new: str) -> str:
    """Return the text with another name for a component, which stays of its kind."""
    text = _Text(source)
    name = text.known(name)
    if new.casefold() != name.casefold():
        text.require_free(new)
    _require_name(new)
    nodes = text.mentions(name)
    changes = [(each.start, each.named, new) for each in nodes]
    kind = text.design.component(name).kind
    if default_kind(new) != kind and not any(part.what == "type" for each in nodes for part in each.parts):
        changes[0] = (nodes[0].start, nodes[0].named, f"{new}:{kind}")
    return text.changed(changes)


def set_component(source: str, name: str, word: str, value: str | None) -> str:
    """Return the text with a parameter of a component set to a value as it is typed, "" for a flag, None to delete it.

    The word "x" is the number of instances, "label" the label.
    """
    text = _Text(source)
    name = text.known(name)
    nodes = text.mentions(name)
    if word == "x":
        return text.changed(_instances(text, nodes, value))
    if word == "label":
        return text.changed(_labelled(text, nodes, _checked_label(value)))
    parameter = _parameter(word, _COMPONENT_WORDS)
    kind = KINDS[text.design.component(name).kind]
    if value is not None and parameter.word not in kind.parameters:
        raise ValueError(f"'{short(name)}' is a {kind.title} and takes no '{word}': {', '.join(kind.parameters)}.")
    setting = _setting(parameter, value)
    changes: list[_Change] = []
    brackets = [part for each in nodes for part in each.parts if part.what == "brackets"]
    holding = [part for part in brackets if any(_is(item, parameter.word) for item in part.items)]
    for number, part in enumerate(holding or brackets[:1]):
        changes.append(text.bracket(part, parameter.word, setting if number == 0 else ""))
    if setting and not brackets:
        changes.append((nodes[0].end, nodes[0].end, f" [{setting}]"))
    return text.changed(changes)


def set_link(source: str, start: str, end: str, word: str, value: str | None) -> str:
    """Return the text with a parameter of a link set to a value as it is typed, "" for a flag, None to delete it.

    The word "label" is the label; "waits" is "yes" for -> and "no" for ~>.
    """
    text = _Text(source)
    ends = text.linked(start, end)
    if word == "waits":
        if value not in ("yes", "no"):
            raise ValueError("'waits' is yes for a link that waits for its answer, and no for one that does not.")
        setting = "->" if value == "yes" else "~>"
    elif word == "label":
        label = _checked_label(value)
        setting = quoted(label) if label else ""
    else:
        word = _parameter(word, _LINK_WORDS).word
        setting = _setting(_LINK_WORDS[word], value)
    changes = []
    for each in text.drawing(ends):
        changes.append(text.redrawn(each, ends=ends, word=word, setting=setting))
        if word != "waits":
            setting = ""
    return text.changed(changes)


def move(source: str, name: str, x: float, y: float) -> str:
    """Return the text with a component at a place of the drawing board, or at the nearest that there is."""
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError("A place is two numbers, across and down.")
    at = _COMPONENT_WORDS["at"]
    left, top = (int(min(max(round(each), at.low), at.high)) for each in (x, y))
    return set_component(source, name, "at", f"{left},{top}")


def _require_name(name: str) -> None:
    """Raise ValueError unless a component can be called that."""
    if not NAME.match(name) or len(name) > MOST_NAME:
        raise ValueError(
            f"'{short(name)}' is no name: use letters, digits, _ and - between them, {MOST_NAME} at most; not x4."
        )


class _Text:
    """A text that is about to be changed, with what it says."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.design: Design = read(source).design
        if len(source) > MOST_CHARS:
            raise ValueError(f"The text is longer than {MOST_CHARS:,} characters: shorten it first.")
        self.syntax = parse(source)

    def known(self, name: str) -> str:
        """Return a name as the text spells it first."""
        for each in self.design.components:
            if each.name.casefold() == name.casefold():
                return each.name
        names = [each.name for each in self.design.components]
        raise ValueError(f"There is no '{short(name)}' in the drawing.{near(name, names)}")

    def linked(self, start: str, end: str) -> tuple[str, str]:
        """Return the keys of a link's ends."""
        start, end = self.known(start), self.known(end)
        if not any((each.source, each.target) == (start, end) for each in self.design.links):
            raise ValueError(f"There is no link from '{short(start)}' to '{short(end)}'.")
        return start.casefold(), end.casefold()

    def free(self, word: str) -> str:
        taken = {each.name.casefold() for each in self.design.components}
        names = (f"{word}{number}" if number > 1 else word for number in range(1, MOST_COMPONENTS + 2))
        return next(name for name in names if name not in taken)

    def require_free(self, name: str) -> None:
        _require_name(name)
        if name.casefold() in {each.name.casefold() for each in self.design.components}:
            raise ValueError(f"The name '{name}' is taken: choose another.")

    def mentions(self, name: str) -> list[Node]:
        key = name.casefold()
        nodes = (node for each in self.syntax.statements for group in each.groups for node in group)
        return [node for node in nodes if node.name.casefold() == key]

    def drawing(self, ends: tuple[str, str]) -> list[Statement]:
        """Return the statements that draw a link."""
        return [each for each in self.syntax.statements if any(pair == ends for pair, _ in _pairs(each))]

    def with_line(self, line: str) -> str:
        before = self.source
        if before and before[-1] not in "\r\n":
            before += "\n"
        return _bounded(f"{before}{'; ' if self.syntax.goes_on else ''}{line}\n")

    def changed(self, changes: Sequence[_Change]) -> str:
        source = self.source
        for start, end, instead in sorted(changes, reverse=True):
            source = source[:start] + instead + source[end:]
        return _bounded(source)

    def bracket(self, part: Part, word: str, setting: str) -> _Change:
        """Return the change of a pair of brackets in which a parameter is set, or is not said any more."""
        inner = ", ".join(self._items(part, word, setting))
        start = part.start
        if not inner:
            start -= len(self.source[:start]) - len(self.source[:start].rstrip(" \t"))
        return start, part.end, f"[{inner}]" if inner else ""

    def _items(self, part: Part, word: str, setting: str) -> Iterator[str]:
        for item in part.items:
            if not _is(item, word):
                yield self.source[item.start : item.end]
            elif setting:
                yield setting
                setting = ""
        if setting:
            yield setting

    def redrawn(
        self,
        statement: Statement,
        *,
        without: tuple[str, str] | None = None,
        without_name: str = "",
        ends: tuple[str, str] | None = None,
        word: str = "",
        setting: str = "",
    ) -> _Change:
        """Return the change of a statement that leaves out a link or a component, or sets a parameter of a link."""
        matching = [arrow for pair, arrow in _pairs(statement) if pair == ends]
        alone = [
            number
            for number, arrow in enumerate(statement.arrows)
            if arrow in matching
            and len(_keys(statement.groups[number])) == len(_keys(statement.groups[number + 1])) == 1
        ]
        if ends and len(alone) == len(matching) == 1:
            arrow = matching[0]
            return arrow.start, arrow.end, self._arrow(arrow, word, setting)
        joins = []
        for pair, arrow in _pairs(statement):
            if pair == without or without_name in pair:
                continue
            drawn = self.source[arrow.start : arrow.end]
            if pair == ends:
                drawn = self._arrow(arrow, word, setting)
                setting = setting if word == "waits" else ""
            joins.append(Join(*pair, drawn))
        nodes = dict(self._nodes(statement, without_name))
        first = {
            node.name.casefold()
            for each in self.syntax.statements
            if each.start < statement.start
            for group in each.groups
            for node in group
        }
        spelled = {key: text.partition("\0")[0] for key, text in nodes.items()}
        lines = statements(
            {spelled[key]: text.replace("\0", "", 1) for key, text in nodes.items()},
            [Join(spelled[each.source], spelled[each.target], each.arrow) for each in joins],
            {spelled[key] for key in nodes if key in first},
        )
        return self._in_place(statement, lines)

    def _in_place(self, statement: Statement, lines: Sequence[str]) -> _Change:
        """Return the change from a statement to lines, with the comments that stood within it above them."""
        start, end = statement.start, statement.end
        inside = [self.source[a:b] for a, b in self.syntax.comments if start <= a < end]
        before = self.source[:start].rpartition("\n")[2].rpartition("\r")[2]
        after = self.source[end:].partition("\n")[0]
        if not lines and not inside and not before.strip() and not after.strip():
            return start - len(before), min(end + len(after) + 1, len(self.source)), ""
        opening = "\n" if inside and before.strip() else ""
        return start, end, opening + "\n".join([*inside, *lines]) + ("\n" if inside and not lines else "")

    def _nodes(self, statement: Statement, without: str) -> Iterator[tuple[str, str]]:
        """Yield the key of each component of a statement, and all that is said about it there; NUL ends its name."""
        said: dict[str, list[Node]] = {}
        for group in statement.groups:
            for node in group:
                said.setdefault(node.name.casefold(), []).append(node)
        for key, nodes in said.items():
            if key == without:
                continue
            parts = [part for node in nodes for part in node.parts]
            types = [part for part in parts if part.what == "type"][:1]
            others = [self.source[part.start : part.end] for part in parts if part.what != "type"]
            kind = "".join(f":{part.text}" for part in types)
            yield key, " ".join([f"{nodes[0].name}\0{kind}", *others])

    def _arrow(self, arrow: Arrow, word: str, setting: str) -> str:
        """Return an arrow with a parameter set, or not said any more."""
        if word == "waits":
            return setting + self.source[arrow.drawn : arrow.end]
        out = self.source[arrow.start : arrow.drawn]
        key = "" if word == "label" else word
        for part in arrow.parts:
            if part.what == "label":
                if word == "label":
                    out += f"[{setting}]" if setting else ""
                    setting = ""
                else:
                    out += f" {self.source[part.start : part.end]}"
                continue
            holds = any(_is(item, key) for item in part.items)
            last = not any(_is(item, key) for other in arrow.parts for item in other.items)
            inner = ", ".join(self._items(part, key, setting if holds or last else ""))
            setting = "" if holds or last else setting
            out += f"[{inner}]" if inner else ""
        return f"{out}[{setting}]" if setting else out


def _instances(text: _Text, nodes: Sequence[Node], value: str | None) -> list[_Change]:
    count = "" if value is None else value.strip().lstrip("xX×").replace("_", "")
    if value is not None and not (count.isascii() and count.isdigit() and len(count) <= 12):
        raise ValueError(f"'{short(value)}' is no number of instances: write a whole number.")
    parts = [part for each in nodes for part in each.parts if part.what == "x"]
    return _placed(text, nodes[0], parts, f"x{int(count)}" if count else "")


def _labelled(text: _Text, nodes: Sequence[Node], label: str) -> list[_Change]:
    parts = [part for each in nodes for part in each.parts if part.what == "label"]
    within = [
        part
        for each in nodes
        for part in each.parts
        if part.what == "brackets" and any(_is(item, "") for item in part.items)
    ]
    return [
        *_placed(text, nodes[0], parts, quoted(label) if label else ""),
        *(text.bracket(part, "", "") for part in within),
    ]


def _placed(text: _Text, first: Node, parts: Sequence[Part], instead: str) -> list[_Change]:
    """Return the changes that write something in place of the first of the parts, and in none of the others."""
    changes: list[_Change] = []
    for number, part in enumerate(parts):
        start = part.start
        if number or not instead:
            start -= len(text.source[:start]) - len(text.source[:start].rstrip(" \t"))
        changes.append((start, part.end, "" if number else instead))
    if instead and not parts:
        at = next((part.end for part in first.parts if part.what == "type"), first.named)
        changes.append((at, at, f" {instead}"))
    return changes


def _checked_label(value: str | None) -> str:
    if value and (len(value) > MOST_LABEL or UNPRINTABLE.search(value)):
        raise ValueError(f"A label is one line of {MOST_LABEL} characters at most, without controls.")
    return value or ""


def _parameter(word: str, words: Mapping[str, Parameter]) -> Parameter:
    parameter = words.get(word.casefold())
    if parameter is None:
        raise ValueError(f"There is no parameter '{short(word)}'.{near(word, list(words))}")
    return parameter


def _setting(parameter: Parameter, value: str | None) -> str:
    """Return a parameter with its value as it is typed, or "" for None."""
    if value is None:
        return ""
    read_value(parameter, value)
    return setting_text(parameter, " ".join(value.split()))


def _is(item: Item, word: str) -> bool:
    return item.word.casefold() == word


def _keys(group: Sequence[Node]) -> list[str]:
    return list(dict.fromkeys(node.name.casefold() for node in group))


def _pairs(statement: Statement) -> Iterator[tuple[tuple[str, str], Arrow]]:
    """Yield the keys of the ends of each link that a statement draws, in order, with its arrow."""
    for number, arrow in enumerate(statement.arrows):
        for source in _keys(statement.groups[number]):
            for target in _keys(statement.groups[number + 1]):
                yield (source, target), arrow


def _bounded(source: str) -> str:
    if len(source) > MOST_CHARS:
        raise ValueError(f"The text would be longer than {MOST_CHARS:,} characters: shorten it first.")
    return source
