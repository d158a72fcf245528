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


def max_pool2d(x, kernel, stride, padding=(0, 0)):
    """Pooling divides the size by the stride."""
    _check(x, kernel, stride, padding)
    N, C, H, W = x.shape
    HO, WO = H // stride[0], W // stride[1]
    y = np.zeros((N, C, HO, WO), np.float32 if x.dtype == np.float32 else np.float64)
    for i in range(HO):
        for j in range(WO):
            top, left = i * stride[0] - padding[0], j * stride[1] - padding[1]
            bottom, right = top + kernel[0], left + kernel[1]
            window = x[:, :, max(top, 0):bottom, max(left, 0):right]
            y[:, :, i, j] = window.max(axis=(2, 3))
    return y
