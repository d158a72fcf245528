"""Why not just a dense network: what layers cost, and what one unit sees."""

from __future__ import annotations

import numpy as np

from .padding import output_size


def dense_layer_cost(inputs: int, units: int) -> tuple[int, int]:
    """(connections, parameters) of a dense layer with biases."""
    if inputs < 1 or units < 1:
        raise ValueError(f"inputs and units must be at least 1; got {inputs} and {units}.")
    connections = inputs * units
    return connections, connections + units


def conv_layer_cost(
    height: int,
    width: int,
    in_channels: int,
    out_channels: int,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> tuple[int, int]:
    """(connections, parameters) of a convolutional layer with biases."""
    if min(height, width, in_channels, out_channels) < 1:
        raise ValueError(
            "height, width, in_channels and out_channels must be at least 1; "
            f"got {height}, {width}, {in_channels} and {out_channels}."
        )
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    ho = output_size(height, kh, sh, (ph, ph))
    wo = output_size(width, kw, sw, (pw, pw))
    weights = out_channels * in_channels * kh * kw
    return ho * wo * weights, weights + out_channels


def receptive_field(layers: list[tuple[int, int]]) -> int:
    """Side of the receptive field of one output, `layers` = [(kernel, stride), ...]."""
    side, jump = 1, 1
    for kernel, stride in layers:
        if kernel < 1 or stride < 1:
            raise ValueError(f"kernel and stride must be at least 1; got layer {(kernel, stride)}.")
        side += (kernel - 1) * jump
        jump *= stride
    return side


def line_filter(orientation: str) -> np.ndarray:
    """A 3 by 3 kernel that answers most strongly to a line of its own orientation."""
    row, column = np.mgrid[-1:2, -1:2]
    distance = {
        "horizontal": row,
        "vertical": column,
        "diagonal": column - row,
        "antidiagonal": column + row,
    }
    if orientation not in distance:
        raise ValueError(f"orientation must be one of {list(distance)}; got {orientation!r}.")
    return np.where(distance[orientation] == 0, 2.0, -1.0)
