"""Where the runs of a sweep take place: in this process, in one for each core, or on a dask.distributed cluster."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fortyfive.judgement import sweep
from fortyfive.judgement.sweep import Point, Row, Task

PIP = Path(".venv", "Scripts" if os.name == "nt" else "bin", "pip")
CONNECT_S = 10
LOST = "The cluster lost runs: its scheduler, or the workers that had them, are gone."
# A process has to load the engine first: for so few runs nobody would wait for that.
FEW_RUNS = 16
_ADDRESS = re.compile(r"(?:tcp|tls|ws|wss)://(?:[\w.-]+|\[[\w:.%]+\]):(?P<port>\d{1,5})")
# Windows waits for no more than this many processes at once.
_MOST_PROCESSES = 60

# The number of a point, and its row, in the order in which they are finished.
Finished = Iterator[tuple[int, Row]]


class NoClusterError(RuntimeError):
    """The cluster cannot take the runs; the message says why, and what to do. Nothing was run."""


class LostError(RuntimeError):
    """Runs were lost on the way; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """The rows that are finished, in the order of the points; where some are `missing`, the `reason` says why."""

    rows: list[Row]
    missing: int = 0
    reason: str = ""
    interrupted: bool = False


def run_all(points: Sequence[Point], task: Task, scheduler: str = "") -> Outcome:
    """Run all points; a KeyboardInterrupt, and runs that are lost, leave what is finished.

    Raises NoClusterError where the scheduler at this address cannot take them.
    """
    if scheduler:
        return collect(points, lambda: _on_cluster(scheduler, points, task))
    processes = min(_cores(), len(points), _MOST_PROCESSES)
    if processes == 1 or len(points) <= FEW_RUNS:
        return collect(points, lambda: _here(points, task))
    return collect(points, lambda: _on_cores(points, task, processes))


def collect(points: Sequence[Point], start: Callable[[], Finished]) -> Outcome:
    """Gather rows as they are finished, with a bar on standard error, until all are there or something stops it."""
    rows: dict[int, Row] = {}
    console = Console(stderr=True)
    columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    reason, interrupted = "", False
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("", total=len(points))
            for number, row in start():
                rows[number] = row
                progress.advance(bar)
    except KeyboardInterrupt:
        reason, interrupted = "Stopped.", True
    except LostError as error:
        reason = str(error)
    missing = len(points) - len(rows)
    return Outcome([rows[number] for number in sorted(rows)], missing, reason, interrupted)


def _here(points: Sequence[Point], task: Task) -> Finished:
    for number, point in enumerate(points):
        yield number, sweep.measure(point, task)


def _on_cores(points: Sequence[Point], task: Task, processes: int) -> Finished:
    # A fresh process each, as on every system: a copy of this one would share its threads and its terminal.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare_process)
    try:
        with _interrupts_held():
            futures = {pool.submit(sweep.measure, point, task): number for number, point in enumerate(points)}
        for future in as_completed(futures):
            yield futures.pop(future), future.result()
    except BrokenProcessPool:
        raise LostError("A process ended in the middle of a run; the memory may be too small.") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep Ctrl-C from processes that start meanwhile: the terminal sends it to all, and one has to answer."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows: `_prepare_process` does what can be done
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_process() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however it ended: nobody wants the rows any more."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def _client(address: str) -> Iterator[Any]:
    """Connect to a scheduler whose workers all have this version of the course."""
    try:
        import distributed
    except ImportError:
        raise NoClusterError(
            "--scheduler needs the package distributed, which is not installed. In the course's folder: "
            f'{PIP} install -e ".[cluster]"'
        ) from None
    # A client that could not be made would complain while it is thrown away.
    if not (found := _ADDRESS.fullmatch(address)) or int(found["port"]) > 65_535:
        raise NoClusterError(f"'{address}' is no address of a scheduler: write tcp://host:8786.")
    # What it would log is said here in a sentence. Each of its loggers has a level of its own.
    for name in [each for each in logging.root.manager.loggerDict if each.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        client: Any = distributed.Client(  # type: ignore[no-untyped-call]
            address, timeout=CONNECT_S, set_as_default=False
        )
    except (OSError, ValueError, TypeError) as error:
        raise NoClusterError(
            f"No scheduler answers at {address} within {CONNECT_S} s ({error}). Start one with: dask scheduler. Or "
            "leave out --scheduler to run here."
        ) from None
    try:
        _require_workers(client, address)
        yield client
    finally:
        client.close(timeout=CONNECT_S)


def _require_workers(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError:
        raise NoClusterError(
            f"The scheduler at {address} has no workers. Start one, in an environment that has the course: "
            f"dask worker {address}"
        ) from None
    # A function of the standard library: one of ours could not even arrive where the course is missing.
    found = client.run(importlib.util.find_spec, "fortyfive")
    if lacking := sorted(worker for worker, spec in found.items() if spec is None):
        raise NoClusterError(
            f"The course is not installed on {_some(lacking)}. Install it there, in the version that is here, and "
            "start the worker again."
        )
    ours = sweep.fingerprint()
    try:
        theirs = client.run(sweep.fingerprint)
    except Exception as error:  # noqa: BLE001 - whatever an old version of the course, or of a package, raises there
        raise NoClusterError(f"A worker cannot load the course ({type(error).__name__}: {error}).") from None
    if others := sorted(worker for worker, digest in theirs.items() if digest != ours):
        raise NoClusterError(
            f"Another version of the course is installed on {_some(others)}, and its rows could differ. Install the "
            "same version there, and start the worker again."
        )


def _some(workers: Sequence[str]) -> str:
    rest = f" and {len(workers) - 1} more" if len(workers) > 1 else ""
    return f"the worker {workers[0]}{rest}"


def _on_cluster(scheduler: str, points: Sequence[Point], task: Task) -> Finished:
    with _client(scheduler) as client:
        from distributed import as_completed as as_finished
        from distributed.scheduler import KilledWorker

        shared = client.scatter(task, broadcast=True)
        futures: list[Any] = client.map(sweep.measure, points, task=shared, pure=False)
        numbers = {future.key: number for number, future in enumerate(futures)}
        finished = as_finished(futures, loop=client.loop, with_results=True)  # type: ignore[no-untyped-call]
        try:
            for future, row in finished:
                if not isinstance(row, Row):  # a run that is cancelled, because its scheduler is gone, is no error
                    raise LostError(LOST)
                yield numbers[future.key], row
        except (KilledWorker, OSError):
            raise LostError(LOST) from None
        finally:
            client.cancel(futures)
