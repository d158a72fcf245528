"""How far a right network's numbers may lie from ours: errors carried from layer to layer.

Every layer adds its own rounding to what it gets: at most 2 k u sum|x||w| for sums of k products in
any order, or 21 log2(P) u |x| sum|w| for a transform of P points, |x| being the 2-norm of one
channel (`autograder/tolerance.py` has the sources). What it gets wrong already, it multiplies by at
most sum|w|. ReLU, pooling and concatenation enlarge no error. The bounds are single numbers, for
the worst output of a layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import Any

import numpy as np

from autograder.tolerance import largest, unit_roundoff
from reference import ops

Pair = tuple[int, int]


def row_sum(w: np.ndarray, axis: int = 0) -> float:
    """The largest sum|w| over one entry of `axis`."""
    others = tuple(a for a in range(w.ndim) if a != axis)
    return float(np.abs(w).sum(axis=others).max(initial=0.0))


def channel_norm(x: np.ndarray) -> float:
    """The largest 2-norm of one channel of one image."""
    return float(np.sqrt((x**2).sum(axis=(2, 3))).max(initial=0.0))


@dataclass(frozen=True)
class Carried:
    """Numbers on their way through the layers, and the largest error of a right solution's."""

    values: np.ndarray
    error: float
    u: float

    @staticmethod
    def start(x: np.ndarray) -> Carried:
        """Exact numbers, computed with in the precision that their dtype asks for."""
        return Carried(x.astype(np.float64), 0.0, unit_roundoff(x.dtype))

    @property
    def peak(self) -> float:
        return largest(self.values) + self.error

    def rounding(self, weights: float, terms: int, transform: float = 0.0) -> float:
        """The error of sums of `terms` products with weights of the sum `weights`."""
        return self.error * weights + self.u * weights * (2 * (terms + 2) * self.peak + transform)

    def transformed(self, kernel: Pair) -> float:
        """What transforms add for this image and a kernel, padded to powers of two."""
        rows, columns = (
            4 * (size + 2 * k) for size, k in zip(self.values.shape[2:], kernel, strict=True)
        )
        norm = channel_norm(self.values) + self.error * (rows * columns) ** 0.5
        return 21 * ceil(log2(rows * columns)) * norm

    def conv(self, w: Any, b: Any, stride: Pair = (1, 1), padding: Pair = (0, 0)) -> Carried:
        """After a convolution."""
        w, b = w.astype(np.float64), b.astype(np.float64)
        transform = self.transformed(w.shape[2:])
        error = self.rounding(row_sum(w), w[0].size + 1, transform) + 2 * self.u * largest(b)
        return Carried(ops.conv2d(self.values, w, b, stride, padding), error, self.u)

    def dense(self, w: Any, b: Any) -> Carried:
        """After a dense layer."""
        w, b = w.astype(np.float64), b.astype(np.float64)
        error = self.rounding(row_sum(w, axis=1), len(w) + 1) + 2 * self.u * largest(b)
        return Carried(self.values @ w + b, error, self.u)

    def plus(self, other: Carried) -> Carried:
        """After an addition of two layers' outputs."""
        values = self.values + other.values
        return Carried(values, self.error + other.error + self.u * largest(values), self.u)

    def to(self, values: np.ndarray) -> Carried:
        """After a step that only moves, drops or compares numbers."""
        return Carried(values, self.error, self.u)

    def relu(self) -> Carried:
        return self.to(ops.relu(self.values))

    def pool(self) -> Carried:
        return self.to(ops.max_pool2d(self.values, (2, 2), (2, 2)))

    @property
    def tolerance(self) -> float:
        """Between two right solutions, each with this error: theirs and ours."""
        return 2 * self.error


@dataclass(frozen=True)
class SmallNetwork:
    """The course's small network, conv - relu - pool - conv - relu - pool - dense, at work."""

    x: Carried
    a1: Carried
    m1: Carried
    a2: Carried
    m2: Carried
    flat: Carried
    logits: Carried

    @staticmethod
    def of(
        parameters: dict[str, Any], images: np.ndarray, channels_last: bool = False
    ) -> SmallNetwork:
        p, x = parameters, Carried.start(images)
        a1 = x.conv(p["conv1.w"], p["conv1.b"], padding=(1, 1))
        m1 = a1.relu().pool()
        a2 = m1.conv(p["conv2.w"], p["conv2.b"], padding=(1, 1))
        m2 = a2.relu().pool()
        order = (0, 2, 3, 1) if channels_last else (0, 1, 2, 3)
        flat = m2.to(m2.values.transpose(order).reshape(len(images), len(p["dense.w"])))
        return SmallNetwork(x, a1, m1, a2, m2, flat, flat.dense(p["dense.w"], p["dense.b"]))

    @property
    def decided(self) -> bool:
        """No ReLU and no pool is so close to a tie that rounding decides it."""
        for a in (self.a1, self.a2):
            close = 4 * a.error
            if (np.abs(a.values) < close).any():
                return False
            n, c, h, w = a.values.shape
            tiles = ops.relu(a.values)[:, :, : h // 2 * 2, : w // 2 * 2]
            windows = tiles.reshape(n, c, h // 2, 2, w // 2, 2).swapaxes(3, 4).reshape(-1, 4)
            first, second = np.sort(windows, axis=1)[:, :1:-1].T
            if ((first > 0) & (first - second < close)).any():
                return False
        return True

    def loss_error(self, loss: float) -> float:
        """Of the mean cross-entropy, where the logits have their error."""
        return self.log_softmax_error() + self.x.u * (len(self.x.values) + 2) * abs(loss)

    def log_softmax_error(self) -> float:
        """What `tolerance.softmax_error` allows for exact logits, and the logits' own errors."""
        logits = self.logits
        own = 16 * logits.peak + 8 * logits.values.shape[1] + 32
        return 2 * logits.error + logits.u * own

    def gradient_errors(self, p: dict[str, Any], labels: np.ndarray) -> dict[str, float]:
        """Of every parameter's gradient, carried back through the same layers."""
        w2, w3 = p["conv2.w"].astype(np.float64), p["dense.w"].astype(np.float64)
        u, count, classes = self.x.u, len(labels), len(p["dense.b"])
        # An error of log p_k is a relative error of p_k, which is at most 1.
        error = (self.log_softmax_error() + 4 * u) / count
        d = Carried(ops.cross_entropy_backward(self.logits.values, labels), error, u)
        errors = {
            "dense.w": product_error(self.flat, d, count),
            "dense.b": sum_error(d, count),
        }
        dflat = Carried(d.values @ w3.T, d.rounding(row_sum(w3), classes), u)
        d2 = _through_pool_and_relu(dflat.to(dflat.values.reshape(self.m2.values.shape)), self.a2)
        cells = count * d2.values[0, 0].size
        errors["conv2.w"] = product_error(self.m1, d2, cells)
        errors["conv2.b"] = sum_error(d2, cells)
        dm1, _, _ = ops.conv2d_backward(d2.values, self.m1.values, w2, (1, 1), (1, 1))
        back = d2.rounding(row_sum(w2, axis=1), 9 * len(w2), d2.transformed((3, 3)))
        d1 = _through_pool_and_relu(Carried(dm1, back, u), self.a1)
        cells = count * d1.values[0, 0].size
        errors["conv1.w"] = product_error(self.x, d1, cells)
        errors["conv1.b"] = sum_error(d1, cells)
        return errors


def _through_pool_and_relu(d: Carried, a: Carried) -> Carried:
    """The gradient before ReLU and 2x2 pooling; it moves numbers only, since `a` is decided."""
    active = ops.relu(a.values)
    back = ops.max_pool2d_backward(d.values, active, (2, 2), (2, 2))
    return d.to(ops.relu_backward(back, a.values))


def product_error(x: Carried, d: Carried, terms: int) -> float:
    """Of a weight's gradient: sums over images and places of inputs times gradients."""
    transform = x.transformed((3, 3)) if x.values.ndim == 4 else 0.0
    return x.rounding(row_sum(d.values, axis=1), terms, transform) + d.error * row_sum(
        x.values, axis=1
    )


def sum_error(d: Carried, terms: int) -> float:
    """Of a bias's gradient: the sum of a layer's gradients."""
    return terms * d.error + 2 * terms * d.u * row_sum(d.values, axis=1)
