"""Python's built-ins as they were at start-up, lent to our own code while a notebook has replaced some of them."""

from __future__ import annotations

import builtins
from types import TracebackType
from typing import Any

# A notebook's kernel itself sets these two.
SET_BY_JUPYTER = ("_", "input")
# Bound once: `vars` itself may be among what is replaced.
_NOW = vars(builtins)
_ORIGINAL = {name: value for name, value in _NOW.items() if name not in SET_BY_JUPYTER}
_MISSING = object()


def restore_builtins() -> dict[str, Any]:
    """Put the original built-ins back; returns what stood in their place, `_MISSING` for what was deleted."""
    # No built-in name may be used until the loop is through, only syntax and methods of what is bound above.
    replaced = {}
    for name, value in _ORIGINAL.items():
        found = _NOW.get(name, _MISSING)
        if found is not value:
            replaced[name] = found
            _NOW[name] = value
    return replaced


class builtins_restored:  # noqa: N801 - a context manager; contextlib's own needs built-ins to start
    """Put the original built-ins back for a while; yields the names that the learner had replaced or deleted."""

    def __enter__(self) -> tuple[str, ...]:
        self._replaced = restore_builtins()
        return tuple(sorted(self._replaced))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, value in self._replaced.items():
            if value is _MISSING:
                del _NOW[name]
            else:
                _NOW[name] = value
