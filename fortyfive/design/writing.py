"""A design as text again: canonical, with chains as long as its order lets them be."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fortyfive.design.kinds import COMPONENT_PARAMETERS, LINK_PARAMETERS, WORDS, Parameter
from fortyfive.design.model import Component, Design, Link, is_set
from fortyfive.design.syntax import quoted
from fortyfive.design.values import write_value

# Beyond this a statement goes on in a new line.
_WIDE = 100


@dataclass(frozen=True)
class Join:
    """A link as the writer sees it: its ends, and its arrow with all that stands behind it."""

    source: str
    target: str
    arrow: str


def write(design: Design) -> str:
    """Return the canonical text of a design, which `read` reads as the same design, order included.

    Raises ValueError for a value that cannot be typed; `rules.problems` names all such values.
    """
    nodes = {each.name: component_text(each) for each in design.components}
    for link in design.links:
        for end in (link.source, link.target):
            if end not in nodes:
                raise ValueError(f"'{link.name}' cannot be written: there is no '{end}'.")
    joins = [Join(each.source, each.target, arrow_text(each)) for each in design.links]
    return "".join(f"{line}\n" for line in statements(nodes, joins))


def default_kind(name: str) -> str:
    """Return the kind that a bare name stands for."""
    return WORDS.get(name.casefold(), "service")


def component_text(component: Component) -> str:
    """Return a component as it is typed where it is mentioned first."""
    words = [component.name if default_kind(component.name) == component.kind else f"{component.name}:{component.kind}"]
    if component.label:
        words.append(quoted(component.label))
    if component.instances is not None:
        words.append(f"x{component.instances}")
    if settings := list(_settings(component, COMPONENT_PARAMETERS)):
        words.append(f"[{', '.join(settings)}]")
    return " ".join(words)


def arrow_text(link: Link) -> str:
    """Return a link's arrow as it is typed, with its parameters and label."""
    settings = [*_settings(link, LINK_PARAMETERS), *([quoted(link.label)] if link.label else [])]
    return ("->" if link.waits else "~>") + (f"[{', '.join(settings)}]" if settings else "")


def setting_text(parameter: Parameter, written: str) -> str:
    """Return a parameter as it is typed."""
    return parameter.word if parameter.unit == "flag" else f"{parameter.word}={written}"


def _settings(thing: Component | Link, parameters: Iterable[Parameter]) -> Iterable[str]:
    for parameter in parameters:
        if is_set(thing, parameter.field):
            yield setting_text(parameter, write_value(parameter, getattr(thing, parameter.field)))


def statements(nodes: Mapping[str, str], joins: Sequence[Join], known: Collection[str] = ()) -> list[str]:
    """Return lines that mention the nodes in their order, each first with its text, and draw the joins in theirs.

    Nodes that are `known`, because lines above mention them, come in any order, and not without need.
    """
    return _Writer(nodes, joins, known).lines()


@dataclass(frozen=True)
class _Step:
    """An arrow that the next joins fit behind: from each of the sources to each of the targets."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def joins(self) -> int:
        return len(self.sources) * len(self.targets)


class _Writer:
    def __init__(self, nodes: Mapping[str, str], joins: Sequence[Join], known: Collection[str]) -> None:
        self.nodes, self.joins, self.known = nodes, joins, known
        self.names = [name for name in nodes if name not in known]
        self.at = 0  # the next join
        self.mentioned = 0  # so many of the names, always the first ones
        self.written: set[str] = set()
        self.out: list[str] = []
        self.pieces: list[str] = []

    def lines(self) -> list[str]:
        while self.at < len(self.joins):
            step = self._first_step()
            if step is None:
                self._declare()
                continue
            self.pieces = [self._group(step.sources)]
            last: tuple[str, ...] = step.sources
            while step is not None:
                self.pieces.append(f"{self.joins[self.at].arrow} {self._group(step.targets)}")
                self.at += step.joins
                last = step.targets
                step = self._next_step(last)
            self._flush()
        while self.mentioned < len(self.names):
            self._declare()
        self.out.extend(
            self._mention(name) for name in self.nodes if name not in self.written and self.nodes[name] != name
        )
        return self.out

    def _first_step(self) -> _Step | None:
        """Return the widest way to begin a statement that mentions new names in their order."""
        targets = self._run(self.at)
        sources = [self.joins[self.at].source]
        while self._repeats(self.at + len(sources) * len(targets), targets, self.joins[self.at].arrow, sources):
            sources.append(self.joins[self.at + len(sources) * len(targets)].source)
        wide = [_Step(tuple(sources[:count]), tuple(targets)) for count in range(len(sources), 1, -1)]
        narrow = [_Step((sources[0],), tuple(targets[:count])) for count in range(len(targets), 0, -1)]
        return next((step for step in (*wide, *narrow) if self._in_order((*step.sources, *step.targets))), None)

    def _next_step(self, sources: tuple[str, ...]) -> _Step | None:
        """Return the widest way to go on from a group, if the next joins begin there."""
        if self.at == len(self.joins) or self.joins[self.at].source != sources[0]:
            return None
        targets = self._run(self.at)
        for count in range(len(targets), 0, -1):
            step = _Step(sources, tuple(targets[:count]))
            at = self.at + count
            whole = all(
                self._draws(at + number * count, source, step.targets) for number, source in enumerate(sources[1:])
            )
            if whole and self._in_order(step.targets):
                return step
        return None

    def _run(self, at: int) -> list[str]:
        """Return the targets of the joins from here on that share a source and an arrow."""
        first, targets = self.joins[at], list[str]()
        for join in self.joins[at:]:
            if (join.source, join.arrow) != (first.source, first.arrow) or join.target in targets:
                break
            targets.append(join.target)
        return targets

    def _repeats(self, at: int, targets: Sequence[str], arrow: str, sources: Sequence[str]) -> bool:
        if at >= len(self.joins) or self.joins[at].source in sources:
            return False
        return self._draws(at, self.joins[at].source, targets, arrow)

    def _draws(self, at: int, source: str, targets: Sequence[str], arrow: str | None = None) -> bool:
        """Return whether the joins from here on lead from a source to these targets, by the arrow that is next."""
        arrow = self.joins[self.at].arrow if arrow is None else arrow
        return [*self.joins[at : at + len(targets)]] == [Join(source, target, arrow) for target in targets]

    def _in_order(self, names: Iterable[str]) -> bool:
        new = [name for name in dict.fromkeys(names) if name not in self.written and name not in self.known]
        return new == self.names[self.mentioned : self.mentioned + len(new)]

    def _group(self, names: Iterable[str]) -> str:
        return ", ".join(self._mention(name) for name in names)

    def _mention(self, name: str) -> str:
        if name in self.written:
            return name
        self.written.add(name)
        self.mentioned += name not in self.known
        return self.nodes[name]

    def _declare(self) -> None:
        """Mention the next name by itself: what comes after it is to be mentioned first otherwise."""
        self.out.append(self._mention(self.names[self.mentioned]))

    def _flush(self) -> None:
        line = self.pieces[0]
        for piece in self.pieces[1:]:
            if len(line) + len(piece) >= _WIDE:
                self.out.append(line)
                line = f"  {piece}"
            else:
                line = f"{line} {piece}"
        self.out.append(line)
