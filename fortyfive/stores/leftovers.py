"""The folders that servers keep their data in: whose each is, and the end of what a killed kernel left behind."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

import platformdirs
import psutil

OTHERS_WAIT_S = 20.0
END_WAIT_S = 5.0
# Linux counts a process's start from the boot, and the time of the boot as whole seconds of a clock that is corrected.
SAME_START_S = 2.0

_PID_FILE = "server.json"
_LOCK = "owner.lock"


class Claim:
    """A new folder for one server, held by this process until `release` or its death, whichever comes first."""

    def __init__(self, name: str) -> None:
        """Reap what others left, then make and hold a folder. Raises OSError or sqlite3.Error where that fails."""
        root = _root()
        root.mkdir(parents=True, exist_ok=True)
        # A folder that is not held yet looks like a leftover, so nobody reaps while another makes one.
        with closing(_hold(root / "stores.lock", OTHERS_WAIT_S)):
            for folder in root.iterdir():
                if folder.is_dir():
                    _reap(folder)
            self.folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
            self._lock = _hold(self.folder / _LOCK, 0)

    def note(self, pid: int) -> None:
        """Write down which process serves from this folder. Raises OSError, and psutil.Error where it has ended."""
        started_s = psutil.Process(pid).create_time()
        (self.folder / _PID_FILE).write_text(json.dumps({"pid": pid, "started_s": started_s}), encoding="utf-8")

    def release(self) -> None:
        """Remove the folder. The server must have ended."""
        self._lock.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _root() -> Path:
    folder = os.environ.get("FORTYFIVE_DATA_DIR") or platformdirs.user_data_path("fortyfive", appauthor=False)
    return Path(folder).resolve() / "stores"


def _hold(path: Path, wait_s: float) -> sqlite3.Connection:
    """Lock an empty database: every system lets go of it when its process dies, and no reused pid can pretend to it.

    Raises sqlite3.OperationalError where another holds it for longer than `wait_s`, or where it cannot be made.
    """
    lock = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except BaseException:
        lock.close()
        raise
    return lock


def _reap(folder: Path) -> None:
    """End the server of an owner that is dead, and remove its folder; leave what cannot be judged or ended."""
    try:
        _hold(folder / _LOCK, 0).close()
    except sqlite3.Error:
        return
    server = _server(folder)
    if server is None or _end(server):
        shutil.rmtree(folder, ignore_errors=True)


def _server(folder: Path) -> psutil.Process | None:
    """Return the process that serves from a folder; None where it has ended, also if another bears its pid now."""
    try:
        noted = json.loads((folder / _PID_FILE).read_text(encoding="utf-8"))
        pid, started_s = int(noted["pid"]), float(noted["started_s"])
    except (OSError, ValueError, LookupError, TypeError):
        return _unnoted(folder)
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started_s) < SAME_START_S
    except (psutil.Error, ValueError):
        return None
    return process if same and not _ended(process) else None


def _unnoted(folder: Path) -> psutil.Process | None:
    """Return the process whose command names a folder: its owner was killed before it could write the pid down."""
    processes = psutil.process_iter(["cmdline"])
    return next((process for process in processes if str(folder) in " ".join(process.info["cmdline"] or ())), None)


def _end(process: psutil.Process) -> bool:
    """Kill a process that is not our child; say whether it is gone."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
    deadline_s = time.monotonic() + END_WAIT_S
    while not _ended(process):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


def _ended(process: psutil.Process) -> bool:
    try:
        # In a container there may be nobody to take note of an orphan's end.
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
