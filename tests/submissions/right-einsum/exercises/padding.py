"""Shapes and borders."""

import numpy as np


def working(x: np.ndarray, axes: int, name: str = "x") -> np.ndarray:
    """x as floating point numbers, after a look at its number of axes."""
    if np.ndim(x) != axes:
        raise ValueError(f"{name}: needs {axes} axes, has shape {np.shape(x)}")
    if x.dtype.kind == "f":
        return x
    return x.astype(float)


def output_size(size: int, kernel: int, stride: int = 1,
                padding: tuple[int, int] = (0, 0), dilation: int = 1) -> int:
    if min(kernel, stride, dilation) < 1:
        raise ValueError(f"kernel {kernel}, stride {stride} and dilation {dilation} must be >= 1")
    if padding[0] < 0 or padding[1] < 0:
        raise ValueError(f"padding: must be >= 0, got {padding}")
    starts = size + padding[0] + padding[1] - dilation * (kernel - 1)
    if starts < 1:
        raise ValueError(f"kernel: {kernel} with dilation {dilation} does not fit into "
                         f"{size} with padding {padding}")
    return -(-starts // stride)  # ceil(starts / stride)


def same_padding(size: int, kernel: int, stride: int = 1) -> tuple[int, int]:
    if min(size, kernel, stride) < 1:
        raise ValueError(f"impossible geometry: size {size}, kernel {kernel}, stride {stride}")
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    before, odd = divmod(total, 2)
    return before, before + odd


def border(x: np.ndarray, padding: tuple[tuple[int, int], tuple[int, int]],
           value: float = 0.0) -> np.ndarray:
    rows, cols = padding
    if min(*rows, *cols) < 0:
        raise ValueError(f"padding: must be >= 0, got {padding}")
    return np.pad(x, ((0, 0), (0, 0), rows, cols), constant_values=value)


def zero_pad2d(x: np.ndarray, padding: tuple[tuple[int, int], tuple[int, int]]) -> np.ndarray:
    return border(working(x, 4), padding)
