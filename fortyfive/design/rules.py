"""What is wrong with a design, in sentences that say what it means and what to do."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import networkx

from fortyfive.design.kinds import COMPONENT_PARAMETERS, KINDS, LINK_PARAMETERS, WORDS, Parameter
from fortyfive.design.model import MOST_COMPONENTS, MOST_INSTANCES, MOST_LINKS, Component, Design, Link, is_set
from fortyfive.design.syntax import NAME
from fortyfive.design.values import example, near, short, write_value

MOST_NAME, MOST_LABEL = 60, 200
# The p99 of a lognormal distribution is at most exp(2.326 ** 2 / 2) = 14.97 times its mean.
MOST_P99_OVER_MEAN = 14.9
# What no text of a drawing may hold: controls, halves of pairs, and what XML knows no character for.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MOST_SHOWN = 10**15
_INSTANCES = re.compile(r"[xX][0-9]+\Z")
# A name that ends in a word for one of these is often a service all the same: orders-api, web-app.
_COMMON_ENDINGS = ("client", "gateway", "service")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: what it is, what it means, what to do; `fatal` where the design cannot be run.

    `subject` is the name of a component or a link, or "", and `word` the parameter, "x", "label" or "type" that it is
    about, or "". `line` and `column` count from 1 in the text that was read; 0 where there is none.
    """

    message: str
    subject: str = ""
    line: int = 0
    column: int = 0
    fatal: bool = True
    word: str = ""

    def __str__(self) -> str:
        return f"Line {self.line}, column {self.column}: {self.message}" if self.line else self.message


def problems(design: Design) -> tuple[Problem, ...]:
    """Return what is wrong with a design, in its own order: what stops a run, and notes that do not."""
    if not design.components:
        return (Problem("Nothing is drawn: begin with who calls and what is called, as in client -> service -> db."),)
    for things, most, what in (
        (design.components, MOST_COMPONENTS, "components"),
        (design.links, MOST_LINKS, "links"),
    ):
        if len(things) > most:
            return (Problem(f"There are more than {most} {what}: nobody reads such a drawing. Draw one system of it."),)
    return tuple(_found(design))


def reached(design: Design) -> frozenset[str]:
    """Return the names of what requests of a client can come to, and of the clients."""
    graph = design.graph()
    clients = [each.name for each in design.of_kind("client")]
    return frozenset(clients).union(*(networkx.descendants(graph, name) for name in clients))


def cuts(design: Design, source: str, target: str) -> tuple[str, ...]:
    """Return the components between two others that lie on every path from one to the other, in the order of the path.

    Without any one of them no path is left. They are the dominators of the target. () where there is no path. Raises
    KeyError for a name that the design does not have.
    """
    for end in (source, target):
        design.component(end)
    above = networkx.immediate_dominators(design.graph(), source)
    between: list[str] = []
    name: str | None = above.get(target)
    while name is not None and name != source:
        between.append(name)
        name = above[name]
    return tuple(reversed(between))


def _found(design: Design) -> Iterator[Problem]:
    yield from _double_names(design)
    for component in design.components:
        yield from _component(component)
    names = {each.name for each in design.components}
    pairs = Counter((each.source, each.target) for each in design.links)
    for link in design.links:
        yield from _link(design, link, names, pairs)
    yield from _shares(design)
    yield from _circles(design)
    yield from _clients(design)
    yield from _notes(design)


def _double_names(design: Design) -> Iterator[Problem]:
    seen: set[str] = set()
    for each in design.components:
        if each.name.casefold() in seen:
            yield Problem(
                f"Two components are called '{short(each.name)}': names are compared without case. Rename one.",
                each.name,
            )
        seen.add(each.name.casefold())


def _component(component: Component) -> Iterator[Problem]:
    name, said = component.name, short(component.name)
    if isinstance(name, str) and _INSTANCES.match(name):
        yield Problem(f"'{said}' is a number of instances: write it behind a name, as in api {said}.", name)
    elif not isinstance(name, str) or not NAME.match(name):
        yield Problem(f"'{said}' cannot be typed as a name: use letters and digits, with _ or - between them.", name)
    elif len(name) > MOST_NAME:
        yield Problem(f"The name '{said}' is longer than {MOST_NAME} characters: shorten it, and use a label.", name)
    yield from _label(component.label, name, said)
    count = component.instances
    if count is not None and (isinstance(count, bool) or not isinstance(count, int)):
        yield Problem(f"'{said}' has {count!r} instances: choose a whole number.", name, word="x")
    elif count is not None and not 1 <= count <= MOST_INSTANCES:
        yield Problem(
            f"'{said}' has {_counted(count)} instances: choose 1 to {MOST_INSTANCES:,}. "
            "One at least has to work, and nobody runs more behind one box.",
            name,
            word="x",
        )
    kind = KINDS.get(component.kind)
    if kind is None:
        yield Problem(
            f"'{said}' is a '{short(component.kind)}', which is no kind of component."
            f"{near(component.kind, list(WORDS))} There are: {', '.join(KINDS)}.",
            name,
            word="type",
        )
        return
    fine = True
    for parameter in COMPONENT_PARAMETERS:
        if not is_set(component, parameter.field):
            continue
        if parameter.word not in kind.parameters:
            yield Problem(
                f"'{said}' is {with_article(kind.title)} and takes no '{parameter.word}': it would change nothing. It "
                f"takes: {', '.join(kind.parameters)}.",
                name,
                word=parameter.word,
            )
        elif wrong := _wrong(parameter, getattr(component, parameter.field)):
            fine = False
            yield Problem(f"'{said}': {wrong}", name, word=parameter.word)
    if fine:
        yield from _p99(component)
        if count is None or isinstance(count, int):
            yield from _machines(component)


def _label(label: str, subject: str, said: str) -> Iterator[Problem]:
    if not isinstance(label, str) or len(label) > MOST_LABEL or UNPRINTABLE.search(label):
        yield Problem(
            f"The label of '{said}' cannot be drawn: write one line of {MOST_LABEL} characters at most.",
            subject,
            word="label",
        )


def _wrong(parameter: Parameter, value: object) -> str:
    """Return what is wrong with a value of this parameter, or ""."""
    word, unit = parameter.word, parameter.unit
    if unit == "flag":
        return "" if value is True else f"'{word}' is on or off, not {value!r}."
    if unit == "word":
        return "" if value in parameter.choices else f"'{word}' is {value!r}: write {', '.join(parameter.choices)}."
    if unit == "words":
        words = value if isinstance(value, tuple) else ()
        fine = all(isinstance(each, str) and NAME.match(each) for each in words) and 0 < len(words) == len(set(words))
        return "" if fine else f"'{word}' names each kind of request once: write {example(parameter)}."
    numbers = value if unit == "place" and isinstance(value, tuple) and len(value) == 2 else (value,)
    whole = unit in ("count", "place")
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int if whole else int | float):
            return f"'{word}' is {short(repr(value))}: choose {'a whole number' if whole else 'a number'}."
        if not parameter.low <= number <= parameter.high:
            hint = f" Or is it {number:g}%?" if unit == "share" and 1 < number <= 100 else ""
            low, high = (_shown(parameter, bound) for bound in (parameter.low, parameter.high))
            return f"'{word}' is {_shown(parameter, number)}: choose a value from {low} to {high}.{hint}"
    return ""


def _shown(parameter: Parameter, number: float) -> str:
    """Return a number as it is typed where it can be, and shortened where it is long."""
    if not abs(number) < _MOST_SHOWN:
        return "beyond all bounds"
    if parameter.unit == "place":
        return short(f"{int(number):,}")
    return short(write_value(parameter, int(number) if parameter.unit == "count" else number))


def _p99(component: Component) -> Iterator[Problem]:
    if component.p99_s is None:
        return
    mean = component.type.time_s if component.time_s is None else component.time_s
    ratio = component.p99_s / mean if mean > 0 else math.inf
    if not 1 <= ratio <= MOST_P99_OVER_MEAN:
        time, p99 = (
            write_value(each, value)
            for each, value in zip(COMPONENT_PARAMETERS[:2], (mean, component.p99_s), strict=True)
        )
        yield Problem(
            f"'{short(component.name)}' has p99={p99} at a mean time of {time}: no such times are known here. A "
            f"p99 is 1 to {MOST_P99_OVER_MEAN} times the mean.",
            component.name,
            word="p99",
        )


def _machines(component: Component) -> Iterator[Problem]:
    name, said = component.name, short(component.name)
    if (replicas := component.parts * component.spares) > MOST_INSTANCES:
        yield Problem(
            f"'{said}' has {replicas:,} replicas, {component.spares} for each part: {MOST_INSTANCES:,} are the most. "
            "Choose fewer shards or replicas.",
            name,
            word="shards" if component.shards else "replicas",
        )
    if component.kind == "sql" and component.instances and (component.replicas is not None or component.shards):
        if component.instances != component.machines:
            yield Problem(
                f"'{said}' is x{component.instances}, but its shards and replicas make {component.machines} machines, "
                "and these count. Leave out one of the two.",
                name,
                fatal=False,
                word="x",
            )
    elif component.type.keeps and component.instances and component.shards not in (None, component.instances):
        yield Problem(
            f"'{said}' is x{component.instances} and has shards={component.shards}, which counts. "
            "Leave out one of the two.",
            name,
            fatal=False,
            word="x",
        )
    if component.hit is not None and component.size is not None:
        yield Problem(
            f"'{said}' has a hit ratio and a size: the hit ratio counts, and the size changes nothing. Leave out "
            "'hit' to have it follow from the keys.",
            name,
            fatal=False,
            word="hit",
        )


def _link(design: Design, link: Link, names: set[str], pairs: Counter[tuple[str, str]]) -> Iterator[Problem]:
    said = short(link.name)
    for end in dict.fromkeys((link.source, link.target)):
        if end not in names:
            yield Problem(
                f"'{said}' ends in the air: there is no '{short(end)}'. Draw it, or leave out the link.", link.name
            )
    if pairs[link.source, link.target] > 1:
        yield Problem(
            f"'{said}' is there twice: one link leads from one component to another. Write fanout=2 for two calls.",
            link.name,
        )
    if link.target in names and design.component(link.target).kind == "client":
        yield Problem(
            f"'{said}' leads to a client, which takes no calls: its answer comes back along the arrows. To push to "
            "clients, let them keep a connection: client -> sockets.",
            link.name,
        )
    yield from _label(link.label, link.name, said)
    for parameter in LINK_PARAMETERS:
        if is_set(link, parameter.field) and (wrong := _wrong(parameter, getattr(link, parameter.field))):
            yield Problem(f"'{said}': {wrong}", link.name, word=parameter.word)
    if "miss" in link.only and not _after_a_cache(design, link):
        yield Problem(
            f"'{said}' has only=miss, but '{short(link.source)}' is no cache and asks none before: nothing can miss. "
            "Draw its link to the cache above this one.",
            link.name,
            fatal=False,
            word="only",
        )


def _after_a_cache(design: Design, link: Link) -> bool:
    caches = {each.name for each in design.of_kind("cache", "cdn")}
    if link.source in caches:
        return True
    own = design.links_from(link.source)
    return any(each.target in caches for each in own[: own.index(link)])


def _shares(design: Design) -> Iterator[Problem]:
    sums: dict[str, float] = defaultdict(float)
    for link in design.links:
        if isinstance(link.share, int | float) and 0 <= link.share <= 1:
            before, sums[link.source] = sums[link.source], sums[link.source] + link.share
            if before <= 1 + 1e-9 < sums[link.source]:
                yield Problem(
                    f"The shares of the links of '{short(link.source)}' are {100 * sums[link.source]:.4g} % together. "
                    "A request takes one of these ways, so choose 100 % or less.",
                    link.name,
                    word="share",
                )


def _circles(design: Design) -> Iterator[Problem]:
    order = {each.name: number for number, each in enumerate(design.components)}
    known = [each for each in design.links if each.source in order and each.target in order]
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(order)
    graph.add_edges_from((each.source, each.target) for each in known)
    knots = [sorted(each, key=order.__getitem__) for each in networkx.strongly_connected_components(graph)]
    for knot in sorted(knots, key=lambda names: order[names[0]]):
        first = knot[0]
        inside: networkx.DiGraph[str] = networkx.DiGraph()
        inside.add_nodes_from(knot)
        inside.add_edges_from(edge for edge in graph.edges if edge[0] in inside and edge[1] in inside)
        ways = [networkx.shortest_path(inside, name, first) for name in inside.successors(first)]
        if not ways:
            continue
        circle = [first, *min(ways, key=len)]
        last = next(each for each in known if (each.source, each.target) == (circle[-2], first))
        yield Problem(
            f"A request would go round for ever: {' -> '.join(map(short, circle))}. An answer goes back along the "
            "arrows by itself: leave out one of these links.",
            last.name,
        )


def _clients(design: Design) -> Iterator[Problem]:
    clients = design.of_kind("client")
    if not clients:
        yield Problem("There is no client, so nothing is ever asked: begin with who calls, as in client -> service.")
    for each in clients:
        if not design.links_from(each.name) and not design.links_to(each.name):
            yield Problem(
                f"'{short(each.name)}' leads nowhere: draw what the client calls, as in {short(each.name)} -> service.",
                each.name,
            )


def _notes(design: Design) -> Iterator[Problem]:
    found = reached(design) if design.of_kind("client") else frozenset(each.name for each in design.components)
    for each in design.components:
        kind, said = KINDS.get(each.kind), short(each.name)
        if each.name not in found:
            pulls = any(KINDS[other.kind].hands_on for other in _called(design, each)) and each.kind == "workers"
            hint = (
                "Arrows go the way the messages go: queue -> workers."
                if pulls
                else "Draw what calls it, or leave it out."
            )
            yield Problem(f"No request of a client comes to '{said}'. {hint}", each.name, fatal=False)
        if kind and kind.hands_on and not design.links_from(each.name):
            yield Problem(
                f"Nobody takes messages from '{said}': they pile up. Draw who works through them: {said} -> workers.",
                each.name,
                fatal=False,
            )
        if each.kind == "service" and (other := _other_kind(each.name)):
            yield Problem(
                f"'{said}' is a service here. If you mean {with_article(KINDS[other].title)}, write {said}:{other}.",
                each.name,
                fatal=False,
                word="type",
            )


def _called(design: Design, component: Component) -> Iterator[Component]:
    targets = {each.target for each in design.links_from(component.name)}
    return (each for each in design.components if each.name in targets and each.kind in KINDS)


def _other_kind(name: str) -> str:
    """Return the kind that the last word of a service's name stands for, or ""."""
    last = re.split(r"[-_]+", name.casefold())[-1]
    kind = WORDS.get(last) or WORDS.get(last.rstrip("0123456789"), "")
    return "" if kind in _COMMON_ENDINGS else kind


def _counted(count: int) -> str:
    return f"{count:,}" if abs(count) < _MOST_SHOWN else "far too many"


def with_article(title: str) -> str:
    """Return the title of a kind with "a" or "an" before it."""
    return f"{'an' if title[0] in 'AEIOaeio' else 'a'} {title}"
