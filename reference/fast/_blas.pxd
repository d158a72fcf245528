# The product of matrices in C order, through the BLAS that SciPy ships.

from scipy.linalg.cython_blas cimport dgemm, sgemm

from reference.fast._columns cimport real


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
