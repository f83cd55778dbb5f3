"""Find the numbers in prose: which quantity is meant, in whose words, in which sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fortyfive import units


@dataclass(frozen=True)
class Mention:
    """A number that a text states: `value` in the base units `unit` (empty for a count or a share), as in `units`.

    `quote` is the text's own words, which begin at `start`; `sentence` is the sentence around them.
    """

    quote: str
    value: float
    unit: str
    sentence: str
    start: int

    @property
    def noun(self) -> str:
        """What is counted, in small letters and as it was written: "followers" of "5 K followers"; else ""."""
        words: list[str] = re.findall(r"[a-z]{3,}", self.quote.lower())
        return words[-1] if words and not self.unit and words[-1] != "percent" else ""


@dataclass(frozen=True)
class Sentence:
    """A sentence of a text, and where it begins."""

    text: str
    start: int


# A letter before it makes it part of a name: the p99, H2. A point or comma before it, part of a number.
_NUMBER = re.compile(
    r"(?<![\w.,])(?:(?:usd|us\$|\$)\ ?)?"
    r"(?:[0-9]{1,3}(?:[ ,_][0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?(?:\ ?[x×*]\ ?10\^[0-9]+)?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[ \u00a0-]?([A-Za-zµμ]+|[%$])")
_DIVISION = re.compile(r"[ \u00a0]?(/|(?:per|an?|each|every)\b)[ \u00a0]?", re.IGNORECASE)
_BEFORE_A_NOUN = re.compile(r"[kmbt]|[mbt]n|thousand|million|billion|trillion|active|concurrent|unique", re.IGNORECASE)
# Only these make "a" mean "per": "10 reads a day", and not "2 s a reader".
_PERIODS = re.compile(r"s|sec|second|min|minute|h|hour|d|day|week|month|year", re.IGNORECASE)
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+")
_ABBREVIATION = re.compile(r"\b(?:approx|ca|e\.g|i\.e|vs|incl)\.$", re.IGNORECASE)


def quantities_in(text: str) -> list[Mention]:
    """Return every number of a text with the unit or the noun that belongs to it, in order.

    Numbers in words ("ten seconds") are not found. A number whose unit is unknown or can be read in two ways ("10 m")
    is given as a plain number; one with unknown letters right behind it ("3rd") is none.
    """
    found = []
    for sentence in sentences(text):
        end = 0
        for match in _NUMBER.finditer(sentence.text):
            if match.start() < end:
                continue
            quote = _longest(sentence.text, match)
            if not quote:
                continue
            quantity = units.parse(quote)
            end = match.start() + len(quote)
            found.append(
                Mention(quote, quantity.value, quantity.unit, sentence.text.strip(), sentence.start + match.start())
            )
    return found


def sentences(text: str) -> list[Sentence]:
    """Split a text into its sentences; a line break ends one too."""
    found, start = [], 0
    for end in [*_END.finditer(text), None]:
        piece = text[start : end.start() if end else len(text)]
        if end and _ABBREVIATION.search(piece) and "\n" not in end[0]:
            continue
        if piece.strip():
            found.append(Sentence(piece, start))
        start = end.end() if end else start
    return found


def _longest(text: str, number: re.Match[str]) -> str:
    """Return the longest quantity that begins with the number, "" where there is none."""
    quote = ""
    for end in _ends(text, number.end()):
        candidate = text[number.start() : end]
        try:
            units.parse(candidate)
        except units.UnitError:
            continue
        quote = candidate
    stuck = text[number.end() : number.end() + 1].isalpha()
    return "" if stuck and quote == number[0] else quote


def _ends(text: str, at: int) -> Iterator[int]:
    """Yield where a quantity may end whose number ends at `at`: a magnitude, a noun or unit, then what it is per."""
    yield at
    word = None if _DIVISION.match(text, at) else _WORD.match(text, at)
    while word:
        at = word.end()
        yield at
        word = _WORD.match(text, at) if _BEFORE_A_NOUN.fullmatch(word[1]) else None
    while (division := _DIVISION.match(text, at)) and (below := _WORD.match(text, division.end())):
        if division[1].lower() not in ("/", "per") and not _PERIODS.fullmatch(below[1]):
            return
        at = below.end()
        yield at
