"""What a process of the course need not wait for."""

from __future__ import annotations

import sys


def skip_address_grammars() -> None:
    """Keep jsonschema from building 38 grammars, two seconds of every process that reads a notebook or shows a figure.

    They check addresses of the format `iri`, of which neither notebooks nor Jupyter's own messages have any, and
    jsonschema does without where the package is missing. `import` takes None for exactly that.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
