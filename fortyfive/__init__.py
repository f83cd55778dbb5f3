"""Forty-Five Minutes: the system-design round, as a course you can run."""

from __future__ import annotations

import importlib
from typing import Any

# Imported when first used: the grading process and the page in a browser need only some of the rooms.
_HOMES = {
    "check": "course",
    "progress": "course",
    "replay": "course",
    "reset": "course",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one table, not two
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fortyfive' has no attribute {name!r}")
    return getattr(importlib.import_module(f"fortyfive.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
