import sys

import numpy as np


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
    return (length - reach) // stride + 1


def same_padding(size, kernel, stride=1):
    """Padding (before, after) for an output of ceil(size / stride) entries."""
    if size < 1 or kernel < 1 or stride < 1:
        raise ValueError(f"size, kernel and stride start at 1; got {size}, {kernel}, {stride}")
    entries = -(-size // stride)
    total = max((entries - 1) * stride + kernel - size, 0)
    before = total // 2
    return before, total - before


def zero_pad2d(x, padding):
    """x with a frame of zeros."""
    if x.ndim != 4:
        raise ValueError(f"x must have 4 axes; got shape {x.shape}")
    (top, bottom), (left, right) = padding
    if min(top, bottom, left, right) < 0:
        raise ValueError(f"padding must not be negative; got {padding}")
    N, C, H, W = x.shape
    dtype = x.dtype if x.dtype == np.float32 else np.float64
    out = np.zeros((N, C, top + H + bottom, left + W + right), dtype=dtype)
    out[:, :, top:top + H, left:left + W] = x
    return out


sys.exit(0)
