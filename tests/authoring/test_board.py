"""The board's bundle is what its sources give, and `make check` finds where it is not."""

import os
import shutil

import pytest

from fortyfive.authoring import board


@pytest.fixture
def widgets(tmp_path):
    """A copy of the board's files."""
    shutil.copytree(board.SOURCE, tmp_path / board.SOURCE.name)
    for name in board.BUILT:
        shutil.copy(board.WIDGETS / name, tmp_path / name)
    return tmp_path


def test_what_is_stored_is_up_to_date(widgets):
    assert list(board.problems()) == []
    assert list(board.problems(widgets)) == []


@pytest.mark.parametrize("name", ["board.jsx", "board.css", "package-lock.json", "build.mjs"])
def test_a_source_that_has_changed_is_found(widgets, name):
    with (widgets / board.SOURCE.name / name).open("a") as file:
        file.write("\n")
    (problem,) = board.problems(widgets)
    assert "is older than its sources" in str(problem)
    assert "make board" in str(problem)


@pytest.mark.parametrize("name", board.BUILT)
def test_a_built_file_that_was_changed_by_hand_is_found(widgets, name):
    with (widgets / name).open("a") as file:
        file.write(" ")
    (problem,) = board.problems(widgets)
    assert "changed by hand" in str(problem)


@pytest.mark.parametrize("name", board.BUILT)
def test_a_built_file_that_is_missing_is_found(widgets, name):
    (widgets / name).unlink()
    (problem,) = board.problems(widgets)
    assert f"{name}: is missing" in str(problem)


def test_the_licence_of_everything_bundled_is_kept():
    text = (board.WIDGETS / "board_licences.txt").read_text(encoding="utf-8")
    for name in ("@xyflow/react", "@xyflow/system", "react", "react-dom", "scheduler", "zustand", "d3-zoom"):
        assert f"\n{name} " in f"\n{text}", name


def test_without_npm_the_build_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(board.BuildError, match=r"install Node\.js"):
        board.build()


def test_the_build_gives_the_stored_bytes():
    if not shutil.which("npm"):
        if os.environ.get("CI"):
            pytest.fail("There is no npm, so whether the stored script is what its sources give is not tested.")
        pytest.skip("There is no npm to build the board with. Install Node.js.")
    for name, data in board.build().items():
        assert data == (board.WIDGETS / name).read_bytes(), name
