"""The life of a server on this machine: started, watched until it answers, killed, started again, stopped."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import psutil

from fortyfive.stores.leftovers import Claim

HOST = "127.0.0.1"
START_WAIT_S = 15.0
STOP_WAIT_S = 5.0
PORTS_TRIED = 3
LOG_LINES = 12

# An interrupted cell sends its signal to the kernel's whole group of processes.
if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _FLAGS = 0


class StoreUnavailable(Exception):  # noqa: N818 - it names the state a lesson shows and then goes on without
    """A real store cannot be had, or is gone; the message says what happened, what it means, what to do."""


@dataclass
class _Held:
    """What must be given back when a server is stopped, forgotten, or its kernel ends."""

    claim: Claim
    owner_pid: int
    process: subprocess.Popen[bytes] | None = None


class Server(ABC):
    """One server, listening on 127.0.0.1 only, with its data in a folder of its own that goes when it stops.

    A context manager. `kill` and then `start` keep data and port; `stop` ends both. A server that is forgotten, or
    whose kernel ends, is stopped; one whose kernel is killed runs on until the next start of any server reaps it.
    """

    name: ClassVar[str]

    def __init__(self) -> None:
        self.port = 0
        self._held: _Held | None = None
        self._give_back: weakref.finalize[[_Held], Server] | None = None
        self._log = ""

    @abstractmethod
    def _command(self, folder: Path) -> Sequence[str]:
        """Return the command that serves at `port` from `folder`, and names that folder.

        Raises StoreUnavailable where there is none.
        """

    @abstractmethod
    def _answers(self, folder: Path) -> bool:
        """Say whether the server at `port` is ready, and is the one that serves from `folder`."""

    @property
    def pid(self) -> int | None:
        """The server's process; None where it does not run."""
        process = self._held.process if self._held else None
        return process.pid if process and process.poll() is None else None

    @property
    def log(self) -> str:
        """The last lines that the server wrote; they stay when it is stopped."""
        if self._held:
            try:
                text = (self._held.claim.folder / "log.txt").read_text(encoding="utf-8", errors="replace")
            except OSError:
                return ""
            self._log = "\n".join(text.splitlines()[-LOG_LINES:])
        return self._log

    def start(self) -> None:
        """Start the server and wait until it answers; after `kill`, on the same data and port. Running, it stays.

        Raises StoreUnavailable where it cannot run here.
        """
        if self.pid is not None:
            return
        first = self._held is None
        held = self._held or self._claim()
        try:
            for attempt in reversed(range(PORTS_TRIED if first else 1)):
                # Between here and the server's own look at it, somebody else can take a port that is free.
                self.port = _free_port() if first else self.port
                if self._launch(held):
                    return
                if not attempt:
                    raise self._unavailable("it did not start")
        except BaseException:
            self.kill()
            if first:
                self.stop()
            raise

    def kill(self) -> None:
        """End the server at once, as a crash would (SIGKILL); its data stays for the next `start`."""
        if self._held and self._held.process:
            self._held.process.kill()
            self._held.process.wait()

    def stop(self) -> None:
        """End the server and remove its data."""
        if self._give_back:
            self._log = self.log
            self._give_back()
        self._held = self._give_back = None
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _claim(self) -> _Held:
        try:
            held = self._held = _Held(Claim(self.name.lower()), os.getpid())
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(
                f"The {self.name} server was not started: no folder could be made for its data ({error}). "
                "Set FORTYFIVE_DATA_DIR to a folder that is writable and on a local disk, then try again."
            ) from error
        self._give_back = weakref.finalize(self, _end, held)
        return held

    def _launch(self, held: _Held) -> bool:
        """Start the process; say whether it came to answer. Raises StoreUnavailable where it cannot be started."""
        folder = held.claim.folder
        try:
            with (folder / "log.txt").open("ab") as log:
                held.process = process = subprocess.Popen(
                    self._command(folder),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    start_new_session=True,
                    creationflags=_FLAGS,
                )
            held.claim.note(process.pid)
        except psutil.Error:
            return False
        except OSError as error:
            raise self._unavailable(f"its program could not be run ({error})") from error
        deadline_s = time.monotonic() + START_WAIT_S
        while process.poll() is None:
            if self._answers(folder):
                return True
            if time.monotonic() > deadline_s:
                raise self._unavailable(f"it did not answer within {START_WAIT_S:.0f} s")
            time.sleep(0.005)
        return False

    def _unavailable(self, what: str) -> StoreUnavailable:
        log = self.log or "(it wrote nothing)"
        return StoreUnavailable(
            f"The {self.name} server cannot be used: {what}. What needs it cannot be shown; everything else can. "
            f"The last lines of its log:\n{log}"
        )


def _end(held: _Held) -> None:
    """Stop a server and remove its folder, unless this is a fork of the process that owns them."""
    if os.getpid() != held.owner_pid:
        return
    if held.process:
        held.process.terminate()
        try:
            held.process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            held.process.kill()
            held.process.wait()
    held.claim.release()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
