# Rows of pixels, combined entry by entry: what the poolings share.
#
# Design: a pooling window is a range of rows and a range of columns, so a row of outputs is done in
# two passes over whole rows: the rows of the window together, then its columns. Each pass is a loop
# over neighbouring entries without branches, which compilers turn into vector instructions; the
# strides 1 and 2 get loops of their own by being constants where the loop is inlined.

from reference.fast._columns cimport Window, first_inside, real

# A pooled pixel takes about as long as so many multiplications of a product of matrices.
cdef enum:
    WORK = 8


cdef inline real larger(real best, real value) noexcept nogil:
    """The larger of two; NaN wins, and stays, as no number is above it."""
    return value if (value > best) | (value != value) else best


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


cdef inline int rows_inside(Window *g, Py_ssize_t i, Py_ssize_t height,
                            Py_ssize_t *row0, Py_ssize_t *row1) except -1 nogil:
    """The real rows [row0, row1) of the windows in row i of the output."""
    row0[0] = max(i * g.sh - g.top, 0)
    row1[0] = min(i * g.sh - g.top + g.kh, height)
    return 0


cdef inline Py_ssize_t width_inside(Window *g, Py_ssize_t j, Py_ssize_t width) except -1 nogil:
    """How many real columns the windows in column j of the output have."""
    return min(j * g.sw - g.left + g.kw, width) - max(j * g.sw - g.left, 0)
