"""The population against its power law, its promises about bytes and memory, and the sizes it refuses."""

import functools
import itertools
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from fortyfive.flow import memory
from fortyfive.flow.population import Population, exponent, population
from tests.flow.theory import z_over_seeds

small = functools.partial(population, 20_000, largest=10_000, follows_each=50)


def test_every_rank_has_the_followers_that_the_power_law_gives_it():
    s = exponent(20_000, 10_000, 50)
    law = 10_000 * np.arange(1, 20_001) ** -s
    counted = np.sort(small().followers)[::-1]
    assert np.abs(counted - law).max() <= 0.51 + 1e-4 * 10_000
    assert (np.abs(counted - law) <= 0.5 + 1e-4 * law).all()
    assert counted[0] == 10_000


@pytest.mark.parametrize(
    ("accounts", "largest", "follows_each"),
    [(20_000, 10_000, 50), (5_000, 4_999, 200), (30_000, 300, 20), (999, 40, 40)],
)
def test_the_mean_is_what_was_asked_for(accounts, largest, follows_each):
    made = population(accounts, largest=largest, follows_each=follows_each)
    assert made.follows / made.accounts == pytest.approx(follows_each, rel=0.01)
    assert made.follows == sum(made.followers.tolist())
    assert made.followers.max() == largest


def test_the_default_exponent_is_the_one_in_the_docstring():
    assert exponent(100_000_000, 50_000_000, 50) == pytest.approx(0.85, abs=0.001)
    assert "s is 0.85" in population.__doc__


def test_the_exponent_solves_the_sum_rank_by_rank():
    s = exponent(50_000, 25_000, 50)
    assert 25_000 * (np.arange(1, 50_001) ** -s).sum() == pytest.approx(50 * 50_000, rel=2e-4)


def test_a_seed_changes_who_has_which_rank_and_nothing_else():
    first, again, other = small(), small(), small(seed=46)
    assert np.array_equal(first.followers, again.followers)
    assert not np.array_equal(first.followers, other.followers)
    assert np.array_equal(np.sort(first.followers), np.sort(other.followers))


@pytest.mark.parametrize("accounts", [2, 3, 4, 5, 127, 128, 129])
def test_each_rank_is_given_to_one_account_whatever_the_size(accounts):
    # The largest may be followed by all others: then the law is steep enough to tell neighbouring ranks apart.
    made = population(accounts, largest=accounts - 1, follows_each=max(1, accounts // 4) if accounts > 2 else 0.75)
    s = exponent(accounts, accounts - 1, max(1, accounts // 4) if accounts > 2 else 0.75)
    law = np.rint((accounts - 1) * np.arange(1, accounts + 1) ** -s)
    assert np.abs(np.sort(made.followers)[::-1] - law).max() <= 1


def test_the_largest_account_may_stand_anywhere():
    places = [int(population(1_000, largest=900, seed=seed).followers.argmax()) for seed in range(200)]
    assert abs(z_over_seeds(places, 499.5)) < 4
    spread = [(place - 499.5) ** 2 for place in places]
    assert abs(z_over_seeds(spread, (1_000**2 - 1) / 12)) < 4


@pytest.mark.parametrize("lag", [1, 2, 64])
def test_neighbours_have_nothing_to_do_with_one_another(lag):
    accounts, found = 2_000, []
    for seed in range(40):
        made = population(accounts, largest=1_000, follows_each=20, seed=seed).followers
        rank = np.argsort(np.argsort(made, kind="stable"))
        found.append(float(np.corrcoef(rank[:-lag], rank[lag:])[0, 1]))
    # A random order has correlations of 1 / sqrt(accounts), to both sides alike.
    assert abs(z_over_seeds(found, -1 / accounts)) < 4
    assert abs(z_over_seeds([accounts * each**2 for each in found], 1)) < 4


@pytest.mark.parametrize("accounts", [0, 1, -5, 10**12])
def test_a_number_of_accounts_that_makes_no_population_is_refused(accounts):
    with pytest.raises(ValueError, match="Choose 2 to 1,000,000,000 accounts"):
        population(accounts, largest=1)


@pytest.mark.parametrize("largest", [0, -1, 100, 101])
def test_a_largest_account_that_cannot_be_is_refused(largest):
    with pytest.raises(ValueError, match="choose 1 to 99"):
        population(100, largest=largest)


@pytest.mark.parametrize("follows_each", [0, -1, 0.1, 51, 10**6, float("nan")])
def test_a_mean_that_no_exponent_gives_is_refused(follows_each):
    with pytest.raises(ValueError, match=r"between\s+0.5 and 50 accounts"):
        population(100, largest=50, follows_each=follows_each)


@pytest.mark.parametrize("follows_each", [0.5, 50])
def test_the_two_ends_of_what_is_possible_work(follows_each):
    made = population(100, largest=50, follows_each=follows_each)
    assert made.followers.max() == 50
    assert made.follows == 100 * follows_each


def test_too_little_memory_is_said_before_anything_is_allocated(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 200_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(memory.NotEnoughMemoryError, match=r"100,000,000 accounts.*population\(10_000_000"):
            population()
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000


def test_what_the_message_offers_fits_where_the_whole_did_not(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 200_000_000)
    assert population(10_000_000, largest=5_000_000).accounts == 10_000_000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no RLIMIT_AS")
def test_a_real_limit_on_memory_gives_the_sentence_and_not_a_dead_process():
    code = (
        "import psutil, resource\n"
        "from fortyfive.flow.memory import NotEnoughMemoryError\n"
        "from fortyfive.flow.population import population\n"
        "population(10_000_000, largest=5_000_000)\n"  # the compiler is in memory from here on
        "limit = psutil.Process().memory_info().vms + 350_000_000\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "try:\n"
        "    population()\n"
        "except NotEnoughMemoryError as error:\n"
        "    print(error)\n"
        "print(population(10_000_000, largest=5_000_000).accounts)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    sentence, accounts = done.stdout.splitlines()
    assert sentence.startswith("100,000,000 accounts: this needs 0.46 GB of memory, and 0.3")
    assert "10 M accounts" in sentence
    assert accounts == "10000000"


def test_pieces_cut_the_array_and_leave_no_gap():
    from fortyfive.flow import chunks

    for length, chunk in itertools.product((1, 7, 64, 1_000), (1, 3, 64, 5_000)):
        pieces = chunks.map_chunks(lambda start, stop: (start, stop), length, chunk)
        assert [start for start, _ in pieces] == [0, *(stop for _, stop in pieces[:-1])]
        assert pieces[-1][1] == length
        assert max(stop - start for start, stop in pieces) <= chunk


def test_a_population_of_any_counts_can_be_made_by_hand():
    made = Population(np.array([2, 0, 1], dtype=np.int32))
    assert (made.accounts, made.follows) == (3, 3)
