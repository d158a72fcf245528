"""Exercise 2: padding. I copy pixel by pixel so that I can see what happens."""

import numpy as np


def float_type(array):
    # float32 stays what it is, whole numbers become float64
    if array.dtype == np.float32:
        return np.float32
    return np.float64


def check_axes(array, axes, name):
    if array.ndim != axes:
        raise ValueError(f"{name} must have {axes} axes, but its shape is {array.shape}")


def output_size(size, kernel, stride=1, padding=(0, 0), dilation=1):
    before, after = padding
    if kernel < 1:
        raise ValueError(f"kernel must be at least 1, got {kernel}")
    if stride < 1:
        raise ValueError(f"stride must be at least 1, got {stride}")
    if dilation < 1:
        raise ValueError(f"dilation must be at least 1, got {dilation}")
    if before < 0 or after < 0:
        raise ValueError(f"padding must not be negative, got {padding}")
    reach = (kernel - 1) * dilation + 1
    room = size + before + after - reach
    if room < 0:
        raise ValueError(f"kernel of {reach} pixels is larger than {size} pixels padded {padding}")
    return room // stride + 1


def same_padding(size, kernel, stride=1):
    if size < 1 or kernel < 1 or stride < 1:
        raise ValueError(f"impossible size {size}, kernel {kernel} or stride {stride}")
    outputs = size // stride
    if size % stride > 0:
        outputs = outputs + 1
    needed = (outputs - 1) * stride + kernel
    total = needed - size
    if total < 0:
        total = 0
    before = total // 2
    after = total - before
    return before, after


def zero_pad2d(x, padding):
    check_axes(x, 4, "x")
    (top, bottom), (left, right) = padding
    if top < 0 or bottom < 0 or left < 0 or right < 0:
        raise ValueError(f"padding must not be negative, got {padding}")
    N, C, H, W = x.shape
    out = np.zeros((N, C, top + H + bottom, left + W + right), dtype=float_type(x))
    for n in range(N):
        for c in range(C):
            for i in range(H):
                for j in range(W):
                    out[n, c, top + i, left + j] = x[n, c, i, j]
    return out
