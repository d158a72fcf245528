"""Operations that serve several topics: convolution in its general form, and the layers' gradients
that no exercise asks for.

One kernel for the convolution and one for its gradients; every other convolution of the course is a
call of them. Both multiply matrices, block by block: _blocks.pxd says how and why.
"""

import numpy as np

from reference._threads import share

cimport numpy as cnp
from libc.math cimport sqrt

from reference.fast.activation import softmax

from reference.fast._arrays cimport (
    by_type, empty, in_lines, is_double, packed, shaped, unpacked, zeros
)
from reference.fast._blas cimport gemm, tiles
from reference.fast._blocks cimport (
    Block, Cut, block_of, blocks_of, by_rows, channels_of, cut_of, pointwise, row_of, strip_of
)
from reference.fast._columns cimport Window, add_columns, fill_columns, real, window

cdef enum:
    # The product for dw is faster turned, with the filters as its columns, where they are so few
    # (by up to a half for 16), and not fewer than the vectors need.
    FEWEST = 12
    FEW = 64


def _by_rows(const real[:, :, :, ::1] w, real[:, :, :, ::1] flat):
    cdef Py_ssize_t o, c, u, v
    with nogil:
        for o in range(w.shape[0]):
            for u in range(w.shape[2]):
                for c in range(w.shape[1]):
                    for v in range(w.shape[3]):
                        flat[u, o, c, v] = w[o, c, u, v]


def _from_rows(const real[:, :, :, ::1] flat, real[:, :, :, ::1] w):
    cdef Py_ssize_t o, c, u, v
    with nogil:
        for o in range(w.shape[0]):
            for u in range(w.shape[2]):
                for c in range(w.shape[1]):
                    for v in range(w.shape[3]):
                        w[o, c, u, v] = flat[u, o, c, v]


# NumPy would take four times as long for either, its loops being those over the kernel's few taps.
cdef tuple BY_ROWS = by_type(_by_rows), FROM_ROWS = by_type(_from_rows)


cdef matrices(cnp.ndarray w, bint rows):
    """The filters (O, C, KH, KW) as the matrices of the products: (1, O, C*KH*KW), or one a row of
    the kernel, (KH, O, C*KW)."""
    cdef Py_ssize_t o = w.shape[0], c = w.shape[1], kh = w.shape[2], kw = w.shape[3]
    if not rows:
        return shaped(w, 3, [1, o, c * kh * kw])
    flat = empty(4, [kh, o, c, kw], cnp.PyArray_TYPE(w))
    BY_ROWS[is_double(w)](w, flat)
    return shaped(flat, 3, [kh, o, c * kw])


cdef filters_of(cnp.ndarray flat, bint turned, cnp.npy_intp *sides):
    """The way back from `matrices`, or from their transposes."""
    cdef Py_ssize_t o = sides[0], c = sides[1], kh = sides[2], kw = sides[3]
    if turned:
        kw = kw if flat.shape[0] > 1 else kh * kw
        turned_back = shaped(flat, 4, [flat.shape[0], c, kw, o]).transpose(3, 1, 0, 2)
        return shaped(turned_back.copy(), 4, sides)
    if flat.shape[0] == 1:
        return shaped(flat, 4, sides)
    w = empty(4, sides, cnp.PyArray_TYPE(flat))
    FROM_ROWS[is_double(flat)](shaped(flat, 4, [kh, o, c, kw]), w)
    return w


def _conv2d(Py_ssize_t first, Py_ssize_t last, const real[:, :, :, ::1] x,
            const real[:, :, ::1] w, const real[::1] b, real[:, :, ::1] y, bytes geometry,
            Py_ssize_t groups, Py_ssize_t channels):
    """Tasks are the blocks of every group; those of the same images and group follow one another.
    The products go through `channels` channels at a time."""
    cdef Window g = unpacked(geometry), lowered = g
    cdef Py_ssize_t products = w.shape[0], depth = w.shape[2], pixels = x.shape[2] * x.shape[3]
    # Rows of the kernel whose columns are made; with one product it is all of them, at once.
    cdef Py_ssize_t made = min(g.sh, products), taps = g.kw if products > 1 else g.kh * g.kw
    cdef Py_ssize_t group_channels = x.shape[1] // groups, filters = w.shape[1] // groups
    cdef Py_ssize_t task, group, n, o, p, u, c, f0, c0, row, part, here, stride, out_stride
    cdef Py_ssize_t strip, i, p0, p1
    cdef Cut cut = cut_of(&g, products, channels * taps, filters, x.shape[0])
    cdef Py_ssize_t each = cut.down * cut.across
    cdef Block block
    cdef bint direct = pointwise(&g, pixels)
    # The columns; below them y of several images in one matrix, in which the outputs between two
    # images are none.
    cdef Py_ssize_t below = 0 if direct else channels * taps
    cdef real[:, ::1] columns = in_lines(below + (filters if cut.images > 1 else 0), cut.width,
                                         sizeof(real))
    cdef const real *matrix
    cdef real *out
    with nogil:
        for task in range(first, last):
            group = task // each % groups
            block = block_of(&g, &cut, products, task // (groups * each) * each + task % each,
                             x.shape[0], x.shape[2])
            f0, c0 = group * filters, group * group_channels
            strip = strip_of(products, channels * taps, filters, block.total, sizeof(real))
            if cut.images > 1:
                out, out_stride = &columns[below, 0], columns.shape[1]
            else:
                out, out_stride = &y[block.n0, f0, block.start], y.shape[2]
            for part in range((group_channels + channels - 1) // channels):
                c = part * channels
                here = min(channels, group_channels - c)
                for row in range(made):
                    if products > 1:
                        lowered = row_of(&g, row)
                    if direct:
                        matrix, stride = &x[block.n0, c0 + c, 0, 0] + block.start, pixels
                    else:
                        for n in range(block.n0, block.n1):
                            fill_columns(x, n, c0 + c, here, columns, (n - block.n0) * block.step,
                                         &lowered, block.row0, block.row1 + lowered.out_h - g.out_h,
                                         block.col0, block.col1)
                        matrix, stride = &columns[0, 0], columns.shape[1]
                    for i in range((block.total + strip - 1) // strip):
                        p0, p1 = i * strip, min((i + 1) * strip, block.total)
                        if part == 0 and row == 0:
                            for o in range(filters):
                                for p in range(p0, p1):
                                    out[o * out_stride + p] = b[f0 + o]
                        for u in range((products - row + made - 1) // made):
                            tiles(filters, p1 - p0, here * taps,
                                  &w[row + u * made, f0, c * taps], depth, False,
                                  matrix + u * (block.col1 - block.col0) + p0, stride, 1, out + p0,
                                  out_stride)
            if cut.images > 1:
                for n in range(block.n0, block.n1):
                    for o in range(filters):
                        for p in range(block.count):
                            y[n, f0 + o, p] = columns[below + o, (n - block.n0) * block.step + p]


cdef tuple CONV = by_type(_conv2d)


cdef _general_conv2d(cnp.ndarray x, cnp.ndarray w, b, stride, pads, dilation, Py_ssize_t groups):
    cdef Window g = window(x.shape[2], x.shape[3], (w.shape[2], w.shape[3]), stride, pads, dilation)
    cdef Py_ssize_t n = x.shape[0], filters = w.shape[0], points = g.out_h * g.out_w
    cdef Py_ssize_t channels, taps
    cdef cnp.ndarray flat
    cdef Cut cut
    y = empty(4, [n, filters, g.out_h, g.out_w], cnp.PyArray_TYPE(x))
    if w.shape[1] == 0:
        y[...] = b[:, None, None]
    elif n * filters:
        flat = matrices(w, by_rows(&g, n, filters, w.shape[1]))
        channels = channels_of(w.shape[1], flat.shape[2])
        taps = flat.shape[2] // w.shape[1]
        cut = cut_of(&g, flat.shape[0], channels * taps, filters // groups, n)
        share(CONV[is_double(x)], groups * blocks_of(&cut, n),
              n * filters * points * (flat.shape[0] * flat.shape[2]), x, flat, b,
              shaped(y, 3, [n, filters, points]), packed(&g), groups, channels)
    return y


def general_conv2d(x, w, b, stride, pads, dilation, groups):
    """Cross-correlation with any stride, padding on each side, dilation and groups."""
    return _general_conv2d(x, w, b, stride, pads, dilation, groups)


cdef inline const real *outputs_of(const real[:, :, ::1] dy, Block *block, Py_ssize_t o,
                                   Py_ssize_t filters, real[:, ::1] columns, Py_ssize_t below,
                                   Py_ssize_t *stride) noexcept nogil:
    """dy of a block as a matrix with a row a filter: its place, and the entries between two rows.
    Of several images it is put together in the rows of `columns` from `below` on."""
    cdef Py_ssize_t n, k, p
    if block.n1 - block.n0 == 1:
        stride[0] = dy.shape[2]
        return &dy[block.n0, o, block.start]
    for n in range(block.n0, block.n1):
        for k in range(filters):
            for p in range(block.count):
                columns[below + k, (n - block.n0) * block.step + p] = dy[n, o + k, p]
    stride[0] = columns.shape[1]
    return &columns[below, 0]


cdef inline int weight_gradient(const real[:, :, ::1] dy, const real[:, :, :, ::1] x,
                                real[:, :, ::1] dw, bint turned, Py_ssize_t o, Py_ssize_t filters,
                                Py_ssize_t c, Py_ssize_t channels, Py_ssize_t at,
                                Py_ssize_t taps, real[:, ::1] columns, Window *g,
                                Cut *cut) except -1 nogil:
    """dw of the `filters` filters from `o` on for the `channels` channels from `c` on, whose
    weights begin at `at` in a row of the filters' matrices."""
    cdef Py_ssize_t products = dw.shape[0], pixels = x.shape[2] * x.shape[3]
    cdef Py_ssize_t index, n, u, given_stride, stride
    cdef Window lowered = row_of(g, 0) if products > 1 else g[0]
    cdef Block block
    cdef const real *given
    cdef const real *matrix
    for index in range(blocks_of(cut, dy.shape[0])):
        block = block_of(g, cut, products, index, dy.shape[0], x.shape[2])
        given = outputs_of(dy, &block, o, filters, columns, channels * taps, &given_stride)
        if pointwise(g, pixels):
            matrix, stride = &x[block.n0, c, 0, 0] + block.start, pixels
        else:
            for n in range(block.n0, block.n1):
                fill_columns(x, n, c, channels, columns, (n - block.n0) * block.step, &lowered,
                             block.row0, block.row1 + products - 1, block.col0, block.col1)
            matrix, stride = &columns[0, 0], columns.shape[1]
        for u in range(products):
            if turned:
                gemm(False, True, channels * taps, filters, block.total, matrix, stride, given,
                     given_stride, 1, &dw[u, at, o], dw.shape[2])
            else:
                gemm(False, True, filters, channels * taps, block.total, given, given_stride,
                     matrix, stride, 1, &dw[u, o, at], dw.shape[2])
            matrix += block.col1 - block.col0
    return 0


cdef inline int image_gradient(const real[:, :, ::1] dy, const real[:, :, ::1] w,
                               real[:, :, :, ::1] dx, Py_ssize_t o, Py_ssize_t filters,
                               Py_ssize_t c, Py_ssize_t channels, Py_ssize_t at,
                               Py_ssize_t taps, real[:, ::1] columns, Window *g,
                               Cut *cut) except -1 nogil:
    """dx of the `channels` channels from `c` on; the names are those of `weight_gradient`."""
    cdef Py_ssize_t products = w.shape[0], pixels = dx.shape[2] * dx.shape[3]
    cdef Py_ssize_t index, n, u, k, p, stride
    cdef Window lowered = row_of(g, 0) if products > 1 else g[0]
    cdef Block block
    cdef const real *given
    for index in range(blocks_of(cut, dy.shape[0])):
        block = block_of(g, cut, products, index, dy.shape[0], dx.shape[2])
        given = outputs_of(dy, &block, o, filters, columns, channels * taps, &stride)
        if pointwise(g, pixels):
            tiles(channels, block.total, filters, &w[0, o, at], w.shape[2], True, given, stride,
                  0, &dx[block.n0, c, 0, 0] + block.start, pixels)
            continue
        if products > 1:
            for k in range(channels * taps):
                for p in range(columns.shape[1]):
                    columns[k, p] = 0
        for u in range(products):
            tiles(channels * taps, block.total, filters, &w[u, o, at], w.shape[2], True, given,
                  stride, products > 1, &columns[0, 0] + u * (block.col1 - block.col0),
                  columns.shape[1])
        for n in range(block.n0, block.n1):
            add_columns(dx, n, c, channels, columns, (n - block.n0) * block.step, &lowered,
                        block.row0, block.row1 + products - 1, block.col0, block.col1)
    return 0


def _conv2d_backward(Py_ssize_t first, Py_ssize_t last, const real[:, :, ::1] dy,
                     const real[:, :, :, ::1] x, const real[:, :, ::1] w,
                     real[:, :, :, ::1] dx, real[:, :, ::1] dw, bint turned, bytes geometry,
                     Py_ssize_t groups, Py_ssize_t channels):
    """Tasks are dw and dx, in turn, for every part of `channels` channels of every group. Each goes
    through the whole batch, so that no sum is shared by two of them."""
    cdef Window g = unpacked(geometry)
    cdef Py_ssize_t products = w.shape[0], taps = g.kw if products > 1 else g.kh * g.kw
    cdef Py_ssize_t group_channels = x.shape[1] // groups, filters = w.shape[1] // groups
    cdef Py_ssize_t parts = (group_channels + channels - 1) // channels
    cdef Py_ssize_t task, o, c, here, at
    # With several products there would be columns of no output between two images, whose zeros
    # times an infinity would spoil the sums: so one image at a time.
    cdef Cut cut = cut_of(&g, products, channels * taps, filters,
                          1 if products > 1 else dy.shape[0])
    cdef bint direct = pointwise(&g, x.shape[2] * x.shape[3])
    # The columns; below them dy of several images in one matrix.
    cdef real[:, ::1] columns = in_lines(channels * taps + (filters if cut.images > 1 else 0),
                                         1 if direct else cut.width, sizeof(real))
    with nogil:
        for task in range(first, last):
            o = task // (2 * parts) * filters
            c = task // 2 % parts * channels
            here, at = min(channels, group_channels - c), c * taps
            c += task // (2 * parts) * group_channels
            if task % 2 == 0:
                weight_gradient(dy, x, dw, turned, o, filters, c, here, at, taps, columns, &g, &cut)
            else:
                image_gradient(dy, w, dx, o, filters, c, here, at, taps, columns, &g, &cut)


def _sums(const real[:, :, ::1] dy, real[::1] db):
    cdef Py_ssize_t n, o, p, whole = dy.shape[2] - dy.shape[2] % 4
    cdef double total0, total1, total2, total3
    with nogil:
        for o in range(dy.shape[1]):
            # Four sums at once: each waits for its own last addition only.
            total0 = total1 = total2 = total3 = 0
            for n in range(dy.shape[0]):
                for p in range(0, whole, 4):
                    total0 += dy[n, o, p]
                    total1 += dy[n, o, p + 1]
                    total2 += dy[n, o, p + 2]
                    total3 += dy[n, o, p + 3]
                for p in range(whole, dy.shape[2]):
                    total0 += dy[n, o, p]
            db[o] = <real>((total0 + total1) + (total2 + total3))


cdef tuple SUMS = by_type(_sums), CONV_BACKWARD = by_type(_conv2d_backward)


cdef _general_conv2d_backward(cnp.ndarray dy, cnp.ndarray x, cnp.ndarray w, stride, pads, dilation,
                              Py_ssize_t groups):
    cdef Window g = window(x.shape[2], x.shape[3], (w.shape[2], w.shape[3]), stride, pads, dilation)
    cdef Py_ssize_t n = x.shape[0], filters = w.shape[0], channels = w.shape[1], parts
    cdef Py_ssize_t points = g.out_h * g.out_w
    cdef int kind = cnp.PyArray_TYPE(x)
    cdef bint turned = FEWEST <= filters // groups <= FEW
    dx, db = zeros(4, x.shape, kind), zeros(1, [filters], kind)
    # With larger strides, the products would be too small for what they write.
    cdef cnp.ndarray flat = matrices(w, g.sh == 1 and by_rows(&g, n, filters, channels))
    cdef Py_ssize_t products = flat.shape[0], depth = flat.shape[2]
    dw = zeros(3, [products, depth if turned else filters, filters if turned else depth], kind)
    if n * filters:
        flat_dy = shaped(dy, 3, [n, filters, points])
        SUMS[is_double(x)](flat_dy, db)
        if channels:
            channels = channels_of(channels, depth)
            parts = (w.shape[1] + channels - 1) // channels
            share(CONV_BACKWARD[is_double(x)], 2 * groups * parts,
                  2 * n * filters * points * (products * depth), flat_dy, x, flat, dx, dw, turned,
                  packed(&g), groups, channels)
    return dx, filters_of(dw, turned, w.shape), db


def general_conv2d_backward(dy, x, w, stride, pads, dilation, groups):
    """The three gradients of `general_conv2d`."""
    return _general_conv2d_backward(dy, x, w, stride, pads, dilation, groups)


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
