# Windows of an image as the columns of a matrix (im2col), and the way back.
#
# Design: every convolution here is a product of matrices. `fill_columns` writes the pixels that a
# range of outputs sees, one output a column; `add_columns` is its adjoint. The cells of the padding
# are zeros in the matrix and are never stored in a padded copy of the image.

from libc.string cimport memcpy

from reference.fast._versions cimport result

ctypedef fused real:
    float
    double


# The geometry of a sliding window: kernel, stride, dilation, the padding before the first row and
# column, and the size of the output.
ctypedef struct Window:
    Py_ssize_t kh
    Py_ssize_t kw
    Py_ssize_t sh
    Py_ssize_t sw
    Py_ssize_t dh
    Py_ssize_t dw
    Py_ssize_t top
    Py_ssize_t left
    Py_ssize_t out_h
    Py_ssize_t out_w


cdef inline Window window(Py_ssize_t h, Py_ssize_t w, kernel, stride, pads, dilation):
    """The window on an image of h rows and w columns; pads is ((top, bottom), (left, right))."""
    cdef Window g
    cdef Py_ssize_t bottom, right
    g.kh, g.kw = kernel
    g.sh, g.sw = stride
    g.dh, g.dw = dilation
    (g.top, bottom), (g.left, right) = pads
    g.out_h = (h + g.top + bottom - g.dh * (g.kh - 1) - 1) // g.sh + 1
    g.out_w = (w + g.left + right - g.dw * (g.kw - 1) - 1) // g.sw + 1
    return g


cdef inline Py_ssize_t first_inside(Py_ssize_t offset, Py_ssize_t step, Py_ssize_t limit,
                                    Py_ssize_t low, Py_ssize_t high) except -1 nogil:
    """The smallest j in [low, high] with j * step + offset >= limit, or high."""
    cdef Py_ssize_t j = low
    if limit > offset:
        j = (limit - offset + step - 1) // step
    return low if j < low else high if j > high else j


cdef inline int copy_row(real *to, const real *pixels, Py_ssize_t count,
                         Py_ssize_t step) noexcept nogil:
    """Every `step`-th pixel of a row; inlined with a constant step, so that vectors are loaded."""
    cdef Py_ssize_t j
    for j in range(count):
        to[j] = pixels[j * step]
    return 0


cdef inline result copy_rows(real *to, Py_ssize_t to_next, const real *pixels,
                             Py_ssize_t next_row, Py_ssize_t rows, Py_ssize_t count,
                             Py_ssize_t step) noexcept nogil:
    """Every `step`-th pixel of every row; `to_next` and `next_row` are the entries between two."""
    cdef Py_ssize_t i
    for i in range(rows):
        if step == 1:
            copy_row(to, pixels, count, 1)
        elif step == 2:
            copy_row(to, pixels, count, 2)
        elif step == 4:
            copy_row(to, pixels, count, 4)
        else:
            copy_row(to, pixels, count, step)
        to += to_next
        pixels += next_row
    return 0


cdef inline int fill_columns(const real[:, :, :, ::1] x, Py_ssize_t n, Py_ssize_t c0,
                             Py_ssize_t channels, real[:, ::1] columns, Py_ssize_t at, Window *g,
                             Py_ssize_t row0, Py_ssize_t row1,
                             Py_ssize_t col0, Py_ssize_t col1) except -1 nogil:
    """columns[(c, u, v), at + (i, j)] = x[n, c0 + c, i*sh + u*dh - top, j*sw + v*dw - left] for
    the outputs i in [row0, row1) and j in [col0, col1); cells of the padding are 0.

    Where the outputs are as wide as the image and the stride is 1, the pixels of all rows that lie
    in the image are one run of memory, moved by the tap: it is copied as a whole, and the cells
    that belong to the padding on the left and right are set to 0 afterwards.
    """
    cdef Py_ssize_t c, u, v, i, j, k = 0, p, r, offset, low, high
    cdef Py_ssize_t top, bottom, start, last
    cdef Py_ssize_t height = x.shape[2], width = x.shape[3], count = col1 - col0
    cdef bint runs = g.sh == 1 and g.sw == 1 and count == width
    for c in range(c0, c0 + channels):
        for u in range(g.kh):
            # The outputs [top, bottom) have tap u in the image.
            top = first_inside(u * g.dh - g.top, g.sh, 0, row0, row1)
            bottom = first_inside(u * g.dh - g.top, g.sh, height, top, row1)
            for v in range(g.kw):
                offset = v * g.dw - g.left
                low = first_inside(offset, g.sw, 0, col0, col1)
                high = first_inside(offset, g.sw, width, low, col1)
                # A tap that meets no column of the image has no row in it either.
                start = top if low < high else bottom
                for p in range(at, at + (start - row0) * count):
                    columns[k, p] = 0
                if start < bottom:
                    r = start * g.sh + u * g.dh - g.top
                    p = at + (start - row0) * count + low - col0
                    last = at + (bottom - 1 - row0) * count + high - 1 - col0
                    # The last pixel is indexed too, so that the debug build checks both ends.
                    columns[k, last] = x[n, c, r + (bottom - 1 - start) * g.sh,
                                         (high - 1) * g.sw + offset]
                    if runs:
                        memcpy(&columns[k, p], &x[n, c, r, low + offset],
                               (last - p) * sizeof(real))
                    else:
                        copy_rows(&columns[k, p], count, &x[n, c, r, low * g.sw + offset],
                                  g.sh * width, bottom - start, high - low, g.sw)
                    if high - low < count:
                        for i in range(start - row0, bottom - row0):
                            p = at + i * count - col0
                            for j in range(p + col0, p + low):
                                columns[k, j] = 0
                            for j in range(p + high, p + col1):
                                columns[k, j] = 0
                for p in range(at + (bottom - row0) * count, at + (row1 - row0) * count):
                    columns[k, p] = 0
                k += 1
    return 0


cdef inline int add_columns(real[:, :, :, ::1] x, Py_ssize_t n, Py_ssize_t c0,
                            Py_ssize_t channels, const real[:, ::1] columns, Py_ssize_t at,
                            Window *g,
                            Py_ssize_t row0, Py_ssize_t row1,
                            Py_ssize_t col0, Py_ssize_t col1) except -1 nogil:
    """The adjoint of `fill_columns`: every entry is added to the pixel that it would be read from,
    and the entries of the padding are dropped."""
    cdef Py_ssize_t c, u, v, i, j, k = 0, p, r, offset, low, high
    cdef Py_ssize_t height = x.shape[2], width = x.shape[3]
    for c in range(c0, c0 + channels):
        for u in range(g.kh):
            for v in range(g.kw):
                offset = v * g.dw - g.left
                low = first_inside(offset, g.sw, 0, col0, col1)
                high = first_inside(offset, g.sw, width, low, col1)
                p = at - col0
                for i in range(row0, row1):
                    r = i * g.sh + u * g.dh - g.top
                    if 0 <= r < height:
                        if g.sw == 1:
                            for j in range(low, high):
                                x[n, c, r, j + offset] += columns[k, p + j]
                        else:
                            for j in range(low, high):
                                x[n, c, r, j * g.sw + offset] += columns[k, p + j]
                    p += col1 - col0
                k += 1
    return 0
