"""Read a learner's source: which names it defines and uses, what is still a stub, which part a check needs."""

from __future__ import annotations

import ast
import functools
import symtable
import threading
from collections.abc import Sequence
from typing import Any

UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)

# Python 3.11 runs these as functions of their own; they run where they stand all the same.
COMPREHENSIONS = ("listcomp", "setcomp", "dictcomp", "genexpr")


def split_lines(source: str) -> list[str]:
    """Return the lines as Python counts them; `str.splitlines` ends a line at some other characters too."""
    return source.replace("\r\n", "\n").replace("\r", "\n").split("\n")


# Python 3.11 cannot build two trees at once: "AST constructor recursion depth mismatch".
_PARSING = threading.Lock()


# Every check of an exercise reads the same text.
@functools.lru_cache(maxsize=8)
def _statements(source: str) -> list[ast.stmt]:
    with _PARSING:
        return ast.parse(source).body


@functools.lru_cache(maxsize=8)
def _used_by_each(source: str) -> dict[ast.stmt, set[str]]:
    return {statement: used_names(ast.unparse(statement)) for statement in _statements(source)}


def find_stubs(source: str, names: Sequence[str]) -> dict[str, str]:
    """Return a sentence for each of `names` that is still `...`, and "" for each that the source never defines.

    Source that cannot be parsed has no stubs: running it says what is wrong.
    """
    last: dict[str, ast.stmt] = {}
    # What a loop, a condition or an `import *` may define is left to the run.
    unsure: set[str] = set()
    try:
        for statement in _statements(source):
            defined = _defined(statement)
            if defined is None:
                unsure |= may_define(statement, names)
            else:
                unsure -= set(defined)
                last |= dict.fromkeys(defined, statement)
    except UNREADABLE:
        return {}
    found = {name: _stub(name, last[name]) if name in last else "" for name in names if name not in unsure}
    return {name: sentence for name, sentence in found.items() if sentence or name not in last}


def defined_names(source: str) -> set[str]:
    """Return the names that a source surely defines at its top level; none where it cannot be parsed."""
    try:
        return {name for statement in _statements(source) for name in _defined(statement) or ()}
    except UNREADABLE:
        return set()


def used_names(source: str, at_once: bool = False) -> set[str]:
    """Return the global names that a source defines or refers to; `at_once`: before any of its functions is called.

    Raises SyntaxError.
    """
    found: set[str] = set()

    def visit(table: symtable.SymbolTable) -> None:
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_global() or (top and symbol.is_referenced()):
                found.add(symbol.get_name())
        for child in table.get_children():
            if not at_once or child.get_type() != "function" or child.get_name() in COMPREHENSIONS:
                visit(child)

    visit(symtable.symtable(source, "<source>", "exec"))
    return found


def part_for(source: str, names: Sequence[str]) -> str:
    """Return the source with all statements blanked that have no part in defining `names`; lines keep their numbers.

    So a check runs neither the other tasks nor the calls and figures around them. What cannot be parsed comes back
    whole.
    """
    try:
        used = _used_by_each(source)
    except UNREADABLE:
        return source
    wanted = set(names)
    lines: set[int] = set()
    kept: set[ast.stmt] = set()
    growing = True
    while growing:
        # Statements on one line stand and fall together.
        more = {
            node for node in used if node not in kept and (_belongs(node, wanted) or not lines.isdisjoint(_lines(node)))
        }
        wanted |= {name for node in more for name in used[node]}
        lines |= {number for node in more for number in _lines(node)}
        kept |= more
        growing = bool(more)
    return "\n".join(line if number in lines else "" for number, line in enumerate(split_lines(source), start=1))


def literal_of(source: str, name: str) -> Any:
    """Return the value of `name` where the source says it in plain digits and quotes, and nothing else.

    Raises ValueError where only running the source can tell.
    """
    try:
        match [statement for statement in _statements(source) if not _is_future(statement)]:
            case [ast.Assign(targets=[ast.Name(id=found)], value=value)] if found == name:
                return ast.literal_eval(value)
    except (*UNREADABLE, TypeError) as error:
        raise ValueError(f"`{name}` is no literal") from error
    raise ValueError(f"`{name}` is no literal")


def _belongs(node: ast.stmt, wanted: set[str]) -> bool:
    if _is_future(node):
        return True
    defined = _defined(node)
    if defined is None:
        return True
    return bool(wanted.intersection(defined or _changed(node)))


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _changed(node: ast.stmt) -> list[str]:
    """Return the name that a bare method call, such as `seen.append(1)`, may change; other calls only look."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner))):
            while isinstance(owner, ast.Attribute | ast.Subscript):
                owner = owner.value
            return [owner.id] if isinstance(owner, ast.Name) else []
    return []


def first_line(node: ast.stmt) -> int:
    """Return the number of a statement's first line, its decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _lines(node: ast.stmt) -> range:
    return range(first_line(node), (node.end_lineno or node.lineno) + 1)


def _defined(statement: ast.stmt) -> list[str] | None:
    """Return the names that a statement surely defines, or None where only running it can tell."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            return [name] if value else []
        case ast.AugAssign(target=ast.Name(id=name)):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            names = [alias.asname or alias.name.partition(".")[0] for alias in aliases]
            return None if "*" in names else names
        case ast.Expr() | ast.Assert():
            return [node.target.id for node in ast.walk(statement) if isinstance(node, ast.NamedExpr)]
        case ast.Pass():
            return []
    return None


def may_define(statement: ast.stmt, names: Sequence[str]) -> set[str]:
    """Return those of `names` that a statement may define when it runs. Raises SyntaxError."""
    if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
        return set(names)
    table = symtable.symtable(ast.unparse(statement), "<source>", "exec")
    inside = {symbol.get_name(): symbol for symbol in table.get_symbols()}
    return {name for name in names if name in inside and (inside[name].is_assigned() or inside[name].is_imported())}


def _stub(name: str, node: ast.stmt) -> str:
    match node:
        case ast.Assign(value=value) | ast.AnnAssign(value=value) if _is_dots(value):
            return f"`{name}` is still `...`: put your answer there."
        case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body) if _has_dots(body):
            return f"`{name}` still contains `...`: replace it with your code."
        case ast.ClassDef(body=body):
            if any(isinstance(part, ast.Expr) and _is_dots(part.value) for part in body):
                return f"`{name}` still contains `...`: replace it with your code."
            for part in body:
                if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and _has_dots(part.body):
                    return f"`{name}.{part.name}` still contains `...`: replace it with your code."
    return ""


def _is_dots(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _has_dots(body: list[ast.stmt]) -> bool:
    """Whether a statement of the body, at any depth, is a bare `...` or gives `...` to a name."""
    return any(
        isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign) and _is_dots(node.value)
        for statement in body
        for node in ast.walk(statement)
    )
