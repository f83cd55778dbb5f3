"""What exercise 04 asks to predict, and the runs that answer: what is too much, what fills up first, who waits."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from fortyfive.checks import high_level_design_given as given
from fortyfive.checks.high_level_design_drawings import KEEPS, require, require_none, require_own_code
from fortyfive.grading.report import Failure

if TYPE_CHECKING:
    from fortyfive.design.model import Design
    from fortyfive.judgement.judge import Judgement

# --- what is too much


def left_over(removed: object) -> Design:
    """Return the given design without some of its boxes. Raises Failure for what is no list of their names."""
    design = given.drawn(given.RICH)
    names = {each.name for each in design.components}
    if not isinstance(removed, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in removed):
        raise Failure(
            f"`removed` is {removed!r}, and it should be a list of names.",
            help=f'Write removed = ["search"], with your names. There are: {", ".join(sorted(names))}.',
        )
    if strange := sorted(set(removed) - names):
        raise Failure(f"There is no '{strange[0]}' in the design. There are: {', '.join(sorted(names))}.")
    if "client" in removed:
        raise Failure("Without 'client' nobody asks for anything.", help="Remove what nobody would miss.")
    # In the drawing's own order, so that two lists of the same names leave the same.
    for component in design.components:
        if component.name in removed:
            design = design.without(component.name)
    return design


@functools.lru_cache(maxsize=32)
def _judged(design: Design) -> Judgement:
    from fortyfive.flow.designs import DesignCannotRunError
    from fortyfive.judgement.judge import judge
    from fortyfive.scenario.prompts import PROMPTS

    try:
        return judge(design, PROMPTS["url-shortener"])
    except DesignCannotRunError as error:
        raise Failure(
            f"What is left cannot be run. {error}", help="You have removed something on the only way."
        ) from None


def judge_meets(removed: object) -> str:
    """Raise Failure where what is left does not keep its promises; return what it costs."""
    from fortyfive.flow.designs import run

    judgement = _judged(left_over(removed))
    require_own_code(judgement)
    require(judgement, KEEPS)
    before = run(given.drawn(given.RICH), judgement.prompt.load)
    return f"A month costs USD {judgement.trace.usd_a_month:,.0f}; it was USD {before.usd_a_month:,.0f}."


def judge_lean(removed: object) -> None:
    """Raise Failure where what is left has a box that no promise would miss, with its price."""
    require_none(_judged(left_over(removed)).of("over-architecture"))


# --- what fills up first

_MEASURED_AT, _MEASURED_SPAN_S = 2.0, 60.0
_NEAR = 0.10
# Nobody's load grows so much, and a whole number beyond it cannot be divided like a float.
_ENDLESS = 1e300


@functools.cache
def breaking_points() -> dict[str, float]:
    """Return at how many times the load each box of `GROWING` is full, as its run shows, the first one first."""
    from fortyfive.flow.designs import run

    trace = run(given.drawn(given.GROWING), given.posts(_MEASURED_AT, _MEASURED_SPAN_S))
    busy = {name: each.utilisation for name, each in trace.components.items() if each.utilisation > 0}
    return {name: _MEASURED_AT / busy[name] for name in sorted(busy, key=lambda each: -busy[each])}


def _shares() -> str:
    shares = (f"'{name}' {_MEASURED_AT / times:.0%}" for name, times in breaking_points().items())
    return f"In a run at {_MEASURED_AT:g} times the load the boxes are busy for: {', '.join(shares)}."


def judge_bottleneck(said: object) -> str:
    """Raise Failure unless it is the box that is full first; return how busy each box is in a run."""
    boxes = [each.name for each in given.drawn(given.GROWING).components]
    first = next(iter(breaking_points()))
    box = said.strip().casefold() if isinstance(said, str) else ""
    if box not in boxes:
        raise Failure(
            f"`bottleneck` is {said!r}, and it should be the name of a box, as a text.",
            help=f"The boxes are: {', '.join(boxes)}.",
        )
    if box != first:
        advice = {
            "push": "The longest time is no limit: a provider takes all that come at once. Who waits for it meanwhile, "
            "and cannot take the next?",
            "db": "Not every post comes to the store: the cache answers most.",
        }
        raise Failure(
            f"'{box}' is not full first. {_shares()}",
            help=advice.get(
                box, "For each box: machines x slots / the time that a slot is taken, over calls per post."
            ),
        )
    return _shares()


def slips() -> dict[str, float]:
    """Return the answers of those who forget something, as multiples of the load, by what they forget."""
    workers, db = given.drawn(given.GROWING).component("workers"), given.drawn(given.GROWING).component("db")
    push = given.drawn(given.GROWING).component("push")
    servers = (workers.instances or 1) * (workers.slots or 1)
    work_s, held_s = workers.time_s or 0, (workers.time_s or 0) + (push.time_s or 0)
    store = (db.slots or 1) / (db.time_s or 1) / given.POSTS_PER_S
    return {
        "Each post makes several messages: where in the drawing does one become more?": servers
        / held_s
        / given.POSTS_PER_S,
        "A worker holds its slot while it waits for the provider: its own time is not all.": servers
        / work_s
        / given.POSTS_PER_S
        / given.FANOUT,
        "The cache answers most reads: only the misses come to the store.": store,
        "That is when the store is full, and something else is full long before it.": store / (1 - given.HIT),
        "You counted the machines, and not the slots of each.": (workers.instances or 1)
        / held_s
        / given.POSTS_PER_S
        / given.FANOUT,
        "That is the rate of posts a second; how many times today's is it?": servers / held_s / given.FANOUT,
    }


def judge_breaks_at(said: object) -> str:
    """Raise Failure unless it is near the multiple of the load at which the run is full; return that."""
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said < _ENDLESS:
        raise Failure(
            f"`breaks_at` is {said!r}, and it should be a number: how many times today's load.",
            help="2.5 would mean two and a half times the posts of today.",
        )
    box, measured = next(iter(breaking_points().items()))
    if abs(said / measured - 1) > _NEAR:
        near = [what for what, value in slips().items() if abs(said / value - 1) < 0.03]
        raise Failure(
            f"At {said:g} times the load '{box}' would be busy for {said / measured:.0%} of its time: it is full at "
            f"another load. {_shares()}",
            help=near[0] if near else "What is busy for a share of its time at one load: at which load is it 100 %?",
        )
    return f"The run says {measured:.2f} times."


# --- who waits

_CLOSE = {"alike": 0.10, "uneven": 0.10, "one dies": 0.20}


@functools.cache
def policies_in(name: str) -> dict[str, float]:
    """Return for each policy what a situation makes of it: the p99 in seconds, or how many requests are lost."""
    from fortyfive.design.kinds import BALANCING
    from fortyfive.flow.designs import run

    found = {}
    for policy in BALANCING:
        design = given.drawn(given.SITUATIONS[name].replace("POLICY", policy))
        path = run(design, given.situation(name)).paths["ask"]
        found[policy] = float(path.arrived - path.answered) if name == "one dies" else path.answer_s[2]
    return found


def _numbers(name: str) -> str:
    if name == "one dies":
        return ", ".join(f"{policy} loses {value:,.0f}" for policy, value in policies_in(name).items())
    return ", ".join(f"{policy} {1e3 * value:,.0f} ms" for policy, value in policies_in(name).items())


def judge_policy(policies: Any, name: str) -> str:
    """Raise Failure unless the policy chosen for a situation is nearly as good as the best; return all four numbers."""
    choices = list(policies_in(name))
    if not isinstance(policies, dict) or policies.get(name) not in choices:
        raise Failure(
            f"`policies` says {policies.get(name) if isinstance(policies, dict) else policies!r} for '{name}', and it "
            f"should be one of: {', '.join(choices)}.",
            help='Write a dictionary such as {"alike": "random", "uneven": "random", "one dies": "random"}.',
        )
    measured, chosen = policies_in(name), policies[name]
    what = "Requests without an answer in the run" if name == "one dies" else "p99 in the run"
    said = f"{what}: {_numbers(name)}."
    if measured[chosen] > (1 + _CLOSE[name]) * min(measured.values()):
        raise Failure(f"In '{name}' there is a better policy than '{chosen}'. {said}", help=_advice(name, chosen))
    return said


def _advice(name: str, chosen: str) -> str:
    if name == "one dies":
        return (
            "A dead machine answers at once, with an error: it is never busy. Who sends requests where least is going "
            "on, and for how long?"
        )
    if name == "uneven":
        return (
            "Taking turns spreads the requests evenly, and not the work: who comes behind a long one waits."
            if chosen == "round-robin"
            else "A slow request blocks its machine. Which policy looks at what is going on there?"
        )
    return "By chance one machine gets two at once while another has none. What avoids that?"
