"""Keras' order of axes to ours, and the kit's small Keras CNN out of our layers."""

import numpy as np

from reference.fast.activation import relu
from reference.fast.convolution import conv2d
from reference.fast.general import dense
from reference.fast.pooling import max_pool2d


def kernel_from_keras(kernel):
    """(KH, KW, C, O) to (O, C, KH, KW)."""
    return kernel.transpose(3, 2, 0, 1).copy()


def images_from_keras(images):
    """(N, H, W, C) to (N, C, H, W)."""
    return images.transpose(0, 3, 1, 2).copy()


def predict(weights, images):
    """The logits of the kit's small Keras CNN."""
    w1, b1, w2, b2, w3, b3 = weights
    x = images_from_keras(images)
    x = max_pool2d(relu(conv2d(x, kernel_from_keras(w1), b1, (1, 1), (1, 1))), (2, 2), (2, 2))
    x = max_pool2d(relu(conv2d(x, kernel_from_keras(w2), b2, (1, 1), (1, 1))), (2, 2), (2, 2))
    # Keras flattens rows, columns, channels.
    n, c, h, w = x.shape
    flat = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).reshape(n, h * w * c)
    return dense(flat, w3, b3)
