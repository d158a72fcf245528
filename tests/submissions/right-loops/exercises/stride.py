"""Exercise 4: stride."""

import numpy as np
from padding import check_axes, float_type, output_size


def sliding_windows(x, kernel, stride=(1, 1)):
    check_axes(x, 4, "x")
    N, C, H, W = x.shape
    KH, KW = kernel
    sh, sw = stride
    HO = output_size(H, KH, sh)
    WO = output_size(W, KW, sw)
    windows = np.zeros((N, C, HO, WO, KH, KW), dtype=float_type(x))
    for n in range(N):
        for c in range(C):
            for i in range(HO):
                for j in range(WO):
                    for u in range(KH):
                        for v in range(KW):
                            windows[n, c, i, j, u, v] = x[n, c, i * sh + u, j * sw + v]
    return windows


def downsample(x, stride):
    check_axes(x, 4, "x")
    sh, sw = stride
    if sh < 1 or sw < 1:
        raise ValueError(f"stride must be at least 1, got {stride}")
    N, C, H, W = x.shape
    rows = range(0, H, sh)
    columns = range(0, W, sw)
    out = np.zeros((N, C, len(rows), len(columns)), dtype=float_type(x))
    for n in range(N):
        for c in range(C):
            for i, row in enumerate(rows):
                for j, column in enumerate(columns):
                    out[n, c, i, j] = x[n, c, row, column]
    return out


def strided_conv2d(x, w, stride):
    check_axes(x, 4, "x")
    check_axes(w, 4, "w")
    N, C, H, W = x.shape
    F, CW, KH, KW = w.shape
    if CW != C:
        raise ValueError(f"w has {CW} channels but x has {C}")
    sh, sw = stride
    HO = output_size(H, KH, sh)
    WO = output_size(W, KW, sw)
    x = x.astype(float_type(x))
    out = np.zeros((N, F, HO, WO), dtype=x.dtype)
    for n in range(N):
        for f in range(F):
            for i in range(HO):
                for j in range(WO):
                    total = 0.0
                    for c in range(C):
                        for u in range(KH):
                            for v in range(KW):
                                total += x[n, c, i * sh + u, j * sw + v] * w[f, c, u, v]
                    out[n, f, i, j] = total
    return out
