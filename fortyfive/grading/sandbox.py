"""Run one request in a fresh child process, with limits on wall time, processor time, memory and output."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import IO, Any

from fortyfive.grading.submission import Submission

CHUNK_BYTES = 65_536


@dataclass(frozen=True)
class Limits:
    """What one run of a learner's code may use.

    `cpu_s` is for code that is known to work hard: a busy machine stretches the wall clock, and not that one.
    """

    wall_s: float = 5.0
    cpu_s: int | None = None
    memory_bytes: int = 1 << 30
    printed_bytes: int = 1 << 20
    result_bytes: int = 16 << 20


DEFAULT_LIMITS = Limits()

# The children at work now, in any thread.
_children: set[subprocess.Popen[bytes]] = set()


def run(submission: Submission, driver: str, args: list[Any], limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    """Return the child's answer (see `child`), or `{"status": ...}` for what kept it from answering.

    `args` is data that `wire.encode` made. Beyond the child's own answers the status is `timed_out` (`limit_s`),
    `over_limit` (`limit`: "printed", "result" or "memory") or `ended` (`code`, or `signal` by name).
    """
    request = {
        "source": submission.source,
        "filename": submission.filename,
        "driver": driver,
        "args": args,
        "memory_bytes": limits.memory_bytes,
        "cpu_s": limits.cpu_s or int(limits.wall_s) + 2,
        # The wall clock ends a run; this only makes sure that a child nobody watches any more ends too.
        "alarm_s": int(limits.wall_s) + 2,
    }
    with tempfile.TemporaryDirectory(prefix="fortyfive-", ignore_cleanup_errors=True) as folder:
        return _converse(_start(folder), json.dumps(request).encode(), limits)


def end_all() -> None:
    """End every child that is at work, whichever thread waits for it."""
    for process in list(_children):
        _kill(process)


def clean_environment(folder: str) -> dict[str, str]:
    """Return an environment without the learner's settings: the same hash seed and one thread, everywhere."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG", "LC_ALL") if name in os.environ}
    return kept | {
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "HOME": folder,
        "TMPDIR": folder,
        "TEMP": folder,
    }


def python(*args: str) -> list[str]:
    """Return the command of this interpreter that adds neither the current folder nor a user's packages to its path."""
    return [sys.executable, "-s", "-P", *args]


def _start(folder: str) -> subprocess.Popen[bytes]:
    command = [*_walls(folder), *python("-m", "fortyfive.grading")]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        # The judge keeps what it compiled, so that the next one starts sooner; a learner's code leaves nothing behind.
        env=clean_environment(folder) | {"PYTHONDONTWRITEBYTECODE": "1"},
        start_new_session=True,
    )


def _walls(folder: str) -> list[str]:
    """Return the command that makes files read-only and the network absent, where bubblewrap works."""
    if not _bubblewrap_works():
        return []
    fixed = ["bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    return [*fixed, "--bind", folder, folder, "--chdir", folder, "--"]


@functools.cache
def _bubblewrap_works() -> bool:
    if shutil.which("bwrap") is None:
        return False
    probe = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--", "true"]
    try:
        return subprocess.run(probe, capture_output=True, timeout=5, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class _Reader(threading.Thread):
    """Reads a pipe to its end, to its limit, or to the end of its first line, then reports itself."""

    def __init__(self, pipe: IO[bytes], limit_bytes: int, done: queue.Queue[_Reader], one_line: bool = False) -> None:
        super().__init__(daemon=True)
        self.pipe = pipe
        self.limit_bytes = limit_bytes
        self.done = done
        self.one_line = one_line
        self.data = bytearray()
        self.start()

    @property
    def over(self) -> bool:
        return len(self.data) > self.limit_bytes

    @property
    def whole_line(self) -> bool:
        return self.one_line and self.data.endswith(b"\n")

    def run(self) -> None:
        while not (self.over or self.whole_line) and (chunk := os.read(self.pipe.fileno(), CHUNK_BYTES)):
            self.data += chunk
        self.done.put(self)


def _converse(process: subprocess.Popen[bytes], request: bytes, limits: Limits) -> dict[str, Any]:
    assert process.stdin and process.stdout and process.stderr
    deadline = time.monotonic() + limits.wall_s
    done: queue.Queue[_Reader] = queue.Queue()
    # What the learner's code started may hold the pipes open for longer than the child lives.
    result = _Reader(process.stdout, limits.result_bytes, done, one_line=True)
    printed = _Reader(process.stderr, limits.printed_bytes, done)
    threading.Thread(target=_send, args=(process.stdin, request), daemon=True).start()
    late = False
    _children.add(process)
    try:
        # A child that only closed its standard error may still be at work: its result is what counts.
        while not printed.over and done.get(timeout=max(0.0, deadline - time.monotonic())) is not result:
            pass
        if not (printed.over or result.over or result.whole_line):
            process.wait(timeout=max(0.0, deadline - time.monotonic()))
    except (queue.Empty, subprocess.TimeoutExpired):
        late = True
    finally:
        _kill(process)
        _children.discard(process)
    printed.join(0.5)
    if printed.over:
        return {"status": "over_limit", "limit": "printed"}
    if result.over:
        return {"status": "over_limit", "limit": "result"}
    answer = _read_answer(bytes(result.data), process.returncode)
    # More than one thread may use up the processor's time before the clock's.
    if late:
        return {"status": "timed_out", "limit_s": limits.wall_s}
    if answer.get("signal") == "SIGXCPU":
        return {"status": "timed_out", "limit_s": limits.cpu_s or limits.wall_s}
    return answer


def _send(pipe: IO[bytes], data: bytes) -> None:
    # The child may end before it has read everything; what it answered, or did not, says more.
    with contextlib.suppress(OSError), pipe:
        pipe.write(data)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the child with everything it started."""
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read_answer(data: bytes, code: int) -> dict[str, Any]:
    try:
        answer = json.loads(data)
        assert isinstance(answer["status"], str)
    except (ValueError, KeyError, TypeError, AssertionError, RecursionError):
        # bubblewrap reports a child's signal the way a shell does
        number = -code if code < 0 else code - 128
        name = signal.Signals(number).name if number in set(signal.Signals) else ""
        return {"status": "ended", "code": code, "signal": name}
    return answer  # type: ignore[no-any-return]
