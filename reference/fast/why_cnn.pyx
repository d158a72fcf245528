"""Counting by hand. The counts are Python integers: they have no upper limit."""

import numpy as np

from reference.fast.padding import output_size


def dense_layer_cost(inputs, units):
    """Every input meets every unit; every unit has a bias."""
    return inputs * units, inputs * units + units


def conv_layer_cost(height, width, in_channels, out_channels, kernel, stride=(1, 1),
                    padding=(0, 0)):
    """Every output cell meets its whole window; the weights are shared."""
    rows = output_size(height, kernel[0], stride[0], (padding[0], padding[0]))
    cols = output_size(width, kernel[1], stride[1], (padding[1], padding[1]))
    weights = out_channels * in_channels * kernel[0] * kernel[1]
    return rows * cols * weights, weights + out_channels


def receptive_field(layers):
    """Each layer adds (kernel - 1) steps, as wide as the strides before it multiply to."""
    side, jump = 1, 1
    for kernel, stride in layers:
        side += (kernel - 1) * jump
        jump *= stride
    return side


def line_filter(orientation):
    """2 on the line, -1 beside it."""
    cdef double[:, ::1] kernel
    cdef Py_ssize_t i
    result = np.full((3, 3), -1.0)
    kernel = result
    for i in range(3):
        if orientation == "horizontal":
            kernel[1, i] = 2
        elif orientation == "vertical":
            kernel[i, 1] = 2
        elif orientation == "diagonal":
            kernel[i, i] = 2
        else:
            kernel[i, 2 - i] = 2
    return result
