"""Sizes of outputs, and zeros around an image."""

import numpy as np

from reference.fast._columns cimport real


def output_size(size, kernel, stride=1, padding=(0, 0), dilation=1):
    """Positions where the dilated kernel lies inside the padded axis."""
    before, after = padding
    return (size + before + after - dilation * (kernel - 1) - 1) // stride + 1


def same_padding(size, kernel, stride=1):
    """The zeros that ceil(size / stride) outputs need; an odd one goes after."""
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _zero_pad2d(const real[:, :, ::1] x, real[:, :, ::1] y, Py_ssize_t top, Py_ssize_t left):
    cdef Py_ssize_t p, i, j
    with nogil:
        for p in range(x.shape[0]):
            for i in range(x.shape[1]):
                for j in range(x.shape[2]):
                    y[p, top + i, left + j] = x[p, i, j]


def zero_pad2d(x, padding):
    """A block of zeros with x inside."""
    (top, bottom), (left, right) = padding
    n, c, h, w = x.shape
    y = np.zeros((n, c, top + h + bottom, left + w + right), x.dtype)
    if x.size:
        _zero_pad2d(x.reshape(n * c, h, w), y.reshape(n * c, top + h + bottom, left + w + right),
                    top, left)
    return y
