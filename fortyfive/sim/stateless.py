"""Whether a learner's module can remember anything from one call to the next; one that cannot is loaded only once."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dis import get_instructions
from typing import Any

from fortyfive.grading.child import MODULE, Load

_CONSTANTS = (str, int, float, complex, bool, bytes, types.NoneType, types.EllipsisType)
# What writes to something that outlives the call, or may reach it by another way.
_WRITES = frozenset(("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR"))
_REACHES = frozenset(("globals", "vars", "setattr", "delattr", "exec", "eval"))


def reuse(load: Load) -> Load:
    """Return a `load` that gives the same names each time where nobody could tell the difference."""
    names, again = load(), load()
    return (lambda: names) if keeps_nothing(names) and _constants(names) == _constants(again) else load


def _constants(names: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is written down in a module; where two loadings differ, chance or the clock had a hand in it."""
    return {name: value for name, value in names.items() if isinstance(value, (*_CONSTANTS, tuple, frozenset))}


def keeps_nothing(names: Mapping[str, Any]) -> bool:
    """Whether a module's names hold functions and constants only, and no function can change what it was given.

    Where it cannot be told, the answer is False. What an imported module remembers outlives every loading anyway.
    """
    return all(_is_fixed(value) for name, value in names.items() if not (name[:2] == name[-2:] == "__"))


def _is_fixed(value: Any) -> bool:
    if isinstance(value, types.FunctionType):
        return value.__module__ != MODULE or _is_fixed_function(value)
    if isinstance(value, type):
        return value.__module__ != MODULE
    if isinstance(value, tuple | frozenset):
        return type(value) in (tuple, frozenset) and all(map(_is_fixed, value))
    return type(value) in _CONSTANTS or isinstance(value, types.ModuleType | types.BuiltinFunctionType)


def _is_fixed_function(function: types.FunctionType) -> bool:
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    if function.__closure__ or vars(function) or not all(map(_is_fixed, defaults)):
        return False
    return all(_only_reads(code) for code in _codes(function.__code__))


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _only_reads(code: types.CodeType) -> bool:
    if any(name in _REACHES or name[:2] == "__" for name in code.co_names):
        return False
    return not any(instruction.opname in _WRITES for instruction in get_instructions(code))
