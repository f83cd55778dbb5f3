"""What commands share: reading a text that somebody names, and the end of a command that cannot be carried out."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

# Nobody writes a solution or a design this long; a data file named by mistake can be.
MAX_SOURCE_BYTES = 1_000_000
STANDARD_INPUT = "-"


def stop(sentence: str) -> typer.Exit:
    """Say on standard error why a command cannot be carried out; raise what is returned."""
    typer.echo(sentence, err=True)
    return typer.Exit(2)


def read_text(file: Path, wanted: str, content: str) -> str:
    """Return the text of a file, or of standard input for `-`; end with a sentence where it is none.

    `wanted` says what to name instead, such as "a Python file", and `content` what it should hold.
    """
    try:
        if str(file) == STANDARD_INPUT:
            file = Path("standard input")
            data = sys.stdin.buffer.read(MAX_SOURCE_BYTES + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(MAX_SOURCE_BYTES + 1)
    except OSError as error:
        raise stop(f"{file} could not be read: {error.strerror}. Name {wanted}.") from None
    if len(data) > MAX_SOURCE_BYTES:
        raise stop(f"{file} is larger than {MAX_SOURCE_BYTES:,} bytes. Name {wanted} with {content} only.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise stop(f"{file} is not UTF-8 text. Name {wanted}, saved as UTF-8.") from None
    if "\0" in text:
        raise stop(f"{file} holds binary data. Name {wanted}.")
    return text
