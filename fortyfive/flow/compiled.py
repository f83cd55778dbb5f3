"""Loops over arrays, compiled when they are worth it: one plain Python function is both source and reference."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# Below this many array elements in all, Python is done before the compiler's library would be imported.
SMALL_ELEMENTS = 200_000

_kernels: list[Kernel[..., Any]] = []
_compiling = threading.RLock()


class Kernel(Generic[P, R]):
    """A function over arrays that numba compiles for one signature, kept on disk for the next process.

    The result is the same, bit for bit, whether Python runs it or the compiled code does: so a kernel uses float64 and
    int64 only, adds in a fixed order, and calls no other kernel.
    """

    def __init__(self, function: Callable[P, R], signature: str) -> None:
        functools.update_wrapper(self, function)
        self.python = function
        self._signature = signature
        self._compiled: Callable[P, R] | None = None
        _kernels.append(self)

    def __call__(self, *args: P.args, **_: P.kwargs) -> R:
        """Run the function on the arguments, which a kernel takes by position only."""
        run: Callable[..., R] = self.python if self.left_to_python(*args) else self.compiled()
        return run(*args)

    def left_to_python(self, *args: object) -> bool:
        """Say whether a call with these arguments would not be compiled."""
        return self._compiled is None and (not enabled() or _elements(args) <= SMALL_ELEMENTS)

    def compiled(self) -> Callable[P, R]:
        """Return the compiled function, which releases the GIL while it runs; compile it if that is still to do."""
        with _compiling:
            if self._compiled is None:
                import numba

                self._compiled = numba.njit(self._signature, cache=True, nogil=True)(self.python)
        return self._compiled


def kernel(signature: str) -> Callable[[Callable[P, R]], Kernel[P, R]]:
    """Make a function a kernel; `signature` is numba's, for example `void(i4[::1], i8[::1])`."""
    return lambda function: Kernel(function, signature)


def enabled() -> bool:
    """Say whether kernels may be compiled; NUMBA_DISABLE_JIT=1 leaves all of them to Python."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")


def ready() -> bool:
    """Say whether no kernel is left to compile, so that nothing will wait for the compiler."""
    return not enabled() or all(kernel._compiled is not None for kernel in _kernels)


def warm_up() -> threading.Thread:
    """Compile every kernel of the modules imported so far in a thread of its own; return that thread."""
    # Not a daemon: a process that ends while the compiler runs would tear it down half-way.
    thread = threading.Thread(target=_compile_all, name="fortyfive-compile", daemon=False)
    thread.start()
    return thread


def _compile_all() -> None:
    if enabled():
        for each in tuple(_kernels):
            each.compiled()


def _elements(args: tuple[object, ...]) -> int:
    return sum(getattr(arg, "size", 0) for arg in args)
