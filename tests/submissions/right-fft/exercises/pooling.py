# Exercise 6. Maxima go axis by axis, averages come from an integral image (summed area table).

import numpy as np

from . import convolution as conv
from . import padding as pad


def check(x, kernel, padding):
    if x.ndim != 4:
        raise ValueError("x: must have 4 axes, got shape %s" % (x.shape,))
    if padding[0] > kernel[0] // 2 or padding[1] > kernel[1] // 2:
        raise ValueError("padding: %s is over half of the kernel %s" % (padding, kernel))


def low_border(x, padding):
    ph, pw = padding
    x = x.astype(pad.result_type(x))
    return np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)


def every(a, axis, start, step, count):
    # `count` entries along one axis
    index = [slice(None)] * a.ndim
    index[axis] = slice(start, start + step * (count - 1) + 1, step)
    return a[tuple(index)]


def max_pool2d(x, kernel, stride, padding=(0, 0)):
    check(x, kernel, padding)
    ho, wo = conv.sizes(x, kernel, stride, padding)
    x = low_border(x, padding)
    in_rows = np.maximum.reduce([every(x, 3, v, stride[1], wo) for v in range(kernel[1])])
    return np.maximum.reduce([every(in_rows, 2, u, stride[0], ho) for u in range(kernel[0])])


def limits(size, kernel, stride, padding, out):
    # first real pixel of every window, and the one after its last
    start = np.arange(out) * stride - padding
    return np.maximum(start, 0), np.minimum(start + kernel, size)


def avg_pool2d(x, kernel, stride, padding=(0, 0)):
    check(x, kernel, padding)
    ho, wo = conv.sizes(x, kernel, stride, padding)
    n, c, h, w = x.shape
    r0, r1 = limits(h, kernel[0], stride[0], padding[0], ho)
    c0, c1 = limits(w, kernel[1], stride[1], padding[1], wo)
    # integral[i, j] = sum of all pixels above row i and left of column j
    integral = np.zeros((n, c, h + 1, w + 1))
    integral[:, :, 1:, 1:] = x.astype(np.float64).cumsum(axis=2).cumsum(axis=3)
    r0, r1 = r0[:, None], r1[:, None]
    sums = integral[:, :, r1, c1] - integral[:, :, r0, c1]
    sums += integral[:, :, r0, c0] - integral[:, :, r1, c0]
    return (sums / ((r1 - r0) * (c1 - c0))).astype(pad.result_type(x))


def global_avg_pool2d(x):
    if x.ndim != 4:
        raise ValueError("x: must have 4 axes, got shape %s" % (x.shape,))
    if 0 in x.shape[2:]:
        raise ValueError("x: no pixels in shape %s" % (x.shape,))
    return x.mean(axis=3, dtype=np.float64).mean(axis=2).astype(pad.result_type(x))
