"""SciPy's convolution, Keras' oracles in NumPy, and gradients without any library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from geometries import (
    classified,
    even_convolutions,
    images,
    matrices,
    normalisable,
    numbers,
    planes,
    rounded_convolutions,
    rounded_pools,
)
from harness import close, ops, rounding, same_pads
from keras.src.layers.convolutional.conv_test import np_conv2d
from keras.src.layers.convolutional.depthwise_conv_test import np_depthwise_conv2d
from keras.src.layers.pooling.average_pooling_test import np_avgpool2d
from keras.src.layers.pooling.max_pooling_test import np_maxpool2d
from scipy import signal

# SciPy


def convolve2d(case: Any) -> None:
    image, kernel = case
    for mode in ("valid", "same", "full"):
        bound = rounding(ops.convolve2d, kernel.size, image, kernel, mode)
        got = ops.convolve2d(image, kernel, mode)
        close(got, signal.convolve2d(image, kernel, mode), bound)
    bound = rounding(ops.convolve2d, image.size, kernel, image, "full")
    close(ops.convolve2d(kernel, image, "full"), signal.convolve2d(kernel, image), bound)
    close(
        ops.convolve2d(kernel, image, "same"),
        signal.convolve2d(kernel, image, "same"),
        np.max(bound),
    )


def cross_correlate2d(case: Any) -> None:
    image, kernel = case
    bound = rounding(ops.cross_correlate2d, kernel.size, image, kernel)
    close(ops.cross_correlate2d(image, kernel), signal.correlate2d(image, kernel, "valid"), bound)


SCIPY: dict[str, tuple[list[str], Any, Callable[[Any], None]]] = {
    "convolution": (["convolve2d"], planes(), convolve2d),
    "cross-correlation": (["cross_correlate2d"], planes(), cross_correlate2d),
}


# Keras' oracles


def last(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def pads_of(mode: str, x: np.ndarray, w: np.ndarray, stride: Any, dilation: Any) -> Any:
    if mode == "valid":
        return (0, 0), (0, 0)
    rows, cols = map(same_pads, x.shape[2:], w.shape[2:], stride, dilation)
    return rows, cols


def fitted(x: np.ndarray, reach: list[int]) -> np.ndarray:
    """The image, enlarged where a kernel would not fit."""
    extra = [(0, max(r - side, 0)) for r, side in zip(reach, x.shape[2:], strict=True)]
    return np.pad(x, ((0, 0), (0, 0), *extra), mode="wrap") if len(x) else x


def oracle_conv2d(case: Any) -> None:
    x, w, b, stride, _, dilation, groups = case
    if len(x) == 0:
        x = np.ones((1, *x.shape[1:]), x.dtype)
    x = fitted(x, [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:], strict=True)])
    for mode in ("valid", "same"):
        arguments = (x, w, b, stride, pads_of(mode, x, w, stride, dilation), dilation, groups)
        filters = np.ascontiguousarray(w.transpose(2, 3, 1, 0))
        wanted = np_conv2d(last(x), filters, b, stride, mode, None, dilation, groups)
        bound = rounding(ops.general_conv2d, w[0].size + 1, *arguments)
        close(ops.general_conv2d(*arguments), wanted.transpose(0, 3, 1, 2), bound)


def oracle_depthwise(case: Any) -> None:
    x, w, _, stride, _, dilation, _ = case
    if len(x) == 0:
        x = np.ones((1, *x.shape[1:]), x.dtype)
    channels, sides = x.shape[1], w.shape[2:]
    x = fitted(x, [d * (k - 1) + 1 for d, k in zip(dilation, sides, strict=True)])
    filters = numbers(5, channels, 2, *sides, dtype=x.dtype)
    w, b = filters.reshape(2 * channels, 1, *sides), numbers(6, 2 * channels, dtype=x.dtype)
    for mode in ("valid", "same"):
        pads = pads_of(mode, x, w, stride, dilation)
        theirs = np.ascontiguousarray(filters.transpose(2, 3, 0, 1))
        wanted = np_depthwise_conv2d(last(x), theirs, b, stride, mode, None, dilation)
        arguments = (x, w, b, stride, pads, dilation, channels)
        bound = rounding(ops.general_conv2d, w[0].size + 1, *arguments)
        close(ops.general_conv2d(*arguments), wanted.transpose(0, 3, 1, 2), bound)


def oracle_pools(case: Any) -> None:
    """Their "same" puts all of the padding after the image, and repeats the edge for means: that
    mean is the one over real pixels only where no more than a whole edge repeats, so it is
    compared without padding alone."""
    x, kernel, stride, _ = case
    if len(x) == 0:
        x = np.ones((1, *x.shape[1:]), x.dtype)
    x = fitted(x, list(kernel))
    wanted = np_maxpool2d(last(x), kernel, stride, "valid", None)
    close(ops.max_pool2d(x, kernel, stride), wanted.transpose(0, 3, 1, 2), 0)
    wanted = np_avgpool2d(last(x), kernel, stride, "valid", None)
    bound = rounding(ops.avg_pool2d, kernel[0] * kernel[1] + 2, x, kernel, stride)
    close(ops.avg_pool2d(x, kernel, stride), wanted.transpose(0, 3, 1, 2), bound)
    after = [sum(same_pads(*n)) for n in zip(x.shape[2:], kernel, stride, strict=True)]
    wide = np.pad(x, ((0, 0), (0, 0), *((0, a) for a in after)), constant_values=-np.inf)
    wanted = np_maxpool2d(last(x), kernel, stride, "same", None)
    close(ops.max_pool2d(wide, kernel, stride), wanted.transpose(0, 3, 1, 2), 0)


KERAS: dict[str, tuple[list[str], Any, Callable[[Any], None]]] = {
    "convolution": (["general_conv2d", "same_padding"], rounded_convolutions(), oracle_conv2d),
    "convolution, depthwise": (["general_conv2d"], rounded_convolutions(), oracle_depthwise),
    "pooling": (["max_pool2d", "avg_pool2d"], rounded_pools(), oracle_pools),
}


# Gradients by differences. A step in a random direction v at the arrays must change sum(dy * y) by
# the gradients' product with v.


def along(
    function: Callable[..., Any],
    arrays: list[np.ndarray],
    got: Any,
    dy: Any,
    step: float,
    error: float,
) -> None:
    """The gradients `got` against central differences of `function`, in three directions.

    What is linear has no error but rounding, whatever the step; what is smooth errs by the square
    of the step.
    """
    for seed in range(3):
        directions = [numbers(seed * 10 + i, *a.shape) for i, a in enumerate(arrays)]
        up = function(*(a + step * v for a, v in zip(arrays, directions, strict=True)))
        down = function(*(a - step * v for a, v in zip(arrays, directions, strict=True)))
        slope = np.sum(dy * (np.asarray(up) - np.asarray(down))) / (2 * step)
        wanted = sum(float(np.vdot(g, v)) for g, v in zip(got, directions, strict=True))
        size = sum(
            float(np.sum(np.abs(g * v))) for g, v in zip(got, directions, strict=True)
        ) + float(np.sum(np.abs(dy * np.asarray(up))))
        assert abs(slope - wanted) <= error * (1 + size), (slope, wanted)


def wide(case: Any) -> list[Any]:
    """In float64."""
    return [a.astype(np.float64) if isinstance(a, np.ndarray) else a for a in case]


def dy_of(y: np.ndarray) -> np.ndarray:
    return numbers(99, *y.shape)


def slope_conv2d(case: Any) -> None:
    """Linear in each of x and (w, b) alone."""
    x, w, b, *geometry = wide(case)
    dy = dy_of(ops.general_conv2d(x, w, b, *geometry))
    dx, dw, db = ops.general_conv2d_backward(dy, x, w, *geometry)
    along(lambda x: ops.general_conv2d(x, w, b, *geometry), [x], [dx], dy, 1, 1e-12)
    along(lambda w, b: ops.general_conv2d(x, w, b, *geometry), [w, b], [dw, db], dy, 1, 1e-12)


def slope_same_conv2d(case: Any) -> None:
    x, w, b, stride, padding, _, _ = wide(case)
    dy = dy_of(ops.conv2d(x, w, b, stride, padding))
    dx, dw, db = ops.conv2d_backward(dy, x, w, stride, padding)
    along(lambda x: ops.conv2d(x, w, b, stride, padding), [x], [dx], dy, 1, 1e-12)
    along(lambda w, b: ops.conv2d(x, w, b, stride, padding), [w, b], [dw, db], dy, 1, 1e-12)


def slope_dense(case: Any) -> None:
    x, w, b = wide(case)
    dy = dy_of(ops.dense(x, w, b))
    dx, dw, db = ops.dense_backward(dy, x, w)
    along(lambda x: ops.dense(x, w, b), [x], [dx], dy, 1, 1e-12)
    along(lambda w, b: ops.dense(x, w, b), [w, b], [dw, db], dy, 1, 1e-12)


def slope_linear_pools(case: Any) -> None:
    """Means and columns are linear."""
    x, *geometry = wide(case)
    dy = dy_of(ops.avg_pool2d(x, *geometry))
    dx = ops.avg_pool2d_backward(dy, x, *geometry)
    along(lambda x: ops.avg_pool2d(x, *geometry), [x], [dx], dy, 1, 1e-12)
    dy = dy_of(ops.im2col(x, *geometry))
    dx = ops.col2im(dy, x.shape, *geometry)
    along(lambda x: ops.im2col(x, *geometry), [x], [dx], dy, 1, 1e-12)
    dy = dy_of(ops.global_avg_pool2d(x))
    dx = ops.global_avg_pool2d_backward(dy, x.shape)
    along(ops.global_avg_pool2d, [x], [dx], dy, 1, 1e-12)


def slope_max_pool2d(case: Any) -> None:
    """Linear between ties: the numbers are set a whole one apart, and the step is small."""
    x, *geometry = wide(case)
    x = np.random.default_rng(x.size).permutation(x.size).reshape(x.shape).astype(np.float64)
    dy = dy_of(ops.max_pool2d(x, *geometry))
    dx = ops.max_pool2d_backward(dy, x, *geometry)
    along(lambda x: ops.max_pool2d(x, *geometry), [x], [dx], dy, 2.0**-6, 1e-12)


def slope_relu(x: np.ndarray) -> None:
    x = np.where(np.abs(x) < 0.1, 1.0, x.astype(np.float64))
    dy = dy_of(x)
    along(ops.relu, [x], [ops.relu_backward(dy, x)], dy, 2.0**-7, 1e-12)


# The complex step: for a formula that takes complex numbers, the imaginary part of
# f(x + i h v) / h is the slope along v, and with h = 1e-200 there is no error but rounding.


def complex_along(
    formula: Callable[..., Any], arrays: list[np.ndarray], got: Any, dy: Any, error: float
) -> None:
    tiny = 1e-200
    for seed in range(3):
        directions = [numbers(seed * 10 + i, *a.shape) for i, a in enumerate(arrays)]
        y = formula(*(a + 1j * tiny * v for a, v in zip(arrays, directions, strict=True)))
        slope = float(np.sum(dy * y).imag / tiny)
        parts = [g * v for g, v in zip(got, directions, strict=True)]
        size = sum(float(np.sum(np.abs(part))) for part in parts)
        assert abs(slope - sum(float(np.sum(part)) for part in parts)) <= error * (1 + size)


def exponentials(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits - logits.real.max(axis=1, keepdims=True))


def complex_softmax(case: Any) -> None:
    logits = case[0].astype(np.float64)
    dy = dy_of(logits)

    def formula(z: np.ndarray) -> np.ndarray:
        return exponentials(z) / exponentials(z).sum(axis=1, keepdims=True)

    complex_along(formula, [logits], [ops.softmax_backward(dy, logits)], dy, 1e-12)


def complex_cross_entropy(case: Any) -> None:
    logits, labels = case[0].astype(np.float64), case[1]

    def formula(z: np.ndarray) -> np.ndarray:
        shifted = z - z.real.max(axis=1, keepdims=True)
        chosen = shifted[np.arange(len(z)), labels]
        return np.mean(np.log(np.exp(shifted).sum(axis=1)) - chosen, keepdims=True)

    close(
        ops.cross_entropy(logits, labels),
        formula(logits).real[0],
        1e-12 * (1 + np.max(abs(logits))),
    )
    got = ops.cross_entropy_backward(logits, labels)
    complex_along(formula, [logits], [got], np.ones(1), 1e-12)


def complex_batch_norm2d(case: Any) -> None:
    x, gamma, beta, eps = case
    axes = (0, 2, 3)

    def formula(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
        centred = x - x.mean(axis=axes, keepdims=True)
        # Not the magnitude of a complex number: the square, which is what has a derivative.
        variance = (centred * centred).mean(axis=axes, keepdims=True)
        return gamma[:, None, None] * centred / np.sqrt(variance + eps) + beta[:, None, None]

    dy = dy_of(x)
    got = ops.batch_norm2d_backward(dy, x, gamma, eps)
    complex_along(formula, [x, gamma, beta], got, dy, 1e-11)


DIFFERENCES: dict[str, tuple[list[str], Any, Callable[[Any], None]]] = {
    "convolution, general": (["general_conv2d_backward"], rounded_convolutions(), slope_conv2d),
    "convolution": (["conv2d_backward"], even_convolutions(dilated=False), slope_same_conv2d),
    "dense layer": (["dense_backward"], matrices(), slope_dense),
    "means and columns": (
        ["avg_pool2d_backward", "col2im", "global_avg_pool2d_backward"],
        rounded_pools(),
        slope_linear_pools,
    ),
    "max pooling": (["max_pool2d_backward"], rounded_pools(), slope_max_pool2d),
    "ReLU": (["relu_backward"], images(), slope_relu),
    "softmax, complex step": (["softmax_backward"], classified(), complex_softmax),
    "cross-entropy, complex step": (
        ["cross_entropy_backward"],
        classified(),
        complex_cross_entropy,
    ),
    "batch normalisation, complex step": (
        ["batch_norm2d_backward"],
        normalisable(),
        complex_batch_norm2d,
    ),
}
