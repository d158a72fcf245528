"""The trained model, run by the reference's layers; students run it by their own."""

from __future__ import annotations

import numpy as np

from reference import ops


def fold_batch_norm(
    kernel: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    epsilon: float = 1e-3,
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of the one convolution that does what a convolution and its norm do."""
    scale = gamma / np.sqrt(variance + epsilon)
    return kernel * scale, beta - mean * scale


def predict(weights: list[np.ndarray], images: np.ndarray) -> np.ndarray:
    """Probabilities (N, 10) for raw images (N, 28, 28)."""
    x = images[:, None].astype(weights[0].dtype) / 255
    for number in range(6):
        kernel, gamma, beta, mean, variance = weights[5 * number : 5 * number + 5]
        kernel, bias = fold_batch_norm(kernel, gamma, beta, mean, variance)
        x = ops.relu(ops.conv2d(x, ops.kernel_from_keras(kernel), bias, (1, 1), (1, 1)))
        if number in (1, 3):
            x = ops.max_pool2d(x, (2, 2), (2, 2))
    flat = x.transpose(0, 2, 3, 1).reshape(len(x), -1)
    return ops.softmax(flat @ weights[30] + weights[31])
