"""From the layout of Keras to ours, and back to its logits."""

from __future__ import annotations

import numpy as np

from .activation import relu
from .convolution import conv2d
from .padding import floats
from .pooling import max_pool2d


def kernel_from_keras(kernel: np.ndarray) -> np.ndarray:
    return floats(kernel, 4, "kernel").transpose(3, 2, 0, 1).copy()


def images_from_keras(images: np.ndarray) -> np.ndarray:
    return floats(images, 4, "images").transpose(0, 3, 1, 2).copy()


def predict(weights: list[np.ndarray], images: np.ndarray) -> np.ndarray:
    if len(weights) != 6:
        raise ValueError(f"weights: expected six arrays, got {len(weights)}")
    x = images_from_keras(images)
    for kernel, bias in (weights[0:2], weights[2:4]):
        x = relu(conv2d(x, kernel_from_keras(kernel), bias, padding=(1, 1)))
        x = max_pool2d(x, (2, 2), (2, 2))
    n, c, h, w = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(n, h * w * c)
    if weights[4].shape[:1] != rows.shape[1:] or weights[5].shape != weights[4].shape[1:]:
        raise ValueError(f"weights: {weights[4].shape}, {weights[5].shape} after {rows.shape}")
    return rows @ weights[4].astype(x.dtype) + weights[5].astype(x.dtype)
