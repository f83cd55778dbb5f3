"""The price table is complete, sourced and dated, and bills agree with sums done by hand."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fortyfive import numbers
from fortyfive.numbers import UnknownFact, fact, facts
from fortyfive.numbers.prices import KINDS, Bill, monthly_bill, price, prices

FILE = Path(numbers.__file__).with_name("prices.toml")

# Every component busy, so that each of its prices has a line.
BUSY = {"machines": 2, "requests_per_s": 100, "write_share": 0.5, "payload_bytes": 1000, "stored_gb": 10}


def amounts(bill: Bill) -> dict[str, float]:
    return {line.key: line.usd for line in bill.lines}


# The table


def test_every_price_is_complete_and_its_unit_is_understood() -> None:
    for item in prices():
        assert re.fullmatch(r"[a-z0-9]+\.usd-per-(h|lcu-h|gb|gb-month|[km]-[a-z-]+)", item.key), item.key
        assert item.quantity.value > 0, item.key
        assert item.known in ("read", "second-hand", "remembered"), item.key
        assert item.what.endswith("."), item.key
        assert item.source, item.key


def test_the_unit_says_what_the_key_says() -> None:
    unit = {"h": "USD/h", "lcu-h": "USD/h", "gb": "USD/GB", "gb-month": "USD/GB"}
    assert all(item.unit == unit.get(item.key.split(".usd-per-")[1], "USD") for item in prices())


def test_no_price_is_dated_after_the_file() -> None:
    assert max(item.read for item in prices()) == tomllib.loads(FILE.read_text(encoding="utf-8"))["as_of"]


def test_prices_are_sorted_by_key_in_the_file_and_in_the_library() -> None:
    in_file = re.findall(r"^\[(.+)\]$", FILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert in_file == [item.key for item in prices()] == sorted(in_file)


def test_no_key_is_both_a_price_and_a_fact() -> None:
    assert {item.key for item in prices()}.isdisjoint(item.key for item in facts())


def test_a_price_gives_its_citation() -> None:
    assert price("sqs.usd-per-m-requests").cite().endswith("14 Mar 2026, second-hand, noted 2026-11-21")


def test_the_prices_of_dynamodb_are_the_facts() -> None:
    assert price("dynamodb.usd-per-m-writes") is fact("dynamodb.usd-per-m-writes")


def test_an_unknown_price_names_the_nearest_ones() -> None:
    with pytest.raises(UnknownFact, match=r"no price 's3\.usd-per-gb'\. Nearest: s3\.usd-per-gb-month"):
        price("s3.usd-per-gb")
    with pytest.raises(UnknownFact, match=r"prices\(\) lists them all"):
        price("?")


def test_every_price_is_on_a_bill_or_is_what_managed_sockets_would_cost() -> None:
    billed = {key for kind in KINDS for key in amounts(monthly_bill(kind, **BUSY))}
    managed = {"apigateway.usd-per-m-messages", "apigateway.usd-per-m-connection-min"}
    dynamodb = {item.key for item in facts() if item.key.startswith("dynamodb.usd-per-")}
    assert billed | managed == {item.key for item in prices()} | dynamodb


# Bills

BY_HAND = {
    # 4 machines of 730 h at 0.0816
    "service": ({"machines": 4, "requests_per_s": 1000}, 238.272),
    "limiter": ({"machines": 1}, 59.568),
    "sockets": ({"machines": 1}, 59.568),
    "workers": ({"machines": 20}, 1191.36),
    "cache": ({"machines": 2}, 230.68),
    # 1,460 h at 0.0225, and 10 MB/s = 36 GB/h = 36 LCU for 730 h at 0.008
    "lb": ({"machines": 2, "requests_per_s": 5000, "payload_bytes": 2000}, 32.85 + 210.24),
    # 1,460 machine hours at 0.168, and 100 GB on each at 0.115
    "sql": ({"machines": 2, "stored_gb": 100}, 245.28 + 23),
    "stream": ({"machines": 3, "stored_gb": 200}, 459.9 + 60),
    "search": ({"machines": 3, "stored_gb": 50}, 295.65 + 20.25),
    "client": ({"machines": 1000, "requests_per_s": 1e6}, 0),
    # 50/s is 131.4 million a month
    "dns": ({"requests_per_s": 50}, 52.56),
    # 2,628 million requests of 20 KB: 52,560 GB
    "cdn": ({"requests_per_s": 1000, "payload_bytes": 20_000}, 2628 + 4467.6),
    "gateway": ({"requests_per_s": 10}, 26.28),
    # 262.8 million messages, three requests each
    "queue": ({"requests_per_s": 100}, 315.36),
    # 2,365.2 million reads of one unit, 262.8 million writes of two, 500 GB
    "kv": ({"requests_per_s": 1000, "write_share": 0.1, "payload_bytes": 1500, "stored_gb": 500}, 295.65 + 328.5 + 125),
    # 21.024 million reads, 5.256 million writes, 1 TB
    "blob": ({"requests_per_s": 10, "write_share": 0.2, "stored_gb": 1000}, 8.4096 + 26.28 + 23),
    "push": ({"requests_per_s": 100}, 131.4 + 131.4),
    "scheduler": ({"requests_per_s": 1}, 2.628),
}


def test_every_type_has_a_sum_done_by_hand() -> None:
    assert set(BY_HAND) == set(KINDS)


@pytest.mark.parametrize("kind", BY_HAND)
def test_a_bill_agrees_with_the_sum_done_by_hand(kind: str) -> None:
    use, usd = BY_HAND[kind]
    assert monthly_bill(kind, **use).usd == pytest.approx(usd)


def test_each_line_shows_its_quantity_and_the_price_it_comes_from() -> None:
    hours, storage = monthly_bill("sql", machines=2, stored_gb=100).lines
    assert (hours.quantity, hours.unit, hours.key) == (1460, "machine hours", "rds.usd-per-h")
    assert (storage.quantity, storage.unit, storage.key) == (200, "GB", "rds.usd-per-gb-month")
    assert hours.unit_usd == price(hours.key).value
    assert hours.what == price(hours.key).what


def test_a_line_that_comes_to_nothing_is_left_out() -> None:
    assert [line.key for line in monthly_bill("cdn", requests_per_s=1).lines] == ["cloudfront.usd-per-m-requests"]
    assert monthly_bill("client", requests_per_s=1).lines == ()


def test_a_message_is_billed_by_the_64_kib_and_a_write_by_the_kib() -> None:
    def at(kind: str, payload_bytes: int) -> float:
        return monthly_bill(kind, requests_per_s=1, write_share=1, payload_bytes=payload_bytes).usd

    assert at("queue", 65_537) == 2 * at("queue", 65_536) == 2 * at("queue", 0)
    assert at("kv", 1025) == 2 * at("kv", 1024) == 2 * at("kv", 1)


def test_a_load_balancer_is_billed_by_the_larger_of_bytes_and_rules() -> None:
    def lcu_hours(payload_bytes: int) -> float:
        return monthly_bill("lb", requests_per_s=1000, payload_bytes=payload_bytes).lines[1].quantity

    assert lcu_hours(0) == pytest.approx(730)  # 1,000 rules a second are one LCU
    assert lcu_hours(1000) == pytest.approx(3.6 * 730)  # 1 MB/s is 3.6 GB/h


def test_the_designs_own_price_takes_the_place_of_the_list() -> None:
    bill = monthly_bill("sql", machines=3, stored_gb=1000, usd=500)
    assert bill.usd == 1500
    assert [(line.quantity, line.unit, line.key) for line in bill.lines] == [(3, "machine months", "")]
    assert monthly_bill("sql", machines=3, usd=0).usd == 0


rates = st.floats(0, 1e7)


@given(st.sampled_from(KINDS), st.integers(0, 1000), rates, st.floats(0, 1), st.floats(0, 1e6))
def test_twice_the_machines_at_twice_the_rate_cost_twice_as_much(
    kind: str, machines: int, rate: float, share: float, payload: float
) -> None:
    def usd(factor: int) -> float:
        bill = monthly_bill(
            kind,
            machines=factor * machines,
            requests_per_s=factor * rate,
            write_share=share,
            payload_bytes=payload,
        )
        return bill.usd

    assert usd(2) == pytest.approx(2 * usd(1))


@given(st.sampled_from(KINDS), rates, rates, st.floats(0, 1))
def test_more_requests_never_cost_less(kind: str, one: float, other: float, share: float) -> None:
    few, many = (monthly_bill(kind, requests_per_s=rate, write_share=share).usd for rate in sorted((one, other)))
    assert few <= many or few == pytest.approx(many)


# Bad input


def test_an_unknown_type_is_refused_with_the_nearest_and_all_types() -> None:
    with pytest.raises(
        ValueError, match=r"type 'sevice'\. Did you mean 'service'\? Types: client, dns, .*, scheduler\.$"
    ):
        monthly_bill("sevice")
    with pytest.raises(ValueError, match=r"type '\?'\. Types: client"):
        monthly_bill("?")


@pytest.mark.parametrize("name", ["machines", "requests_per_s", "payload_bytes", "stored_gb", "usd"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_a_quantity_that_is_negative_or_not_finite_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^{name} is .*; a bill needs a finite number that is zero or more"):
        monthly_bill("service", **{name: value})


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_write_share_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="a share lies between 0 and 1"):
        monthly_bill("kv", write_share=share)
