"""How far a right network's numbers may lie from ours: errors carried from layer to layer.

Every number has a bound on its error, and a layer does to the bounds what it does to the numbers,
with |w| for w. To that it adds its own rounding: at most 2 k u sum|x||w| for sums of k products in
any order, or 21 log2(P) u |x| sum|w| for transforms of P points, |x| being the 2-norm of a channel
(`autograder/tolerance.py` has the sources). ReLU, pooling and concatenation enlarge no error.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import Any

import numpy as np

from autograder.tolerance import largest, unit_roundoff
from reference import ops

Pair = tuple[int, int]
TWO, ONE = (2, 2), (1, 1)


@dataclass(frozen=True)
class Carried:
    """Numbers on their way through the layers, and how far a right solution's may be from them."""

    values: np.ndarray
    error: np.ndarray
    u: float

    @staticmethod
    def start(x: np.ndarray) -> Carried:
        """Exact numbers, to be computed with in the precision that their dtype asks for."""
        values = x.astype(np.float64)
        return Carried(values, np.zeros_like(values), unit_roundoff(x.dtype))

    @property
    def size(self) -> np.ndarray:
        """The largest that each number may be."""
        return np.abs(self.values) + self.error

    @property
    def tolerance(self) -> np.ndarray:
        """Between two right solutions, theirs and ours."""
        return 2 * self.error

    def norms(self) -> np.ndarray:
        """The 2-norm of each channel, (N, C)."""
        norms: np.ndarray = np.sqrt((self.size**2).sum(axis=(2, 3)))
        return norms

    def sums(self) -> np.ndarray:
        """The sum of each channel's magnitudes, (N, C)."""
        sums: np.ndarray = self.size.sum(axis=(2, 3))
        return sums

    def transforms(self, kernel: Pair) -> float:
        """21 log2(P) u for transforms of this image and a kernel, padded to powers of two."""
        rows, columns = (
            2 * (size + 2 * k) for size, k in zip(self.values.shape[2:], kernel, strict=True)
        )
        return 21 * ceil(log2(rows * columns)) * self.u

    def conv(self, w: Any, b: Any, stride: Pair = ONE, padding: Pair = (0, 0)) -> Carried:
        """After a convolution."""
        w, b = w.astype(np.float64), b.astype(np.float64)
        none = np.zeros(len(b))
        products = ops.conv2d(self.size, abs(w), abs(b), stride, padding)
        transform = self.transforms(w.shape[2:]) * self.norms() @ abs(w).sum(axis=(2, 3)).T
        error = (
            ops.conv2d(self.error, abs(w), none, stride, padding)
            + 2 * (w[0].size + 3) * self.u * products
            + transform[:, :, None, None]
        )
        return Carried(ops.conv2d(self.values, w, b, stride, padding), error, self.u)

    def dense(self, w: Any, b: Any) -> Carried:
        """After a dense layer."""
        w, b = w.astype(np.float64), b.astype(np.float64)
        products = self.size @ abs(w) + abs(b)
        error = self.error @ abs(w) + 2 * (len(w) + 3) * self.u * products
        return Carried(self.values @ w + b, error, self.u)

    def plus(self, other: Carried) -> Carried:
        """After an addition of two layers' outputs."""
        error = self.error + other.error + self.u * (self.size + other.size)
        return Carried(self.values + other.values, error, self.u)

    def relu(self) -> Carried:
        return Carried(ops.relu(self.values), self.error, self.u)

    def pool(self, kernel: Pair = TWO, stride: Pair = TWO, padding: Pair = (0, 0)) -> Carried:
        values, error = (
            ops.max_pool2d(part, kernel, stride, padding) for part in (self.values, self.error)
        )
        return Carried(values, error, self.u)

    def moved(self, axes: tuple[int, ...], shape: tuple[int, ...]) -> Carried:
        """With the axes in another order, in another shape."""
        values, error = (part.transpose(axes).reshape(shape) for part in (self.values, self.error))
        return Carried(values, error, self.u)


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
        a1 = x.conv(p["conv1.w"], p["conv1.b"], padding=ONE)
        m1 = a1.relu().pool()
        a2 = m1.conv(p["conv2.w"], p["conv2.b"], padding=ONE)
        m2 = a2.relu().pool()
        order = (0, 2, 3, 1) if channels_last else (0, 1, 2, 3)
        flat = m2.moved(order, (len(images), len(p["dense.w"])))
        return SmallNetwork(x, a1, m1, a2, m2, flat, flat.dense(p["dense.w"], p["dense.b"]))

    @property
    def decided(self) -> bool:
        """No ReLU and no pool is so close to a tie that rounding decides it."""
        for a in (self.a1, self.a2):
            close = 4 * largest(a.error)
            if (np.abs(a.values) < close).any():
                return False
            n, c, h, w = a.values.shape
            tiles = ops.relu(a.values)[:, :, : h // 2 * 2, : w // 2 * 2]
            windows = tiles.reshape(n, c, h // 2, 2, w // 2, 2).swapaxes(3, 4).reshape(-1, 4)
            first, second = np.sort(windows, axis=1)[:, :1:-1].T
            if ((first > 0) & (first - second < close)).any():
                return False
        return True

    def log_softmax_errors(self) -> np.ndarray:
        """For each image, what `tolerance.softmax_error` allows and what comes with the logits."""
        logits = self.logits
        own = 16 * logits.size.max(axis=1) + 8 * logits.values.shape[1] + 32
        errors: np.ndarray = 2 * logits.error.max(axis=1) + logits.u * own
        return errors

    def loss_error(self, loss: float) -> float:
        """Of the mean cross-entropy."""
        mean = self.x.u * (len(self.x.values) + 2) * abs(loss)
        errors = self.log_softmax_errors()
        return float(errors.sum()) / max(len(errors), 1) + mean

    def gradient_errors(self, parameters: dict[str, Any], labels: np.ndarray) -> dict[str, Any]:
        """Of each parameter's gradient, carried back through the same layers."""
        w2, w3 = (parameters[name].astype(np.float64) for name in ("conv2.w", "dense.w"))
        u, count = self.x.u, len(labels)
        # An error of log p is a relative error of p.
        relative = self.log_softmax_errors()[:, None] * ops.softmax(self.logits.values)
        values = ops.cross_entropy_backward(self.logits.values, labels)
        d = Carried(values, relative / count + 4 * u * np.abs(values), u)
        errors = {"dense.b": _sum_error(d, (0,))}
        errors["dense.w"] = (
            self.flat.error.T @ d.size
            + self.flat.size.T @ d.error
            + 2 * (count + 2) * u * self.flat.size.T @ d.size
        )
        products = 2 * (len(w3[0]) + 2) * u * d.size @ abs(w3).T
        d = Carried(d.values @ w3.T, d.error @ abs(w3).T + products, u)
        d = d.moved((0, 1), self.m2.values.shape)
        d = _before_pool_and_relu(d, self.a2)
        errors["conv2.b"] = _sum_error(d, (0, 2, 3))
        errors["conv2.w"] = _filters_error(self.m1, d)
        d = _before_pool_and_relu(_before_conv(d, w2), self.a1)
        errors["conv1.b"] = _sum_error(d, (0, 2, 3))
        errors["conv1.w"] = _filters_error(self.x, d)
        return errors


def _before_pool_and_relu(d: Carried, a: Carried) -> Carried:
    """The gradient before ReLU and 2x2 pooling; it only moves, since `a` is decided."""
    values, error = (
        ops.relu_backward(ops.max_pool2d_backward(part, ops.relu(a.values), TWO, TWO), a.values)
        for part in (d.values, d.error)
    )
    return Carried(values, error, d.u)


def _before_conv(d: Carried, w: np.ndarray) -> Carried:
    """The gradient before a 3x3 convolution with padding 1: a convolution too."""
    turned = w[:, :, ::-1, ::-1].swapaxes(0, 1)
    return d.conv(turned, np.zeros(len(turned)), padding=ONE)


def _filters_error(x: Carried, d: Carried) -> np.ndarray:
    """Of a 3x3 filter's gradient: sums over images and places of inputs times gradients."""

    def products(x: np.ndarray, d: np.ndarray) -> np.ndarray:
        w = np.zeros((d.shape[1], x.shape[1], 3, 3))
        return ops.conv2d_backward(d, x, w, ONE, ONE)[1]

    terms = d.values.size // d.values.shape[1]
    transform = x.transforms(d.values.shape[2:]) * d.sums().T @ x.norms()
    return (
        products(x.error, d.size)
        + products(x.size, d.error)
        + 2 * (terms + 2) * x.u * products(x.size, d.size)
        + transform[:, :, None, None]
    )


def _sum_error(d: Carried, axes: tuple[int, ...]) -> np.ndarray:
    """Of a bias's gradient: the sum of a layer's gradients."""
    terms = d.values.size // d.values.shape[1]
    error: np.ndarray = (d.error + 2 * terms * d.u * d.size).sum(axis=axes)
    return error
