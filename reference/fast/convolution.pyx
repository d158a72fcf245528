"""Convolution: calls of the general kernel, and im2col by itself."""

import numpy as np

from reference.fast.general import general_conv2d

from reference.fast._arrays cimport packed, unpacked
from reference.fast._columns cimport Window, fill_columns, real, window


cdef _one_channel(image, kernel, pads):
    """Cross-correlation of two matrices, as a batch of one image with one channel."""
    bias = np.zeros(1, image.dtype)
    x, w = image[None, None], kernel[None, None]
    return general_conv2d(x, w, bias, (1, 1), pads, (1, 1), 1)[0, 0]


def cross_correlate2d(image, kernel):
    """y[i, j] = sum over u, v of image[i + u, j + v] * kernel[u, v]."""
    return _one_channel(image, kernel, ((0, 0), (0, 0)))


def convolve2d(image, kernel, mode="valid"):
    """Cross-correlation with the kernel turned by 180 degrees."""
    kh, kw = kernel.shape
    # "same" is the middle of "full", from the index (K - 1) // 2 on: K // 2 zeros go before.
    if mode == "full":
        pads = ((kh - 1, kh - 1), (kw - 1, kw - 1))
    elif mode == "same":
        pads = ((kh // 2, (kh - 1) // 2), (kw // 2, (kw - 1) // 2))
    else:
        pads = ((0, 0), (0, 0))
    return _one_channel(image, np.ascontiguousarray(kernel[::-1, ::-1]), pads)


def conv2d(x, w, b, stride=(1, 1), padding=(0, 0)):
    """The general kernel without dilation and groups."""
    rows, cols = padding
    return general_conv2d(x, w, b, stride, ((rows, rows), (cols, cols)), (1, 1), 1)


def _im2col(const real[:, :, :, ::1] x, real[:, :, ::1] columns, bytes geometry):
    cdef Window g = unpacked(geometry)
    cdef Py_ssize_t n
    with nogil:
        for n in range(x.shape[0]):
            fill_columns(x, n, 0, x.shape[1], columns[n], 0, &g, 0, g.out_h, 0, g.out_w)


def im2col(x, kernel, stride=(1, 1), padding=(0, 0)):
    """Every window as a column."""
    rows, cols = padding
    cdef Window g = window(x.shape[2], x.shape[3], kernel, stride, ((rows, rows), (cols, cols)),
                           (1, 1))
    columns = np.empty((x.shape[0], x.shape[1] * g.kh * g.kw, g.out_h * g.out_w), x.dtype)
    if columns.size:
        _im2col(x, columns, packed(&g))
    return columns


def conv2d_im2col(x, w, b, stride=(1, 1), padding=(0, 0)):
    """The general kernel is im2col and a product of matrices."""
    return conv2d(x, w, b, stride, padding)


def grouped_conv2d(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """The general kernel with equal padding on both sides."""
    rows, cols = padding
    return general_conv2d(x, w, b, stride, ((rows, rows), (cols, cols)), dilation, groups)
