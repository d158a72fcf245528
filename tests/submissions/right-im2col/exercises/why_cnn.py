import numpy as np

from exercises.padding import output_size


def dense_layer_cost(inputs, units):
    """A unit has one weight per input and one bias."""
    if inputs < 1 or units < 1:
        raise ValueError(f"inputs and units should be at least 1 but are {inputs} and {units}")
    connections = inputs * units
    parameters = (inputs + 1) * units
    return connections, parameters


def conv_layer_cost(
    height, width, in_channels, out_channels, kernel, stride=(1, 1), padding=(0, 0)
):
    """Weights are shared over the image, connections are not."""
    for size in (height, width, in_channels, out_channels):
        if size < 1:
            raise ValueError(f"sizes and channels should be at least 1, not {size}")
    kh, kw = kernel
    out_height = output_size(height, kh, stride[0], (padding[0], padding[0]))
    out_width = output_size(width, kw, stride[1], (padding[1], padding[1]))
    weights = out_channels * in_channels * kh * kw
    return out_height * out_width * weights, weights + out_channels


def receptive_field(layers):
    """Recursion: the first layer widens what the layers after it see."""
    if not layers:
        return 1
    kernel, stride = layers[0]
    if kernel < 1 or stride < 1:
        raise ValueError(f"layers: bad (kernel, stride) {layers[0]}")
    return kernel + stride * (receptive_field(layers[1:]) - 1)


def line_filter(orientation):
    """Indicator of the line, minus its mean: so the sum is zero."""
    line = np.zeros((3, 3))
    where = {
        "horizontal": ([1, 1, 1], [0, 1, 2]),
        "vertical": ([0, 1, 2], [1, 1, 1]),
        "diagonal": ([0, 1, 2], [0, 1, 2]),
        "antidiagonal": ([0, 1, 2], [2, 1, 0]),
    }
    if orientation not in where:
        raise ValueError(f"orientation: expected one of {sorted(where)}, got {orientation!r}")
    line[where[orientation]] = 1.0
    return line - line.mean()
