# The product of matrices in C order, through the BLAS that SciPy ships.

from scipy.linalg.cython_blas cimport dgemm, sgemm

from reference.fast._columns cimport real


# OpenBLAS copies the matrices of a product before it multiplies them, except where all three sides
# together stay below a million multiplications (its "small matrix" kernels, on processors with
# AVX-512). There it is faster by a tenth to a half, and twice as fast with few filters. So large
# products are cut into such tiles, which lie in the first two levels of cache; where OpenBLAS has
# no such kernels, they cost one twentieth.
#
# Within a tile those kernels work through a panel of columns, four filters at a time, and read and
# write c once. So tiles are a few panels wide, for the rest of one is slower, and as deep as that
# leaves room for.
cdef enum:
    SMALL = 1000000
    TILE_M = 128
    TILE_K = 120
    # Of a transposed matrix, every step into the depth is a row further on, often another page.
    TILE_K_TRANSPOSED = 72
    PANEL = 256  # bytes


cdef inline Py_ssize_t part_of(Py_ssize_t whole, Py_ssize_t most) noexcept nogil:
    """The size of equal parts, none larger than `most`."""
    cdef Py_ssize_t parts = (whole + most - 1) // most
    return (whole + parts - 1) // parts


cdef inline int tiles(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const real *a, Py_ssize_t lda,
                      bint a_transposed, const real *b, Py_ssize_t ldb, real beta, real *c,
                      Py_ssize_t ldc) noexcept nogil:
    """`gemm` in tiles."""
    cdef Py_ssize_t tile_m = part_of(m, TILE_M), panel = PANEL // sizeof(real)
    cdef Py_ssize_t tile_k = part_of(k, TILE_K_TRANSPOSED if a_transposed else TILE_K)
    cdef Py_ssize_t most = max(panel, SMALL // (tile_m * tile_k) // panel * panel)
    cdef Py_ssize_t tile_n = (part_of(n, most) + panel - 1) // panel * panel
    cdef Py_ssize_t i, j, l
    for l in range((k + tile_k - 1) // tile_k):
        for j in range((n + tile_n - 1) // tile_n):
            for i in range((m + tile_m - 1) // tile_m):
                gemm(a_transposed, False, min(tile_m, m - i * tile_m), min(tile_n, n - j * tile_n),
                     min(tile_k, k - l * tile_k),
                     a + (l * tile_k * lda + i * tile_m if a_transposed
                          else i * tile_m * lda + l * tile_k), lda,
                     b + l * tile_k * ldb + j * tile_n, ldb,
                     beta if l == 0 else 1, c + i * tile_m * ldc + j * tile_n, ldc)
    return 0


cdef inline int gemm(bint a_transposed, bint b_transposed, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
                     const real *a, Py_ssize_t lda, const real *b, Py_ssize_t ldb,
                     real beta, real *c, Py_ssize_t ldc) noexcept nogil:
    """c = op(a) @ op(b) + beta * c with c (m, n), op(a) (m, k), op(b) (k, n), all in C order; the
    leading dimensions are the distances between rows as they lie in memory.

    BLAS thinks in Fortran order, where each of these matrices is its own transpose: so it is asked
    for c.T = op(b).T @ op(a).T. The counts fit an int: ops.py refuses larger ones.
    """
    cdef int m_ = <int>m, n_ = <int>n, k_ = <int>k
    cdef int lda_ = <int>lda, ldb_ = <int>ldb, ldc_ = <int>ldc
    cdef real one = 1
    cdef char *op_a = b"T" if a_transposed else b"N"
    cdef char *op_b = b"T" if b_transposed else b"N"
    # BLAS wants leading dimensions of at least 1, also of matrices without columns.
    lda_ = lda_ if lda_ > 1 else 1
    ldb_ = ldb_ if ldb_ > 1 else 1
    ldc_ = ldc_ if ldc_ > 1 else 1
    if real is float:
        sgemm(op_b, op_a, &n_, &m_, &k_, &one, <float *>b, &ldb_, <float *>a, &lda_, &beta, c,
              &ldc_)
    else:
        dgemm(op_b, op_a, &n_, &m_, &k_, &one, <double *>b, &ldb_, <double *>a, &lda_, &beta, c,
              &ldc_)
    return 0
