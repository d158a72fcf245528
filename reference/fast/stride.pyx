"""Windows, every stride-th pixel, and convolution that computes only what is kept."""

import numpy as np

from reference.fast.general import general_conv2d

from reference.fast._columns cimport Window, real, window


def _sliding_windows(const real[:, :, ::1] x, real[:, :, :, :, ::1] y,
                     Py_ssize_t sh, Py_ssize_t sw):
    cdef Py_ssize_t p, i, j, u, v
    with nogil:
        for p in range(y.shape[0]):
            for i in range(y.shape[1]):
                for j in range(y.shape[2]):
                    for u in range(y.shape[3]):
                        for v in range(y.shape[4]):
                            y[p, i, j, u, v] = x[p, i * sh + u, j * sw + v]


def sliding_windows(x, kernel, stride=(1, 1)):
    """Window (i, j) starts at the pixel (i * rows, j * columns)."""
    cdef Window g = window(x.shape[2], x.shape[3], kernel, stride, ((0, 0), (0, 0)), (1, 1))
    n, c, h, w = x.shape
    y = np.empty((n, c, g.out_h, g.out_w, g.kh, g.kw), x.dtype)
    _sliding_windows(x.reshape(n * c, h, w), y.reshape(n * c, g.out_h, g.out_w, g.kh, g.kw),
                     g.sh, g.sw)
    return y


def _downsample(const real[:, :, ::1] x, real[:, :, ::1] y, Py_ssize_t sh, Py_ssize_t sw):
    cdef Py_ssize_t p, i, j
    with nogil:
        for p in range(y.shape[0]):
            for i in range(y.shape[1]):
                for j in range(y.shape[2]):
                    y[p, i, j] = x[p, i * sh, j * sw]


def downsample(x, stride):
    """Pixel (i, j) is the pixel (i * rows, j * columns)."""
    sh, sw = stride
    n, c, h, w = x.shape
    rows, cols = -(-h // sh), -(-w // sw)
    y = np.empty((n, c, rows, cols), x.dtype)
    if y.size:
        _downsample(x.reshape(n * c, h, w), y.reshape(n * c, rows, cols), sh, sw)
    return y


def strided_conv2d(x, w, stride):
    """The general kernel without bias and padding."""
    bias = np.zeros(w.shape[0], x.dtype)
    return general_conv2d(x, w, bias, stride, ((0, 0), (0, 0)), (1, 1), 1)
