"""A design as an SVG drawing: a shape for each family of components, arrows, and after a run how busy each was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from fortyfive.design.kinds import COMPONENT_PARAMETERS, KINDS, Parameter
from fortyfive.design.layout import BETWEEN, HEIGHT, WIDTH, Plan, plan
from fortyfive.design.model import Component, Design, Link
from fortyfive.design.rules import UNPRINTABLE
from fortyfive.design.values import write_value

# What each kind is drawn as.
FAMILIES = {
    kind: family
    for family, kinds in {
        "client": ("client",),
        "edge": ("dns", "cdn", "lb", "gateway", "limiter", "sockets"),
        "compute": ("service", "workers"),
        "queue": ("queue", "stream", "scheduler"),
        "store": ("cache", "sql", "kv", "blob", "search"),
        "provider": ("push",),
    }.items()
    for kind in kinds
}
# A faint tint for each family, and the colours of a run: both from Okabe and Ito (2008), told apart by most eyes.
_TINTS = {
    "client": "#999999",
    "edge": "#56b4e9",
    "compute": "#009e73",
    "queue": "#e69f00",
    "store": "#0072b2",
    "provider": "#cc79a7",
}
_HEAT = ((0.7, "#56b4e9", 0.3), (0.9, "#e69f00", 0.45), (float("inf"), "#d55e00", 0.6))
_MOST_CHARS, _EDGE_CHARS = 17, 18
# A name of so many characters at most fits its box in larger letters.
_SHORT = 14
_SPREAD = 12
# The least room between two layers, and what a character of a link's words takes of it, in pixels.
_NEAR, _CHAR = 48, 7
# Where a page has room for less than this share of a drawing's width, it scrolls: smaller letters nobody can read.
_LEAST_SCALE = 0.64


def as_svg(
    design: Design,
    *,
    busy: Mapping[str, float] | None = None,
    queued: Mapping[str, float] | None = None,
    first: str | None = None,
) -> str:
    """Return one `<svg>` element that needs nothing else, with a title and a description for screen readers.

    It takes its ink from the text around it, so it fits a light and a dark page. After a run `busy` holds the
    utilisation of components (1: always busy), `queued` how many requests or messages wait there, and `first` names
    what saturated first; the numbers are written too, so that the colours are not needed.
    """
    places = plan(design, _between(design))
    known = [each for each in design.links if each.source in places.places and each.target in places.places]
    body = [
        *_edges(design, known, places),
        *(
            _box(each, places.places[each.name], (busy or {}).get(each.name), (queued or {}).get(each.name), first)
            for each in design.components
        ),
    ]
    corners = list(places.places.values()) or [(0, 0)]
    bends = [point for points in places.bends.values() for point in points]
    left, top = min(x for x, _ in corners) - 24, min(y for _, y in (*corners, *bends)) - 30
    width = max(x for x, _ in corners) + WIDTH + 30 - left
    height = max([y + HEIGHT for _, y in corners] + [y for _, y in bends]) + 24 - top
    return (
        f"<svg class='ff-design' role='img' viewBox='{left} {top} {width} {height}' xmlns='http://www.w3.org/2000/svg' "
        f"style='display:block;width:100%;min-width:{_LEAST_SCALE * width:.0f}px;max-width:{width}px;height:auto' "
        "fill='none' stroke='currentColor' "
        "stroke-width='1.5' stroke-linejoin='round' stroke-linecap='round' font-family='system-ui,sans-serif' "
        f"font-size='13'><title>{_words('Design: ' + _said(design.components))}</title>"
        f"<desc>{_words(_description(design, known, busy or {}, queued or {}, first))}</desc>{''.join(body)}</svg>"
    )


def framed(svg: str, label: str) -> str:
    """Return HTML in which a narrow page scrolls a drawing sideways, by finger or by key."""
    return f"<div tabindex='0' role='group' aria-label='{_words(label)}' style='overflow-x:auto'>{svg}</div>"


def heat(busy: float) -> tuple[str, float]:
    """Return the fill of a component that is busy for a share of its time: a colour, and how opaque it is."""
    return next((colour, opacity) for below, colour, opacity in _HEAT if busy < below)


def family_of(component: Component) -> str:
    """Return what a component is drawn as."""
    return FAMILIES.get(component.kind, "compute")


def goes_later(design: Design, link: Link) -> bool:
    """Return whether a link's target works when it can: nobody waits, or it takes messages out of a queue."""
    source = next((each for each in design.components if each.name == link.source), None)
    return not link.waits or (source is not None and source.kind in KINDS and source.type.hands_on)


def link_words(link: Link) -> str:
    """Return what is written beside a link: its label, and how many or which requests go this way."""
    words = [link.label] if link.label else []
    if link.fanout is not None:
        words.append(f"×{link.fanout}")
    if isinstance(link.share, int | float):
        words.append(f"{100 * link.share:.4g} %")
    if link.only:
        words.append("+".join(map(str, link.only)))
    return " ".join(words)


_Point = tuple[float, float]


def _between(design: Design) -> int:
    """Return the room between two layers: what the words there need; as on the board, where boxes were placed there."""
    if any(each.at is not None for each in design.components):
        return BETWEEN
    longest = max((min(len(link_words(each)), _EDGE_CHARS) for each in design.links), default=0)
    return max(_NEAR, _CHAR * (longest + 2))


def _edges(design: Design, links: Sequence[Link], places: Plan) -> Iterator[str]:
    out = _ports(links, places, ends=0)
    into = _ports(links, places, ends=1)
    for link in links:
        ends = link.source, link.target
        here, there = places.places[link.source], places.places[link.target]
        if there[0] >= here[0] + WIDTH:
            path, head, middle = _onward(here, there, out[ends], into[ends], places.bends.get(ends, ()))
        elif abs(there[0] - here[0]) < WIDTH and ends[0] != ends[1]:
            path, head, middle = _upright(here, there, out[ends], into[ends])
        else:
            path, head, middle = _back(here, there)
        dashed = " stroke-dasharray='6 5'" if goes_later(design, link) else ""
        yield f"<g><title>{_words(link.name)}</title><path d='{path}' opacity='.75'{dashed}/><path d='{head}'/></g>"
        if said := link_words(link):
            yield _text(middle[0], middle[1] - 6, _cut(said, _EDGE_CHARS), size=12)


def _onward(here: _Point, there: _Point, out: float, into: float, bends: Sequence[_Point]) -> tuple[str, str, _Point]:
    """Return the path of a link to the right, its head, and where its words stand."""
    start = here[0] + WIDTH, here[1] + HEIGHT / 2 + out
    x, y = there[0] - 1, there[1] + HEIGHT / 2 + into
    head = f"M{x - 8:g} {y - 5:g}L{x:g} {y:g}L{x - 8:g} {y + 5:g}"
    middle = bends[0] if bends else ((start[0] + x) / 2, (start[1] + y) / 2)
    return _curve([start, *bends, (x, y)]), head, middle


def _upright(here: _Point, there: _Point, out: float, into: float) -> tuple[str, str, _Point]:
    """Return the same for a link between two boxes one above the other."""
    below = there[1] > here[1]
    x0, y0 = here[0] + WIDTH / 2 + out, here[1] + (HEIGHT if below else 0)
    x1, y1 = there[0] + WIDTH / 2 + into, there[1] + (-1 if below else HEIGHT + 1)
    half = (y0 + y1) / 2
    return _bow(x0, y0, x1, y1, half), _upright_head(x1, y1, -8 if below else 8), ((x0 + x1) / 2, half)


def _back(here: _Point, there: _Point) -> tuple[str, str, _Point]:
    """Return the same for a link back to the left, or to its own source: a bow beneath the boxes."""
    x0, y0 = here[0] + WIDTH / 2, here[1] + HEIGHT
    x1, y1 = there[0] + WIDTH / 2 + 18, there[1] + HEIGHT + 1
    low = max(y0, y1) + 34
    return _bow(x0, y0, x1, y1, low), _upright_head(x1, y1, 8), ((x0 + x1) / 2, low - 6)


def _bow(x0: float, y0: float, x1: float, y1: float, by: float) -> str:
    return f"M{x0:g} {y0:g}C{x0:g} {by:g} {x1:g} {by:g} {x1:g} {y1:g}"


def _upright_head(x: float, y: float, back: float) -> str:
    return f"M{x - 5:g} {y + back:g}L{x:g} {y:g}L{x + 5:g} {y + back:g}"


def _ports(links: Sequence[Link], places: Plan, *, ends: int) -> dict[tuple[str, str], float]:
    """Return how far from the middle of its side of the box each link begins (ends=0) or ends (ends=1)."""
    by_side: dict[tuple[str, bool], list[tuple[str, str]]] = {}
    for link in links:
        pair = link.source, link.target
        forward = places.places[pair[1]][0] >= places.places[pair[0]][0] + WIDTH
        by_side.setdefault((pair[ends], forward), []).append(pair)

    def down(pair: tuple[str, str]) -> float:
        bends = places.bends.get(pair)
        return bends[-ends][1] - HEIGHT / 2 if bends else places.places[pair[1 - ends]][1]

    out = {}
    for pairs in by_side.values():
        spread = min(_SPREAD, (HEIGHT - 20) / max(len(pairs) - 1, 1))
        for number, pair in enumerate(sorted(pairs, key=down)):
            out[pair] = (number - (len(pairs) - 1) / 2) * spread
    return out


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Return a smooth path through points from left to right, level at both ends, that never overshoots a point."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points)]
    tangents = [0.0, *(2 * m * n / (m + n) if m * n > 0 else 0.0 for m, n in pairwise(slopes)), 0.0]
    path = f"M{points[0][0]:g} {points[0][1]:g}"
    for ((x0, y0), m), ((x1, y1), n) in pairwise(zip(points, tangents, strict=True)):
        pull = 0.45 * (x1 - x0)
        path += f"C{x0 + pull:g} {y0 + m * pull:g} {x1 - pull:g} {y1 - n * pull:g} {x1:g} {y1:g}"
    return path


def _box(
    component: Component, place: tuple[int, int], busy: float | None, queued: float | None, first: str | None
) -> str:
    x, y = place
    family = family_of(component)
    colour, opacity = (_TINTS[family], 0.16) if busy is None else heat(busy)
    width = "3" if component.name == first else "1.5"
    paint = f"fill='{colour}' fill-opacity='{opacity}' stroke-width='{width}'"
    out = [
        f"<g><title>{_words(_component_said(component, busy, queued, first))}</title>",
        *_SHAPES[family](x, y, component, paint),
    ]
    kind = KINDS.get(component.kind)
    title = kind.title if kind else component.kind
    beneath = component.name if component.label else title
    name = _cut(component.label or component.name)
    lines = [(name, 15.0 if len(name) <= _SHORT else 13.0, True, "1")]
    if beneath.casefold() != (component.label or component.name).casefold():
        lines.append((_cut(beneath, 20), 12.0, False, ".8"))
    if busy is not None:
        lines.append((f"{100 * busy:.0f} % busy", 12.0, True, "1"))
    middle = y + HEIGHT / 2 + {"store": 7, "provider": 6}.get(family, 0)
    pitch = 15 if len(lines) < 3 else 14
    for number, (said, size, bold, ink) in enumerate(lines):
        down = middle + (number - (len(lines) - 1) / 2) * pitch + 4
        out.append(_text(x + WIDTH / 2, down, said, size=size, bold=bold, opacity=ink))
    if component.instances is not None:
        out.append(_text(x + WIDTH - 2, y - 6, f"×{component.instances:,}", bold=True, anchor="end"))
    if queued:
        out.append(_text(x + WIDTH / 2, y + HEIGHT + 16, f"{_counted(queued)} waiting", size=12, bold=True))
    if component.name == first:
        out.append(_text(x, y - 6, "saturates first", size=11, bold=True, anchor="start"))
    return "".join([*out, "</g>"])


def _pill(x: int, y: int, _: Component, paint: str) -> Iterator[str]:
    yield f"<rect x='{x}' y='{y}' width='{WIDTH}' height='{HEIGHT}' rx='{HEIGHT / 2:g}' {paint}/>"


def _hexagon(x: int, y: int, _: Component, paint: str) -> Iterator[str]:
    right, middle, low = x + WIDTH, y + HEIGHT // 2, y + HEIGHT
    yield f"<path d='M{x + 14} {y}H{right - 14}L{right} {middle}L{right - 14} {low}H{x + 14}L{x} {middle}Z' {paint}/>"


def _rectangle(x: int, y: int, component: Component, paint: str) -> Iterator[str]:
    if component.instances is not None and component.instances > 1:
        yield f"<path d='M{x + 6} {y + HEIGHT + 5}H{x + WIDTH + 5}V{y + 6}' opacity='.55'/>"
    yield f"<rect x='{x}' y='{y}' width='{WIDTH}' height='{HEIGHT}' rx='5' {paint}/>"


def _pipe(x: int, y: int, _: Component, paint: str) -> Iterator[str]:
    half, bow = HEIGHT / 2, 10
    right = x + WIDTH - bow
    yield (
        f"<path d='M{x + bow} {y}H{right}A{bow} {half:g} 0 0 1 {right} {y + HEIGHT}H{x + bow}"
        f"A{bow} {half:g} 0 0 1 {x + bow} {y}Z' {paint}/>"
        f"<path d='M{right} {y}A{bow} {half:g} 0 0 0 {right} {y + HEIGHT}' opacity='.6'/>"
    )


def _cylinder(x: int, y: int, _: Component, paint: str) -> Iterator[str]:
    half, bow, right = WIDTH // 2, 8, x + WIDTH
    top, low = y + bow, y + HEIGHT - bow
    yield (
        f"<path d='M{x} {top}A{half} {bow} 0 0 1 {right} {top}V{low}A{half} {bow} 0 0 1 {x} {low}Z' {paint}/>"
        f"<path d='M{x} {top}A{half} {bow} 0 0 0 {right} {top}' opacity='.6'/>"
    )


def _cloud(x: int, y: int, _: Component, paint: str) -> Iterator[str]:
    yield (
        f"<path d='M{x + 24} {y + HEIGHT}a20 20 0 0 1 -4 -39.5a22 18 0 0 1 36 -13a26 22 0 0 1 46 4a19 17 0 0 1 15 14"
        f"a17.5 17.5 0 0 1 -2 34.5Z' {paint}/>"
    )


_SHAPES = {
    "client": _pill,
    "edge": _hexagon,
    "compute": _rectangle,
    "queue": _pipe,
    "store": _cylinder,
    "provider": _cloud,
}


def _description(
    design: Design, links: Sequence[Link], busy: Mapping[str, float], queued: Mapping[str, float], first: str | None
) -> str:
    boxes = "; ".join(
        _component_said(each, busy.get(each.name), queued.get(each.name), first) for each in design.components
    )
    ways = "; ".join(
        f"{each.source} {'sends to' if goes_later(design, each) else 'calls'} {each.target}"
        + (f" ({said})" if (said := link_words(each)) else "")
        for each in links
    )
    return f"Components: {boxes or 'none'}. Links: {ways or 'none'}."


def _component_said(component: Component, busy: float | None, queued: float | None, first: str | None) -> str:
    kind = KINDS.get(component.kind)
    words = [f"{component.name}, {kind.title if kind else component.kind}"]
    if component.label:
        words.append(component.label)
    if component.instances is not None:
        words.append(f"×{component.instances}")
    words.extend(
        f"{each.word} {_shown(each, getattr(component, each.field))}".rstrip()
        for each in COMPONENT_PARAMETERS
        if each.word in component.tuned
    )
    if busy is not None:
        words.append(f"{100 * busy:.0f} % busy")
    if queued:
        words.append(f"{_counted(queued)} waiting")
    if component.name == first:
        words.append("saturates first")
    return ", ".join(words)


def _shown(parameter: Parameter, value: Any) -> str:
    try:
        return write_value(parameter, value)
    except ValueError:
        return repr(value)


def _said(components: Sequence[Component]) -> str:
    names = [each.label or each.name for each in components]
    rest = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + rest if names else "nothing drawn yet"


def _counted(count: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {letter}"
    return f"{count:.3g}"


def _cut(text: str, most: int = _MOST_CHARS) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _words(text: str) -> str:
    return escape(UNPRINTABLE.sub(" ", text))


def _text(
    x: float, y: float, words: str, *, size: float = 13, bold: bool = False, opacity: str = "1", anchor: str = "middle"
) -> str:
    weight = " font-weight='600'" if bold else ""
    return (
        f"<text x='{x:g}' y='{y:g}' text-anchor='{anchor}' font-size='{size:g}' fill='currentColor' stroke='none' "
        f"opacity='{opacity}'{weight}>{_words(words)}</text>"
    )
