"""Chapter 6."""

import numpy as np
from windows import as_real, padded_view, require


def check(x, kernel, padding):
    require(x.ndim == 4, f"x must be (N, C, H, W), not {x.shape}")
    half = (kernel[0] // 2, kernel[1] // 2)
    require(
        padding[0] <= half[0] and padding[1] <= half[1],
        f"padding must be at most {half}, not {padding}",
    )


def max_pool2d(x, kernel, stride, padding=(0, 0)):
    check(x, kernel, padding)
    return padded_view(as_real(x), kernel, stride, padding, value=-np.inf).max(axis=(4, 5))


def real_cells(x, kernel, stride, padding):
    ones = np.ones((1, 1, *x.shape[2:]), dtype=as_real(x).dtype)
    return padded_view(ones, kernel, stride, padding).sum(axis=(4, 5))


def avg_pool2d(x, kernel, stride, padding=(0, 0)):
    check(x, kernel, padding)
    total = padded_view(as_real(x), kernel, stride, padding).sum(axis=(4, 5))
    return total / real_cells(x, kernel, stride, padding)


def global_avg_pool2d(x):
    require(x.ndim == 4, f"x must be (N, C, H, W), not {x.shape}")
    require(0 not in x.shape[2:], f"x has no pixels: {x.shape}")
    return np.mean(as_real(x), axis=(2, 3))
