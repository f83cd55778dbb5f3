"""What a learner hands in: one piece of Python text that defines the names an exercise asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

NOTEBOOK = "<your notebook>"
PAGE = "<this page>"


@dataclass(frozen=True)
class Submission:
    """Python source, and what is known about names that could not come along.

    `left_behind` maps such a name to a sentence for the learner.
    """

    source: str
    filename: str = NOTEBOOK
    left_behind: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data for the grading process; `Submission(**data)` reads it back."""
        return asdict(self)
