# Exercise 1

import numpy as np

from . import padding as pad


def dense_layer_cost(inputs, units):
    if inputs < 1 or units < 1:
        raise ValueError("inputs %s and units %s must be positive" % (inputs, units))
    return inputs * units, (inputs + 1) * units


def conv_layer_cost(
    height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
):
    if min(height, width, in_channels, out_channels) < 1:
        raise ValueError("height, width and channels must be positive")
    ho = pad.output_size(height, kernel[0], stride[0], (padding[0], padding[0]))
    wo = pad.output_size(width, kernel[1], stride[1], (padding[1], padding[1]))
    filter_size = in_channels * kernel[0] * kernel[1]
    parameters = out_channels * filter_size + out_channels
    connections = out_channels * filter_size * ho * wo
    return connections, parameters


def receptive_field(layers):
    # A layer is a convolution of supports: mark what one output sees and count the marks.
    seen = {0}
    for kernel, stride in list(layers)[::-1]:
        if kernel <= 0 or stride <= 0:
            raise ValueError("layers: kernel %s and stride %s must be positive" % (kernel, stride))
        seen = {min(seen) * stride, max(seen) * stride + kernel - 1}
    return max(seen) - min(seen) + 1


def line_filter(orientation):
    # a wave across the line: its mean is zero, so a flat image gives no answer
    i, j = np.mgrid[-1:2, -1:2]
    across = {"horizontal": i, "vertical": j, "diagonal": i - j, "antidiagonal": i + j}
    if orientation not in across:
        raise ValueError("orientation: %r is not known" % (orientation,))
    wave = np.cos(np.pi / 1.5 * across[orientation])
    return wave - wave.mean()
