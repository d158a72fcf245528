"""Operations that serve several topics: convolution in its general form, and the layers' gradients
that no exercise asks for.

Design: convolution is im2col and a product of matrices, an image, a group and a block of outputs at
a time, so that the workspace stays in the cache and never grows with the image. One kernel forward
and one backward; every other convolution of the course is a call of them.
"""

import numpy as np

from libc.math cimport sqrt

from reference.fast.activation import softmax

from reference.fast._blas cimport gemm
from reference.fast._columns cimport Window, add_columns, fill_columns, real, window

# Entries of the workspace: 2 MB in float64, about the second level of cache.
cdef Py_ssize_t WORKSPACE = 262144


cdef (Py_ssize_t, Py_ssize_t) block_of(Py_ssize_t depth, Window *g) noexcept:
    """Rows and columns of outputs done at once, so that `depth` entries for each fit the workspace:
    whole rows where one fits, else a part of one row."""
    cdef Py_ssize_t count = max(1, WORKSPACE // max(1, depth))
    if count >= g.out_w:
        return min(count // g.out_w, g.out_h), g.out_w
    return 1, count


def _conv2d(const real[:, :, :, ::1] x, const real[:, ::1] w, const real[::1] b,
            real[:, :, ::1] y, tuple geometry, Py_ssize_t groups):
    cdef Window g = window(geometry)
    cdef Py_ssize_t depth = w.shape[1], channels = x.shape[1] // groups
    cdef Py_ssize_t filters = w.shape[0] // groups
    cdef Py_ssize_t rows, cols, n, o, p, group, i, j, row0, row1, col0, col1, start
    rows, cols = block_of(depth, &g)
    cdef real[:, ::1] columns = np.empty((max(1, depth), rows * cols), np.asarray(y).dtype)
    with nogil:
        for n in range(y.shape[0]):
            for o in range(y.shape[1]):
                for p in range(y.shape[2]):
                    y[n, o, p] = b[o]
            if depth == 0:
                continue
            for group in range(groups):
                for i in range((g.out_h + rows - 1) // rows):
                    row0, row1 = i * rows, min((i + 1) * rows, g.out_h)
                    for j in range((g.out_w + cols - 1) // cols):
                        col0, col1 = j * cols, min((j + 1) * cols, g.out_w)
                        fill_columns(x, n, group * channels, channels, columns, &g,
                                     row0, row1, col0, col1)
                        start = row0 * g.out_w + col0
                        gemm(False, False, filters, (row1 - row0) * (col1 - col0), depth,
                             &w[group * filters, 0], depth, &columns[0, 0], columns.shape[1],
                             1, &y[n, group * filters, start], y.shape[2])


def general_conv2d(x, w, b, stride, pads, dilation, groups):
    """Cross-correlation with any stride, padding on each side, dilation and groups."""
    cdef tuple geometry = (x.shape, w.shape[2:], stride, pads, dilation)
    cdef Window g = window(geometry)
    y = np.empty((x.shape[0], w.shape[0], g.out_h, g.out_w), x.dtype)
    if y.size:
        _conv2d(x, w.reshape(w.shape[0], -1), b, y.reshape(*y.shape[:2], -1), geometry, groups)
    return y


def _conv2d_backward(const real[:, :, ::1] dy, const real[:, :, :, ::1] x, const real[:, ::1] w,
                     real[:, :, :, ::1] dx, real[:, ::1] dw, real[::1] db, tuple geometry,
                     Py_ssize_t groups):
    cdef Window g = window(geometry)
    cdef Py_ssize_t depth = w.shape[1], channels = x.shape[1] // groups
    cdef Py_ssize_t filters = w.shape[0] // groups
    cdef Py_ssize_t rows, cols, n, o, p, group, i, j, row0, row1, col0, col1, start, count
    cdef double total
    rows, cols = block_of(depth, &g)
    cdef real[:, ::1] columns = np.empty((max(1, depth), rows * cols), np.asarray(dx).dtype)
    with nogil:
        for o in range(dy.shape[1]):
            total = 0
            for n in range(dy.shape[0]):
                for p in range(dy.shape[2]):
                    total += dy[n, o, p]
            db[o] = <real>total
        if depth > 0:
            for n in range(dy.shape[0]):
                for group in range(groups):
                    for i in range((g.out_h + rows - 1) // rows):
                        row0, row1 = i * rows, min((i + 1) * rows, g.out_h)
                        for j in range((g.out_w + cols - 1) // cols):
                            col0, col1 = j * cols, min((j + 1) * cols, g.out_w)
                            start = row0 * g.out_w + col0
                            count = (row1 - row0) * (col1 - col0)
                            fill_columns(x, n, group * channels, channels, columns, &g,
                                         row0, row1, col0, col1)
                            gemm(False, True, filters, depth, count,
                                 &dy[n, group * filters, start], dy.shape[2],
                                 &columns[0, 0], columns.shape[1],
                                 1, &dw[group * filters, 0], depth)
                            # The same workspace now takes the gradient at the columns.
                            gemm(True, False, depth, count, filters,
                                 &w[group * filters, 0], depth,
                                 &dy[n, group * filters, start], dy.shape[2],
                                 0, &columns[0, 0], columns.shape[1])
                            add_columns(dx, n, group * channels, channels, columns, &g,
                                        row0, row1, col0, col1)


def general_conv2d_backward(dy, x, w, stride, pads, dilation, groups):
    """The three gradients of `general_conv2d`."""
    dx, dw, db = np.zeros(x.shape, x.dtype), np.zeros(w.shape, x.dtype), np.zeros(len(w), x.dtype)
    if dy.size:
        _conv2d_backward(dy.reshape(*dy.shape[:2], -1), x, w.reshape(len(w), -1), dx,
                         dw.reshape(len(w), -1), db,
                         (x.shape, w.shape[2:], stride, pads, dilation), groups)
    return dx, dw, db


def _dense(const real[:, ::1] x, const real[:, ::1] w, const real[::1] b, real[:, ::1] y):
    cdef Py_ssize_t n, m
    with nogil:
        for n in range(y.shape[0]):
            for m in range(y.shape[1]):
                y[n, m] = b[m]
        if x.shape[1] > 0:
            gemm(False, False, y.shape[0], y.shape[1], x.shape[1], &x[0, 0], x.shape[1],
                 &w[0, 0], w.shape[1], 1, &y[0, 0], y.shape[1])


def dense(x, w, b):
    """x @ w + b."""
    y = np.empty((x.shape[0], w.shape[1]), x.dtype)
    if y.size:
        _dense(x, w, b, y)
    return y


def _batch_norm2d_backward(const real[:, :, ::1] dy, const real[:, :, ::1] x,
                           const real[::1] gamma, double eps, real[:, :, ::1] dx,
                           real[::1] dgamma, real[::1] dbeta):
    cdef Py_ssize_t n, c, p, count = x.shape[0] * x.shape[2]
    cdef double mean, variance, inverse, sum_dy, sum_dy_z, d
    with nogil:
        for c in range(x.shape[1]):
            mean = 0
            for n in range(x.shape[0]):
                for p in range(x.shape[2]):
                    mean += x[n, c, p]
            mean /= count
            variance = 0
            for n in range(x.shape[0]):
                for p in range(x.shape[2]):
                    d = x[n, c, p] - mean
                    variance += d * d
            inverse = 1 / sqrt(variance / count + eps)
            sum_dy = 0
            sum_dy_z = 0
            for n in range(x.shape[0]):
                for p in range(x.shape[2]):
                    sum_dy += dy[n, c, p]
                    sum_dy_z += dy[n, c, p] * ((x[n, c, p] - mean) * inverse)
            dgamma[c] = <real>sum_dy_z
            dbeta[c] = <real>sum_dy
            for n in range(x.shape[0]):
                for p in range(x.shape[2]):
                    d = (x[n, c, p] - mean) * inverse
                    dx[n, c, p] = <real>(gamma[c] * inverse
                                         * (dy[n, c, p] - sum_dy / count - d * sum_dy_z / count))


def batch_norm2d_backward(dy, x, gamma, eps):
    """The three gradients of `batch_norm2d`."""
    cdef tuple flat = (x.shape[0], x.shape[1], x.shape[2] * x.shape[3])
    dx, dgamma, dbeta = np.zeros_like(x), np.zeros_like(gamma), np.zeros_like(gamma)
    if x.size:
        _batch_norm2d_backward(dy.reshape(flat), x.reshape(flat), gamma, eps, dx.reshape(flat),
                               dgamma, dbeta)
    return dx, dgamma, dbeta


def _global_avg_pool2d_backward(const real[::1] dy, real[:, ::1] dx):
    cdef Py_ssize_t i, p
    with nogil:
        for i in range(dx.shape[0]):
            for p in range(dx.shape[1]):
                dx[i, p] = dy[i] / dx.shape[1]


def global_avg_pool2d_backward(dy, shape):
    """Every pixel of a channel gets an equal share."""
    dx = np.empty(shape, dy.dtype)
    if dx.size:
        _global_avg_pool2d_backward(dy.ravel(), dx.reshape(dy.size, -1))
    return dx


def _softmax_backward(const real[:, ::1] dy, const real[:, ::1] p, real[:, ::1] dx):
    cdef Py_ssize_t n, k
    cdef double inner
    with nogil:
        for n in range(dx.shape[0]):
            inner = 0
            for k in range(dx.shape[1]):
                inner += dy[n, k] * p[n, k]
            for k in range(dx.shape[1]):
                dx[n, k] = <real>(p[n, k] * (dy[n, k] - inner))


def softmax_backward(dy, logits):
    """p * (dy - sum(dy * p)) with p = softmax(logits), row by row."""
    dx = np.empty_like(logits)
    _softmax_backward(dy, softmax(logits), dx)
    return dx
