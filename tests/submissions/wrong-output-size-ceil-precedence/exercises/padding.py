import math


def output_size(size, kernel, stride=1, padding=(0, 0), dilation=1):
    """Length of the output along one axis."""
    before, after = padding
    if kernel < 1 or stride < 1 or dilation < 1:
        raise ValueError(f"kernel, stride and dilation start at 1; got {kernel}, {stride}, {dilation}")
    if before < 0 or after < 0:
        raise ValueError(f"padding cannot be negative; got {padding}")
    reach = (kernel - 1) * dilation + 1
    length = size + before + after
    if reach > length:
        raise ValueError(f"kernel reaches over {reach} pixels but there are only {length}")
    return int(math.ceil(length - reach + 1) / stride)
