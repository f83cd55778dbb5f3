"""Checks: one module an exercise, found by its stem (`05_fan_out` is judged by `checks/fan_out.py`)."""

from __future__ import annotations

import difflib
import importlib
from pathlib import Path

from fortyfive.grading.exercise import Exercise

# Every exercise of the course, in its order. The gates of `make check` compare this with the folders.
STEMS = ("04_high_level_design", "05_fan_out", "06_delivery_semantics", "09_failure_modes")


class UnknownExerciseError(LookupError):
    """There is no exercise of that name; the message says which there are."""


def find_stem(topic: str | int) -> str:
    """Return the stem of a topic given as "05", 5, "fan_out" or a path. Raises UnknownExerciseError."""
    text = Path(str(topic)).name.partition(".")[0].strip().lower()
    for stem in STEMS:
        number, _, name = stem.partition("_")
        if text in (stem, number, name) or (text.isdecimal() and int(text) == int(number)):
            return stem
    near = difflib.get_close_matches(text, STEMS, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UnknownExerciseError(f"There is no exercise {topic!r}.{hint} There are: {', '.join(STEMS)}.")


def load(stem: str) -> Exercise:
    """Return the exercise of a stem, with its checks."""
    module = importlib.import_module(f"fortyfive.checks.{stem.partition('_')[2]}")
    exercise = module.exercise
    assert isinstance(exercise, Exercise)
    return exercise
