"""What two exercises share about time-outs as quantiles: measured times to choose from, and how a choice is read."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from statistics import NormalDist

from fortyfive.grading.exercise import Answer
from fortyfive.grading.report import Failure
from fortyfive.scenario.draws import Draws


def measured_times(count: int, *, median_s: float, sigma: float, seed: int, digits: int) -> list[float]:
    """Return the quantiles (s) of a log-normal distribution, rounded, in a shuffled order.

    `sigma` is the spread of the logarithm.
    """
    times = [median_s * exp(sigma * NormalDist().inv_cdf((number + 0.5) / count)) for number in range(count)]
    draws = Draws(seed)
    return [round(time, digits) for _, time in sorted((draws.bits(), time) for time in times)]


def read_seconds(answer: Answer, name: str) -> float:
    """Return the number that a learner gave a name. Raises Failure where it is none."""
    given = answer.value(name)
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise Failure(f"`{name}` is {given!r}, and it should be a number of seconds.")
    return given


def where_to_look(given_s: float, times_s: Sequence[float]) -> str:
    """Return the advice for a time-out that too many of the times exceed."""
    if given_s <= 3 * sum(times_s) / len(times_s):
        return "The mean says nothing about the longest: look at the other end of the sorted times."
    return "You are nearly there: how many of the times may be longer?"
