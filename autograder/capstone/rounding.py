"""How far two evaluations of one model may lie apart: derived, layer by layer.

Ours is known to the bit; another evaluation (Keras', the student's) rounds in its own order. With x
our value at a node and e a bound on the distance of the other one, each layer adds its own rounding
on both sides to what it makes of e. u is the unit roundoff. A sum of k products in any order errs
by at most k u / (1 - k u) times the sum of their magnitudes (Higham, Accuracy and Stability of
Numerical Algorithms, 2nd ed., section 3.1); here k counts the bias and the products' own rounding.
Elementary functions are taken to be good to 8 units in the last place, which vectorised libraries
promise.

Such a bound grows about tenfold with each layer. Of a small model it tells float32 evaluations from
wrong ones; of one with ten layers it tells nothing in float32, and in float64 as much as before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import singledispatch

import numpy as np

from autograder.capstone import activations, layers
from autograder.capstone.layers import Layer
from autograder.capstone.model import Model, Precision

# The unit roundoff of either precision, and the one in use.
UNITS = {np.dtype(np.float32): 2.0**-24, np.dtype(np.float64): 2.0**-53}
U = UNITS[np.dtype(np.float32)]
_unit: ContextVar[float] = ContextVar("unit", default=U)
TINY = float(np.finfo(np.float32).tiny)

Arrays = Sequence[np.ndarray]


def bound(
    model: Model, images: np.ndarray, dtype: Precision = np.float32
) -> tuple[np.ndarray, np.ndarray]:
    """(our answers, how far others of this precision may lie from them), both (N, 10)."""
    token = _unit.set(UNITS[np.dtype(dtype)])
    try:
        return _bound(model, images, dtype)
    finally:
        _unit.reset(token)


def _bound(model: Model, images: np.ndarray, dtype: Precision) -> tuple[np.ndarray, np.ndarray]:
    values: list[np.ndarray] = []
    errors: list[np.ndarray] = []
    with np.errstate(all="ignore"):
        for node, value in model.values(images, dtype):
            exact = value.astype(np.float64)
            if node.layer is None:
                error = np.zeros_like(exact)
            else:
                xs = [values[i] for i in node.inputs]
                es = [errors[i] for i in node.inputs]
                weights = [w.astype(np.float64) for w in model.weights_of(node)]
                error = spread(node.layer, xs, es, weights, exact)
            values.append(exact)
            errors.append(error)
    at = model.graph.output
    return values[at], errors[at]


@singledispatch
def spread(layer: Layer, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray) -> np.ndarray:
    """The distance at a layer's output. Here: of layers that only move numbers, or choose some."""
    return layer.forward(es, ws)


def _function_error() -> float:
    """Of an elementary function, relative: 8 units in the last place are 16 u."""
    return 16 * _unit.get()


def _both(magnitude: np.ndarray, terms: float) -> np.ndarray:
    """The rounding of both sides: `terms` roundings, each of numbers up to this magnitude."""
    return 2 * terms * _unit.get() / (1 - terms * _unit.get()) * magnitude


def _function(name: str, x: np.ndarray, e: np.ndarray, y: np.ndarray) -> np.ndarray:
    """An activation function of x within e."""
    if name in ("linear", "relu"):
        return e
    if name == "softmax":
        # A row's powers are relative to its largest: all of a row's distances bear on each of it.
        shift = 2 * e.max(axis=-1, keepdims=True)
        depth = x.max(axis=-1, keepdims=True) - x + shift
        relative = (
            np.expm1(shift + _both(depth, 2))
            + 2 * _function_error()
            + _both(y * 0 + 1, y.shape[-1])
        )
        row: np.ndarray = y * relative + TINY
        return row
    moved: np.ndarray = activations.STEEPEST[name] * e
    if name in ("tanh", "sigmoid", "softsign"):
        moved += 2 * _function_error() * (np.abs(y) + moved)
    else:
        # These are made of numbers up to |x| and 1, which may cancel.
        moved += 2 * _function_error() * (np.abs(x) + e + 1)
    return moved


@spread.register
def _conv(layer: layers.Conv, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray) -> np.ndarray:
    return _linear(layer.linear, layer.terms, layer.activation, layer.use_bias, xs, es, ws, y)


@spread.register
def _dense(layer: layers.Dense, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray) -> np.ndarray:
    return _linear(layer.linear, layer.terms, layer.activation, layer.use_bias, xs, es, ws, y)


def _linear(
    linear: Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray],
    terms: int,
    activation: str,
    use_bias: bool,
    xs: Arrays,
    es: Arrays,
    ws: Arrays,
    y: np.ndarray,
) -> np.ndarray:
    (x,), (e,), kernel = xs, es, np.abs(ws[0])
    bias = np.abs(ws[1]) if use_bias else None
    moved = linear(e, kernel, None)
    magnitude = linear(np.abs(x) + e, kernel, bias)
    before = linear(x, ws[0], ws[1] if use_bias else None)
    return _function(activation, before, moved + _both(magnitude, terms + 2), y)


@spread.register
def _separable(
    layer: layers.SeparableConv, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray
) -> np.ndarray:
    between = layer.depthwise.forward(xs, ws[:1])
    moved = _conv(layer.depthwise, xs, es, ws[:1], between)
    return _conv(layer.pointwise, [between], [moved], ws[1:], y)


@spread.register
def _pool(layer: layers.Pool, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray) -> np.ndarray:
    moved = layer.forward(es, ws)
    if layer.kind == "MaxPooling2D":
        return moved
    terms = layer.size[0] * layer.size[1] + 4
    bound: np.ndarray = moved + _both(layer.forward([np.abs(xs[0]) + es[0]], ws), terms)
    return bound


@spread.register
def _global(
    layer: layers.GlobalPool, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray
) -> np.ndarray:
    moved = layer.forward(es, ws)
    if layer.kind == "GlobalMaxPooling2D":
        return moved
    bound: np.ndarray = moved + _both(layer.forward([np.abs(xs[0]) + es[0]], ws), layer.terms + 2)
    return bound


@spread.register
def _batch_norm(
    layer: layers.BatchNormalization, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray
) -> np.ndarray:
    """(x - mean) * factor + beta, in whatever order, with a factor of some six roundings."""
    factor, _ = layer.factors(ws)
    factor = np.abs(factor)
    beta = np.abs(ws[layer.scale]) if layer.center else 0.0
    magnitude = (np.abs(xs[0]) + es[0] + np.abs(ws[-2])) * factor + beta
    bound: np.ndarray = es[0] * factor + _both(magnitude, 10)
    return bound


@spread.register
def _normalization(
    layer: layers.Normalization, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray
) -> np.ndarray:
    mean, deviation = layer.statistics([w.astype(np.float32) for w in ws])
    magnitude = np.abs(xs[0]) + es[0] + np.abs(mean.astype(np.float64))
    factor = deviation.astype(np.float64)
    if not layer.invert:
        factor = 1 / factor
    bound: np.ndarray = es[0] * factor + _both(magnitude * np.maximum(factor, 1), 8)
    return bound


@spread.register
def _layer_norm(
    layer: layers.LayerNormalization, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray
) -> np.ndarray:
    """As the batch normalisation of one row: see `tolerance.of_batch_norm`.

    With s^2 = variance + epsilon and m = max|x|, mean and deviation move by at most the largest
    distance of the row, and err by (k + 8) u m each; the variance of k numbers errs by
    8 (k + 4) u m^2.
    """
    x, e = xs[0], es[0]
    count = x.shape[-1]
    m = np.abs(x).max(axis=-1, keepdims=True) + e.max(axis=-1, keepdims=True)
    moved = e.max(axis=-1, keepdims=True)
    square = x.var(axis=-1, keepdims=True) + layer.epsilon
    shift = 2 * moved + _both(m, count + 8)
    variance = 4 * m * moved + _both(8 * m**2, count + 4)
    # 1 / s where s^2 is known within a part of itself.
    part = np.minimum(variance / square, 1 - 1e-9)
    relative = 1 / np.sqrt(1 - part) - 1 + 8 * _unit.get()
    distance = np.abs(x - x.mean(axis=-1, keepdims=True))
    factor = (np.abs(ws[0]) if layer.scale else 1.0) / np.sqrt(square)
    beta = np.abs(ws[-1]) if layer.center else 0.0
    stretched = (shift + (distance + shift) * relative) * factor
    bound: np.ndarray = stretched + _both(distance * factor + beta, 8)
    return bound


@spread.register
def _activation(
    layer: layers.Activation, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray
) -> np.ndarray:
    name = layer.settings[0]
    if isinstance(name, str):
        return _function(name, xs[0], es[0], y)
    bound: np.ndarray = layer.steepest * es[0] + 2 * _function_error() * (
        np.abs(y) + es[0] * layer.steepest
    )
    return bound


@spread.register
def _prelu(layer: layers.PReLU, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray) -> np.ndarray:
    steepest = np.maximum(np.abs(ws[0]), 1)
    bound: np.ndarray = steepest * es[0] + _both(steepest * (np.abs(xs[0]) + es[0]), 2)
    return bound


@spread.register
def _rescaling(
    layer: layers.Rescaling, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray
) -> np.ndarray:
    scale = np.abs(layer.scale.astype(np.float64))
    offset = np.abs(layer.offset.astype(np.float64))
    bound: np.ndarray = es[0] * scale + _both((np.abs(xs[0]) + es[0]) * scale + offset, 3)
    return bound


@spread.register
def _merge(layer: layers.Merge, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray) -> np.ndarray:
    sizes = [np.abs(x) + e for x, e in zip(xs, es, strict=True)]
    if layer.kind in ("Maximum", "Minimum"):
        moved = es[0]
        for e in es[1:]:
            moved = np.maximum(moved, e)
        return moved
    if layer.kind == "Multiply":
        product: np.ndarray = sizes[0]
        plain = np.abs(xs[0])
        for size, x in zip(sizes[1:], xs[1:], strict=True):
            product, plain = product * size, plain * np.abs(x)
        product += _both(product, len(xs)) - plain
        return product
    share = len(xs) if layer.kind == "Average" else 1
    total, moved = sizes[0], es[0]
    for size, e in zip(sizes[1:], es[1:], strict=True):
        total, moved = total + size, moved + e
    bound: np.ndarray = moved / share + _both(total / share, len(xs) + 1)
    return bound


@spread.register
def _arithmetic(
    layer: layers.Arithmetic, xs: Arrays, es: Arrays, ws: Arrays, y: np.ndarray
) -> np.ndarray:
    inputs = iter(zip(xs, es, strict=True))
    (a, ea), (b, eb) = (
        next(inputs) if n is None else (np.array(n), np.array(0.0)) for n in layer.numbers
    )
    if layer.kind in ("Add", "Subtract"):
        moved = ea + eb
    elif layer.kind == "Multiply":
        moved = np.abs(a) * eb + np.abs(b) * ea + ea * eb
    else:
        least = np.abs(b) - eb
        moved = np.where(least > 0, (ea + np.abs(y) * eb) / least, np.inf)
    # A constant is rounded to float32 first.
    bound: np.ndarray = moved + _both(
        np.abs(y) + moved + (np.abs(a) + np.abs(b)) * (layer.kind[0] in "AS"), 3
    )
    return bound
