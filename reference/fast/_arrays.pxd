# A call of a kernel, made small: arrays, types and geometry without Python's own detours.
#
# Design: the property tests call operations on images of a few pixels, where nothing counts but the
# steps on the way to the loops. Of a small average pool that took 2.7 us the loops were 0.2 us. So
# the convolutions and poolings, with 1.4 us for that pool:
#
# - make and shape arrays through NumPy's C interface (from Python, np.empty takes 0.12 us and
#   reshape 0.09 us);
# - let `by_type` find a kernel's two variants once, when the module is loaded: at every call,
#   Cython would look for the one that fits the arrays (0.18 us);
# - read the geometry from Python's pairs once, and hand it on as bytes (`packed`).

cimport numpy as cnp

from libc.string cimport memcpy

from reference.fast._columns cimport Window

cdef enum:
    INT = cnp.NPY_INT
    FLOAT = cnp.NPY_FLOAT
    DOUBLE = cnp.NPY_DOUBLE
    LINE = 64  # bytes of a line of the cache


cdef inline tuple by_type(kernel):
    """The variants of a kernel for float and for double pixels."""
    return kernel["float"], kernel["double"]


cdef inline bint is_double(cnp.ndarray x) noexcept:
    """Which of the two variants is for x: the index in the tuple of `by_type`."""
    return cnp.PyArray_TYPE(x) == DOUBLE


cdef inline int floating(Py_ssize_t size) noexcept:
    """The type of scratch arrays for pixels of `size` bytes."""
    return FLOAT if size == sizeof(float) else DOUBLE


cdef inline empty(int axes, cnp.npy_intp *sides, int kind):
    return cnp.PyArray_EMPTY(axes, sides, kind, 0)


cdef inline zeros(int axes, cnp.npy_intp *sides, int kind):
    return cnp.PyArray_ZEROS(axes, sides, kind, 0)


cdef inline shaped(cnp.ndarray x, int axes, cnp.npy_intp *sides):
    """x.reshape(sides): the same memory, as all arrays here are contiguous."""
    cdef cnp.PyArray_Dims dims
    dims.ptr, dims.len = sides, axes
    return cnp.PyArray_Newshape(x, &dims, cnp.NPY_CORDER)


cdef inline in_lines(cnp.npy_intp rows, cnp.npy_intp cols, cnp.npy_intp size):
    """A scratch matrix for pixels of `size` bytes, whose rows begin with a line of the cache: with
    vectors that lie in two lines a product takes up to a fifth longer. They are an odd number of
    lines apart: with a power of two, the rows of a tile would drive each other out of the few sets
    of lines that they fall into (a quarter of the time). Short rows are left as they are."""
    cdef cnp.npy_intp line = LINE // size
    cdef cnp.npy_intp[2] sides = [rows, cols]
    if cols >= 8 * line:
        sides[1] = ((cols + line - 1) // line | 1) * line
    cdef cnp.ndarray memory = empty(1, [sides[0] * sides[1] + line], floating(size))
    cdef size_t first = (<size_t>cnp.PyArray_DATA(memory) + LINE - 1) // LINE * LINE
    cdef cnp.ndarray matrix = cnp.PyArray_SimpleNewFromData(2, sides, floating(size), <void *>first)
    cnp.set_array_base(matrix, memory)
    return matrix


cdef inline bytes packed(Window *g):
    return (<char *>g)[:sizeof(Window)]


cdef inline Window unpacked(bytes geometry):
    cdef Window g
    memcpy(&g, <char *>geometry, sizeof(Window))
    return g
