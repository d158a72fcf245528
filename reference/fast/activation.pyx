"""ReLU, softmax and the loss. Rows are summed in float64, whatever their type."""

import numpy as np

from libc.math cimport exp, log

from reference.fast._columns cimport real


def _relu(const real[::1] x, real[::1] y):
    cdef Py_ssize_t i
    with nogil:
        for i in range(x.shape[0]):
            # Written so that NaN, for which every comparison is false, stays.
            y[i] = 0 if x[i] <= 0 else x[i]


def relu(x):
    """0 where x <= 0, else x."""
    y = np.empty_like(x)
    _relu(x.reshape(-1), y.reshape(-1))
    return y


cdef double _top(const real[:, ::1] logits, Py_ssize_t n) except? -1 nogil:
    """The largest logit of row n. What it gives beside a NaN does not matter: the sum of the
    exponentials is NaN then."""
    cdef Py_ssize_t k
    cdef double top = logits[n, 0]
    for k in range(1, logits.shape[1]):
        if logits[n, k] > top:
            top = logits[n, k]
    return top


def _softmax(const real[:, ::1] logits, real[:, ::1] y):
    cdef Py_ssize_t n, k
    cdef double top, total
    with nogil:
        for n in range(y.shape[0]):
            top = _top(logits, n)
            total = 0
            for k in range(y.shape[1]):
                total += exp(logits[n, k] - top)
            for k in range(y.shape[1]):
                y[n, k] = <real>(exp(logits[n, k] - top) / total)


def softmax(logits):
    """exp(logit - largest) over their sum: no exponent is above 0."""
    y = np.empty_like(logits)
    if y.size:
        _softmax(logits, y)
    return y


def _cross_entropy(const real[:, ::1] logits, const Py_ssize_t[::1] labels):
    cdef Py_ssize_t n, k
    cdef double top, total, loss = 0
    with nogil:
        for n in range(logits.shape[0]):
            top = _top(logits, n)
            total = 0
            for k in range(logits.shape[1]):
                total += exp(logits[n, k] - top)
            loss += log(total) + top - logits[n, labels[n]]
    return loss


def cross_entropy(logits, labels):
    """The mean of log(sum(exp(logits))) - logit of the label; an empty batch costs 0."""
    return _cross_entropy(logits, labels) / len(labels) if len(labels) else 0.0
