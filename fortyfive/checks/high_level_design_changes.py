"""Ten times the load: what a learner's design changes, whether that is what they say, and which of it was needed."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fortyfive.checks import high_level_design_given as given
from fortyfive.checks.high_level_design_drawings import SHOWN, design_of, require_none
from fortyfive.grading.report import Failure

if TYPE_CHECKING:
    from fortyfive.design.model import Component, Design, Link
    from fortyfive.judgement.findings import Finding

NAME = "design_10x"
DIFFERENCES = ("kept", "changed", "added", "removed")
KEYS = (*DIFFERENCES, "deferred")
_LOOKS = ("name", "label", "at", "source", "target")
_SEED = 45


@dataclass(frozen=True)
class Change:
    """One thing that differs, in words, and the new design without that difference (None: not to be undone alone)."""

    box: str
    what: str
    undone: Design | None


def carries(text: str) -> str:
    """Raise Failure unless the design keeps the promises at ten times the load, within its budget, and one dead.

    Returns what it costs.
    """
    from fortyfive.flow.designs import DesignCannotRunError

    try:
        found, usd = _found(design_of(text, NAME, given.TODAY))
    except DesignCannotRunError as error:
        raise Failure(f"`{NAME}` cannot be run. {error}") from None
    require_none(found)
    return f"Yours costs USD {usd:,.0f} a month, of USD {given.USD_A_MONTH_THEN:,}."


@functools.lru_cache(maxsize=64)
def _found(design: Design) -> tuple[list[Finding], float]:
    """Return what is wrong with a design at ten times the load, the cheap questions first, and its bill."""
    from fortyfive.flow.designs import run
    from fortyfive.judgement import measured
    from fortyfive.judgement.structure import structural

    prompt = given.prompt_of_growth()
    trace = run(design, prompt.load, seed=_SEED)
    # What is tuned here was given, and is no sign of a wrong order.
    drawn = [each for each in structural(design, prompt) if each.rule != "depth too early"]
    found = [*drawn, *measured.copies(trace), *measured.promises(trace, prompt)]
    return found or list(measured.lost_instances(design, trace, _SEED)), trace.usd_a_month


def differences(text: str) -> tuple[dict[str, set[str]], list[Change]]:
    """Return which boxes a text keeps, changes, adds and removes, and each single change.

    A box is its name. It is changed if its kind or a parameter is another, or an arrow that leaves it.
    """
    old, new = design_of(given.TODAY, NAME, given.TODAY), design_of(text, NAME, given.TODAY)
    before, after = ({each.name for each in design.components} for design in (old, new))
    changes = list(_changes(old, new))
    changed = {each.box for each in changes} & before & after
    boxes = {
        "kept": (before & after) - changed,
        "changed": changed,
        "added": after - before,
        "removed": before - after,
    }
    return boxes, changes


def _changes(old: Design, new: Design) -> Iterator[Change]:
    before = {each.name: each for each in old.components}
    for component in new.components:
        if component.name not in before:
            yield Change(component.name, f"adding '{component.name}'", new.without(component.name))
            continue
        was = before[component.name]
        for field, word in _differing(was, component):
            # A parameter of one kind may mean nothing to another: a kind is undone with all that is said about it.
            undone = was if was.kind != component.kind else replace(component, **{field: getattr(was, field)})
            said = f"{word} of '{component.name}', from {_said(was, field)} to {_said(component, field)}"
            yield Change(component.name, said, _with(new, component, undone))
    yield from _changed_links(old, new)


def _changed_links(old: Design, new: Design) -> Iterator[Change]:
    before = {(each.source, each.target): each for each in old.links}
    after = {(each.source, each.target): each for each in new.links}
    kept = {each.name for each in old.components} & {each.name for each in new.components}
    for ends, link in after.items():
        if ends not in before:
            # An arrow to a new box comes and goes with the box.
            undone = _without_link(new, link) if set(ends) <= kept else None
            yield Change(link.source, f"the arrow {link.name}", undone)
            continue
        for field, word in _differing(before[ends], link):
            said = f"{word} of {link.name}, from {_said(before[ends], field)} to {_said(link, field)}"
            other = replace(link, **{field: getattr(before[ends], field)})
            links = tuple(other if each is link else each for each in new.links)
            yield Change(link.source, said, replace(new, links=links))
    for ends, link in before.items():
        if ends not in after:
            yield Change(link.source, f"the arrow {link.name}, which is gone", None)


def _differing(was: Component | Link, now: Component | Link) -> list[tuple[str, str]]:
    """Return the fields in which two boxes or arrows differ, each with the word that is typed for it."""
    from fortyfive.design.kinds import COMPONENT_PARAMETERS, LINK_PARAMETERS

    words = {each.field: each.word for each in (*COMPONENT_PARAMETERS, *LINK_PARAMETERS)}
    words |= {"kind": "the kind", "instances": "the number", "waits": "the waiting"}
    if getattr(was, "kind", "") != getattr(now, "kind", ""):
        return [("kind", words["kind"])]
    fields = [field for field in vars(was) if field not in _LOOKS]
    return [(field, words[field]) for field in fields if getattr(was, field) != getattr(now, field)]


def _said(thing: Component | Link, field: str) -> str:
    value = getattr(thing, field)
    if field == "instances":
        return f"x{value or 1}"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return "+".join(map(str, value)) or "nothing"
    return "nothing" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _with(design: Design, now: Component, other: Component) -> Design:
    return replace(design, components=tuple(other if each is now else each for each in design.components))


def _without_link(design: Design, link: Link) -> Design:
    return replace(design, links=tuple(each for each in design.links if each is not link))


def judge_stated(text: str, stated: object) -> None:
    """Raise Failure unless what a learner says about the change is what the two designs say."""
    said = _read(stated)
    boxes, changes = differences(text)
    named = {name: kind for kind in DIFFERENCES for name in boxes[kind]}
    for kind in DIFFERENCES:
        for name in sorted(said[kind] - boxes[kind]):
            raise _misplaced(name, kind, named, changes)
    for kind in ("changed", "added", "removed", "kept"):
        if missing := sorted(boxes[kind] - said[kind]):
            raise Failure(
                f"`changes` does not mention '{missing[0]}', which is {kind}{_details(missing[0], changes)}.",
                help="Whoever reads a diff must be able to rely on it: each box stands in one of the lists.",
            )
    _judge_deferred(text, said["deferred"])


def _misplaced(name: str, kind: str, named: Mapping[str, str], changes: list[Change]) -> Failure:
    if name not in named:
        return Failure(
            f"`changes` says that '{name}' is {kind}, and neither design has such a box.",
            help=f"The boxes are: {', '.join(sorted(named))}.",
        )
    return Failure(
        f"`changes` says that '{name}' is {kind}. It is {named[name]}{_details(name, changes)}.",
        help="A box is kept if all its parameters and the arrows that leave it are as before.",
    )


def _details(name: str, changes: list[Change]) -> str:
    mine = [each.what for each in changes if each.box == name]
    return f" ({'; '.join(mine[:3])})" if mine else ""


def _judge_deferred(text: str, said: set[str]) -> None:
    if strange := sorted(said - set(given.FLOATED)):
        raise Failure(
            f"`changes` defers '{strange[0]}', which nobody has floated.",
            help=f"What was floated: {', '.join(given.FLOATED)}.",
        )
    drawn = floated_in(text)
    for item, what in given.FLOATED.items():
        if item in said and item in drawn:
            raise Failure(f"`changes` defers '{item}' ({what}), and your design has it.")
        if item not in said and item not in drawn:
            raise Failure(
                f"The interviewer floated '{item}' ({what}). Your design does not have it, and `changes` does not "
                "defer it.",
                help="Saying 'not now' is an answer. Saying nothing looks as if you had not heard.",
            )


def floated_in(text: str) -> set[str]:
    """Return which of the floated things a design has."""
    design = design_of(text, NAME, given.TODAY)
    has = {
        "batches": any((each.batch or 1) > 1 for each in design.components),
        "cache": bool(design.of_kind("cache", "cdn")),
        "stream": bool(design.of_kind("stream")),
    }
    return {item for item, there in has.items() if there}


def _read(stated: object) -> dict[str, set[str]]:
    if not isinstance(stated, Mapping) or not set(stated) <= set(KEYS):
        raise Failure(
            f"`changes` is {stated!r}, and it should be a dictionary with the keys {', '.join(map(repr, KEYS))}.",
            help='For example {"kept": ["client", "gateway"], "changed": ["notify"], "deferred": ["second region"]}; '
            "a list that would be empty may be left out.",
        )
    return {key: _names(stated.get(key, []), key) for key in KEYS}


def _names(value: Any, key: str) -> set[str]:
    if not isinstance(value, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in value):
        raise Failure(f"`changes` has {value!r} as {key!r}, and that should be a list of names, each a text.")
    return set(value)


def _require_kept_names(text: str, boxes: Mapping[str, set[str]]) -> None:
    """Raise Failure where a box goes and one of the same kind comes: nobody could tell what has changed in it."""
    old, new = design_of(given.TODAY, NAME, given.TODAY), design_of(text, NAME, given.TODAY)
    for gone in sorted(boxes["removed"]):
        same = [name for name in sorted(boxes["added"]) if new.component(name).kind == old.component(gone).kind]
        if same:
            raise Failure(
                f"'{gone}' is gone, and '{same[0]}' is new and of the same kind.",
                help=f"A box that stays keeps its name. Call it '{gone}', so that what has changed in it can be seen.",
            )


def judge_needed(text: str) -> None:
    """Raise Failure for the changes without which everything still holds, each undone by itself."""
    from fortyfive.flow.designs import DesignCannotRunError

    boxes, changes = differences(text)
    _require_kept_names(text, boxes)
    needless = []
    for change in changes:
        if change.undone is None:
            continue
        try:
            found, _ = _found(change.undone)
        except DesignCannotRunError:
            continue
        if not found:
            needless.append(change.what)
        if len(needless) == SHOWN:
            break
    if needless:
        raise Failure(
            f"Not needed, each by itself: {'; '.join(needless)}. With that undone the run at {given.GROWTH} times the "
            "load still keeps its promises, within the budget, and with an instance dead.",
            help="More load is not more of everything. Which boxes are full, and which have room?",
        )
