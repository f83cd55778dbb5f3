"""Gather a learner's functions and values from a live notebook, with the names they refer to, as one Python text."""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import re
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fortyfive.grading.literal import CannotTravelError, literal
from fortyfive.grading.source import UNREADABLE, first_line, may_define, split_lines, used_names
from fortyfive.grading.submission import Submission

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def collect(namespace: Mapping[str, Any], names: Iterable[str]) -> Submission:
    """Return a submission that defines those of `names` that `namespace` has, and whatever they refer to there."""
    gathering = _Gathering(namespace)
    for name in names:
        gathering.add(name)
    # An annotation may name what cannot travel; as text it harms nothing.
    source = ["from __future__ import annotations", *gathering.imports(), *gathering.pieces.values()]
    return Submission(source="\n\n".join(source) + "\n", left_behind=gathering.left_behind)


class _Gathering:
    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.namespace = namespace
        self.pieces: dict[str, str] = {}
        self.modules: dict[str, str] = {}
        self.left_behind: dict[str, str] = {}
        self.seen: set[str] = set()

    def add(self, name: str) -> None:
        value = self.namespace.get(name, vars(builtins).get(name))
        if name in self.seen or (name not in self.namespace and not _is_of_notebook(value)):
            return
        self.seen.add(name)
        try:
            piece = self._piece(name, value)
            at_once, later = used_names(piece, at_once=True), used_names(piece)
        except CannotTravelError as error:
            self.left_behind[name] = str(error)
            return
        except Exception:  # noqa: BLE001 - a learner's object may answer any question with an error
            self.left_behind[name] = f"`{name}` could not be read from this notebook: use plain functions and values."
            return
        for other in sorted(at_once):
            self.add(other)
        if piece:
            self.pieces[name] = piece
        for other in sorted(later):
            self.add(other)

    def imports(self) -> Iterator[str]:
        """Yield an import for each module, with those of its submodules that the pieces use."""
        chains = list(_attribute_chains("\n\n".join(self.pieces.values())))
        for name, module in sorted(self.modules.items()):
            used = (f"{module}.{'.'.join(chain[1:])}" for chain in chains if chain[0] == name)
            # A submodule is imported under the same name, which the module itself then takes.
            wanted = [*sorted({path for path in used if path in sys.modules}), module]
            yield "import " + ", ".join(f"{path} as {name}" for path in wanted)

    def _piece(self, name: str, value: Any) -> str:
        """Return Python text that defines `name` as `value`, or "" for a module. Raises CannotTravelError."""
        if _is_of_notebook(value):
            raise CannotTravelError(f"`{name}` belongs to the notebook, and the grader has none: do without it.")
        if issubclass(type(value), types.ModuleType):
            self.modules[name] = _module_name(name, value)
            return ""
        if callable(stands_for := getattr(type(value), "as_submission", None)):
            value = stands_for(value)  # a drawing board, for one, is graded as its text
        if not callable(value):
            return f"{name} = {literal(name, value)}"
        target = inspect.unwrap(value)
        if getattr(target, "__module__", None) == "__main__":
            found = _class_source(name, target) if isinstance(target, type) else _function_source(name, target)
            return found or self._from_history(name, target)
        if home := _home(value):
            return f"from {_not_local(name, home[0])} import {home[1]} as {name}"
        return self._from_history(name, target)

    def _from_history(self, name: str, target: Any) -> str:
        """Return the definition in the cells run so far of what its file does not show: a class without methods, a
        function that a decorator has replaced, or one of a `%%time` cell. Raises CannotTravelError.
        """
        wanted = target.__name__ if isinstance(target, type) else name
        history = self.namespace.get("_ih", ())
        for cell in reversed(history) if type(history) is list else ():
            text = _without_magic(cell)
            if wanted not in text:
                continue
            # The cell that was run last says what the name means, or else none does.
            tree = _parse(text)
            for statement in reversed(tree.body if tree else []):
                if may_define(statement, [wanted]):
                    return _from_statement(name, target, text, statement)
            if not tree:
                break
        raise _not_found(name, target)


def _is_of_notebook(value: object) -> bool:
    module = getattr(value, "__module__", None)
    return isinstance(module, str) and module.partition(".")[0] in ("IPython", "ipykernel")


def _attribute_chains(source: str) -> Iterator[list[str]]:
    """Yield `["a", "b", "c"]` for each `a.b.c` in a source."""
    for start in ast.walk(ast.parse(source)):
        node, chain = start, []
        while isinstance(node, ast.Attribute):
            chain.append(node.attr)
            node = node.value
        if chain and isinstance(node, ast.Name):
            yield [node.id, *reversed(chain)]


def _module_name(name: str, module: types.ModuleType) -> str:
    if module.__name__ == "__main__" or sys.modules.get(module.__name__) is not module:
        raise CannotTravelError(f"`{name}` is a module that only this notebook can reach: import one from a file.")
    return _not_local(name, module.__name__)


def _not_local(name: str, module: str) -> str:
    """Return `module`. Raises CannotTravelError where it is a learner's own file."""
    top = module.partition(".")[0]
    file = getattr(sys.modules.get(module), "__file__", None)
    installed = not file or "site-packages" in file or "dist-packages" in file
    if top in sys.stdlib_module_names or top == "fortyfive" or installed:
        return module
    raise CannotTravelError(
        f"`{name}` comes from your own file {module}.py, which the grader does not see: define it in the notebook."
    )


def _home(value: Any) -> tuple[str, str] | None:
    """Return the module and the name under which a function or class can be imported, if there is such a place."""
    # `random.random` is a method of an object that its module keeps.
    module = getattr(value, "__module__", None) or type(getattr(value, "__self__", None)).__module__
    attribute = getattr(value, "__qualname__", "").rpartition(".")[2]
    found = getattr(sys.modules.get(module), attribute, None)
    return (module, attribute) if module != "__main__" and found is value else None


def _function_source(name: str, function: Any) -> str:
    """Return the definition of a function by its place in its cell; "" where it is not there."""
    if not isinstance(function, types.FunctionType) or function.__closure__:
        return ""
    text = "".join(linecache.getlines(function.__code__.co_filename))
    tree = _parse(text) or ast.Module([], [])
    line = function.__code__.co_firstlineno
    if function.__name__ == "<lambda>":
        return _lambda_source(name, function, tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or first_line(node) != line:
            continue
        if node in tree.body:
            return _definition(name, text, node)
        if function.__qualname__ == node.name:  # below an `if` or a `with`, and so indented
            node.name = name
            return ast.unparse(node)
    return ""


def _lambda_source(name: str, function: types.FunctionType, tree: ast.Module) -> str:
    line = function.__code__.co_firstlineno
    on_line = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda) and node.lineno == line]
    same = {ast.unparse(node) for node in on_line if len(on_line) == 1 or _is_code_of(node, function.__code__)}
    return f"{name} = {same.pop()}" if len(same) == 1 else ""


def _is_code_of(node: ast.Lambda, code: types.CodeType) -> bool:
    """Whether a lambda's text compiles to this code, and so may stand for it."""
    expression = ast.fix_missing_locations(ast.Expression(node))
    compiled = compile(expression, code.co_filename, "eval")
    # Defaults may hold code too, and come before it.
    made = [const for const in compiled.co_consts if isinstance(const, types.CodeType)][-1]
    parts = ("co_code", "co_names", "co_varnames", "co_argcount", "co_kwonlyargcount", "co_posonlyargcount")
    return all(getattr(made, part) == getattr(code, part) for part in parts) and _consts(made) == _consts(code)


def _consts(code: types.CodeType) -> list[tuple[type, object]]:
    return [(type(const), const) for const in code.co_consts if not isinstance(const, types.CodeType)]


def _class_source(name: str, cls: type) -> str:
    """Return the definition of a class by the place of a method that was written in it; "" where it has none."""
    for member in vars(cls).values():
        function = getattr(member, "__func__", getattr(member, "fget", member))
        if not isinstance(function, types.FunctionType) or function.__module__ != "__main__":
            continue
        line = function.__code__.co_firstlineno
        text = "".join(linecache.getlines(function.__code__.co_filename))
        tree = _parse(text) or ast.Module([], [])
        classes = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls.__name__)
        if node := next((node for node in classes if node.lineno <= line <= (node.end_lineno or 0)), None):
            return _definition(name, text, node)
    return ""


def _from_statement(name: str, target: Any, text: str, statement: ast.stmt) -> str:
    match statement:
        case ast.ClassDef() if isinstance(target, type):
            return _definition(name, text, statement)
        case ast.Assign(targets=[ast.Name()], value=ast.Call() as made) if isinstance(target, type):
            return f"{name} = {ast.unparse(made)}"  # a namedtuple, or an Enum made by a call
        case ast.FunctionDef() | ast.AsyncFunctionDef() if not isinstance(target, type):
            timed = isinstance(target, types.FunctionType) and target.__code__.co_filename == "<timed exec>"
            if statement.decorator_list or timed:
                return _definition(name, text, statement)
    raise _not_found(name, target)


def _without_magic(cell: object) -> str:
    """Return the text that a cell runs, also below a magic such as `%%time`; "" for what is no cell."""
    match _parse(cell) if isinstance(cell, str) else None:
        case ast.Module(
            body=[
                ast.Expr(
                    value=ast.Call(
                        func=ast.Attribute(attr="run_cell_magic"),
                        args=[ast.Constant(value="time" | "capture"), _, ast.Constant(value=str(body))],
                    )
                )
            ]
        ):
            return body
    return cell if isinstance(cell, str) else ""


def _not_found(name: str, target: Any) -> CannotTravelError:
    plain = f"write it as a plain `def {name}(...)` at the top level of a cell"
    if isinstance(target, type):
        why = f"The source of the class `{name}` was not found: write `class {name}:` at the top level of a cell"
    elif not isinstance(target, types.FunctionType):
        why = f"`{name}` is an object of the kind {type(target).__name__}, which cannot travel to the grader: {plain}"
    elif target.__closure__:
        variables = ", ".join(f"`{variable}`" for variable in target.__code__.co_freevars)
        why = f"`{name}` was made inside another function and remembers its variables ({variables}): {plain}"
    else:
        why = f"The source of `{name}` was not found: {plain}"
    return CannotTravelError(f"{why}, run that cell, and check again.")


def _parse(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except UNREADABLE:
        return None


def _definition(name: str, text: str, node: Definition) -> str:
    """Return the lines of a definition, which now defines `name`."""
    start = first_line(node)
    lines = split_lines(text)[start - 1 : node.end_lineno]
    if name != node.name:
        # Within it the old name still means what the notebook means by it, which may be another function.
        at = node.lineno - start
        lines[at] = re.sub(rf"\b(def|class)(\s+){node.name}\b", rf"\g<1>\g<2>{name}", lines[at], count=1)
    return "\n".join(lines)
