def conv_layer_cost(height, width, in_channels, out_channels, kernel, stride=(1, 1),
                    padding=(0, 0)):
    """Connections and parameters of a convolutional layer."""
    kh, kw = kernel
    if min(kh, kw, *stride) < 1 or min(padding) < 0:
        raise ValueError(f"kernel, stride or padding is too small: {kernel}, {stride}, {padding}")
    free_rows = height + 2 * padding[0] - kh
    free_cols = width + 2 * padding[1] - kw
    if free_rows < 0 or free_cols < 0:
        raise ValueError(f"the kernel {kernel} does not fit into {height} x {width} pixels")
    positions = (free_rows // stride[0] + 1) * (free_cols // stride[1] + 1)
    # every output neuron looks at one window of all channels
    weights = positions * out_channels * in_channels * kh * kw
    return weights, weights + out_channels
