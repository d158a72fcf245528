"""Gradients. dy is the gradient of the loss at the layer's output."""

import numpy as np

from reference._threads import share
from reference.fast.activation import softmax
from reference.fast.general import general_conv2d_backward

from reference.fast._blas cimport gemm
from reference.fast._columns cimport Window, add_columns, real, window
from reference.fast._rows cimport (
    WORK, columns_inside, rows_inside, taps_inside, width_inside
)


def _relu_backward(const real[::1] dy, const real[::1] x, real[::1] dx):
    cdef Py_ssize_t i
    with nogil:
        for i in range(x.shape[0]):
            dx[i] = dy[i] if x[i] > 0 else 0


def relu_backward(dy, x):
    """dy where x > 0, else 0."""
    dx = np.empty_like(x)
    _relu_backward(dy.reshape(-1), x.reshape(-1), dx.reshape(-1))
    return dx


def _dense_backward(const real[:, ::1] dy, const real[:, ::1] x, const real[:, ::1] w,
                    real[:, ::1] dx, real[:, ::1] dw, real[::1] db):
    cdef Py_ssize_t n, m
    cdef double total
    with nogil:
        for m in range(dy.shape[1]):
            total = 0
            for n in range(dy.shape[0]):
                total += dy[n, m]
            db[m] = <real>total
        if x.shape[1] > 0:
            gemm(False, True, dx.shape[0], dx.shape[1], dy.shape[1], &dy[0, 0], dy.shape[1],
                 &w[0, 0], w.shape[1], 0, &dx[0, 0], dx.shape[1])
            gemm(True, False, dw.shape[0], dw.shape[1], dy.shape[0], &x[0, 0], x.shape[1],
                 &dy[0, 0], dy.shape[1], 0, &dw[0, 0], dw.shape[1])


def dense_backward(dy, x, w):
    """dy @ w.T, x.T @ dy, and dy summed over the batch."""
    dx, dw = np.zeros(x.shape, x.dtype), np.zeros(w.shape, x.dtype)
    db = np.zeros(w.shape[1], x.dtype)
    if dy.size:
        _dense_backward(dy, x, w, dx, dw, db)
    return dx, dw, db


def _subtract_labels(real[:, ::1] dx, const Py_ssize_t[::1] labels):
    cdef Py_ssize_t n, k
    with nogil:
        for n in range(dx.shape[0]):
            dx[n, labels[n]] -= 1
            for k in range(dx.shape[1]):
                dx[n, k] /= dx.shape[0]


def cross_entropy_backward(logits, labels):
    """(softmax - one-hot labels) / N."""
    dx = softmax(logits)
    _subtract_labels(dx, labels)
    return dx


def _max_pool2d_backward(Py_ssize_t first, Py_ssize_t last, const real[:, :, ::1] dy,
                         const real[:, :, ::1] x, real[:, ::1] dx, tuple geometry):
    cdef Window g = window(geometry)
    cdef Py_ssize_t p, i, j, r, c, row0, row1, col0, col1, best_r, best_c
    cdef real best, value
    with nogil:
        for p in range(first, last):
            for i in range(g.out_h):
                rows_inside(&g, i, x.shape[1], &row0, &row1)
                for j in range(g.out_w):
                    col0 = max(j * g.sw - g.left, 0)
                    col1 = min(j * g.sw - g.left + g.kw, x.shape[2])
                    best_r = row0
                    best_c = col0
                    best = x[p, row0, col0]
                    for r in range(row0, row1):
                        for c in range(col0, col1):
                            value = x[p, r, c]
                            # The first maximum wins a tie; the first NaN wins over all.
                            if value > best or (value != value and best == best):
                                best = value
                                best_r = r
                                best_c = c
                    dx[p, best_r * x.shape[2] + best_c] += dy[p, i, j]


cdef inline int spread(real[:, ::1] dx, Py_ssize_t p, const real[::1] shares, Py_ssize_t low,
                       Py_ssize_t high, Py_ssize_t offset, Py_ssize_t step) except -1 nogil:
    cdef Py_ssize_t j
    for j in range(low, high):
        dx[p, j * step + offset] += shares[j]
    return 0


def _avg_pool2d_backward(Py_ssize_t first, Py_ssize_t last, const real[:, :, ::1] dy,
                         const real[:, :, ::1] x, real[:, ::1] dx, tuple geometry):
    cdef Window g = window(geometry)
    cdef Py_ssize_t p, i, j, r, v, row0, row1, low, high, offset, tap0, tap1
    cdef Py_ssize_t width = x.shape[2]
    # What each window of a row of outputs gives to a pixel.
    cdef real[::1] shares = np.empty(g.out_w, np.asarray(dx).dtype)
    cdef double[::1] count = np.empty(g.out_w)
    cdef double rows
    with nogil:
        taps_inside(&g, width, &tap0, &tap1)
        for j in range(g.out_w):
            count[j] = width_inside(&g, j, width)
        for p in range(first, last):
            for i in range(g.out_h):
                rows_inside(&g, i, x.shape[1], &row0, &row1)
                rows = row1 - row0
                for j in range(g.out_w):
                    shares[j] = <real>(dy[p, i, j] / (rows * count[j]))
                for r in range(row0, row1):
                    # The last tap first: so every pixel adds up its windows from left to right.
                    for v in range(tap1 - 1, tap0 - 1, -1):
                        columns_inside(&g, v, width, &low, &high)
                        offset = r * width + v - g.left
                        if g.sw == 1:
                            spread(dx, p, shares, low, high, offset, 1)
                        elif g.sw == 2:
                            spread(dx, p, shares, low, high, offset, 2)
                        else:
                            spread(dx, p, shares, low, high, offset, g.sw)


cdef _pool_backward(kernel_function, dy, x, kernel, stride, padding):
    rows, cols = padding
    cdef tuple geometry = (x.shape, kernel, stride, ((rows, rows), (cols, cols)), (1, 1))
    n, c, h, w = x.shape
    dx = np.zeros(x.shape, x.dtype)
    share(kernel_function, n * c, WORK * x.size, dy.reshape(n * c, dy.shape[2], dy.shape[3]),
          x.reshape(n * c, h, w), dx.reshape(n * c, h * w), geometry)
    return dx


def max_pool2d_backward(dy, x, kernel, stride, padding=(0, 0)):
    """Each output sends its gradient to the first maximum of its window."""
    return _pool_backward(_max_pool2d_backward, dy, x, kernel, stride, padding)


def avg_pool2d_backward(dy, x, kernel, stride, padding=(0, 0)):
    """Each output shares its gradient among the real pixels of its window."""
    return _pool_backward(_avg_pool2d_backward, dy, x, kernel, stride, padding)


def conv2d_backward(dy, x, w, stride=(1, 1), padding=(0, 0)):
    """The general kernel's gradients without dilation and groups."""
    rows, cols = padding
    return general_conv2d_backward(dy, x, w, stride, ((rows, rows), (cols, cols)), (1, 1), 1)


def _col2im(const real[:, :, ::1] columns, real[:, :, :, ::1] x, tuple geometry):
    cdef Window g = window(geometry)
    cdef Py_ssize_t n
    with nogil:
        for n in range(x.shape[0]):
            add_columns(x, n, 0, x.shape[1], columns[n], 0, &g, 0, g.out_h, 0, g.out_w)


def col2im(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
    """Every entry of a column is added to its pixel."""
    rows, cols = padding
    x = np.zeros(shape, columns.dtype)
    if x.size:
        _col2im(columns, x, (shape, kernel, stride, ((rows, rows), (cols, cols)), (1, 1)))
    return x
