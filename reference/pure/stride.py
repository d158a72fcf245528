"""Stride: windows that jump, pixels that are skipped."""

from __future__ import annotations

import numpy as np

from .padding import _as_float, output_size


def sliding_windows(
    x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)
) -> np.ndarray:
    """Every window of x, (N, C, HO, WO, KH, KW), as a copy."""
    x = _as_float("x", x, 4)
    batch, channels, height, width = x.shape
    (kh, kw), (sh, sw) = kernel, stride
    ho, wo = output_size(height, kh, sh), output_size(width, kw, sw)
    windows = np.zeros((batch, channels, ho, wo, kh, kw), x.dtype)
    for i in range(ho):
        for j in range(wo):
            windows[:, :, i, j] = x[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
    return windows


def downsample(x: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    """Every stride-th pixel from the first, (N, C, ceil(H / sh), ceil(W / sw))."""
    x = _as_float("x", x, 4)
    sh, sw = stride
    if sh < 1 or sw < 1:
        raise ValueError(f"stride must be at least 1; got {stride}.")
    return x[:, :, ::sh, ::sw].copy()


def strided_conv2d(x: np.ndarray, w: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    """Valid cross-correlation without bias, only at the outputs that are kept."""
    x = _as_float("x", x, 4)
    w = _as_float("w", w, 4, x.dtype)
    if w.shape[1] != x.shape[1]:
        raise ValueError(f"w must have as many channels as x ({x.shape[1]}); got shape {w.shape}.")
    (kh, kw), (sh, sw) = w.shape[2:], stride
    ho, wo = output_size(x.shape[2], kh, sh), output_size(x.shape[3], kw, sw)
    y = np.zeros((x.shape[0], w.shape[0], ho, wo), x.dtype)
    for i in range(ho):
        for j in range(wo):
            window = x[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            y[:, :, i, j] = np.tensordot(window, w, axes=([1, 2, 3], [1, 2, 3]))
    return y
