# Exercise 2

import numpy as np


def result_type(x):
    # float32 -> float32, float64 -> float64, integers and bools -> float64
    return np.dtype(np.float32) if x.dtype == np.float32 else np.dtype(np.float64)


def output_size(size, kernel, stride=1, padding=(0, 0), dilation=1):
    if kernel < 1:
        raise ValueError("kernel: must be positive, got %d" % kernel)
    if stride < 1:
        raise ValueError("stride: must be positive, got %d" % stride)
    if dilation < 1:
        raise ValueError("dilation: must be positive, got %d" % dilation)
    if min(padding) < 0:
        raise ValueError("padding: must not be negative, got %s" % (padding,))
    starts = range(0, size + sum(padding) - dilation * (kernel - 1), stride)
    if len(starts) == 0:
        raise ValueError("kernel: %d does not fit in size %d, padding %s" % (kernel, size, padding))
    return len(starts)


def same_padding(size, kernel, stride=1):
    if kernel < 1 or stride < 1 or size < 1:
        raise ValueError("size %d, kernel %d, stride %d: impossible" % (size, kernel, stride))
    count = (size + stride - 1) // stride
    total = (count - 1) * stride + kernel - size
    if total <= 0:
        return 0, 0
    return total // 2, total - total // 2


def zero_pad2d(x, padding):
    if x.ndim != 4:
        raise ValueError("x: must have 4 axes, got shape %s" % (x.shape,))
    if min(padding[0]) < 0 or min(padding[1]) < 0:
        raise ValueError("padding: must not be negative, got %s" % (padding,))
    return np.pad(x.astype(result_type(x)), ((0, 0), (0, 0), padding[0], padding[1]))
