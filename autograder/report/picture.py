"""A counterexample as a picture: arrays as heat maps with their numbers, the rest as lines.

Notebooks and pages draw the same. They are light or dark: text and lines take their colour, fills
are translucent, and what matters is said by a frame or a marked corner, never by a colour alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any

import numpy as np

from autograder.compare import number
from autograder.report.text import shortened, value
from autograder.tolerance import arrays_of
from autograder.verdict import MAX_VALUES, Counterexample

Cell = tuple[int, ...]
# A larger picture is no picture: such an array is written as a line. Of one with more than
# MAX_VALUES numbers, results.json has no more than that.
MAX_GRIDS = 12
MAX_SIDE = 32
MAX_SQUARES = 800
# Numbers stand in the cells where so many cells stand side by side, in so many pixels.
MAX_NUMBERS_SIDE = 12
MAX_WIDTH = 480
MAX_DIGITS = 8
UNIT = 30  # the height of a cell in pixels, and of one without a number
SMALL_UNIT = 10
CORNER = 0.3  # of a cell's height: the mark of a cell that is wrong
# Text that a page can take: an argument's name, a value in a line.
MAX_NAME = 100
MAX_VALUE = 200
MAX_NAMED_CELLS = 8

# Blue above zero, orange below: both can be told apart by people who see no red or green.
POSITIVE, NEGATIVE = "#0072b2", "#e67800"
FAINT, STRONG = 0.08, 0.45  # opacity: text on either is readable on light and on dark


@dataclass(frozen=True)
class Square:
    """A cell of a drawn grid: its place in pixels, its number and what is marked."""

    x: int
    y: int
    text: str
    fill: str
    opacity: float
    read: bool
    wrong: bool
    shown: bool


@dataclass(frozen=True)
class Grid:
    """Two axes of an array. `label` says the picture in words."""

    caption: str
    label: str
    width: int
    height: int
    side: int
    unit: int
    squares: tuple[Square, ...]

    @property
    def corner(self) -> float:
        return round(CORNER * self.unit, 1)


# An array: a row of grids an image, a grid a channel.
Drawn = tuple[tuple[Grid, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A counterexample: arrays as grids, the rest as lines."""

    inputs: tuple[Drawn, ...]
    outputs: tuple[Drawn, ...]
    others: tuple[tuple[str, str], ...]
    results: tuple[tuple[str, str], ...]
    marks_reads: bool
    marks_wrong: bool
    marks_shown: bool


def picture(example: Counterexample, reads: bool) -> Picture:
    """The drawing; with `reads` also the cells are marked that the arithmetic reads."""
    read = _read(example) if reads else {}
    inputs: list[Drawn] = []
    others: list[tuple[str, str]] = []
    room = MAX_SQUARES
    for name, given in entries(example.arguments):
        drawn = draw(name, given, read.get(name, set()))
        if drawn and grids(inputs) + grids([drawn]) <= MAX_GRIDS and squares(drawn) <= room:
            inputs.append(drawn)
            room -= squares(drawn)
        else:
            others.append((name, line(given)))
    name = example.where.partition("[")[0]
    wrong = differing(example.yours, example.expected)
    outputs: list[Drawn] = []
    results: list[tuple[str, str]] = []
    scale = _scale(example.expected) or _scale(example.yours)
    for title, given in (("yours", example.yours), ("expected", example.expected)):
        caption = f"{name}, {title}" if name else title
        drawn = draw(caption, given, set(), wrong, example.index, scale)
        if drawn and grids([drawn]) <= MAX_GRIDS and squares(drawn) <= MAX_SQUARES // 2:
            outputs.append(drawn)
        elif not example.where and given is not None:
            results.append((title, line(given)))
    cells = [s for drawn in (*inputs, *outputs) for row in drawn for g in row for s in g.squares]
    return Picture(
        tuple(inputs),
        tuple(outputs),
        tuple(others),
        tuple(results) if len(results) + len(outputs) == 2 else (),
        any(s.read for s in cells),
        any(s.wrong for s in cells),
        any(s.shown for s in cells),
    )


def grids(arrays: list[Drawn]) -> int:
    return sum(len(row) for drawn in arrays for row in drawn)


def squares(drawn: Drawn) -> int:
    return sum(len(grid.squares) for row in drawn for grid in row)


def line(given: Any) -> str:
    """An argument or a result in a line; a large array by its outline or its shape alone."""
    return shortened(value(given), MAX_VALUE)


def entries(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The arguments; of a dictionary, list or tuple of arrays each entry."""
    for name, given in arguments.items():
        if isinstance(given, dict | list | tuple) and arrays_of(given):
            keys = given.items() if isinstance(given, dict) else enumerate(given)
            yield from entries({f"{name}[{key!r}]": entry for key, entry in keys})
        else:
            yield shortened(name, MAX_NAME), given


def _read(example: Counterexample) -> dict[str, set[Cell]]:
    """The cells that the arithmetic names, such as x[0,1], by argument."""
    found: dict[str, set[Cell]] = {}
    for step in example.steps:
        for name, index in re.findall(r"(\w+)\[(\d+(?:,\d+)*)\]", step.what):
            found.setdefault(name, set()).add(tuple(map(int, index.split(","))))
    return found


def differing(yours: Any, expected: Any) -> set[Cell]:
    """The cells in which two results of one shape differ."""
    both = isinstance(yours, np.ndarray) and isinstance(expected, np.ndarray)
    if not both or yours.shape != expected.shape or yours.dtype.kind not in "biuf":
        return set()
    differ = ~np.isclose(yours, expected, equal_nan=True)
    return {tuple(int(i) for i in place) for place in np.argwhere(differ)}


def draw(
    name: str,
    given: Any,
    read: Set[Cell],
    wrong: Set[Cell] = frozenset(),
    shown: Cell | None = None,
    scale: float = 0,
) -> Drawn:
    """A picture for every two-dimensional part of an array that is small enough; else nothing."""
    if not isinstance(given, np.ndarray) or given.ndim == 0 or not given.size:
        return ()
    lead, (rows, columns) = given.shape[:-2], (1, *given.shape)[-2:]
    # Not one square is made of what is too large.
    if max(rows, columns) > MAX_SIDE or given.size > MAX_VALUES or prod(lead) > MAX_GRIDS:
        return ()
    if given.dtype.kind not in "biuf":
        return ()
    texts, side = _texts(given, rows, columns)
    unit = UNIT if texts else SMALL_UNIT
    scale = scale or _scale(given)
    images: dict[Cell, list[Grid]] = {}
    for part in np.ndindex(lead):
        made = []
        for i, j in np.ndindex(rows, columns):
            cell = (j,) if given.ndim == 1 else (*part, i, j)
            fill, opacity = _heat(given[cell], scale)
            marks = cell in read, cell in wrong or cell == shown, cell == shown
            place = 1 + j * side, 1 + i * unit
            made.append(Square(*place, texts.get(cell, ""), fill, opacity, *marks))
        index = f"[{','.join(map(str, part))}]" if prod(lead) > 1 else ""
        caption = f"{name}{index}" if index else f"{name} {given.shape}"
        marked = {*wrong, shown} if shown is not None else set(wrong)
        here = sorted(cell for cell in marked if cell[: len(part)] == part)
        label = _label(caption, given[part] if part else given, here)
        size = columns * side + 2, rows * unit + 2
        images.setdefault(part[:-1], []).append(
            Grid(caption, label, *size, side, unit, tuple(made))
        )
    return tuple(tuple(row) for row in images.values())


def _texts(given: np.ndarray, rows: int, columns: int) -> tuple[dict[Cell, str], int]:
    """The numbers, where there is room for them, and the width of a cell."""
    if max(rows, columns) <= MAX_NUMBERS_SIDE:
        for digits in (MAX_DIGITS, 0):
            texts = {cell: _short(given[cell], digits) for cell in np.ndindex(given.shape)}
            side = max(UNIT, 9 * max(map(len, texts.values())) + 10)
            if columns * side <= MAX_WIDTH or columns == 1:
                return texts, side
    return {}, SMALL_UNIT


def _short(given: Any, digits: int) -> str:
    text = number(given.item()) if given.dtype.kind == "f" else str(given)
    return text if len(text) <= max(digits, 4) else f"{float(given):.3g}"


def _scale(given: Any) -> float:
    """The largest finite number of an array, by its size."""
    if not isinstance(given, np.ndarray) or given.dtype.kind not in "biuf" or not given.size:
        return 0
    sizes = np.abs(given.astype(np.float64))
    return float(np.max(sizes, where=np.isfinite(sizes), initial=0))


def _heat(given: Any, scale: float) -> tuple[str, float]:
    """A cell's fill: its hue tells the sign, its opacity the size. Zero and NaN have none."""
    size = float(given)
    if not isfinite(size) or not size or not scale:
        return "none", 0
    share = min(abs(size) / scale, 1)
    return POSITIVE if size > 0 else NEGATIVE, round(FAINT + (STRONG - FAINT) * share, 2)


def _label(caption: str, part: np.ndarray, wrong: list[Cell]) -> str:
    label = f"{caption}: {line(part)}"
    if wrong:
        places = [f"[{','.join(map(str, cell))}]" for cell in wrong]
        more = len(places) - MAX_NAMED_CELLS
        label += f"; differs at {', '.join(places[:MAX_NAMED_CELLS])}"
        label += f" and {more} more" if more > 0 else ""
    return label
