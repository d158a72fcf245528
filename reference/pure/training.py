"""A convolutional network from scratch: initial weights, optimiser, gradients, training loop."""

from __future__ import annotations

from math import prod, sqrt

import numpy as np

from .activation import cross_entropy, relu
from .backprop import (
    col2im,
    cross_entropy_backward,
    dense_backward,
    max_pool2d_backward,
    relu_backward,
)
from .convolution import conv2d_im2col, im2col
from .padding import _as_float
from .pooling import max_pool2d


def he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """float64 draws with standard deviation sqrt(2 / fan_in)."""
    if len(shape) not in (2, 4):
        raise ValueError(f"shape must be (O, C, KH, KW) or (D, M); got {shape}.")
    fan_in = prod(shape[1:]) if len(shape) == 4 else shape[0]
    if fan_in < 1:
        raise ValueError(f"shape must give every output an input; got {shape}.")
    return rng.normal(0.0, sqrt(2 / fan_in), shape)


def sgd_momentum(
    parameters: dict[str, np.ndarray],
    gradients: dict[str, np.ndarray],
    velocity: dict[str, np.ndarray],
    learning_rate: float,
    momentum: float,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """New (parameters, velocity): v = momentum * v - learning_rate * g; p = p + v."""
    if not set(parameters) == set(gradients) == set(velocity):
        raise ValueError(
            "parameters, gradients and velocity must have the same keys; "
            f"got {list(parameters)}, {list(gradients)} and {list(velocity)}."
        )
    new_parameters, new_velocity = {}, {}
    for name, value in parameters.items():
        p = _as_float(name, value)
        g = _as_float(name, gradients[name], None, p.dtype)
        v = _as_float(name, velocity[name], None, p.dtype)
        if not p.shape == g.shape == v.shape:
            raise ValueError(
                f"gradient and velocity of {name} must have shape {p.shape}; "
                f"got {g.shape} and {v.shape}."
            )
        new_velocity[name] = float(momentum) * v - float(learning_rate) * g
        new_parameters[name] = p + new_velocity[name]
    return new_parameters, new_velocity


def _forward(
    parameters: dict[str, np.ndarray], images: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The logits, and what every layer saw on the way."""
    x = _as_float("images", images, 4)
    p = {name: _as_float(name, value, None, x.dtype) for name, value in parameters.items()}
    a1 = conv2d_im2col(x, p["conv1.w"], p["conv1.b"], (1, 1), (1, 1))
    r1 = relu(a1)
    m1 = max_pool2d(r1, (2, 2), (2, 2))
    a2 = conv2d_im2col(m1, p["conv2.w"], p["conv2.b"], (1, 1), (1, 1))
    r2 = relu(a2)
    m2 = max_pool2d(r2, (2, 2), (2, 2))
    flat = m2.reshape(len(m2), prod(m2.shape[1:]))
    if flat.shape[1] != p["dense.w"].shape[0]:
        raise ValueError(
            f"dense.w must have {flat.shape[1]} rows for images of shape {x.shape}; "
            f"got shape {p['dense.w'].shape}."
        )
    logits = flat @ p["dense.w"] + p["dense.b"]
    seen = {"x": x, "a1": a1, "r1": r1, "m1": m1, "a2": a2, "r2": r2, "m2": m2, "flat": flat}
    return logits, seen


def forward(parameters: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """Logits (N, 10) of conv - relu - pool - conv - relu - pool - dense."""
    return _forward(parameters, images)[0]


def _conv_gradients(dy: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ...]:
    """(dx, dw, db) of a 3x3 convolution with padding 1, as matrix products."""
    filters = w.shape[0]
    dy_flat = dy.reshape(len(dy), filters, prod(dy.shape[2:]))
    columns = im2col(x, (3, 3), (1, 1), (1, 1))
    dw = np.tensordot(dy_flat, columns, axes=([0, 2], [0, 2])).reshape(w.shape)
    dcolumns = w.reshape(filters, prod(w.shape[1:])).T @ dy_flat
    batch, channels, height, width = x.shape
    dx = col2im(dcolumns, (batch, channels, height, width), (3, 3), (1, 1), (1, 1))
    return dx, dw, dy.sum(axis=(0, 2, 3))


def loss_and_gradients(
    parameters: dict[str, np.ndarray], images: np.ndarray, labels: np.ndarray
) -> tuple[float, dict[str, np.ndarray]]:
    """The mean cross-entropy of the batch, and its gradient for every parameter."""
    logits, seen = _forward(parameters, images)
    w1, w2, w3 = (
        _as_float(name, parameters[name], None, logits.dtype)
        for name in ("conv1.w", "conv2.w", "dense.w")
    )
    g = {}
    dlogits = cross_entropy_backward(logits, labels)
    dflat, g["dense.w"], g["dense.b"] = dense_backward(dlogits, seen["flat"], w3)
    dr2 = max_pool2d_backward(dflat.reshape(seen["m2"].shape), seen["r2"], (2, 2), (2, 2))
    dm1, g["conv2.w"], g["conv2.b"] = _conv_gradients(
        relu_backward(dr2, seen["a2"]), seen["m1"], w2
    )
    dr1 = max_pool2d_backward(dm1, seen["r1"], (2, 2), (2, 2))
    _, g["conv1.w"], g["conv1.b"] = _conv_gradients(relu_backward(dr1, seen["a1"]), seen["x"], w1)
    return cross_entropy(logits, labels), {name: g[name] for name in parameters}


def fit(
    images: np.ndarray,
    labels: np.ndarray,
    epochs: int,
    learning_rate: float,
    momentum: float,
    batch_size: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """The parameters after `epochs` passes over the images, in a new random order each."""
    images, labels = _as_float("images", images, 4), np.asarray(labels)
    if labels.shape != images.shape[:1]:
        raise ValueError(
            f"labels must have one entry per image ({len(images)}); got shape {labels.shape}."
        )
    if batch_size < 1 or epochs < 0:
        raise ValueError(
            "batch_size must be at least 1 and epochs not negative; "
            f"got batch_size {batch_size} and epochs {epochs}."
        )
    height, width = images.shape[2:]
    parameters = {
        "conv1.w": he_normal((8, 1, 3, 3), rng),
        "conv1.b": np.zeros(8),
        "conv2.w": he_normal((16, 8, 3, 3), rng),
        "conv2.b": np.zeros(16),
        "dense.w": he_normal((16 * (height // 4) * (width // 4), 10), rng),
        "dense.b": np.zeros(10),
    }
    velocity = {name: np.zeros_like(value) for name, value in parameters.items()}
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            _, gradients = loss_and_gradients(parameters, images[batch], labels[batch])
            parameters, velocity = sgd_momentum(
                parameters, gradients, velocity, learning_rate, momentum
            )
    return parameters
