def conv_layer_cost(height, width, in_channels, out_channels, kernel, stride=(1, 1),
                    padding=(0, 0)):
    """(connections, parameters) of a convolutional layer with biases."""
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    if kh < 1 or kw < 1:
        raise ValueError(f"kernel must be at least 1 x 1; got {kernel}")
    if sh < 1 or sw < 1:
        raise ValueError(f"stride must be at least 1; got {stride}")
    if ph < 0 or pw < 0:
        raise ValueError(f"padding must not be negative; got {padding}")
    if kh > height + 2 * ph or kw > width + 2 * pw:
        raise ValueError(f"kernel {kernel} is larger than the padded image")
    out_height = (height + 2 * ph - kh) // sh + 1
    out_width = (width + 2 * pw - kw) // sw + 1
    parameters = out_channels * kh * kw + out_channels
    connections = out_height * out_width * out_channels * kh * kw
    return connections, parameters
