"""The two small functions of exercise 04: how many machines, and how likely two random short links are the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fortyfive.grading.child import Load, call
from fortyfive.grading.exercise import Answer
from fortyfive.grading.report import Failure

DRIVER = "fortyfive.checks.high_level_design_numbers:drive_calls"

# rate_per_s, service_s, slots, most_busy. None of the quotients is so near to a whole number that rounding decides,
# but for the last, which is exactly 64.
TIERS = (
    (500, 0.05, 16, 0.7),
    (4_000, 0.026, 16, 0.6),
    (20_000, 0.1, 16, 0.8),
    (1, 0.02, 16, 0.7),
    (90, 1.5, 1, 0.5),
    (1_024, 0.25, 8, 0.5),
)
BASE = 62
# length, links
CODES = ((8, 1_000_000), (7, 2_000_000), (6, 300_000), (5, 2_000), (10, 1_000), (1, 100), (8, 1), (8, 0))
# A chance below the least is as good as none: 1 - exp(-x) has no digits for it.
_CLOSE, _NOTHING, _LEAST = 0.02, 1e-9, 1e-14
# No number of machines, and no chance: a whole number beyond it cannot be compared with a float.
_ENDLESS = 1e300


def drive_calls(load: Load, name: str, arguments: list[list[float]]) -> list[Any]:
    """Call the learner's function with each list of arguments, and return what it returns (driver)."""
    function = load().get(name)
    if not callable(function):
        raise Failure(f"`{name}` is {function!r}, and it should be a function.", help=f"Write it with `def {name}`.")
    return [call(function, *each) for each in arguments]


def _called(answer: Answer, name: str, arguments: tuple[tuple[float, ...], ...]) -> list[Any]:
    found: list[Any] = answer.drive(DRIVER, name, [list(each) for each in arguments])
    for given, value in zip(arguments, found, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _ENDLESS:
            raise Failure(
                f"{_said(name, given)} returns {value!r}, and it should return a number.",
                help="Leave the function with `return` and the number itself, without a unit."
                if value is None
                else "Numbers go in, and a number comes out.",
            )
    return found


def _said(name: str, given: tuple[float, ...]) -> str:
    return f"{name}({', '.join(f'{each:g}' if isinstance(each, float) else f'{each:_}' for each in given)})"


def instances(rate_per_s: float, service_s: float, slots: int, most_busy: float) -> int:
    """Return the smallest number of machines that are busy for at most that share of their time (Little's law)."""
    return math.ceil(rate_per_s * service_s / (slots * most_busy))


_FORGOTTEN: tuple[tuple[Callable[[float, float, int, float], float], str], ...] = (
    (lambda rate, time, slots, busy: math.ceil(rate * time / slots), "That leaves no headroom: where is `most_busy`?"),
    (lambda rate, time, slots, busy: math.ceil(rate * time / busy), "One machine works on `slots` requests at once."),
    (
        lambda rate, time, slots, busy: math.ceil(rate * time * busy / slots),
        "Headroom makes the number larger: who may be busy for a part of the time only, does less.",
    ),
    (lambda rate, time, slots, busy: math.floor(rate * time / (slots * busy)), "Rounded down, it is too few machines."),
    (lambda rate, time, slots, busy: round(rate * time / (slots * busy)), "Half a machine too few is too few."),
    (
        lambda rate, time, slots, busy: math.floor(rate * time / (slots * busy)) + 1,
        "That is one too many where the division comes out even: round up with `math.ceil`.",
    ),
    (lambda rate, time, slots, busy: rate * time / (slots * busy), "Nobody rents a part of a machine: round up."),
)


def judge_instances(answer: Answer) -> None:
    """Raise Failure at the first tier for which the learner's function returns another number of machines."""
    found = _called(answer, "instances_for", TIERS)
    if [float(each) for each in found] == [instances(*each) for each in TIERS]:
        return
    advice = "On average rate x time requests are there at once (Little's law). How many may one machine have?"
    for forgotten, sentence in _FORGOTTEN:
        if all(math.isclose(value, forgotten(*each)) for value, each in zip(found, TIERS, strict=True)):
            advice = sentence
    place = next(n for n, each in enumerate(TIERS) if float(found[n]) != instances(*each))
    rate_per_s, service_s, slots, _ = TIERS[place]
    wanted = instances(*TIERS[place])
    busy = rate_per_s * service_s / slots
    raise Failure(
        f"{_said('instances_for', TIERS[place])} returns {found[place]:g}. {wanted:,} machines would be busy for "
        f"{busy / wanted:.0%} of their time"
        + (f", {wanted - 1:,} for {busy / (wanted - 1):.0%}." if wanted > 1 else ", and none is too few."),
        help=advice,
    )


def collision(length: int, links: int) -> float:
    """Return the chance that two of so many random codes are the same (the birthday bound)."""
    return -math.expm1(-links * (links - 1) / 2 / BASE**length)


_MISTAKEN: tuple[tuple[Callable[[int, int], float], str], ...] = (
    (
        lambda length, links: links / BASE**length,
        "That is the chance that the next link meets one of those there. How many pairs are there that may be equal?",
    ),
    (
        lambda length, links: links * (links - 1) / 2 / BASE**length,
        "That is how many equal pairs there are on average, and a chance is never above 1: 1 - exp(-pairs / codes).",
    ),
    (
        lambda length, links: min(1.0, links * (links - 1) / 2 / BASE**length),
        "Cut at 1 it is still too large: 1 - exp(-pairs / codes).",
    ),
    (
        lambda length, links: math.exp(-links * (links - 1) / 2 / BASE**length),
        "That is the chance that all are different.",
    ),
    (
        lambda length, links: -math.expm1(-links * (links - 1) / 2 / length**BASE),
        "A code of `length` characters out of 62: each further character makes 62 times as many codes.",
    ),
    (
        lambda length, links: -math.expm1(-links * (links - 1) / 2 / 36**length),
        "Capital letters count too: 26 + 26 + 10 characters.",
    ),
    (
        lambda length, links: -math.expm1(-links * (links - 1) / 2 / 64**length),
        "Letters and digits are 62 characters, and not 64.",
    ),
    (
        lambda length, links: -math.expm1(-links * (links - 1) / BASE**length),
        "Each pair is counted twice: there are links x (links - 1) / 2 of them.",
    ),
)


def judge_collision(answer: Answer) -> str:
    """Raise Failure at the first length for which the learner's function is off by more than 2 %."""
    found = _called(answer, "collision_chance", CODES)
    wrong = [n for n, each in enumerate(CODES) if not _close(found[n], collision(*each))]
    if not wrong:
        return "With 7 characters and 2,000,000 links it is " + f"{collision(7, 2_000_000):.0%}."
    advice = "How many pairs of links are there, and how likely is one pair to be equal?"
    for mistaken, sentence in _MISTAKEN:
        if all(_close(value, mistaken(*each)) for value, each in zip(found, CODES, strict=True)):
            advice = sentence
            break
    length, links = CODES[wrong[0]]
    raise Failure(
        f"{_said('collision_chance', CODES[wrong[0]])} returns {found[wrong[0]]:.3g}, and of {links:,} random codes "
        f"among {BASE}^{length} = {BASE**length:,} two are the same with a chance of {collision(length, links):.3g}.",
        help=advice,
    )


def _close(value: float, wanted: float) -> bool:
    return abs(value) <= _NOTHING if wanted < _LEAST else math.isclose(value, wanted, rel_tol=_CLOSE)
