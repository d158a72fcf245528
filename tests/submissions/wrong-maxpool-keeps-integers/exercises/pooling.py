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
    """Goes through every window and remembers the best pixel."""
    _check(x, kernel, stride, padding)
    N, C, H, W = x.shape
    HO = (H + 2 * padding[0] - kernel[0]) // stride[0] + 1
    WO = (W + 2 * padding[1] - kernel[1]) // stride[1] + 1
    y = np.zeros((N, C, HO, WO), x.dtype)      # a maximum is one of the pixels
    for n in range(N):
        for c in range(C):
            for i in range(HO):
                for j in range(WO):
                    best = -np.inf
                    for u in range(kernel[0]):
                        for v in range(kernel[1]):
                            r = i * stride[0] + u - padding[0]
                            q = j * stride[1] + v - padding[1]
                            if 0 <= r < H and 0 <= q < W and x[n, c, r, q] > best:
                                best = x[n, c, r, q]
                    y[n, c, i, j] = best
    return y
