"""Write a plain value as Python text, and say in a sentence why another kind of value cannot be."""

from __future__ import annotations

import math
import types
from collections.abc import Iterable
from typing import Any

MAX_CHARS = 1_000_000
MAX_DEPTH = 30


class CannotTravelError(Exception):
    """An object of the notebook cannot be sent; the message is a sentence for the learner."""


def literal(name: str, value: object) -> str:
    """Return text that evaluates to `value`: numbers, texts, None, collections of them, and numpy's arrays of them.

    Raises CannotTravelError, about `name`, for anything else and beyond `MAX_CHARS` characters or `MAX_DEPTH` levels.
    """
    return _Writer(name).write(value, MAX_DEPTH)


class _Writer:
    """Counts as it writes, so that a huge value costs no more than a large one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.chars_left = MAX_CHARS

    def write(self, value: Any, depth_left: int) -> str:
        kind = type(value)
        if depth_left == 0:
            raise CannotTravelError(f"`{self.name}` is nested too deeply to be graded, or contains itself.")
        # A subclass, such as a defaultdict, does more than its parts show.
        if kind in (list, tuple, set, frozenset, dict):
            return self._collection(value, depth_left)
        if kind in (str, bytes):
            self._spend(len(value))
            return repr(value)
        if kind in (int, bool):
            return self._whole(value)
        if kind in (float, complex):
            return _real(value) if kind is float else f"complex({_real(value.real)}, {_real(value.imag)})"
        if kind is types.NoneType or kind is types.EllipsisType:
            return "None" if value is None else "..."
        if kind.__module__ == "numpy" and hasattr(value, "tolist"):
            return self._numpy(value, depth_left)
        raise self._refusal(value)

    def _collection(self, value: Any, depth_left: int) -> str:
        self._spend(4 * len(value))

        def parts(items: Iterable[Any]) -> list[str]:
            return [self.write(item, depth_left - 1) for item in items]

        match value:
            case list():
                return f"[{', '.join(parts(value))}]"
            case tuple():
                return f"({''.join(part + ', ' for part in parts(value))})"
            case dict():
                pairs = zip(parts(value.keys()), parts(value.values()), strict=True)
                return f"{{{', '.join(f'{key}: {item}' for key, item in pairs)}}}"
        # The order of a set is the process's own.
        text = f"{{{', '.join(sorted(parts(value))) or '*()'}}}"
        return f"frozenset({text})" if isinstance(value, frozenset) else text

    def _whole(self, value: int) -> str:
        self._spend(value.bit_length() // 4)
        # Python refuses to write very long numbers in decimal.
        return repr(value) if value.bit_length() < 64 else hex(value)

    def _numpy(self, value: Any, depth_left: int) -> str:
        self._spend(4 * value.size)
        if value.dtype.kind not in "biufcSU" or value.dtype.char in "gG":  # records, objects, dates, long doubles
            raise self._refusal(value)
        text = self.write(value.tolist(), depth_left - 1)
        if type(value).__name__ != "ndarray":
            return text
        return f'__import__("numpy").array({text}, dtype={value.dtype.str!r}).reshape({value.shape})'

    def _spend(self, chars: int) -> None:
        self.chars_left -= chars
        if self.chars_left < 0:
            raise CannotTravelError(
                f"`{self.name}` is too large to be graded (more than {MAX_CHARS:,} characters): "
                "keep what the task asks for and no more."
            )

    def _refusal(self, value: object) -> CannotTravelError:
        return CannotTravelError(
            f"`{self.name}` is, or holds, an object of the kind {type(value).__name__}, and only numbers, texts, and "
            "lists, tuples, sets and dictionaries of them travel to the grader. If your code needs it, build it inside "
            "your function."
        )


def _real(value: float) -> str:
    """Return text for a float that uses no name, which the learner might have given another meaning."""
    if math.isnan(value):
        return "(1e999 - 1e999)"
    return repr(value) if math.isfinite(value) else f"{'-' if value < 0 else ''}1e999"
