"""Chapter 1."""

import numpy as np
from windows import outputs, require

FILTERS = {
    "horizontal": ((-1, -1, -1), (2, 2, 2), (-1, -1, -1)),
    "vertical": ((-1, 2, -1), (-1, 2, -1), (-1, 2, -1)),
    "diagonal": ((2, -1, -1), (-1, 2, -1), (-1, -1, 2)),
    "antidiagonal": ((-1, -1, 2), (-1, 2, -1), (2, -1, -1)),
}


def dense_layer_cost(inputs, units):
    require(inputs >= 1, f"inputs must be at least 1, not {inputs}")
    require(units >= 1, f"units must be at least 1, not {units}")
    weights = inputs * units
    return weights, weights + units


def conv_layer_cost(
    height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
):
    sides = (height, width, in_channels, out_channels)
    require(min(sides) >= 1, f"sizes and channels must be at least 1, not {sides}")
    ho = outputs(height, kernel[0], stride[0], padding[0], padding[0])
    wo = outputs(width, kernel[1], stride[1], padding[1], padding[1])
    per_output = in_channels * kernel[0] * kernel[1]
    return ho * wo * out_channels * per_output, (per_output + 1) * out_channels


def receptive_field(layers):
    r = 1
    step = 1
    for k, s in layers:
        require(k >= 1 and s >= 1, f"layers: ({k}, {s}) is impossible")
        r += step * (k - 1)
        step *= s
    return r


def line_filter(orientation):
    require(orientation in FILTERS, f"orientation must be one of {list(FILTERS)}")
    return np.array(FILTERS[orientation], dtype=np.float64)
