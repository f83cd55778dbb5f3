"""The process that runs a learner's code: it takes one request, runs one driver, writes one JSON line, and ends.

A request is `{"source", "filename", "driver": "module:function", "args", "memory_bytes", "cpu_s", "alarm_s"}`. The
answer is `{"status": "ok", "value"}` or `{"status": "failed" | "raised" | "over_limit" | "grader_error", ...}`. It
leaves through a private copy of standard output, so that printing to it, or closing it, harms nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import linecache
import os
import signal
import sys
import traceback
import types
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from fortyfive.grading import wire
from fortyfive.grading.pristine import restore_builtins
from fortyfive.grading.report import Failure
from fortyfive.grading.source import split_lines

MODULE = "submission"
# Python counts frames, the operating system counts bytes: this depth is safe on an 8 MB stack.
RECURSION_LIMIT = 1_000
# Room to say that the rest was used up.
SPARE_BYTES = 32 << 20


class LearnerError(Exception):
    """Wraps whatever the learner's own code raised, to tell it from an error of ours."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


def call(function: Callable[..., Any], *args: object) -> Any:
    """Call the learner's code from a driver. Raises LearnerError, or the Failure that the world raised in it."""
    try:
        return function(*args)
    except (Failure, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - sys.exit and KeyboardInterrupt too are the learner's here
        raise LearnerError(error) from None


Load = Callable[[], dict[str, Any]]


def read_names(load: Load, names: list[str]) -> dict[str, Any]:
    """Return the values of those names that are defined (driver for plain values)."""
    namespace = load()
    return {name: namespace[name] for name in names if name in namespace}


def _limit(memory_bytes: int, cpu_s: int, alarm_s: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; there the wall clock and the output are what is limited
        return
    limits = {
        resource.RLIMIT_AS: (memory_bytes, memory_bytes),
        resource.RLIMIT_CPU: (cpu_s, cpu_s + 1),
        resource.RLIMIT_FSIZE: (memory_bytes, memory_bytes),
        resource.RLIMIT_CORE: (0, 0),
    }
    for what, limit in limits.items():
        # A system may have a stricter limit of its own, or refuse this one.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, limit)
    # The parent ends us sooner; but a parent may itself be ended, and code that sleeps uses no processor time.
    signal.alarm(alarm_s)


def _describe(error: BaseException, filename: str, replaced: Iterable[str]) -> dict[str, Any]:
    """Say what the learner's code raised and at which of the learner's own lines; no line of ours."""
    place: dict[str, Any] = {"line": None, "text": "", "function": ""}
    message = wire.safe_text(str, error)
    if isinstance(error, SyntaxError) and error.filename == filename:
        place |= {"line": error.lineno, "text": wire.safe_text(str, error.text or "").strip()}
        message = wire.safe_text(str, error.msg)
    elif trace := _last_trace(error, filename):
        name = trace.tb_frame.f_code.co_name
        place["line"] = trace.tb_lineno
        place["text"] = wire.safe_text(str.strip, linecache.getline(filename, trace.tb_lineno))
        place["function"] = name if name != "<module>" else ""
    return {
        "status": "raised",
        "type": type(error).__name__,
        "message": message,
        "missing_name": wire.safe_text(str, error.name) if isinstance(error, NameError) else "",
        "replaced": sorted(replaced),
        **place,
    }


def _last_trace(error: BaseException, filename: str) -> types.TracebackType | None:
    """Return the innermost entry of the learner's own text that an error came through; there may be millions."""
    # A class may hide the attribute; the built-in type's own is always there.
    trace = BaseException.__dict__["__traceback__"].__get__(error)
    last = None
    while trace:
        if trace.tb_frame.f_code.co_filename == filename:
            last = trace
        trace = trace.tb_next
    return last


def _loader(source: str, filename: str) -> Load:
    """Return a function that runs the learner's text as a new module; what one run left behind, the next never sees.

    Raises LearnerError where the text is no Python.
    """
    linecache.cache[filename] = (len(source), None, [f"{line}\n" for line in split_lines(source)], filename)
    code = call(lambda: compile(source, filename, "exec", dont_inherit=True))

    def load() -> dict[str, Any]:
        module = types.ModuleType(MODULE)
        module.__file__ = filename
        # dataclasses, typing and pickle look a class's module up by name
        sys.modules[MODULE] = module
        call(exec, code, module.__dict__)
        return module.__dict__

    return load


def answer(request: dict[str, Any], spare: bytearray) -> dict[str, Any]:
    """Carry out one request and return the answer; raises nothing. `spare` is memory to let go for the answer."""
    filename = request["filename"]
    try:
        module, _, name = request["driver"].partition(":")
        driver = getattr(importlib.import_module(module), name)
        load = _loader(request["source"], filename)
        value = driver(load, *wire.decode(request["args"]))
        restore_builtins()
        return {"status": "ok", "value": wire.encode(value)}
    except:  # noqa: E722 - what ends a process is an answer too, and the name BaseException may be gone
        spare.clear()
        replaced = restore_builtins()
        error = sys.exc_info()[1]
        assert error
        return _answer_to(error, filename, replaced)


def _answer_to(error: BaseException, filename: str, replaced: Iterable[str]) -> dict[str, Any]:
    raised = error.error if isinstance(error, LearnerError) else error
    if isinstance(raised, Failure):
        return {
            "status": "failed",
            "rationale": wire.safe_text(str, raised.rationale, wire.MAX_TEXT_CHARS),
            "help": wire.safe_text(str, raised.help, wire.MAX_TEXT_CHARS),
        }
    if isinstance(raised, MemoryError):
        return {"status": "over_limit", "limit": "memory"}
    if isinstance(raised, wire.TooLargeError):
        return {"status": "over_limit", "limit": "result"}
    # What a learner's object does while we look at it, or a built-in that was replaced, is the learner's as well.
    theirs = raised is not error or replaced or not isinstance(error, Exception) or _last_trace(error, filename)
    if theirs:
        return _describe(raised, filename, replaced)
    return {"status": "grader_error", "detail": traceback.format_exc()}


def main() -> NoReturn:
    """Serve one request from standard input."""
    request = json.loads(sys.stdin.buffer.read())
    results = os.dup(1)
    os.dup2(2, 1)
    # The learner's code may replace any of these.
    write, leave, dumps, pid_now, pid = os.write, os._exit, json.dumps, os.getpid, os.getpid()
    sys.setrecursionlimit(RECURSION_LIMIT)
    spare = bytearray(SPARE_BYTES)
    _limit(request["memory_bytes"] + SPARE_BYTES, request["cpu_s"], request["alarm_s"])
    code = 1
    try:
        line = f"{dumps(answer(request, spare))}\n"
        # A copy of this process that the learner's code made has nothing to say.
        data = memoryview(line.encode() if pid_now() == pid else b"")
        while data:
            data = data[write(results, data) :]
        code = 0
    finally:
        # Threads that the learner's code left behind must not keep the process.
        leave(code)
