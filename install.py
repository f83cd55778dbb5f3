"""Make .venv and install one pinned requirements file into it; standard library only, any system.

It does nothing where that is done already. An environment that was interrupted, moved, or left behind by a Python
that is gone is made anew.
"""
# An old Python must get as far as the sentence that calls it too old: nothing here is newer than Python 3.6.

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
# Which files are installed, by name, with their fingerprints.
STATE = VENV / "course.json"
UNFINISHED = "unfinished"
OLDEST = (3, 11)
# One version, like every other pin. pip brings it, and it brings the rest in a tenth of pip's time.
INSTALLER = "uv==0.13.8"
# Scripts and links to the course hold absolute paths, so an environment serves one folder only.
PROBE = """
import os, sys, pip, fortyfive
sys.exit(not os.path.samefile(os.path.dirname(fortyfive.__path__[0]), sys.argv[1]))
"""


def main(requirements: str) -> None:
    """Bring the environment to what a requirements file pins."""
    try:
        wanted = digest(HERE / requirements, HERE / "pyproject.toml")
    except OSError as error:
        stop(f"{error.filename} could not be read ({error.strerror}).", "Clone the course again.")
    before = read_state()
    if before is None:
        make_environment()
    elif before.get(requirements) == wanted:
        return
    STATE.write_text(UNFINISHED, encoding="utf-8")
    if install(requirements):
        STATE.write_text(json.dumps({**(before or {}), requirements: wanted}), encoding="utf-8")
        print(f"Installed. To open the course: make lab (without make: {in_short(SCRIPTS / 'forty')} lab)")
        return
    if before is not None:
        STATE.write_text(json.dumps(before), encoding="utf-8")  # what was there before still works
    stop(
        "the packages could not be downloaded or built; the lines above say which.",
        "Check the network (behind a proxy: the variable HTTPS_PROXY) and the space on the disk, then run the same "
        "command again: what was downloaded is kept.",
    )


def digest(*files: Path) -> str:
    """Return a fingerprint of what files say. Raises OSError."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def read_state():  # noqa: ANN201 - `dict | None` is newer than the oldest Python that reads this
    """Return which files are installed, with their fingerprints; None where an environment has to be made anew."""
    try:
        state = json.loads(STATE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        state = {}  # made by hand: if it works it is kept, with whatever else is in it
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) and works() else None


def works() -> bool:
    """Say whether the environment's Python is there, starts, and finds the course in this folder."""
    command = [str(PYTHON), "-I", "-c", PROBE, str(HERE)]
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def make_environment() -> None:
    """Make .venv from nothing, with pip in it."""
    if sys.version_info < OLDEST:
        have = ".".join(map(str, sys.version_info[:3]))
        stop(
            f"this is Python {have}, and it needs Python 3.11 or newer.",
            "If a newer one is installed, name it: make lab PYTHON=python3.12 (without make: python3.12 install.py). "
            "If not, get one from https://www.python.org/downloads/",
        )
    print("Making .venv ...", flush=True)
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        # Its output is kept back, because an interrupted one answers with a traceback.
        command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
        made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if made.returncode == 0:
            return
        sys.stdout.buffer.write(made.stdout)
        sys.stdout.flush()
        stop(
            "Python could not make the folder .venv; the lines above say why.",
            f"Check that {HERE} is writable and not full, and that no JupyterLab of the course is still running.",
        )
    stop(
        "this Python comes without what makes virtual environments (venv and ensurepip).",
        f"On Debian and Ubuntu run: sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv\n"
        "Elsewhere use a complete Python from https://www.python.org/downloads/ and then run the same command again.",
    )


def install(requirements: str) -> bool:
    """Install what a file pins; say whether it succeeded."""
    print(f"Installing what {requirements} pins ...", flush=True)
    if run("pip", "install", "--quiet", INSTALLER) and run(
        "uv", "pip", "install", "--python", str(PYTHON), "-r", requirements
    ):
        return True
    # uv has its own certificates and network settings, and no build for some systems.
    print("That did not work with uv. Trying again with pip, which takes a minute ...", flush=True)
    return run("pip", "install", "-r", requirements)


def run(*module: str) -> bool:
    """Run a module in the environment, with its output shown; say whether it succeeded."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.call([str(PYTHON), "-I", "-m", *module], cwd=str(HERE), env=environment) == 0


def in_short(path: Path) -> str:
    """Return a path inside the course's folder as it is typed there."""
    return str(path.relative_to(HERE))


def stop(what: str, fix: str) -> None:
    """End with a sentence for what happened and one for what to do."""
    sys.exit(f"\nThe course could not be installed: {what}\n{fix}")


if __name__ == "__main__":
    try:
        main(*(sys.argv[1:] or ["requirements.txt"]))
    except OSError as error:
        stop(f"{error}.", f"Check that {HERE} is writable and not full.")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. Run the same command again: it starts over, with what was downloaded.")
