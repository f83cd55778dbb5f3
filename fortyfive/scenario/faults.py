"""What can go wrong in a run, as data: a schedule of faults, drawn by a machine or written by a learner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Fault = tuple[Any, ...]
"""The kind, then what it strikes; see `KINDS`."""

# For each kind the parts behind its name. A delivery is counted from 1, an effect too: 0 is before the first.
KINDS: Mapping[str, tuple[str, ...]] = {
    "crash": ("message", "delivery", "effect"),
    "no answer": ("message", "delivery", "effect"),
    "lost": ("message", "delivery", "effect"),
    "slow": ("message", "delivery", "effect", "seconds"),
    "copy": ("message", "seconds"),
    "late": ("message", "seconds"),
    "poison": ("message",),
    "outage": ("seconds", "seconds"),
    "throttle": ("seconds", "seconds"),
    "gone": ("device", "seconds"),
    "cut off": ("machine", "seconds", "seconds"),
}

# A fault that lasts longer says nothing more, and a run would have to be as long.
LONGEST_S = 3_600
MOST_CHARS = 200

# What strikes one effect of one delivery.
AT_AN_EFFECT = ("crash", "no answer", "lost", "slow")

_TELL: Mapping[str, Callable[..., str]] = {
    "crash": lambda message, delivery, effect: f"the worker dies {_after(effect)} of delivery {delivery} of {message}",
    "no answer": lambda message, delivery, effect: (
        f"effect {effect} of delivery {delivery} of {message} happens, and its answer is lost"
    ),
    "lost": lambda message, delivery, effect: (
        f"effect {effect} of delivery {delivery} of {message} is lost on its way, and does not happen"
    ),
    "slow": lambda message, delivery, effect, seconds: (
        f"effect {effect} of delivery {delivery} of {message} takes {seconds:g} s longer"
    ),
    "copy": lambda message, seconds: f"the queue delivers a second copy of {message} after {seconds:g} s",
    "late": lambda message, seconds: f"{message} reaches the queue {seconds:g} s late",
    "poison": lambda message: f"{message} holds a text that the provider refuses for good",
    "outage": lambda start, end: f"the provider is down from second {start:g} to {end:g}",
    "throttle": lambda start, end: f"the provider answers 429 from second {start:g} to {end:g}",
    "gone": lambda device, seconds: f"the token of {device} is no longer active from second {seconds:g} on",
    "cut off": lambda machine, start, end: f"{machine} reaches no service from second {start:g} to {end:g}",
}


def _after(effect: int) -> str:
    return "before the first effect" if effect == 0 else f"right after effect {effect}"


def tell(fault: Fault) -> str:
    """Return a fault as a clause."""
    return _TELL[fault[0]](*fault[1:])


def read_schedule(value: object, most: int) -> tuple[list[Fault], str]:
    """Return a learner's schedule as faults, and what is wrong with it ("" where nothing is)."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, list | tuple) for item in value):
        return [], f'A schedule is a list of faults, such as [("crash", "m1", 1, 2)], and this is {_shown(value)}.'
    if len(value) > most:
        return [], f"The schedule has {len(value)} faults; {most} are enough."
    found: list[Fault] = []
    for item in value:
        wrong = _wrong(tuple(item))
        if wrong:
            return [], f"The fault {_shown(tuple(item))} is none: {wrong}"
        found.append(tuple(item))
    return found, ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}…"


def _wrong(fault: Sequence[Any]) -> str:
    if not fault or type(fault[0]) is not str or fault[0] not in KINDS:
        return f"the kinds are {', '.join(KINDS)}."
    parts = KINDS[fault[0]]
    if len(fault) - 1 != len(parts):
        return f"{fault[0]!r} is followed by {' and '.join(parts)}."
    for part, value in zip(parts, fault[1:], strict=True):
        number = type(value) in (int, float)
        match part:
            case "seconds" if not (number and 0 <= value <= LONGEST_S):
                return f"{_shown(value)} stands where a time in seconds belongs, 0 to {LONGEST_S:,}."
            case "delivery" if not (isinstance(value, int) and number and 1 <= value <= 1_000):
                return f"{_shown(value)} stands where the number of a delivery belongs, 1 or more."
            case "effect" if not (isinstance(value, int) and number and 0 <= value <= 1_000):
                return f"{_shown(value)} stands where the number of an effect belongs, 0 or more."
            case "message" | "device" | "machine" if type(value) is not str or len(value) > MOST_CHARS:
                return f"{_shown(value)} stands where the name of a {part} belongs, a text."
    return ""
