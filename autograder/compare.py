"""Compares an answer with the expected value: structure first, then shape, then numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Mismatch:
    """What is wrong with an answer, in the words of the student."""

    message: str
    name: str = ""  # which output: y, dx, ...
    index: tuple[int, ...] | None = None  # the cell that is shown
    yours: Any = None
    expected: Any = None
    arguments: dict[str, Any] | None = None  # of the call at fault, where it is not the case's own


def number(value: Any) -> str:
    """A number as a person writes it: 3, 0.25, -1.5e-07."""
    value = float(value)
    if value == int(value) if np.isfinite(value) else False:
        return str(int(value)) if abs(value) < 1e15 else f"{value:g}"
    return f"{value:.6g}"


def kind_of(value: Any) -> str:
    """A value's type as a person says it."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if value is None:
        return "None"
    kind = type(value).__name__
    return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"


def structure(yours: Any, expected: Any, name: str) -> Mismatch | None:
    """Whether the answer has the type, the parts and the shapes of the expected value."""
    if isinstance(expected, np.ndarray):
        if not isinstance(yours, np.ndarray):
            if expected.ndim == 0 and isinstance(yours, np.generic):
                return None
            text = f"{name} is {kind_of(yours)}; it should be a NumPy array"
            return Mismatch(text, name, None, yours, expected)
        if yours.shape != expected.shape:
            text = f"{name} has shape {yours.shape}; it should be {expected.shape}"
            return Mismatch(text, name, None, yours, expected)
        return None
    if isinstance(expected, dict):
        if not isinstance(yours, dict):
            text = f"{name} is {kind_of(yours)}; it should be a dictionary"
            return Mismatch(text, name, None, yours, expected)
        if set(yours) != set(expected):
            text = f"{name} has the keys {sorted(yours)}; they should be {sorted(expected)}"
            return Mismatch(text, name, None, None, None)
        return None
    if isinstance(expected, tuple | list):
        if not isinstance(yours, tuple | list) or len(yours) != len(expected):
            what = kind_of(yours)
            if isinstance(yours, tuple | list):
                what += f" of {len(yours)}"
            kind = "tuple" if isinstance(expected, tuple) else "list"
            text = f"{name} is {what}; it should be a {kind} of {len(expected)}"
            return Mismatch(text, name, None, yours, expected)
        return None
    if isinstance(expected, bool | str) or expected is None:
        return None
    if not is_number(yours):
        text = f"{name} is {kind_of(yours)}; it should be a number"
        return Mismatch(text, name, None, yours, expected)
    if isinstance(expected, int) and np.asarray(yours).dtype.kind == "f":
        # range(3.0) and np.zeros(3.0) fail, so a count has to be an int.
        text = f"{name} is the float {float(yours)}; it should be an int"
        return Mismatch(text, name, None, yours, expected)
    return None


def is_number(value: Any) -> bool:
    """A Python or NumPy number, or an array of no axes; True and False are none."""
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "fiu"
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def mismatch(
    yours: Any,
    expected: Any,
    tolerance: Any,
    names: Sequence[str] = ("y",),
    values: bool = True,
) -> Mismatch | None:
    """The first difference, or None. `values=False` compares structure and shapes only."""
    name = names[0] if len(names) == 1 else "the result"
    if (found := structure(yours, expected, name)) is not None:
        return found
    if isinstance(expected, dict):
        parts = [
            (yours[key], expected[key], _part(tolerance, key), f"{name}[{key!r}]")
            for key in expected
        ]
    elif isinstance(expected, tuple | list):
        labels = names if len(names) == len(expected) > 1 else None
        parts = [
            (y, e, _part(tolerance, i), labels[i] if labels else f"{name}[{i}]")
            for i, (y, e) in enumerate(zip(yours, expected, strict=True))
        ]
    else:
        return _leaf(yours, expected, tolerance, name) if values else None
    for y, e, t, label in parts:
        if (found := mismatch(y, e, t, (label,), values)) is not None:
            return found
    return None


def _part(tolerance: Any, key: Any) -> Any:
    return tolerance[key] if isinstance(tolerance, dict | tuple | list) else tolerance


def _leaf(yours: Any, expected: Any, tolerance: Any, name: str) -> Mismatch | None:
    if isinstance(expected, str | bool) or expected is None:
        if yours is expected or (type(yours) is type(expected) and yours == expected):
            return None
        text = f"{name} is {yours!r:.80}; it should be {expected!r:.80}"
        return Mismatch(text, name, None, yours, expected)
    y, e = np.asarray(yours), np.asarray(expected)
    with np.errstate(all="ignore"):
        if y.dtype == e.dtype and y.dtype.kind == "f":
            error = np.abs(y - e)
            if error.max(initial=0.0) < np.inf and (error <= tolerance).all():
                return None  # the usual case first
    wrong = ~close(y, e, tolerance)
    if not wrong.any():
        return None
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    cell = f"{name}[{','.join(map(str, index))}]" if index else name
    is_, should_be = number(y[index]), number(e[index])
    if is_ == should_be:  # they differ in later digits only
        is_, should_be = f"{float(y[index]):.17g}", f"{float(e[index]):.17g}"
    text = f"{cell} is {is_}; it should be {should_be}"
    return Mismatch(text, name, index, yours, expected)


def close(yours: np.ndarray, expected: np.ndarray, tolerance: Any) -> np.ndarray:
    """Cell by cell: equal, within tolerance, or both NaN. The shapes are equal already."""
    same: np.ndarray = np.asarray(yours == expected)
    if same.all():
        return same
    with np.errstate(all="ignore"):
        y, e = yours.astype(np.float64), expected.astype(np.float64)
        near = np.isfinite(y) & np.isfinite(e) & (np.abs(y - e) <= tolerance)
        return np.asarray(same | near | (np.isnan(y) & np.isnan(e)))
