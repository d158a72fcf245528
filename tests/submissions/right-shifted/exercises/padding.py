"""Padding, and the size arithmetic that everything else leans on."""

from __future__ import annotations

import numpy as np


def floats(x: np.ndarray, ndim: int | None = None, name: str = "x") -> np.ndarray:
    """x in the dtype of the answer: float32 stays, the rest is float64. May be x itself."""
    if ndim is not None and x.ndim != ndim:
        raise ValueError(f"{name}: expected {ndim} dimensions, got shape {x.shape}")
    return x if x.dtype in (np.float32, np.float64) else x.astype(np.float64)


def output_size(
    size: int, kernel: int, stride: int = 1, padding: tuple[int, int] = (0, 0), dilation: int = 1
) -> int:
    if kernel < 1 or stride < 1 or dilation < 1:
        raise ValueError(
            f"kernel, stride and dilation start at 1, got {kernel}, {stride}, {dilation}"
        )
    if min(padding) < 0:
        raise ValueError(f"padding: cannot be negative, got {padding}")
    last_start = size + sum(padding) - dilation * (kernel - 1) - 1
    if last_start < 0:
        raise ValueError(f"kernel: {kernel} (dilation {dilation}) does not fit {size} + {padding}")
    return 1 + last_start // stride


def same_padding(size: int, kernel: int, stride: int = 1) -> tuple[int, int]:
    if min(size, kernel, stride) < 1:
        raise ValueError(f"size, kernel, stride: start at 1, got {size}, {kernel}, {stride}")
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def zero_pad2d(
    x: np.ndarray, padding: tuple[tuple[int, int], tuple[int, int]]
) -> np.ndarray:
    x = floats(x, 4)
    (top, bottom), (left, right) = padding
    if min(top, bottom, left, right) < 0:
        raise ValueError(f"padding: cannot be negative, got {padding}")
    n, c, h, w = x.shape
    canvas = np.zeros((n, c, h + top + bottom, w + left + right), x.dtype)
    canvas[:, :, top : top + h, left : left + w] = x
    return canvas
