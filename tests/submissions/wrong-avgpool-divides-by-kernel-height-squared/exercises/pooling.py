import numpy as np


def _check(x, kernel, stride, padding):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W); got shape {x.shape}")
    for axis in (0, 1):
        if kernel[axis] < 1:
            raise ValueError(f"kernel must be at least 1; got {kernel}")
        if stride[axis] < 1:
            raise ValueError(f"stride must be at least 1; got {stride}")
        if not 0 <= padding[axis] <= kernel[axis] // 2:
            raise ValueError(f"padding must lie in 0 to kernel // 2; got {padding}")
        if kernel[axis] > x.shape[2 + axis] + 2 * padding[axis]:
            raise ValueError(f"kernel {kernel} is larger than the padded image")


def avg_pool2d(x, kernel, stride, padding=(0, 0)):
    """Mean of the real pixels of every window."""
    _check(x, kernel, stride, padding)
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    N, C, H, W = x.shape
    HO = (H + 2 * ph - kh) // sh + 1
    WO = (W + 2 * pw - kw) // sw + 1
    y = np.zeros((N, C, HO, WO), np.float32 if x.dtype == np.float32 else np.float64)
    for i in range(HO):
        for j in range(WO):
            top, left = i * sh - ph, j * sw - pw
            rows = min(top + kh, H) - max(top, 0)
            window = x[:, :, max(top, 0):top + kh, max(left, 0):left + kw]
            count = rows ** 2
            y[:, :, i, j] = window.sum(axis=(2, 3), dtype=y.dtype) / count
    return y
