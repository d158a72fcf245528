"""Keras to NumPy."""

import numpy as np
from activation import relu
from convolution import conv2d_im2col
from padding import working
from pooling import max_pool2d


def kernel_from_keras(kernel: np.ndarray) -> np.ndarray:
    return np.einsum("uvco->ocuv", working(kernel, 4, "kernel")).copy()


def images_from_keras(images: np.ndarray) -> np.ndarray:
    return np.einsum("nhwc->nchw", working(images, 4, "images")).copy()


def predict(weights: list[np.ndarray], images: np.ndarray) -> np.ndarray:
    if len(weights) != 6:
        raise ValueError(f"weights: must be six arrays, got {len(weights)}")
    x = images_from_keras(images)
    for i in (0, 2):
        x = conv2d_im2col(x, kernel_from_keras(weights[i]), weights[i + 1], (1, 1), (1, 1))
        x = max_pool2d(relu(x), (2, 2), (2, 2))
    _, c, h, w = x.shape
    if weights[4].shape[0] != c * h * w or weights[5].shape != weights[4].shape[1:]:
        raise ValueError(f"weights: {weights[4].shape} and {weights[5].shape} do not fit {x.shape}")
    dense = weights[4].astype(x.dtype).reshape(h, w, c, weights[4].shape[1])
    return np.einsum("nchw,hwck->nk", x, dense) + weights[5].astype(x.dtype)
