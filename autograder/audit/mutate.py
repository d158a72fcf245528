"""Small wrong versions of right code: one change each, as a slip of the hand would make it.

Written with `ast` alone. The operators that matter here (swapped pairs, rows for columns, dropped
arguments, axes) are in no library of mutation testing that could be called as one, and the changes
are made in the text itself, so that what is left stands as it was written.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Change = tuple[str, ast.AST, str]  # what is done, to which node, and the text that replaces it

BINARY: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div, ast.Mod),
    ast.Mod: (ast.FloorDiv,),
}
ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.MatMult)  # a and b exchanged is another number
COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
RENAMED = {
    "min": "max",
    "max": "min",
    "argmax": "argmin",
    "argmin": "argmax",
    "floor": "ceil",
    "ceil": "floor",
    "sum": "mean",
    "mean": "sum",
    "prod": "sum",
}
# Methods without which the value is another one, or the same one in the caller's memory.
DROPPED = ("copy", "transpose", "reshape", "astype", "T")
SYMMETRIC = ("min", "max", "set")
# A parameter of this name is a word for messages.
MESSAGE = "name"
# What these pass last may be left out.
OPTIONAL = ("slice", "range")
# Longer lines are shown around their change.
SHOWN, AROUND = 90, 30


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    function    the public or private function, at the top of the module, that is changed
    before      the changed lines as they were, on one line; `after` as they are
    """

    module: str
    function: str
    operator: str
    line: int
    before: str
    after: str
    source: str = field(repr=False)
    number: int = 1  # of those that look alike

    @property
    def identity(self) -> str:
        """What the change is, in words that outlive edits elsewhere in the module."""
        again = f" ({self.number})" if self.number > 1 else ""
        return f"{self.function}: {self.before} -> {self.after}{again}"

    @property
    def diff(self) -> str:
        place = f"{self.module}.py, line {self.line}: {self.operator}"
        return f"{place}\n- {self.before}\n+ {self.after}"


def mutants(module: str, source: str, known: Mapping[str, ast.FunctionDef]) -> Iterator[Mutant]:
    """Every mutant of a module's functions. `known` are the functions that it may call."""
    lines = source.splitlines(keepends=True)
    seen = {source}
    alike: dict[str, int] = {}
    for function in ast.parse(source).body:
        if not isinstance(function, ast.FunctionDef):
            continue
        for operator, node, text in _Changes(function, known).all():
            changed = _spliced(lines, node, text)
            if changed is None:
                continue
            before, after, whole = changed
            if whole in seen:
                continue
            seen.add(whole)
            line = node.lineno  # type: ignore[attr-defined]
            mutant = Mutant(module, function.name, operator, line, before, after, whole)
            alike[mutant.identity] = number = alike.get(mutant.identity, 0) + 1
            yield replace(mutant, number=number)


def _spliced(lines: Sequence[str], node: Any, text: str) -> tuple[str, str, str] | None:
    """The changed lines before and after, and the whole text; None if nothing is changed."""
    first, last = node.lineno - 1, node.end_lineno
    head = lines[first].encode()[: node.col_offset].decode()
    tail = lines[last - 1].encode()[node.end_col_offset :].decode()
    # Of a loop or condition that goes, the head is shown.
    shown = node.body[0].lineno - 1 if isinstance(node, ast.If | ast.For) else last
    before = _on_one_line("".join(lines[first : max(shown, first + 1)]))
    after = _on_one_line(f"{head}{text}{tail}")
    if before == after:
        return None
    before, after = _near_the_change(before, after)
    return before, after, "".join([*lines[:first], head, text, tail, *lines[last:]])


def _on_one_line(text: str) -> str:
    """Lines as one, written as `ast.unparse` would."""
    text = " ".join(text.split())
    return re.sub(r",? ([)\]}])", r"\1", re.sub(r"([(\[{]) ", r"\1", text))


def _common(a: str, b: str) -> int:
    """How many letters two texts begin with in common."""
    differing = (i for i, (c, d) in enumerate(zip(a, b, strict=False)) if c != d)
    return next(differing, min(len(a), len(b)))


def _near_the_change(before: str, after: str) -> tuple[str, str]:
    """Two long lines, cut to the words around the place where they differ."""
    if max(len(before), len(after)) <= SHOWN:
        return before, after
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    first = before.rfind(" ", 0, max(start - AROUND, 0)) + 1

    def shown(line: str) -> str:
        last = len(line) - end + AROUND
        last = len(line) if last >= len(line) else line.rfind(" ", 0, last)
        left, right = "... " * (first > 0), " ..." * (last < len(line))
        return f"{left}{line[first:last]}{right}"

    return shown(before), shown(after)


class _Changes:
    """All changes of one function, in the order of its text."""

    def __init__(self, function: ast.FunctionDef, known: Mapping[str, ast.FunctionDef]) -> None:
        self.function = function
        self.known = known
        self.parents = {
            child: node for node in ast.walk(function) for child in ast.iter_child_nodes(node)
        }
        self.siblings = dict(_siblings(function))
        self.filled_once = _filled_once(function)

    def all(self) -> Iterator[Change]:
        for statement in self.function.body:
            yield from self._of(statement)
        for default in self.function.args.defaults:
            yield from self._of(default)

    def _of(self, node: ast.AST) -> Iterator[Change]:
        if _is_text(node):
            return
        if isinstance(node, ast.stmt):
            yield from self._statement(node)
        for kind, operators in self._operators():
            if isinstance(node, kind):
                yield from operators(node)
        for child in ast.iter_child_nodes(node):
            if self._is_code(child, node):
                yield from self._of(child)

    def _operators(self) -> Iterator[tuple[Any, Callable[[Any], Iterator[Change]]]]:
        yield ast.Constant, self._constant
        yield ast.BinOp, self._arithmetic
        yield ast.UnaryOp, self._unary
        yield ast.Compare, self._comparison
        yield ast.BoolOp, self._logic
        yield ast.IfExp, self._choice
        yield ast.Call, self._call
        yield ast.Attribute, self._attribute
        yield ast.Slice, self._slice
        yield (ast.Tuple, ast.List), self._pair
        yield ast.Name, self._name

    def _is_code(self, child: ast.AST, node: ast.AST) -> bool:
        """Whether a part of a node is calculated with: no annotation, no word for messages."""
        if isinstance(node, ast.AnnAssign) and child is node.annotation:
            return False
        if isinstance(node, ast.arguments) and child not in node.defaults:
            return False
        if isinstance(node, ast.FunctionDef) and child is node.returns:
            return False
        return not (isinstance(node, ast.Call) and child in node.args[:1] and self._is_named(node))

    def _is_named(self, call: ast.Call) -> bool:
        """Whether the first argument is the word by which messages call the second."""
        called = self.known.get(call.func.id) if isinstance(call.func, ast.Name) else None
        return called is not None and [a.arg for a in called.args.args][:1] == [MESSAGE]

    # --- statements

    def _statement(self, node: ast.stmt) -> Iterator[Change]:
        if isinstance(node, ast.Assign | ast.AugAssign):
            yield from self._assignment(node)
        if self._can_go(node):
            yield "removed statement", node, "pass"

    def _can_go(self, node: ast.stmt) -> bool:
        if isinstance(node, ast.If | ast.For):
            # `elif` and `else` would need something to belong to.
            return not node.orelse and not self._is_elif(node)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            # Without its only assignment a name does not exist, and nothing at all works.
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [n for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
            stored = [n.id for n in names if isinstance(n.ctx, ast.Store)]
            bound = self._bound_before(node.lineno)
            if not all(name in bound for name in stored):
                return False
        elif not isinstance(node, ast.AugAssign | ast.Expr | ast.Return):
            return False
        parent = self.parents[node]
        alone = isinstance(parent, ast.If | ast.For) and len(parent.body) == 1
        return not alone or (isinstance(parent, ast.If) and node not in parent.body)

    def _is_elif(self, node: ast.stmt) -> bool:
        parent = self.parents[node]
        return isinstance(parent, ast.If) and parent.orelse == [node]

    def _bound_before(self, line: int) -> set[str]:
        bound = {argument.arg for argument in self.function.args.args}
        for node in ast.walk(self.function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound |= {node.id} if node.lineno < line else set()
        return bound

    def _assignment(self, node: ast.Assign | ast.AugAssign) -> Iterator[Change]:
        value = _text(node.value)
        if isinstance(node, ast.AugAssign):
            target = _text(node.target)
            yield "= for +=", node, f"{target} = {value}"
            for other in BINARY.get(type(node.op), ()):
                changed = ast.AugAssign(node.target, other(), node.value)
                yield "changed sign", node, _text(changed)
        elif len(node.targets) == 1:
            (target_node,) = node.targets
            target = _text(target_node)
            again = isinstance(target_node, ast.Name) and target in self._bound_before(node.lineno)
            cell = isinstance(target_node, ast.Subscript)
            # A cell that holds 0 and is set once: += does the same.
            if again or (cell and _root(target_node) not in self.filled_once):
                yield "+= for =", node, f"{target} += {value}"

    # --- expressions

    def _constant(self, node: ast.Constant) -> Iterator[Change]:
        value = node.value
        if isinstance(value, bool):
            yield "changed constant", node, repr(not value)
        elif isinstance(value, int):
            yield "off by one", node, repr(value + 1)
            yield "off by one", node, repr(value - 1)
        elif isinstance(value, float):
            yield "changed constant", node, repr(value * 2 or 1.0)
        elif isinstance(value, str):
            yield "changed constant", node, _text(ast.Constant(f"{value}_"))

    def _arithmetic(self, node: ast.BinOp) -> Iterator[Change]:
        left, right = node.left, node.right
        for other in BINARY.get(type(node.op), ()):
            yield "changed sign", node, _text(ast.BinOp(left, other(), right))
        if isinstance(node.op, ORDERED):
            yield "swapped operands", node, _text(ast.BinOp(right, node.op, left))
        if isinstance(node.op, ast.FloorDiv):
            minus = ast.UnaryOp(ast.USub(), left)
            up = ast.UnaryOp(ast.USub(), ast.BinOp(minus, ast.FloorDiv(), right))
            yield "rounded up", node, _text(up)
        for operand in (left, right):
            yield "dropped operand", node, _alone(operand, node)

    def _unary(self, node: ast.UnaryOp) -> Iterator[Change]:
        yield "dropped sign", node, _alone(node.operand, node)

    def _comparison(self, node: ast.Compare) -> Iterator[Change]:
        for i, operator in enumerate(node.ops):
            changed = copy.copy(node)
            changed.ops = [*node.ops[:i], COMPARED[type(operator)](), *node.ops[i + 1 :]]
            yield "changed comparison", node, _text(changed)

    def _logic(self, node: ast.BoolOp) -> Iterator[Change]:
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and for or", node, _text(ast.BoolOp(other, node.values))
        for i in range(len(node.values)):
            rest = [*node.values[:i], *node.values[i + 1 :]]
            less = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
            yield "dropped condition", node, _text(less)

    def _choice(self, node: ast.IfExp) -> Iterator[Change]:
        yield "dropped condition", node, _text(node.body)
        yield "dropped condition", node, _text(node.orelse)

    def _attribute(self, node: ast.Attribute) -> Iterator[Change]:
        if node.attr in RENAMED:
            renamed = ast.Attribute(node.value, RENAMED[node.attr], ast.Load())
            yield "another function", node, _text(renamed)
        if node.attr == "T":
            yield "transposed", node, _text(node.value)

    def _call(self, node: ast.Call) -> Iterator[Change]:
        name = _text(node.func)
        first = 1 if self._is_named(node) else 0
        if isinstance(node.func, ast.Name) and name in RENAMED:
            yield "another function", node.func, RENAMED[name]
        if isinstance(node.func, ast.Attribute) and node.func.attr in DROPPED:
            yield "dropped call", node, _text(node.func.value)
        for i, keyword in enumerate(node.keywords):
            if (name, keyword.arg) != ("zip", "strict"):
                rest = [*node.keywords[:i], *node.keywords[i + 1 :]]
                yield "dropped argument", node, _call(node, node.args, rest)
        if self._may_lose_its_last(node):
            yield "dropped argument", node, _call(node, node.args[:-1])
        if name in SYMMETRIC:
            if len(node.args) == 2:
                for argument in node.args:
                    yield "dropped call", node, _text(argument)
        else:
            for args in _swapped(node.args, first):
                yield "swapped arguments", node, _call(node, args)
        if name == "range":
            yield from _ends(node)

    def _may_lose_its_last(self, node: ast.Call) -> bool:
        """Whether a call without its last argument is still a call."""
        if len(node.args) < 2 or isinstance(node.args[-1], ast.Starred):
            return False
        if isinstance(node.func, ast.Attribute):
            return True
        name = _text(node.func)
        called = self.known.get(name)
        if called is None:
            return name in OPTIONAL
        parameters = [a.arg for a in called.args.args]
        optional = parameters[len(parameters) - len(called.args.defaults) :]
        return parameters[len(node.args) - 1] in optional

    def _slice(self, node: ast.Slice) -> Iterator[Change]:
        lower, upper, step = node.lower, node.upper, node.step
        if step is not None:
            yield "dropped step", node, _text(ast.Slice(lower, upper, None))
        if upper is not None:
            yield "dropped end", node, _text(ast.Slice(lower, None, step))
        if lower is not None and upper is not None:
            yield "dropped start", node, _text(ast.Slice(None, upper, step))
        for lower_, upper_ in _moved(lower, upper):
            yield "off by one", node, _text(ast.Slice(lower_, upper_, step))

    def _pair(self, node: ast.Tuple | ast.List) -> Iterator[Change]:
        parent = self.parents.get(node)
        if isinstance(parent, ast.keyword) and parent.arg == "axis":
            return  # a set of axes
        if isinstance(parent, ast.Compare):
            return  # a set of words
        if isinstance(parent, ast.Assign) and node is parent.value:
            target = parent.targets[0]
            if isinstance(target, ast.Tuple) and len(target.elts) == len(node.elts):
                return  # swapped in the names that are assigned to
        if isinstance(parent, ast.Assign) and node in parent.targets:
            values = getattr(parent.value, "elts", [])
            if len(values) > 1 and len({_text(value) for value in values}) == 1:
                return  # all get the same
        for elements in _swapped(node.elts):
            changed = copy.copy(node)
            changed.elts = list(elements)
            yield "swapped pair", node, _like(node, changed)

    def _name(self, node: ast.Name) -> Iterator[Change]:
        if isinstance(node.ctx, ast.Load) and node.id in self.siblings:
            yield "swapped name", node, self.siblings[node.id]


# --- small helpers


def _is_text(node: ast.AST) -> bool:
    """Docstrings, and the texts of error messages."""
    if isinstance(node, ast.Raise | ast.JoinedStr):
        return True
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _text(node: ast.AST) -> str:
    """A node's text, with the quotes that the project uses."""
    text = ast.unparse(node)
    return text if '"' in text else text.replace("'", '"')


def _alone(part: ast.expr, whole: ast.expr) -> str:
    """The text of an operand that takes the place of its operation."""
    text, among = _text(part), _text(whole)
    return text if among.startswith(text) or among.endswith(text) else f"({text})"


def _like(node: ast.Tuple | ast.List, changed: ast.Tuple | ast.List) -> str:
    """A tuple's text with or without its parentheses, as it was written."""
    text = _text(changed)
    bare = isinstance(node, ast.Tuple) and node.col_offset == node.elts[0].col_offset
    first_is_tuple = bool(node.elts) and isinstance(node.elts[0], ast.Tuple)
    if bare and not first_is_tuple:
        return text.removeprefix("(").removesuffix(")")
    return text


def _call(node: ast.Call, args: Sequence[ast.expr], keywords: Any = None) -> str:
    kept = node.keywords if keywords is None else keywords
    return _text(ast.Call(node.func, list(args), kept))


def _swapped(items: Sequence[ast.expr], first: int = 0) -> Iterator[list[ast.expr]]:
    """The items with two neighbours exchanged, for each two of them that differ."""
    for i in range(first, len(items) - 1):
        a, b = items[i], items[i + 1]
        if _text(a) != _text(b):
            yield [*items[:i], b, a, *items[i + 2 :]]


def _moved(
    lower: ast.expr | None, upper: ast.expr | None
) -> Iterator[tuple[ast.expr | None, ast.expr | None]]:
    """The ends of a slice, one of them off by one; constants are changed for themselves."""
    for other in (ast.Add(), ast.Sub()):
        if upper is not None and not isinstance(upper, ast.Constant):
            yield lower, ast.BinOp(upper, other, ast.Constant(1))
        if lower is not None and not isinstance(lower, ast.Constant):
            yield ast.BinOp(lower, other, ast.Constant(1)), upper


def _ends(node: ast.Call) -> Iterator[Change]:
    """The ends of a range, off by one."""
    if len(node.args) == 1:
        yield "off by one", node, _call(node, [ast.Constant(1), *node.args])
    at = min(len(node.args) - 1, 1)
    for other in (ast.Add(), ast.Sub()):
        args = list(node.args)
        args[at] = ast.BinOp(args[at], other, ast.Constant(1))
        yield "off by one", node, _call(node, args)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _filled_once(function: ast.FunctionDef) -> set[str]:
    """Arrays that begin as zeros and are only assigned to, and new dictionaries."""
    made = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            if isinstance(value, ast.Call) and _text(value.func) == "np.zeros":
                made.add(node.targets[0].id)
    return made


def _siblings(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Names that are taken for each other: rows and columns of one thing.

    They are the last two names of a pair or shape that is unpacked, the counters of two nested
    loops, and two names in a row that are results of the same function.
    """
    for node in ast.walk(function):
        if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store):
            last = node.elts[-2:]
            if len(node.elts) in (2, 4) and all(isinstance(n, ast.Name) for n in last):
                yield from _both(*(_text(n) for n in last))
        if isinstance(node, ast.For) and isinstance(node.body[0], ast.For):
            yield from _both(_text(node.target), _text(node.body[0].target))
        body = getattr(node, "body", [])
        if isinstance(body, list):
            yield from _results_in_a_row(body)


def _both(a: str, b: str) -> Iterator[tuple[str, str]]:
    if a.isidentifier() and b.isidentifier() and "_" not in (a, b):
        yield a, b
        yield b, a


def _results_in_a_row(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    called = []
    for statement in body:
        made = isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)
        called.append(_text(statement.value.func) if made else "")  # type: ignore[attr-defined]
    for i in range(len(body) - 1):
        pair = called[i] == called[i + 1] != ""
        longer = called[i] in (*called[i + 2 : i + 3], *called[max(i - 1, 0) : i])
        if pair and not longer:
            a, b = body[i], body[i + 1]
            assert isinstance(a, ast.Assign)
            assert isinstance(b, ast.Assign)
            yield from _both(_text(a.targets[0]), _text(b.targets[0]))
