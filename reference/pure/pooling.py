"""Pooling: a window of pixels becomes one number, channel by channel."""

from __future__ import annotations

import numpy as np

from .padding import _as_float, output_size


def _pooled_size(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
) -> tuple[int, int]:
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    ho = output_size(size[0], kh, sh, (ph, ph))
    wo = output_size(size[1], kw, sw, (pw, pw))
    if min(size) < 1:
        raise ValueError(f"x must have at least one pixel; got rows and columns {size}.")
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding must be at most half the kernel {kernel}; got {padding}.")
    return ho, wo


def _real(index: int, kernel: int, stride: int, padding: int, size: int) -> slice:
    """The pixels under window number `index` along one axis, without the padding."""
    start = index * stride - padding
    return slice(max(start, 0), min(start + kernel, size))


def max_pool2d(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The largest pixel of every window; padding never wins."""
    x = _as_float("x", x, 4)
    batch, channels, height, width = x.shape
    ho, wo = _pooled_size((height, width), kernel, stride, padding)
    y = np.zeros((batch, channels, ho, wo), x.dtype)
    for i in range(ho):
        for j in range(wo):
            rows = _real(i, kernel[0], stride[0], padding[0], height)
            cols = _real(j, kernel[1], stride[1], padding[1], width)
            y[:, :, i, j] = x[:, :, rows, cols].max(axis=(2, 3))
    return y


def avg_pool2d(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The mean of every window's real pixels; padding does not count."""
    x = _as_float("x", x, 4)
    batch, channels, height, width = x.shape
    ho, wo = _pooled_size((height, width), kernel, stride, padding)
    y = np.zeros((batch, channels, ho, wo), x.dtype)
    for i in range(ho):
        for j in range(wo):
            rows = _real(i, kernel[0], stride[0], padding[0], height)
            cols = _real(j, kernel[1], stride[1], padding[1], width)
            y[:, :, i, j] = x[:, :, rows, cols].mean(axis=(2, 3))
    return y


def global_avg_pool2d(x: np.ndarray) -> np.ndarray:
    """The mean of every channel, (N, C)."""
    x = _as_float("x", x, 4)
    if x.shape[2] < 1 or x.shape[3] < 1:
        raise ValueError(f"x must have at least one pixel; got shape {x.shape}.")
    means: np.ndarray = x.mean(axis=(2, 3))
    return means
