"""Convolutions and poolings as small as those of a test, in one step.

Most calls of a property test are about a few pixels. An average pool of 2 x 3 planes of 6 x 7
pixels took 5 us: half of it went to checks in Python, nearly all the rest to what large images need
(views, scratch arrays, ranges of tasks). Here it takes 0.6 us, from the arguments as the caller
gave them, by the formula itself: one output after the other, with sums in float64.

A call is done where there is nothing to refuse, nothing to convert and little to compute: the
arrays are NumPy's own, of one type and contiguous, the geometry is tuples of whole numbers, and all
fits. For anything else these functions return None, and ops.py goes on as if they had not been
called. So no refusal is worded here, and a condition that is too strict costs time alone.

The loops use pointers: a view takes longer than most of these calls. The debug build, which checks
indices, does not see them; the sanitizers do (`make sanitize`).
"""

cimport numpy as cnp
from cpython.long cimport PyLong_AsLongAndOverflow, PyLong_CheckExact
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.string cimport memset

from reference.fast._arrays cimport DOUBLE, FLOAT, empty
from reference.fast._columns cimport Window, real

cnp.import_array()

cdef enum:
    # The largest number in a geometry, so that no product of a few of them is too large.
    SIDE = 64
    # The most entries of an array, and the most multiplications, or pixels looked at: with more the
    # other way is as fast (measured).
    MOST = 4096


cdef inline int type_of(value, int axes) noexcept:
    """The type of an array that kernels can read as it is; 0 for any other value."""
    if not cnp.PyArray_CheckExact(value):
        return 0
    cdef cnp.ndarray x = <cnp.ndarray>value
    cdef int kind = cnp.PyArray_TYPE(x)
    if kind != DOUBLE and kind != FLOAT:
        return 0
    return kind if cnp.PyArray_NDIM(x) == axes and cnp.PyArray_ISCARRAY_RO(x) else 0


cdef inline bint number(value, Py_ssize_t least, Py_ssize_t *result) noexcept:
    """Whether it is an int from `least` to SIDE."""
    cdef int overflow = 0
    if not PyLong_CheckExact(value):
        return False
    result[0] = PyLong_AsLongAndOverflow(value, &overflow)  # -1 for what is too large
    return least <= result[0] <= SIDE


cdef inline bint pair(value, Py_ssize_t least, Py_ssize_t *rows, Py_ssize_t *cols) noexcept:
    """Whether it is a tuple of two such numbers."""
    if not PyTuple_CheckExact(value) or PyTuple_GET_SIZE(value) != 2:
        return False
    return (number(<object>PyTuple_GET_ITEM(value, 0), least, rows)
            and number(<object>PyTuple_GET_ITEM(value, 1), least, cols))


cdef inline bint fits(Window *g, Py_ssize_t h, Py_ssize_t w) noexcept:
    """Whether the kernel lies in the padded image; then g gets the outputs."""
    cdef Py_ssize_t down = h + 2 * g.top - g.kh, across = w + 2 * g.left - g.kw
    if down < 0 or across < 0:
        return False
    g.out_h, g.out_w = down // g.sh + 1, across // g.sw + 1
    return True


cdef inline void correlate(const real *x, const real *w, const real *b, real *y, Py_ssize_t images,
                           Py_ssize_t channels, Py_ssize_t height, Py_ssize_t width,
                           Py_ssize_t filters, Window *g) noexcept nogil:
    """The padding is there as zeros: an infinite weight times one of them is NaN."""
    cdef real[MOST] padded
    cdef Py_ssize_t across = width + 2 * g.left, plane = (height + 2 * g.top) * across
    cdef Py_ssize_t n, o, i, j, c, u, v, r
    cdef const real *weights
    cdef const real *pixels
    cdef double total
    memset(padded, 0, channels * plane * sizeof(real))
    for n in range(images):
        for c in range(channels):
            for r in range(height):
                for j in range(width):
                    padded[c * plane + (r + g.top) * across + g.left + j] = x[j]
                x += width
        for o in range(filters):
            for i in range(g.out_h):
                for j in range(g.out_w):
                    total = b[o]
                    weights = w + o * channels * g.kh * g.kw
                    for c in range(channels):
                        pixels = padded + c * plane + i * g.sh * across + j * g.sw
                        for u in range(g.kh):
                            for v in range(g.kw):
                                total += <double>weights[v] * pixels[v]
                            weights += g.kw
                            pixels += across
                    y[0] = <real>total
                    y += 1


def conv2d(x, w, b, stride, padding):
    """`reference.ops.conv2d`, or None."""
    cdef int kind = type_of(x, 4)
    cdef Window g
    if not (kind and type_of(w, 4) == kind and type_of(b, 1) == kind
            and pair(stride, 1, &g.sh, &g.sw) and pair(padding, 0, &g.top, &g.left)):
        return None
    cdef cnp.npy_intp *image = cnp.PyArray_DIMS(x)
    cdef cnp.npy_intp *filters = cnp.PyArray_DIMS(w)
    g.kh, g.kw = filters[2], filters[3]
    if not (image[1] == filters[1] and cnp.PyArray_DIM(b, 0) == filters[0]
            and 0 < cnp.PyArray_SIZE(x) <= MOST and 0 < cnp.PyArray_SIZE(w) <= MOST
            and fits(&g, image[2], image[3])):
        return None
    if (image[0] * g.out_h * g.out_w * cnp.PyArray_SIZE(w) > MOST
            or image[1] * (image[2] + 2 * g.top) * (image[3] + 2 * g.left) > MOST):
        return None
    y = empty(4, [image[0], filters[0], g.out_h, g.out_w], kind)
    if kind == DOUBLE:
        correlate(<double *>cnp.PyArray_DATA(x), <double *>cnp.PyArray_DATA(w),
                  <double *>cnp.PyArray_DATA(b), <double *>cnp.PyArray_DATA(y), image[0], image[1],
                  image[2], image[3], filters[0], &g)
    else:
        correlate(<float *>cnp.PyArray_DATA(x), <float *>cnp.PyArray_DATA(w),
                  <float *>cnp.PyArray_DATA(b), <float *>cnp.PyArray_DATA(y), image[0], image[1],
                  image[2], image[3], filters[0], &g)
    return y


cdef inline real largest(const real *x, Py_ssize_t width, Py_ssize_t row0, Py_ssize_t row1,
                         Py_ssize_t col0, Py_ssize_t col1) noexcept nogil:
    """NaN wins, and stays, as no number is above it."""
    cdef Py_ssize_t r, c
    cdef real best = x[row0 * width + col0], value
    for r in range(row0, row1):
        for c in range(col0, col1):
            value = x[r * width + c]
            if value > best or value != value:
                best = value
    return best


cdef inline real mean(const real *x, Py_ssize_t width, Py_ssize_t row0, Py_ssize_t row1,
                      Py_ssize_t col0, Py_ssize_t col1) noexcept nogil:
    cdef Py_ssize_t r, c
    cdef double total = 0
    for r in range(row0, row1):
        for c in range(col0, col1):
            total += x[r * width + c]
    return <real>(total / ((row1 - row0) * (col1 - col0)))


cdef inline void pool(const real *x, real *y, Py_ssize_t planes, Py_ssize_t height,
                      Py_ssize_t width, Window *g, bint means) noexcept nogil:
    """Each window is cut to the image."""
    cdef Py_ssize_t p, i, j, row0, row1, col0, col1
    for p in range(planes):
        for i in range(g.out_h):
            row0 = max(i * g.sh - g.top, 0)
            row1 = min(i * g.sh - g.top + g.kh, height)
            for j in range(g.out_w):
                col0 = max(j * g.sw - g.left, 0)
                col1 = min(j * g.sw - g.left + g.kw, width)
                if means:
                    y[0] = mean(x, width, row0, row1, col0, col1)
                else:
                    y[0] = largest(x, width, row0, row1, col0, col1)
                y += 1
        x += height * width


cdef inline pooled(x, kernel, stride, padding, bint means):
    cdef int kind = type_of(x, 4)
    cdef Window g
    if not (kind and pair(kernel, 1, &g.kh, &g.kw) and pair(stride, 1, &g.sh, &g.sw)
            and pair(padding, 0, &g.top, &g.left)):
        return None
    cdef cnp.npy_intp *image = cnp.PyArray_DIMS(x)
    cdef Py_ssize_t planes = image[0] * image[1]
    if not (g.top <= g.kh // 2 and g.left <= g.kw // 2 and 0 < cnp.PyArray_SIZE(x) <= MOST
            and fits(&g, image[2], image[3])
            and planes * g.out_h * g.out_w * g.kh * g.kw <= MOST):
        return None
    y = empty(4, [image[0], image[1], g.out_h, g.out_w], kind)
    if kind == DOUBLE:
        pool(<double *>cnp.PyArray_DATA(x), <double *>cnp.PyArray_DATA(y), planes, image[2],
             image[3], &g, means)
    else:
        pool(<float *>cnp.PyArray_DATA(x), <float *>cnp.PyArray_DATA(y), planes, image[2],
             image[3], &g, means)
    return y


def max_pool2d(x, kernel, stride, padding):
    """`reference.ops.max_pool2d`, or None."""
    return pooled(x, kernel, stride, padding, False)


def avg_pool2d(x, kernel, stride, padding):
    """`reference.ops.avg_pool2d`, or None."""
    return pooled(x, kernel, stride, padding, True)
