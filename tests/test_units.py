"""Quantities: what is understood, what is refused and how, what is written, and which slips are named."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fortyfive.units import Quantity, UnitError, compare, format_quantity, parse

YEAR_S = 365 * 86_400
# The first parse imports pint, which no deadline of a single example should count.
PROPERTY = settings(deadline=None, derandomize=True)

UNDERSTOOD = {
    "100 MB": (1e8, "byte"),
    "1 PB": (1e15, "byte"),
    "~1 PB": (1e15, "byte"),
    "64 TiB": (64 * 2**40, "byte"),
    "1 KB": (1e3, "byte"),
    "1 KiB": (1024, "byte"),
    "5 B": (5, "byte"),
    "12 megabytes": (12e6, "byte"),
    "2×10^6 B": (2e6, "byte"),
    "120 K/s": (120e3, "1/second"),
    "10M deliveries/s": (1e7, "1/second"),
    "4.6 K posts per second": (4600, "1/second"),
    "833 333 deliveries/s": (833_333, "1/second"),
    "833\u202f333 deliveries/s": (833_333, "1/second"),
    "1,000 writes/s": (1000, "1/second"),
    "1_000/s": (1000, "1/second"),
    "1e7/s": (1e7, "1/second"),
    "10^7/s": (1e7, "1/second"),
    "300K QPS": (300e3, "1/second"),
    "20 k rps": (20e3, "1/second"),
    "3 thousand requests a minute": (50, "1/second"),
    "about 103,000 deliveries per second.": (103_000, "1/second"),
    "5 B requests/day": (5e9 / 86_400, "1/second"),
    "13.9 h": (50_040, "second"),
    "50000 seconds": (50_000, "second"),
    "5 min": (300, "second"),
    "250 ms": (0.25, "second"),
    "1.2 Gbit/s": (1.5e8, "byte/second"),
    "10 Mb/s": (1.25e6, "byte/second"),
    "10 Mbps": (1.25e6, "byte/second"),
    "10 MBps": (1e7, "byte/second"),
    "86.4 GB/day": (1e6, "byte/second"),
    "100 MB per user per year": (1e8 / YEAR_S, "byte/second"),
    "40 %": (0.4, ""),
    "5 billion": (5e9, ""),
    "5 bn users": (5e9, ""),
    "5 B users": (5e9, ""),
    "USD 0.02": (0.02, "USD"),
    "$0.02": (0.02, "USD"),
    "USD 0.30 per GB": (3e-10, "USD/byte"),
    "0 s": (0, "second"),
}

REFUSED = {
    "": "empty",
    " \t\n": "empty",
    "fast": "no number",
    "nan": "no number",
    "inf/s": "no number",
    "5 to 10 s": "more than one number",
    "31 M / 5 min": "more than one number",
    "1,5 s": "more than one number",
    "rate 5/s": "does not begin with its number",
    "5 secnds": "Did you mean 'seconds'?",
    "5 furlongs": "Write a number and its unit",
    "5 delivereis/s": "Did you mean 'deliveries'?",
    "5 mb": "MB (bytes) or Mbit (bits)",
    "5 m": "M (million), min or ms",
    "5 s per": "after '/' or 'per'",
    "5 //s": "after '/' or 'per'",
    "-5 s": "below zero",
    "1e31 B": "too large or too small",
    "1e99999999999 B": "too large or too small",
    "1 " + "s" * 199: "201 characters",
}


@pytest.mark.parametrize(("text", "expected"), UNDERSTOOD.items())
def test_what_an_engineer_writes_is_understood(text: str, expected: tuple[float, str]) -> None:
    quantity = parse(text)
    assert (quantity.value, quantity.unit) == (pytest.approx(expected[0], rel=1e-12), expected[1])


@pytest.mark.parametrize(("text", "part"), REFUSED.items())
def test_a_bad_text_is_refused_with_a_sentence_that_fits(text: str, part: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse(text)
    assert part in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [None, True, [1], b"5 s", 1j, float("nan"), float("inf"), -1, 10**5000, 1e300],
    ids=["none", "bool", "list", "bytes", "complex", "nan", "inf", "negative", "huge int", "huge float"],
)
def test_what_is_neither_text_nor_a_usable_number_is_refused(value: object) -> None:
    with pytest.raises(UnitError):
        parse(value)  # type: ignore[arg-type]


@PROPERTY
@given(st.one_of(st.text(max_size=210), st.from_regex(r"[~$]?[0-9., _e^x*-]{1,9} ?[KMBTk]? ?[a-zA-Z/%* ]{0,12}")))
def test_parse_raises_nothing_but_unit_errors(text: str) -> None:
    try:
        quantity = parse(text)
    except UnitError as error:
        assert len(str(error)) > 20
    else:
        assert quantity.value >= 0


def test_a_plain_number_has_no_dimension() -> None:
    assert parse(2.5) == parse("2.5") == Quantity(2.5, "")
    assert parse(7) == parse("7 users")


def test_counted_things_compare_equal_but_are_remembered() -> None:
    assert parse("10 M deliveries/s") == parse("10 M/s") == parse("10,000 K writes per second") == parse("0.6 bn/min")
    assert str(parse("10 M deliveries/s")) == "10 M deliveries/s"
    assert parse("10 M deliveries") != parse("10 M deliveries/s")


def test_conversions_are_exact() -> None:
    assert parse("3,600 reads/h") == parse("1/s")
    assert parse("0.1 KB") == parse("100 B") == parse("800 bit")


def test_value_in_gives_the_value_in_any_unit_that_fits() -> None:
    assert parse("1.2 Gbit/s").value_in("MB/s") == pytest.approx(150)
    assert parse("400 M tweets/day").value_in("/s") == pytest.approx(4629.63, rel=1e-6)
    with pytest.raises(UnitError, match="150 MB/s is an amount of data per time"):
        parse("1.2 Gbit/s").value_in("GB")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("833333 deliveries/s", "833 K deliveries/s"),
        ("999.9 K", "1 M"),
        ("5e9 users", "5 B users"),
        ("5e9", "5 bn"),
        ("1000 TB", "1 PB"),
        ("1500 B", "1.5 kB"),
        ("1.2 Gbit/s", "150 MB/s"),
        ("50000 s", "13.9 h"),
        ("59.99 s", "1 min"),
        ("90 days", "90 days"),
        ("24 h", "1 day"),
        ("0 s", "0 s"),
        ("250 us", "250 us"),
        ("100 MB per user per year", "100 MB/user/year"),
        ("$5M a month", "USD 5 M/month"),
        ("40 %", "0.4"),
        ("0", "0"),
    ],
)
def test_quantities_are_written_with_three_digits_and_a_prefix(text: str, written: str) -> None:
    assert format_quantity(parse(text)) == written


@PROPERTY
@given(
    st.floats(min_value=1e-6, max_value=1e11),
    st.sampled_from(["", "deliveries", "B", "Gbit", "GiB", "s", "ms", "h", "USD", "%", "MB s", "B B"]),
    st.sampled_from(["", "/s", "/min", "/day", "/user/year", "/GB-month", " per ms"]),
)
def test_what_is_written_reads_back_within_half_a_per_cent(value: float, unit: str, per: str) -> None:
    quantity = parse(f"{value!r} {unit}{per}")
    written = format_quantity(quantity)
    back = parse(written)
    assert written.isascii()
    assert back.unit == quantity.unit
    assert back.value == pytest.approx(quantity.value, rel=0.005)


SLIPS = [
    ("13.9 h", "120 K/s", "dimension"),
    ("120 K", "120 K/s", "dimension"),
    (0.4, "4 GB", "dimension"),
    ("8 GB", "1 GB", "bits_for_bytes"),
    ("1 MB/s", "8 MB/s", "bits_for_bytes"),
    ("60 M/s", "1 M/s", "per_minute"),
    ("1 M/s", "60 M/s", "per_minute"),
    ("1 s", "1 min", "per_minute"),
    ("3.6 B requests/s", "1 M requests/s", "per_hour"),
    ("400 M tweets/s", "400 M tweets/day", "per_day"),
    ("1 TB", "1 PB", "power_of_1000"),
    ("1 GB", "1 PB", "power_of_1000"),
    ("1 TB", "1 GB", "power_of_1000"),
    ("1 KiB", "1 B", "power_of_1000"),
    ("100 K/s", "1 M/s", "power_of_ten"),
    ("100 TB", "1 TB", "power_of_ten"),
    ("64 TB", "64 TiB", "binary_prefix"),
    ("1 KiB", "1 KB", "binary_prefix"),
    ("109 K/s", "103 K/s", "close"),
    ("90 K/s", "103 K/s", "close"),
    ("250 K/s", "103 K/s", "factor"),
    ("8 K/s", "1 K/s", "factor"),
    ("0/s", "1 K/s", "factor"),
]


@pytest.mark.parametrize(("answer", "expected", "slip"), SLIPS)
def test_each_planted_slip_is_named(answer: str, expected: str, slip: str) -> None:
    comparison = compare(parse(answer), parse(expected), rel_tol=0.01)
    assert (comparison.ok, comparison.slip) == (False, slip)
    assert comparison.sentence.startswith(f"{parse(answer)} is ")


@pytest.mark.parametrize(("answer", "expected", "slip"), [row for row in SLIPS if row[2] != "dimension"])
def test_the_sentence_does_not_give_the_expected_value_away(answer: str, expected: str, slip: str) -> None:
    sentence = compare(parse(answer), parse(expected), rel_tol=0.01).sentence
    assert str(parse(expected)) not in sentence
    assert expected not in sentence


def test_the_lost_thousand_is_said_with_its_factor_and_direction() -> None:
    assert compare(parse("1 TB"), parse("1 PB"), rel_tol=0.05).sentence == (
        "1 TB is 1,000 times too small: a step between kB, MB, GB and TB was lost."
    )


def test_a_wrong_dimension_says_what_was_given_and_what_was_asked_for() -> None:
    assert compare(parse("13.9 h"), parse("103 K/s"), rel_tol=0.05).sentence == (
        "13.9 h is a time, and what was asked for is a rate per second, per day or the like. "
        "Write it with its unit, like 120 K deliveries/s."
    )


FACTORS = {
    "bits_for_bytes": 8.0,
    "per_minute": 60.0,
    "per_hour": 3600.0,
    "per_day": 86_400.0,
    "power_of_1000": 1000.0,
    "power_of_ten": 100.0,
    "binary_prefix": 1.024,
}


@PROPERTY
@given(
    st.sampled_from(sorted(FACTORS)),
    st.booleans(),
    st.floats(min_value=1e3, max_value=1e15),
)
def test_a_slip_is_found_at_any_size_and_in_both_directions(slip: str, is_too_large: bool, value: float) -> None:
    expected = Quantity(value, "byte/second")
    answer = Quantity(value * FACTORS[slip] if is_too_large else value / FACTORS[slip], "byte/second")
    comparison = compare(answer, expected, rel_tol=0.01)
    assert comparison.slip == slip
    assert ("large" if is_too_large else "small") in comparison.sentence


@PROPERTY
@given(st.floats(min_value=1e-9, max_value=1e18), st.floats(min_value=0, max_value=0.99))
def test_equal_quantities_are_always_right(value: float, rel_tol: float) -> None:
    comparison = compare(parse(f"{value!r} writes/s"), parse(f"{value!r}/s"), rel_tol=rel_tol)
    assert (comparison.ok, comparison.slip) == (True, "")


def test_the_tolerance_counts_on_both_sides_and_includes_its_edge() -> None:
    for answer, ok in [("95/s", True), ("105/s", True), ("94.9/s", False), ("105.1/s", False)]:
        assert compare(parse(answer), parse("100/s"), rel_tol=0.05).ok is ok


def test_compare_refuses_what_no_factor_can_be_taken_of() -> None:
    with pytest.raises(ValueError, match="above zero"):
        compare(parse("1 s"), parse("0 s"), rel_tol=0.05)
    with pytest.raises(ValueError, match="rel_tol"):
        compare(parse("1 s"), parse("1 s"), rel_tol=5)


def test_importing_leaves_pint_to_the_first_parse() -> None:
    code = "import sys; from fortyfive import units; print('pint' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (process.stdout.strip(), process.stderr) == ("False", "")
