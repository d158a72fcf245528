"""Output sizes and zero padding."""

from __future__ import annotations

import numpy as np


def _as_float(
    name: str, array: np.ndarray, ndim: int | None = None, dtype: np.dtype | None = None
) -> np.ndarray:
    """The array as `dtype`; without one, float32 stays and all else becomes float64."""
    array = np.asarray(array)
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have ndim {ndim}; got shape {array.shape}.")
    if dtype is None:
        dtype = np.dtype(np.float32 if array.dtype.type is np.float32 else np.float64)
    return array.astype(dtype, copy=False)


def output_size(
    size: int, kernel: int, stride: int = 1, padding: tuple[int, int] = (0, 0), dilation: int = 1
) -> int:
    """Length of the output along one axis, `padding` = (before, after)."""
    before, after = padding
    if kernel < 1 or stride < 1 or dilation < 1:
        raise ValueError(
            "kernel, stride and dilation must be at least 1; "
            f"got kernel {kernel}, stride {stride}, dilation {dilation}."
        )
    if before < 0 or after < 0:
        raise ValueError(f"padding must not be negative; got {(before, after)}.")
    padded = size + before + after
    reach = dilation * (kernel - 1) + 1
    if size < 0 or reach > padded:
        raise ValueError(
            f"kernel must fit into the padded image; got kernel {kernel} with dilation {dilation} "
            f"for size {size} with padding {(before, after)}."
        )
    return (padded - reach) // stride + 1


def same_padding(size: int, kernel: int, stride: int = 1) -> tuple[int, int]:
    """(before, after) so that the output has ceil(size / stride) entries; odd cell after."""
    if size < 1 or kernel < 1 or stride < 1:
        raise ValueError(
            "size, kernel and stride must be at least 1; "
            f"got size {size}, kernel {kernel}, stride {stride}."
        )
    outputs = (size + stride - 1) // stride
    total = max((outputs - 1) * stride + kernel - size, 0)
    before = total // 2
    return before, total - before


def zero_pad2d(x: np.ndarray, padding: tuple[tuple[int, int], tuple[int, int]]) -> np.ndarray:
    """x (N, C, H, W) with rows and columns of zeros around, ((top, bottom), (left, right))."""
    x = _as_float("x", x, 4)
    (top, bottom), (left, right) = padding
    if min(top, bottom, left, right) < 0:
        raise ValueError(f"padding must not be negative; got {padding}.")
    batch, channels, height, width = x.shape
    padded = np.zeros((batch, channels, top + height + bottom, left + width + right), x.dtype)
    padded[:, :, top : top + height, left : left + width] = x
    return padded
