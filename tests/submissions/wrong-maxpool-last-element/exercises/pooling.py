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
    """One number for each window."""
    _check(x, kernel, stride, padding)
    N, C, H, W = x.shape
    HO = (H + 2 * padding[0] - kernel[0]) // stride[0] + 1
    WO = (W + 2 * padding[1] - kernel[1]) // stride[1] + 1
    y = np.zeros((N, C, HO, WO), np.float32 if x.dtype == np.float32 else np.float64)
    for i in range(HO):
        for j in range(WO):
            for r in range(i * stride[0] - padding[0], i * stride[0] - padding[0] + kernel[0]):
                for q in range(j * stride[1] - padding[1], j * stride[1] - padding[1] + kernel[1]):
                    if 0 <= r < H and 0 <= q < W:
                        y[:, :, i, j] = x[:, :, r, q]
    return y
