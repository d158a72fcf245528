"""Chapter 4."""

import numpy as np
from convolution import check
from windows import as_matrix, as_real, require, window_view


def sliding_windows(x, kernel, stride=(1, 1)):
    require(x.ndim == 4, f"x must be (N, C, H, W), not {x.shape}")
    return window_view(as_real(x), kernel, stride).copy()


def downsample(x, stride):
    require(x.ndim == 4, f"x must be (N, C, H, W), not {x.shape}")
    require(stride[0] >= 1 and stride[1] >= 1, f"stride must be at least 1, not {stride}")
    x = as_real(x)
    n, c, h, w = x.shape
    shape = (n, c, -(-h // stride[0]), -(-w // stride[1]))
    steps = (*x.strides[:2], x.strides[2] * stride[0], x.strides[3] * stride[1])
    return np.lib.stride_tricks.as_strided(x, shape, steps, writeable=False).copy()


def strided_conv2d(x, w, stride):
    check(x, w)
    x = as_real(x)
    view = window_view(x, w.shape[2:], stride)
    n, _, ho, wo = view.shape[:4]
    rows = as_matrix(view)
    y = rows @ w.reshape(len(w), rows.shape[1]).T.astype(x.dtype)
    return np.ascontiguousarray(np.moveaxis(y.reshape(n, ho, wo, len(w)), 3, 1))
