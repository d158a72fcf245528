"""Pooling. A window is cut to the image: the padding takes no part."""

import numpy as np

from reference.fast._columns cimport Window, real, window


def _max_pool2d(const real[:, :, ::1] x, real[:, :, ::1] y, tuple geometry):
    cdef Window g = window(geometry)
    cdef Py_ssize_t p, i, j, r, c, row0, row1, col0, col1
    cdef real best
    with nogil:
        for p in range(x.shape[0]):
            for i in range(g.out_h):
                row0 = max(i * g.sh - g.top, 0)
                row1 = min(i * g.sh - g.top + g.kh, x.shape[1])
                for j in range(g.out_w):
                    col0 = max(j * g.sw - g.left, 0)
                    col1 = min(j * g.sw - g.left + g.kw, x.shape[2])
                    best = x[p, row0, col0]
                    for r in range(row0, row1):
                        for c in range(col0, col1):
                            # NaN wins, and stays: no number is above it.
                            if x[p, r, c] > best or x[p, r, c] != x[p, r, c]:
                                best = x[p, r, c]
                    y[p, i, j] = best


def _avg_pool2d(const real[:, :, ::1] x, real[:, :, ::1] y, tuple geometry):
    cdef Window g = window(geometry)
    cdef Py_ssize_t p, i, j, r, c, row0, row1, col0, col1
    cdef double total
    with nogil:
        for p in range(x.shape[0]):
            for i in range(g.out_h):
                row0 = max(i * g.sh - g.top, 0)
                row1 = min(i * g.sh - g.top + g.kh, x.shape[1])
                for j in range(g.out_w):
                    col0 = max(j * g.sw - g.left, 0)
                    col1 = min(j * g.sw - g.left + g.kw, x.shape[2])
                    total = 0
                    for r in range(row0, row1):
                        for c in range(col0, col1):
                            total += x[p, r, c]
                    y[p, i, j] = <real>(total / ((row1 - row0) * (col1 - col0)))


cdef _pool(kernel_function, x, kernel, stride, padding):
    rows, cols = padding
    cdef tuple geometry = (x.shape, kernel, stride, ((rows, rows), (cols, cols)), (1, 1))
    cdef Window g = window(geometry)
    n, c, h, w = x.shape
    y = np.empty((n, c, g.out_h, g.out_w), x.dtype)
    kernel_function(x.reshape(n * c, h, w), y.reshape(n * c, g.out_h, g.out_w), geometry)
    return y


def max_pool2d(x, kernel, stride, padding=(0, 0)):
    """The largest pixel of every window."""
    return _pool(_max_pool2d, x, kernel, stride, padding)


def avg_pool2d(x, kernel, stride, padding=(0, 0)):
    """The mean of the real pixels of every window."""
    return _pool(_avg_pool2d, x, kernel, stride, padding)


def _means(const real[:, ::1] x, real[::1] y):
    cdef Py_ssize_t i, p
    cdef double total
    with nogil:
        for i in range(x.shape[0]):
            total = 0
            for p in range(x.shape[1]):
                total += x[i, p]
            y[i] = <real>(total / x.shape[1])


def global_avg_pool2d(x):
    """The mean of every channel."""
    n, c, h, w = x.shape
    y = np.empty((n, c), x.dtype)
    _means(x.reshape(n * c, h * w), y.reshape(n * c))
    return y
