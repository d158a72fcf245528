"""The arithmetic behind one expected number, found by probing the reference.

Which cells an output reads: put NaN into one cell after another and see whether the output becomes
NaN. With what weight: put 1 into that cell and 0 into all others. Counterexamples are small, so a
handful of calls suffices, and no formula is written a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograder.compare import number

Arguments = dict[str, Any]
MAX_CELLS = 64
MAX_TERMS = 12


def linear(
    function: Callable[..., Any], image: str, returns: Sequence[str] = ("y",), bias: str = ""
) -> Callable[[Arguments, str, tuple[int, ...]], str]:
    """`1*1 + 0*0 + 2` for functions that are linear in `image`, plus a bias perhaps."""

    def working(arguments: Arguments, name: str, index: tuple[int, ...]) -> str:
        x = arguments[image]
        if x.size > MAX_CELLS or name not in returns:
            return ""
        x = x.astype(np.float64)

        def at(values: np.ndarray) -> float:
            result = function(**{**arguments, image: values})
            part = result if len(returns) == 1 else result[returns.index(name)]
            return float(part[index])

        offset = at(np.zeros_like(x))
        terms = []
        for cell in np.ndindex(x.shape):
            probe = np.zeros_like(x)
            probe[cell] = np.nan
            if np.isnan(at(probe)):
                probe[cell] = 1.0
                terms.append(f"{number(x[cell])}*{number(at(probe) - offset)}")
        if offset or (bias and not terms):
            terms.append(number(offset))
        return joined(terms)

    return working


def maximum(
    function: Callable[..., Any], image: str
) -> Callable[[Arguments, str, tuple[int, ...]], str]:
    """`max(1, 2, -3)` for functions that pick the largest of the cells they read."""

    def working(arguments: Arguments, name: str, index: tuple[int, ...]) -> str:
        x = arguments[image]
        if x.size > MAX_CELLS:
            return ""
        x = x.astype(np.float64)
        read = []
        for cell in np.ndindex(x.shape):
            probe = x.copy()
            probe[cell] = np.nan
            if np.isnan(function(**{**arguments, image: probe})[index]):
                read.append(number(x[cell]))
        return f"max({', '.join(read)})" if 0 < len(read) <= MAX_TERMS else ""

    return working


def joined(terms: Sequence[str]) -> str:
    """A sum as it is written on paper; nothing where it is too long to read."""
    if not terms or len(terms) > MAX_TERMS:
        return ""
    return " + ".join(terms).replace("+ -", "- ")
