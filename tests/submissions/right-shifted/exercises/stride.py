"""Stride: a slice with a step."""

from __future__ import annotations

import numpy as np

from .convolution import check_filters, out_shape, taps
from .padding import floats


def sliding_windows(
    x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)
) -> np.ndarray:
    x = floats(x, 4)
    ho, wo = out_shape(x, kernel, stride)
    windows = np.empty((*x.shape[:2], ho, wo, *kernel), x.dtype)
    for u, v, rows, cols in taps(kernel, stride, (ho, wo)):
        windows[..., u, v] = x[:, :, rows, cols]
    return windows


def downsample(x: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    x = floats(x, 4)
    if min(stride) < 1:
        raise ValueError(f"stride: starts at 1, got {stride}")
    return x[:, :, :: stride[0], :: stride[1]].copy()


def strided_conv2d(x: np.ndarray, w: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    x = floats(x, 4)
    check_filters(x, w, None, x.shape[1])
    out = out_shape(x, w.shape[2:], stride)
    w = w.astype(x.dtype)
    y = np.zeros((w.shape[0], x.shape[0], *out), x.dtype)
    for u, v, rows, cols in taps(w.shape[2:], stride, out):
        y += np.tensordot(w[:, :, u, v], x[:, :, rows, cols], axes=(1, 1))
    return y.swapaxes(0, 1).copy()
