"""Backpropagation: what a tap reads in the forward pass, it writes in the backward pass."""

from __future__ import annotations

import numpy as np

from .activation import check_labels, softmax
from .convolution import check_filters, out_shape, taps
from .padding import floats, zero_pad2d
from .pooling import check_pool, frame, pixel_counts


def expect(dy: np.ndarray, shape: tuple[int, ...], name: str = "dy") -> None:
    if dy.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {dy.shape}")


def crop(big: np.ndarray, padding: tuple[int, int]) -> np.ndarray:
    h, w = big.shape[2:]
    return big[:, :, padding[0] : h - padding[0], padding[1] : w - padding[1]].copy()


def relu_backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    expect(dy, x.shape)
    dy = floats(dy)
    return np.where(x > 0, dy, dy.dtype.type(0))


def dense_backward(
    dy: np.ndarray, x: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dy = floats(dy, 2, "dy")
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[0]:
        raise ValueError(f"x, w: {x.shape} and {w.shape} cannot be multiplied")
    expect(dy, (x.shape[0], w.shape[1]))
    return dy @ w.T.astype(dy.dtype), x.T.astype(dy.dtype) @ dy, dy.sum(axis=0)


def cross_entropy_backward(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    check_labels(logits, labels)
    n, k = logits.shape
    gradient = softmax(logits)
    gradient -= np.eye(k, dtype=gradient.dtype)[labels.astype(np.intp)]
    return gradient / max(n, 1)


def max_pool2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    dy = floats(dy, 4, "dy")
    x = floats(x, 4)
    check_pool(kernel, padding)
    out = out_shape(x, kernel, stride, padding)
    expect(dy, (*x.shape[:2], *out))
    big = frame(x, padding, -np.inf)
    best = np.full(dy.shape, -np.inf, x.dtype)
    for _, _, rows, cols in taps(kernel, stride, out):
        np.maximum(best, big[:, :, rows, cols], out=best)
    # second round: the first tap that reaches the maximum takes the gradient, once
    dx = np.zeros(big.shape, dy.dtype)
    left = dy.copy()
    for _, _, rows, cols in taps(kernel, stride, out):
        hit = big[:, :, rows, cols] == best
        dx[:, :, rows, cols] += np.where(hit, left, 0)
        left[hit] = 0
    return crop(dx, padding)


def avg_pool2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    dy = floats(dy, 4, "dy")
    if x.ndim != 4:
        raise ValueError(f"x: expected 4 dimensions, got shape {x.shape}")
    counts = pixel_counts(x, kernel, stride, padding)
    expect(dy, (*x.shape[:2], *counts.shape))
    share = dy / counts.astype(dy.dtype)
    dx = frame(np.zeros(x.shape, dy.dtype), padding, 0.0)
    for _, _, rows, cols in taps(kernel, stride, counts.shape):
        dx[:, :, rows, cols] += share
    return crop(dx, padding)


def conv2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dy = floats(dy, 4, "dy")
    x = floats(x, 4).astype(dy.dtype)
    check_filters(x, w, None, x.shape[1])
    out = out_shape(x, w.shape[2:], stride, padding)
    expect(dy, (x.shape[0], w.shape[0], *out))
    w = w.astype(dy.dtype)
    big = zero_pad2d(x, ((padding[0],) * 2, (padding[1],) * 2))
    # channels first: then each tap is a plain matrix product
    back = np.zeros((big.shape[1], big.shape[0], *big.shape[2:]), dy.dtype)
    dy = np.ascontiguousarray(dy.transpose(1, 0, 2, 3))
    dw = np.empty(w.shape, dy.dtype)
    for u, v, rows, cols in taps(w.shape[2:], stride, out):
        seen = big[:, :, rows, cols]
        dw[:, :, u, v] = np.tensordot(dy, seen, axes=((1, 2, 3), (0, 2, 3)))
        back[:, :, rows, cols] += np.tensordot(w[:, :, u, v], dy, axes=(0, 0))
    dx = crop(back.transpose(1, 0, 2, 3), padding)
    return dx, dw, dy.sum(axis=(1, 2, 3))


def col2im(
    columns: np.ndarray,
    shape: tuple[int, int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    columns = floats(columns, 3, "columns")
    if len(shape) != 4:
        raise ValueError(f"shape: expected (N, C, H, W), got {shape}")
    n, c, h, w = shape
    big = np.zeros((n, c, h + 2 * max(padding[0], 0), w + 2 * max(padding[1], 0)), columns.dtype)
    ho, wo = out_shape(np.empty((0, 0, h, w)), kernel, stride, padding)
    expect(columns, (n, c * kernel[0] * kernel[1], ho * wo), "columns")
    parts = columns.reshape(n, c, *kernel, ho, wo)
    for u, v, rows, cols in taps(kernel, stride, (ho, wo)):
        big[:, :, rows, cols] += parts[:, :, u, v]
    return crop(big, padding)
