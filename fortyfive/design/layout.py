"""Where the components of a design stand: in layers from left to right, so ordered that few links cross."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from fortyfive.design.model import Design

# A component's box, and the room from one box to the next, in pixels; a place is a box's upper left corner.
WIDTH, HEIGHT, BETWEEN = 136, 64, 76
_DOWN, _LANE, _MARGIN = 104, 44, 40
_SWEEPS = 12
# Beyond so many, links over several layers go straight: nobody could follow them anyway.
_MOST_BENDS = 400


@dataclass(frozen=True)
class Plan:
    """The place of each component, and the points (x, y) that each link over several layers bends at, by its ends."""

    places: Mapping[str, tuple[int, int]]
    bends: Mapping[tuple[str, str], tuple[tuple[int, int], ...]] = field(default_factory=dict)


def layout(design: Design) -> dict[str, tuple[int, int]]:
    """Return the upper left corner of each component's box, in pixels across and down.

    A component stands right of all that call it, at the end of the longest path; `at` wins over all this. A design
    with circles, or with links that end in the air, has a layout too.
    """
    return dict(plan(design).places)


def plan(design: Design, between: int = BETWEEN) -> Plan:
    """Return the layout with the way of the links, and so many pixels between two layers."""
    across = WIDTH + between
    layers, chains = _layered(design)
    _order(layers, chains)
    down = _downs(layers, chains)
    places = {
        name: (_MARGIN + number * across, down[name])
        for number, layer in enumerate(layers)
        for name in layer
        if isinstance(name, str)
    }
    pinned = {each.name: each.at for each in design.components if each.at is not None}
    if not pinned:
        columns = {name: number for number, layer in enumerate(layers) for name in layer}
        bends = {
            (str(chain[0]), str(chain[-1])): tuple(
                (_MARGIN + columns[each] * across + WIDTH // 2, down[each] + HEIGHT // 2) for each in chain[1:-1]
            )
            for chain in chains
            if len(chain) > 2
        }
        return Plan({each.name: places[each.name] for each in design.components}, bends)
    return Plan(_beside(pinned, {each.name: places[each.name] for each in design.components}))


# A component's name, or the number of a bend.
_Spot = str | int


def _layered(design: Design) -> tuple[list[list[_Spot]], list[list[_Spot]]]:
    """Return the layers, and each link as the spots from its source to its target, one a layer."""
    names = list(dict.fromkeys(each.name for each in design.components))
    edges = _forward(names, [(each.source, each.target) for each in design.links])
    layer = dict.fromkeys(names, 0)
    for name in _sorted(names, edges):
        for target in edges[name]:
            layer[target] = max(layer[target], layer[name] + 1)
    into = {target for targets in edges.values() for target in targets}
    clients = {each.name for each in design.of_kind("client")}
    for name in names:
        if name not in into and name not in clients and edges[name]:
            layer[name] = min(layer[target] for target in edges[name]) - 1
    layers: list[list[_Spot]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in names:
        layers[layer[name]].append(name)
    bends = sum(layer[target] - layer[name] - 1 for name in names for target in edges[name])
    chains: list[list[_Spot]] = []
    count = 0
    for name in names:
        for target in edges[name]:
            chain: list[_Spot] = [name]
            if bends <= _MOST_BENDS:
                for number in range(layer[name] + 1, layer[target]):
                    layers[number].append(count)
                    chain.append(count)
                    count += 1
            chains.append([*chain, target])
    return layers, chains


def _forward(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the targets of each name, without the links that close a circle or end in the air."""
    known = set(names)
    targets: dict[str, list[str]] = {name: [] for name in names}
    for source, target in dict.fromkeys(pairs):
        if source in known and target in known:
            targets[source].append(target)
    kept: dict[str, list[str]] = {name: [] for name in names}
    state = dict.fromkeys(names, 0)  # 1 while its targets are walked, 2 then
    for first in names:
        walk = [first]
        while walk:
            name = walk[-1]
            if state[name] == 0:
                state[name] = 1
            following = next((each for each in targets[name] if each not in kept[name]), None)
            if following is None:
                state[name] = 2
                walk.pop()
            elif state[following] == 1:
                targets[name].remove(following)
            else:
                kept[name].append(following)
                if state[following] == 0:
                    walk.append(following)
    return kept


def _sorted(names: Sequence[str], edges: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names so that each comes before its targets."""
    waiting = dict.fromkeys(names, 0)
    for targets in edges.values():
        for target in targets:
            waiting[target] += 1
    ready = [name for name in names if not waiting[name]]
    for name in ready:
        for target in edges[name]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return ready


def _sides(chains: Sequence[Sequence[_Spot]]) -> tuple[dict[_Spot, list[_Spot]], dict[_Spot, list[_Spot]]]:
    before: dict[_Spot, list[_Spot]] = {}
    after: dict[_Spot, list[_Spot]] = {}
    for chain in chains:
        for left, right in pairwise(chain):
            after.setdefault(left, []).append(right)
            before.setdefault(right, []).append(left)
    return before, after


def _order(layers: Sequence[list[_Spot]], chains: Sequence[Sequence[_Spot]]) -> None:
    """Order each layer by the mean place of what its members are linked to, from left to right and back."""
    before, after = _sides(chains)
    place = {spot: float(number) for layer in layers for number, spot in enumerate(layer)}
    for sweep in range(_SWEEPS):
        near, walk = (before, layers) if sweep % 2 == 0 else (after, layers[::-1])
        for layer in walk:
            mean = {spot: _mean([place[each] for each in near.get(spot, ())], place[spot]) for spot in layer}
            layer.sort(key=lambda spot: (mean[spot], place[spot]))
            middle = (len(layer) - 1) / 2
            place.update({spot: number - middle for number, spot in enumerate(layer)})


def _downs(layers: Sequence[Sequence[_Spot]], chains: Sequence[Sequence[_Spot]]) -> dict[_Spot, int]:
    """Return how far down each spot stands: near what it is linked to, in its layer's order, with room between."""
    before, after = _sides(chains)
    down: dict[_Spot, float] = {}
    for layer in layers:
        room = _room(layer)
        down.update({spot: each - room[-1] / 2 for spot, each in zip(layer, room, strict=True)})
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            room = _room(layer)
            wished = [
                _mean([down[each] for each in (*before.get(spot, ()), *after.get(spot, ()))], down[spot])
                for spot in layer
            ]
            level = _rising([wish - each for wish, each in zip(wished, room, strict=True)])
            down.update({spot: at + each for spot, at, each in zip(layer, level, room, strict=True)})
    top = min(down.values(), default=0.0)
    return {spot: _MARGIN + round(each - top) for spot, each in down.items()}


def _room(layer: Sequence[_Spot]) -> list[float]:
    """Return how far below the first of its layer each spot stands at least."""
    room = [0.0]
    for above, below in pairwise(layer):
        room.append(room[-1] + (_DOWN if isinstance(above, str) and isinstance(below, str) else (_DOWN + _LANE) / 2))
    return room


def _rising(values: Sequence[float]) -> list[float]:
    """Return the numbers that never fall and are nearest to the values, by pooling neighbours that fall."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, count = value, 1
        while pools and pools[-1][0] > mean:
            other, many = pools.pop()
            mean, count = (mean * count + other * many) / (count + many), count + many
        pools.append((mean, count))
    return [mean for mean, count in pools for _ in range(count)]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _beside(pinned: Mapping[str, tuple[int, int]], places: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Return the places, with the pinned ones where they are, and the others moved down until they stand free."""
    taken = list(pinned.values())
    out = {}
    for name, (x, y) in places.items():
        if name in pinned:
            out[name] = pinned[name]
            continue
        down = y
        while blocking := [b for a, b in taken if abs(a - x) < WIDTH + 8 and abs(b - down) < HEIGHT + 8]:
            down = max(blocking) + HEIGHT + 24
        taken.append((x, down))
        out[name] = (x, down)
    return out
