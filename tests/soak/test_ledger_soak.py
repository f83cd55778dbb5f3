import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from fortyfive.grading.report import Report, Result, Verdict
from fortyfive.ledger import Ledger, LedgerUnavailable

pytestmark = pytest.mark.soak

# Records one attempt for each line it reads, or without end after "on"; prints what was acknowledged, and the notice.
WRITER = """
import sys
from itertools import count
from pathlib import Path
from fortyfive.grading.report import Report, Result, Verdict
from fortyfive.ledger import Ledger
path, name = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
for number in count():
    if number == 0 or order != "on\\n":
        order = sys.stdin.readline()
    if not order:
        break
    ledger = Ledger(path, "ada")
    result = Result("deliveries", "A title", Verdict.FAILED, 0, 1, f"{name}:{number}")
    ledger.record(Report("05_fan_out", (result,)), seconds=0.5)
    print(f"{name}:{number}", "noticed" if ledger.notice else "", flush=True)
"""


def start_writer(path: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline() == "ready\n"
    return writer


def order(writer: subprocess.Popen[str], word: str) -> None:
    writer.stdin.write(f"{word}\n")
    writer.stdin.flush()


def rows(path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def test_200_kills_among_two_writers_lose_no_acknowledged_record(tmp_path):
    path = tmp_path / "ledger.sqlite"
    rng = random.Random(45)
    acknowledged: set[str] = set()

    def kill(writer: subprocess.Popen[str]) -> None:
        writer.kill()
        lines = writer.communicate()[0].splitlines(keepends=True)
        acknowledged.update(line.strip() for line in lines if line.endswith("\n"))

    survivor = None
    for number in range(200):
        writer = start_writer(path, str(number))
        order(writer, "on")
        time.sleep(rng.uniform(0, 0.05))
        if survivor:
            kill(survivor)
            # The writer that goes on meets the torn transaction, and so may this reader.
            assert Ledger(path, "ada").notice == ""
            assert rows(path, "PRAGMA quick_check") == [("ok",)]
        survivor = writer
    kill(survivor)
    kept = {rationale for (rationale,) in rows(path, "SELECT rationale FROM result")}
    assert len(acknowledged) > 1000
    assert acknowledged <= kept
    assert len(kept - acknowledged) <= 200  # killed between the commit and the print, at most once each
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "SELECT count(*) FROM attempt WHERE id NOT IN (SELECT attempt_id FROM result)") == [(0,)]
    assert not list(tmp_path.glob("*corrupt*"))


def test_four_processes_that_find_damage_200_times_move_each_file_once_and_lose_nothing(tmp_path):
    path = tmp_path / "ledger.sqlite"
    writers = [start_writer(path, str(number)) for number in range(4)]
    for damages in range(1, 201):
        path.write_bytes(b"not a ledger at all " * 500)
        for writer in writers:
            order(writer, "once")
        answers = [writer.stdout.readline().rstrip("\n").split(" ") for writer in writers]
        assert [notice for _, notice in answers].count("noticed") == 1
        assert {kept for (kept,) in rows(path, "SELECT rationale FROM result")} == {name for name, _ in answers}
        assert len(list(tmp_path.glob("ledger.corrupt-*.sqlite"))) == damages
    for writer in writers:
        writer.communicate()


def test_random_damage_is_answered_with_a_fresh_ledger_or_a_sentence(tmp_path):
    path = tmp_path / "ledger.sqlite"
    report = Report("05_fan_out", (Result("a", "A title", Verdict.PASSED, 1, 1, "x" * 300),))
    ledger = Ledger(path, "ada")
    for _ in range(100):
        ledger.record(report, seconds=1)
        ledger.take_hint("05_fan_out", "a")
    whole = path.read_bytes()
    rng = random.Random(45)
    for number in range(3000):
        start, length = rng.randrange(len(whole)), rng.choice([1, 8, 64, 4096])
        damaged = whole[:start] + rng.randbytes(length) + whole[start + length :]
        path.write_bytes(damaged[:start] if number % 4 == 0 else damaged)
        Path(f"{path}-journal").unlink(missing_ok=True)
        ledger = Ledger(path, "ada")
        calls = [
            ledger.summary,
            lambda each=ledger: each.record(report, seconds=1),
            lambda each=ledger: each.take_hint("05_fan_out", "a"),
            ledger.reset,
            ledger.summary,
        ]
        for call in calls:
            try:
                call()
            except LedgerUnavailable as error:
                assert str(error).endswith("then try again.")
        for kept in tmp_path.glob("ledger.corrupt-*"):
            kept.unlink()
