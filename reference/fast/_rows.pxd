# Rows of pixels, combined entry by entry: what the poolings share.
#
# Design: a pooling window is a range of rows and a range of columns, so a row of outputs is done in
# two passes over whole rows: the rows of the window together, then its columns. Each pass is a loop
# over neighbouring entries without branches, which compilers turn into vector instructions; the
# strides 1 and 2 get loops of their own by being constants where the loop is inlined.
#
# Rows of a few pixels are not worth a loop. So small planes are packed first, `lanes` at a time: a
# pixel becomes that many neighbouring entries, one of each plane, and a row so many times as long.
# The kernels see rows of `width * lanes` entries, where lanes is 1 if nothing is packed; which
# planes share a block changes no result, as no two lanes ever meet.
#
# A maximum that minds NaN takes several vector instructions (six with SSE2), one that does not
# takes one. So a plane is first searched for NaN, and the loops of the forward pass exist twice, by
# the constant `nans`; three rows, and three columns, are one loop: 1.5 times as fast together.

from reference.fast._arrays cimport LINE
from reference.fast._columns cimport Window, first_inside, real

cdef enum:
    # A pooled pixel takes at least as long as so many multiplications of a product of matrices: two
    # threads take 0.6 to 0.8 of the time of 750,000 pixels, and longer for 300,000 (measured).
    WORK = 16
    # The most pixels of a plane that is packed: 27 x 27 gain by it, 28 x 28 lose (measured).
    SMALL = 768
    # And of one whose gradients are those of a maximum, which pass over each row most often: with
    # stride 1, 28 x 28 takes 0.6 of the time in float32, and 56 x 56 loses in float64;
    SMALL_GRADIENT = 2048
    # with a larger one, where rows are read with gaps unless they are packed, 55 x 55 takes 0.55 of
    # the time, and 112 x 112 loses.
    SMALL_STRIDED = 4096

# Where a pixel lies. As wide as the pixels, so that both are selected by the same vectors; and not
# a long integer, as there are no such vectors of them on every x86-64.
ctypedef fused place:
    int
    double


cdef inline Py_ssize_t lanes_of(Py_ssize_t planes, Py_ssize_t pixels, Py_ssize_t size,
                                Py_ssize_t most=SMALL) except -1 nogil:
    """How many planes are computed side by side, so that their pixels fill a line of the cache, if
    one has `size` bytes."""
    return LINE // size if pixels <= most and planes > LINE // size // 2 else 1


cdef inline Py_ssize_t blocks_of(Py_ssize_t first, Py_ssize_t last,
                                 Py_ssize_t lanes) except -1 nogil:
    """How many blocks the planes [first, last) are; the last one may be shorter."""
    return (last - first + lanes - 1) // lanes


cdef inline int pack_lanes(const real[:, :, ::1] x, Py_ssize_t p, Py_ssize_t count,
                           real[:, :, ::1] block, Py_ssize_t lanes) except -1 nogil:
    cdef Py_ssize_t k, r, c
    for r in range(x.shape[1]):
        for c in range(x.shape[2]):
            for k in range(count):
                block[0, r, c * lanes + k] = x[p + k, r, c]
    return 0


cdef inline int pack(const real[:, :, ::1] x, Py_ssize_t p, Py_ssize_t count,
                     real[:, :, ::1] block) except -1 nogil:
    """block[0, r, (c, k)] = x[p + k, r, c] for k < count."""
    cdef Py_ssize_t lanes = LINE // sizeof(real)
    if count == lanes:
        pack_lanes(x, p, lanes, block, lanes)
    else:
        pack_lanes(x, p, count, block, lanes)
    return 0


cdef inline int unpack(const real[:, :, ::1] block, real[:, :, ::1] y, Py_ssize_t p,
                       Py_ssize_t count, Py_ssize_t lanes) except -1 nogil:
    """y[p + k, r, c] = block[0, r, (c, k)] for k < count."""
    cdef Py_ssize_t k, r, c
    for k in range(count):
        for r in range(y.shape[1]):
            for c in range(y.shape[2]):
                y[p + k, r, c] = block[0, r, c * lanes + k]
    return 0


cdef inline bint any_nan(const real[:, :, ::1] x, Py_ssize_t p) except -1 nogil:
    """Has x[p] a NaN?"""
    cdef Py_ssize_t r, c, found = 0, one = 1, none = 0
    cdef int narrow, narrow_one = 1, narrow_none = 0
    for r in range(x.shape[1]):
        if real is float:  # what is found is as wide as a pixel, for vectors
            narrow = 0
            for c in range(x.shape[2]):
                narrow |= narrow_one if x[p, r, c] != x[p, r, c] else narrow_none
            found |= narrow
        else:
            for c in range(x.shape[2]):
                found |= one if x[p, r, c] != x[p, r, c] else none
    return found != 0


cdef inline real larger(real best, real value, bint nans) noexcept nogil:
    """The larger of two; NaN wins, and stays, as no number is above it."""
    if nans:
        return value if (value > best) | (value != value) else best
    return value if value > best else best


cdef inline bint above(real value, real best) noexcept nogil:
    """Is it the new best? A tie goes to the first; the first NaN wins over all."""
    return (not value <= best) & (best == best)


cdef inline int taps_inside(Window *g, Py_ssize_t width, Py_ssize_t *tap0,
                            Py_ssize_t *tap1) except -1 nogil:
    """The columns [tap0, tap1) of the kernel that lie on a real pixel in some output: a kernel may
    be far wider than the image."""
    tap0[0] = max(g.left - (g.out_w - 1) * g.sw, 0)
    tap1[0] = min(g.left + width, g.kw)
    return 0


cdef inline int columns_inside(Window *g, Py_ssize_t v, Py_ssize_t width,
                               Py_ssize_t *low, Py_ssize_t *high) except -1 nogil:
    """The outputs [low, high) of a row whose tap v lies on a real pixel."""
    low[0] = first_inside(v - g.left, g.sw, 0, 0, g.out_w)
    high[0] = first_inside(v - g.left, g.sw, width, low[0], g.out_w)
    return 0


cdef inline int outputs_inside(Window *g, Py_ssize_t width, Py_ssize_t *low,
                               Py_ssize_t *high) except -1 nogil:
    """The outputs [low, high) of a row whose taps all lie on real pixels."""
    low[0] = first_inside(-g.left, g.sw, 0, 0, g.out_w)
    high[0] = first_inside(g.kw - 1 - g.left, g.sw, width, low[0], g.out_w)
    return 0


cdef inline int rows_inside(Window *g, Py_ssize_t i, Py_ssize_t height,
                            Py_ssize_t *row0, Py_ssize_t *row1) except -1 nogil:
    """The real rows [row0, row1) of the windows in row i of the output."""
    row0[0] = max(i * g.sh - g.top, 0)
    row1[0] = min(i * g.sh - g.top + g.kh, height)
    return 0


cdef inline int widths_inside(Window *g, Py_ssize_t width, Py_ssize_t lanes,
                              double[::1] widths) except -1 nogil:
    """How many real columns the windows of a row of outputs have, for every lane."""
    cdef Py_ssize_t j, k, pixels
    for j in range(g.out_w):
        pixels = min(j * g.sw - g.left + g.kw, width) - max(j * g.sw - g.left, 0)
        for k in range(lanes):
            widths[j * lanes + k] = pixels
    return 0
