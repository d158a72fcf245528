"""Pooling, with the taps of the convolution."""

from __future__ import annotations

import numpy as np

from .convolution import out_shape, taps
from .padding import floats


def frame(x: np.ndarray, padding: tuple[int, int], value: float) -> np.ndarray:
    """x with a border of `value`."""
    n, c, h, w = x.shape
    ph, pw = padding
    big = np.full((n, c, h + 2 * ph, w + 2 * pw), value, x.dtype)
    big[:, :, ph : ph + h, pw : pw + w] = x
    return big


def check_pool(kernel: tuple[int, int], padding: tuple[int, int]) -> None:
    if padding[0] > kernel[0] // 2 or padding[1] > kernel[1] // 2:
        raise ValueError(f"padding: at most half of the kernel {kernel}, got {padding}")


def pixel_counts(
    x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> np.ndarray:
    """(HO, WO): how many real pixels each window holds."""
    check_pool(kernel, padding)
    out = out_shape(x, kernel, stride, padding)
    real = frame(np.ones((1, 1, *x.shape[2:])), padding, 0.0)[0, 0]
    counts = np.zeros(out)
    for _, _, rows, cols in taps(kernel, stride, out):
        counts += real[rows, cols]
    return counts


def max_pool2d(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    x = floats(x, 4)
    check_pool(kernel, padding)
    out = out_shape(x, kernel, stride, padding)
    big = frame(x, padding, -np.inf)
    best = np.full((*x.shape[:2], *out), -np.inf, x.dtype)
    for _, _, rows, cols in taps(kernel, stride, out):
        np.maximum(best, big[:, :, rows, cols], out=best)
    return best


def avg_pool2d(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    x = floats(x, 4)
    counts = pixel_counts(x, kernel, stride, padding)
    big = frame(x, padding, 0.0)
    total = np.zeros((*x.shape[:2], *counts.shape), x.dtype)
    for _, _, rows, cols in taps(kernel, stride, counts.shape):
        total += big[:, :, rows, cols]
    return total / counts.astype(x.dtype)


def global_avg_pool2d(x: np.ndarray) -> np.ndarray:
    if 0 in x.shape[2:]:
        raise ValueError(f"x: has no pixels, shape {x.shape}")
    return floats(x, 4).mean(axis=(2, 3))
