"""Work on a large array, cut into pieces that depend on its length only, on as many threads as pay."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")

# A pass over an array waits for memory, and more threads than this only wait together.
MOST_THREADS = 4


def map_chunks(work: Callable[[int, int], R], length: int, chunk: int) -> list[R]:
    """Return `work(start, stop)` for pieces of nearly equal length, at most `chunk` each, in order.

    The pieces run at the same time: `work` releases the GIL, and writes to its own piece only.
    """
    pieces = max(1, -(-length // chunk))
    ends = [length * piece // pieces for piece in range(pieces + 1)]
    threads = min(pieces, MOST_THREADS, os.cpu_count() or 1)
    if threads == 1:
        return [work(start, stop) for start, stop in itertools.pairwise(ends)]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads, thread_name_prefix="fortyfive-flow") as pool:
        return list(pool.map(work, ends[:-1], ends[1:]))
