"""Pooling. A window is cut to the image: the padding takes no part."""

from reference._threads import share

cimport numpy as cnp

from reference.fast._arrays cimport (
    DOUBLE, LINE, by_type, empty, floating, is_double, packed, shaped, unpacked, zeros
)
from reference.fast._columns cimport Window, real, window
from reference.fast._rows cimport (
    WORK, any_nan, blocks_of, columns_inside, lanes_of, larger, outputs_inside, pack, rows_inside,
    taps_inside, unpack, widths_inside
)
from reference.fast._versions cimport result


cdef inline int max_rows(const real[:, :, ::1] x, Py_ssize_t p, Py_ssize_t row0, Py_ssize_t row1,
                         real[::1] top, bint nans) except -1 nogil:
    """top[c] becomes the largest of x[p, row0:row1, c]; up to three rows are one loop."""
    cdef Py_ssize_t r, c
    if row1 - row0 == 1:
        for c in range(x.shape[2]):
            top[c] = x[p, row0, c]
    elif row1 - row0 == 2:
        for c in range(x.shape[2]):
            top[c] = larger(x[p, row0, c], x[p, row0 + 1, c], nans)
    else:
        for c in range(x.shape[2]):
            top[c] = larger(larger(x[p, row0, c], x[p, row0 + 1, c], nans), x[p, row0 + 2, c],
                            nans)
    for r in range(row0 + 3, row1):
        for c in range(x.shape[2]):
            top[c] = larger(top[c], x[p, r, c], nans)
    return 0


cdef inline int max_columns(real[:, :, ::1] y, Py_ssize_t p, Py_ssize_t i, const real[::1] top,
                            Py_ssize_t low, Py_ssize_t high, Py_ssize_t offset, Py_ssize_t step,
                            Py_ssize_t lanes, Py_ssize_t taps, Py_ssize_t apart,
                            bint nans) except -1 nogil:
    """y[p, i, j] becomes the largest of top[j * step + offset + v * apart] for v < taps; up to
    three taps are one loop."""
    cdef Py_ssize_t j, k, v, c
    if taps == 1:
        for j in range(low, high):
            for k in range(lanes):
                y[p, i, j * lanes + k] = top[(j * step + offset) * lanes + k]
    elif taps == 2:
        for j in range(low, high):
            for k in range(lanes):
                c = (j * step + offset) * lanes + k
                y[p, i, j * lanes + k] = larger(top[c], top[c + apart * lanes], nans)
    else:
        for j in range(low, high):
            for k in range(lanes):
                c = (j * step + offset) * lanes + k
                y[p, i, j * lanes + k] = larger(larger(top[c], top[c + apart * lanes], nans),
                                                top[c + 2 * apart * lanes], nans)
    for v in range(3, taps):
        for j in range(low, high):
            for k in range(lanes):
                y[p, i, j * lanes + k] = larger(y[p, i, j * lanes + k],
                                                top[(j * step + offset + v * apart) * lanes + k],
                                                nans)
    return 0


cdef inline int max_edge(real[:, :, ::1] y, Py_ssize_t p, Py_ssize_t i, const real[::1] top,
                         Py_ssize_t first, Py_ssize_t last, Window *g, Py_ssize_t width,
                         Py_ssize_t lanes, bint nans) except -1 nogil:
    """The outputs [first, last) of a row, whose windows are cut to the image."""
    cdef Py_ssize_t j, k, c, start
    cdef real best
    for j in range(first, last):
        start = max(j * g.sw - g.left, 0)
        for k in range(lanes):
            best = top[start * lanes + k]
            for c in range(start + 1, min(j * g.sw - g.left + g.kw, width)):
                best = larger(best, top[c * lanes + k], nans)
            y[p, i, j * lanes + k] = best
    return 0


cdef inline int max_plane(const real[:, :, ::1] x, real[:, :, ::1] y, Py_ssize_t p,
                          real[::1] top, Window *g, Py_ssize_t lanes,
                          bint nans) except -1 nogil:
    cdef Py_ssize_t i, row0, row1, low, high
    cdef Py_ssize_t width = x.shape[2] // lanes
    outputs_inside(g, width, &low, &high)
    for i in range(g.out_h):
        rows_inside(g, i, x.shape[1], &row0, &row1)
        max_rows(x, p, row0, row1, top, nans)
        if low == high:
            pass  # every window is cut; a kernel may be far wider than the image
        elif g.sw == 1:
            max_columns(y, p, i, top, low * lanes, high * lanes, -g.left * lanes, 1, 1, g.kw,
                        lanes, nans)
        elif g.sw == 2:
            max_columns(y, p, i, top, low, high, -g.left, 2, lanes, g.kw, 1, nans)
        else:
            max_columns(y, p, i, top, low, high, -g.left, g.sw, lanes, g.kw, 1, nans)
        max_edge(y, p, i, top, 0, low, g, width, lanes, nans)
        max_edge(y, p, i, top, high, g.out_w, g, width, lanes, nans)
    return 0


cdef result max_image(const real[:, :, ::1] x, real[:, :, ::1] y, Py_ssize_t p, real[::1] top,
                      Window *g, Py_ssize_t lanes) except -1 nogil:
    """y[p] from x[p]: one plane, or a block of them."""
    if any_nan(x, p):
        max_plane(x, y, p, top, g, lanes, True)
    elif lanes == 1:
        max_plane(x, y, p, top, g, 1, False)
    else:
        max_plane(x, y, p, top, g, LINE // sizeof(real), False)
    return 0


def _max_pool2d(Py_ssize_t first, Py_ssize_t last, const real[:, :, ::1] x, real[:, :, ::1] y,
                bytes geometry):
    cdef Window g = unpacked(geometry)
    cdef Py_ssize_t p, q, count
    cdef Py_ssize_t lanes = lanes_of(last - first, x.shape[1] * x.shape[2], sizeof(real))
    cdef int kind = floating(sizeof(real))
    cdef real[::1] top = empty(1, [x.shape[2] * lanes], kind)
    cdef real[:, :, ::1] block, pooled
    if lanes == 1:
        with nogil:
            for p in range(first, last):
                max_image(x, y, p, top, &g, 1)
        return
    block = zeros(3, [1, x.shape[1], x.shape[2] * lanes], kind)
    pooled = empty(3, [1, g.out_h, g.out_w * lanes], kind)
    with nogil:
        for q in range(blocks_of(first, last, lanes)):
            p = first + q * lanes
            count = min(lanes, last - p)
            pack(x, p, count, block)
            max_image[real](block, pooled, 0, top, &g, lanes)
            unpack[real](pooled, y, p, count, lanes)


cdef inline int widen_sum(double[::1] total, const double[::1] row, Py_ssize_t low,
                          Py_ssize_t high, Py_ssize_t offset, Py_ssize_t step,
                          Py_ssize_t lanes) except -1 nogil:
    cdef Py_ssize_t j, k
    for j in range(low, high):
        for k in range(lanes):
            total[j * lanes + k] += row[(j * step + offset) * lanes + k]
    return 0


cdef result avg_plane(const real[:, :, ::1] x, real[:, :, ::1] y, Py_ssize_t p,
                      double[::1] column, double[::1] total, const double[::1] widths,
                      Window *g, Py_ssize_t lanes) except -1 nogil:
    cdef Py_ssize_t i, j, r, c, v, row0, row1, low, high, tap0, tap1
    cdef Py_ssize_t width = x.shape[2] // lanes
    cdef double rows
    taps_inside(g, width, &tap0, &tap1)
    for i in range(g.out_h):
        rows_inside(g, i, x.shape[1], &row0, &row1)
        for c in range(x.shape[2]):
            column[c] = x[p, row0, c]
        for r in range(row0 + 1, row1):
            for c in range(x.shape[2]):
                column[c] += x[p, r, c]
        for j in range(y.shape[2]):
            total[j] = 0
        for v in range(tap0, tap1):
            columns_inside(g, v, width, &low, &high)
            if g.sw == 1:
                widen_sum(total, column, low * lanes, high * lanes, (v - g.left) * lanes, 1, 1)
            elif lanes > 1:
                widen_sum(total, column, low, high, v - g.left, g.sw, lanes)
            elif g.sw == 2:
                widen_sum(total, column, low, high, v - g.left, 2, 1)
            else:
                widen_sum(total, column, low, high, v - g.left, g.sw, 1)
        rows = row1 - row0
        for j in range(y.shape[2]):
            y[p, i, j] = <real>(total[j] / (rows * widths[j]))
    return 0


def _avg_pool2d(Py_ssize_t first, Py_ssize_t last, const real[:, :, ::1] x, real[:, :, ::1] y,
                bytes geometry):
    cdef Window g = unpacked(geometry)
    cdef Py_ssize_t p, q, count
    cdef Py_ssize_t lanes = lanes_of(last - first, x.shape[1] * x.shape[2], sizeof(real))
    cdef int kind = floating(sizeof(real))
    cdef Py_ssize_t across = x.shape[2] * lanes, out = g.out_w * lanes
    # One array: the sums of the rows of windows, those of whole windows, and the windows' widths.
    cdef double[::1] scratch = empty(1, [across + 2 * out], DOUBLE)
    cdef double[::1] column = scratch[:across], total = scratch[across:across + out]
    cdef double[::1] widths = scratch[across + out:]
    cdef real[:, :, ::1] block, pooled
    widths_inside(&g, x.shape[2], lanes, widths)
    if lanes == 1:
        with nogil:
            for p in range(first, last):
                avg_plane(x, y, p, column, total, widths, &g, 1)
        return
    block = zeros(3, [1, x.shape[1], x.shape[2] * lanes], kind)
    pooled = empty(3, [1, g.out_h, g.out_w * lanes], kind)
    with nogil:
        for q in range(blocks_of(first, last, lanes)):
            p = first + q * lanes
            count = min(lanes, last - p)
            pack(x, p, count, block)
            avg_plane[real](block, pooled, 0, column, total, widths, &g, lanes)
            unpack[real](pooled, y, p, count, lanes)


cdef tuple MAX_POOL = by_type(_max_pool2d), AVG_POOL = by_type(_avg_pool2d)


cdef _pool(tuple kernels, cnp.ndarray x, kernel, stride, padding):
    rows, cols = padding
    cdef Py_ssize_t h = x.shape[2], w = x.shape[3], planes = x.shape[0] * x.shape[1]
    cdef Window g = window(h, w, kernel, stride, ((rows, rows), (cols, cols)), (1, 1))
    y = empty(4, [x.shape[0], x.shape[1], g.out_h, g.out_w], cnp.PyArray_TYPE(x))
    if planes:  # else rows of any length are not worth a scratch array
        share(kernels[is_double(x)], planes, WORK * planes * h * w, shaped(x, 3, [planes, h, w]),
              shaped(y, 3, [planes, g.out_h, g.out_w]), packed(&g))
    return y


def max_pool2d(x, kernel, stride, padding=(0, 0)):
    """The largest pixel of every window."""
    return _pool(MAX_POOL, x, kernel, stride, padding)


def avg_pool2d(x, kernel, stride, padding=(0, 0)):
    """The mean of the real pixels of every window."""
    if padding == (0, 0) and kernel == x.shape[2:]:
        return _mean(x, 4)
    return _pool(AVG_POOL, x, kernel, stride, padding)


def _means(Py_ssize_t first, Py_ssize_t last, const real[:, ::1] x, real[::1] y):
    """Sums of every eighth pixel, which vectors hold, and their sum."""
    cdef Py_ssize_t i, k, p
    cdef Py_ssize_t whole = x.shape[1] // 8 * 8
    cdef double total
    cdef double[8] parts
    with nogil:
        for i in range(first, last):
            for k in range(8):
                parts[k] = 0
            for p in range(0, whole, 8):
                for k in range(8):
                    parts[k] += x[i, p + k]
            total = 0
            for p in range(whole, x.shape[1]):
                total += x[i, p]
            for k in range(8):
                total += parts[k]
            y[i] = <real>(total / x.shape[1])


cdef tuple MEANS = by_type(_means)


cdef _mean(cnp.ndarray x, int axes):
    """The mean of every channel: (N, C), or (N, C, 1, 1)."""
    cdef Py_ssize_t planes = x.shape[0] * x.shape[1], pixels = x.shape[2] * x.shape[3]
    y = empty(axes, [x.shape[0], x.shape[1], 1, 1], cnp.PyArray_TYPE(x))
    share(MEANS[is_double(x)], planes, planes * pixels, shaped(x, 2, [planes, pixels]),
          shaped(y, 1, [planes]))
    return y


def global_avg_pool2d(x):
    """The mean of every channel."""
    return _mean(x, 2)
