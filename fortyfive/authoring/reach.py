"""Reads from the sources, without running them, what a check may import: whether a page in a browser can judge it."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fortyfive.grading.exercise import Check

PACKAGE = Path(__file__).parents[1]
# What a page has; tests/test_architecture.py holds these rooms to the standard library.
ROOMS = ("scenario", "sim", "grading")
# How a check names a driver.
DRIVER = re.compile(r"(fortyfive(?:\.\w+)+)(?::(\w+))?")


@dataclass(frozen=True)
class Reach:
    """What a check may import when it runs: modules of `checks`, and whatever a page does not have."""

    checks: frozenset[str]
    beyond: frozenset[str]


def reach(check: Check) -> Reach:
    """Read from the sources what a check may import: with its module, and on the way of its body."""
    walk = _Walk()
    walk.visit(check.body.__module__, check.body.__name__)
    return Reach(frozenset(walk.loaded), frozenset(walk.beyond))


class _Walk:
    """Follows names from function to function through the modules of `checks`, and notes what they import."""

    def __init__(self) -> None:
        self.loaded: set[str] = set()
        self.beyond: set[str] = set()
        self._seen: set[tuple[str, str]] = set()

    def visit(self, module: str, name: str) -> None:
        """Go through what runs when a function of a module of `checks` is called, after the module was imported."""
        if (module, name) in self._seen:
            return
        self._seen.add((module, name))
        self._load(module)
        source = _read(module)
        for statement in source.bodies.get(name, []):
            self._follow(source, ast.walk(statement))

    def _load(self, module: str) -> None:
        if module in self.loaded:
            return
        self.loaded.add(module)
        source = _read(module)
        self._follow(source, source.on_import)

    def _follow(self, source: _Source, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            match node:
                case ast.Import(names=aliases):
                    for alias in aliases:
                        self._reach(alias.name)
                case ast.ImportFrom(module=str(module), names=aliases):
                    for alias in aliases:
                        self._reach(module, alias.name)
                case ast.Name(id=name) if name in source.bodies:
                    self.visit(source.module, name)
                case ast.Name(id=name) if name in source.imported:
                    self._reach(*source.imported[name])
                case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in source.imported:
                    self._reach(*source.imported[owner], name)
                case ast.Constant(value=str(text)) if found := DRIVER.fullmatch(text):
                    self._reach(found[1], found[2])

    def _reach(self, *parts: str | None) -> None:
        """Note that something is used, given as the name of a module and what is wanted of it."""
        whole = ".".join(filter(None, parts))
        top, _, rest = whole.partition(".")
        room = rest.partition(".")[0]
        if top != "fortyfive":
            self.beyond |= {top} - sys.stdlib_module_names
        elif room == "checks":
            module, _, name = (whole, "", "") if _path(whole).is_file() else whole.rpartition(".")
            self.visit(module, name)
        elif room and room not in ROOMS:
            self.beyond.add(f"{top}.{room}")


@dataclass(frozen=True)
class _Source:
    """A module as the walk reads it."""

    module: str
    bodies: dict[str, list[ast.stmt]]
    imported: dict[str, tuple[str, ...]]
    on_import: tuple[ast.AST, ...]


@functools.cache
def _read(module: str) -> _Source:
    tree = ast.parse(_path(module).read_text(encoding="utf-8"))
    bodies: dict[str, list[ast.stmt]] = {}
    imported: dict[str, tuple[str, ...]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.asname or alias.name: (alias.name,) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bodies.setdefault(statement.name, []).extend(statement.body)
    return _Source(module, bodies, imported, tuple(_run_on_import(tree.body)))


def _run_on_import(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the nodes of what runs while a module is imported: not the insides of functions, nor what is for types."""
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from ast.walk(statement.args)
                # A check that another one names, as in `after=`, is not called for that.
                decorators = (node for part in statement.decorator_list for node in ast.walk(part))
                yield from (node for node in decorators if not isinstance(node, ast.Name))
            case ast.ClassDef():
                for part in (*statement.decorator_list, *statement.bases, *statement.keywords):
                    yield from ast.walk(part)
                yield from _run_on_import(statement.body)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                pass
            case _:
                yield from ast.walk(statement)


def _path(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_name(f"{path.name}.py")
