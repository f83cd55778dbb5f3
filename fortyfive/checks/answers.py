"""What the tables of right and wrong answers are made of: every check has both, and they are its test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Right:
    """A submission that earns full marks, told apart from the others by its style."""

    name: str
    source: str


@dataclass(frozen=True)
class Wrong:
    """A misconception: with `change` applied to a right answer, `check` fails and its feedback contains `says`."""

    name: str
    check: str
    change: str
    says: str
    verdict: str = "failed"


def solution(stem: str) -> str:
    """Return the source of the course's own solution. Raises OSError outside a checkout of the course."""
    return (Path(__file__).parents[2] / "solutions" / f"{stem}.py").read_text(encoding="utf-8")
