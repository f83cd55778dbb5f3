"""The values of parameters as they are typed (`20ms`, `30k`, `90%`, `500/s`): read, and written as short as can be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches

from fortyfive.design.kinds import Parameter

Value = bool | int | float | str | tuple[str, ...] | tuple[int, int]

# Longer than any number that a parameter may have.
_MOST_DIGITS, _MOST_COUNT = 40, 10**27
_NUMBER = re.compile(r"([+-]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]{1,3})?)\s*(.*)", re.DOTALL)
_NAME = re.compile(r"\w+(?:-+\w+)*")

_MINUTE, _HOUR, _DAY = Decimal(60), Decimal(3_600), Decimal(86_400)
_TIMES = {
    "s": Decimal(1),
    "ms": Decimal("1e-3"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "μs": Decimal("1e-6"),
    "m": _MINUTE,
    "min": _MINUTE,
    "h": _HOUR,
    "d": _DAY,
}
_SIZES = {"": Decimal(1), "k": Decimal(1_000), "K": Decimal(1_000), "M": Decimal(10**6), "G": Decimal(10**9)}
_RATES = {
    size + per: factor / span
    for size, factor in _SIZES.items()
    for per, span in {"": Decimal(1), "/s": Decimal(1), "/min": _MINUTE, "/m": _MINUTE, "/h": _HOUR}.items()
}
_SHARES = {"": Decimal(1), "%": Decimal("1e-2")}

_UNITS: Mapping[str, Mapping[str, Decimal]] = {
    "time": _TIMES,
    "count": _SIZES,
    "share": _SHARES,
    "rate": _RATES,
    "money": _SIZES,
}
# The units that a value is written with; of two that are equally short, the first.
_WRITTEN: Mapping[str, tuple[str, ...]] = {
    "time": ("s", "ms", "us", "m", "h", "d"),
    "count": ("", "k", "M", "G"),
    "share": ("%", ""),
    "rate": ("/s", "k/s", "M/s"),
    "money": ("", "k", "M"),
}
_EXAMPLES = {
    "time": "a time such as 20ms, 5s or 2m",
    "count": "a whole number such as 4, 30k or 1M",
    "share": "a share such as 90% or 0.9",
    "rate": "a rate such as 500/s or 30k/s",
    "money": "an amount such as 20 or USD 20",
}


def near(word: str, known: list[str] | tuple[str, ...]) -> str:
    """Return " Did you mean …?" with the known word that is nearest, or "" where none is near."""
    found = get_close_matches(word[:_MOST_DIGITS].casefold(), known, n=1)
    return f" Did you mean '{found[0]}'?" if found else ""


def short(text: str) -> str:
    """Return a piece of somebody's text as it is quoted in a sentence: on one line, and not all of a long one."""
    line = " ".join(text.split())
    return line if len(line) <= _MOST_DIGITS else f"{line[: _MOST_DIGITS - 1]}…"


def read_value(parameter: Parameter, text: str) -> Value:
    """Return the value that a text gives a parameter, in seconds, items, shares of 1, items per second or USD a month.

    A flag is read from "". Raises ValueError with a sentence. Whether the value is within its bounds, `rules` says.
    """
    word, text = parameter.word, text.strip()
    if parameter.unit == "flag":
        if text:
            raise ValueError(f"'{word}' is on or off: write it without a value.")
        return True
    if not text:
        raise ValueError(f"'{word}' needs a value: write {example(parameter)}.")
    if parameter.unit == "word":
        if text.casefold() not in parameter.choices:
            raise ValueError(
                f"'{short(text)}' is no {word}.{near(text, parameter.choices)} There are: "
                f"{', '.join(parameter.choices)}."
            )
        return text.casefold()
    if parameter.unit == "words":
        return _words(parameter, text)
    if parameter.unit == "place":
        return _place(parameter, text)
    return _number(parameter, text)


def write_value(parameter: Parameter, value: Value) -> str:
    """Return the shortest text that `read_value` reads as exactly this value; "" for a flag.

    Raises ValueError for a value that no text stands for, such as an infinite one.
    """
    if parameter.unit == "flag":
        return ""
    if isinstance(value, tuple):
        return ("," if parameter.unit == "place" else "+").join(map(str, value))
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"'{parameter.word}' is {value!r}: only a finite number can be written.")
    number = Decimal(repr(value))
    best = ""
    for unit in _WRITTEN[parameter.unit]:
        scaled = _digits(number / _UNITS[parameter.unit][unit])
        text = scaled + unit
        if (not best or len(text) < len(best)) and _exact(parameter, text) == value:
            best = text
    return best or repr(value)


def example(parameter: Parameter) -> str:
    """Return what a parameter's value looks like, in words."""
    if parameter.unit == "word":
        return f"{parameter.word}={parameter.choices[0]}"
    if parameter.unit == "words":
        return f"{parameter.word}=read or {parameter.word}=read+miss"
    if parameter.unit == "place":
        return f"two whole numbers such as {parameter.word}=120,80"
    return _EXAMPLES.get(parameter.unit, parameter.word)


def _words(parameter: Parameter, text: str) -> tuple[str, ...]:
    words = tuple(part.strip() for part in text.split("+"))
    for word in words:
        if not _NAME.fullmatch(word):
            raise ValueError(
                f"'{short(text)}' in '{parameter.word}' is not a list of words: write {example(parameter)}."
            )
    return words


def _place(parameter: Parameter, text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([+-]?[0-9]{1,9})\s*,\s*([+-]?[0-9]{1,9})", text)
    if not found:
        raise ValueError(f"'{short(text)}' is no place: write {example(parameter)}.")
    return int(found[1]), int(found[2])


def _number(parameter: Parameter, text: str) -> int | float:
    value = _exact(parameter, text)
    if value is not None:
        return value
    unit, word = parameter.unit, parameter.word
    hint = ""
    if "=" in text or re.search(r"\s[a-z]+$", text):
        hint = " Parameters are separated by commas."
    elif unit == "time" and _NUMBER.fullmatch(text) and not _split(text)[1]:
        hint = f" It has no unit: {short(text)}ms or {short(text)}s?"
    elif unit == "count" and _split(text)[1] == "m":
        hint = " A million is written with a capital M."
    elif unit == "count" and _split(text)[0] is not None and _split(text)[1] in _SIZES:
        hint = " It has to be whole."
    raise ValueError(f"'{short(text)}' in '{word}' is not {_EXAMPLES[unit]}.{hint}")


def _exact(parameter: Parameter, text: str) -> int | float | None:
    """Return the number that a text stands for, nearest to what is typed; None where it stands for none."""
    unit = parameter.unit
    if unit == "money":
        text = re.sub(r"^(?:USD\b|\$)\s*|\s*(?:USD|\$)$", "", text, count=1, flags=re.IGNORECASE)
    number, suffix = _split(text)
    if number is None or (factor := _UNITS[unit].get(suffix)) is None:
        # Nothing takes no time, whatever the unit.
        return 0.0 if unit == "time" and number == 0 and not suffix else None
    exact = number * factor
    if unit != "count":
        return float(exact)
    return int(exact) if abs(exact) < _MOST_COUNT and exact == exact.to_integral_value() else None


def _split(text: str) -> tuple[Decimal | None, str]:
    found = _NUMBER.fullmatch(text) if len(text) <= _MOST_DIGITS else None
    return (Decimal(found[1].replace("_", "")), found[2].strip()) if found else (None, "")


def _digits(number: Decimal) -> str:
    """Return a number in the fewest characters, without an exponent unless that is shorter by far."""
    number = number.normalize()
    plain = format(number, "f")
    return plain if len(plain) <= 20 else format(number, "e").replace("e+", "e")
