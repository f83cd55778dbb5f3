"""A learner's text in a file of its own, written at every edit, so that it outlives the kernel."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

FOLDER = "designs"


class Autosave:
    """Keeps a text in `designs/NAME` beside the notebook. What it would write over without having read, it keeps aside.

    Raises ValueError for a name that is no plain file name ending in `.txt`.
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]{0,80}\.txt", name):
            raise ValueError(
                f"A design cannot be saved as {name!r}: give it a plain file name that ends in .txt, such as "
                "'04_skeleton.txt'."
            )
        # The kernel may change its folder later, and the file stays where it is.
        self.path = Path.cwd() / FOLDER / name
        self._known: bytes | None = None

    def restore(self, most_chars: int) -> tuple[str | None, str]:
        """Return the text of the file, or None where there is none, and a sentence for what is worth saying.

        A file that is no text of at most `most_chars` characters is kept aside.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None, ""
        except OSError as error:
            return None, f"{self._name} could not be read ({error.strerror}): this is the text of the cell."
        try:
            text = data.decode().replace("\r\n", "\n")
        except UnicodeDecodeError:
            return None, self._aside("is damaged: it is not UTF-8 text")
        if len(text) > most_chars or "\0" in text:
            return None, self._aside("is damaged: it is no design that anybody typed")
        self._known = data
        return text, ""

    def save(self, text: str) -> str:
        """Write the file in one step; return a sentence for what is worth saying, or an empty text."""
        data = text.encode(errors="replace")
        try:
            self.path.parent.mkdir(exist_ok=True)
            found = self.path.read_bytes() if self.path.exists() else None
            said = "" if found in (None, self._known, data) else self._aside("was written by something else")
            handle, scratch = tempfile.mkstemp(dir=self.path.parent, prefix=".", suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                Path(scratch).replace(self.path)
            except BaseException:
                Path(scratch).unlink(missing_ok=True)
                raise
        except OSError as error:
            return f"Not saved: {self._name} could not be written ({error.strerror}). The drawing itself is still here."
        self._known = data
        return said

    @property
    def _name(self) -> str:
        return f"{FOLDER}/{self.path.name}"

    def _aside(self, why: str) -> str:
        """Give the file another name; return the sentence that says so."""
        number = 1
        while (kept := self.path.with_name(f"{self.path.stem}.kept-{number}.txt")).exists():
            number += 1
        try:
            self.path.rename(kept)
        except OSError as error:
            return f"{self._name} {why}, and could not be kept aside ({error.strerror})."
        return f"{self._name} {why}. It is kept as {FOLDER}/{kept.name}."
