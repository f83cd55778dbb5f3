"""Feedback as data: the seven verdicts, one result a check, one report an exercise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from fortyfive.grading.diagram import Diagram


class Verdict(StrEnum):
    """What became of one check; only `PASSED` earns points."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ATTEMPTED = "not_attempted"
    RAISED = "raised"
    TIMED_OUT = "timed_out"
    OVER_LIMIT = "over_limit"
    GRADER_ERROR = "grader_error"


class Failure(Exception):  # noqa: N818 - a check raises it as its answer; it is not an error of ours
    """A check's way to say no: what was called, what came back and what was expected; `help` says where to look.

    `diagram` shows what happened, where a sentence is not enough.
    """

    def __init__(
        self,
        rationale: str,
        *,
        help: str = "",  # noqa: A002 - the learner's word for it
        diagram: Diagram | None = None,
    ) -> None:
        super().__init__(rationale)
        self.rationale = rationale
        self.help = help
        self.diagram = diagram


@dataclass(frozen=True)
class Result:
    """One check's verdict. On a pass `rationale` holds the take-away."""

    id: str
    title: str
    verdict: Verdict
    points: int
    max_points: int
    rationale: str = ""
    help: str = ""
    diagram: Diagram | None = None

    @property
    def attempted(self) -> bool:
        """Whether the learner's own work was judged: an untouched stub and a grader's own fault are not attempts."""
        return self.verdict not in (Verdict.NOT_ATTEMPTED, Verdict.GRADER_ERROR)


@dataclass(frozen=True)
class Report:
    """All results of one exercise, in the order of its checks."""

    stem: str
    results: tuple[Result, ...]

    @property
    def points(self) -> int:
        """Points earned."""
        return sum(result.points for result in self.results)

    @property
    def max_points(self) -> int:
        """Points to be had."""
        return sum(result.max_points for result in self.results)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON data; `from_json` reads it back."""
        return {
            "stem": self.stem,
            "points": self.points,
            "max_points": self.max_points,
            "checks": [_to_json(result) for result in self.results],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """Read what `to_json` wrote; raises KeyError, TypeError or ValueError where it is not that."""
        return cls(stem=data["stem"], results=tuple(_from_json(item) for item in data["checks"]))


def _to_json(result: Result) -> dict[str, Any]:
    data = asdict(result) | {"verdict": result.verdict.value}
    return data | {"diagram": result.diagram.to_json() if result.diagram else None}


def _from_json(data: Mapping[str, Any]) -> Result:
    verdict, diagram = Verdict(data["verdict"]), {**data}.get("diagram")
    return Result(**{**data, "verdict": verdict, "diagram": Diagram.from_json(diagram) if diagram else None})
