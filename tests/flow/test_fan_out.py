"""The fan-out engine against brute force, theory and its own invariants."""

import dataclasses
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fortyfive.flow import chunks, fan_out
from fortyfive.flow.fan_out import (
    MONTH_S,
    FollowerGraph,
    Prices,
    Workload,
    cost,
    exercise_workload,
    follower_graph,
    lesson_workload,
    sweep,
    thresholds,
)
from tests.flow.theory import z_over_seeds

WORKLOAD = Workload(posts_per_s=7, reads_per_s=100, deliveries_per_s=10)


def graph_of(accounts, edges):
    edges = sorted(edges)
    readers = np.array([reader for reader, _ in edges], dtype=np.int32)
    authors = np.array([author for _, author in edges], dtype=np.int32)
    return FollowerGraph(accounts, readers, authors, np.bincount(authors, minlength=accounts).astype(np.int64))


graphs = st.integers(2, 8).flatmap(
    lambda accounts: st.sets(
        st.tuples(st.integers(0, accounts - 1), st.integers(0, accounts - 1)).filter(lambda edge: edge[0] != edge[1])
    ).map(lambda edges: (accounts, sorted(edges)))
)


@settings(max_examples=200, deadline=None)
@given(graphs, st.integers(0, 9))
def test_cost_is_what_a_loop_over_all_follows_counts(drawn, threshold):
    accounts, edges = drawn
    followers = [sum(author == account for _, author in edges) for account in range(accounts)]
    pushed = [count for count in followers if count <= threshold]
    lookups = [1 + sum(r == reader and followers[a] > threshold for r, a in edges) for reader in range(accounts)]
    found = cost(graph_of(accounts, edges), WORKLOAD, threshold)
    assert found.pulled_accounts == accounts - len(pushed)
    assert found.writes_per_s == pytest.approx(sum(pushed) * 7 / accounts)
    assert found.lookups_per_s == pytest.approx(sum(lookups) / accounts * 100)
    assert found.slowest_delivery_s == pytest.approx(max(pushed, default=0) / 10)
    assert found.p99_lookups == max(lookups)


def test_a_graph_without_follows_costs_one_lookup_a_read():
    found = cost(graph_of(5, []), WORKLOAD, 0)
    assert (found.writes_per_s, found.lookups_per_s, found.slowest_delivery_s, found.p99_lookups) == (0, 100, 0, 1)


def test_everybody_following_everybody_is_pushed_or_pulled_as_a_whole():
    everybody = graph_of(6, [(reader, author) for reader in range(6) for author in range(6) if reader != author])
    assert cost(everybody, WORKLOAD, 4).pulled_accounts == 6
    assert cost(everybody, WORKLOAD, 5).pulled_accounts == 0


def test_a_threshold_below_zero_is_refused_with_a_sentence():
    with pytest.raises(ValueError, match="choose 0"):
        cost(graph_of(2, [(0, 1)]), WORKLOAD, -1)


@pytest.mark.parametrize(("accounts", "follows_each"), [(1, 1), (0, 5), (-3, 5), (10**9, 5), (10, 0), (10, 10**6)])
def test_an_impossible_graph_is_refused_before_any_memory_is_taken(accounts, follows_each):
    with pytest.raises(ValueError, match="cannot be made here"):
        follower_graph(accounts, follows_each)


def test_nobody_follows_twice_or_themselves():
    graph = follower_graph(500, 30, seed=1)
    pairs = list(zip(graph.readers.tolist(), graph.authors.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert all(reader != author for reader, author in pairs)
    assert graph.followers.sum() == len(pairs)


def test_follower_counts_have_the_stated_tail():
    # The share of accounts with more than x followers falls as x**-1.3: a straight line on two logarithmic axes.
    slopes = []
    for seed in range(20):
        counts = np.sort(follower_graph.__wrapped__(20_000, 40, seed).followers)[::-1]
        ranks = np.arange(20, 2_000)
        slopes.append(np.polyfit(np.log(counts[ranks]), np.log(ranks), 1)[0])
    mean, error = np.mean(slopes), np.std(slopes, ddof=1) / np.sqrt(len(slopes))
    assert error < 0.02
    assert abs(mean - -1.3) < 0.06


def test_total_work_falls_all_the_way_to_pushing_everything():
    graph = follower_graph()
    for workload in (lesson_workload(), exercise_workload()):
        work = [cost(graph, workload, value).work_per_s for value in thresholds(graph)]
        assert work == sorted(work, reverse=True)


def test_the_follower_count_cancels_when_people_read_as_often_as_they_post():
    # With as many reads as posts, a copy pushed and a lookup pulled are equally many: no threshold saves work.
    graph = follower_graph(5_000, 20, seed=3)
    even = Workload(posts_per_s=50, reads_per_s=50, deliveries_per_s=1_000)
    work = [cost(graph, even, value).work_per_s for value in thresholds(graph)]
    assert max(work) == pytest.approx(min(work))


def test_the_lesson_reads_as_often_as_twitter_did():
    from fortyfive.numbers import fact

    ratio = fact("twitter.timeline-reads").value / fact("twitter.posts-average").value
    assert lesson_workload().reads_per_s / lesson_workload().posts_per_s == pytest.approx(ratio, rel=0.01)


def test_the_graph_is_the_same_bytes_in_another_process():
    code = (
        "import hashlib; from fortyfive.flow.fan_out import follower_graph; g = follower_graph();"
        "print(hashlib.sha256(g.readers.tobytes() + g.authors.tobytes()).hexdigest())"
    )
    seeds = ("0", "1")
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in seeds
    ]
    assert runs[0] == runs[1]


INT32_MOST = 2**31 - 1
counts_lists = st.lists(
    st.one_of(st.integers(0, 20), st.integers(1_000, 1_100), st.integers(0, 5_000), st.integers(0, INT32_MOST)),
    min_size=1,
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(counts_lists)
def test_the_sums_at_every_threshold_are_those_of_a_loop_over_all_accounts(counts):
    found = sweep(np.array(counts, dtype=np.int32))
    assert found.accounts == len(counts)
    assert found.thresholds[-1] == max(counts)
    rows = zip(
        found.thresholds.tolist(),
        found.pulled_accounts.tolist(),
        found.pushed_follows.tolist(),
        found.pulled_follows.tolist(),
        found.largest_pushed.tolist(),
        strict=True,
    )
    for row in rows:
        pushed = [count for count in counts if count <= row[0]]
        pulled = [count for count in counts if count > row[0]]
        assert row == (row[0], len(pulled), sum(pushed), sum(pulled), max(pushed, default=0))


@settings(max_examples=200, deadline=None)
@given(counts_lists, st.integers(1, 20), st.integers(0, 8))
def test_neither_the_order_nor_the_pieces_of_the_accounts_matter(counts, chunk, rotation):
    plain = sweep(np.array(counts, dtype=np.int32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fan_out, "_CHUNK", chunk)
        turned = sweep(np.roll(np.array(counts, dtype=np.int32), rotation))
    for each in dataclasses.fields(plain):
        assert np.array_equal(getattr(plain, each.name), getattr(turned, each.name)), each.name


def test_edges_are_every_number_up_to_1023_then_64_an_octave_and_the_round_numbers():
    edges = sweep(np.array([INT32_MOST], dtype=np.int32)).thresholds
    assert edges[:1_024].tolist() == list(range(1_024))
    assert edges[1_024:1_026].tolist() == [1_039, 1_055]
    assert edges[-1] == INT32_MOST
    assert {1_500, 10_000, 2_000_000, 50_000_000, 1_000_000_000} <= set(edges.tolist())
    # Six in each of seven decades; 1,000 has an edge anyway, and three are beyond what a count can be.
    assert edges.size == 1_024 + 64 * 21 + 6 * 7 - 4
    assert (np.diff(edges) > 0).all()
    assert (np.diff(edges)[1_024:] / edges[1_024:-1]).max() <= 1 / 64 + 1e-3


def test_the_mean_wait_is_that_of_pollaczek_and_khinchine_over_all_accounts():
    counts = np.array([0] * 500 + [3] * 400 + [1_200] * 60 + [1_201] * 30 + [90_000] * 10, dtype=np.int32)
    workload = Workload(posts_per_s=2, reads_per_s=1, deliveries_per_s=5_000, active_share=0.5)
    for threshold in (0, 3, 5_000, 90_000):
        work_s = counts[counts <= threshold] * 0.5 / 5_000
        rate_per_s = 2 * work_s.size / counts.size
        expected = rate_per_s * (work_s**2).mean() / (2 * (1 - rate_per_s * work_s.mean()))
        assert sweep(counts).mean_wait_s(workload, threshold) == pytest.approx(expected, rel=1e-4), threshold


def test_overloaded_workers_keep_a_post_waiting_for_ever():
    found, workload = sweep(np.full(10, 100, dtype=np.int32)), Workload(10, 1, 1_000)
    assert found.mean_wait_s(workload, 100) == math.inf
    assert found.mean_wait_s(dataclasses.replace(workload, deliveries_per_s=1_001), 100) > 0
    with pytest.raises(ValueError, match="means nothing"):
        found.mean_wait_s(workload, -1)


def test_a_sweep_over_a_graph_costs_what_its_edges_cost():
    graph = follower_graph(3_000, 20, seed=5)
    workload = Workload(posts_per_s=7, reads_per_s=100, deliveries_per_s=10, active_share=0.4, timeline_entries=10**9)
    found = sweep(graph.followers).costs(workload)
    for index, threshold in enumerate(found.thresholds.tolist()):
        measured, swept = cost(graph, workload, threshold), found.at(index)
        assert (swept.threshold, swept.pulled_accounts) == (measured.threshold, measured.pulled_accounts)
        for name in (
            "writes_per_s",
            "lookups_per_s",
            "work_per_s",
            "slowest_delivery_s",
            "stored_bytes",
            "usd_per_month",
        ):
            assert getattr(swept, name) == pytest.approx(getattr(measured, name), rel=1e-12), (name, threshold)


def test_between_two_edges_the_upper_one_is_priced_and_named():
    found = sweep(np.array([5, 2_000, 3_000], dtype=np.int32))
    assert [found.cost(WORKLOAD, at).threshold for at in (0, 5, 1_023, 1_024, 1_039, 1_040, 2_999, 3_000, 10**12)] == [
        0, 5, 1_023, 1_039, 1_039, 1_055, 3_000, 3_000, 3_000,
    ]  # fmt: skip
    assert found.cost(WORKLOAD, 2_500) == found.costs(WORKLOAD).at(int(np.searchsorted(found.thresholds, 2_500)))


def binomial_p99(trials, chance):
    total = 0.0
    for successes in range(trials + 1):
        total += math.comb(trials, successes) * chance**successes * (1 - chance) ** (trials - successes)
        if total >= 0.99:
            return successes
    raise AssertionError("the terms of a binomial add up to one")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 60), st.floats(0, 1, allow_subnormal=False))
def test_the_99th_percentile_is_that_of_the_binomial_summed_by_hand(trials, chance):
    expected = {binomial_p99(trials, min(1.0, max(0.0, chance + nudge))) for nudge in (-1e-9, 0, 1e-9)}
    assert int(fan_out._binomial_p99(trials, np.array([chance]))[0]) in expected


def test_the_99th_percentile_of_very_many_follows_is_off_by_one_at_most(monkeypatch):
    chances = np.concatenate([[0.0, 1.0], np.geomspace(1e-5, 0.5, 60), 1 - np.geomspace(1e-5, 0.5, 60)])
    expanded = fan_out._binomial_p99(2_500, chances)
    monkeypatch.setattr(fan_out, "_MANY_FOLLOWS", 10**9)
    summed = fan_out._binomial_p99(2_500, chances)
    assert expanded[:2].tolist() == summed[:2].tolist() == [0, 2_500]
    assert np.abs(expanded - summed).max() <= 1


def test_the_99th_percentile_is_close_to_the_one_measured_on_edges():
    # The graph gives nobody the same account twice, so its tail is a little shorter than the binomial's.
    graph = follower_graph()
    found = sweep(graph.followers)
    chosen = range(0, found.thresholds.size, 9)
    measured = [cost(graph, WORKLOAD, int(found.thresholds[index])).p99_lookups for index in chosen]
    difference = found.p99_lookups[chosen] - measured
    assert difference.min() >= -1
    assert difference.max() <= 2
    assert 0 <= difference.mean() < 0.5


def test_nobody_looks_up_more_accounts_than_are_pulled():
    found = sweep(np.array([9, 900, 1_000], dtype=np.int32))
    assert (found.p99_lookups <= 1 + found.pulled_accounts).all()


@pytest.mark.parametrize("counts", [[0], [0] * 7])
def test_where_nobody_follows_anybody_only_the_reads_cost(counts):
    found = sweep(np.array(counts, dtype=np.int32))
    costs = found.costs(WORKLOAD)
    assert costs.thresholds.tolist() == [0]
    assert costs.lookups_per_s.tolist() == [100]
    assert costs.p99_lookups.tolist() == [1]
    for name in ("pulled_accounts", "writes_per_s", "slowest_delivery_s", "stored_bytes"):
        assert getattr(costs, name).tolist() == [0], name
    assert found.cost(WORKLOAD, 50).work_per_s == 100


def test_everybody_following_everybody_has_two_prices():
    accounts = 3_000
    costs = sweep(np.full(accounts, accounts - 1, dtype=np.int32)).costs(WORKLOAD)
    assert (costs.pulled_accounts[:-1] == accounts).all()
    assert costs.pulled_accounts[-1] == 0
    assert (costs.p99_lookups[:-1] == accounts).all()
    assert costs.p99_lookups[-1] == 1
    assert costs.writes_per_s[-1] == pytest.approx(7 * (accounts - 1))
    assert costs.lookups_per_s[0] == pytest.approx(100 * accounts)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (np.array([], dtype=np.int32), "one whole number an account"),
        (np.array([1.5, 2.5]), "one whole number an account"),
        (np.ones((2, 2), dtype=np.int32), "one whole number an account"),
        (np.array([1, -1], dtype=np.int32), "below 0 means nothing"),
        (np.array([1, -(2**40)]), "below 0 means nothing"),
        (np.array([1, 2**31]), "2,147,483,648 followers is too large"),
    ],
)
def test_an_array_that_holds_no_follower_counts_is_refused(counts, sentence):
    with pytest.raises(ValueError, match=sentence):
        sweep(counts)


def test_a_sweep_refuses_a_threshold_below_zero():
    with pytest.raises(ValueError, match="choose 0"):
        sweep(np.array([1], dtype=np.int32)).cost(WORKLOAD, -1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"posts_per_s": -1}, "posts_per_s is -1"),
        ({"reads_per_s": math.nan}, "reads_per_s is nan"),
        ({"deliveries_per_s": 0}, "no post ever reaches"),
        ({"deliveries_per_s": math.inf}, "deliveries_per_s is inf"),
        ({"active_share": 1.1}, "choose 0 to 1"),
        ({"replicas": -1}, "replicas is -1"),
    ],
)
def test_a_workload_that_no_service_has_is_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        dataclasses.replace(WORKLOAD, **change)


def test_a_price_below_zero_is_refused():
    with pytest.raises(ValueError, match="usd_per_m_writes is -1"):
        Prices(usd_per_m_writes=-1)


def test_inactive_followers_get_no_copies():
    graph = follower_graph(2_000, 10, seed=2)
    all_active = dataclasses.replace(WORKLOAD, timeline_entries=10**9)
    half = dataclasses.replace(all_active, active_share=0.5)
    whole, part = cost(graph, all_active, 100), cost(graph, half, 100)
    for name in ("writes_per_s", "slowest_delivery_s", "stored_bytes"):
        assert getattr(part, name) == pytest.approx(getattr(whole, name) / 2), name
    assert (part.lookups_per_s, part.p99_lookups) == (whole.lookups_per_s, whole.p99_lookups)


@settings(max_examples=100, deadline=None)
@given(graphs, st.integers(0, 9), st.integers(0, 5))
def test_stored_bytes_are_what_a_loop_over_readers_keeps(drawn, threshold, entries):
    accounts, edges = drawn
    workload = Workload(1e-6 * accounts, 1, 1, timeline_entries=entries, replicas=2, entry_bytes=10)
    followers = [sum(author == account for _, author in edges) for account in range(accounts)]
    received = [sum(r == reader and followers[a] <= threshold for r, a in edges) * 2.592 for reader in range(accounts)]
    expected = sum(min(entries, posts) for posts in received) * 10 * 2
    assert cost(graph_of(accounts, edges), workload, threshold).stored_bytes == pytest.approx(expected)


def test_a_month_costs_its_writes_its_lookups_and_one_replica_of_what_is_kept():
    graph = graph_of(4, [(0, 1), (1, 0), (2, 0), (3, 0)])
    found = cost(graph, Workload(4, 10, 1), 1, Prices(2, 3, 5))
    assert (found.writes_per_s, found.lookups_per_s) == (1, 17.5)
    assert found.stored_bytes == 800 * 24 * 3
    assert found.usd_per_month == pytest.approx((1 * 2 + 17.5 * 3) * 2.592 + 800 * 24 / 1e9 * 5)


def test_what_is_kept_is_what_twitter_kept():
    from fortyfive.numbers import fact

    assert lesson_workload().timeline_entries == fact("twitter.timeline-length").value
    assert lesson_workload().replicas == fact("twitter.timeline-replicas").value
    assert Prices().usd_per_m_writes == fact("dynamodb.usd-per-m-writes").value
    assert MONTH_S == 2_592_000


def test_slider_positions_are_zero_the_series_and_the_largest():
    assert thresholds(1_000) == [0, 10, 20, 50, 100, 200, 500, 1_000]
    assert thresholds(0) == [0]
    assert thresholds(follower_graph(500, 10)) == thresholds(int(follower_graph(500, 10).followers.max()))


ACCOUNTS, FOLLOWS_EACH = 1_000, 20


def pushed_follows_in_theory(threshold):
    """Readers draw independently, so the followers of an account are binomial: no simulation is needed."""
    weights = np.floor(1e9 * np.arange(1, ACCOUNTS + 1, dtype=np.float64) ** -0.77)
    chance = 1 - (1 - weights / weights.sum()) ** FOLLOWS_EACH
    count = np.arange(threshold + 1)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, ACCOUNTS)))])
    ways = log_factorial[-1] - log_factorial[count] - log_factorial[ACCOUNTS - 1 - count]
    terms = np.exp(ways + count * np.log(chance)[:, None] + (ACCOUNTS - 1 - count) * np.log1p(-chance)[:, None])
    return float((terms * count).sum()), float(((ACCOUNTS - 1) * chance).sum())


@pytest.mark.parametrize("threshold", [5, 20, 60, 200])
def test_writes_and_lookups_are_what_theory_expects_of_the_graph(threshold):
    measured = [
        cost(follower_graph.__wrapped__(ACCOUNTS, FOLLOWS_EACH, seed), WORKLOAD, threshold) for seed in range(40)
    ]
    pushed, follows = pushed_follows_in_theory(threshold)
    assert abs(z_over_seeds([each.writes_per_s for each in measured], 7 / ACCOUNTS * pushed)) < 4
    lookups = 100 * (1 + (follows - pushed) / ACCOUNTS)
    assert abs(z_over_seeds([each.lookups_per_s for each in measured], lookups)) < 4


DIGEST = """
import dataclasses, hashlib, sys
from fortyfive.flow import chunks, compiled, fan_out, population
small, chunks.MOST_THREADS, chunk = map(int, sys.argv[1:])
compiled.SMALL_ELEMENTS, fan_out._CHUNK, population._CHUNK = small, chunk, chunk
followers = population.population(30_000, largest=15_000).followers
found = fan_out.sweep(followers)
costs = found.costs(fan_out.Workload(7, 100, 10, active_share=0.3))
digest = hashlib.sha256(followers.tobytes())
for result in (found, costs):
    for each in dataclasses.fields(result):
        value = getattr(result, each.name)
        digest.update(value.tobytes() if hasattr(value, "tobytes") else str(value).encode())
print(digest.hexdigest(), "numba" in sys.modules)
"""


def digest(small_elements, threads, chunk, **variables):
    """The digest of every array, and whether the compiler ran, in a process of its own."""
    arguments = [str(value) for value in (small_elements, threads, chunk)]
    done = subprocess.run(
        [sys.executable, "-c", DIGEST, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_the_bytes_are_the_same_compiled_or_not_on_any_threads_in_any_pieces():
    plain, compiler = digest(0, 4, 4_000, PYTHONHASHSEED="1", NUMBA_DISABLE_JIT="1")
    assert compiler == "False"
    for threads, chunk in ((1, 10**6), (3, 7_777)):
        assert digest(0, threads, chunk, PYTHONHASHSEED="0") == [plain, "True"]


def test_importing_the_engine_reaches_neither_the_compiler_nor_psutil():
    code = (
        "import sys\n"
        "import fortyfive.flow.fan_out as f, fortyfive.flow.population, fortyfive.flow.inactive\n"
        "f.cost(f.follower_graph(), f.exercise_workload(), 500)\n"
        "f.sweep(f.follower_graph(2_000, 5).followers)\n"
        "print(sorted({'numba', 'psutil', 'pint', 'concurrent.futures'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_threads_share_the_work_and_keep_the_order(monkeypatch):
    monkeypatch.setattr(chunks.os, "cpu_count", lambda: 8)
    assert chunks.map_chunks(lambda start, stop: list(range(start, stop)), 10, 3) == [
        [0, 1],
        [2, 3, 4],
        [5, 6],
        [7, 8, 9],
    ]
    with pytest.raises(ZeroDivisionError):
        chunks.map_chunks(lambda start, stop: 1 // 0, 10, 3)
