"""What wrong results have in common, said only where it is true of every one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# Below this, agreement may be chance: different numbers in all results, results, and wrong cells.
ENOUGH_NUMBERS = 4
ENOUGH_RESULTS = 2
Pair = tuple[np.ndarray, np.ndarray]
ROUNDINGS = 2**10
FACTORS = {2.0: "twice", 0.5: "half", -1.0: "minus"}


def pattern(results: Sequence[tuple[str, Any, Any]]) -> str:
    """The sentence for results given as (name of the output, yours, expected), or nothing."""
    pairs = [
        (yours, expected)
        for _, yours, expected in results
        if _is_finite(yours) and _is_finite(expected) and expected.dtype.kind == "f"
    ]
    names = {name for name, _, _ in results}
    if len(names) == 1 and len(results) >= ENOUGH_RESULTS and all(map(_unset, results)):
        return (
            f"On every input that failed, the wrong cells of {names.pop()} are nan and all others "
            "are right: nothing has set them after np.empty, or they are 0 / 0 or inf - inf."
        )
    if len(pairs) < max(ENOUGH_RESULTS, len(results)) or len(names) > 1:
        return ""
    (name,) = names
    if len(np.unique(np.concatenate([expected.ravel() for _, expected in pairs]))) < ENOUGH_NUMBERS:
        return ""
    for say in (_moved, _factor, _offset, _place):
        if what := say(pairs):
            return f"On every input that failed, {what.format(name=name)}."
    return ""


def _unset(result: tuple[str, Any, Any]) -> bool:
    """All right but for cells of nan: workers fill `np.empty` with it, and arithmetic makes it."""
    _, yours, expected = result
    if not (isinstance(yours, np.ndarray) and yours.dtype.kind == "f" and _is_finite(expected)):
        return False
    missing = np.isnan(yours)
    if yours.shape != expected.shape or expected.dtype.kind != "f" or missing.all():
        return False
    return bool(missing.any()) and bool(_close(yours, expected)[~missing].all())


def _is_finite(value: Any) -> bool:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        return False
    return bool(np.isfinite(value).all())


MOVES: tuple[tuple[str, Callable[[np.ndarray], np.ndarray]], ...] = (
    ("is the transpose of what it should be", lambda a: a.swapaxes(-1, -2)),
    ("has its rows in reverse order", lambda a: a[..., ::-1, :]),
    ("has its columns in reverse order", lambda a: a[..., ::-1]),
    ("has its rows and its columns in reverse order", lambda a: a[..., ::-1, ::-1]),
)


def _moved(pairs: Sequence[Pair]) -> str:
    """Rows and columns exchanged or turned round."""
    if any(expected.ndim < 2 for _, expected in pairs):
        return ""
    for what, move in MOVES:
        if all(_equal(yours, move(expected)) for yours, expected in pairs):
            return f"{{name}} {what}"
    return ""


def _factor(pairs: Sequence[Pair]) -> str:
    """Every number the same multiple of the right one."""
    yours, expected = max(pairs, key=lambda pair: float(np.abs(pair[1]).max(initial=0.0)))
    if yours.shape != expected.shape or not expected.any():
        return ""
    at = np.unravel_index(np.abs(expected).argmax(), expected.shape)
    factor = float(yours[at]) / float(expected[at])
    # Zeros and ones alone tell little about factors.
    numbers = np.unique(np.concatenate([right.ravel() for _, right in pairs]))
    if factor == 0 or abs(factor - 1) < 1e-3 or len(numbers[numbers != 0]) < ENOUGH_NUMBERS - 1:
        return ""
    if not all(_equal(yours, factor * expected) for yours, expected in pairs):
        return ""
    words = FACTORS.get(round(factor, 6), f"{factor:.6g} times")
    return f"every number of {{name}} is {words} what it should be"


def _offset(pairs: Sequence[Pair]) -> str:
    """Every number too large or too small by the same."""
    yours, expected = pairs[0]
    if yours.shape != expected.shape or not expected.size:
        return ""
    offset = float((yours - expected).mean())
    # What is equal up to rounding is off by no number that would tell anything.
    if all(_equal(yours, right) for yours, right in pairs):
        return ""
    if not all(_equal(yours, right + offset) for yours, right in pairs):
        return ""
    words = "large" if offset > 0 else "small"
    return f"every number of {{name}} is too {words} by {abs(offset):.6g}"


# Of (N, C, H, W): what the places along an axis are called.
AXES = {-1: "column", -2: "row", -3: "channel", -4: "image"}


def _place(pairs: Sequence[Pair]) -> str:
    """Wrong cells in the first or last row, column, channel or image alone, or in all others."""
    if any(yours.shape != expected.shape for yours, expected in pairs):
        return ""
    wrong = [~_close(yours, expected) for yours, expected in pairs]
    if sum(int(cells.sum()) for cells in wrong) < ENOUGH_NUMBERS:
        return ""
    for axis, what in AXES.items():
        if any(cells.ndim < -axis or cells.shape[axis] < 2 for cells in wrong):
            continue
        rows = [np.moveaxis(cells, axis, 0).reshape(cells.shape[axis], -1) for cells in wrong]
        for which, place in (("last", -1), ("first", 0)):
            mine = [cells[place].any() for cells in rows]
            others = [np.delete(cells, place, axis=0).any(axis=1) for cells in rows]
            if all(mine) and not any(flags.any() for flags in others):
                return f"only the {which} {what} of {{name}} is wrong"
            if not any(mine) and all(flags.all() for flags in others):
                return f"only the {which} {what} of {{name}} is right"
    return ""


def _close(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cell by cell, up to rounding in the precision of `b`."""
    allowed = ROUNDINGS * float(np.finfo(b.dtype).eps) * max(float(np.abs(b).max(initial=0.0)), 1.0)
    near: np.ndarray = np.abs(a - b) <= allowed
    return near


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(_close(a, b).all())
