"""Operations that serve several topics: convolution in its general form, and the layers' gradients
that no exercise asks for.

Design: convolution is im2col and a product of matrices (Chellapilla, Puri, Simard 2006), a group and
a block of outputs at a time; BLAS multiplies (see _blas.pxd for the tiles). Three things keep the
columns small, and so in the second level of cache:

- The columns of one row of the kernel serve others of its rows, each with a product of its own that
  starts rows of outputs further on: all rows with stride 1, every second one with stride 2
  (memory-efficient convolution: Cho and Brand 2017). For 3x3 that is a third of the copies, for 5x5
  a fifth.
- The products go through about 512 rows of columns, that is some of the channels, at a time.
- A block's columns take 2 MB at most in float64, of large images some rows; of small ones several
  images side by side, so that the filters are read once for all of them. The workspace never grows
  with the image or the batch.

A kernel of 1x1 needs no columns: the image is the matrix. Backward, dw and dx are two products,
whose tasks write to places of their own. One kernel forward and one backward; every other
convolution of the course is a call of them.

Winograd's and Fourier transforms would save multiplications, and are not used: there an output's
rounding error grows with pixels that it does not see, and one infinity spoils its neighbours. What
others are compared with must not do that.
"""

import numpy as np

from reference._threads import share

cimport numpy as cnp
from libc.math cimport sqrt

from reference.fast.activation import softmax

from reference.fast._arrays cimport (
    by_type, empty, floating, is_double, packed, shaped, unpacked, zeros
)
from reference.fast._blas cimport gemm, tiles
from reference.fast._columns cimport Window, add_columns, fill_columns, real, window

# Entries of one thread's columns: 2 MB in float64. A quarter of it halves the speed of deep layers
# (384 channels of 3x3), whose blocks would have too few outputs for a fast product.
cdef Py_ssize_t WORKSPACE = 262144

# Rows of columns in one product, and of the gradients dw and dx in one task.
cdef Py_ssize_t DEPTH = 512

# Outputs that make a product fast: of small images, so many are done together.
cdef Py_ssize_t ENOUGH = 256

# With fewer rows than this in a product, several products are slower than more columns.
cdef Py_ssize_t NARROW = 20


cdef inline bint by_rows(Window *g, Py_ssize_t batch, Py_ssize_t filters,
                         Py_ssize_t channels) noexcept:
    """Whether the columns of one row of the kernel serve others of its rows. That puts the filters
    in another order, which costs more than it saves where they are more than the outputs (512
    filters on 8 images of 7x7: a quarter of the time)."""
    return (g.kh > 1 and g.kh >= 2 * g.sh and g.dh == 1 and channels * g.kw >= NARROW
            and batch * g.out_h * g.out_w >= filters)


cdef inline Py_ssize_t rows_more(Window *g, Py_ssize_t products) noexcept nogil:
    """Rows of columns that a block needs beyond its rows of outputs."""
    return (g.kh - 1) // g.sh if products > 1 else 0


cdef inline Window row_of(Window *g, Py_ssize_t row) noexcept nogil:
    """The window of one row of the kernel, on the rows that it and the rows it serves meet."""
    cdef Window one = g[0]
    one.kh = 1
    one.top = g.top - row
    one.out_h = g.out_h + (g.kh - 1 - row) // g.sh
    return one


cdef inline Py_ssize_t rows_to_next(Window *g, Py_ssize_t products, Py_ssize_t rows,
                                    Py_ssize_t height) noexcept nogil:
    """Rows of columns from one image to the next: all that `rows` rows of outputs meet; but with
    stride 1 the padding below one image may be that above the next."""
    rows += rows_more(g, products)
    if products > 1 and g.sh == 1:
        rows -= min(g.top, g.out_h + g.kh - 1 - height - g.top, g.kh - 1)
    return rows


cdef copy_taps(to, given):
    """to[...] = given, with the taps of a kernel's row last. Where that axis is short and the
    others are long, one copy a tap takes NumPy half the time."""
    if given.shape[3] > 3 or given.size < 10000:
        to[...] = given
        return
    for v in range(given.shape[3]):
        to[..., v] = given[..., v]


cdef matrices(cnp.ndarray w, bint rows):
    """The filters (O, C, KH, KW) as the matrices of the products: (1, O, C*KH*KW), or one a row of
    the kernel, (KH, O, C*KW)."""
    cdef Py_ssize_t o = w.shape[0], c = w.shape[1], kh = w.shape[2], kw = w.shape[3]
    if rows:
        flat = empty(4, [kh, o, c, kw], cnp.PyArray_TYPE(w))
        copy_taps(flat, w.transpose(2, 0, 1, 3))
        return shaped(flat, 3, [kh, o, c * kw])
    return shaped(w, 3, [1, o, c * kh * kw])


cdef filters_of(cnp.ndarray flat, cnp.npy_intp *sides):
    """The way back from `matrices`."""
    cdef Py_ssize_t o = sides[0], c = sides[1], kh = sides[2], kw = sides[3]
    if flat.shape[0] == 1:
        return shaped(flat, 4, sides)
    w = empty(4, sides, cnp.PyArray_TYPE(flat))
    copy_taps(w, shaped(flat, 4, [kh, o, c, kw]).transpose(1, 2, 0, 3))
    return w


cdef (Py_ssize_t, Py_ssize_t, Py_ssize_t) block_of(Py_ssize_t depth, Py_ssize_t filters,
                                                   Py_ssize_t more, Py_ssize_t batch,
                                                   Window *g) noexcept:
    """Images, rows and columns of outputs done at once, so that `depth` and `filters` entries for
    each output, and for those in `more` rows, fit the workspace: several images where they are
    small, else whole rows of one where one fits, else a part of a row. Blocks are about equally
    large."""
    cdef Py_ssize_t count = max(1, WORKSPACE // max(1, max(depth, filters))), blocks, images
    cdef Py_ssize_t rows = count // g.out_w - more
    if rows < 1:
        return 1, 1, min(g.out_w, max(1, count // (1 + more)))
    if rows >= g.out_h:
        images = max(1, min(count, ENOUGH) // ((g.out_h + more) * g.out_w))
        if g.kh == 1 and g.kw == 1 and g.sh == 1:
            images = 1  # the images themselves are the matrices
        blocks = (batch + images - 1) // images
        return (batch + blocks - 1) // blocks, g.out_h, g.out_w
    blocks = (g.out_h + rows - 1) // rows
    return 1, (g.out_h + blocks - 1) // blocks, g.out_w


cdef Py_ssize_t channels_of(Py_ssize_t channels, Py_ssize_t depth) noexcept:
    """Channels of one product, where all of them would make `depth` rows of columns."""
    cdef Py_ssize_t parts = max(1, depth // DEPTH)
    return max(1, (channels + parts - 1) // parts)


cdef inline bint pointwise(Window *g, Py_ssize_t pixels) noexcept nogil:
    """A kernel of one pixel on every pixel: the image itself is the matrix of its columns."""
    return g.kh == 1 and g.kw == 1 and g.sh == 1 and g.sw == 1 and g.out_h * g.out_w == pixels


def _conv2d(Py_ssize_t first, Py_ssize_t last, const real[:, :, :, ::1] x,
            const real[:, :, ::1] w, const real[::1] b, real[:, :, ::1] y, bytes geometry,
            Py_ssize_t groups, Py_ssize_t channels, Py_ssize_t images, Py_ssize_t rows,
            Py_ssize_t cols):
    """Tasks are the blocks of every group of every `images` images, the last of these changing
    fastest. The products go through `channels` channels at a time."""
    cdef Window g = unpacked(geometry), lowered = g
    cdef Py_ssize_t row, more = rows_more(&g, w.shape[0])
    # Rows of the kernel whose columns are made; with one product it is all of them, at once.
    cdef Py_ssize_t made = min(g.sh, w.shape[0])
    cdef Py_ssize_t products = w.shape[0], depth = w.shape[2], pixels = x.shape[2] * x.shape[3]
    cdef Py_ssize_t taps = g.kw if products > 1 else g.kh * g.kw
    cdef Py_ssize_t group_channels = x.shape[1] // groups, filters = w.shape[1] // groups
    cdef Py_ssize_t down = (g.out_h + rows - 1) // rows, across = (g.out_w + cols - 1) // cols
    cdef Py_ssize_t task, n, n0, n1, o, p, u, c, f0, c0, row0, row1, col0, col1
    cdef Py_ssize_t part, here, start, count, step, total, stride, out_stride
    cdef bint direct = pointwise(&g, pixels)
    cdef Py_ssize_t width = images * (rows + more) * cols
    # The columns; below them y of several images in one matrix, in which the outputs between two
    # images are none.
    cdef Py_ssize_t below = 0 if direct else channels * taps
    cdef real[:, ::1] columns = empty(2, [max(1, below + (filters if images > 1 else 0)), width],
                                      floating(sizeof(real)))
    cdef const real *matrix
    cdef real *out
    with nogil:
        for task in range(first, last):
            n0 = task // (groups * down * across) * images
            n1 = min(n0 + images, x.shape[0])
            f0 = task // (down * across) % groups * filters
            c0 = task // (down * across) % groups * group_channels
            row0 = task // across % down * rows
            col0 = task % across * cols
            row1, col1 = min(row0 + rows, g.out_h), min(col0 + cols, g.out_w)
            start, count = row0 * g.out_w + col0, (row1 - row0) * (col1 - col0)
            step = rows_to_next(&g, products, row1 - row0, x.shape[2]) * (col1 - col0)
            total = (n1 - n0 - 1) * step + count
            if images > 1:
                out, out_stride = &columns[below, 0], columns.shape[1]
            else:
                out, out_stride = &y[n0, f0, start], y.shape[2]
            for o in range(filters):
                for p in range(total):
                    out[o * out_stride + p] = b[f0 + o]
            for part in range((group_channels + channels - 1) // channels):
                c = part * channels
                here = min(channels, group_channels - c)
                for row in range(made):
                    if products > 1:
                        lowered = row_of(&g, row)
                    if direct:
                        matrix, stride = &x[n0, c0 + c, 0, 0] + start, pixels
                    else:
                        for n in range(n0, n1):
                            fill_columns(x, n, c0 + c, here, columns, (n - n0) * step, &lowered,
                                         row0, row1 + lowered.out_h - g.out_h, col0, col1)
                        matrix, stride = &columns[0, 0], columns.shape[1]
                    for u in range((products - row + made - 1) // made):
                        tiles(filters, total, here * taps, &w[row + u * made, f0, c * taps],
                              depth, False, matrix + u * (col1 - col0), stride, 1, out, out_stride)
            if images > 1:
                for n in range(n0, n1):
                    for o in range(filters):
                        for p in range(count):
                            y[n, f0 + o, p] = columns[below + o, (n - n0) * step + p]


cdef tuple CONV = by_type(_conv2d)


cdef _general_conv2d(cnp.ndarray x, cnp.ndarray w, b, stride, pads, dilation, Py_ssize_t groups):
    cdef Window g = window(x.shape[2], x.shape[3], (w.shape[2], w.shape[3]), stride, pads, dilation)
    cdef Py_ssize_t n = x.shape[0], filters = w.shape[0], points = g.out_h * g.out_w
    cdef Py_ssize_t images, rows, cols, blocks, channels, taps
    cdef cnp.ndarray flat
    y = empty(4, [n, filters, g.out_h, g.out_w], cnp.PyArray_TYPE(x))
    if n * filters:
        flat = matrices(w, by_rows(&g, n, filters, w.shape[1]))
        channels = channels_of(w.shape[1], flat.shape[2])
        taps = flat.shape[2] // max(1, w.shape[1])
        images, rows, cols = block_of(channels * taps, filters // groups,
                                      rows_more(&g, flat.shape[0]), n, &g)
        blocks = ((g.out_h + rows - 1) // rows) * ((g.out_w + cols - 1) // cols)
        share(CONV[is_double(x)], (n + images - 1) // images * groups * blocks,
              n * filters * points * (flat.shape[0] * flat.shape[2]), x, flat, b,
              shaped(y, 3, [n, filters, points]), packed(&g), groups, channels, images, rows, cols)
    return y


def general_conv2d(x, w, b, stride, pads, dilation, groups):
    """Cross-correlation with any stride, padding on each side, dilation and groups."""
    return _general_conv2d(x, w, b, stride, pads, dilation, groups)


def _conv2d_backward(Py_ssize_t first, Py_ssize_t last, const real[:, :, ::1] dy,
                     const real[:, :, :, ::1] x, const real[:, :, ::1] w,
                     real[:, :, :, ::1] dx, real[:, :, ::1] dw, bytes geometry,
                     Py_ssize_t groups, Py_ssize_t channels):
    """Tasks are dw and dx, in turn, for every part of `channels` channels of every group. Each goes
    through the whole batch, so that no sum is shared by two of them."""
    cdef Window g = unpacked(geometry), lowered = g
    cdef Py_ssize_t products = w.shape[0], depth = w.shape[2], pixels = x.shape[2] * x.shape[3]
    cdef Py_ssize_t taps = g.kw if products > 1 else g.kh * g.kw
    cdef Py_ssize_t group_channels = x.shape[1] // groups, filters = w.shape[1] // groups
    cdef Py_ssize_t parts = (group_channels + channels - 1) // channels
    cdef Py_ssize_t task, batch, n, n0, n1, o, i, j, c0, count, here, images, rows, cols
    cdef Py_ssize_t row0, row1, col0, col1, start, points, step, u, k, p, stride
    cdef bint direct = pointwise(&g, pixels)
    images, rows, cols = block_of(channels * taps, filters, products - 1, dy.shape[0], &g)
    if products > 1:
        # Between two images there would be columns of no output, whose zeros times an infinity
        # would spoil the sums.
        images = 1
    cdef Py_ssize_t width = 1 if direct else images * (rows + products - 1) * cols
    # The columns; below them dy of several images in one matrix.
    cdef Py_ssize_t below = 0 if direct else channels * taps
    cdef real[:, ::1] columns = empty(2, [max(1, below + (filters if images > 1 else 0)), width],
                                      floating(sizeof(real)))
    cdef const real *given
    if products > 1:
        lowered = row_of(&g, 0)
    with nogil:
        for task in range(first, last):
            o = task // (2 * parts) * filters
            c0 = task // 2 % parts * channels
            count = min(channels, group_channels - c0)
            here = c0 * taps  # in a row of w
            c0 += task // (2 * parts) * group_channels
            for batch in range((dy.shape[0] + images - 1) // images):
                n0, n1 = batch * images, min((batch + 1) * images, dy.shape[0])
                if direct and task % 2 == 0:
                    gemm(False, True, filters, count, pixels, &dy[n0, o, 0], pixels,
                         &x[n0, c0, 0, 0], pixels, 1, &dw[0, o, here], depth)
                    continue
                if direct:
                    tiles(count, pixels, filters, &w[0, o, here], depth, True,
                          &dy[n0, o, 0], pixels, 0, &dx[n0, c0, 0, 0], pixels)
                    continue
                for i in range((g.out_h + rows - 1) // rows):
                    row0, row1 = i * rows, min((i + 1) * rows, g.out_h)
                    for j in range((g.out_w + cols - 1) // cols):
                        col0, col1 = j * cols, min((j + 1) * cols, g.out_w)
                        start = row0 * g.out_w + col0
                        points = (row1 - row0) * (col1 - col0)
                        step = rows_to_next(&g, products, row1 - row0, x.shape[2]) * (col1 - col0)
                        if images > 1:
                            for n in range(n0, n1):
                                for k in range(filters):
                                    for p in range(points):
                                        columns[below + k, (n - n0) * step + p] = dy[n, o + k, p]
                            given, stride = &columns[below, 0], columns.shape[1]
                        else:
                            given, stride = &dy[n0, o, start], dy.shape[2]
                        points += (n1 - n0 - 1) * step
                        if task % 2 == 0:
                            for n in range(n0, n1):
                                fill_columns(x, n, c0, count, columns, (n - n0) * step, &lowered,
                                             row0, row1 + products - 1, col0, col1)
                            for u in range(products):
                                gemm(False, True, filters, count * taps, points, given, stride,
                                     &columns[0, 0] + u * (col1 - col0), columns.shape[1],
                                     1, &dw[u, o, here], depth)
                        else:
                            if products > 1:
                                for k in range(count * taps):
                                    for p in range(columns.shape[1]):
                                        columns[k, p] = 0
                            for u in range(products):
                                tiles(count * taps, points, filters, &w[u, o, here], depth, True,
                                      given, stride, products > 1,
                                      &columns[0, 0] + u * (col1 - col0), columns.shape[1])
                            for n in range(n0, n1):
                                add_columns(dx, n, c0, count, columns, (n - n0) * step, &lowered,
                                            row0, row1 + products - 1, col0, col1)


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
    dx, db = zeros(4, x.shape, kind), zeros(1, [filters], kind)
    # With larger strides, the products would be too small for what they write.
    cdef cnp.ndarray flat = matrices(w, g.sh == 1 and by_rows(&g, n, filters, channels))
    dw = zeros(3, flat.shape, kind)
    if n * filters:
        flat_dy = shaped(dy, 3, [n, filters, points])
        SUMS[is_double(x)](flat_dy, db)
        if channels:
            channels = channels_of(channels, flat.shape[2])
            parts = (w.shape[1] + channels - 1) // channels
            share(CONV_BACKWARD[is_double(x)], 2 * groups * parts,
                  2 * n * filters * points * (flat.shape[0] * flat.shape[2]), flat_dy, x, flat, dx,
                  dw, packed(&g), groups, channels)
    return dx, filters_of(dw, w.shape), db


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
