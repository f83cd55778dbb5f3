"""The dated table of limits and measured figures: `fact("sqs.visibility-timeout-max")` with its source and date."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from fortyfive import units

_FACTS = "facts.toml"


class UnknownFact(KeyError):  # noqa: N818 - it reads as what it says: an unknown fact
    """There is no fact of that key; the message names the nearest ones."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError itself would show the sentence in quotes


@dataclass(frozen=True)
class Fact:
    """One limit or figure; `known` is "read", "second-hand", "remembered" or "computed"."""

    key: str
    value: float
    unit: str
    what: str
    source: str
    read: date
    known: str

    @property
    def quantity(self) -> units.Quantity:
        """The value with its unit."""
        return units.parse(f"{self.value!r} {self.unit}")

    def cite(self) -> str:
        """Return source and date: "SQS Developer Guide, quotas, read 2026-11-21"."""
        how = {"read": "read", "computed": "computed"}.get(self.known, f"{self.known}, noted")
        return f"{self.source}, {how} {self.read.isoformat()}"


@cache
def table(file_name: str) -> Mapping[str, Fact]:
    """Return the rows of a dated table beside this module, by key."""
    subjects = tomllib.loads(Path(__file__).with_name(file_name).read_text(encoding="utf-8"))
    return {
        key: Fact(key=key, **{**entry, "value": float(entry["value"])})
        for subject, entries in subjects.items()
        if subject != "as_of"
        for name, entry in entries.items()
        for key in [f"{subject}.{name}"]
    }


def row(key: str, rows: Mapping[str, Fact], *, noun: str) -> Fact:
    """Return the row of that key; `noun` says what the rows are. Raises UnknownFact, which names the nearest keys."""
    try:
        return rows[key]
    except KeyError:
        near = difflib.get_close_matches(key, rows, n=3, cutoff=0.4)
        hint = f"Nearest: {', '.join(near)}." if near else f"{noun}s() lists them all."
        raise UnknownFact(f"There is no {noun} {key!r}. {hint}") from None


def fact(key: str) -> Fact:
    """Return one fact. Raises UnknownFact."""
    return row(key, table(_FACTS), noun="fact")


def facts() -> tuple[Fact, ...]:
    """Return all facts, sorted by key."""
    return tuple(sorted(table(_FACTS).values(), key=lambda item: item.key))
