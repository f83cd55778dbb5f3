"""Each fault is found, named, and comes with its fix; what is whole is left in peace."""

import json
import os
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fortyfive import course
from fortyfive.cli import doctor
from fortyfive.cli.app import app
from fortyfive.grading import sandbox

ENVIRONMENT = Path(sys.prefix)


def wrong(finding, *parts):
    """Whether a finding is a fault that names each of the parts and says what to do."""
    return not finding.ok and bool(finding.fix) and all(part in finding.what + finding.fix for part in parts)


def test_this_installation_is_whole():
    findings = doctor.examine()
    assert [finding for finding in findings if not finding.ok] == []
    assert findings[0].what == f"The course is in {course.root()}"
    result = CliRunner().invoke(app, ["doctor"])
    assert result.stdout == doctor.as_text(findings) + "\n"
    assert result.stdout.endswith("\nNothing is wrong.\n")
    assert (result.stderr, result.exit_code) == ("", 0)


def test_one_fault_is_exit_code_1(monkeypatch):
    monkeypatch.setattr(doctor, "walls", lambda: doctor.Finding("This is broken.", False, "Mend it."))
    result = CliRunner().invoke(app, ["doctor"])
    assert "\nWRONG  This is broken.\n       Mend it.\n1 of " in result.stdout
    assert result.exit_code == 1


def test_a_probe_that_fails_keeps_no_other_from_looking(monkeypatch):
    def fails(*_):
        raise RuntimeError("surprise")

    monkeypatch.setattr(doctor, "kernel", fails)
    monkeypatch.setitem(sys.modules, "jupyter_core.paths", None)
    first, second = (finding for finding in doctor.examine() if not finding.ok)
    assert wrong(first, "RuntimeError: surprise", "make install")
    assert wrong(second, "A package is missing or damaged", "jupyter_core", "make install")


def test_an_old_python_is_found():
    assert wrong(doctor.python_version((3, 10, 13)), "3.10.13 is too old", "Install Python 3.11 or newer")
    assert doctor.python_version((3, 11, 0)).ok


# packages


@pytest.fixture
def requirements(tmp_path):
    """Write a file of pins and return its path."""

    def write(text):
        path = tmp_path / "requirements.txt"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package `sample` 1.0 with one module, installed in a folder of its own."""
    record = tmp_path / "site" / "sample-1.0.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n")
    (record / "RECORD").write_text('sample.py,,\n"with,comma.py",,\n__pycache__/sample.pyc,,\n')
    (record.parent / "sample.py").write_text("")
    (record.parent / "with,comma.py").write_text("")
    monkeypatch.syspath_prepend(str(record.parent))
    return record.parent


def test_the_pins_that_are_installed_are_in_order(requirements):
    pins = (
        f"# a comment\nrich=={metadata.version('rich')}\ntyping_extensions=={metadata.version('typing-extensions')}\n"
    )
    assert doctor.packages(requirements(f"{pins}-e .\n")).ok


def test_another_version_and_a_missing_package_are_found(requirements, installed):
    text = "no-such-package==1.0\nsample==2.0\nnot-here==1.0 ; sys_platform == 'beos'\n"
    finding = doctor.packages(requirements(text))
    assert wrong(finding, "no-such-package 1.0 is missing; sample is 1.0, pinned is 2.0.", "Remove the folder .venv")
    assert "not-here" not in finding.what


def test_a_package_that_has_lost_a_file_is_found(requirements, installed):
    path = requirements("sample==1.0\n")
    assert doctor.packages(path).ok
    (installed / "with,comma.py").unlink()
    assert wrong(doctor.packages(path), "sample has lost a file, with,comma.py", "Remove the folder .venv")
    (installed / "sample-1.0.dist-info" / "METADATA").unlink()
    assert wrong(doctor.packages(path), "sample is damaged, pinned is 1.0")


def test_a_missing_file_of_pins_is_found(tmp_path):
    assert wrong(doctor.packages(tmp_path / "requirements.txt"), "could not be read", "Clone the course again")


# the kernel


def kernels(folder, text):
    """Make a folder of Jupyter's with a kernel named python3, and return it."""
    place = folder / "kernels" / "python3"
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(text)
    return folder


def kernel_of(*argv):
    return json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"})


@pytest.fixture
def jupyter(tmp_path, monkeypatch):
    """A Jupyter without anybody's settings; returns a folder that it looks into first."""
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("JUPYTER_PREFER_ENV_PATH", raising=False)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "first"))
    return tmp_path / "first"


@pytest.mark.usefixtures("jupyter")
def test_notebooks_run_in_this_environment_unless_something_is_in_the_way():
    assert doctor.kernel(ENVIRONMENT) == doctor.Finding("Notebooks run in this environment.", True)


def test_a_kernel_of_another_python_that_hides_ours_is_found(jupyter):
    kernels(jupyter, kernel_of("/usr/bin/other-python", "-m", "ipykernel_launcher"))
    finding = doctor.kernel(ENVIRONMENT)
    assert wrong(finding, "another Python: /usr/bin/other-python", str(jupyter / "kernels" / "python3"), "remove it")


def test_a_persons_own_kernel_is_found_only_where_jupyter_would_use_it(jupyter, monkeypatch):
    kernels(Path(os.environ["JUPYTER_DATA_DIR"]), kernel_of("/usr/bin/other-python"))
    assert doctor.kernel(ENVIRONMENT).ok  # Jupyter prefers the environment's own
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    assert wrong(doctor.kernel(ENVIRONMENT), "another Python: /usr/bin/other-python")


def test_a_kernel_elsewhere_that_runs_our_python_is_in_order(jupyter):
    kernels(jupyter, kernel_of(sys.executable, "-m", "ipykernel_launcher"))
    assert doctor.kernel(ENVIRONMENT).ok


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"argv": 1}', kernel_of()])
def test_a_damaged_kernel_description_is_found(jupyter, text):
    kernels(jupyter, text)
    assert wrong(doctor.kernel(ENVIRONMENT), str(jupyter), "remove it")


def test_a_damaged_kernel_description_of_our_own_means_a_new_environment(jupyter):
    kernels(jupyter, "{")
    assert wrong(doctor.kernel(jupyter), "is damaged", "Remove the folder .venv")


@pytest.mark.parametrize("name", ["python", "python3", f"python3.{sys.version_info[1]}"])
def test_a_kernel_that_names_just_python_gets_ours_from_jupyter(name):
    assert doctor.runs_in(name, "/course/.venv/bin/python")


def test_any_other_bare_name_is_looked_up_on_the_path(tmp_path, monkeypatch):
    other = tmp_path / "python2.7"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not doctor.runs_in("python2.7", "/course/.venv/bin/python")
    assert doctor.runs_in("python2.7", str(tmp_path / "python"))


def test_pythons_are_told_apart_by_their_folder_and_not_by_what_they_link_to(tmp_path):
    (tmp_path / "course").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "course")
    own = str(tmp_path / "course" / "python")
    assert doctor.runs_in(str(tmp_path / "link" / "python3.11"), own)
    Path(own).symlink_to("/usr/bin/python3")
    assert not doctor.runs_in("/usr/bin/python3", own)


# JupyterLab's extensions


@pytest.fixture
def extension(tmp_path):
    """The folder of one whole extension, named `one`, in an environment."""
    folder = tmp_path / "environment" / "labextensions" / "one"
    (folder / "static").mkdir(parents=True)
    (folder / "static" / "entry.js").write_text("")
    package = {"name": "one", "version": "1.0", "jupyterlab": {"_build": {"load": "static/entry.js"}}}
    (folder / "package.json").write_text(json.dumps(package))
    return folder


def examined(folder, disabled=()):
    environment = folder.parents[1]
    return doctor.lab_extension("one", [environment / "before", folder.parent], environment, disabled)


def test_a_whole_extension_is_there(extension):
    assert examined(extension, ["one-more", "another"]) == doctor.Finding(
        "JupyterLab's extension one 1.0 is there.", True
    )


@pytest.mark.parametrize("name", ["package.json", "static/entry.js"])
def test_an_extension_that_is_missing_or_has_lost_its_code_is_found(extension, name):
    (extension / name).unlink()
    assert wrong(examined(extension), "JupyterLab's extension one is", "Remove the folder .venv")


@pytest.mark.parametrize("text", ["", "{}", "[]", "\x00", '{"version": "1.0", "jupyterlab": {}}'])
def test_a_damaged_extension_is_found(extension, text):
    (extension / "package.json").write_text(text)
    assert wrong(examined(extension), "JupyterLab's extension one is damaged", "Remove the folder .venv")


@pytest.mark.parametrize("entry", ["one", "one:plugin"])
def test_a_disabled_extension_is_found(extension, entry):
    assert wrong(examined(extension, [entry]), "one is disabled", f'-m jupyter labextension enable "{entry}"')


def test_an_extension_from_elsewhere_that_hides_ours_is_found(extension, tmp_path):
    finding = doctor.lab_extension("one", [extension.parent], tmp_path / "other environment", [])
    assert wrong(finding, f"comes from {extension}", "Rename or remove")


@pytest.mark.usefixtures("jupyter")
def test_a_disabled_extension_is_found_where_jupyterlab_keeps_that():
    settings = Path(os.environ["JUPYTER_CONFIG_DIR"]) / "labconfig"
    settings.mkdir(parents=True)
    (settings / "page_config.json").write_text(
        '{"disabledExtensions": {"anywidget": true, "jupyterlab-plotly": false}}'
    )
    faults = {finding.what for finding in doctor.lab_extensions(ENVIRONMENT) if not finding.ok}
    assert faults == {"JupyterLab's extension anywidget is disabled."}


# folders, ledger, walls


def test_a_folder_that_is_missing_or_cannot_be_written_to_is_found(tmp_path, monkeypatch):
    assert doctor.writable(tmp_path).ok
    assert list(tmp_path.iterdir()) == []
    assert wrong(doctor.writable(tmp_path / "exercises"), "exercises is missing", "Clone the course again")

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    assert wrong(
        doctor.writable(tmp_path), f"{tmp_path} cannot be written to (Permission denied)", "could not be saved"
    )


def test_a_ledger_that_cannot_be_used_is_found(tmp_path, monkeypatch):
    assert doctor.ledger().ok
    (tmp_path / "data").write_text("a file, not a folder")
    monkeypatch.setenv("FORTYFIVE_DATA_DIR", str(tmp_path / "data"))
    assert wrong(doctor.ledger(), "cannot be recorded", "FORTYFIVE_DATA_DIR")


def test_a_ledger_that_was_damaged_is_a_note(tmp_path, monkeypatch):
    (tmp_path / "ledger.sqlite").write_bytes(b"no database" * 500)
    monkeypatch.setenv("FORTYFIVE_DATA_DIR", str(tmp_path))
    finding = doctor.ledger()
    assert finding.ok
    assert "was damaged" in finding.fix


@pytest.fixture
def bwrap(tmp_path, monkeypatch):
    """Replace bubblewrap by a script."""

    def replace(script):
        (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bwrap").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    sandbox._bubblewrap_works.cache_clear()
    yield replace
    sandbox._bubblewrap_works.cache_clear()


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux only")
def test_a_bubblewrap_that_may_not_work_is_a_note(bwrap):
    bwrap("exit 1")
    finding = doctor.walls()
    assert finding.ok
    assert "without walls" in finding.what
    assert "is not allowed to work" in finding.fix


def test_walls_are_said_to_be_there_where_they_work(bwrap):
    bwrap("exit 0")
    assert "behind bubblewrap" in doctor.walls().what


def test_what_could_be_done_about_missing_walls_depends_on_the_system():
    assert "apt install bubblewrap" in doctor.without_walls("linux", has_bubblewrap=False).fix
    for platform in ("darwin", "win32"):
        fix = doctor.without_walls(platform, has_bubblewrap=False).fix
        assert "bubblewrap" not in fix
        assert "memory" not in fix


def test_it_runs_on_a_python_without_any_package():
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import sys; sys.path.append(sys.argv[1]); import fortyfive.cli.doctor as d",
    ]
    script = f"{command.pop()}; print(d.as_text(d.examine()))"
    process = subprocess.run([*command, script, course.root()], capture_output=True, text=True, check=True)
    assert "No module named 'jupyter_client'" in process.stdout
    assert "The folder exercises is writable." in process.stdout
    assert process.stderr == ""
