"""The table of facts: every row is complete, dated and readable, and what is computed is computed again."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from fortyfive import numbers
from fortyfive.numbers import UnknownFact, fact, facts
from fortyfive.units import parse

FILE = Path(numbers.__file__).with_name("facts.toml")


def value(key: str) -> float:
    return fact(key).quantity.value


# The formula of every computed row, in base units.
COMPUTED = {
    "dynamodb.one-key-fan-out-time": lambda: 50e6 / value("dynamodb.partition-write-max"),
    "estimate.bytes-per-user": lambda: 1e12 / 10e6,
    "rds.users-per-volume": lambda: value("rds.volume-max") / parse("100 MB").value,
    "rds.volumes-per-petabyte": lambda: 1e15 / value("rds.volume-max"),
    "retry.amplification": lambda: 3**5,
    "sqs.in-flight-rate": lambda: value("sqs.in-flight-max") / value("sqs.visibility-timeout-default"),
    "tail.slow-of-100-leaves": lambda: 1 - 0.99**100,
    "twitter.celebrity-deliveries": lambda: (
        value("twitter.celebrity-followers") / value("twitter.celebrity-delivery-time")
    ),
}


def test_every_fact_is_complete_and_its_unit_is_understood() -> None:
    for item in facts():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*", item.key), item.key
        assert item.quantity.value > 0, item.key
        assert item.known in ("read", "second-hand", "remembered", "computed"), item.key
        assert item.what.endswith("."), item.key
        assert item.source, item.key


def test_no_fact_is_dated_after_the_file() -> None:
    as_of = tomllib.loads(FILE.read_text(encoding="utf-8"))["as_of"]
    assert max(item.read for item in facts()) == as_of
    assert all(type(item.read) is date for item in facts())


def test_nothing_is_in_the_table_that_was_only_remembered() -> None:
    assert [item.key for item in facts() if item.known == "remembered"] == []


def test_computed_facts_are_exactly_those_with_a_formula_here() -> None:
    assert {item.key for item in facts() if item.known == "computed"} == set(COMPUTED)


@pytest.mark.parametrize("key", COMPUTED)
def test_a_computed_fact_agrees_with_its_formula(key: str) -> None:
    assert value(key) == pytest.approx(COMPUTED[key](), rel=0.005)


def test_facts_are_sorted_by_key_in_the_file_and_in_the_library() -> None:
    in_file = re.findall(r"^\[(.+)\]$", FILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert in_file == [item.key for item in facts()] == sorted(in_file)


def test_a_fact_gives_its_quantity_and_its_citation() -> None:
    item = fact("sqs.visibility-timeout-max")
    assert item.quantity == parse("12 h")
    assert item.cite() == "AWS SDK and CLI reference for SQS, read 2026-11-21"


def test_a_citation_says_when_a_fact_is_not_from_its_source() -> None:
    assert fact("twitter.posts-average").cite().endswith(", second-hand, noted 2026-11-21")
    assert fact("retry.amplification").cite() == "3^5, computed 2026-11-21"


def test_the_limits_that_exercises_lean_on_are_what_the_sources_say() -> None:
    assert fact("twitter.timeline-reads").quantity == parse("300K QPS")
    assert fact("rds.volume-max").quantity == parse("64 TiB")
    assert fact("dynamodb.partition-write-max").quantity == parse("1,000 writes/s")
    assert fact("sqs.fifo-deduplication-window").quantity == parse("5 min")


def test_an_unknown_fact_names_the_nearest_ones() -> None:
    with pytest.raises(UnknownFact, match=r"no fact 'sqs\.visibility'\. Nearest: sqs\.visibility-timeout") as caught:
        fact("sqs.visibility")
    assert isinstance(caught.value, KeyError)
    with pytest.raises(UnknownFact, match=r"facts\(\) lists them all"):
        fact("?")
