"""Backpropagation, layer by layer; dy is the gradient of the loss at the layer's output."""

from __future__ import annotations

import numpy as np

from .activation import _as_labels, softmax
from .convolution import _check_filters
from .padding import _as_float, output_size, zero_pad2d
from .pooling import _pooled_size, _real


def _check_shape(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}; got {array.shape}.")


def relu_backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dy where x > 0, else 0."""
    dy = _as_float("dy", dy)
    x = np.asarray(x)
    _check_shape("dy", dy, x.shape)
    return np.where(x > 0, dy, np.zeros_like(dy))


def dense_backward(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dx, dw, db) of y = x @ w + b."""
    dy = _as_float("dy", dy, 2)
    x = _as_float("x", x, 2, dy.dtype)
    w = _as_float("w", w, 2, dy.dtype)
    if w.shape[0] != x.shape[1]:
        raise ValueError(f"w must have one row per column of x ({x.shape[1]}); got {w.shape}.")
    _check_shape("dy", dy, (x.shape[0], w.shape[1]))
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


def cross_entropy_backward(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(softmax(logits) - one-hot labels) / N."""
    logits = _as_float("logits", logits, 2)
    labels = _as_labels(labels, logits)
    gradient = softmax(logits)
    gradient[np.arange(len(labels)), labels] -= 1
    return gradient / len(labels) if len(labels) else gradient


def max_pool2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """dx: every dy goes to the first maximum of its window, and overlaps add up."""
    dy = _as_float("dy", dy, 4)
    x = _as_float("x", x, 4)
    batch, channels, height, width = x.shape
    ho, wo = _pooled_size((height, width), kernel, stride, padding)
    _check_shape("dy", dy, (batch, channels, ho, wo))
    dx = np.zeros(x.shape, dy.dtype)
    n, c = np.ogrid[:batch, :channels]
    for i in range(ho):
        for j in range(wo):
            rows = _real(i, kernel[0], stride[0], padding[0], height)
            cols = _real(j, kernel[1], stride[1], padding[1], width)
            window = x[:, :, rows, cols]
            kh, kw = window.shape[2:]
            first = window.reshape(batch, channels, kh * kw).argmax(axis=2)
            dx[n, c, rows.start + first // kw, cols.start + first % kw] += dy[:, :, i, j]
    return dx


def avg_pool2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """dx: every dy is shared equally by the real pixels of its window."""
    dy = _as_float("dy", dy, 4)
    batch, channels, height, width = _as_float("x", x, 4).shape
    ho, wo = _pooled_size((height, width), kernel, stride, padding)
    _check_shape("dy", dy, (batch, channels, ho, wo))
    dx = np.zeros((batch, channels, height, width), dy.dtype)
    for i in range(ho):
        for j in range(wo):
            rows = _real(i, kernel[0], stride[0], padding[0], height)
            cols = _real(j, kernel[1], stride[1], padding[1], width)
            pixels = (rows.stop - rows.start) * (cols.stop - cols.start)
            dx[:, :, rows, cols] += dy[:, :, i, j, None, None] / pixels
    return dx


def conv2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dx, dw, db) of `conv2d`: every output hands its dy back to its window and to w."""
    dy = _as_float("dy", dy, 4)
    x = _as_float("x", x, 4, dy.dtype)
    w = _as_float("w", w, 4, dy.dtype)
    db: np.ndarray = dy.sum(axis=(0, 2, 3))
    _check_filters(x, w, np.zeros(w.shape[0]))
    batch, _, height, width = x.shape
    (kh, kw), (sh, sw), (ph, pw) = w.shape[2:], stride, padding
    ho = output_size(height, kh, sh, (ph, ph))
    wo = output_size(width, kw, sw, (pw, pw))
    _check_shape("dy", dy, (batch, w.shape[0], ho, wo))
    padded = zero_pad2d(x, ((ph, ph), (pw, pw)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros(w.shape, dy.dtype)
    for i in range(ho):
        for j in range(wo):
            rows, cols = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
            dpadded[:, :, rows, cols] += np.tensordot(dy[:, :, i, j], w, axes=(1, 0))
            dw += np.tensordot(dy[:, :, i, j], padded[:, :, rows, cols], axes=(0, 0))
    return dpadded[:, :, ph : ph + height, pw : pw + width].copy(), dw, db


def col2im(
    columns: np.ndarray,
    shape: tuple[int, int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Adjoint of `im2col`: every entry is added to the pixel that it was copied from."""
    columns = _as_float("columns", columns, 3)
    if len(shape) != 4:
        raise ValueError(f"shape must be (N, C, H, W); got {shape}.")
    batch, channels, height, width = shape
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    ho = output_size(height, kh, sh, (ph, ph))
    wo = output_size(width, kw, sw, (pw, pw))
    _check_shape("columns", columns, (batch, channels * kh * kw, ho * wo))
    taps = columns.reshape(batch, channels, kh, kw, ho, wo)
    padded = np.zeros((batch, channels, height + 2 * ph, width + 2 * pw), columns.dtype)
    for u in range(kh):
        for v in range(kw):
            rows = slice(u, u + (ho - 1) * sh + 1, sh)
            cols = slice(v, v + (wo - 1) * sw + 1, sw)
            padded[:, :, rows, cols] += taps[:, :, u, v]
    return padded[:, :, ph : ph + height, pw : pw + width].copy()
