"""Judge a design: what the drawing says, what the runs say, and which components nothing asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fortyfive.design.model import Component, Design, Link
from fortyfive.flow.designs import DesignCannotRunError, Trace, milliseconds
from fortyfive.judgement import measured
from fortyfive.judgement.findings import Finding, by_weight
from fortyfive.judgement.structure import ENTRIES, structural, way_of
from fortyfive.scenario.prompts import Prompt


@dataclass(frozen=True)
class Judgement:
    """What is wrong with a design for a prompt, the most important first, and the run under its ordinary load."""

    prompt: Prompt
    trace: Trace
    findings: tuple[Finding, ...]

    @property
    def meets(self) -> bool:
        """Whether the design does what was asked; an interviewer may still push on other findings."""
        return not any(each.fatal for each in self.findings)

    def of(self, *rules: str) -> tuple[Finding, ...]:
        """Return the findings of these rules."""
        return tuple(each for each in self.findings if each.rule in rules)


def judge(design: Design, prompt: Prompt, *, seed: int = 45) -> Judgement:
    """Judge a design against a prompt: structure alone never earns what a run refutes.

    Where the skeleton is not complete or a promise is broken while all is well, no instance is killed and nothing is
    overloaded: that would say nothing new. Raises DesignCannotRunError for a design that cannot run.
    """
    trace = measured.measure(design, prompt.load, seed)
    found = list(_findings(design, prompt, trace, seed))
    # What is lost with a process needs another component first, and not one less.
    if not any(each.fatal or each.rule == "fire and forget" for each in found):
        found += _unearned(design, prompt, trace, found, seed)
    return Judgement(prompt, trace, by_weight(found))


def _findings(design: Design, prompt: Prompt, trace: Trace, seed: int) -> Iterator[Finding]:
    """Yield what is wrong, the quickest questions first."""
    drawn = structural(design, prompt)
    if any(each.rule == "synchronous" for each in drawn):
        slow = measured.slow_provider(design, prompt, trace, seed)
        drawn = [
            replace(each, evidence=f"{each.evidence} {slow[each.subject]}") if each.rule == "synchronous" else each
            for each in drawn
        ]
    yield from drawn
    yield from measured.connections(design, prompt)
    rare, broken = measured.copies(trace), measured.promises(trace, prompt)
    complete = not rare and not any(each.rule == "missing path" for each in drawn)
    yield from rare
    # While the skeleton is not complete, one broken promise says that it is too small as well.
    yield from broken if complete else broken[:1]
    yield from measured.own_writes(design, prompt.load)
    yield from measured.cache_rules(design, prompt.load, seed)
    if trace.cut_short or not complete:
        return
    yield from measured.lost_instances(design, trace, seed)
    if not any(each.rule == "promise" for each in broken):
        yield from measured.overload(design, prompt, trace, seed)


def _unearned(design: Design, prompt: Prompt, trace: Trace, found: list[Finding], seed: int) -> Iterator[Finding]:
    """Yield the components without which nothing that holds stops holding, the dearest first.

    What is not needed stays away while the next is looked at: of two that do the same, one is needed.
    """
    known = {(each.rule, each.subject) for each in found}
    dear = sorted(trace.bills, key=lambda each: -trace.bills[each].usd)
    left = [each for each in dear if design.component(each).kind not in ("client", *ENTRIES)]
    while True:
        tries = (
            (name, smaller, rest)
            for name in left
            for smaller in _without(design, design.component(name))
            if (rest := _holds_without(smaller, design, trace, prompt, known, seed)) is not None
        )
        name, smaller, rest = next(tries, ("", design, trace))
        if not name:
            return
        yield _too_much(design.component(name), trace, rest)
        # Without this one, another may be needed no more.
        design, trace = smaller, rest
        left.remove(name)


def _holds_without(
    smaller: Design, design: Design, trace: Trace, prompt: Prompt, known: set[tuple[str, str]], seed: int
) -> Trace | None:
    """Return the run of a smaller design, if nothing is worse than with the larger one, and nothing is dearer."""
    if _without_code(smaller, prompt) - _without_code(design, prompt):
        return None
    # The drawing first: most components are missed at once.
    if any((each.rule, each.subject) not in known for each in structural(smaller, prompt)):
        return None
    try:
        rest = measured.measure(smaller, prompt.load, seed)
    except DesignCannotRunError:
        return None
    if rest.usd_a_month > trace.usd_a_month:
        return None
    worse = ((each.rule, each.subject) not in known for each in _findings(smaller, prompt, rest, seed))
    return None if any(worse) else rest


def _without(design: Design, component: Component) -> Iterator[Design]:
    """Yield the designs that do without a component: who called it calls what it called.

    Whoever did without a queue may wait for what comes behind it, or not.
    """
    smaller = design.without(component.name)
    kept = {(each.source, each.target) for each in design.links}
    for waits in (True, False) if component.type.hands_on else (None,):
        links = tuple(
            each if (each.source, each.target) in kept else _as_before(design, component.name, each, waits)
            for each in smaller.links
        )
        yield replace(smaller, links=links)


def _as_before(design: Design, name: str, link: Link, waits: bool | None) -> Link:
    """Return a link around a component with what was said about trying again on either side of it."""
    before, after = design.link(link.source, name), design.link(name, link.target)
    return replace(
        link,
        waits=link.waits if waits is None else waits,
        retry=max(before.retry or 0, after.retry or 0) or None,
        optional=before.optional or after.optional,
        breaker=before.breaker or after.breaker,
    )


def _without_code(design: Design, prompt: Prompt) -> set[str]:
    """Return the operations that meet none of our own code on their way: somebody has to decide what happens."""
    return {
        operation.name
        for operation in prompt.load.operations
        if not any(design.component(name).kind == "service" for name in way_of(design, operation))
    }


def _too_much(component: Component, trace: Trace, rest: Trace) -> Finding:
    saved = trace.usd_a_month - rest.usd_a_month
    cost = f"It costs USD {saved:,.0f} a month." if saved >= 1 else "It costs no money, but somebody has to run it."
    before, after = trace.paths, rest.paths
    slowest = max(after, key=lambda name: after[name].answer_s[2] - before[name].answer_s[2])
    return Finding(
        "over-architecture",
        component.name,
        f"No requirement needs '{component.name}' ({component.type.title}).",
        f"Without it every promise still holds in the run: the p99 of '{slowest}' is "
        f"{milliseconds(after[slowest].answer_s[2])}, and {milliseconds(before[slowest].answer_s[2])} with it. {cost} "
        "Defer it to V2, and say what would bring it back.",
        f"What does '{component.name}' do for the user in the first version?",
    )
