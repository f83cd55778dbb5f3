"""The text form's grammar: a text becomes statements of components and arrows, each with its place in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from fortyfive.design.values import short

# Reading stops at so many: what follows them is no design either.
MOST_FAULTS = 1_000

# An index into the text, and the sentence, or what makes it once all is known.
Fault = tuple[int, str | Callable[[], str]]

_TOKEN = re.compile(
    r"""
    (?P<space>[^\S\n\r]++)
    | (?P<comment>\#[^\n\r]*+)
    | (?P<line>\r\n?|\n)
    | (?P<arrow>[-–—=]{1,3}+>|~{1,3}+>|[→⟶⇒⇝])
    | (?P<back><[-–—=~]{1,3}+>?|[←⟵⇐])
    | (?P<times>[×✕][^\S\n\r]*+[\w.+-]*+)
    | (?P<word>\w++(?:-++\w++)*)
    | (?P<mark>[:,;])
    | (?P<open>["'“\[])
    | (?P<other>[^\s\w:,;"'“\[\#→⟶⇒⇝←⟵⇐×✕<~=–—-]++|.)
    """,
    re.VERBOSE,
)
_QUOTED = {
    '"': re.compile(r'"(?:[^"\\\n\r]|\\[^\n\r])*+'),
    "'": re.compile(r"'(?:[^'\\\n\r]|\\[^\n\r])*+"),
    "“": re.compile(r"“[^”\n\r]*+"),
}
_CLOSING = {'"': '"', "'": "'", "“": "”", "[": "]"}
_IN_BRACKETS = re.compile(
    r"""\[(?:[^\]"'“\n\r]++|"(?:[^"\\\n\r]|\\[^\n\r])*+"|'(?:[^'\\\n\r]|\\[^\n\r])*+'|“[^”\n\r]*+”)*+"""
)
_ITEM = re.compile(r"""(?:[^,"'“]++|"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|“[^”]*+”)++""")
_PLACE = re.compile(r"\s*at\s*=[^,]*\Z", re.IGNORECASE)
_REST_OF_LINE = re.compile(r"[^\n\r]*+")
_INSTANCES = re.compile(r"[xX×✕]\s*([0-9][0-9_]*)\Z")
NAME = re.compile(r"(?![xX][0-9]+\Z)\w+(?:-+\w+)*\Z")


class Item(NamedTuple):
    """One parameter in brackets: its word ("" for a quoted label), its value as typed ("" for none), and where."""

    word: str
    value: str
    start: int
    end: int


class Part(NamedTuple):
    """What stands behind a name or an arrow: its "type", "label", "x" or "brackets", and where it stands."""

    what: str
    text: str
    start: int
    end: int
    items: tuple[Item, ...] = ()


class Node(NamedTuple):
    """A mention of a component; `start` and `named` bound its name, `end` is behind its last part."""

    name: str
    start: int
    named: int
    end: int
    parts: tuple[Part, ...] = ()


class Arrow(NamedTuple):
    """An arrow between two groups; `drawn` is the end of the arrow itself, `end` that of its brackets."""

    waits: bool
    start: int
    drawn: int
    end: int
    parts: tuple[Part, ...] = ()


class Statement(NamedTuple):
    """Groups of components with an arrow from each to the next."""

    groups: tuple[tuple[Node, ...], ...]
    arrows: tuple[Arrow, ...]

    @property
    def start(self) -> int:
        """Where its first component begins."""
        return self.groups[0][0].start

    @property
    def end(self) -> int:
        """The end of its last component."""
        return self.groups[-1][-1].end


class _Token(NamedTuple):
    what: str
    text: str
    start: int
    end: int


@dataclass
class Syntax:
    """The statements of a text, its comments as (start, end), and what could not be read.

    With `goes_on` the last statement waits for more: a line that is put behind it belongs to it.
    """

    statements: list[Statement] = field(default_factory=list)
    comments: list[tuple[int, int]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    goes_on: bool = False


def parse(source: str) -> Syntax:
    """Return what a text says. Reads any text, in time that grows with its length."""
    syntax = Syntax()
    tokens = list(_joined(_tokens(source, syntax), syntax))
    # The end of the last line, so that the parser need not ask whether there is one more token.
    tokens.append(_Token("line", "\n", len(source), len(source)))
    _Parser(tokens, syntax).parse()
    return syntax


def unquoted(text: str) -> str:
    """Return what stands between quotation marks."""
    inner = text[1:-1]
    return inner if text[0] == "“" else re.sub(r"\\(.)", r"\1", inner)


def quoted(text: str) -> str:
    """Return a text between quotation marks, which `unquoted` takes away."""
    inner = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}"'


def _tokens(source: str, syntax: Syntax) -> Iterator[_Token]:
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        assert found is not None  # the last alternative takes any character
        what, end = str(found.lastgroup), found.end()
        if what == "open":
            what, end = _enclosed(source, at, syntax)
        if what == "comment":
            syntax.comments.append((at, end))
        elif what != "space":
            yield _Token(what, source[at:end], at, end)
        at = end


def _enclosed(source: str, at: int, syntax: Syntax) -> tuple[str, int]:
    """Return what a quotation mark or bracket opens, and its end; where nothing closes it, the end of its line."""
    opening = source[at]
    found = (_IN_BRACKETS if opening == "[" else _QUOTED[opening]).match(source, at)
    end = found.end() if found else at + 1
    if source[end : end + 1] == _CLOSING[opening]:
        return "brackets" if opening == "[" else "label", end + 1
    name = "bracket" if opening == "[" else "quotation mark"
    syntax.faults.append((at, f"This {name} is not closed on its line: write {_CLOSING[opening]} where it ends."))
    rest = _REST_OF_LINE.match(source, end)
    return "space", rest.end() if rest else end


def _joined(tokens: Iterator[_Token], syntax: Syntax) -> Iterator[_Token]:
    """Leave out the ends of lines behind an arrow or a comma and before an arrow: there a statement goes on."""
    line: _Token | None = None
    begun = False
    for token in tokens:
        if token.what == "line":
            line = line or token
            continue
        if line and begun and token.what != "arrow" and not syntax.goes_on:
            yield line
        # What stands behind an arrow, before the next component, is the arrow's.
        of_arrow = syntax.goes_on and token.what in ("brackets", "label")
        syntax.goes_on = of_arrow or token.what == "arrow" or token.text == ","
        line, begun = None, True
        yield token


class _Parser:
    """One pass over the tokens, without a look back."""

    def __init__(self, tokens: list[_Token], syntax: Syntax) -> None:
        self.tokens, self.syntax, self.at = tokens, syntax, 0

    def parse(self) -> None:
        while self.at < len(self.tokens) and len(self.syntax.faults) < MOST_FAULTS:
            if self._ends():
                self.at += 1
            else:
                self._statement()

    def _statement(self) -> None:
        groups: list[tuple[Node, ...]] = []
        arrows: list[Arrow] = []
        while True:
            group = self._group()
            if not group:
                break
            groups.append(group)
            if self._what() != "arrow":
                break
            arrows.append(self._arrow())
        if groups:
            self.syntax.statements.append(Statement(tuple(groups), tuple(arrows[: len(groups) - 1])))
        if not self._ends():
            self._skip()

    def _skip(self) -> None:
        """Say what stands where the statement should have ended, and go on behind it or with it."""
        token = self.tokens[self.at]
        before = self.tokens[self.at - 1] if self.at else None
        said = short(token.text)
        if token.what == "word":
            place = short(before.text) if before else ""
            self._fault(token, f"Between '{place}' and '{said}' an arrow is missing: -> or ~>, or a comma.")
            return
        self.at += 1
        if token.what == "arrow" or (before and (before.what == "arrow" or before.text == ",")):
            return  # said already: a component is missing
        if token.what == "back":
            self._fault(token, f"'{said}': arrows go from the caller to what it calls. Write -> and swap the two ends.")
        elif token.what in ("brackets", "label", "times"):
            self._fault(token, f"{said} stands alone: write it behind the component that it is about.")
        elif said in "-=~>":
            self._fault(token, f"'{said}' is no arrow: write -> or ~>, without a space in it.")
        else:
            self._fault(token, f"'{said}' means nothing here. A line reads: client -> service x4 [time=20ms] -> db")

    def _group(self) -> tuple[Node, ...]:
        nodes: list[Node] = []
        while True:
            token = self.tokens[self.at]
            if token.what != "word":
                before = self.tokens[self.at - 1] if self.at else None
                if before and (before.what == "arrow" or before.text == ","):
                    self._fault(before, f"Behind '{before.text}' a component is missing: write its name.")
                elif token.what == "arrow":
                    self._fault(token, f"Before '{token.text}' a component is missing: write its name.")
                return tuple(nodes)
            nodes.append(self._node())
            if self._text() != ",":
                return tuple(nodes)
            self.at += 1

    def _node(self) -> Node:
        name = self.tokens[self.at]
        self.at += 1
        parts: list[Part] = []
        if self._text() == ":":
            colon = self.tokens[self.at]
            self.at += 1
            if self._what() == "word":
                kind = self.tokens[self.at]
                self.at += 1
                parts.append(Part("type", kind.text, colon.start, kind.end))
            else:
                self._fault(colon, "Behind ':' the type is missing, as in orders:sql.")
        while self._what() in ("label", "times", "word", "brackets"):
            token = self.tokens[self.at]
            if token.what == "word" and token.text[:1] not in "xX":
                break
            if token.what in ("times", "word"):
                count = _INSTANCES.match(token.text)
                if token.what == "word" and not count and not re.match(r"[xX][-\d]", token.text):
                    break
                if count:
                    parts.append(Part("x", count[1], token.start, token.end))
                else:
                    said = short(token.text)
                    self._fault(token, f"'{said}' is no number of instances: write x and a whole number, as in x4.")
            else:
                parts.append(self._part(token))
            self.at += 1
        return Node(name.text, name.start, name.end, self.tokens[self.at - 1].end, tuple(parts))

    def _arrow(self) -> Arrow:
        token = self.tokens[self.at]
        self.at += 1
        parts = []
        while self._what() in ("brackets", "label"):
            parts.append(self._part(self.tokens[self.at]))
            self.at += 1
        waits = token.text[0] not in "~⇝"
        return Arrow(waits, token.start, token.end, self.tokens[self.at - 1].end, tuple(parts))

    def _part(self, token: _Token) -> Part:
        if token.what == "label":
            return Part("label", unquoted(token.text), token.start, token.end)
        return Part("brackets", token.text, token.start, token.end, tuple(_items(token)))

    def _what(self) -> str:
        return self.tokens[self.at].what

    def _text(self) -> str:
        return self.tokens[self.at].text

    def _ends(self) -> bool:
        token = self.tokens[self.at]
        return token.what == "line" or token.text == ";"

    def _fault(self, token: _Token, sentence: str) -> None:
        self.syntax.faults.append((token.start, sentence))


def _items(token: _Token) -> Iterator[Item]:
    """Yield what stands between brackets, separated by commas; the comma of a place `at=120,80` belongs to it."""
    inner, start = token.text[1:-1], token.start + 1
    found = list(_ITEM.finditer(inner))
    index = 0
    while index < len(found):
        begin, end = found[index].span()
        if _PLACE.match(inner[begin:end]) and index + 1 < len(found):
            index += 1
            end = found[index].end()
        index += 1
        text = inner[begin:end]
        begin += len(text) - len(text.lstrip())
        text = text.strip()
        if not text:
            continue
        if text[0] in _QUOTED and text[-1] == _CLOSING[text[0]] and len(text) > 1:
            word, value = "", unquoted(text)
        else:
            word, _, value = (side.strip() for side in text.partition("="))
        yield Item(word, value, start + begin, start + begin + len(text))
