import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fortyfive import ledger as ledger_room
from fortyfive.grading.report import Report, Result, Verdict
from fortyfive.ledger import Ledger, LedgerUnavailable

STEM = "05_fan_out"

# Writes `count` attempts once told to, and names each on its own line after it was acknowledged.
WRITER = """
import sys
from pathlib import Path
from fortyfive.grading.report import Report, Result, Verdict
from fortyfive.ledger import Ledger
path, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    result = Result("deliveries", "A title", Verdict.FAILED, 0, 1, f"{name}:{number}")
    Ledger(path, "ada").record(Report("05_fan_out", (result,)), seconds=0.5)
    print(f"{name}:{number}", flush=True)
"""


def result(check_id: str = "deliveries", points: int = 0, verdict: Verdict | None = None) -> Result:
    verdict = verdict or (Verdict.PASSED if points else Verdict.FAILED)
    return Result(check_id, f"Title of {check_id}", verdict, points, 3, rationale="You said 4, not 5")


def report(*results: Result, stem: str = STEM) -> Report:
    return Report(stem, results or (result(points=1),))


def rows(path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def start_writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def set_off(*writers: subprocess.Popen[str]) -> None:
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Ledger:
    return Ledger(path, "ada")


def test_making_a_ledger_touches_no_file(ledger):
    assert not ledger.path.parent.exists()
    assert ledger.notice == ""


def test_an_empty_ledger_has_no_progress(ledger):
    assert ledger.summary() == ()
    assert not ledger.attempted(STEM, "deliveries")
    assert ledger.hints_taken(STEM, "deliveries") == 0
    assert ledger.reset() == 0
    assert ledger.notice == ""


def test_a_report_is_kept_whole(ledger, path):
    before = datetime.now(UTC)
    ledger.record(report(result("a", 2), result("b", 0, Verdict.TIMED_OUT)), seconds=1.5)
    (attempt,) = rows(path, "SELECT learner, stem, at_utc, grading_s, archived_utc FROM attempt")
    assert attempt[:2] == ("ada", STEM)
    assert attempt[3:] == (1.5, None)
    at_utc = datetime.fromisoformat(attempt[2])
    assert at_utc.utcoffset() == timedelta(0)
    assert before <= at_utc <= datetime.now(UTC)
    assert rows(path, "SELECT check_id, title, verdict, points, max_points, rationale FROM result") == [
        ("a", "Title of a", "passed", 2, 3, "You said 4, not 5"),
        ("b", "Title of b", "timed_out", 0, 3, "You said 4, not 5"),
    ]


def test_what_was_not_attempted_is_not_recorded(ledger, path):
    stub, ours = result("stub", verdict=Verdict.NOT_ATTEMPTED), result("ours", verdict=Verdict.GRADER_ERROR)
    ledger.record(report(stub, ours), seconds=1)
    assert not path.exists()
    ledger.record(report(stub, result("tried"), ours), seconds=1)
    (exercise,) = ledger.summary()
    assert exercise.best == {"tried": 0}
    assert [ledger.attempted(STEM, check_id) for check_id in ("stub", "ours", "tried")] == [False, False, True]


def test_best_points_survive_a_worse_attempt(ledger):
    ledger.record(report(result("a", 1), result("b", 3)), seconds=1)
    ledger.record(report(result("a", 2), result("b", 0)), seconds=1)
    ledger.record(report(result("a", 0, Verdict.RAISED)), seconds=1)
    (exercise,) = ledger.summary()
    assert exercise.best == {"a": 2, "b": 3}
    assert exercise.points == 5
    assert exercise.passed == ("a", "b")
    assert exercise.attempts == 3
    assert exercise.first_attempt_utc <= exercise.last_attempt_utc


def test_exercises_are_listed_by_stem_and_checks_as_first_attempted(ledger):
    ledger.record(report(result("z"), result("a", 1), stem="07_database_choice"), seconds=1)
    ledger.record(report(stem=STEM), seconds=1)
    ledger.record(report(result("a"), result("z", 1), stem="07_database_choice"), seconds=1)
    assert [exercise.stem for exercise in ledger.summary()] == [STEM, "07_database_choice"]
    assert list(ledger.summary()[1].best) == ["z", "a"]
    assert ledger.summary()[1].passed == ("z", "a")


def test_hints_are_counted_per_check(ledger):
    assert [ledger.take_hint(STEM, "a"), ledger.take_hint(STEM, "a"), ledger.take_hint(STEM, "b")] == [1, 2, 1]
    assert ledger.hints_taken(STEM, "a") == 2
    assert ledger.hints_taken("07_database_choice", "a") == 0
    assert ledger.summary() == ()


def test_a_reset_sets_one_exercise_aside_and_loses_nothing(ledger, path):
    for stem in (STEM, STEM, "07_database_choice"):
        ledger.record(report(stem=stem), seconds=1)
        ledger.take_hint(stem, "deliveries")
    assert ledger.reset(STEM) == 2
    assert [exercise.stem for exercise in ledger.summary()] == ["07_database_choice"]
    assert not ledger.attempted(STEM, "deliveries")
    assert ledger.hints_taken(STEM, "deliveries") == 0
    assert ledger.hints_taken("07_database_choice", "deliveries") == 1
    assert ledger.reset(STEM) == 0
    assert rows(path, "SELECT count(*), count(archived_utc) FROM attempt") == [(3, 2)]
    assert rows(path, "SELECT count(*), count(archived_utc) FROM hint") == [(3, 2)]


def test_a_reset_of_everything_spares_other_learners(ledger, path):
    other = Ledger(path, "grace")
    for each in (ledger, ledger, other):
        each.record(report(), seconds=1)
        each.take_hint(STEM, "deliveries")
    assert ledger.reset() == 2
    assert ledger.summary() == ()
    assert other.summary()[0].attempts == 1
    assert other.hints_taken(STEM, "deliveries") == 1


def test_learners_do_not_see_each_other(ledger, path):
    ledger.record(report(result(points=3)), seconds=1)
    ledger.take_hint(STEM, "deliveries")
    other = Ledger(path, "grace")
    assert other.summary() == ()
    assert not other.attempted(STEM, "deliveries")
    assert other.hints_taken(STEM, "deliveries") == 0


def test_the_environment_names_folder_and_learner(tmp_path, monkeypatch):
    monkeypatch.setenv("FORTYFIVE_DATA_DIR", str(tmp_path / "mine"))
    monkeypatch.setenv("FORTYFIVE_LEARNER", " ada ")
    assert Ledger().path == tmp_path.resolve() / "mine" / "ledger.sqlite"
    assert Ledger().learner == "ada"
    assert Ledger(learner="grace").learner == "grace"


def test_without_the_environment_the_system_names_folder_and_learner(tmp_path, monkeypatch):
    monkeypatch.delenv("FORTYFIVE_DATA_DIR", raising=False)
    monkeypatch.setenv("FORTYFIVE_LEARNER", " ")
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path)
    monkeypatch.setattr("getpass.getuser", lambda: "linus")
    assert Ledger().path == tmp_path.resolve() / "ledger.sqlite"
    assert Ledger().learner == "linus"


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("no username"), ImportError("no pwd")])
def test_a_user_without_a_name_is_the_learner(path, monkeypatch, error):
    def nobody() -> str:
        raise error

    monkeypatch.delenv("FORTYFIVE_LEARNER", raising=False)
    monkeypatch.setattr("getpass.getuser", nobody)
    assert Ledger(path).learner == "learner"


def test_a_relative_path_keeps_its_meaning_when_the_folder_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ledger = Ledger(Path("ledger.sqlite"), "ada")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    ledger.record(report(), seconds=1)
    assert (tmp_path / "ledger.sqlite").exists()


def test_text_that_is_no_unicode_is_recorded_escaped(path):
    ledger = Ledger(path, "ad\udce4")
    broken = Result("check\ud800", "title\ud800", Verdict.FAILED, 0, 1, "got '\ud800\x00'")
    ledger.record(Report("stem\ud800", (broken,)), seconds=1)
    assert ledger.attempted("stem\ud800", "check\ud800")
    assert ledger.take_hint("stem\ud800", "check\ud800") == 1
    assert rows(path, "SELECT rationale FROM result") == [("got '\\ud800\x00'",)]
    assert ledger.reset("stem\ud800") == 1


@pytest.mark.parametrize("leave", [lambda path: None, lambda path: path.touch()], ids=["no file", "zero-length file"])
def test_a_fresh_ledger_is_migrated_to_the_current_version(ledger, path, leave):
    path.parent.mkdir()
    leave(path)
    ledger.record(report(), seconds=1)
    assert rows(path, "PRAGMA user_version") == [(len(ledger_room.MIGRATIONS),)]
    assert rows(path, "PRAGMA journal_mode") == [("delete",)]
    assert ledger.notice == ""
    assert sorted(file.name for file in path.parent.iterdir()) == ["ledger.lock", "ledger.sqlite"]


def test_an_older_ledger_is_migrated_and_keeps_its_rows(ledger, path, monkeypatch):
    ledger.record(report(result(points=2)), seconds=1)
    newer = (*ledger_room.MIGRATIONS, ("ALTER TABLE attempt ADD COLUMN mood TEXT",))
    monkeypatch.setattr(ledger_room, "MIGRATIONS", newer)
    assert ledger.summary()[0].points == 2
    assert rows(path, "SELECT mood FROM attempt") == [(None,)]
    assert rows(path, "PRAGMA user_version") == [(len(ledger_room.MIGRATIONS),)]


def test_a_migration_that_fails_halfway_changes_nothing(ledger, path, monkeypatch):
    ledger.record(report(), seconds=1)
    before = path.read_bytes()
    halfway = ("ALTER TABLE attempt ADD COLUMN mood TEXT", "ALTER TABLE nowhere ADD COLUMN mood TEXT")
    monkeypatch.setattr(ledger_room, "MIGRATIONS", (*ledger_room.MIGRATIONS, halfway))
    with pytest.raises(LedgerUnavailable, match="cannot be used"):
        ledger.record(report(), seconds=1)
    assert path.read_bytes() == before


def test_a_newer_ledger_is_never_touched(ledger, path):
    ledger.record(report(), seconds=1)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(ledger_room.MIGRATIONS) + 1}")
    before = path.read_bytes()
    calls = [
        lambda: ledger.record(report(), seconds=1),
        ledger.summary,
        ledger.reset,
        lambda: ledger.attempted(STEM, "deliveries"),
        lambda: ledger.take_hint(STEM, "deliveries"),
        lambda: ledger.hints_taken(STEM, "deliveries"),
    ]
    for call in calls:
        with pytest.raises(LedgerUnavailable, match=r"newer version of the course .*Update the course"):
            call()
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["ledger.lock", "ledger.sqlite"]
    assert ledger.notice == ""


def test_a_ledger_left_in_write_ahead_mode_is_put_back(ledger, path):
    ledger.record(report(), seconds=1)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    ledger.record(report(), seconds=1)
    assert rows(path, "PRAGMA journal_mode") == [("delete",)]
    assert ledger.summary()[0].attempts == 2


def fill(ledger: Ledger) -> bytes:
    for _ in range(30):
        ledger.record(report(result("a", 1), result("b")), seconds=1)
        ledger.take_hint(STEM, "a")
    return ledger.path.read_bytes()


def garbage(path: Path) -> None:
    path.write_bytes(b"not a ledger at all " * 500)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_in_its_header(path: Path) -> None:
    os.truncate(path, 50)


def blank_a_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(bytes(4096))


def make_it_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "keepsake").touch()


@pytest.mark.parametrize("damage", [garbage, cut, cut_in_its_header, blank_a_page, make_it_a_folder])
def test_a_damaged_ledger_is_kept_aside_and_said_so(ledger, path, damage):
    fill(ledger)
    damage(path)
    damaged = None if path.is_dir() else path.read_bytes()
    ledger.record(report(result("a", 2)), seconds=1)
    kept = path.with_name("ledger.corrupt-1.sqlite")
    assert kept.is_dir() if damaged is None else kept.read_bytes() == damaged
    assert "ledger.corrupt-1.sqlite" in ledger.notice
    assert str(path.parent) in ledger.notice
    assert ledger.summary()[0].points == 2
    assert Ledger(path, "ada").notice == ""


def test_a_second_damaged_ledger_takes_the_next_number(ledger, path):
    for number in (1, 2, 3):
        ledger.summary()
        garbage(path)
        ledger.summary()
        assert f"ledger.corrupt-{number}.sqlite" in ledger.notice
    assert len(list(path.parent.glob("ledger.corrupt-*.sqlite"))) == 3


def test_the_journal_goes_with_the_damaged_ledger(ledger, path):
    fill(ledger)
    garbage(path)
    Path(f"{path}-journal").write_bytes(bytes(600))  # no journal header: nothing SQLite would roll back
    ledger.summary()
    assert path.with_name("ledger.corrupt-1.sqlite-journal").stat().st_size == 600
    assert not Path(f"{path}-journal").exists()


def test_damage_that_only_the_full_check_finds_is_kept_aside_too(ledger, path):
    ledger.record(report(), seconds=1)
    for _ in range(3):
        ledger.take_hint(STEM, "a")
    with closing(sqlite3.connect(path)) as db:
        # Two indexes change places: each is a sound tree, but leads to rows that are not there.
        roots = dict(db.execute("SELECT name, rootpage FROM sqlite_master WHERE name LIKE '%_of_learner'"))
        db.execute("PRAGMA writable_schema = ON")
        for name, other in zip(roots, reversed(roots), strict=True):
            db.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = ?", (roots[other], name))
        db.commit()
    assert rows(path, "PRAGMA quick_check") == [("ok",)]
    assert ledger.summary() == ()
    assert "ledger.corrupt-1.sqlite" in ledger.notice


def test_no_damage_ends_in_an_error_of_ours(tmp_path):
    whole = fill(Ledger(tmp_path / "ledger.sqlite", "ada"))
    rng = random.Random(45)
    for number in range(60):
        path = tmp_path / str(number) / "ledger.sqlite"
        path.parent.mkdir()
        start, length = rng.randrange(len(whole)), rng.choice([1, 64, 4096])
        path.write_bytes(whole[:start] + rng.randbytes(length) + whole[start + length :])
        ledger = Ledger(path, "ada")
        for call in (ledger.summary, lambda a=ledger: a.record(report(), seconds=1), ledger.reset, ledger.summary):
            try:
                call()
            except LedgerUnavailable as error:
                assert str(error).endswith("then try again.")


def test_of_many_that_find_the_damage_at_once_one_moves_the_file(path):
    path.parent.mkdir()
    for number in range(1, 6):
        path.unlink(missing_ok=True)
        garbage(path)
        barrier = threading.Barrier(8)
        ledgers = [Ledger(path, "ada") for _ in range(8)]

        def find(ledger: Ledger, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            ledger.record(report(), seconds=1)

        threads = [threading.Thread(target=find, args=(ledger,)) for ledger in ledgers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [bool(ledger.notice) for ledger in ledgers].count(True) == 1
        assert Ledger(path, "ada").summary()[0].attempts == 8
        assert len(list(path.parent.glob("ledger.corrupt-*.sqlite"))) == number


def test_a_damaged_ledger_is_not_moved_while_another_has_it_open(path, monkeypatch):
    monkeypatch.setattr(ledger_room, "BUSY_TIMEOUT_S", 0.05)
    path.parent.mkdir()
    garbage(path)
    found = path.read_bytes()
    ledger = Ledger(path, "ada")
    with Ledger(path, "bob")._in_place(), pytest.raises(LedgerUnavailable, match=r"kept the ledger .* locked"):
        ledger.record(report(), seconds=1)
    assert path.read_bytes() == found
    ledger.record(report(), seconds=1)
    assert "corrupt-1" in ledger.notice


def test_two_processes_that_find_the_damage_at_once_lose_no_record(path):
    path.parent.mkdir()
    garbage(path)
    writers = [start_writer(path, name, 5) for name in ("one", "two")]
    set_off(*writers)
    assert [writer.communicate()[0].count("\n") for writer in writers] == [5, 5]
    assert len(rows(path, "SELECT DISTINCT rationale FROM result")) == 10
    assert [kept.name for kept in path.parent.glob("*corrupt*")] == ["ledger.corrupt-1.sqlite"]


def test_a_file_where_the_folder_should_be_is_told(tmp_path):
    (tmp_path / "data").touch()
    ledger = Ledger(tmp_path / "data" / "ledger.sqlite", "ada")
    with pytest.raises(LedgerUnavailable) as caught:
        ledger.record(report(), seconds=1)
    assert "cannot be opened or written" in str(caught.value)
    assert "The grade stands, but it was not recorded." in str(caught.value)
    assert "FORTYFIVE_DATA_DIR" in str(caught.value)
    with pytest.raises(LedgerUnavailable, match="Your progress cannot be shown"):
        ledger.summary()
    assert (tmp_path / "data").read_bytes() == b""


def test_a_full_disk_is_told_and_the_ledger_stays_whole(ledger, path, monkeypatch):
    ledger.record(report(), seconds=1)

    class Full(sqlite3.Connection):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.execute("PRAGMA max_page_count = 1")  # no page may be added to those there are

    whole = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: whole(*args, factory=Full, **kwargs))
    too_long = Result("a", "A title", Verdict.FAILED, 0, 1, "x" * 100_000)
    with pytest.raises(LedgerUnavailable, match=r"disk .* is full\. The grade stands, but it was not recorded\. Free"):
        ledger.record(report(too_long), seconds=1)
    monkeypatch.undo()
    assert ledger.summary()[0].attempts == 1
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_ledger_that_stays_locked_is_told_after_the_busy_time_out(ledger, path, monkeypatch):
    ledger.record(report(), seconds=1)
    assert ledger_room.BUSY_TIMEOUT_S == 5
    monkeypatch.setattr(ledger_room, "BUSY_TIMEOUT_S", 0.2)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        with pytest.raises(LedgerUnavailable, match=r"locked for more than 0\.2 s\. The grade stands"):
            ledger.record(report(), seconds=1)
        assert 0.15 < time.monotonic() - started < 2
    ledger.record(report(), seconds=1)
    assert ledger.summary()[0].attempts == 2


def test_a_reader_does_not_need_the_write_lock(ledger, path, monkeypatch):
    ledger.record(report(), seconds=1)
    monkeypatch.setattr(ledger_room, "BUSY_TIMEOUT_S", 0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert ledger.summary()[0].attempts == 1


def test_a_database_of_another_program_is_left_alone(ledger, path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE attempt (something_else TEXT)")
    before = path.read_bytes()
    with pytest.raises(LedgerUnavailable, match="Move that file elsewhere"):
        ledger.record(report(), seconds=1)
    assert path.read_bytes() == before


def test_two_processes_starting_and_writing_at_once_lose_nothing(path):
    writers = [start_writer(path, name, 50) for name in ("one", "two")]
    set_off(*writers)
    assert [writer.communicate()[0].count("\n") for writer in writers] == [50, 50]
    assert len(rows(path, "SELECT DISTINCT rationale FROM result")) == 100
    assert Ledger(path, "ada").summary()[0].attempts == 100


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_may_go_on_with_the_ledger_of_its_parent(ledger):
    ledger.record(report(), seconds=1)
    child = os.fork()
    if child == 0:
        try:
            ledger.record(report(), seconds=1)
        finally:
            os._exit(0)
    ledger.record(report(), seconds=1)
    os.waitpid(child, 0)
    assert ledger.summary()[0].attempts == 3


def test_a_killed_process_loses_no_acknowledged_record(path):
    rng = random.Random(45)
    acknowledged: set[str] = set()
    for round_number in range(5):
        writer = start_writer(path, str(round_number), 10_000)
        set_off(writer)
        lines = [writer.stdout.readline() for _ in range(3)]
        time.sleep(rng.uniform(0, 0.02))
        writer.kill()
        lines += writer.communicate()[0].splitlines(keepends=True)
        acknowledged |= {line.strip() for line in lines if line.endswith("\n")}
    assert Ledger(path, "ada").summary()[0].attempts >= len(acknowledged) >= 15
    assert acknowledged <= {rationale for (rationale,) in rows(path, "SELECT rationale FROM result")}
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "SELECT count(*) FROM attempt WHERE id NOT IN (SELECT attempt_id FROM result)") == [(0,)]


stems = st.sampled_from([STEM, "07_database_choice"])
results = st.builds(result, st.sampled_from("abc"), st.integers(0, 3), st.sampled_from(Verdict))
reports = st.builds(Report, stems, st.lists(results, max_size=3, unique_by=lambda each: each.id).map(tuple))
resets = st.one_of(st.none(), stems)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(reports, reports, reports, resets), max_size=10))
def test_the_summary_equals_a_plain_model(steps):
    attempts: list[Report] = []
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.sqlite", "ada")
        for step in steps:
            if isinstance(step, Report):
                ledger.record(step, seconds=1)
                attempts += [step] if any(each.attempted for each in step.results) else []
            else:
                aside = [each for each in attempts if step in (None, each.stem)]
                assert ledger.reset(step) == len(aside)
                attempts = [each for each in attempts if each not in aside]
        summary = ledger.summary()
    assert [exercise.stem for exercise in summary] == sorted({each.stem for each in attempts})
    for exercise in summary:
        mine = [each for each in attempts if each.stem == exercise.stem]
        tried = [each for attempt in mine for each in attempt.results if each.attempted]
        best = {each.id: max(other.points for other in tried if other.id == each.id) for each in tried}
        passed = {each.id for each in tried if each.verdict is Verdict.PASSED}
        assert list(exercise.best.items()) == list(best.items())
        assert exercise.passed == tuple(check_id for check_id in best if check_id in passed)
        assert (exercise.points, exercise.attempts) == (sum(best.values()), len(mine))
