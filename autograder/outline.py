"""How an array is written down: whole, or as one number throughout but for a few cells.

The screen, the page, the snippet and the count of a counterexample's numbers all ask here, so that
what is counted is what is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.compare import number

Index = tuple[int, ...]
# More cells than these nobody reads one by one.
MAX_CELLS = 50


@dataclass(frozen=True)
class Outline:
    """An array that is `fill` but for a few cells."""

    shape: tuple[int, ...]
    fill: Any
    cells: tuple[tuple[Index, Any], ...] = ()

    @property
    def numbers(self) -> int:
        """The fill, and of each other cell its number and its place."""
        return 1 + 2 * len(self.cells)

    def __str__(self) -> str:
        words = {"0": "zeros", "1": "ones"}
        fill = spelled(self.fill)
        text = f"{words[fill]} {self.shape}" if fill in words else f"{fill} all over {self.shape}"
        cells = [f"{spelled(v)} at [{','.join(map(str, index))}]" for index, v in self.cells]
        return f"{text} but {', '.join(cells)}" if cells else text


def outline(array: np.ndarray) -> Outline | None:
    """The array's outline, where it is shorter to read than all of its cells."""
    if array.size < 2:
        return None
    first = array.flat[0]
    if (array == first).all() or (array != array).all():
        found = Outline(array.shape, first.item())
    else:
        others = np.count_nonzero(array)
        if others > MAX_CELLS or 1 + 2 * others >= array.size:
            return None
        indices = [tuple(int(i) for i in place) for place in np.argwhere(array)]
        fill = array.dtype.type(0).item()
        found = Outline(array.shape, fill, tuple((i, array[i].item()) for i in indices))
    # Long enough for every cell to take a number, a comma and a blank, it is longer than that.
    if array.size > len(str(found)) or len(str(found)) < len(nested(array.tolist())):
        return found
    return None


def numbers_in(value: Any) -> int:
    """How many numbers there are to read in a value: 3 in a pair and a number, 1 in any zeros."""
    if isinstance(value, np.ndarray):
        found = outline(value)
        return value.size if found is None else found.numbers
    if isinstance(value, dict):
        return sum(numbers_in(v) for v in value.values())
    if isinstance(value, list | tuple):
        return sum(numbers_in(v) for v in value)
    return int(isinstance(value, int | float) and not isinstance(value, bool))


def nested(item: Any) -> str:
    """Nested lists of plain numbers."""
    if isinstance(item, list):
        return "[" + ", ".join(nested(v) for v in item) + "]"
    return spelled(item)


def spelled(item: Any) -> str:
    return str(item) if isinstance(item, bool) else number(item)
