"""One function's result as HTML in a notebook: the finding of the terminal, arrays as pictures.

Notebooks are light or dark: text and lines take the notebook's own colour, fills are translucent,
and what a fill says is said by a frame or in words too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.compare import number
from autograder.report.html import (
    MAX_MESSAGE,
    _law,
    _printed,
    _text,
    _value,
    environment,
)
from autograder.report.terminal import WORDS, Depth, _numbers, deeper, findings
from autograder.report.text import points, visible
from autograder.tolerance import arrays_of
from autograder.verdict import Counterexample, ExerciseResult, LawResult
from autograder.working import Step

Cell = tuple[int, ...]
# A larger picture is no picture: such an array is written as a line.
MAX_GRIDS = 12
MAX_SIDE = 12
MAX_DIGITS = 8
UNIT = 30  # the height of a cell in pixels


@dataclass(frozen=True)
class Square:
    """A cell of a drawn grid: its place in pixels, its number and what is marked."""

    x: int
    y: int
    text: str
    read: bool
    wrong: bool
    shown: bool


@dataclass(frozen=True)
class Grid:
    """Two axes of an array as a picture."""

    caption: str
    width: int
    height: int
    side: int
    squares: tuple[Square, ...]
    unit: int = UNIT


@dataclass(frozen=True)
class Picture:
    """A counterexample: arrays as grids, the rest as lines."""

    inputs: tuple[Grid, ...]
    outputs: tuple[Grid, ...]
    others: tuple[tuple[str, str], ...]
    marks_reads: bool


def result_html(
    result: ExerciseResult, level: str, hint: bool, explain: bool, graded: bool = False
) -> str:
    """The result with its first finding; the rest by `hint` and `explain`, as in the terminal.

    `graded`: it is read after the hand-in, and the cells around it cannot be run again.
    """
    found = findings(result)
    depth = Depth.EXPLANATION if explain else Depth.HINT if hint else Depth.SYMPTOM
    law = found[0] if found else None
    example = law.counterexample if law else None
    yours, expected = _numbers(example) if example and example.where else ("", "")
    return (
        environment()
        .get_template("notebook.html")
        .render(
            name=result.name,
            score=points(result.score),
            max_score=points(result.max_score),
            passed=result.passed,
            attempted=result.attempted,
            laws=[_law(entry) for entry in result.laws],
            law=law,
            message=_message(law) if law else "",
            picture=_picture(example, explain) if example else None,
            where=example.where if example else "",
            yours=_text(yours, MAX_MESSAGE),
            expected=expected,
            printed=_printed(example),
            hint=depth >= Depth.HINT,
            steps=_steps(example, yours, expected) if explain and example else (),
            explain=explain,
            graded=graded,
            deeper=deeper(found[:1], depth).removeprefix("--"),
            rest=len(found) - 1,
            weak=level == "weak",
            snippet=visible(example.snippet) if example else "",
        )
    )


def _message(law: LawResult) -> str:
    """What happened, where the cell that is shown does not say it."""
    text = _text(law.message, MAX_MESSAGE)
    if law.status in WORDS:
        return f"{WORDS[law.status]}: {text}"
    example = law.counterexample
    return "" if example is not None and example.where else text


def _steps(example: Counterexample, yours: str, expected: str) -> tuple[Step, ...]:
    if not example.steps:
        return ()
    *before, last = example.steps
    return (*before, Step(last.what, last.numbers, expected), Step("yours", "", yours))


# --- the picture


def _picture(example: Counterexample, explain: bool) -> Picture:
    read = _read(example) if explain else {}
    inputs: list[Grid] = []
    others: list[tuple[str, str]] = []
    for name, value in _entries(example.arguments):
        grids = list(_grids(name, value, read.get(name, set())))
        if grids and len(inputs) + len(grids) <= MAX_GRIDS:
            inputs += grids
        else:
            others.append((name, _value(value)))
    name = example.where.partition("[")[0]
    wrong = _differing(example.yours, example.expected)
    outputs: list[Grid] = []
    for title, value in (("yours", example.yours), ("expected", example.expected)):
        caption = f"{name}, {title}" if name else title
        grids = list(_grids(caption, value, set(), wrong, example.index))
        if grids and len(grids) <= MAX_GRIDS:
            outputs += grids
        elif not example.where and value is not None:
            others.append((title, _value(value)))
    return Picture(
        tuple(inputs),
        tuple(outputs),
        tuple(others),
        any(square.read for grid in inputs for square in grid.squares),
    )


def _entries(arguments: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The arguments; of a dictionary or list of arrays each entry."""
    for name, value in arguments.items():
        if isinstance(value, dict | list) and arrays_of(value):
            keys = value.items() if isinstance(value, dict) else enumerate(value)
            yield from _entries({f"{name}[{key!r}]": entry for key, entry in keys})
        else:
            yield _text(name, MAX_MESSAGE), value


def _read(example: Counterexample) -> dict[str, set[Cell]]:
    """The cells that the arithmetic names, such as x[0,1], by argument."""
    found: dict[str, set[Cell]] = {}
    for step in example.steps:
        for name, index in re.findall(r"(\w+)\[(\d+(?:,\d+)*)\]", step.what):
            found.setdefault(name, set()).add(tuple(map(int, index.split(","))))
    return found


def _differing(yours: Any, expected: Any) -> set[Cell]:
    both = isinstance(yours, np.ndarray) and isinstance(expected, np.ndarray)
    if not both or yours.shape != expected.shape or yours.dtype.kind not in "biuf":
        return set()
    differ = ~np.isclose(yours, expected, equal_nan=True)
    return {tuple(int(i) for i in place) for place in np.argwhere(differ)}


def _grids(
    name: str,
    value: Any,
    read: Set[Cell],
    wrong: Set[Cell] = frozenset(),
    shown: Cell | None = None,
) -> Iterator[Grid]:
    """A picture for every two-dimensional part of an array that is small enough."""
    if not isinstance(value, np.ndarray) or value.ndim == 0 or not value.size:
        return
    if max(value.shape[-2:]) > MAX_SIDE or value.dtype.kind not in "biuf":
        return
    lead = value.shape[:-2]
    texts = {cell: _short(value[cell]) for cell in np.ndindex(value.shape)}
    side = max(UNIT, 9 * max(map(len, texts.values())) + 10)
    rows, columns = (1, *value.shape)[-2:] if value.ndim == 1 else value.shape[-2:]
    for part in np.ndindex(lead):
        squares = []
        for i, j in np.ndindex(rows, columns):
            cell = (j,) if value.ndim == 1 else (*part, i, j)
            marks = cell in read, cell in wrong or cell == shown, cell == shown
            squares.append(Square(1 + j * side, 1 + i * UNIT, texts[cell], *marks))
        index = f"[{','.join(map(str, part))}]" if np.prod(lead) > 1 else ""
        caption = f"{name}{index}" if index else f"{name} {value.shape}"
        yield Grid(caption, columns * side + 2, rows * UNIT + 2, side, tuple(squares))


def _short(value: Any) -> str:
    text = number(value.item()) if value.dtype.kind == "f" else str(value)
    return text if len(text) <= MAX_DIGITS else f"{float(value):.3g}"
