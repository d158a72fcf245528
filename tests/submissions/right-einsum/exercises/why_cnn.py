"""Why CNNs? Count what a dense layer would cost."""

import numpy as np
from padding import output_size

ORIENTATIONS = ("horizontal", "vertical", "diagonal", "antidiagonal")


def dense_layer_cost(inputs: int, units: int) -> tuple[int, int]:
    if min(inputs, units) < 1:
        raise ValueError(f"inputs and units must be >= 1, got {inputs}, {units}")
    return inputs * units, inputs * units + units


def conv_layer_cost(height: int, width: int, in_channels: int, out_channels: int,
                    kernel: tuple[int, int], stride: tuple[int, int] = (1, 1),
                    padding: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    if min(height, width, in_channels, out_channels) < 1:
        raise ValueError(f"sizes and channels must be >= 1, got {height}, {width}, "
                         f"{in_channels}, {out_channels}")
    outputs = out_channels
    for size, k, s, p in zip((height, width), kernel, stride, padding):
        outputs *= output_size(size, k, s, (p, p))
    window = in_channels * kernel[0] * kernel[1]
    return outputs * window, out_channels * window + out_channels


def receptive_field(layers: list[tuple[int, int]]) -> int:
    if any(k < 1 or s < 1 for k, s in layers):
        raise ValueError(f"layers: kernels and strides must be positive, got {layers}")
    strides = [1] + [s for _, s in layers]
    jumps = np.cumprod(strides[:len(layers)], dtype=np.int64)
    return 1 + sum(int(j) * (k - 1) for j, (k, _) in zip(jumps, layers))


def line_filter(orientation: str) -> np.ndarray:
    if orientation not in ORIENTATIONS:
        raise ValueError(f"orientation: {orientation!r} is not one of {ORIENTATIONS}")
    profile, along = np.array([-1.0, 2.0, -1.0]), np.ones(3)
    if orientation == "horizontal":
        return np.einsum("i,j->ij", profile, along)
    if orientation == "vertical":
        return np.einsum("i,j->ij", along, profile)
    diagonal = 3.0 * np.eye(3) - 1.0
    return diagonal if orientation == "diagonal" else diagonal[::-1].copy()
