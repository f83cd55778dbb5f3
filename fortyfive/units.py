"""Quantities as an engineer writes them: read from text, written with three digits, compared with their slips named."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

MAX_CHARS = 200
# A value beyond these, in base units, is a slip of the keyboard.
_MIN_VALUE, _MAX_VALUE = Fraction(1, 10**30), Fraction(10**30)
# What dividing two rounded floats can be off by.
_FLOAT_NOISE = 1e-12

_EXAMPLE = "Write a number and its unit, such as 120 K/s, 1.5 TB or 5 min."

_PREFIXES = {"k": "kilo", "K": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta", "E": "exa"}
_BINARY_PREFIXES = {"Ki": "kibi", "Mi": "mebi", "Gi": "gibi", "Ti": "tebi", "Pi": "pebi", "Ei": "exbi"}

# A month has 30 days and a year 365, as on the back of an envelope.
_DEFINITIONS = [
    *(f"{name}- = 1e{3 * step}" for step, name in enumerate(dict.fromkeys(_PREFIXES.values()), 1)),
    *(f"{name}- = {1024**step}" for step, name in enumerate(_BINARY_PREFIXES.values(), 1)),
    *("milli- = 1e-3", "micro- = 1e-6", "nano- = 1e-9"),
    *("byte = [information]", "bit = 0.125 byte"),
    *("second = [time]", "minute = 60 second", "hour = 3600 second", "day = 86400 second"),
    *("week = 7 day", "month = 30 day", "year = 365 day"),
    *("USD = [money]", "percent = 0.01"),
]

# Spelled exactly so, because case tells bits from bytes and M from m.
_SYMBOLS = {
    **{"B": "byte", "s": "second", "h": "hour", "d": "day", "%": "percent", "$": "USD"},
    **{"ms": "millisecond", "us": "microsecond", "ns": "nanosecond"},
    **{f"{symbol}B": f"{name}byte" for symbol, name in (_PREFIXES | _BINARY_PREFIXES).items()},
    **{f"{symbol}bit": f"{name}bit" for symbol, name in (_PREFIXES | _BINARY_PREFIXES).items()},
    **{f"{symbol}b": f"{name}bit" for symbol, name in _PREFIXES.items() if symbol != "k"},
}

_TIMES = {
    **{"second": ("sec", "secs", "seconds"), "minute": ("min", "mins", "minutes"), "hour": ("hr", "hrs", "hours")},
    **{"day": ("days",), "week": ("weeks",), "month": ("months",), "year": ("yr", "yrs", "years")},
    **{f"{prefix}second": (f"{prefix}seconds",) for prefix in ("milli", "micro", "nano")},
}

# Spelled in any case.
_WORDS = {
    **{spelling: name for name, others in _TIMES.items() for spelling in (name, *others)},
    **{
        f"{prefix}{unit}{plural}": f"{prefix}{unit}"
        for prefix in ("", *_PREFIXES.values(), *_BINARY_PREFIXES.values())
        for unit in ("byte", "bit")
        for plural in ("", "s")
    },
    **{"usd": "USD", "dollar": "USD", "dollars": "USD", "percent": "percent"},
}

_SHORT_TIMES = {
    **{"second": "s", "minute": "min", "hour": "h"},
    **{"millisecond": "ms", "microsecond": "us", "nanosecond": "ns"},
}

_NOUNS = """
    account attempt batch call cart click client command connection copy customer delivery device document driver
    duplicate element email entry event feed file follower hit host image insert instance item job key layer leaf like
    link lookup machine member message miss node notification object op operation order page partition person photo
    point post product publish pull push query read record replica reply req request response retry ride rider row
    server session shard subscriber task timeline time token transaction trip try tweet txn unit update upload url user
    video view visit volume worker write
""".split()  # noqa: SIM905 - ninety quoted words read worse than this


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


_COUNTED = frozenset(
    [*_NOUNS, *map(_plural, _NOUNS), "leaves", "people", "msg", "msgs", "x", "active", "concurrent", "unique"]
)

_MAGNITUDES = {
    **{"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12},
    **{"k": 10**3, "mn": 10**6, "bn": 10**9, "tn": 10**12},
}
# After a number, these mean what they say only where something counted follows: B alone is byte.
_MAGNITUDES_OF_COUNTS = {"B": 10**9, "T": 10**12}

_PER_SECOND = {"qps": "queries", "rps": "requests", "tps": "transactions", "iops": "operations"}
# One word that says "per second" too.
_RATES = {
    **_PER_SECOND,
    **{word.upper(): noun for word, noun in _PER_SECOND.items()},
    **{f"{symbol}Bps": f"{symbol}B" for symbol in ("", *_PREFIXES)},
    **{f"{symbol}bps": f"{symbol}bit" for symbol in ("", *_PREFIXES)},
    **{"mbps": "Mbit", "gbps": "Gbit"},
}
_SPELLINGS = sorted({*_SYMBOLS, *_WORDS, *_COUNTED, *_RATES, *_MAGNITUDES, "K", "M"})

_AMBIGUOUS = {
    "m": "M (million), min or ms",
    "b": "B (byte), bit or bn (billion)",
    **{f"{prefix.lower()}b": f"{prefix}B (bytes) or {prefix}bit (bits)" for prefix in ("k", "M", "G", "T", "P")},
}

# How values are written: largest step first. Without a counted word, billion is bn, for B alone is byte.
_COUNTED_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"), (1.0, ""))
_COUNT_STEPS = ((1e12, "tn"), (1e9, "bn"), (1e6, "M"), (1e3, "K"), (1.0, ""))
_BYTE_STEPS = ((1e18, "EB"), (1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))
_TIME_STEPS = ((86400.0, "day"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))

# What a learner calls a quantity in these base units, and an example of how it is written.
_KINDS = {
    "": ("a plain number or a count", "40 M deliveries"),
    "1/second": ("a rate per second, per day or the like", "120 K deliveries/s"),
    "second": ("a time", "5 min"),
    "byte": ("an amount of data", "1.5 TB"),
    "byte/second": ("an amount of data per time", "200 MB/s"),
    "USD": ("an amount of money", "USD 12"),
    "USD/second": ("money per time", "USD 12/month"),
}

_DIVISIONS = frozenset({"/", "per", "a", "an", "each", "every"})
_PRODUCTS = frozenset({"*", "-"})

_ABOUT = re.compile(r"(?:(?:about|approximately|approx|around|roughly|nearly|almost|circa|ca)\b\.?|[~=\s])+", re.I)
_CURRENCY = re.compile(r"(?:usd|us\$|\$) ?", re.I)
_NUMBER = re.compile(
    r"""\+?(?:
        10\ ?(?:\^|\*\*)\ ?(?P<power>[+-]?[0-9]+)
      | (?P<mantissa>
            [0-9]{1,3}(?P<group>[ ,_])[0-9]{3}(?:(?P=group)[0-9]{3})*(?![0-9])(?:\.[0-9]+)?
          | [0-9]+(?:\.[0-9]*)?
          | \.[0-9]+ )
        (?:e(?P<exponent>[+-]?[0-9]+) | \ ?[x*]\ ?10\ ?(?:\^|\*\*)\ ?(?P<times>[+-]?[0-9]+))?
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_TOKEN = re.compile(r"[A-Za-z%$]+|\S")
_TYPOGRAPHY = str.maketrans({"×": "x", "·": "*", "≈": "~", "µ": "u", "μ": "u", "−": "-"})


class UnitError(ValueError):
    """A text is no quantity; the message is a sentence that says what could not be read and how to write it."""


@dataclass(frozen=True)
class Quantity:
    """A value in base units: bytes, seconds, USD and plain counts. The last two fields are only for display."""

    value: float
    unit: str  # the base units, such as "byte/second"; empty for a plain number or a count
    counted: str = field(default="", compare=False)  # "deliveries"
    per: tuple[str, ...] = field(default=(), compare=False)  # ("user", "year")

    def __str__(self) -> str:
        return format_quantity(self)

    def value_in(self, unit: str) -> float:
        """Return the value in a unit such as "GB/day" or "deliveries/s". Raises UnitError where it does not fit."""
        one = parse(f"1 {unit}")
        if one.unit != self.unit:
            raise UnitError(f"{self} is {_kind(self)} and cannot be given in {unit!r}, which is {_kind(one)}.")
        return self.value / one.value


@dataclass(frozen=True)
class Comparison:
    """How an answer compares: `slip` is a stable id, empty when `ok`; `sentence` says it to the learner."""

    ok: bool
    slip: str
    sentence: str


@cache
def _registry() -> Any:
    """Return pint's registry with the few units above, computing in exact fractions."""
    import pint

    registry: Any = pint.UnitRegistry(None, non_int_type=Fraction)
    registry.load_definitions(_DEFINITIONS)
    return registry


def _to_base(value: Fraction, unit: str) -> tuple[Fraction, str]:
    """Convert a value from any product of units to base units; returns both, the unit with one spelling."""
    base = _registry().Quantity(value, unit or "1").to_root_units()
    exponents = sorted((str(name), int(exponent)) for name, exponent in base.unit_items())
    above = [name for name, exponent in exponents for _ in range(exponent)]
    below = [name for name, exponent in exponents for _ in range(-exponent)]
    return base.magnitude, _fraction(above, below)


def _fraction(above: Sequence[str], below: Sequence[str]) -> str:
    """Write units above and below the fraction bar as one text; something counted is "" and leaves no trace."""
    product = "*".join(unit for unit in above if unit)
    divisors = [unit for unit in below if unit]
    return "/".join([product or "1", *divisors]) if divisors else product


def parse(text: str | int | float) -> Quantity:
    """Read a quantity: "120 K/s", "10 M deliveries/s", "100 MB per user per year", "1.2 Gbit/s", "USD 0.02", 2.5.

    KB, MB, GB are powers of 1000, KiB, MiB, GiB of 1024; what is counted has no dimension; a month has 30 days, a year
    365. Raises UnitError.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise UnitError(f"A quantity is a text such as '120 K/s', or a number; this is a {type(text).__name__}.")
    if not isinstance(text, str):
        return Quantity(float(_plain_number(text)), "")
    if len(text) > MAX_CHARS:
        raise UnitError(f"This text has {len(text):,} characters, and a quantity has at most {MAX_CHARS}. {_EXAMPLE}")
    number, rest, currency = _split_number(text)
    magnitude, words = _split_magnitude(_TOKEN.findall(rest))
    above, below = _split_terms(text, words)
    above = [*currency, *above]
    unit = _fraction([_find(text, word) for word in above], [_find(text, word) for word in below])
    value, unit = _to_base(number * magnitude, unit)
    counted = " ".join(above) if all(word.lower() in _COUNTED for word in above) else ""
    return Quantity(float(_in_range(repr(text), value)), unit, counted, tuple(_short(word) for word in below))


def _plain_number(number: int | float) -> Fraction:
    if isinstance(number, float) and not math.isfinite(number):
        raise UnitError(f"{number} is not a value that can be compared. {_EXAMPLE}")
    if number < 0:
        raise UnitError(f"The number is below zero, which no size, rate or time is. {_EXAMPLE}")
    return _in_range("The number", Fraction(number))


def _in_range(what: str, value: Fraction) -> Fraction:
    if value and not _MIN_VALUE <= value <= _MAX_VALUE:
        raise UnitError(f"{what} is too large or too small for an estimate: check its exponent and its unit.")
    return value


def _split_number(text: str) -> tuple[Fraction, str, list[str]]:
    """Return the number, the text behind it and the currency before it."""
    clean = " ".join(text.translate(_TYPOGRAPHY).split()).replace("per cent", "%")
    if not clean:
        raise UnitError(f"There is nothing to read: the text is empty. {_EXAMPLE}")
    if about := _ABOUT.match(clean):
        clean = clean[about.end() :]
    currency = _CURRENCY.match(clean)
    if currency:
        clean = clean[currency.end() :]
    if re.match(r"- ?[0-9.]", clean):
        raise UnitError(f"{text!r} is below zero, which no size, rate or time is. {_EXAMPLE}")
    found = _NUMBER.match(clean)
    if not found:
        if re.search("[0-9]", clean):
            raise UnitError(f"{text!r} does not begin with its number. {_EXAMPLE}")
        raise UnitError(f"There is no number in {text!r}. {_EXAMPLE}")
    rest = clean[found.end() :]
    if re.search("[0-9]", rest):
        raise UnitError(
            f"There is more than one number in {text!r}. Write one number, the result and not the calculation; "
            "a point stands before decimals and a comma only between thousands, as in 1,200.5 s."
        )
    exponent = int(found["power"] or found["exponent"] or found["times"] or 0)
    # Raised to its power only after this look at it, because an exponent of many digits would never end.
    if abs(exponent) > MAX_CHARS:
        raise UnitError(f"{text!r} is too large or too small for an estimate: check its exponent.")
    mantissa = re.sub("[ ,_]", "", found["mantissa"] or "1")
    return Fraction(mantissa) * Fraction(10) ** exponent, rest.rstrip(" ."), ["USD"] if currency else []


def _split_magnitude(words: list[str]) -> tuple[int, list[str]]:
    """Take K, M, million and their like off the front; B and T only before something counted, for B alone is byte."""
    if not words:
        return 1, words
    first, rest = words[0], words[1:]
    if first in _MAGNITUDES_OF_COUNTS and rest and (rest[0].lower() in _COUNTED or rest[0].lower() in _PER_SECOND):
        return _MAGNITUDES_OF_COUNTS[first], rest
    factor = 10**6 if first == "M" else _MAGNITUDES.get(first.lower())
    return (factor, rest) if factor else (1, words)


def _split_terms(text: str, words: list[str]) -> tuple[list[str], list[str]]:
    """Sort the words into those above and those below the fraction bar."""
    above: list[str] = []
    below: list[str] = []
    side, is_open = above, False
    for word in words:
        if word.lower() in _DIVISIONS:
            if is_open:
                break
            side, is_open = below, True
        elif word in _RATES and side is above:
            above.append(_RATES[word])
            below.append("s")
        elif word not in _PRODUCTS:
            side.append(word)
            is_open = False
    if is_open:
        raise UnitError(f"Something is missing after '/' or 'per' in {text!r}: write per what, as in 120 K/s.")
    return above, below


def _lookup(word: str) -> str | None:
    """Return pint's name of a unit, "" for something counted, None for an unknown word."""
    if word in _SYMBOLS:
        return _SYMBOLS[word]
    return "" if word.lower() in _COUNTED else _WORDS.get(word.lower())


def _find(text: str, word: str) -> str:
    if word in _AMBIGUOUS:
        raise UnitError(f"{word!r} in {text!r} can be read in two ways: write {_AMBIGUOUS[word]}.")
    unit = _lookup(word)
    if unit is None:
        near = _near(word) or _near(word.lower())
        advice = f"Did you mean {near[0]!r}?" if near else _EXAMPLE
        raise UnitError(f"{word!r} in {text!r} is not a unit known here. {advice}")
    return unit


def _near(word: str) -> list[str]:
    return difflib.get_close_matches(word, _SPELLINGS, n=1, cutoff=0.7)


def _short(word: str) -> str:
    """Return how a word below the fraction bar is displayed."""
    name = _lookup(word) or ""
    return _SHORT_TIMES.get(name, name) if name in _TIMES else word


def format_quantity(quantity: Quantity) -> str:
    """Write a quantity with three significant digits and a prefix: "833 K deliveries/s", "1 PB", "13.9 h".

    ASCII; `parse` reads it back within 0.5 %. Rates keep the words they were given per: "100 MB/user/year".
    """
    below = [_lookup(word) or "" for word in quantity.per]
    exact, unit = _to_base(Fraction(quantity.value), _fraction([quantity.unit, *below], []))
    value = float(exact)
    if unit == "byte":
        text = _scaled(value, _BYTE_STEPS)
    elif unit == "second":
        text = _scaled(value, _TIME_STEPS)
        text = f"{text}s" if text.endswith(" day") and text != "1 day" else text
    elif unit == "USD":
        text = f"USD {_scaled(value, _COUNT_STEPS)}"
    elif unit:
        text = f"{_three_digits(value)} {unit}"
    elif quantity.counted:
        text = f"{_scaled(value, _COUNTED_STEPS)} {quantity.counted}"
    else:
        text = _scaled(value, _COUNT_STEPS)
    return text + "".join(f"/{word}" for word in quantity.per)


def _scaled(value: float, steps: Sequence[tuple[float, str]]) -> str:
    """Write a value in the largest unit of `steps` (largest first) that it fills, else in the last one."""
    # Rounded before it is looked at, so that 999.9 K becomes 1 M.
    filled = (step for step in steps if float(f"{value / step[0]:.2e}") >= 1 or (value == 0 and step[0] == 1))
    factor, symbol = next(filled, steps[-1])
    return f"{_three_digits(value / factor)} {symbol}".rstrip()


def _three_digits(value: float) -> str:
    rounded = float(f"{value:.2e}")
    if 1e-3 <= rounded < 1e4:
        return f"{rounded:.5f}".rstrip("0").rstrip(".")
    return f"{rounded:.3g}"


def compare(answer: Quantity, expected: Quantity, *, rel_tol: float) -> Comparison:
    """Compare an answer with what was expected, within `rel_tol` (0.05 is 5 %), and name the slip that fits.

    Slips: dimension, bits_for_bytes, per_minute, per_hour, per_day, power_of_1000, power_of_ten, binary_prefix, close,
    factor. The sentence never gives the expected value away. Raises ValueError where `expected` is zero or `rel_tol`
    is not a fraction.
    """
    if expected.value == 0 or not 0 <= rel_tol < 1:
        raise ValueError("compare needs an expected value above zero and a rel_tol from 0 up to 1.")
    if answer.unit != expected.unit:
        return Comparison(False, "dimension", _wrong_dimension(answer, expected))
    ratio = answer.value / expected.value
    if abs(ratio - 1) <= rel_tol + _FLOAT_NOISE:
        return Comparison(True, "", f"{answer} is right, within the tolerance of {_percent(rel_tol)}.")
    if ratio == 0:
        return Comparison(False, "factor", f"{answer} is zero, and what was asked for is not.")
    slip, reason = _slip(ratio, expected.unit, rel_tol)
    return Comparison(False, slip, f"{answer} is {reason}")


def _wrong_dimension(answer: Quantity, expected: Quantity) -> str:
    example = _KINDS.get(expected.unit, ("", ""))[1]
    advice = f" Write it with its unit, like {example}." if example else ""
    return f"{answer} is {_kind(answer)}, and what was asked for is {_kind(expected)}.{advice}"


def _kind(quantity: Quantity) -> str:
    return _KINDS.get(quantity.unit, (f"a quantity in {quantity.unit}", ""))[0]


def _slip(ratio: float, unit: str, rel_tol: float) -> tuple[str, str]:
    """Return the id of the slip whose factor fits the ratio best, and what follows "<answer> is " in the sentence."""
    tolerance = min(max(rel_tol, 0.03), 0.05)
    fits = [
        (abs(math.log(ratio / factor)), slip, factor, reason)
        for slip, factor, reason in _candidates(ratio, unit)
        if abs(ratio / factor - 1) <= (0.003 if slip == "binary_prefix" else tolerance)
    ]
    if fits:
        _, slip, factor, reason = min(fits)
        return slip, f"{_off(factor)}: {reason}."
    if abs(ratio - 1) <= max(0.25, 2 * rel_tol):
        return "close", f"close, but outside the tolerance of {_percent(rel_tol)}: {_off(ratio)}."
    return "factor", f"{_off(ratio)}: no common slip has this factor, so go through your steps one by one."


def _candidates(ratio: float, unit: str) -> Iterator[tuple[str, float, str]]:
    """Yield each slip that can happen to this unit in this direction: its id, its factor and its sentence."""
    high = ratio > 1
    sign = 1 if high else -1
    has_data = "byte" in unit
    if has_data:
        yield "bits_for_bytes", 8.0**sign, "that fits bits given as bytes" if high else "that fits bytes given as bits"
        for steps in range(1, 6):
            reason = f"that fits 1024 and 1000 mixed up {_times(steps)} (KiB, MiB, GiB are not kB, MB, GB)"
            yield "binary_prefix", 1.024 ** (sign * steps), reason
    for name, factor in (("minute", 60.0), ("hour", 3600.0), ("day", 86400.0)):
        if "/second" in unit:
            given, read = (name, "second") if high else ("second", name)
            reason = f"that fits a figure per {given} given as per {read}, or a conversion made twice"
        else:
            reason = f"that fits {name}s and seconds mixed up"
        yield f"per_{name}", factor**sign, reason
    ladder = "kB, MB, GB and TB" if has_data else "thousand, million and billion"
    for power in range(1, 16):
        factor = 10.0 ** (sign * power)
        steps, is_between = divmod(power, 3)
        if is_between:
            yield "power_of_ten", factor, f"a power of ten slipped (10^{power}), so count the zeros again"
        else:
            count = "a step" if steps == 1 else f"{steps} steps"
            lost = f"{'was' if steps == 1 else 'were'} {'taken too often' if high else 'lost'}"
            yield "power_of_1000", factor, f"{count} between {ladder} {lost}"


def _off(ratio: float) -> str:
    """Say a ratio as a factor and a direction, or in per cent where it is small."""
    direction = "large" if ratio > 1 else "small"
    if 0.75 <= ratio <= 1.25:
        return f"{_percent(abs(ratio - 1))} too {direction}"
    factor = max(ratio, 1 / ratio)
    number = f"{float(f'{factor:.2e}'):,.0f}" if 100 <= factor < 1e16 else _three_digits(factor)
    return f"{number} times too {direction}"


def _percent(fraction: float) -> str:
    return f"{_three_digits(100 * fraction)} %"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
