"""A CNN from scratch, made of the layers of the other modules."""

from __future__ import annotations

import numpy as np

from .activation import cross_entropy, relu
from .backprop import (
    conv2d_backward,
    cross_entropy_backward,
    dense_backward,
    max_pool2d_backward,
    relu_backward,
)
from .convolution import conv2d
from .padding import floats
from .pooling import max_pool2d

Arrays = dict[str, np.ndarray]
TWO = (2, 2)
ONE = (1, 1)


def he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if len(shape) not in (2, 4):
        raise ValueError(f"shape: a dense or a conv shape, got {shape}")
    fan_in = shape[0] if len(shape) == 2 else int(np.prod(shape[1:]))
    return rng.standard_normal(shape) * (2 / fan_in) ** 0.5


def sgd_momentum(
    parameters: Arrays,
    gradients: Arrays,
    velocity: Arrays,
    learning_rate: float,
    momentum: float,
) -> tuple[Arrays, Arrays]:
    if not parameters.keys() == gradients.keys() == velocity.keys():
        raise ValueError("parameters, gradients, velocity: the names differ")
    moved, speed = {}, {}
    for key, p in parameters.items():
        if not p.shape == gradients[key].shape == velocity[key].shape:
            raise ValueError(f"{key}: {p.shape}, {gradients[key].shape}, {velocity[key].shape}")
        p = floats(p)
        v = velocity[key] * float(momentum) - gradients[key] * float(learning_rate)
        speed[key] = v.astype(p.dtype, copy=False)
        moved[key] = p + speed[key]
    return moved, speed


def passes(parameters: Arrays, images: np.ndarray) -> list[np.ndarray]:
    """Everything that the backward pass wants to see again; the logits come last."""
    x = floats(images, 4, "images")
    z1 = conv2d(x, parameters["conv1.w"], parameters["conv1.b"], padding=ONE)
    a1 = relu(z1)
    p1 = max_pool2d(a1, TWO, TWO)
    z2 = conv2d(p1, parameters["conv2.w"], parameters["conv2.b"], padding=ONE)
    a2 = relu(z2)
    p2 = max_pool2d(a2, TWO, TWO)
    flat = p2.reshape(len(p2), p2[:1].size if len(p2) else int(np.prod(p2.shape[1:])))
    w, b = parameters["dense.w"], parameters["dense.b"]
    if w.ndim != 2 or w.shape[0] != flat.shape[1] or b.shape != w.shape[1:]:
        raise ValueError(f"dense: {w.shape} and {b.shape} do not fit {flat.shape}")
    logits = flat @ w.astype(x.dtype, copy=False) + b.astype(x.dtype, copy=False)
    return [x, z1, a1, p1, z2, a2, p2, flat, logits]


def forward(parameters: Arrays, images: np.ndarray) -> np.ndarray:
    return passes(parameters, images)[-1]


def loss_and_gradients(
    parameters: Arrays, images: np.ndarray, labels: np.ndarray
) -> tuple[float, Arrays]:
    x, z1, a1, p1, z2, a2, p2, flat, logits = passes(parameters, images)
    g: Arrays = {}
    d = cross_entropy_backward(logits, labels)
    d, g["dense.w"], g["dense.b"] = dense_backward(d, flat, parameters["dense.w"])
    d = max_pool2d_backward(d.reshape(p2.shape), a2, TWO, TWO)
    d = relu_backward(d, z2)
    d, g["conv2.w"], g["conv2.b"] = conv2d_backward(d, p1, parameters["conv2.w"], padding=ONE)
    d = max_pool2d_backward(d, a1, TWO, TWO)
    d = relu_backward(d, z1)
    d, g["conv1.w"], g["conv1.b"] = conv2d_backward(d, x, parameters["conv1.w"], padding=ONE)
    return cross_entropy(logits, labels), g


def fit(
    images: np.ndarray,
    labels: np.ndarray,
    epochs: int,
    learning_rate: float,
    momentum: float,
    batch_size: int,
    rng: np.random.Generator,
) -> Arrays:
    if batch_size < 1:
        raise ValueError(f"batch_size: starts at 1, got {batch_size}")
    if epochs < 0:
        raise ValueError(f"epochs: cannot be negative, got {epochs}")
    if images.ndim != 4 or labels.shape != images.shape[:1]:
        raise ValueError(f"images, labels: {images.shape} and {labels.shape}")
    n, _, h, w = images.shape
    parameters = {
        "conv1.w": he_normal((8, 1, 3, 3), rng),
        "conv1.b": np.zeros(8),
        "conv2.w": he_normal((16, 8, 3, 3), rng),
        "conv2.b": np.zeros(16),
        "dense.w": he_normal((16 * (h // 4) * (w // 4), 10), rng),
        "dense.b": np.zeros(10),
    }
    velocity = {key: np.zeros_like(p) for key, p in parameters.items()}
    for _ in range(epochs):
        order = rng.permutation(n)
        for start in range(0, n, batch_size):
            pick = order[start : start + batch_size]
            _, g = loss_and_gradients(parameters, images[pick], labels[pick])
            parameters, velocity = sgd_momentum(parameters, g, velocity, learning_rate, momentum)
    return parameters
