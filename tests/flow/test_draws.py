"""Draws by counter: the generator as published, the distributions as in the textbook, and one die a name."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fortyfive.flow import draws
from tests.flow.theory import z_over_seeds

GOLDEN, WORD = 0x9E3779B97F4A7C15, 2**64
N = 20_000
SEEDS = range(30)


def mix(value):
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % WORD
    return value ^ (value >> 31)


def by_hand(seed, stream, index, attempt=0):
    key = 0
    for part in (seed, stream, attempt):
        key = mix(((key + part) * GOLDEN + GOLDEN) % WORD)
    return mix((key + (index + 1) * GOLDEN) % WORD)


def test_the_mixer_is_splitmix64_as_published():
    # The first numbers of the reference implementation for the seed 1234567.
    state = np.array([(1234567 + turn * GOLDEN) % WORD for turn in (1, 2, 3)], dtype=np.uint64)
    assert draws._mix(state).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(st.integers(-(2**70), 2**70), st.integers(0, 2**64), st.integers(0, 2**40), st.integers(0, 100))
def test_bits_are_those_of_whole_numbers_without_a_limit(seed, stream, index, attempt):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draws.bits(seed, stream, index, attempt).tolist() == [by_hand(seed, stream, index, attempt)]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20), st.data())
def test_a_draw_depends_on_its_name_only(index, data):
    place = data.draw(st.integers(0, len(index) - 1))
    for draw in (draws.bits, draws.uniform, lambda *name: draws.exponential_ns(*name, 1e9)):
        assert draw(45, 1, index)[place] == draw(45, 1, [index[place]])[0]


def test_names_that_differ_have_different_dice():
    names = [(seed, stream, attempt) for seed in range(10) for stream in range(10) for attempt in range(5)]
    drawn = np.concatenate([draws.bits(seed, stream, np.arange(100), attempt) for seed, stream, attempt in names])
    assert np.unique(drawn).size == drawn.size


def test_an_empty_index_draws_nothing():
    assert draws.bits(1, 1, np.array([], dtype=np.int64)).size == 0


def test_uniform_draws_never_reach_0_or_1(monkeypatch):
    for word, expected in ((0, 2.0**-53), (WORD - 1, 1 - 2.0**-53)):
        monkeypatch.setattr(draws, "bits", lambda *_, word=word: np.array([word], dtype=np.uint64))
        assert draws.uniform(1, 1, 0).tolist() == [expected]
        assert 0 <= draws.exponential_ns(1, 1, 0, 1e9)[0] < 37e9


@pytest.mark.parametrize("power", [1, 2, 3, 4])
def test_uniform_draws_have_the_moments_of_the_textbook(power):
    samples = [float((draws.uniform(seed, 1, np.arange(N)) ** power).mean()) for seed in SEEDS]
    assert abs(z_over_seeds(samples, 1 / (power + 1))) < 4


@pytest.mark.parametrize(("mean_ns", "power"), [(1e3, 1), (1e6, 1), (1e9, 1), (1e6, 2), (1e6, 3)])
def test_exponential_times_have_the_moments_of_the_textbook(mean_ns, power):
    samples = [float(((draws.exponential_ns(s, 2, np.arange(N), mean_ns) / mean_ns) ** power).mean()) for s in SEEDS]
    assert abs(z_over_seeds(samples, math.factorial(power))) < 4


def test_exponential_times_are_whole_and_never_negative():
    times = draws.exponential_ns(45, 2, np.arange(N), 3.0)
    assert times.dtype == np.int64
    assert times.min() == 0


@pytest.mark.parametrize("lag", [1, 2, 64])
def test_neighbours_are_independent(lag):
    samples = []
    for seed in SEEDS:
        drawn = draws.uniform(seed, 1, np.arange(N)) - 0.5
        samples.append(float((drawn[lag:] * drawn[:-lag]).mean()) * 12)
    assert abs(z_over_seeds(samples, 0)) < 4


@pytest.mark.parametrize("other", [(1, 2, 0), (1, 1, 1)])
def test_streams_and_attempts_are_independent(other):
    _, stream, attempt = other
    samples = []
    for seed in SEEDS:
        first = draws.uniform(seed, 1, np.arange(N)) - 0.5
        second = draws.uniform(seed, stream, np.arange(N), attempt) - 0.5
        samples.append(float((first * second).mean()) * 12)
    assert abs(z_over_seeds(samples, 0)) < 4


def test_every_bit_is_a_fair_coin():
    for bit in range(64):
        samples = [float(((draws.bits(s, 3, np.arange(2_000)) >> np.uint64(bit)) & np.uint64(1)).mean()) for s in SEEDS]
        assert abs(z_over_seeds(samples, 0.5)) < 4.5, bit
