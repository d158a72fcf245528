"""How far a right answer may lie from ours: derived from error analysis, never chosen.

u is the unit roundoff of the result's dtype. A sum of k products computed in any order errs by at
most k u sum|x||w| (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., eq. 3.5). A
convolution by FFT errs in the norm, not per cell: 21 log2(P) u sqrt(cells) max|x| sum|w|, from
three transforms of P points at 7 u log2(P) each (ibid., theorem 24.2). Both are covered, so the
bounds are written with max|x| instead of |x|. Whole-number cases make real mistakes differ by a
whole number or a simple fraction, far above either.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, log2, prod, sqrt
from typing import Any

import numpy as np

Tolerance = Callable[[dict[str, Any], Any], Any]


def unit_roundoff(dtype: Any) -> float:
    """u: half the distance from 1 to the next number (integers are computed in float64)."""
    return 2.0**-24 if np.dtype(dtype) == np.float32 else 2.0**-53


def exact(arguments: dict[str, Any], expected: Any) -> float:
    """For functions that count, or that only move numbers: no error at all."""
    return 0.0


def amplification(terms: int, points: int) -> float:
    """Errors in units of u * max|x| * sum|w|: sums in any order, and transforms of `points`."""
    points = max(points, 2)
    return 2.0 * terms + 21.0 * ceil(log2(points)) * sqrt(points)


def largest(*arrays: np.ndarray) -> float:
    """max|x| over arrays, 0 where they are empty."""
    return max((float(np.abs(a).max()) for a in arrays if a.size), default=0.0)


def of_sums(function: Callable[..., Any], image: str, layers: int = 1) -> Tolerance:
    """For functions that are sums of products of `image` with the other arrays.

    The function itself, applied to max|x| and to the absolute values of the rest, gives
    max|x| sum|w| for every output; that stays true through ReLU and pooling, which never raise
    a magnitude, so `layers` of them may follow each other. The largest of these bounds is allowed
    everywhere, since a transform spreads its error: also over outputs that see padding only, for
    which the bound is at least max|x| times the sum of another array.
    """

    def tolerance(arguments: dict[str, Any], expected: Any) -> Any:
        x = arguments[image]
        magnitudes = {name: absolute(value) for name, value in arguments.items()}
        magnitudes[image] = np.full(x.shape, largest(x), dtype=np.float64)
        others = [a for n, v in magnitudes.items() if n != image for a in arrays_of(v)]
        # Biases, which have one axis, are added and not multiplied.
        factors = [float(a.sum()) for a in others if a.ndim > 1]
        floor = largest(x) * max(factors, default=1.0)
        terms = max([a.size for a in others], default=1) + 2
        # An FFT pads the image by the kernel, and perhaps to a power of two in each direction.
        points = 4 * (x.size + sum(a.size for a in others))
        factor = layers * amplification(terms, points) * unit_roundoff(x.dtype)
        return _largest_parts(function(**magnitudes), floor, factor)

    return tolerance


def of_windows(image: str) -> Tolerance:
    """For functions that are sums or means over windows of `image`, with weights of at most 1.

    A window's numbers can be summed in any order, which errs by at most k^2 u max|x| for k of
    them; or as the difference of four corners in a table of running sums, each over all cells of
    the image and through one addition a row and a column. With m cells, k and rows + columns are
    at most 2 m, so 8 m^2 u max|x| covers both; 2 u max|x| more is for the division.
    """

    def tolerance(arguments: dict[str, Any], expected: Any) -> float:
        x = arguments[image]
        cells = prod(x.shape[2:])
        error: float = (8.0 * cells**2 + 2.0) * unit_roundoff(x.dtype) * largest(x)
        return error

    return tolerance


def softmax_error(logits: np.ndarray) -> float:
    """Largest relative error of a softmax, which is the absolute error of its logarithm.

    Stable algorithms subtract the row's largest logit, or all of log(sum(exp)), before exp. With M
    the largest |logit| and K classes, such a difference is at most 2 M + log K in size; it, the
    logarithm and the sum of K powers, each with an error of 4 M u before exp and a few u after it,
    add up to at most (9 M + K + 6 log K + 16) u, and to another 2 M u where the logarithm is
    taken last. No allowance is made for powers that overflow or vanish.
    """
    classes = logits.shape[-1]
    return float((16 * largest(logits) + 8 * classes + 32) * unit_roundoff(logits.dtype))


def of_softmax(arguments: dict[str, Any], expected: np.ndarray) -> np.ndarray:
    """A relative error in every probability, and what is lost where one is all but 0."""
    logits = arguments["logits"]
    vanishing = float(np.finfo(expected.dtype).tiny)
    return np.abs(expected.astype(np.float64)) * softmax_error(logits) + vanishing


def of_cross_entropy(arguments: dict[str, Any], expected: float) -> float:
    """The error of one row's logarithm, and that of the mean over N rows in any order."""
    logits = arguments["logits"]
    mean = (len(logits) + 2) * unit_roundoff(logits.dtype) * abs(expected)
    return softmax_error(logits) + mean


def of_batch_norm(arguments: dict[str, Any], expected: Any) -> Any:
    """Batch normalisation of k numbers a channel, by any of its formulas.

    With m = max|x| and s^2 = var + eps in a channel, the mean errs by at most (k + 8) u m, where
    8 u m covers that x and the mean may be scaled apart before they are subtracted. The variance,
    by two passes or as mean(x^2) - mean(x)^2, errs by at most 8 (k + 4) u m^2, so 1 / s by half of
    that over s^2. Doubled, since both results have such errors.
    """
    x = arguments["x"].astype(np.float64)
    if x.size == 0:
        return 0.0
    u, count = unit_roundoff(arguments["x"].dtype), x.size // x.shape[1]
    axes = (0, 2, 3)
    m = np.abs(x).max(axis=axes, keepdims=True)
    square = x.var(axis=axes, keepdims=True) + arguments.get("eps", 1e-5)
    distance = np.abs(x - x.mean(axis=axes, keepdims=True))
    gamma, beta = (
        np.abs(arguments[key].astype(np.float64))[:, None, None] for key in ("gamma", "beta")
    )
    shift = (count + 8) * u * m
    relative = (4 * (count + 4) * m**2 / square + 4) * u
    stretched = (shift + (distance + shift) * relative) * gamma / np.sqrt(square)
    return 2 * (stretched + 2 * u * (np.abs(expected.astype(np.float64)) + beta))


def _largest_parts(bound: Any, floor: float, factor: float) -> Any:
    """max(largest of the bound, floor) * factor, for each part of a result."""
    if isinstance(bound, tuple | list):
        return type(bound)(_largest_parts(b, floor, factor) for b in bound)
    if isinstance(bound, dict):
        return {key: _largest_parts(b, floor, factor) for key, b in bound.items()}
    return max(largest(np.asarray(bound)), floor) * factor


def absolute(value: Any) -> Any:
    """|value| in float64, through lists and dictionaries; what is no float array stays."""
    if isinstance(value, np.ndarray):
        return np.abs(value.astype(np.float64))
    if isinstance(value, dict):
        return {key: absolute(v) for key, v in value.items()}
    if isinstance(value, list) or (isinstance(value, tuple) and arrays_of(value)):
        return type(value)(absolute(v) for v in value)
    return value


def arrays_of(value: Any) -> list[np.ndarray]:
    """All arrays inside a value."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        return [a for v in value.values() for a in arrays_of(v)]
    if isinstance(value, list | tuple):
        return [a for v in value for a in arrays_of(v)]
    return []
