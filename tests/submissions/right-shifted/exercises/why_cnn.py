"""Why not just a dense network?"""

from __future__ import annotations

import numpy as np

from .padding import output_size

_ROW = np.array([[-1.0, -2.0, -1.0], [2.0, 4.0, 2.0], [-1.0, -2.0, -1.0]])
_DIAGONAL = np.array([[2.0, -1.0, -2.0], [-1.0, 4.0, -1.0], [-2.0, -1.0, 2.0]])


def dense_layer_cost(inputs: int, units: int) -> tuple[int, int]:
    if min(inputs, units) < 1:
        raise ValueError(f"inputs, units: start at 1, got {inputs} and {units}")
    edges = inputs * units
    return edges, edges + units


def conv_layer_cost(
    height: int,
    width: int,
    in_channels: int,
    out_channels: int,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> tuple[int, int]:
    if min(height, width, in_channels, out_channels) < 1:
        raise ValueError(
            f"sizes: start at 1, got {height} x {width}, {in_channels}, {out_channels} channels"
        )
    rows = output_size(height, kernel[0], stride[0], (padding[0], padding[0]))
    cols = output_size(width, kernel[1], stride[1], (padding[1], padding[1]))
    weights = out_channels * in_channels * kernel[0] * kernel[1]
    return rows * cols * weights, weights + out_channels


def receptive_field(layers: list[tuple[int, int]]) -> int:
    field = jump = 1
    for kernel, stride in layers:
        if min(kernel, stride) < 1:
            raise ValueError(f"layers: kernel and stride start at 1, got ({kernel}, {stride})")
        field += (kernel - 1) * jump
        jump *= stride
    return field


def line_filter(orientation: str) -> np.ndarray:
    if orientation == "horizontal":
        return _ROW.copy()
    if orientation == "vertical":
        return _ROW.T.copy()
    if orientation == "diagonal":
        return _DIAGONAL.copy()
    if orientation == "antidiagonal":
        return _DIAGONAL[:, ::-1].copy()
    raise ValueError(f"orientation: no such line {orientation!r}")
