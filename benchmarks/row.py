"""One measurement."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A value with its unit, and its ratio to `against`, which was measured in the same run."""

    name: str
    value: float
    unit: str
    target: float
    ratio: float | None = None
    against: str = ""

    @property
    def met(self) -> bool:
        """Whether the value is within its target."""
        return self.value <= self.target

    def to_json(self) -> dict[str, Any]:
        """Return the row as it stands in results.json."""
        ratio = None if self.ratio is None else round(self.ratio, 3)
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "ratio": ratio,
            "against": self.against,
        }


@dataclass(frozen=True)
class AtLeast(Row):
    """A value that is to reach its target, and not to stay below it."""

    @property
    def met(self) -> bool:
        """Whether the value has reached its target."""
        return self.value >= self.target


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


def median_s(work: Callable[[], object], times: int) -> float:
    """Return the median of several calls, in seconds."""
    return statistics.median(seconds(work) for _ in range(times))
