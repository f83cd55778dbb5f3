"""The text form of a design, which anyone can type on a call: `client -> api x4 [time=20ms] -> queue ~> workers`.

A component is `name` or `name:type`, then in any order "label", xN and [parameters]. A bare word for a kind is of that
kind (`kinds.WORDS`), any other word is a service. The same name later is the same component. `->` waits for the
answer, `~>` goes on at once; parameters behind an arrow are the link's. Commas make several sources or targets. A
statement ends with its line or with `;`; behind or before an arrow it goes on. `#` begins a comment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from fortyfive.design.kinds import COMPONENT_PARAMETERS, KINDS, LINK_PARAMETERS, WORDS, Kind, Parameter
from fortyfive.design.model import MOST_COMPONENTS, MOST_LINKS, Component, Design, Link
from fortyfive.design.rules import Problem, problems, with_article
from fortyfive.design.syntax import MOST_FAULTS, Arrow, Fault, Node, Part, Statement, Syntax, parse
from fortyfive.design.values import near, read_value, short
from fortyfive.design.writing import default_kind, write

__all__ = ["MOST_CHARS", "Reading", "Span", "read", "write"]

MOST_CHARS = 100_000
_MOST_PROBLEMS = 20

COMPONENT_WORDS = {parameter.word: parameter for parameter in COMPONENT_PARAMETERS}
LINK_WORDS = {parameter.word: parameter for parameter in LINK_PARAMETERS}
_INSTANCE_WORDS = ("instances", "instance", "count", "copies", "x", "n")


@dataclass(frozen=True)
class Span:
    """A piece of the text, from index `start` up to `end`."""

    start: int
    end: int


@dataclass(frozen=True)
class Reading:
    """What a text says: the design as far as it could be read, and every problem, with its place.

    `mentions` holds the places where each component stands, by name, `arrows` those of each link, by its two ends, and
    `settings` where a parameter is said first, by component or link as in `Problem.subject`, and word.
    """

    source: str
    design: Design
    problems: tuple[Problem, ...]
    mentions: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    arrows: Mapping[tuple[str, str], tuple[Span, ...]] = field(default_factory=dict)
    settings: Mapping[tuple[str, str], Span] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the design can be run: no problem is fatal."""
        return not any(problem.fatal for problem in self.problems)


def read(source: str) -> Reading:
    """Return the design that a text draws, with the problems of the text and of the design.

    Any text has a reading. Raises TypeError for what is no text.
    """
    if not isinstance(source, str):
        raise TypeError(f"A design is drawn as a text such as 'client -> service -> db', not {type(source).__name__}.")
    if len(source) > MOST_CHARS:
        sentence = (
            f"The text has {len(source):,} characters, and a design has {MOST_CHARS:,} at most: nothing of it was "
            "read. Draw one system, in a page or two."
        )
        return Reading(source, Design(), (Problem(sentence, line=1, column=1),))
    return _Reader(source, parse(source)).reading()


@dataclass
class _Thing:
    """A component or link as it is gathered from the places where it is mentioned."""

    name: str
    at: int
    kind: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Span] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)


class _Reader:
    def __init__(self, source: str, syntax: Syntax) -> None:
        self.source, self.syntax = source, syntax
        self.faults: list[Fault] = list(syntax.faults)
        self.components: dict[str, _Thing] = {}
        self.links: dict[tuple[str, str], _Thing] = {}

    def reading(self) -> Reading:
        for statement in self.syntax.statements:
            if len(self.faults) < 2 * MOST_FAULTS:
                self._statement(statement)
        design = Design(
            tuple(Component(each.name, self._kind(each).word, **each.values) for each in self.components.values()),
            tuple(Link(*self._ends(key), **each.values) for key, each in self.links.items()),
        )
        by_subject = {each.name: each for each in self.components.values()}
        for link, each in zip(design.links, self.links.values(), strict=True):
            by_subject[link.name] = each
        return Reading(
            self.source,
            design,
            tuple(self._problems(design, by_subject)),
            {each.name: tuple(each.spans) for each in self.components.values()},
            {self._ends(key): tuple(each.spans) for key, each in self.links.items()},
            {(name, word): span for name, each in by_subject.items() for word, span in each.said.items()},
        )

    def _ends(self, key: tuple[str, str]) -> tuple[str, str]:
        return self.components[key[0]].name, self.components[key[1]].name

    def _kind(self, thing: _Thing) -> Kind:
        return KINDS[thing.kind or default_kind(thing.name)]

    def _statement(self, statement: Statement) -> None:
        before: tuple[str, ...] = ()
        for number, group in enumerate(statement.groups):
            keys = tuple(dict.fromkeys(key for node in group if (key := self._component(node))))
            if number:
                self._links(statement.arrows[number - 1], before, keys)
            before = keys

    def _component(self, node: Node) -> str:
        """Gather what a mention says; return the component's key, or "" where there are too many already."""
        key = node.name.casefold()
        if key not in self.components:
            if len(self.components) > MOST_COMPONENTS:
                return ""
            self.components[key] = _Thing(node.name, node.start)
        thing = self.components[key]
        thing.spans.append(Span(node.start, node.end))
        for part in node.parts:
            if part.what == "type":
                self._type(thing, part)
            elif part.what == "x":
                self._set(thing, "instances", "x", int(part.text.replace("_", "")[:40]), Span(part.start, part.end))
            elif part.what == "label":
                self._set(thing, "label", "label", part.text, Span(part.start, part.end))
            else:
                self._items(thing, part, COMPONENT_WORDS, lambda: self._kind(thing))
        return key

    def _type(self, thing: _Thing, part: Part) -> None:
        kind = WORDS.get(part.text.casefold(), "")
        if not kind:
            at = part.end - len(part.text)
            self.faults.append((at, lambda: _no_kind(part.text)))
        elif thing.kind and thing.kind != kind:
            self.faults.append((part.start, f"'{short(thing.name)}' is both {thing.kind} and {kind}: decide for one."))
        else:
            thing.kind = kind
            thing.said.setdefault("type", Span(part.start, part.end))

    def _links(self, arrow: Arrow, sources: tuple[str, ...], targets: tuple[str, ...]) -> None:
        span = Span(arrow.start, arrow.end)
        for ends in ((source, target) for source in sources for target in targets):
            if ends not in self.links:
                if len(self.links) > MOST_LINKS:
                    return
                name = " ".join(
                    (self.components[ends[0]].name, "->" if arrow.waits else "~>", self.components[ends[1]].name)
                )
                self.links[ends] = _Thing(name, arrow.start, values={"waits": arrow.waits})
            link = self.links[ends]
            link.spans.append(span)
            if link.values["waits"] != arrow.waits:
                self.faults.append((arrow.start, f"'{link.name}' is drawn with -> and with ~>: decide for one."))
            for part in arrow.parts:
                if part.what == "label":
                    self._set(link, "label", "label", part.text, Span(part.start, part.end))
                else:
                    self._items(link, part, LINK_WORDS, None)

    def _items(
        self, thing: _Thing, part: Part, words: Mapping[str, Parameter], kind: Callable[[], Kind] | None
    ) -> None:
        for item in part.items:
            span = Span(item.start, item.end)
            if not item.word:
                if item.value or self.source[item.start] in "\"'“":
                    self._set(thing, "label", "label", item.value, span)
                continue
            parameter = words.get(item.word.casefold())
            if parameter is None:
                self.faults.append((item.start, partial(_no_parameter, item.word, kind)))
                continue
            try:
                value = read_value(parameter, item.value)
            except ValueError as problem:
                self.faults.append((item.start, str(problem)))
            else:
                self._set(thing, parameter.field, parameter.word, value, span)

    def _set(self, thing: _Thing, name: str, word: str, value: Any, span: Span) -> None:
        if thing.values.setdefault(name, value) != value:
            first = thing.said[word]
            said = [short(self.source[each.start : each.end]) for each in (first, span)]
            self.faults.append((span.start, f"'{short(thing.name)}' has {said[0]} and {said[1]}: say it once."))
        thing.said.setdefault(word, span)

    def _problems(self, design: Design, by_subject: Mapping[str, _Thing]) -> Iterator[Problem]:
        starts = [0, *_line_starts(self.source)]
        found: list[tuple[int, str | Callable[[], str] | Problem]] = [*self.faults]
        if design.components or not self.faults:
            for problem in problems(design):
                thing = by_subject.get(problem.subject)
                if not problem.fatal and (self.faults or (thing and thing.kind and problem.word == "type")):
                    continue  # what cannot be read yet may be what is missing; and a type that is said is meant
                at = 0 if thing is None else thing.said[problem.word].start if problem.word in thing.said else thing.at
                found.append((at, problem))
        found.sort(key=lambda each: each[0])
        for at, what in found[:_MOST_PROBLEMS]:
            line = bisect_right(starts, at)
            problem = what if isinstance(what, Problem) else Problem(what if isinstance(what, str) else what())
            yield replace(problem, line=line, column=at - starts[line - 1] + 1)
        if rest := [what for _, what in found[_MOST_PROBLEMS:]]:
            fatal = any(not isinstance(what, Problem) or what.fatal for what in rest)
            least = "at least " if len(self.faults) >= MOST_FAULTS else ""
            yield Problem(f"And {least}{len(rest):,} more.", fatal=fatal)


def _line_starts(source: str) -> Iterator[int]:
    at = 0
    for line in source.replace("\r\n", "\n\n").replace("\r", "\n").split("\n")[:-1]:
        at += len(line) + 1
        if source[at - 1 : at + 1] != "\r\n":
            yield at


def _no_kind(word: str) -> str:
    return (
        f"'{short(word)}' is no kind of component.{near(word, list(WORDS))} There are: {', '.join(KINDS)}, "
        "and other names for them."
    )


def _no_parameter(word: str, kind_of: Callable[[], Kind] | None) -> str:
    kind = kind_of() if kind_of else None
    words = list(kind.parameters) if kind else list(LINK_WORDS)
    what = with_article(kind.title) if kind else "a link"
    said = word.casefold()
    if kind and (said in _INSTANCE_WORDS or near(said, _INSTANCE_WORDS)):
        hint = " The number of instances is written behind the name, as in x4."
    elif word.isdigit():
        hint = " Within a number there is no comma: 10000, 10_000 or 10k."
    elif said in ("label", "name", "title"):
        hint = ' A label is written in quotation marks: "label".'
    else:
        hint = near(said, words) or (near(said, list(COMPONENT_WORDS)) and " It is one of another kind.")
    takes = f"{what[0].upper()}{what[1:]} takes: {', '.join(words)}."
    return f"'{short(word)}' is no parameter of {what}.{hint} {takes}"
