"""Chapter 10."""

import numpy as np
from activation import relu
from convolution import conv2d
from pooling import max_pool2d
from windows import as_real, require


def kernel_from_keras(kernel):
    require(kernel.ndim == 4, f"kernel must be (KH, KW, C, O), not {kernel.shape}")
    return np.transpose(as_real(kernel), (3, 2, 0, 1)).copy()


def images_from_keras(images):
    require(images.ndim == 4, f"images must be (N, H, W, C), not {images.shape}")
    return np.transpose(as_real(images), (0, 3, 1, 2)).copy()


def predict(weights, images):
    require(len(weights) == 6, f"weights must be six arrays, not {len(weights)}")
    k1, b1, k2, b2, w, b = [as_real(array) for array in weights]
    x = images_from_keras(images)
    x = relu(conv2d(x, kernel_from_keras(k1), b1, (1, 1), (1, 1)))
    x = max_pool2d(x, (2, 2), (2, 2))
    x = relu(conv2d(x, kernel_from_keras(k2), b2, (1, 1), (1, 1)))
    x = max_pool2d(x, (2, 2), (2, 2))
    require(b.shape == w.shape[1:], f"the last biases must be {w.shape[1:]}, not {b.shape}")
    flat = np.moveaxis(x, 1, 3).reshape(len(x), w.shape[0])
    return flat @ w.astype(x.dtype) + b.astype(x.dtype)
