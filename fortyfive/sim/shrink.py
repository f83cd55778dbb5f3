"""Find a small failing input inside a large one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

# Each round tries every piece; beyond this the input is small enough or the code too slow.
MAX_ROUNDS = 40


def shrink(items: Sequence[T], first_failing: Callable[[list[list[T]]], list[T] | None]) -> list[T]:
    """Drop ever smaller runs of `items` for as long as what is left still fails (after Zeller's ddmin, TSE 2002).

    `first_failing` gets a batch of candidates and returns the first that fails, perhaps made smaller, or None.
    """
    current = list(items)
    size = max(1, len(current) // 2)
    for _ in range(MAX_ROUNDS):
        starts = range(0, len(current), size)
        failing = first_failing([current[:start] + current[start + size :] for start in starts])
        if failing is not None:
            current = failing
        elif size == 1:
            break
        else:
            size //= 2
        size = max(1, min(size, len(current) // 2))
    return current
