import itertools
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from fortyfive.flow import memory, queue
from fortyfive.flow.delivery import Posts, Workers, deliver, posts, prepare, with_celebrity
from tests.flow.theory import z_over_seeds

SEEDS = range(24)
SECOND = 10**9
EVERYTHING = 10**9


def one_post(followers, span_s=600):
    return Posts(np.array([0]), np.array([followers]), span_s * SECOND)


def many_posts(seed=45, posts_per_s=100, span_s=60):
    """Mostly small accounts, one in a hundred with 2,000 followers and one in a thousand with 30,000."""
    followers = np.full(1_000, 15)
    followers[:10] = 2_000
    followers[0] = 30_000
    return posts(followers, posts_per_s=posts_per_s, span_s=span_s, seed=seed)


SMALL = Workers(count=4, copies_per_s=2_000, batch=100)


@pytest.mark.parametrize(("count", "batch"), [(1, 1_000), (10, 1_000), (10, 7), (250, 2_000)])
def test_a_post_on_idle_workers_takes_copies_over_rate(count, batch):
    workers = Workers(count=count, copies_per_s=20_000, batch=batch, noise=0)
    followers = 7_000 * count * 2
    result = deliver(one_post(followers), workers, EVERYTHING)
    assert result.slowest_s == pytest.approx(followers / (count * 20_000))
    assert result.last_copy_s.tolist() == [result.slowest_s]


def test_the_last_batch_is_as_long_as_what_is_left():
    workers = Workers(count=1, copies_per_s=1_000, batch=1_000, noise=0)
    assert deliver(one_post(2_500), workers, EVERYTHING).slowest_s == 2.5
    assert deliver(one_post(1), workers, EVERYTHING).slowest_s == 0.001


def test_with_noise_the_last_batches_make_the_tail():
    # All c workers are busy until n - c batches are done; of the last c exponentials, the slowest takes 1 + ... + 1/c.
    count, batches = 10, 50
    expected_s = (batches - count) / count + sum(1 / k for k in range(1, count + 1))
    workers = Workers(count=count, copies_per_s=1_000, batch=1_000)
    took = [deliver(one_post(1_000 * batches), workers, EVERYTHING, seed=seed).slowest_s for seed in range(200)]
    assert abs(z_over_seeds(took, expected_s)) < 4


@pytest.mark.parametrize("noise", [0.0, 0.5, 1.0])
def test_posts_queue_like_batches_at_one_worker(noise):
    # M/G/1 with whole posts as its customers: a post is 4 batches of 1 s each, whose variance is noise squared.
    batches, rate = 4, 0.15
    moment = batches * noise**2 + batches**2
    expected_s = rate * moment / (2 * (1 - rate * batches)) + batches
    workers = Workers(count=1, copies_per_s=1_000, batch=1_000, noise=noise)
    means = []
    for seed in SEEDS:
        stream = posts([1_000 * batches], posts_per_s=rate, span_s=200_000, seed=seed)
        means.append(float(deliver(stream, workers, EVERYTHING, seed=seed).last_copy_s[3_000:].mean()))
    assert abs(z_over_seeds(means, expected_s)) < 4


def test_posts_arrive_as_poisson_and_authors_evenly():
    drawn = [posts([1, 10, 100], posts_per_s=50, span_s=100, seed=seed) for seed in SEEDS]
    counts = [each.at_ns.size for each in drawn]
    assert abs(z_over_seeds(counts, 5_000)) < 4
    assert max(counts) > 5_000
    assert abs(z_over_seeds([float(each.followers.mean()) for each in drawn], 37)) < 4
    # For a Poisson process the variance of a count is its mean: here of the posts in each second.
    spread = [float(np.bincount(each.at_ns // SECOND, minlength=100).var(ddof=1)) for each in drawn]
    assert abs(z_over_seeds(spread, 50)) < 4


def test_a_pulled_celebrity_leaves_no_trace():
    ordinary = many_posts()
    crowded = with_celebrity(ordinary, 20, 5_000_000)
    place = int(np.flatnonzero(crowded.followers == 5_000_000)[0])
    without, pulled = (deliver(each, SMALL, 100_000) for each in (ordinary, crowded))
    assert np.array_equal(np.delete(pulled.last_copy_s, place), without.last_copy_s)
    assert math.isnan(pulled.last_copy_s[place])
    assert np.array_equal(pulled.bands, without.bands)


def test_a_lane_is_a_service_of_its_own():
    crowded = with_celebrity(many_posts(), 20, 1_000_000)
    small = crowded.followers <= 1_000
    both = deliver(crowded, SMALL, EVERYTHING, lane_above=1_000, lane_share=0.25)
    alone = prepare(crowded, SMALL).deliver(1_000, count=3)
    assert np.array_equal(both.last_copy_s[small], alone.last_copy_s[small])
    prepared = prepare(
        Posts(crowded.at_ns[~small], crowded.followers[~small], crowded.span_ns, crowded.names[~small]), SMALL
    )
    assert np.array_equal(both.last_copy_s[~small], prepared.deliver(EVERYTHING, count=1).last_copy_s)


def test_higher_thresholds_help_nobody_and_more_workers_delay_nobody():
    prepared = prepare(many_posts(), SMALL)
    thresholds = (15, 2_000, 30_000)
    for lower, higher in itertools.pairwise(thresholds):
        before, after = (prepared.deliver(each).last_copy_s for each in (lower, higher))
        both = ~np.isnan(before)
        assert (after[both] >= before[both]).all()
    fewer, more = (prepared.deliver(EVERYTHING, count=count).last_copy_s for count in (4, 5))
    assert (more <= fewer).all()


def test_a_pushed_celebrity_stands_in_front_of_everybody():
    # 18,000 copies/s, of which ordinary posts need a third: 4.5 M followers take 250 s, and the jam 250 s more to end.
    stream = with_celebrity(many_posts(posts_per_s=100, span_s=600), 60, 4_500_000)
    prepared = prepare(stream, Workers(count=10, copies_per_s=1_800))
    pulled, pushed = prepared.deliver(1_000_000), prepared.deliver(4_500_000)
    lane = prepared.deliver(4_500_000, lane_above=10_000)
    assert pulled.p50_s < 0.02
    assert pulled.p99_s < 5
    assert pushed.p50_s > 20
    assert 200 < pushed.p99_s < 260
    assert lane.p50_s < 0.05
    assert lane.p99_s < 10
    assert 450 < lane.slowest_s < 550
    waiting = pushed.backlog(60)
    assert waiting[5] < 500
    assert waiting.max() > 10_000


def test_the_summary_says_what_the_posts_say():
    stream = many_posts()
    result = deliver(stream, SMALL, 2_000, buckets=20)
    took = result.last_copy_s
    assert np.array_equal(np.isnan(took), stream.followers > 2_000)
    assert (result.posts, result.pushed_posts) == (took.size, int((stream.followers <= 2_000).sum()))
    assert result.slowest_s == np.nanmax(took)
    for got, share in ((result.p50_s, 50), (result.p99_s, 99)):
        exact = np.nanpercentile(took, share, method="inverted_cdf")
        assert abs(got - exact) <= exact / 128
    assert result.bands.shape == (3, 20)
    first = took[stream.at_ns < stream.span_ns / 20]
    exact = np.nanpercentile(first, 95, method="inverted_cdf")
    assert abs(result.bands[1, 0] - exact) <= exact / 128
    ends = np.arange(1, 21) * stream.span_ns // 20 / SECOND
    done = stream.at_ns / SECOND + took
    waiting = [int(((stream.at_ns / SECOND <= end) & (done > end)).sum()) for end in ends]
    assert result.backlog(20).tolist() == waiting


def test_utilisation_is_copies_over_capacity():
    workers = Workers(count=4, copies_per_s=1_000, batch=100, noise=0)
    stream = Posts(np.array([0, SECOND]), np.array([4_000, 8_000]), 2 * SECOND)
    result = deliver(stream, workers, 4_000)
    assert (result.utilisation, result.overloaded) == (0.5, False)
    result = deliver(stream, workers, 8_000)
    assert (result.utilisation, result.overloaded) == (1.5, True)
    # All in all there are workers enough, but not in the lane.
    result = prepare(stream, workers).deliver(8_000, count=8, lane_above=4_000, lane_share=0.25)
    assert (result.utilisation, result.overloaded) == (0.75, True)


def test_only_active_followers_get_copies_and_nobody_is_forgotten():
    workers = Workers(count=1, copies_per_s=1_000, batch=1_000, noise=0)
    assert deliver(one_post(50_000), workers, EVERYTHING, active_share=0.1).slowest_s == 5
    assert deliver(one_post(2), workers, EVERYTHING, active_share=0.1).slowest_s == 0.001


def test_posts_nobody_gets_have_no_time():
    stream = Posts(np.array([0, 1]), np.array([0, 5]), SECOND)
    assert np.isnan(deliver(stream, Workers(), 10).last_copy_s).tolist() == [True, False]
    nothing = deliver(stream, Workers(), 0)
    assert nothing.pushed_posts == 0
    assert all(math.isnan(value) for value in (nothing.p50_s, nothing.p99_s, nothing.slowest_s))
    assert (nothing.utilisation, nothing.overloaded, nothing.backlog(3).tolist()) == (0, False, [0, 0, 0])


HASH = """
import hashlib
import numpy as np
from fortyfive.flow.delivery import Workers, posts, prepare, with_celebrity
stream = with_celebrity(posts(np.arange(1, 400), posts_per_s=50, span_s=600), 60, 500_000)
prepared = prepare(stream, Workers(count=7, copies_per_s=3_000, batch=100))
results = [prepared.deliver(10**6, lane_above=lane) for lane in (None, 300)]
parts = [part for result in results for part in (result.last_copy_s, result.bands, result.backlog())]
digest = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
"""


def test_sixty_thousand_tasks_need_no_compiler_and_it_would_change_nothing():
    queue._serve.compiled()
    queue._histograms.compiled()
    here = {}
    exec(HASH, here)
    assert here["prepared"].service_ns.size > 60_000
    there = subprocess.run(
        [sys.executable, "-c", HASH + "import sys\nprint(digest, {'numba', 'psutil'} & set(sys.modules))"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "0", "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert there == f"{here['digest']} set()\n"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"count": 0}, "number of workers is 0"),
        ({"count": -1}, "number of workers is -1"),
        ({"count": 10**18}, "from 1 to 1,000,000"),
        ({"count": float("nan")}, "number of workers is nan"),
        ({"copies_per_s": 0}, "rate of a worker"),
        ({"copies_per_s": float("inf")}, "rate of a worker"),
        ({"batch": 0}, "copies in a batch is 0"),
        ({"batch": 2.5}, "copies in a batch is 2.5"),
        ({"noise": -0.1}, "noise"),
        ({"noise": float("nan")}, "noise"),
    ],
)
def test_bad_workers_are_refused_in_a_sentence(changed, message):
    with pytest.raises(ValueError, match=message):
        Workers(**changed)


@pytest.mark.parametrize(
    ("at_ns", "followers", "message"),
    [
        ([], [], "no posts"),
        ([2, 1], [1, 1], "not sorted"),
        ([1, 2], [1], "give one of each"),
        ([1, 2], [1, -1], "none can be below 0"),
        ([1, 2], [1, 10**18], "followers of a post is 1000000000000000000"),
        ([1.0, 2.0], [1, 1], "whole numbers is needed"),
        ([1, 10**9], [1, 1], "after the span"),
    ],
)
def test_bad_posts_are_refused_in_a_sentence(at_ns, followers, message):
    with pytest.raises(ValueError, match=message):
        deliver(
            Posts(np.array(at_ns, dtype=None if at_ns else int), np.array(followers, dtype=int), 10**9), Workers(), 5
        )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"threshold": -1}, "threshold in followers is -1"),
        ({"threshold": float("nan")}, "threshold in followers is nan"),
        ({"threshold": 10**18}, "threshold in followers"),
        ({"active_share": 0}, "active share"),
        ({"active_share": 1.5}, "active share"),
        ({"buckets": 0}, "buckets is 0"),
        ({"lane_above": -1}, "where the lane begins"),
        ({"lane_above": 10, "lane_share": 1.0}, "lane's share"),
        ({"lane_above": 10, "workers": Workers(count=1)}, "at least 2 workers"),
    ],
)
def test_bad_choices_are_refused_in_a_sentence(changed, message):
    with pytest.raises(ValueError, match=message):
        deliver(**{"posts": one_post(10), "workers": Workers(), "threshold": 100} | changed)


@pytest.mark.parametrize(
    ("followers", "changed", "message"),
    [
        ([], {}, "nobody can post"),
        ([0.5, 2.0], {}, "nobody can post"),
        ([5], {"posts_per_s": 0}, "rate of posts"),
        ([5], {"posts_per_s": float("nan")}, "rate of posts"),
        ([5], {"span_s": -1}, "span in seconds"),
    ],
)
def test_bad_streams_are_refused_in_a_sentence(followers, changed, message):
    with pytest.raises(ValueError, match=message):
        posts(followers, **{"posts_per_s": 5, "span_s": 10} | changed)


@pytest.mark.parametrize("at_s", [-1, 60, float("nan"), float("inf")])
def test_a_celebrity_posts_within_the_span(at_s):
    with pytest.raises(ValueError, match="outside the span"):
        with_celebrity(many_posts(), at_s, 1_000)


def test_too_many_tasks_are_refused_before_anything_is_allocated(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 10**9)
    with pytest.raises(memory.NotEnoughMemoryError, match=r"50,000,000 tasks.*larger batches"):
        prepare(one_post(50_000_000), Workers(batch=1))
    with pytest.raises(memory.NotEnoughMemoryError, match=r"posts.*shorter span"):
        posts([5], posts_per_s=10**6, span_s=100)
