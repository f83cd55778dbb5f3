"""What install.py decides, without a real installation."""

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def install(tmp_path, monkeypatch):
    """The module, working on a copy of the course that has two files and no environment."""
    spec = importlib.util.spec_from_file_location("install", ROOT / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "SCRIPTS", tmp_path / ".venv" / "bin")
    monkeypatch.setattr(module, "STATE", tmp_path / ".venv" / "course.json")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    (tmp_path / "requirements.txt").write_text("idna==3.20\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return module


@pytest.fixture
def done(install, monkeypatch):
    """What main() set about: an environment made anew, and files installed; both succeed unless a test says no."""
    done = []

    def make_environment():
        done.append("new .venv")
        install.VENV.mkdir(exist_ok=True)

    monkeypatch.setattr(install, "make_environment", make_environment)
    monkeypatch.setattr(install, "install", lambda requirements: not done.append(requirements))
    monkeypatch.setattr(install, "works", install.VENV.is_dir)
    return done


def test_an_old_python_can_read_it_as_far_as_the_sentence_that_says_so():
    ast.parse((ROOT / "install.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_a_first_start_makes_the_environment_and_a_second_does_nothing(install, done):
    install.main("requirements.txt")
    assert done == ["new .venv", "requirements.txt"]
    install.main("requirements.txt")
    assert done == ["new .venv", "requirements.txt"]


@pytest.mark.parametrize("changed", ["requirements.txt", "pyproject.toml"])
def test_changed_pins_are_installed_into_the_environment_there_is(install, done, changed):
    install.main("requirements.txt")
    (install.HERE / changed).write_text("# changed\n")
    install.main("requirements.txt")
    assert done == ["new .venv", "requirements.txt", "requirements.txt"]


def test_two_files_of_pins_are_remembered_apart(install, done):
    (install.HERE / "requirements-dev.txt").write_text("ruff==0.14.0\n")
    for _ in range(2):
        install.main("requirements.txt")
        install.main("requirements-dev.txt")
    assert done == ["new .venv", "requirements.txt", "requirements-dev.txt"]


def test_an_environment_that_does_not_work_is_made_anew(install, done, monkeypatch):
    install.main("requirements.txt")
    monkeypatch.setattr(install, "works", lambda: False)
    install.main("requirements.txt")
    assert done == ["new .venv", "requirements.txt"] * 2


def test_a_killed_installation_is_started_over(install, done, monkeypatch):
    def killed(requirements):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(install, "install", killed)
        install.main("requirements.txt")
    assert install.STATE.read_text() == install.UNFINISHED
    install.main("requirements.txt")
    assert done == ["new .venv", "new .venv", "requirements.txt"]


@pytest.mark.parametrize("state", ["", "[]", '"text"', "\x00"])
def test_a_damaged_note_of_what_is_installed_counts_as_nothing_installed(install, done, state):
    install.VENV.mkdir()
    install.STATE.write_text(state)
    install.main("requirements.txt")
    assert done == ["new .venv", "requirements.txt"]


def test_a_working_environment_made_by_hand_is_kept(install, done):
    install.VENV.mkdir()
    install.main("requirements.txt")
    assert done == ["requirements.txt"]


def test_a_failed_first_installation_says_what_to_do_and_starts_over(install, done, monkeypatch):
    monkeypatch.setattr(install, "install", lambda requirements: False)
    for _ in range(2):
        with pytest.raises(SystemExit, match=r"downloaded or built(.|\n)*Check the network"):
            install.main("requirements.txt")
    assert done == ["new .venv", "new .venv"]


def test_a_failed_upgrade_leaves_the_environment_in_use(install, done, monkeypatch):
    install.main("requirements.txt")
    before = json.loads(install.STATE.read_text())
    (install.HERE / "requirements.txt").write_text("idna==3.21\n")
    monkeypatch.setattr(install, "install", lambda requirements: False)
    with pytest.raises(SystemExit):
        install.main("requirements.txt")
    assert json.loads(install.STATE.read_text()) == before


def test_a_missing_file_of_pins_is_a_sentence(install, done):
    with pytest.raises(SystemExit, match=r"nothing\.txt could not be read(.|\n)*Clone the course again"):
        install.main("nothing.txt")
    assert done == []


def test_pip_is_tried_where_uv_cannot_be_had_or_fails(install, monkeypatch):
    tried = []
    monkeypatch.setattr(install, "run", lambda *module: tried.append(module[:2]) or module[0] == "pip")
    assert install.install("requirements.txt")
    assert tried == [("pip", "install"), ("uv", "pip"), ("pip", "install")]
    tried.clear()
    monkeypatch.setattr(install, "run", lambda *module: bool(tried.append(module[:2])))
    assert not install.install("requirements.txt")
    assert tried == [("pip", "install"), ("pip", "install")]


def test_an_old_python_is_refused_with_the_way_out(install, monkeypatch):
    monkeypatch.setattr(install.sys, "version_info", (3, 9, 18, "final", 0))
    with pytest.raises(SystemExit, match=r"this is Python 3\.9\.18(.|\n)*PYTHON=python3\.12"):
        install.make_environment()
    assert not install.VENV.exists()


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_venv_or_ensurepip_names_the_package(install, monkeypatch, missing):
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None if name == missing else name)
    monkeypatch.setattr(install.sys, "version_info", (3, 13, 1, "final", 0))
    with pytest.raises(SystemExit, match=r"sudo apt install python3\.13-venv"):
        install.make_environment()


def test_a_folder_where_nothing_can_be_made_is_a_sentence_below_pythons_own(install, monkeypatch, capfd):
    (install.HERE / "a file").write_text("")
    monkeypatch.setattr(install, "VENV", install.HERE / "a file" / ".venv")
    with pytest.raises(SystemExit, match=r"could not make the folder \.venv(.|\n)*is writable and not full"):
        install.make_environment()
    printed = capfd.readouterr().out
    assert "a file" in printed
    assert "Traceback" not in printed


def test_an_environment_works_where_it_finds_the_course_of_this_folder(install, monkeypatch):
    monkeypatch.setattr(install, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(install, "HERE", ROOT)
    assert install.works()


def test_an_environment_that_was_moved_or_has_lost_its_python_does_not_work(install, monkeypatch):
    assert not install.works()  # there is no such Python
    monkeypatch.setattr(install, "PYTHON", Path(sys.executable))
    assert not install.works()  # its course is in another folder


def test_make_without_a_python_says_where_to_get_one():
    command = ["make", "install", "PYTHON=no-such-python"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode != 0
    assert "There is no 'no-such-python' here. Install Python 3.11 or newer" in process.stderr
