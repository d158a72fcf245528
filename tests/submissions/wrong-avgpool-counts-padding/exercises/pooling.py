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
    """Mean of every window of the padded image."""
    _check(x, kernel, stride, padding)
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    image = np.pad(x.astype(dtype), ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel, axis=(2, 3))
    return windows[:, :, ::stride[0], ::stride[1]].mean(axis=(4, 5))
