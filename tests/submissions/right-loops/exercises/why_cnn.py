"""Exercise 1: why not just a dense network."""

import numpy as np


def dense_layer_cost(inputs, units):
    if inputs < 1 or units < 1:
        raise ValueError(f"inputs and units must be at least 1, got {inputs} and {units}")
    connections = 0
    for _ in range(units):
        connections = connections + inputs  # every unit looks at every input
    return connections, connections + units


def conv_layer_cost(
    height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
):
    if height < 1 or width < 1 or in_channels < 1 or out_channels < 1:
        raise ValueError(
            f"every size must be at least 1: {height}, {width}, {in_channels}, {out_channels}"
        )
    out = []
    for size, k, s, p in zip((height, width), kernel, stride, padding):
        if k < 1 or s < 1 or p < 0:
            raise ValueError(f"impossible kernel {kernel}, stride {stride} or padding {padding}")
        if k > size + 2 * p:
            raise ValueError(f"kernel {kernel} does not fit an image of {height} x {width}")
        # count the places where the kernel can start
        places = 0
        start = 0
        while start + k <= size + 2 * p:
            places = places + 1
            start = start + s
        out.append(places)
    one_output = in_channels * kernel[0] * kernel[1]
    connections = out[0] * out[1] * out_channels * one_output
    parameters = out_channels * (one_output + 1)
    return connections, parameters


def receptive_field(layers):
    # walk from the output back to the image: how many pixels does one output need?
    side = 1
    for kernel, stride in reversed(list(layers)):
        if kernel < 1 or stride < 1:
            raise ValueError(f"kernel and stride must be at least 1, got {(kernel, stride)}")
        side = (side - 1) * stride + kernel
    return side


def line_filter(orientation):
    if orientation not in ("horizontal", "vertical", "diagonal", "antidiagonal"):
        raise ValueError(f"unknown orientation {orientation!r}")
    kernel = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            on_the_line = (
                (orientation == "horizontal" and i == 1)
                or (orientation == "vertical" and j == 1)
                or (orientation == "diagonal" and i == j)
                or (orientation == "antidiagonal" and i + j == 2)
            )
            if on_the_line:
                kernel[i, j] = 2
            else:
                kernel[i, j] = -1
    return kernel
