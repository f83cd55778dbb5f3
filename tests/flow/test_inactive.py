"""Pushing only to readers who came back lately: theory beside drawn visits, and where the least work is."""

import numpy as np
import pytest

from fortyfive.flow import memory
from fortyfive.flow.inactive import inactive_costs, simulate_visits, visit_rates
from tests.flow.theory import z_over_seeds

DAYS = [0, 0.2, 1, 3.6, 10, 30, 200]
COLUMNS = ("copies_per_s", "rebuild_lookups_per_s", "reads_per_s", "slow_read_share")


@pytest.mark.parametrize("column", COLUMNS)
def test_drawn_visits_cost_what_theory_expects(column):
    runs = []
    # Not 200 days: so few come back after them that 40 seeds may not hold a single one.
    several = DAYS[:-1]
    for seed in range(40):
        # A share is a quotient of two measurements, whose mean is the quotient of the means only for many readers.
        given = {"readers": 3_000, "spread": 1.2, "seed": seed}
        measured, expected = simulate_visits(several, span_days=20, **given), inactive_costs(several, **given)
        runs.append(getattr(measured, column) - getattr(expected, column))
    for days, samples in zip(several, np.array(runs).T, strict=True):
        assert abs(z_over_seeds(samples.tolist(), 0.0)) < 4, (column, days)


def test_one_reader_by_hand():
    # One visit a day, 10 accounts that post twice a day each: 20 copies a day while the reader counts as active.
    given = {"readers": 1, "visits_per_day_mean": 1, "spread": 0, "follows_each": 10, "posts_per_follow_per_day": 2}
    found = inactive_costs([0, 1, 50], **given)
    away = np.exp([0.0, -1.0, -50.0])
    assert found.copies_per_s * 86_400 == pytest.approx(20 * (1 - away))
    assert found.rebuild_lookups_per_s * 86_400 == pytest.approx(10 * away)
    assert found.reads_per_s * 86_400 == pytest.approx(np.ones(3))
    assert found.slow_read_share == pytest.approx(away)
    assert found.work_per_s == pytest.approx(found.copies_per_s + found.rebuild_lookups_per_s + found.reads_per_s)


def test_the_least_work_lies_inside_and_is_a_good_deal_less_than_pushing_to_everybody():
    days = np.concatenate([[0], np.geomspace(0.1, 365, 120)])
    for seed in (45, 1, 2):
        found = inactive_costs(days, seed=seed)
        least = int(found.work_per_s.argmin())
        assert 3 < days[least] < 4.3
        assert 0.7 < found.work_per_s[least] / found.work_per_s[-1] < 0.85
        assert found.work_per_s[least] < found.work_per_s[0] / 5
        # And a wait of 30 days, which Twitter reported, costs work and buys few slow reads.
        at_30 = inactive_costs([30], seed=seed)
        assert found.work_per_s[least] * 1.1 < at_30.work_per_s[0]
        assert at_30.slow_read_share[0] < 0.002
        assert found.slow_read_share[least] > 0.02


def test_copying_pays_for_readers_who_visit_more_often_than_an_account_posts():
    days = [0, 1, 5, 1e6]
    for visits, cheapest in ((0.1, 0), (0.9, 3)):
        given = {"readers": 1, "visits_per_day_mean": visits, "spread": 0, "posts_per_follow_per_day": 0.3}
        work = inactive_costs(days, **given).work_per_s
        assert work.argmin() == cheapest
        assert (np.diff(work) > 0).all() or (np.diff(work) < 0).all()


def test_rates_have_the_mean_and_the_spread_that_were_asked_for():
    rates = visit_rates(20_000, visits_per_day_mean=3, spread=1.5)
    assert rates.mean() == pytest.approx(3)
    assert np.log(rates).std() == pytest.approx(1.5, rel=0.02)
    assert (visit_rates(10, spread=0) == 2).all()
    assert np.exp(-30 * visit_rates()).mean() == pytest.approx(1 / 8, rel=0.05)
    assert np.median(visit_rates()) == pytest.approx(0.27, rel=0.05)


def test_the_same_seed_gives_the_same_bytes():
    first, again = (simulate_visits(DAYS, readers=200) for _ in range(2))
    other = simulate_visits(DAYS, readers=200, seed=46)
    for column in COLUMNS:
        assert getattr(first, column).tobytes() == getattr(again, column).tobytes()
        assert getattr(first, column).tobytes() != getattr(other, column).tobytes() or column == "reads_per_s"


@pytest.mark.parametrize("function", [inactive_costs, simulate_visits])
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"days": [-1]}, "number of days below 0"),
        ({"days": [float("nan")]}, "number of days below 0"),
        ({"readers": 0}, "readers is 0"),
        ({"visits_per_day_mean": 0}, "visits_per_day_mean is 0"),
        ({"spread": -1}, "spread is -1"),
        ({"follows_each": -1}, "follows_each is -1"),
        ({"posts_per_follow_per_day": -1}, "posts_per_follow_per_day is -1"),
    ],
)
def test_numbers_that_describe_no_readers_are_refused(function, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        function(**{"days": [1], "readers": 10, **change})


@pytest.mark.parametrize("span_days", [0, -1, float("inf")])
def test_a_span_that_holds_no_visits_is_refused(span_days):
    with pytest.raises(ValueError, match="span_days is"):
        simulate_visits([1], span_days=span_days)


def test_more_visits_than_fit_are_refused_before_they_are_drawn(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 10_000_000)
    with pytest.raises(memory.NotEnoughMemoryError, match="fewer readers or a shorter span"):
        simulate_visits([1], readers=100, span_days=10_000)
    with pytest.raises(memory.NotEnoughMemoryError, match="readers"):
        inactive_costs([1], readers=10**7)


def test_a_span_without_a_visit_has_no_slow_reads():
    found = simulate_visits([0, 5], readers=1, visits_per_day_mean=1e-9, spread=0)
    assert found.reads_per_s.tolist() == [0, 0]
    assert found.slow_read_share.tolist() == [0, 0]
