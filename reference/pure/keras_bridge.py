"""The bridge to Keras: its axis orders, and its small CNN run by our own layers."""

from __future__ import annotations

import numpy as np

from .activation import relu
from .convolution import conv2d_im2col
from .padding import _as_float
from .pooling import max_pool2d


def kernel_from_keras(kernel: np.ndarray) -> np.ndarray:
    """Keras (KH, KW, C, O) to (O, C, KH, KW)."""
    return _as_float("kernel", kernel, 4).transpose(3, 2, 0, 1).copy()


def images_from_keras(images: np.ndarray) -> np.ndarray:
    """Keras (N, H, W, C) to (N, C, H, W)."""
    return _as_float("images", images, 4).transpose(0, 3, 1, 2).copy()


def predict(weights: list[np.ndarray], images: np.ndarray) -> np.ndarray:
    """Logits (N, 10) of the small Keras CNN; `weights` as `get_weights()` returns them."""
    if len(weights) != 6:
        raise ValueError(f"weights must be a list of 6 arrays; got {len(weights)}.")
    kernel1, bias1, kernel2, bias2, dense_w, dense_b = weights
    x = images_from_keras(images)
    for kernel, bias in ((kernel1, bias1), (kernel2, bias2)):
        # "same" padding of a 3x3 kernel with stride 1 is one cell on every side.
        x = relu(conv2d_im2col(x, kernel_from_keras(kernel), bias, (1, 1), (1, 1)))
        x = max_pool2d(x, (2, 2), (2, 2))
    batch, channels, height, width = x.shape
    # Keras flattens its own layout: rows, columns, channels.
    flat = x.transpose(0, 2, 3, 1).reshape(batch, height * width * channels)
    w = _as_float("weights[4]", dense_w, 2, x.dtype)
    b = _as_float("weights[5]", dense_b, 1, x.dtype)
    if flat.shape[1] != w.shape[0] or w.shape[1] != len(b):
        raise ValueError(
            f"weights[4] must be ({flat.shape[1]}, {len(b)}) for images of shape "
            f"{np.shape(images)}; got shape {w.shape}."
        )
    logits: np.ndarray = flat @ w + b
    return logits
