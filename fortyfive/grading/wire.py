"""What crosses between a learner's process and the grader: JSON that keeps Python's plain types apart."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 50
MAX_NODES = 500_000
MAX_TEXT_CHARS = 8_000_000
MAX_REPR_CHARS = 2_000
MAX_INT_BITS = 4_096
SAFE_INT = 1 << 63


class TooLargeError(Exception):
    """A value has too many parts, or is nested too deeply, to be sent."""


@dataclass(frozen=True)
class Opaque:
    """A value that cannot cross; what remains of it is its type's name and what it prints as."""

    type_name: str
    text: str

    def __repr__(self) -> str:
        return f"{self.text} (a {self.type_name})"


def encode(value: object) -> Any:
    """Return `value` as JSON data: plain types and those derived from them, and numpy's arrays as lists.

    Raises TooLargeError beyond `MAX_NODES` parts, `MAX_TEXT_CHARS` characters or `MAX_DEPTH` levels.
    """
    return _Encoder().encode(value, MAX_DEPTH)


class _Encoder:
    """Reads every value by the methods of the built-in type, whatever a class derived from it has made of them."""

    def __init__(self) -> None:
        self.nodes_left = MAX_NODES
        self.chars_left = MAX_TEXT_CHARS

    def encode(self, value: Any, depth_left: int) -> Any:
        # Asking the type, not the value: a value may lie about its class.
        kind = type(value)
        self.nodes_left -= 1
        if self.nodes_left < 0 or depth_left < 0:
            raise TooLargeError
        if value is None or kind is bool:
            return value
        if issubclass(kind, str):
            return self._encode_text(str.__str__(value))
        if issubclass(kind, int):
            return _encode_int(int.__int__(value))
        if issubclass(kind, float):
            real = float.__float__(value)
            return real if math.isfinite(real) else {"float": repr(real)}
        if issubclass(kind, list):
            return self._encode_all(list.__iter__(value), depth_left)
        if issubclass(kind, tuple):
            return {"tuple": self._encode_all(tuple.__iter__(value), depth_left)}
        if issubclass(kind, set | frozenset):
            iterate = set.__iter__ if issubclass(kind, set) else frozenset.__iter__
            return {"set": sorted((self._encode_key(item, depth_left) for item in iterate(value)), key=repr)}
        if issubclass(kind, dict):
            pairs = dict.items(value)
            return {"dict": [[self._encode_key(key, depth_left), self.encode(v, depth_left - 1)] for key, v in pairs]}
        if kind is Opaque:
            return {"opaque": [safe_text(str, value.type_name), safe_text(str, value.text)]}
        if kind.__module__ == "numpy" and hasattr(value, "tolist"):
            return self._encode_numpy(value, depth_left)
        return _opaque(value)

    def _encode_text(self, text: str) -> str:
        self.chars_left -= len(text)
        if self.chars_left < 0:
            raise TooLargeError
        return text

    def _encode_numpy(self, value: Any, depth_left: int) -> Any:
        if value.size > self.nodes_left:
            raise TooLargeError
        plain = value.tolist()
        # A long double has no plain form and gives itself.
        return _opaque(value) if type(plain) is type(value) else self.encode(plain, depth_left)

    def _encode_all(self, items: Iterable[Any], depth_left: int) -> list[Any]:
        return [self.encode(item, depth_left - 1) for item in items]

    def _encode_key(self, value: Any, depth_left: int) -> Any:
        data = self.encode(value, depth_left - 1)
        # A class may make a list hashable; what is read back from one would not be.
        return data if _is_hashable(data) else _opaque(value)


def _is_hashable(data: Any) -> bool:
    match data:
        case list() | {"dict": _}:
            return False
        case {"tuple": parts}:
            return all(_is_hashable(part) for part in parts)
    return True


def _encode_int(number: int) -> Any:
    if number.bit_length() > MAX_INT_BITS:
        return {"opaque": ["int", f"an integer of {number.bit_length():,} bits"]}
    # Python limits how many digits it reads and writes, and a learner may have changed that limit.
    return number if -SAFE_INT <= number < SAFE_INT else {"int": hex(number)}


def _opaque(value: object) -> Any:
    text = safe_text(repr, value) or "a value whose repr() fails"
    # An address differs from run to run and tells a learner nothing.
    return {"opaque": [type(value).__name__, re.sub(r" at 0x[0-9a-fA-F]+", "", text)]}


def safe_text(describe: Callable[[Any], str], value: object, max_chars: int = MAX_REPR_CHARS) -> str:
    """Return `describe(value)` as a plain text of bounded length, or "" where the value's own code refuses."""
    try:
        text = str.__str__(describe(value))
    except BaseException:  # noqa: BLE001 - a learner's __repr__ or __str__ may raise anything, also SystemExit
        return ""
    return text if len(text) <= max_chars else f"{text[:max_chars]} ... ({len(text):,} characters)"


def decode(data: Any) -> Any:
    """Read what `encode` wrote. Raises ValueError where it is not that."""
    if isinstance(data, list):
        return [decode(item) for item in data]
    if not isinstance(data, dict):
        return data
    if len(data) != 1:
        raise ValueError("not a message of the grader")
    ((kind, content),) = data.items()
    match kind:
        case "float":
            return float(content)
        case "int":
            return int(content, 16)
        case "tuple":
            return tuple(decode(item) for item in content)
        case "set":
            return frozenset(decode(item) for item in content)
        case "dict":
            return {decode(key): decode(item) for key, item in content}
        case "opaque":
            return Opaque(*content)
    raise ValueError(f"not a message of the grader: {kind!r}")
