"""Exercise 10: my layers run a Keras model."""

import numpy as np
from activation import relu
from convolution import conv2d_im2col
from padding import check_axes, float_type
from pooling import max_pool2d


def kernel_from_keras(kernel):
    check_axes(kernel, 4, "kernel")
    KH, KW, C, F = kernel.shape
    out = np.zeros((F, C, KH, KW), dtype=float_type(kernel))
    for f in range(F):
        for c in range(C):
            for u in range(KH):
                for v in range(KW):
                    out[f, c, u, v] = kernel[u, v, c, f]
    return out


def images_from_keras(images):
    check_axes(images, 4, "images")
    N, H, W, C = images.shape
    out = np.zeros((N, C, H, W), dtype=float_type(images))
    for c in range(C):
        out[:, c, :, :] = images[:, :, :, c]
    return out


def predict(weights, images):
    if len(weights) != 6:
        raise ValueError(f"weights must be six arrays, got {len(weights)}")
    kernel1, bias1, kernel2, bias2, dense, bias3 = weights
    x = images_from_keras(images)
    for kernel, bias in ((kernel1, bias1), (kernel2, bias2)):
        x = conv2d_im2col(x, kernel_from_keras(kernel), bias, (1, 1), (1, 1))
        x = max_pool2d(relu(x), (2, 2), (2, 2))
    N, C, H, W = x.shape
    # Keras flattens row by row, and all the channels of one pixel lie side by side
    flat = np.zeros((N, H * W * C), dtype=x.dtype)
    for i in range(H):
        for j in range(W):
            for c in range(C):
                flat[:, (i * W + j) * C + c] = x[:, c, i, j]
    if dense.shape[0] != flat.shape[1] or bias3.shape != (dense.shape[1],):
        raise ValueError(f"dense weights {dense.shape}, {bias3.shape} do not fit {flat.shape}")
    return flat @ dense.astype(x.dtype) + bias3.astype(x.dtype)
