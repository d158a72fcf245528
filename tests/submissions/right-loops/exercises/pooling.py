"""Exercise 6: pooling. The loops never step on a padding cell, so nothing is padded."""

import numpy as np
from padding import check_axes, float_type, output_size


def pool_sizes(x, kernel, stride, padding):
    check_axes(x, 4, "x")
    for k, p in zip(kernel, padding):
        if p > k // 2:
            raise ValueError(f"padding {padding} is more than half of the kernel {kernel}")
    ph, pw = padding
    HO = output_size(x.shape[2], kernel[0], stride[0], (ph, ph))
    WO = output_size(x.shape[3], kernel[1], stride[1], (pw, pw))
    return HO, WO


def real_pixels(place, kernel, stride, padding, size):
    """The pixels of the image under window number `place`, along one axis."""
    start = place * stride - padding
    return range(max(start, 0), min(start + kernel, size))


def max_pool2d(x, kernel, stride, padding=(0, 0)):
    HO, WO = pool_sizes(x, kernel, stride, padding)
    N, C, H, W = x.shape
    out = np.zeros((N, C, HO, WO), dtype=float_type(x))
    for n in range(N):
        for c in range(C):
            for i in range(HO):
                for j in range(WO):
                    best = -np.inf
                    for h in real_pixels(i, kernel[0], stride[0], padding[0], H):
                        for w in real_pixels(j, kernel[1], stride[1], padding[1], W):
                            if x[n, c, h, w] > best:
                                best = x[n, c, h, w]
                    out[n, c, i, j] = best
    return out


def avg_pool2d(x, kernel, stride, padding=(0, 0)):
    HO, WO = pool_sizes(x, kernel, stride, padding)
    N, C, H, W = x.shape
    out = np.zeros((N, C, HO, WO), dtype=float_type(x))
    for n in range(N):
        for c in range(C):
            for i in range(HO):
                for j in range(WO):
                    total = 0.0
                    count = 0
                    for h in real_pixels(i, kernel[0], stride[0], padding[0], H):
                        for w in real_pixels(j, kernel[1], stride[1], padding[1], W):
                            total += float(x[n, c, h, w])
                            count += 1
                    out[n, c, i, j] = total / count
    return out


def global_avg_pool2d(x):
    check_axes(x, 4, "x")
    N, C, H, W = x.shape
    if H == 0 or W == 0:
        raise ValueError(f"x has no pixels, its shape is {x.shape}")
    out = np.zeros((N, C), dtype=float_type(x))
    for n in range(N):
        for c in range(C):
            total = 0.0
            for h in range(H):
                for w in range(W):
                    total += float(x[n, c, h, w])
            out[n, c] = total / (H * W)
    return out
