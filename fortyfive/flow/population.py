"""A hundred million accounts by their follower counts alone, which is all that a cost needs to know of them."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fortyfive.flow import draws, memory
from fortyfive.flow.chunks import map_chunks
from fortyfive.flow.compiled import kernel

MOST_ACCOUNTS = 1_000_000_000
_STREAM = 20
_CHUNK = 1 << 20
_WORKING_BYTES = 64_000_000

# The power law is a line between 64 ranks an octave, which is off by less than one part in ten thousand.
_PIECES = 64


@dataclass(frozen=True)
class Population:
    """How many followers each account has: `followers` has one entry an account, in random order."""

    followers: NDArray[np.int32]

    @property
    def accounts(self) -> int:
        """How many accounts there are."""
        return int(self.followers.size)

    @functools.cached_property
    def follows(self) -> int:
        """How many follows there are: the sum of all follower counts."""
        return int(self.followers.sum(dtype=np.int64))


def population(
    accounts: int = 100_000_000, *, largest: int = 50_000_000, follows_each: float = 50, seed: int = 45
) -> Population:
    """Return accounts with a heavy tail of follower counts.

    A rank-size power law: the account of rank r has `largest` x r**-s followers, rounded. The exponent s makes the mean
    about `follows_each`; for the default sizes s is 0.85, so that the share of accounts with more than x followers
    falls as x**-1.18. `seed` decides which account has which rank. The same bytes on every machine.

    Raises ValueError for sizes that make no population, and NotEnoughMemoryError before anything is allocated.
    """
    _refuse_the_impossible(accounts, largest, follows_each)
    memory.require(
        4 * accounts + _WORKING_BYTES,
        f"{accounts:,} accounts",
        "Write population(10_000_000, largest=5_000_000) for 10 M accounts: the curve keeps its shape."
        if accounts > 10_000_000
        else "End other kernels that hold large arrays, then try again.",
    )
    values = _values_at_pieces(accounts, largest, follows_each)
    width = max(2, (accounts - 1).bit_length())
    keys = (draws.bits(seed, _STREAM, np.arange(6)) >> np.uint64(64 - width)).astype(np.int64)
    keys[:3] |= 1
    followers = np.empty(accounts, dtype=np.int32)
    map_chunks(lambda start, stop: _fill(followers[start:stop], start, accounts, width, keys, values), accounts, _CHUNK)
    return Population(followers)


@kernel("void(i4[::1], i8, i8, i8, i8[::1], f8[::1])")
def _fill(
    followers: NDArray[np.int32],
    start: int,
    accounts: int,
    width: int,
    keys: NDArray[np.int64],
    values: NDArray[np.float64],
) -> None:
    """Write the follower counts of the accounts from `start` on.

    The rank of an account is its place in a random order that is nowhere stored: a bijection on `width` bits, walked on
    until it lands below `accounts` (Black and Rogaway, CT-RSA 2002).
    """
    mask, half = (1 << width) - 1, width // 2
    for i in range(followers.size):
        place = start + i
        outside = True
        while outside:
            for turn in range(3):
                place = (place * keys[turn] + keys[turn + 3]) & mask
                place ^= place >> half
            outside = place >= accounts
        # A float's exponent and first six bits of mantissa are the number of its piece.
        rank = np.float64(place + 1).view(np.int64)
        piece = (rank >> 46) - 1023 * 64
        within = (rank & ((1 << 46) - 1)) * 2.0**-46
        followers[i] = np.rint(values[piece] + (values[piece + 1] - values[piece]) * within)


def exponent(accounts: int, largest: int, follows_each: float) -> float:
    """Return the s for which `largest` x (1**-s + 2**-s + ... + accounts**-s) is `follows_each` x `accounts`."""
    low, high = 0.0, 64.0
    for _ in range(60):
        middle = (low + high) / 2
        more = largest * _power_sum(accounts, middle) > follows_each * accounts
        low, high = (middle, high) if more else (low, middle)
    return round(low, 4)  # what machines compute differently is in the digits behind


def _power_sum(accounts: int, s: float) -> float:
    """Return the sum of r**-s over all ranks: the first thousand one by one, the others by their integral."""
    head = min(accounts, 1_000)
    total = float((np.arange(1, head + 1) ** -s).sum())
    if accounts > head:
        ends = np.log([head + 0.5, accounts + 0.5])
        grown = np.expm1((1 - s) * ends) / (1 - s) if s != 1 else ends
        total += float(grown[1] - grown[0])
    return total


def _values_at_pieces(accounts: int, largest: int, follows_each: float) -> NDArray[np.float64]:
    """Return the power law at 64 ranks an octave, rounded so that machines with other powers agree."""
    octave = np.arange(accounts.bit_length() + 1)
    rank = (2.0 ** octave[:, None] * (1 + np.arange(_PIECES) / _PIECES)).ravel()
    values = largest * rank ** -exponent(accounts, largest, follows_each)
    return np.rint(values * 2.0**16) * 2.0**-16


def _refuse_the_impossible(accounts: int, largest: int, follows_each: float) -> None:
    if not 2 <= accounts <= MOST_ACCOUNTS:
        raise ValueError(
            f"A population of {accounts:,} accounts cannot be made: nobody could follow anybody, or they would fill "
            f"the memory. Choose 2 to {MOST_ACCOUNTS:,} accounts."
        )
    if not 1 <= largest < accounts:
        raise ValueError(
            f"The largest account cannot have {largest:,} followers among {accounts:,} accounts, itself not counted: "
            f"choose 1 to {accounts - 1:,}."
        )
    least = largest / accounts
    if not least <= follows_each <= largest:
        raise ValueError(
            f"With {accounts:,} accounts of which the largest has {largest:,} followers, everybody follows between "
            f"{least:,.3g} and {largest:,} accounts on average, and {follows_each:,} is not between them. "
            "Change follows_each, or make largest fit."
        )
