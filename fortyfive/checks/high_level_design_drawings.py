"""How exercise 04 reads a drawing, judges it once for all checks, and turns findings into feedback."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from fortyfive.grading.exercise import Answer
from fortyfive.grading.report import Failure

if TYPE_CHECKING:
    from fortyfive.design.model import Component, Design, Link
    from fortyfive.judgement.findings import Finding
    from fortyfive.judgement.judge import Judgement

# What a machine does is measured, and not drawn: nobody gets a faster one by typing it.
_MEASURED = ("time_s", "p99_s", "slots", "errors", "hit", "each_s", "lag_s", "failover_s", "usd")
_MEASURED_ON_LINKS = ("delay_s",)
# So many of a kind are shown: who mends these asks again.
SHOWN = 3

WAYS = ("missing path",)
ANSWERS = ("synchronous", "fire and forget")
PROMISES = ("promise", "budget", "connections")
SURVIVES = ("single point of failure", "no balancer")
# All that a design has to do; what it leaves to push on is another matter.
KEEPS = (*WAYS, *ANSWERS, *PROMISES, *SURVIVES)
# Who could decide anything: the other kinds are somebody else's program.
OWN_CODE = ("service", "workers")


def drawing(answer: Answer, name: str, given: str = "") -> str:
    """Return the text of a learner's design. Raises Failure for one that does not read, or wishes for other machines.

    A component of `given` keeps what is said there about its machine.
    """
    text = answer.value(name)
    if not isinstance(text, str):
        raise Failure(
            f"`{name}` is {text!r}, and it should be a design: a text, or the drawing board itself.",
            help=f'For example {name} = "client -> lb -> shop x3 -> db".',
        )
    design_of(text, name, given)
    return text


@functools.lru_cache(maxsize=32)
def design_of(text: str, name: str, given: str = "") -> Design:
    """Return the design that a text draws. Raises Failure as `drawing` does."""
    from fortyfive.design.text import read

    reading = read(text)
    if fatal := [problem for problem in reading.problems if problem.fatal]:
        some = "\n".join(str(problem) for problem in fatal[:SHOWN])
        more = f"\nAnd {len(fatal) - SHOWN} more." if len(fatal) > SHOWN else ""
        raise Failure(f"`{name}` cannot be run.\n{some}{more}", help="Mend the first: others may follow from it.")
    _require_given_machines(reading.design, read(given).design)
    return reading.design


def _require_given_machines(design: Design, given: Design) -> None:
    from fortyfive.design.kinds import COMPONENT_PARAMETERS, LINK_PARAMETERS

    words = {each.field: each.word for each in (*COMPONENT_PARAMETERS, *LINK_PARAMETERS)}
    known: dict[object, Component | Link] = {each.name: each for each in given.components}
    known |= {(each.source, each.target): each for each in given.links}
    things: list[tuple[object, Component | Link]] = [(each.name, each) for each in design.components]
    things += [((each.source, each.target), each) for each in design.links]
    for key, thing in things:
        for field in (*_MEASURED, *_MEASURED_ON_LINKS):
            said = getattr(thing, field, None)
            if said is not None and said != getattr(known.get(key), field, None):
                raise Failure(
                    f"'{thing.name}' says its own '{words[field]}'. What a machine does, and what it costs, is "
                    "measured and not chosen: here each kind takes what it takes.",
                    help="Leave it out. You choose what there is, how many, and how they are linked; a cache takes a "
                    "`size`.",
                )


@functools.lru_cache(maxsize=8)
def judged(text: str, name: str, prompt: str) -> Judgement:
    """Return the judgement of a text that reads, for a prompt by its name. Raises Failure where it cannot run."""
    from fortyfive.flow.designs import DesignCannotRunError
    from fortyfive.judgement.judge import judge
    from fortyfive.scenario.prompts import PROMPTS

    try:
        return judge(design_of(text, name), PROMPTS[prompt])
    except DesignCannotRunError as error:
        raise Failure(f"`{name}` cannot be run. {error}") from None


def require_none(findings: Sequence[Finding]) -> None:
    """Raise Failure with the evidence of the first findings, and what an interviewer would ask, if there are any."""
    if not findings:
        return
    said = "\n".join(each.sentence() for each in findings[:SHOWN])
    more = f"\nAnd {len(findings) - SHOWN} more." if len(findings) > SHOWN else ""
    raise Failure(f"{said}{more}", help=f'An interviewer would ask: "{findings[0].say}"')


def require(judgement: Judgement, rules: Collection[str]) -> None:
    """Raise Failure where a design breaks one of these rules."""
    require_none([each for each in judgement.findings if each.rule in rules])


def require_own_code(judgement: Judgement) -> None:
    """Raise Failure where requests meet nothing of ours on their way, and nobody would decide what happens."""
    from fortyfive.judgement.structure import way_of

    design = judgement.trace.design
    for operation in judgement.prompt.load.operations:
        way = way_of(design, operation)
        if not any(design.component(name).kind in OWN_CODE for name in way):
            raise Failure(
                f"'{operation.name}' meets no code of yours: from a client it gets to {', '.join(sorted(way))}.",
                help="Somebody has to look at the request and decide what to store and what to send: draw a service.",
            )


def figures(judgement: Judgement) -> str:
    """Say what the run of a good design showed."""
    from fortyfive.flow.designs import milliseconds

    trace = judgement.trace
    path = next(iter(trace.paths.values()))
    return (
        f"In your run the p99 of '{path.operation.name}' is {milliseconds(path.answer_s[2])}, "
        f"and a month costs USD {trace.usd_a_month:,.0f}."
    )


def judge_sale(text: str) -> str:
    """Raise Failure where a shop breaks a promise on the day of the sale; return what is busiest then."""
    from fortyfive.checks import high_level_design_given as given
    from fortyfive.flow.designs import run
    from fortyfive.judgement import measured

    prompt = given.prompt_of_sale()
    trace = run(design_of(text, "shop"), prompt.load)
    require_none([*measured.copies(trace), *measured.promises(trace, prompt)])
    busiest = max(trace.components, key=lambda name: trace.components[name].utilisation)
    return f"The busiest box of the sale is '{busiest}', at {trace.components[busiest].utilisation:.0%}."
