"""The pictures, tables and the explorer of topic 06 are plain functions over the simulations."""

import numpy as np
import pytest

from fortyfive.widgets import delivery_semantics as shown


async def effect_first(message, queue, store, push):
    await push.send(message.device, message.text)
    await queue.ack(message)


async def counter(message, queue, store, push):
    await queue.ack(message)


def test_the_smallest_failure_names_the_fault_and_draws_every_step():
    picture = shown.smallest_failure(effect_first)
    assert picture.diagram.title.startswith("effect_first: m1 is shown 2 times when the worker dies")
    assert repr(picture).count("send 'Parcel 1 is on its way' -> shown") == 2
    assert "<svg" in picture._repr_html_()


def test_kinds_of_faults_can_be_left_out_of_the_hunt():
    picture = shown.smallest_failure(effect_first, without=["crash", "no answer", "lost", "slow"])
    assert "second copy" in picture.diagram.title


def test_a_hunt_that_finds_nothing_says_how_many_schedules_held():
    with pytest.raises(LookupError, match="effect_first held in all"):
        shown.smallest_failure(effect_first, without=["crash", "no answer", "lost", "slow", "copy"])


def test_a_schedule_of_ones_own_is_drawn_whatever_comes_of_it():
    assert shown.run_under(effect_first, []).diagram.title == "effect_first: everything is shown exactly once"
    assert shown.run_under(counter, []).diagram.title == "counter: m1 is never shown"


def test_the_table_has_one_row_a_consumer():
    table = shown.outcomes_table({"one": effect_first, "other": counter}, messages=200, crash_percent=0, copy_percent=0)
    assert table.loc["one"].tolist() == [200, 0, 0]
    assert table.loc["other"].tolist() == [200, 200, 0]


@pytest.mark.parametrize("jobs_per_s", [0.5, 1.0])
def test_measured_deliveries_are_the_expected_ones_also_where_the_queue_only_grows(jobs_per_s):
    table = shown.redelivery_table([6, 8, 15, 30, 60], jobs_per_s=jobs_per_s)
    for _, row in table.iterrows():
        assert row["deliveries a job"] == pytest.approx(row["expected"], rel=0.03)


def test_half_of_the_jobs_are_done_within_the_median_so_each_is_delivered_twice():
    median_s = float(shown.JOB.quantiles_s(np.array([0.5]))[0])
    assert shown.deliveries_expected(median_s) == pytest.approx(2)
    assert shown.deliveries_expected(1e6) == pytest.approx(1)


def test_a_time_out_below_the_median_never_recovers():
    table = shown.redelivery_table([6, 30])
    assert table["waiting after 6 h"][6] > 1_000 > table["waiting after 6 h"][30]


def test_the_explorer_moves_with_each_slider():
    explorer = shown.explore_visibility()
    calm, hot = explorer.at(visibility_s=30), explorer.at(visibility_s=6)
    assert calm.table["waiting after 6 h"].iloc[0] < hot.table["waiting after 6 h"].iloc[0]
    assert explorer.at(jobs_per_s=1.4).table["workers busy"].iloc[0] > calm.table["workers busy"].iloc[0]
    assert explorer.at(crash_percent=5).table["deliveries a job"].iloc[0] > calm.table["deliveries a job"].iloc[0]
