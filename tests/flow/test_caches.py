"""Caches that are filled by keys: which reads they answer, against plain Python, and how many, against Che."""

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fortyfive.flow import caches
from fortyfive.flow.caches import HIT, MISS, READ, STALE, WRITE, WRITE_PAST, che, lru, popularity, zipf_keys


def plain_lru(key, at_ns, what, size, ttl_ns, fetch_ns, coalesce):
    """The same cache, as anybody would write it."""
    held, written, answers = OrderedDict(), {}, []
    for k, now, act in zip(key, at_ns, what, strict=True):
        if act != READ:
            written[k] = now
            if act == WRITE:
                held.pop(k, None)
            answers.append(MISS)
            continue
        filled = held.get(k)
        if filled is not None and filled > now:
            answers.append(HIT if coalesce else MISS)
        elif filled is not None and (ttl_ns == 0 or now - filled < ttl_ns):
            answers.append(STALE if written.get(k, -1) > filled - fetch_ns else HIT)
        else:
            answers.append(MISS)
            held[k] = now + fetch_ns
        held.move_to_end(k)
        if len(held) > size:
            held.popitem(last=False)
    return answers


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40), st.sampled_from((READ, READ, WRITE, WRITE_PAST)))),
    st.integers(1, 12),
    st.sampled_from((None, 5e-8)),
    st.sampled_from((0.0, 2e-8)),
    st.booleans(),
)
def test_the_cache_answers_as_the_plain_one(asked, size, ttl_s, fetch_s, coalesce):
    key, gap, what = (np.array([each[place] for each in asked], dtype=np.int64) for place in range(3))
    at_ns = np.cumsum(gap)
    got = lru(key, at_ns, what, size=size, ttl_s=ttl_s, fetch_s=fetch_s, coalesce=coalesce)
    ttl_ns = 0 if ttl_s is None else 50
    expected = plain_lru(key.tolist(), at_ns.tolist(), what.tolist(), size, ttl_ns, round(fetch_s * 1e9), coalesce)
    assert got.tolist() == expected


@pytest.mark.parametrize("skew", [0.0, 0.8, 1.1])
@pytest.mark.parametrize("size", [50, 1_000, 4_000])
def test_an_lru_cache_hits_as_che_has_it(skew, size):
    key = zipf_keys(7, 0, 200_000, keys=5_000, skew=skew)
    answer = lru(key, np.arange(key.size), size=size)[50_000:]
    assert (answer == HIT).mean() == pytest.approx(che(popularity(5_000, skew), size), abs=0.005)


def test_a_cache_for_all_keys_misses_each_once():
    assert che(popularity(100, 1.0), 100) == che(popularity(100, 1.0), 200) == 1.0
    key = zipf_keys(1, 0, 5_000, keys=100, skew=1.0)
    assert np.count_nonzero(lru(key, np.arange(key.size), size=100) == MISS) == np.unique(key).size


def test_keys_are_as_popular_as_zipf_says_and_the_hottest_more():
    counts = np.bincount(zipf_keys(3, 0, 400_000, keys=50, skew=1.0), minlength=50) / 400_000
    assert np.abs(counts - popularity(50, 1.0)).max() < 0.004
    hot = zipf_keys(3, 0, 400_000, keys=50, skew=0.0, hottest=0.5)
    assert (hot == 0).mean() == pytest.approx(0.5 + 0.5 / 50, abs=0.005)
    assert hot.max() == 49


def test_the_first_keys_do_not_depend_on_how_many_are_drawn():
    few, many = (zipf_keys(3, 0, count, keys=1_000, skew=0.9) for count in (100, 10_000))
    assert few.tolist() == many[:100].tolist()


def test_nothing_asked_is_nothing_answered():
    assert lru(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), size=3).size == 0


def test_the_compiled_cache_answers_as_python_does():
    key = zipf_keys(5, 0, 3_000, keys=300, skew=0.9)
    what = np.where(np.arange(key.size) % 17 == 0, WRITE_PAST, READ)
    asked = {"size": 60, "ttl_s": 1e-6, "fetch_s": 2e-8}
    by_python = lru(key, 10 * np.arange(key.size), what, **asked)
    caches._serve.compiled()
    assert lru(key, 10 * np.arange(key.size), what, **asked).tolist() == by_python.tolist()
    assert set(by_python.tolist()) == {MISS, HIT, STALE}
