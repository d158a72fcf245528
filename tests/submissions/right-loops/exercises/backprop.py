"""Exercise 7: backpropagation. Every loop is the forward loop, read from right to left."""

import numpy as np
from activation import softmax
from padding import check_axes, float_type, output_size
from pooling import pool_sizes, real_pixels


def check_same_shape(dy, shape):
    if dy.shape != tuple(shape):
        raise ValueError(f"dy must have shape {tuple(shape)}, got {dy.shape}")


def relu_backward(dy, x):
    check_same_shape(dy, x.shape)
    dx = np.zeros(x.shape, dtype=float_type(dy))
    for index in np.ndindex(*x.shape):
        if x[index] > 0:
            dx[index] = dy[index]
    return dx


def dense_backward(dy, x, w):
    check_axes(dy, 2, "dy")
    check_axes(x, 2, "x")
    check_axes(w, 2, "w")
    N, D = x.shape
    M = w.shape[1]
    if w.shape[0] != D:
        raise ValueError(f"w must have {D} rows, got shape {w.shape}")
    check_same_shape(dy, (N, M))
    kind = float_type(dy)
    dy = dy.astype(kind)
    dx = np.zeros((N, D), dtype=kind)
    dw = np.zeros((D, M), dtype=kind)
    db = np.zeros(M, dtype=kind)
    for n in range(N):
        for m in range(M):
            g = dy[n, m]
            db[m] += g
            for d in range(D):
                dx[n, d] += g * w[d, m]
                dw[d, m] += g * x[n, d]
    return dx, dw, db


def cross_entropy_backward(logits, labels):
    N, K = logits.shape if logits.ndim == 2 else (-1, -1)
    if N < 0 or labels.shape != (N,):
        raise ValueError(f"logits {logits.shape} and labels {labels.shape} do not belong together")
    grad = softmax(logits)
    for n in range(N):
        label = int(labels[n])
        if label < 0 or label >= K:
            raise ValueError(f"label {label} is not one of {K} classes")
        grad[n, label] -= 1
        for k in range(K):
            grad[n, k] /= N
    return grad


def max_pool2d_backward(dy, x, kernel, stride, padding=(0, 0)):
    HO, WO = pool_sizes(x, kernel, stride, padding)
    N, C, H, W = x.shape
    check_same_shape(dy, (N, C, HO, WO))
    dx = np.zeros(x.shape, dtype=float_type(dy))
    for n in range(N):
        for c in range(C):
            for i in range(HO):
                for j in range(WO):
                    winner = None
                    for h in real_pixels(i, kernel[0], stride[0], padding[0], H):
                        for w in real_pixels(j, kernel[1], stride[1], padding[1], W):
                            # strictly larger: the first of equal maxima stays the winner
                            if winner is None or x[n, c, h, w] > x[n, c, winner[0], winner[1]]:
                                winner = (h, w)
                    dx[n, c, winner[0], winner[1]] += dy[n, c, i, j]
    return dx


def avg_pool2d_backward(dy, x, kernel, stride, padding=(0, 0)):
    HO, WO = pool_sizes(x, kernel, stride, padding)
    N, C, H, W = x.shape
    check_same_shape(dy, (N, C, HO, WO))
    dx = np.zeros(x.shape, dtype=float_type(dy))
    for n in range(N):
        for c in range(C):
            for i in range(HO):
                rows = real_pixels(i, kernel[0], stride[0], padding[0], H)
                for j in range(WO):
                    columns = real_pixels(j, kernel[1], stride[1], padding[1], W)
                    share = float(dy[n, c, i, j]) / (len(rows) * len(columns))
                    for h in rows:
                        for w in columns:
                            dx[n, c, h, w] += share
    return dx


def conv2d_backward(dy, x, w, stride=(1, 1), padding=(0, 0)):
    check_axes(dy, 4, "dy")
    check_axes(x, 4, "x")
    check_axes(w, 4, "w")
    N, C, H, W = x.shape
    F, CW, KH, KW = w.shape
    if CW != C:
        raise ValueError(f"w has {CW} channels but x has {C}")
    sh, sw = stride
    ph, pw = padding
    HO = output_size(H, KH, sh, (ph, ph))
    WO = output_size(W, KW, sw, (pw, pw))
    check_same_shape(dy, (N, F, HO, WO))
    kind = float_type(dy)
    dy = dy.astype(kind)
    dx = np.zeros(x.shape, dtype=kind)
    dw = np.zeros(w.shape, dtype=kind)
    db = np.zeros(F, dtype=kind)
    for n in range(N):
        for f in range(F):
            for i in range(HO):
                for j in range(WO):
                    g = dy[n, f, i, j]
                    db[f] += g
                    for u in range(KH):
                        h = i * sh + u - ph
                        if h < 0 or h >= H:
                            continue  # a padding row: a constant, nothing to learn
                        for v in range(KW):
                            q = j * sw + v - pw
                            if q < 0 or q >= W:
                                continue
                            for c in range(C):
                                dx[n, c, h, q] += g * w[f, c, u, v]
                                dw[f, c, u, v] += g * x[n, c, h, q]
    return dx, dw, db


def col2im(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
    check_axes(columns, 3, "columns")
    if len(shape) != 4:
        raise ValueError(f"shape must be (N, C, H, W), got {shape}")
    N, C, H, W = shape
    KH, KW = kernel
    sh, sw = stride
    ph, pw = padding
    HO = output_size(H, KH, sh, (ph, ph))
    WO = output_size(W, KW, sw, (pw, pw))
    if columns.shape != (N, C * KH * KW, HO * WO):
        raise ValueError(f"columns of shape {columns.shape} do not come from an image of {shape}")
    x = np.zeros((N, C, H, W), dtype=float_type(columns))
    for n in range(N):
        for c in range(C):
            for u in range(KH):
                for v in range(KW):
                    for i in range(HO):
                        for j in range(WO):
                            h = i * sh + u - ph
                            w = j * sw + v - pw
                            if 0 <= h < H and 0 <= w < W:
                                row = (c * KH + u) * KW + v
                                x[n, c, h, w] += columns[n, row, i * WO + j]
    return x
