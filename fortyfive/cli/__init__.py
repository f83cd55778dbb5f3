"""The command line, `forty`: what starts it, and what it says where the installation is too broken to start it."""

from __future__ import annotations

import codecs
import io
import sys

from fortyfive.cli import doctor

# For a terminal whose encoding lacks our signs: what stands for each, and "?" for any other.
PLAIN_SIGNS = {"✓": "+", "✗": "x", "·": "-", "×": "x", "–": "-", "—": "-", "→": "->", "≤": "<=", "≥": ">=", "≈": "~"}
# Bars of a chart, from an eighth of a cell to a whole one.
PLAIN_SIGNS |= dict(zip("▁▂▃▄▅▆▇█", "_.:-=+*#", strict=True))


def main() -> None:
    """Run the command line; whatever keeps it from being carried out is a sentence and exit code 2, not a traceback."""
    codecs.register_error("fortyfive", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="fortyfive")
    try:
        from fortyfive.cli.app import app
    except (ImportError, SyntaxError) as error:  # a SyntaxError is how an old Python says that it is old
        sys.exit(_without_the_rest(error))
    try:
        app(prog_name="forty")
    except Exception as error:  # noqa: BLE001 - the last door: a fault of ours must not look like one of the learner's
        _say(f"forty could not finish ({type(error).__name__}: {error}). Your work is safe. Try: {doctor.CALL}")
        sys.exit(2)


def _without_the_rest(error: Exception) -> int:
    if sys.argv[1:] == ["doctor"]:
        fault = doctor.Finding(f"The other commands cannot start: {error}.", False, doctor.REINSTALL)
        sys.stdout.write(doctor.as_text([fault, *doctor.examine()]) + "\n")
        return 1
    _say(f"A part of the course is missing or damaged: {error}.\n{doctor.REINSTALL}\nTo see all of it: {doctor.CALL}")
    return 2


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return PLAIN_SIGNS.get(error.object[error.start], "?"), error.start + 1
