"""What the drivers of exercise 09 share: the learner's function or object by name, and the same twice or a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fortyfive.grading.child import call
from fortyfive.grading.report import Failure

Namespace = Mapping[str, Any]


def learners(namespace: Namespace, name: str, what: str) -> Callable[..., Any]:
    """Return the learner's function or class of that name. Raises Failure where it is none."""
    found = namespace.get(name)
    if not callable(found):
        kind = "class" if what == "a class" else "def"
        raise Failure(
            f"`{name}` is {found!r}, and the grader needs {what} of that name.",
            help=f"Run the cell with `{kind} {name}` again.",
        )
    return found  # type: ignore[no-any-return]


def made(namespace: Namespace, name: str, methods: Mapping[str, str], *args: object) -> Any:
    """Return a new object of the learner's class. Raises Failure where it lacks one of `methods` (name: signature)."""
    found = call(learners(namespace, name, "a class"), *args)
    for method, signature in methods.items():
        if not callable(getattr(found, method, None)):
            raise Failure(f"Your {name} has no method `{method}`.", help=f"Write `def {method}({signature})` in it.")
    return found


def alike(name: str, first: object, again: object) -> None:
    """Raise Failure where a second, new object of the class did something else than the first under the same calls."""
    if first != again:
        raise Failure(
            f"A second, new `{name}` did something else than the first, although it was called in the same way.",
            help="Keep what an object knows in `self`, set in `__init__`: what stands outside is shared by all of "
            "them. And leave `random` and the clock out: the time comes as an argument.",
        )
