import os
import subprocess
import sys

import pytest

from fortyfive.authoring.__main__ import main

RUN = """
import pathlib, sys
from fortyfive.authoring.__main__ import main
sys.exit(main(sys.argv[2:], pathlib.Path(sys.argv[1])))
"""
NOTEBOOKS = ["lessons/05_fan_out.ipynb", "solutions/05_fan_out.ipynb", "exercises/05_fan_out.ipynb"]


def run(course, *arguments, hash_seed="0"):
    return subprocess.run(
        [sys.executable, "-c", RUN, course.root, *arguments],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_two_builds_under_two_hash_seeds_are_byte_identical_and_pass_the_check(course, capsys):
    course.write("lessons/05_fan_out.py", course.read("lessons/05_fan_out.py") + "\n# %%\nsorted({'a', 'b', 'c'})\n")
    first = run(course, hash_seed="1")
    assert first.stdout.splitlines() == [f"wrote {name}" for name in NOTEBOOKS], first.stderr
    written = [course.read(name) for name in NOTEBOOKS]
    second = run(course, hash_seed="2")
    assert second.stdout.splitlines() == [f"up to date {name}" for name in NOTEBOOKS]
    assert [first.returncode, second.returncode, second.stderr] == [0, 0, ""]
    assert [course.read(name) for name in NOTEBOOKS] == written
    assert "double(rate_per_s)" not in course.read(NOTEBOOKS[2])
    assert '"6.0"' in course.read(NOTEBOOKS[1])
    assert main(["--check"], course.root) == 0
    assert capsys.readouterr().out == ""


def test_a_build_runs_what_has_not_changed_because_the_library_may_have(course, capsys):
    course.write("lessons/01_the_round.py", "# %% [markdown]\n# # A lesson\n\n# %%\nopen('../library.txt').read()\n")
    for answer in ("old", "new"):
        course.write("library.txt", answer)
        assert main(["01_the_round"], course.root) == 0
        assert f"\"'{answer}'\"" in course.read("lessons/01_the_round.ipynb")
    assert capsys.readouterr().out == "wrote lessons/01_the_round.ipynb\n" * 2
    assert not (course.root / NOTEBOOKS[0]).exists()


def test_check_runs_and_writes_nothing_and_exits_with_1_for_a_problem(course, capsys):
    course.pretend_to_build()
    (course.root / NOTEBOOKS[2]).unlink()
    assert main(["--check"], course.root) == 1
    assert capsys.readouterr().out == (
        f"{NOTEBOOKS[2]}: is missing; run `make notebooks`, which writes it from solutions/05_fan_out.py\n"
    )
    assert not (course.root / NOTEBOOKS[2]).exists()


def test_a_wrong_source_stops_the_build_before_anything_runs(course, capsys):
    course.write("solutions/05_fan_out.py", "x = 1\n")
    assert main([], course.root) == 1
    assert capsys.readouterr().out.startswith("solutions/05_fan_out.py: the first cell is not markdown")
    assert not (course.root / NOTEBOOKS[0]).exists()


def test_a_failing_cell_stops_the_build_and_keeps_what_was_there(course, capsys):
    course.pretend_to_build()
    before = course.read(NOTEBOOKS[0])
    course.write("lessons/05_fan_out.py", course.read("lessons/05_fan_out.py") + "\n# %%\n1 / 0\n")
    assert main([], course.root) == 1
    assert capsys.readouterr().out == (
        "lessons/05_fan_out.py: the cell `1 / 0` raised ZeroDivisionError: division by zero; "
        "edit lessons/05_fan_out.py and run `make notebooks`\n"
    )
    assert course.read(NOTEBOOKS[0]) == before


def test_an_unknown_stem_is_named(course, capsys):
    assert main(["06_nothing"], course.root) == 1
    assert capsys.readouterr().out == "06_nothing: names no source; see lessons/ and solutions/\n"


def test_check_takes_no_stem(course):
    with pytest.raises(SystemExit):
        main(["--check", "05_fan_out"], course.root)
