"""The fan-out engine against brute force, theory and its own invariants."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fortyfive.flow.fan_out import (
    FollowerGraph,
    Workload,
    cost,
    exercise_workload,
    follower_graph,
    lesson_workload,
    thresholds,
)

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
