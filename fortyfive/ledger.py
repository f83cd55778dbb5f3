"""The learner's ledger: attempts, verdicts, points and hints, kept on disk where no crash can tear them."""

from __future__ import annotations

import errno
import getpass
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TypeVar

import platformdirs

from fortyfive.grading.report import Report, Result, Verdict

T = TypeVar("T")

BUSY_TIMEOUT_S = 5.0

# Migration n takes a ledger from version n to n + 1. A released one is never edited: append the next.
# No STRICT and no RETURNING: the SQLite of some systems that still carry Python 3.11 is older than both.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE attempt (
            id INTEGER PRIMARY KEY, learner TEXT NOT NULL, stem TEXT NOT NULL,
            at_utc TEXT NOT NULL, grading_s REAL NOT NULL, archived_utc TEXT
        )""",
        """CREATE TABLE result (
            id INTEGER PRIMARY KEY, attempt_id INTEGER NOT NULL REFERENCES attempt (id),
            check_id TEXT NOT NULL, title TEXT NOT NULL, verdict TEXT NOT NULL,
            points INTEGER NOT NULL, max_points INTEGER NOT NULL, rationale TEXT NOT NULL
        )""",
        """CREATE TABLE hint (
            id INTEGER PRIMARY KEY, learner TEXT NOT NULL, stem TEXT NOT NULL, check_id TEXT NOT NULL,
            at_utc TEXT NOT NULL, archived_utc TEXT
        )""",
        "CREATE INDEX attempt_of_learner ON attempt (learner, stem)",
        "CREATE INDEX result_of_attempt ON result (attempt_id)",
        "CREATE INDEX hint_of_learner ON hint (learner, stem, check_id)",
    ),
)


class LedgerUnavailable(Exception):  # noqa: N818 - it names the state a caller shows and then works on without
    """The ledger could not be read or written; the message says what happened, what it means, what to do."""


class _NewerError(Exception):
    """A newer version of the course wrote this ledger."""


class _DamagedError(ValueError):
    """The file is not a whole ledger. A plain ValueError says the same: bytes in it that are no text or no time."""


@dataclass(frozen=True)
class ExerciseProgress:
    """What is recorded of one exercise; checks that were never attempted are unknown here."""

    stem: str
    attempts: int
    first_attempt_utc: datetime
    last_attempt_utc: datetime
    best: Mapping[str, int]
    """Check id to the most points one attempt earned, in the order in which checks were first attempted."""
    passed: tuple[str, ...]
    """Ids of the checks that passed at least once, in the order of `best`."""

    @property
    def points(self) -> int:
        """The sum of the best points of each check."""
        return sum(self.best.values())


class Ledger:
    """One learner's ledger. Making one touches no file; each call opens the file, does one transaction and closes it.

    So processes, threads, tabs and a fork may share it. Every method raises LedgerUnavailable where the file cannot
    serve, and a caller shows that sentence and goes on. `notice` is empty, or a sentence to show once: the file was
    damaged, under which name it is kept, and that a new one was started.
    """

    def __init__(self, path: Path | None = None, learner: str | None = None) -> None:
        # Resolved now: a notebook may change its folder later, and SQLite puts its journal beside a link's target.
        self.path = Path(os.path.realpath(path or _default_path()))
        self.learner = _storable(learner or os.environ.get("FORTYFIVE_LEARNER", "").strip() or _user_name())
        self.notice = ""

    def record(self, report: Report, *, seconds: float) -> None:
        """Keep the attempted results of one report as one attempt; `seconds` is how long grading took.

        When it returns, the attempt is on disk. A report with nothing attempted leaves no trace.
        """
        results = [result for result in report.results if result.attempted]
        if not results:
            return

        def work(db: sqlite3.Connection) -> None:
            attempt_id = db.execute(
                "INSERT INTO attempt (learner, stem, at_utc, grading_s) VALUES (?, ?, ?, ?)",
                (self.learner, _storable(report.stem), _now_utc(), seconds),
            ).lastrowid
            db.executemany(
                "INSERT INTO result (attempt_id, check_id, title, verdict, points, max_points, rationale)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(attempt_id, *_row(result)) for result in results],
            )

        self._write(work, "The grade stands, but it was not recorded.")

    def summary(self) -> tuple[ExerciseProgress, ...]:
        """Return what is recorded of each exercise, sorted by stem, without what was reset."""

        def work(db: sqlite3.Connection) -> tuple[ExerciseProgress, ...]:
            exercises = db.execute(
                "SELECT stem, count(*), min(at_utc), max(at_utc) FROM attempt"
                " WHERE learner = ? AND archived_utc IS NULL GROUP BY stem ORDER BY stem",
                (self.learner,),
            ).fetchall()
            checks = db.execute(
                "SELECT stem, check_id, max(points), max(verdict = ?)"
                " FROM result JOIN attempt ON attempt.id = attempt_id"
                " WHERE learner = ? AND archived_utc IS NULL GROUP BY stem, check_id ORDER BY min(result.id)",
                (Verdict.PASSED.value, self.learner),
            ).fetchall()
            return tuple(
                ExerciseProgress(
                    stem=stem,
                    attempts=attempts,
                    first_attempt_utc=datetime.fromisoformat(first),
                    last_attempt_utc=datetime.fromisoformat(last),
                    best={check_id: best for of, check_id, best, _ in checks if of == stem},
                    passed=tuple(check_id for of, check_id, _, passed in checks if of == stem and passed),
                )
                for stem, attempts, first, last in exercises
            )

        return self._read(work, "Your progress cannot be shown, and nothing in it was changed.")

    def attempted(self, stem: str, check_id: str) -> bool:
        """Return whether the learner has attempted this check since the last reset."""

        def work(db: sqlite3.Connection) -> bool:
            query = (
                "SELECT EXISTS (SELECT 1 FROM attempt JOIN result ON attempt.id = attempt_id"
                " WHERE learner = ? AND stem = ? AND check_id = ? AND archived_utc IS NULL)"
            )
            return bool(db.execute(query, (self.learner, _storable(stem), _storable(check_id))).fetchone()[0])

        return self._read(work, "Whether you attempted this before is not known.")

    def hints_taken(self, stem: str, check_id: str) -> int:
        """Return how many hints of this check were shown since the last reset."""
        key = (self.learner, _storable(stem), _storable(check_id))
        return self._read(lambda db: _count_hints(db, key), "How many hints you took before is not known.")

    def take_hint(self, stem: str, check_id: str) -> int:
        """Record that one more hint of this check was shown; return how many that makes."""
        key = (self.learner, _storable(stem), _storable(check_id))

        def work(db: sqlite3.Connection) -> int:
            db.execute("INSERT INTO hint (learner, stem, check_id, at_utc) VALUES (?, ?, ?, ?)", (*key, _now_utc()))
            return _count_hints(db, key)

        return self._write(work, "That you took a hint was not recorded.")

    def reset(self, stem: str | None = None) -> int:
        """Set aside the attempts and hints of one exercise, or of all; return how many attempts that were.

        The rows stay in the file, marked with the time of the reset.
        """

        def work(db: sqlite3.Connection) -> int:
            chosen = {"now": _now_utc(), "learner": self.learner, "stem": None if stem is None else _storable(stem)}
            where = "WHERE learner = :learner AND (:stem IS NULL OR stem = :stem) AND archived_utc IS NULL"
            db.execute(f"UPDATE hint SET archived_utc = :now {where}", chosen)  # noqa: S608 - a constant of ours
            return db.execute(f"UPDATE attempt SET archived_utc = :now {where}", chosen).rowcount  # noqa: S608 - as above

        return self._write(work, "Nothing was reset.")

    def _read(self, work: Callable[[sqlite3.Connection], T], consequence: str) -> T:
        return self._run("BEGIN", work, consequence)

    def _write(self, work: Callable[[sqlite3.Connection], T], consequence: str) -> T:
        # The lock is taken before anything is read: a read lock turned into a write lock can deadlock.
        return self._run("BEGIN IMMEDIATE", work, consequence)

    def _run(self, begin: str, work: Callable[[sqlite3.Connection], T], consequence: str) -> T:
        try:
            try:
                return self._transact(begin, work)
            except (sqlite3.Error, ValueError) as error:
                if not _is_damage(error):
                    raise
            self._keep_aside()
            return self._transact(begin, work)
        except (sqlite3.Error, OSError, ValueError, _NewerError) as error:
            raise LedgerUnavailable(_sentence(error, self.path, consequence)) from error

    def _transact(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do one transaction on a sound and current ledger; closing without COMMIT rolls back."""
        with self._in_place(), closing(self._open("quick_check")) as db:
            _migrate(db)
            db.execute(begin)
            _version(db)  # again, under the lock: a newer course may have come in since
            result = work(db)
            db.execute("COMMIT")
        return result

    @contextmanager
    def _in_place(self, *, to_move: bool = False) -> Iterator[None]:
        """Keep the ledger from being moved while it is open, or, `to_move`, wait until nobody has it open.

        A connection to a file that was moved takes the new file's journal for its own, rolls it back and deletes it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # An empty database as a lock works on every system and is let go by a killed process. It is never removed:
        # a process could hold a removed one while another makes it again.
        lock_path = self.path.with_suffix(".lock")
        with closing(sqlite3.connect(lock_path, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as lock:
            lock.execute("BEGIN EXCLUSIVE" if to_move else "BEGIN")
            lock.execute("SELECT 1 FROM sqlite_master")  # only a first read takes the shared lock
            yield

    def _open(self, integrity_pragma: str) -> sqlite3.Connection:
        """Open the ledger, made where there is none; raise _NewerError or a damage where it is not one of ours."""
        if self.path.is_dir():
            raise _DamagedError("it is a folder")
        db = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            _version(db)  # first: a newer ledger is not for us to judge
            db.execute("PRAGMA journal_mode = DELETE")  # a write-ahead log breaks on network folders
            db.execute("PRAGMA synchronous = FULL")
            finding = db.execute(f"PRAGMA {integrity_pragma}(1)").fetchone()[0]
            if finding != "ok":
                raise _DamagedError(finding)
        except BaseException:
            db.close()
            raise
        return db

    def _keep_aside(self) -> None:
        """Rename a damaged ledger; of several processes that found the damage, the first to hold the lock does it."""
        with self._in_place(to_move=True):
            if not self._damaged():
                return
            names = (f"{self.path.stem}.corrupt-{number}{self.path.suffix}" for number in count(1))
            kept = next(path for path in map(self.path.with_name, names) if not os.path.lexists(path))
            # The journal first: killed in between, the next process picks the same number and the pair is whole.
            journal = Path(f"{self.path}-journal")
            if journal.exists():
                journal.rename(f"{kept}-journal")
            self.path.rename(kept)
        self.notice = (
            f"The ledger of your progress was damaged, so a new one was started:"
            f" points and attempts so far are not in it. The damaged file is kept as {kept.name} in {kept.parent}."
            f" Your notebooks are untouched; check an exercise again to have its points counted."
        )

    def _damaged(self) -> bool:
        try:
            # The full check: what the quick one lets pass, such as a torn index, may have brought us here.
            self._open("integrity_check").close()
        except (sqlite3.Error, ValueError) as error:
            if not _is_damage(error):
                raise
            return True
        return False


def _default_path() -> Path:
    folder = os.environ.get("FORTYFIVE_DATA_DIR") or platformdirs.user_data_path("fortyfive", appauthor=False)
    return Path(folder) / "ledger.sqlite"


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in a container; the type depends on system and Python
        return "learner"


def _storable(text: str) -> str:
    """Escape lone surrogates, which a learner's output or an odd environment can hold and SQLite refuses."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _now_utc() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")  # of one width, so text sorts as time


def _row(result: Result) -> tuple[str, str, str, int, int, str]:
    id_, title, rationale = map(_storable, (result.id, result.title, result.rationale))
    return id_, title, result.verdict.value, result.points, result.max_points, rationale


def _count_hints(db: sqlite3.Connection, key: tuple[str, str, str]) -> int:
    query = "SELECT count(*) FROM hint WHERE learner = ? AND stem = ? AND check_id = ? AND archived_utc IS NULL"
    return int(db.execute(query, key).fetchone()[0])


def _version(db: sqlite3.Connection) -> int:
    """Return the ledger's version; raise _NewerError where this course does not know it."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if not 0 <= version <= len(MIGRATIONS):
        raise _NewerError(f"version {version}, and this course knows versions up to {len(MIGRATIONS)}")
    return version


def _migrate(db: sqlite3.Connection) -> None:
    while (version := _version(db)) < len(MIGRATIONS):
        db.execute("BEGIN IMMEDIATE")
        if _version(db) == version:  # else another process migrated while we waited for the lock
            for statement in MIGRATIONS[version]:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {version + 1}")
        db.execute("COMMIT")


def _code(error: Exception) -> int:
    """Return SQLite's primary result code, or 0 where the error is not SQLite's own."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_damage(error: Exception) -> bool:
    return isinstance(error, ValueError) or _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _sentence(error: Exception, path: Path, consequence: str) -> str:
    """Say what happened to the ledger, what it means and what to do next."""
    code = _code(error)
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, _NewerError):
        happened = f"The ledger {path} was written by a newer version of the course ({error})"
        remedy = "Update the course, then try again."
    elif code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        happened = f"Another program kept the ledger {path} locked for more than {BUSY_TIMEOUT_S:g} s"
        remedy = "Close what else uses it (another notebook, a database viewer, a backup), then try again."
    elif code == sqlite3.SQLITE_FULL or number in (errno.ENOSPC, errno.EDQUOT):
        happened = f"The disk that holds the ledger {path} is full"
        remedy = "Free some space, then try again."
    elif number is not None or code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        happened = f"The ledger {path} cannot be opened or written ({error})"
        remedy = "Make its folder writable, or set FORTYFIVE_DATA_DIR to a folder that is, then try again."
    else:
        happened = f"The ledger {path} cannot be used ({error})"
        remedy = "Move that file elsewhere, or set FORTYFIVE_DATA_DIR to a folder on a local disk, then try again."
    return f"{happened}. {consequence} {remedy}"
