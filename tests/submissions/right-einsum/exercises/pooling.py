"""Pooling as a reduction over the two last axes of the windows."""

import numpy as np
from convolution import windows
from padding import output_size, working


def check_padding(kernel: tuple[int, int], padding: tuple[int, int]) -> None:
    if any(p > k // 2 for k, p in zip(kernel, padding)):
        raise ValueError(f"padding: must be at most half the kernel {kernel}, got {padding}")


def selection(size: int, kernel: int, stride: int, padding: int, dtype: type) -> np.ndarray:
    """S[u, i, h] = 1 where tap u of window i lies on pixel h. Padding has no pixel, so no 1."""
    outputs = output_size(size, kernel, stride, (padding, padding))
    pixel = np.arange(kernel)[:, None] + np.arange(outputs) * stride - padding
    return (pixel[:, :, None] == np.arange(size)).astype(dtype)


def selections(shape: tuple[int, ...], kernel: tuple[int, int], stride: tuple[int, int],
               padding: tuple[int, int], dtype: type) -> tuple[np.ndarray, np.ndarray]:
    rows, cols = (selection(*axis, dtype)
                  for axis in zip(shape[-2:], kernel, stride, padding))
    return rows, cols


def max_pool2d(x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int],
               padding: tuple[int, int] = (0, 0)) -> np.ndarray:
    x = working(x, 4)
    check_padding(kernel, padding)
    return windows(x, kernel, stride, padding, value=-np.inf).max(axis=(-2, -1))


def avg_pool2d(x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int],
               padding: tuple[int, int] = (0, 0)) -> np.ndarray:
    x = working(x, 4)
    check_padding(kernel, padding)
    rows, cols = selections(x.shape, kernel, stride, padding, x.dtype)
    rows, cols = rows.sum(axis=0), cols.sum(axis=0)  # (HO, H) and (WO, W)
    counts = np.einsum("ih,jw->ij", rows, cols)
    return rows @ x @ cols.T / counts


def global_avg_pool2d(x: np.ndarray) -> np.ndarray:
    x = working(x, 4)
    if 0 in x.shape[2:]:
        raise ValueError(f"x: must have pixels, has shape {x.shape}")
    return np.einsum("nchw->nc", x) / (x.shape[2] * x.shape[3])
