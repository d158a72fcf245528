"""Pooling. A window is cut to the image: the padding takes no part."""

import numpy as np

from reference._threads import share

from libc.math cimport INFINITY

from reference.fast._columns cimport Window, real, window
from reference.fast._rows cimport (
    WORK, columns_inside, larger, rows_inside, taps_inside, width_inside
)


cdef inline int widen_maximum(real[:, :, ::1] y, Py_ssize_t p, Py_ssize_t i,
                              const real[::1] row, Py_ssize_t low, Py_ssize_t high,
                              Py_ssize_t offset, Py_ssize_t step) except -1 nogil:
    """y[p, i, j] becomes the larger of itself and row[j * step + offset]."""
    cdef Py_ssize_t j
    for j in range(low, high):
        y[p, i, j] = larger(y[p, i, j], row[j * step + offset])
    return 0


def _max_pool2d(Py_ssize_t first, Py_ssize_t last, const real[:, :, ::1] x, real[:, :, ::1] y,
                tuple geometry):
    cdef Window g = window(geometry)
    cdef Py_ssize_t p, i, j, r, c, v, row0, row1, low, high, tap0, tap1
    cdef Py_ssize_t width = x.shape[2]
    cdef real[::1] top = np.empty(width, np.asarray(y).dtype)
    with nogil:
        taps_inside(&g, width, &tap0, &tap1)
        for p in range(first, last):
            for i in range(g.out_h):
                rows_inside(&g, i, x.shape[1], &row0, &row1)
                for c in range(width):
                    top[c] = x[p, row0, c]
                for r in range(row0 + 1, row1):
                    for c in range(width):
                        top[c] = larger(top[c], x[p, r, c])
                for j in range(g.out_w):
                    y[p, i, j] = -INFINITY
                for v in range(tap0, tap1):
                    columns_inside(&g, v, width, &low, &high)
                    if g.sw == 1:
                        widen_maximum(y, p, i, top, low, high, v - g.left, 1)
                    elif g.sw == 2:
                        widen_maximum(y, p, i, top, low, high, v - g.left, 2)
                    else:
                        widen_maximum(y, p, i, top, low, high, v - g.left, g.sw)


cdef inline int widen_sum(double[::1] total, const double[::1] row, Py_ssize_t low,
                          Py_ssize_t high, Py_ssize_t offset, Py_ssize_t step) except -1 nogil:
    cdef Py_ssize_t j
    for j in range(low, high):
        total[j] += row[j * step + offset]
    return 0


def _avg_pool2d(Py_ssize_t first, Py_ssize_t last, const real[:, :, ::1] x, real[:, :, ::1] y,
                tuple geometry):
    cdef Window g = window(geometry)
    cdef Py_ssize_t p, i, j, r, c, v, row0, row1, low, high, tap0, tap1
    cdef Py_ssize_t width = x.shape[2]
    cdef double[::1] column = np.empty(width)  # the sum of the window's rows
    cdef double[::1] total = np.empty(g.out_w)
    cdef double[::1] count = np.empty(g.out_w)
    cdef double rows
    with nogil:
        taps_inside(&g, width, &tap0, &tap1)
        for j in range(g.out_w):
            count[j] = width_inside(&g, j, width)
        for p in range(first, last):
            for i in range(g.out_h):
                rows_inside(&g, i, x.shape[1], &row0, &row1)
                for c in range(width):
                    column[c] = x[p, row0, c]
                for r in range(row0 + 1, row1):
                    for c in range(width):
                        column[c] += x[p, r, c]
                for j in range(g.out_w):
                    total[j] = 0
                for v in range(tap0, tap1):
                    columns_inside(&g, v, width, &low, &high)
                    if g.sw == 1:
                        widen_sum(total, column, low, high, v - g.left, 1)
                    elif g.sw == 2:
                        widen_sum(total, column, low, high, v - g.left, 2)
                    else:
                        widen_sum(total, column, low, high, v - g.left, g.sw)
                rows = row1 - row0
                for j in range(g.out_w):
                    y[p, i, j] = <real>(total[j] / (rows * count[j]))


cdef _pool(kernel_function, x, kernel, stride, padding):
    rows, cols = padding
    cdef tuple geometry = (x.shape, kernel, stride, ((rows, rows), (cols, cols)), (1, 1))
    cdef Window g = window(geometry)
    n, c, h, w = x.shape
    y = np.empty((n, c, g.out_h, g.out_w), x.dtype)
    share(kernel_function, n * c, WORK * x.size, x.reshape(n * c, h, w),
          y.reshape(n * c, g.out_h, g.out_w), geometry)
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
