"""What is wrong with an installation, and the fix, as data; it works where the packages it looks for are missing."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

OLDEST_PYTHON = (3, 11)
# Without the first two JupyterLab shows text where a slider belongs, without the last where a lesson's figure belongs.
LAB_EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "anywidget", "jupyterlab-plotly")
# As it is typed in the course's folder, where nobody has put `forty` on the PATH.
CALL = f"{Path('.venv', 'Scripts' if os.name == 'nt' else 'bin', 'forty')} doctor"
REINSTALL = "Remove the folder .venv, then run: make install (without make: python install.py)"


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `fix` says what to do where it is not well, or what a note means."""

    what: str
    ok: bool
    fix: str = ""


def examine() -> list[Finding]:
    """Look at everything that has gone wrong for somebody; writes a probe file here and there, raises nothing."""
    # Not from the room that knows: it imports packages that may be missing.
    root = Path(__file__).resolve().parents[2]
    environment = Path(sys.prefix)
    probes: list[Callable[[], Iterable[Finding]]] = [
        lambda: [Finding(f"The course is in {root}", True), python_version(sys.version_info[:3])],
        lambda: [packages(root / "requirements.txt")],
        lambda: [kernel(environment)],
        lambda: lab_extensions(environment),
        lambda: [writable(root / name) for name in ("lessons", "exercises")],
        lambda: [ledger()],
        lambda: [walls()],
    ]
    # A package that is missing can keep several probes from looking.
    return list(dict.fromkeys(finding for probe in probes for finding in _survived(probe)))


def _survived(probe: Callable[[], Iterable[Finding]]) -> list[Finding]:
    try:
        return list(probe())
    except ImportError as error:
        return [Finding(f"A package is missing or damaged: {error}.", False, REINSTALL)]
    except Exception as error:  # noqa: BLE001 - whatever is broken, the other findings are still wanted
        return [Finding(f"Something could not be looked at: {type(error).__name__}: {error}.", False, REINSTALL)]


def as_text(findings: Sequence[Finding]) -> str:
    """Return the findings in words, with what to do below each, and their sum in the last line."""
    lines = []
    for finding in findings:
        lines.append(f"{'ok' if finding.ok else 'WRONG':<6} {finding.what}")
        lines += [f"{'':<6} {line}" for line in finding.fix.splitlines()]
    wrong = sum(not finding.ok for finding in findings)
    lines.append(f"{wrong} of {len(findings)} findings are WRONG." if wrong else "Nothing is wrong.")
    return "\n".join(lines)


def python_version(version: tuple[int, ...]) -> Finding:
    """Compare a version of Python with the oldest that the course runs on."""
    text = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        return Finding(f"Python {text} is too old.", False, f"Install Python 3.11 or newer. {REINSTALL}")
    return Finding(f"Python {text} is {sys.executable}", True)


def packages(requirements: Path) -> Finding:
    """Compare what is installed with what is pinned, and each package with its own list of files."""
    try:
        text = requirements.read_text(encoding="utf-8")
    except OSError as error:
        return Finding(f"{requirements} could not be read ({error.strerror}).", False, "Clone the course again.")
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)\s*(;.*)?$", text, flags=re.MULTILINE)
    wrong = [fault for name, pinned, condition in pins if (fault := _fault(name, pinned, bool(condition)))]
    if wrong:
        return Finding(f"Packages differ from {requirements.name}: {'; '.join(wrong)}.", False, REINSTALL)
    return Finding(f"The packages are those of {requirements.name}.", True)


def _fault(name: str, pinned: str, conditional: bool) -> str:
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        # A pin with a condition may be for another system.
        return "" if conditional else f"{name} {pinned} is missing"
    try:
        version = found.metadata["Version"]
    except (KeyError, FileNotFoundError):  # which of them depends on the version of importlib's metadata
        version = None
    version = version or "damaged"
    if version != pinned:
        return f"{name} is {version}, pinned is {pinned}"
    folder = str(found.locate_file(""))
    # Not `found.files`: since Python 3.12 that leaves out what is lost. Compiled files come and go.
    files = (row[0] for row in csv.reader((found.read_text("RECORD") or "").splitlines()) if row)
    lost = next((file for file in files if not file.endswith(".pyc") and not Path(folder, file).exists()), None)
    return f"{name} has lost a file, {lost}" if lost else ""


def kernel(environment: Path) -> Finding:
    """Say whether JupyterLab would run notebooks in this very environment."""
    from jupyter_client.kernelspec import KernelSpecManager

    manager = KernelSpecManager()
    folder = manager.find_kernel_specs().get("python3")
    if folder is None:
        return Finding("JupyterLab has no Python kernel.", False, REINSTALL)
    ours = Path(folder).is_relative_to(environment)
    fix = REINSTALL if ours else f"{folder} hides this environment's own kernel. Rename or remove it, then try again."
    try:
        command = manager.get_kernel_spec("python3").argv[0]
    except Exception as error:  # noqa: BLE001 - a file that others wrote can hold anything
        return Finding(f"The description of JupyterLab's Python kernel is damaged: {error}.", False, fix)
    if not runs_in(command, sys.executable):
        return Finding(f"Notebooks would run in another Python: {shutil.which(command) or command}.", False, fix)
    return Finding("Notebooks run in this environment.", True)


def runs_in(command: str, own_python: str) -> bool:
    """Say whether a kernel's command is our own Python; links are not followed, because they lead out of a .venv."""
    # Jupyter puts its own Python in the place of these, and looks any other bare name up on the PATH.
    if command in {"python", f"python{sys.version_info[0]}", f"python{sys.version_info[0]}.{sys.version_info[1]}"}:
        return True
    path = shutil.which(command) or command
    return _folder(path) == _folder(own_python)


def _folder(path: str) -> str:
    return os.path.normcase(os.path.realpath(Path(path).parent))


def lab_extensions(environment: Path) -> list[Finding]:
    """Say which of the extensions that show sliders and figures JupyterLab would not load."""
    from jupyter_core.paths import jupyter_path
    from jupyterlab_server.config import get_page_config

    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    settings = environment / "share" / "jupyter" / "lab" / "settings"
    disabled = get_page_config([], str(settings))["disabledExtensions"]
    return [lab_extension(name, folders, environment, disabled) for name in LAB_EXTENSIONS]


def lab_extension(name: str, folders: Sequence[Path], environment: Path, disabled: Iterable[str]) -> Finding:
    """Say whether one extension is there, whole, enabled, and this environment's own: the first folder wins."""
    off = next((entry for entry in disabled if entry == name or entry.startswith(f"{name}:")), None)
    if off:
        return Finding(
            f"JupyterLab's extension {name} is disabled.",
            False,
            f'Run: "{sys.executable}" -m jupyter labextension enable "{off}"',
        )
    found = next((folder / name for folder in folders if (folder / name / "package.json").is_file()), None)
    if found is None:
        return Finding(f"JupyterLab's extension {name} is missing.", False, REINSTALL)
    if not found.is_relative_to(environment):
        fix = f"It hides this environment's own. Rename or remove {found}, then try again."
        return Finding(f"JupyterLab's extension {name} comes from {found}.", False, fix)
    try:
        package: dict[str, Any] = json.loads((found / "package.json").read_text(encoding="utf-8"))
        version, entry = package["version"], found / package["jupyterlab"]["_build"]["load"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        return Finding(f"JupyterLab's extension {name} is damaged: {error!r}.", False, REINSTALL)
    if not entry.is_file():
        return Finding(f"JupyterLab's extension {name} is damaged: {entry} is missing.", False, REINSTALL)
    return Finding(f"JupyterLab's extension {name} {version} is there.", True)


def writable(folder: Path) -> Finding:
    """Say whether files can be made in a folder of the course, by making one."""
    if not folder.is_dir():
        return Finding(f"The folder {folder} is missing.", False, "Clone the course again.")
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            return Finding(f"The folder {folder.name} is writable.", True)
    except OSError as error:
        return Finding(
            f"The folder {folder} cannot be written to ({error.strerror}).",
            False,
            "Your notebooks could not be saved. Clone the course into a folder of your own, or free some space.",
        )


def ledger() -> Finding:
    """Say whether progress can be recorded."""
    from fortyfive.ledger import Ledger, LedgerUnavailable

    own = Ledger()
    try:
        own.summary()
    except LedgerUnavailable as error:
        return Finding("Your progress cannot be recorded.", False, str(error))
    return Finding(f"Your progress is kept in {own.path}", True, own.notice)


def walls() -> Finding:
    """Say what keeps graded code away from files and network; a note, not a fault."""
    from fortyfive.grading import sandbox

    if sandbox._bubblewrap_works():
        return Finding("Graded code runs behind bubblewrap: no network, no writing to your files.", True)
    return without_walls(sys.platform, shutil.which("bwrap") is not None)


def without_walls(platform: str, has_bubblewrap: bool) -> Finding:
    """Say what no walls means on a system, and what would give some."""
    note = "A mistake in your code is still limited in time" + (" and memory." if platform == "linux" else ".")
    if platform == "linux":
        note += (
            " bubblewrap is installed but is not allowed to work, as in most containers."
            if has_bubblewrap
            else " For walls: sudo apt install bubblewrap"
        )
    return Finding("Graded code runs in a child process without walls around files and network.", True, note)
