"""Gradients. dy is the gradient of the loss at the layer's output."""

import numpy as np

from reference._threads import share
from reference.fast.activation import softmax
from reference.fast.general import general_conv2d_backward, global_avg_pool2d_backward

cimport numpy as cnp
from libc.limits cimport INT_MAX
from libc.math cimport INFINITY

from reference.fast._arrays cimport (
    DOUBLE, INT, by_type, empty, floating, is_double, packed, shaped, unpacked, zeros
)
from reference.fast._blas cimport gemm
from reference.fast._columns cimport Window, add_columns, real, window
from reference.fast._rows cimport (
    SMALL_GRADIENT, SMALL_STRIDED, WORK, above, blocks_of, columns_inside, lanes_of, pack, place,
    rows_inside, taps_inside, unpack, widths_inside
)
from reference.fast._versions cimport result


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


cdef inline int first_of_columns(real[:, ::1] best, place[:, ::1] at, Py_ssize_t s,
                                 const real[:, :, ::1] x, Py_ssize_t p, Py_ssize_t r,
                                 Py_ssize_t low, Py_ssize_t high, Py_ssize_t offset,
                                 Py_ssize_t step, Py_ssize_t lanes, place here) except -1 nogil:
    """best[s, j] becomes x[p, r, j * step + offset] if that is above it, and at[s, j] `here`."""
    cdef Py_ssize_t j, k
    cdef real value, old
    cdef place there
    for j in range(low, high):
        for k in range(lanes):
            value = x[p, r, (j * step + offset) * lanes + k]
            old = best[s, j * lanes + k]
            there = at[s, j * lanes + k]
            at[s, j * lanes + k] = here if above(value, old) else there
            best[s, j * lanes + k] = value if above(value, old) else old
    return 0


cdef inline int first_of_rows(real[:, ::1] best, place[:, ::1] at, Py_ssize_t s,
                              Py_ssize_t t) except -1 nogil:
    """best[s] becomes best[t] where that is above it, and at[s] follows."""
    cdef Py_ssize_t j
    cdef real value, old
    cdef place here, there
    for j in range(best.shape[1]):
        value = best[t, j]
        old = best[s, j]
        here = at[t, j]
        there = at[s, j]
        at[s, j] = here if above(value, old) else there
        best[s, j] = value if above(value, old) else old
    return 0


cdef inline int max_plane_backward(const real[:, :, ::1] dy, const real[:, :, ::1] x,
                                   Py_ssize_t q, real[:, ::1] dx, Py_ssize_t p, Py_ssize_t count,
                                   real[:, ::1] best, place[:, ::1] at, Window *g,
                                   Py_ssize_t lanes) except -1 nogil:
    """The gradients of the planes [p, p + count), whose pixels are the lanes of x[q].

    The first maxima of a row of outputs are chosen in two passes: among the columns, once for every
    row of the image, and among the rows. Row r of the image has its maxima in best[r % rows] until
    no window needs it; best[rows] has those of the outputs. at[..., j] + j * stride is the place of
    a maximum in its plane: a tap is the same number for a whole row of outputs. at[rows + 1] are
    the first columns, for windows of nothing but -inf.
    """
    cdef Py_ssize_t i, j, k, r, v, s, low, high, row0, row1, tap0, tap1, done = 0
    cdef Py_ssize_t width = x.shape[2] // lanes, rows = best.shape[0] - 1
    cdef place here
    taps_inside(g, width, &tap0, &tap1)
    for i in range(g.out_h):
        rows_inside(g, i, x.shape[1], &row0, &row1)
        for r in range(max(done, row0), row1):
            s = r % rows
            for j in range(best.shape[1]):
                best[s, j] = -INFINITY
                at[s, j] = at[rows + 1, j] + <place>(r * width)
            for v in range(tap0, tap1):
                columns_inside(g, v, width, &low, &high)
                here = <place>(r * width + v - g.left)
                if g.sw == 1:
                    first_of_columns(best, at, s, x, q, r, low * lanes, high * lanes,
                                     (v - g.left) * lanes, 1, 1, here)
                elif lanes > 1:
                    first_of_columns(best, at, s, x, q, r, low, high, v - g.left, g.sw, lanes,
                                     here)
                elif g.sw == 2:
                    first_of_columns(best, at, s, x, q, r, low, high, v - g.left, 2, 1, here)
                else:
                    first_of_columns(best, at, s, x, q, r, low, high, v - g.left, g.sw, 1, here)
        done = row1
        s = row0 % rows
        for j in range(best.shape[1]):
            best[rows, j] = best[s, j]
            at[rows, j] = at[s, j]
        for r in range(row0 + 1, row1):
            first_of_rows(best, at, rows, r % rows)
        for k in range(count):
            for j in range(g.out_w):
                dx[p + k, <Py_ssize_t>at[rows, j * lanes + k] + j * g.sw] += dy[p + k, i, j]
    return 0


cdef result max_image_backward(const real[:, :, ::1] dy, const real[:, :, ::1] x, Py_ssize_t q,
                               real[:, ::1] dx, Py_ssize_t p, Py_ssize_t count,
                               real[:, ::1] best, place[:, ::1] at, Window *g,
                               Py_ssize_t lanes) except -1 nogil:
    """The gradients of x[q]: one plane, or a block of them."""
    if lanes == 1:
        max_plane_backward(dy, x, q, dx, p, 1, best, at, g, 1)
    else:
        max_plane_backward(dy, x, q, dx, p, count, best, at, g, lanes)
    return 0


cdef inline int max_planes_backward(Py_ssize_t first, Py_ssize_t last, const real[:, :, ::1] dy,
                                    const real[:, :, ::1] x, real[:, ::1] dx, real[:, ::1] best,
                                    place[:, ::1] at, Window *g, Py_ssize_t lanes) except -1:
    cdef Py_ssize_t p, q, j, k, count
    cdef real[:, :, ::1] block
    for j in range(g.out_w):
        for k in range(lanes):
            at[best.shape[0], j * lanes + k] = <place>(max(j * g.sw - g.left, 0) - j * g.sw)
    if lanes == 1:
        with nogil:
            for p in range(first, last):
                max_image_backward(dy, x, p, dx, p, 1, best, at, g, 1)
        return 0
    block = zeros(3, [1, x.shape[1], x.shape[2] * lanes], floating(sizeof(real)))
    with nogil:
        for q in range(blocks_of(first, last, lanes)):
            p = first + q * lanes
            count = min(lanes, last - p)
            pack(x, p, count, block)
            max_image_backward[real, place](dy, block, 0, dx, p, count, best, at, g, lanes)
    return 0


def _max_pool2d_backward(Py_ssize_t first, Py_ssize_t last, const real[:, :, ::1] dy,
                         const real[:, :, ::1] x, real[:, ::1] dx, bytes geometry):
    cdef Window g = unpacked(geometry)
    cdef Py_ssize_t rows = min(g.kh, x.shape[1]) + 1
    cdef Py_ssize_t lanes = lanes_of(last - first, dx.shape[1], sizeof(real),
                                     SMALL_GRADIENT if g.sw == 1 else SMALL_STRIDED)
    cdef cnp.npy_intp[2] at = [rows + 1, g.out_w * lanes]
    best = empty(2, [rows, g.out_w * lanes], floating(sizeof(real)))
    if real is float and dx.shape[1] <= INT_MAX:
        max_planes_backward[real, int](first, last, dy, x, dx, best, empty(2, at, INT), &g, lanes)
    else:
        max_planes_backward[real, double](first, last, dy, x, dx, best, empty(2, at, DOUBLE), &g,
                                          lanes)


cdef inline int spread(real[::1] row, const real[::1] shares, Py_ssize_t low, Py_ssize_t high,
                       Py_ssize_t offset, Py_ssize_t step, Py_ssize_t lanes) except -1 nogil:
    cdef Py_ssize_t j, k
    for j in range(low, high):
        for k in range(lanes):
            row[(j * step + offset) * lanes + k] += shares[j * lanes + k]
    return 0


cdef result avg_plane_backward(const real[:, :, ::1] dy, Py_ssize_t p, Py_ssize_t count,
                               real[:, :, ::1] dx, Py_ssize_t q, real[::1] shares,
                               real[::1] row, const double[::1] widths, Window *g,
                               Py_ssize_t lanes) except -1 nogil:
    cdef Py_ssize_t i, j, k, r, c, v, row0, row1, low, high, tap0, tap1
    cdef Py_ssize_t width = dx.shape[2] // lanes
    cdef double rows
    taps_inside(g, width, &tap0, &tap1)
    for i in range(g.out_h):
        rows_inside(g, i, dx.shape[1], &row0, &row1)
        rows = row1 - row0
        for k in range(count):
            for j in range(g.out_w):
                shares[j * lanes + k] = <real>(dy[p + k, i, j] / (rows * widths[j * lanes + k]))
        for c in range(row.shape[0]):
            row[c] = 0
        # The last tap first: so every pixel adds up its windows from left to right.
        for v in range(tap1 - 1, tap0 - 1, -1):
            columns_inside(g, v, width, &low, &high)
            if g.sw == 1:
                spread(row, shares, low * lanes, high * lanes, (v - g.left) * lanes, 1, 1)
            elif lanes > 1:
                spread(row, shares, low, high, v - g.left, g.sw, lanes)
            elif g.sw == 2:
                spread(row, shares, low, high, v - g.left, 2, 1)
            else:
                spread(row, shares, low, high, v - g.left, g.sw, 1)
        for r in range(row0, row1):
            for c in range(row.shape[0]):
                dx[q, r, c] += row[c]
    return 0


def _avg_pool2d_backward(Py_ssize_t first, Py_ssize_t last, const real[:, :, ::1] dy,
                         const real[:, :, ::1] x, real[:, :, ::1] dx, bytes geometry):
    cdef Window g = unpacked(geometry)
    cdef Py_ssize_t p, q, r, c, count
    cdef Py_ssize_t lanes = lanes_of(last - first, x.shape[1] * x.shape[2], sizeof(real))
    cdef int kind = floating(sizeof(real))
    cdef Py_ssize_t across = x.shape[2] * lanes, out = g.out_w * lanes
    # One array: what each window of a row of outputs gives to a pixel, what a row's pixels get.
    cdef real[::1] scratch = zeros(1, [out + across], kind)
    cdef real[::1] shares = scratch[:out], row = scratch[out:]
    cdef double[::1] widths = empty(1, [out], DOUBLE)
    cdef real[:, :, ::1] block
    widths_inside(&g, x.shape[2], lanes, widths)
    if lanes == 1:
        with nogil:
            for p in range(first, last):
                avg_plane_backward(dy, p, 1, dx, p, shares, row, widths, &g, 1)
        return
    block = empty(3, [1, x.shape[1], x.shape[2] * lanes], kind)
    with nogil:
        for q in range(blocks_of(first, last, lanes)):
            p = first + q * lanes
            count = min(lanes, last - p)
            block[:] = 0
            avg_plane_backward(dy, p, count, block, 0, shares, row, widths, &g, lanes)
            unpack[real](block, dx, p, count, lanes)


cdef tuple MAX_POOL = by_type(_max_pool2d_backward), AVG_POOL = by_type(_avg_pool2d_backward)


cdef _pool_backward(tuple kernels, cnp.ndarray dy, cnp.ndarray x, kernel, stride, padding,
                    bint flat):
    """`flat`: the kernel is handed every plane of dx as one row."""
    rows, cols = padding
    cdef Py_ssize_t h = x.shape[2], w = x.shape[3], planes = x.shape[0] * x.shape[1]
    cdef Window g = window(h, w, kernel, stride, ((rows, rows), (cols, cols)), (1, 1))
    dx = zeros(4, x.shape, cnp.PyArray_TYPE(x))
    if planes:  # else rows of any length are not worth a scratch array
        share(kernels[is_double(x)], planes, WORK * planes * h * w,
              shaped(dy, 3, [planes, g.out_h, g.out_w]), shaped(x, 3, [planes, h, w]),
              shaped(dx, 2, [planes, h * w]) if flat else shaped(dx, 3, [planes, h, w]),
              packed(&g))
    return dx


def max_pool2d_backward(dy, x, kernel, stride, padding=(0, 0)):
    """Each output sends its gradient to the first maximum of its window."""
    return _pool_backward(MAX_POOL, dy, x, kernel, stride, padding, True)


def avg_pool2d_backward(dy, x, kernel, stride, padding=(0, 0)):
    """Each output shares its gradient among the real pixels of its window."""
    if padding == (0, 0) and kernel == x.shape[2:]:
        return global_avg_pool2d_backward(dy, x.shape)
    return _pool_backward(AVG_POOL, dy, x, kernel, stride, padding, False)


def conv2d_backward(dy, x, w, stride=(1, 1), padding=(0, 0)):
    """The general kernel's gradients without dilation and groups."""
    rows, cols = padding
    return general_conv2d_backward(dy, x, w, stride, ((rows, rows), (cols, cols)), (1, 1), 1)


def _col2im(const real[:, :, ::1] columns, real[:, :, :, ::1] x, bytes geometry):
    cdef Window g = unpacked(geometry)
    cdef Py_ssize_t n
    with nogil:
        for n in range(x.shape[0]):
            add_columns(x, n, 0, x.shape[1], columns[n], 0, &g, 0, g.out_h, 0, g.out_w)


def col2im(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
    """Every entry of a column is added to its pixel."""
    rows, cols = padding
    cdef Window g = window(shape[2], shape[3], kernel, stride, ((rows, rows), (cols, cols)), (1, 1))
    x = np.zeros(shape, columns.dtype)
    if x.size:
        _col2im(columns, x, packed(&g))
    return x
