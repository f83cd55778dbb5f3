"""The systems, tables and explorers of topic 09: each measured number beside the one line of theory behind it."""

import numpy as np
import pytest

from fortyfive.flow import events_loop
from fortyfive.flow.events import Lognormal
from fortyfive.sim.world import Refused
from fortyfive.widgets import failure_modes as shown


@pytest.fixture(scope="module", autouse=True)
def compiled_loop():
    events_loop.loop.compiled()


# --- a service that hangs for a moment


def test_a_hang_that_is_over_keeps_the_service_busy_for_nobody():
    table = shown.before_and_after(shown.hang(10))
    before, after = table["before"], table["in the last minute"]
    assert after["finished (1/s)"] > before["finished (1/s)"]
    assert after["for nobody (1/s)"] == after["finished (1/s)"]
    assert (before["good answers (1/s)"], after["good answers (1/s)"]) == (before["finished (1/s)"], 0)


def test_it_tips_where_the_last_one_of_the_hang_waits_as_long_as_the_time_out():
    table = shown.outage_table([0.5, 1.5, 2], seeds=5)
    assert table["down, of 5"].tolist() == [0, 5, 5]
    assert table["the last one waits (s)"].tolist() == [0.4, 1.2, 1.6]
    patient = shown.outage_table([2, 10], seeds=3, timeout_s=5.0)
    assert patient["down, of 3"].tolist() == [0, 3]


def test_it_comes_back_by_itself_below_capacity_over_tries():
    table = shown.rate_table([20, 40], seeds=3)
    assert table["all of it 3 times (1/s)"].tolist() == [60, 120]
    assert table["back, of 3"].tolist() == [3, 0]
    assert table["after, median (s)"][40] == shown.NEVER
    assert 0 < table["after, median (s)"][20] < 30
    assert shown.rate_table([40], tries=2, seeds=3)["back, of 3"].tolist() == [3]


def test_at_the_line_itself_chance_decides():
    assert 0 < shown.rate_table([32])["back, of 6"][32] < 6


def test_slow_cures_take_about_as_long_as_the_sum_says():
    table = shown.recovery_table({"no retries": 80, "a retry budget of 10 %": 88})
    assert table["the sum (s)"].tolist() == [35, 58]
    assert table["median (s)"].tolist() == pytest.approx(table["the sum (s)"].tolist(), rel=0.15)
    assert (table["the first of 10 (s)"] < table["the last (s)"]).all()


def test_a_service_that_never_hung_is_back_at_once():
    assert shown.back_after_s(shown.hang(0.25), shown.HANGS_AT_S + 0.25) == 0


CURES = {
    "at most 50 wait": 1,
    "nobody waits over 0.5 s": 1,
    "newest first": 1,
    "a breaker": 5,
    "no retries": 60,
    "a retry budget of 10 %": 120,
}


def test_what_keeps_the_queue_short_or_the_tries_few_is_a_cure_and_nothing_else_is():
    back = shown.defence_table()["back after (s)"]
    assert [name for name in back.index if back[name] != shown.NEVER] == list(CURES)
    assert all(back[name] <= most for name, most in CURES.items())


def test_it_stays_down_until_the_door_was_shut_long_enough_to_empty_the_queue():
    table = shown.quiet_table([30, 240])
    assert table["left"][30] == pytest.approx(table["left, expected"][30], rel=0.05)
    assert table["good, last minute (%)"].tolist() == [0, 100]


def test_the_explorer_of_the_hang_moves_with_each_slider():
    explorer = shown.explore_hang()
    good = "good, last minute (%)"
    assert explorer.at().table[good].iloc[0] == 0
    for change in ({"outage_s": 0.5}, {"defence": 9}, {"rate_per_s": 20}, {"tries": 1}):
        assert explorer.at(**change).table[good].iloc[0] == 100, change
    view = explorer.at(outage_s=2)
    assert "hangs for 2 s" in view.alt
    assert "It does not come back" in view.alt
    assert [len(each["y"]) for each in view.data] == [shown.SPAN_S // 2] * 2


def test_either_slider_of_the_hang_can_be_the_one_of_the_page():
    assert shown.explore_hang(main="defence").main == "defence"
    assert shown.explore_hang().main == "outage_s"
    assert "defence = none" in repr(shown.explore_hang())


# --- time-outs, herds, layers


def test_a_time_out_at_a_quantile_is_false_for_the_rest_and_holds_as_many_as_little_says():
    table = shown.timeout_table([0.5, 0.99])
    assert table["false time-outs (%)"].tolist() == [50, 1]
    p99_s = float(Lognormal(mean_s=0.085, p99_s=0.5).quantiles_s(np.array([0.99]))[0])
    assert table["time-out (s)"]["p99"] == pytest.approx(p99_s, abs=0.005)
    assert table["callers held by a hang"]["p99"] == round(80 * p99_s)
    assert table["when all is twice as slow (%)"]["p99"] > 4


def test_jitter_takes_the_peak_off_the_herd_and_the_cap_decides_the_last_one():
    assert shown.herd_table([1], ["full"])["peak once it is up (calls/s)"]["full"] > 20_000
    table = shown.herd_table([2, 32])
    peak = table["peak once it is up (calls/s)"]
    assert peak["none"].tolist() == [50_000, 50_000]
    assert peak["full"].max() < 15_000
    soon, late = (float(text) for text in table["the last one (s)"]["full"])
    assert shown.DEVICES / shown.DEVICES_CAPACITY_PER_S + shown.DOWN_S <= soon < 10 < late
    assert table["connected after a minute (%)"]["full"].tolist() == [100, 100]


def test_the_explorer_of_the_herd_moves_with_each_slider():
    explorer = shown.explore_herd()
    last = "the last one (s)"
    assert explorer.at().table[last].iloc[0] == shown.NEVER
    assert "some never connect" in explorer.at().alt
    assert explorer.at(jitter=2).table[last].iloc[0] != shown.NEVER
    assert explorer.at(cap_s=2).table[last].iloc[0] != shown.NEVER
    assert explorer.at(devices=1_000).table[last].iloc[0] != shown.NEVER


def test_layers_multiply_their_tries_and_a_budget_keeps_them_to_a_tenth_each():
    table = shown.amplification_table(3)
    assert table["dead, 3 tries each"].tolist() == table["3^n"].tolist() == [3, 9, 27]
    assert table["dead, 10 % budget"].tolist() == pytest.approx(table["1.1^n"].tolist(), rel=0.02)
    assert table["half fail, 3 tries"].tolist() == pytest.approx(table["sum"].tolist(), rel=0.03)


def test_with_one_layer_that_retries_the_others_add_nothing():
    assert shown.calls_at_the_bottom(4, only=0) == shown.calls_at_the_bottom(4, only=3) == 3


# --- breakers, shedding


def test_slow_takes_all_servers_unless_a_time_out_or_a_bulkhead_lets_go():
    table = shown.side_call_table()
    answered, held = table["pages answered (%)"], table["servers held, of 50"]
    assert answered["down, refuses at once"] == 100
    for name in ("slow, no time-out", "slow, time-out of 1 s", "slow, breaker, no time-out"):
        assert (answered[name], held[name]) == (0, 50), name
    assert answered["slow, time-out of 0.3 s"] == 100
    assert held["slow, time-out of 0.3 s"] == pytest.approx(100 * 0.32, rel=0.15)
    assert table["calls to it (1/s)"]["slow, breaker and time-out of 0.3 s"] < 5
    assert answered["the same, but the page needs the answer"] == 0


def test_a_breaker_that_counts_dead_tokens_refuses_a_healthy_provider():
    table = shown.dead_token_table([5, 30])
    assert table["pushes refused (%)"][5] == 0
    assert table["pushes refused (%)"][30] > 50
    assert shown.window_trips(0.5, window=2, failures=1.0) == pytest.approx(0.25)


def test_a_queue_without_a_limit_answers_nobody_and_a_limit_at_the_door_knows_no_priority():
    table = shown.shedding_table()
    little, much, critical = (table[name] for name in table.columns if name != "p50 of them (s)")
    assert (little["oldest first, no limit"], much["at most 200 wait"]) == (0, 0)
    for name in ("at most 50 wait", "nobody waits over 0.5 s", "newest first"):
        assert min(little[name], much[name]) > 95, name
    assert critical["at most 50 wait"] < 50
    assert critical["nobody waits over 0.5 s"] > 95


# --- twenty minutes without the provider


def test_the_backlog_drains_by_what_goes_out_minus_what_comes_in_until_workers_wait_as_long_as_their_time_out():
    table = shown.workers_table([30, 80])
    waiting = shown.backlog(shown.long_outage(workers=30)).max()
    expected_min = waiting / (shown.PROVIDER_PER_S - shown.EVENTS_PER_S) / 60
    assert float(table["drained after (min)"][30]) == pytest.approx(expected_min, abs=1)
    assert table["drained after (min)"][80] == shown.NEVER
    assert table["work for nobody (%)"].tolist() == [0, 100]
    assert table["a call takes (s)"][80] > 1


def test_a_limit_cures_a_hundred_workers_and_a_breaker_alone_does_not():
    names = [name for name in shown.DRAINS if "30" not in name]
    table = shown.drain_table(names)
    drained = table["drained after (min)"]
    assert (drained["100 workers"], drained["... and a breaker"]) == (shown.NEVER, shown.NEVER)
    assert drained["... and a time-out of 1.7 s"] == shown.NEVER
    paced = ["... and 50 starts a second", "... and a bulkhead of 20 calls", "... and a time-out of 2 s"]
    assert all(float(drained[name]) < 15 for name in paced)
    assert table["dead"]["... and dead letters after 5 receives"] > 20_000
    assert drained["... and dead letters after 5 receives"] == "-"
    assert table["calls while it is down"]["... and a breaker"] < 500


def test_what_is_not_gone_by_the_end_but_shrinks_is_not_never():
    row = shown.drain_row(shown.long_outage(workers=100, starts_per_s=30.0))
    assert row["drained after (min)"] == "over 25"


def test_a_provider_that_hangs_works_for_nobody_first_and_there_a_breaker_is_the_cure():
    table = shown.drain_table(["30 workers, it hangs", "30 workers, it hangs, and a breaker"])
    assert table["drained after (min)"].tolist() == ["over 25", "10"]
    assert table["work for nobody (%)"].iloc[0] > 70
    assert table["work for nobody (%)"].iloc[1] < 5
    # Thirty workers that give up after 1 s each leave a call a second behind, for twenty minutes.
    assert table["calls while it is down"].iloc[0] == pytest.approx(30 * 1_200, rel=0.02)
    assert table["calls while it is down"].iloc[1] < 1_000
    seen = shown.backlog_table(shown.long_outage(workers=30, hangs=True), [6, 15, 25])
    assert (seen["visible in the queue"] > 0.9 * seen["not yet sent"]).all()


def test_the_age_of_the_oldest_says_what_the_visible_length_hides():
    table = shown.backlog_table(shown.long_outage(workers=30), [5, 15, 25])
    assert table["visible in the queue"].tolist() == [0, 0, 0]
    assert table["the oldest (s)"].tolist() == [0, 600, 1_200]
    assert table["not yet sent"][25] > 20_000


def test_codes_in_a_line_of_their_own_do_not_wait_for_the_backlog():
    table = shown.codes_table()
    assert table["code, p50 (s)"]["one line for all"] > 60
    assert table["code, p99 (s)"]["codes first"] < 2


def test_the_explorer_of_the_drain_moves_with_each_slider():
    explorer = shown.explore_drain(start=80)
    drained = "drained after (min)"
    assert explorer.at().table[drained].iloc[0] == shown.NEVER
    assert "is never gone" in explorer.at().alt
    for change in ({"workers": 30}, {"timeout_s": 5}, {"starts_per_s": 50}):
        assert float(explorer.at(**change).table[drained].iloc[0]) < 15, change
    assert explorer.at(outage_min=1).table[drained].iloc[0] == shown.NEVER
    assert explorer.sliders["starts_per_s"].write(shown.NO_LIMIT) == "no limit"


# --- batches


def test_a_batch_is_delivered_as_often_as_the_geometric_law_says():
    table = shown.batch_table(batches=[1, 30])
    assert table["deliveries a message"].tolist() == pytest.approx(table["expected"].tolist(), rel=0.03)


async def all_or_nothing(messages, queue, push):
    for message in messages:
        await push.send(message.device, message.text)
    for message in messages:
        await queue.ack(message)


async def final_is_final(messages, queue, push):
    for message in messages:
        try:
            await push.send(message.device, message.text)
        except Refused as error:
            if error.status not in (400, 410):
                continue
        await queue.ack(message)


def test_one_bad_message_takes_its_batch_along_unless_each_has_a_fate_of_its_own():
    consumers = {"together": all_or_nothing, "apart": final_is_final}
    table = shown.batch_outcomes(consumers, [("poison", "m7"), ("gone", "ana-phone", 0)])
    assert table.loc["apart"].tolist() == [74, 0, 26, 0]
    assert table["shown"]["together"] < 74
    assert table["shown again"]["together"] > 0
    assert table["dead letters"]["together"] > 26
