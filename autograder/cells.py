"""A notebook's code cells as a module: the definitions in them, and where each line stands.

Cells hold experiments too, which must not run when functions are judged; and magics, which are no
Python. What a cell put out is never looked at.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import warnings
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


class BadCells(ValueError):
    """A notebook that cannot be read; the message goes on after its name."""


@dataclass(frozen=True)
class Place:
    """A statement: its first line in the module, and where that stands in the notebook."""

    line: int
    cell: int
    line_in_cell: int


@dataclass(frozen=True)
class CellSource:
    """The module; `left_out` has a line for each cell that is no Python."""

    text: str
    places: tuple[Place, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    node: ast.stmt
    cell: int
    text: str  # of the whole cell


def code_cells(content: bytes) -> list[str]:
    """The text of a notebook's code cells."""
    try:
        cells = json.loads(content.decode("utf-8-sig"))["cells"]
        return ["".join(cell["source"]) for cell in cells if cell.get("cell_type") == "code"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadCells("is no readable notebook") from error


def module_of(cells: Sequence[str], most: int, modules: frozenset[str] = frozenset()) -> CellSource:
    """The definitions in cells of at most so many characters.

    `modules` are those of the same submission, which can be imported too.
    """
    if sum(map(len, cells)) > most:
        raise BadCells(f"holds more than {most // 1024} KiB of code")
    statements: list[Statement] = []
    left_out: list[str] = []
    for number, cell in enumerate(cells, 1):
        try:
            statements += _statements(cell, number)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None) or 1
            why = getattr(error, "msg", None) or "it cannot be parsed"
            left_out.append(f"code cell {number} is left out: line {line} is no Python ({why})")
    texts: list[str] = []
    places: list[Place] = []
    line = 1
    for text, statement in _definitions(statements, modules):
        if text is None:
            left_out.append(f"a statement in code cell {statement.cell} is nested too deeply")
            continue
        places.append(Place(line, statement.cell, _first_line(statement.node)))
        texts.append(text)
        line += text.count("\n") + 2
    return CellSource("\n\n".join(texts), tuple(places), tuple(left_out))


def in_cells(message: str, places: Mapping[str, Sequence[Place]]) -> str:
    """A message in which lines of such modules are those of their cells."""

    def told(found: re.Match[str]) -> str:
        if not (known := places.get(found[1])):
            return found[0]
        at = bisect_right([place.line for place in known], int(found[2])) - 1
        place = known[max(at, 0)]
        return f"code cell {place.cell}, line {int(found[2]) - place.line + place.line_in_cell}"

    return re.sub(r"(?m)^exercises/(\w+)\.py, line (\d{1,9})\b", told, message)


def _statements(cell: str, number: int) -> list[Statement]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes such as "\d", which are the student's affair
        try:
            body = ast.parse(cell).body
        except SyntaxError:
            # Magics and shell commands are no Python; but a line that begins with % may be.
            cell = re.sub(r"(?m)^[ \t]*[%!?].*$", "", cell)
            body = ast.parse(cell).body
    return [Statement(node, number, cell) for node in body]


def _definitions(
    statements: Sequence[Statement], modules: frozenset[str]
) -> Iterator[tuple[str | None, Statement]]:
    """Imports that the worker has, functions, classes and constants: not the cells' experiments."""
    own = {s.node.name for s in statements if isinstance(s.node, ast.FunctionDef)}
    # Python wants imports from __future__ first.
    for statement in sorted(statements, key=lambda s: not _is_future(s.node)):
        node = statement.node
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = [node.module] if isinstance(node, ast.ImportFrom) else _names(node)
            tops = {(module or "").partition(".")[0] for module in named}
            if tops <= sys.stdlib_module_names | {"numpy"} | modules:
                yield _unparsed(node), statement
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            if node.value is None or _calls(node.value, own):
                continue
            # A constant that cannot be had (of data, of a plot) must not take the functions along.
            handler = ast.ExceptHandler(type=ast.Name("Exception"), body=[ast.Pass()])
            tried = ast.Try(body=[node], handlers=[handler], orelse=[], finalbody=[])
            yield _unparsed(tried), statement
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            # As it was written: its lines are those of the cell.
            lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", statement.text)
            text = "".join(lines[_first_line(node) - 1 : node.end_lineno]).rstrip("\r\n")
            yield (text if _stands_alone(text) else _unparsed(node)), statement


def _unparsed(node: ast.stmt) -> str | None:
    try:
        return ast.unparse(ast.fix_missing_locations(node))
    except RecursionError:
        return None


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _names(node: ast.Import) -> list[str]:
    return [alias.name for alias in node.names]


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _stands_alone(text: str) -> bool:
    """Not where another statement is on the first or last line."""
    try:
        return len(ast.parse(text).body) == 1
    except SyntaxError:
        return False


def _calls(expression: ast.expr, names: set[str]) -> bool:
    """Whether evaluating an expression calls one of the functions of these names."""
    if isinstance(expression, ast.Lambda):
        return False
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
        for node in ast.walk(expression)
    )
