"""Chapter 9."""

import math

import numpy as np
from activation import cross_entropy, relu
from backprop import (
    conv2d_backward,
    cross_entropy_backward,
    dense_backward,
    max_pool2d_backward,
    relu_backward,
)
from convolution import conv2d
from pooling import max_pool2d
from windows import as_real, require


def he_normal(shape, rng):
    require(len(shape) in (2, 4), f"shape must have 2 or 4 entries, not {shape}")
    fan_in = shape[0] if len(shape) == 2 else math.prod(shape[1:])
    return rng.normal(0, math.sqrt(2 / fan_in), shape)


def sgd_momentum(parameters, gradients, velocity, learning_rate, momentum):
    names = set(parameters)
    require(names == set(gradients) == set(velocity), "the dictionaries must have the same names")
    new_p, new_v = {}, {}
    for name in parameters:
        p = as_real(parameters[name])
        for other in (gradients[name], velocity[name]):
            require(other.shape == p.shape, f"{name} must be {p.shape}, not {other.shape}")
        v = float(momentum) * as_real(velocity[name]) - float(learning_rate) * gradients[name]
        new_v[name] = v.astype(p.dtype)
        new_p[name] = p + new_v[name]
    return new_p, new_v


def walk(parameters, images, trail):
    """Forward; every array that the way back needs is put on the list `trail`."""
    a = as_real(images)
    for layer in ("conv1", "conv2"):
        z = conv2d(a, parameters[layer + ".w"], parameters[layer + ".b"], (1, 1), (1, 1))
        r = relu(z)
        trail.append((a, z, r))
        a = max_pool2d(r, (2, 2), (2, 2))
    w, b = parameters["dense.w"], parameters["dense.b"]
    require(w.shape[0] == math.prod(a.shape[1:]), f"dense.w does not fit {a.shape}: {w.shape}")
    require(b.shape == w.shape[1:], f"dense.b must be {w.shape[1:]}, not {b.shape}")
    flat = a.reshape(len(a), len(w))
    trail.append((a, flat))
    return flat @ w.astype(flat.dtype) + b.astype(flat.dtype)


def forward(parameters, images):
    return walk(parameters, images, [])


def loss_and_gradients(parameters, images, labels):
    trail = []
    logits = walk(parameters, images, trail)
    loss = cross_entropy(logits, labels)
    out = {}
    (a0, z1, r1), (a1, z2, r2), (a2, flat) = trail
    d = cross_entropy_backward(logits, labels)
    d, out["dense.w"], out["dense.b"] = dense_backward(d, flat, parameters["dense.w"])
    d = max_pool2d_backward(d.reshape(a2.shape), r2, (2, 2), (2, 2))
    d = relu_backward(d, z2)
    d, out["conv2.w"], out["conv2.b"] = conv2d_backward(
        d, a1, parameters["conv2.w"], (1, 1), (1, 1)
    )
    d = max_pool2d_backward(d, r1, (2, 2), (2, 2))
    d = relu_backward(d, z1)
    d, out["conv1.w"], out["conv1.b"] = conv2d_backward(
        d, a0, parameters["conv1.w"], (1, 1), (1, 1)
    )
    return loss, out


def fit(images, labels, epochs, learning_rate, momentum, batch_size, rng):
    require(batch_size >= 1, f"batch_size must be at least 1, not {batch_size}")
    require(epochs >= 0, f"epochs must not be negative, not {epochs}")
    require(images.ndim == 4, f"images must be (N, 1, H, W), not {images.shape}")
    n, _, h, w = images.shape
    require(labels.shape == (n,), f"labels must be ({n},), not {labels.shape}")
    parameters = {}
    parameters["conv1.w"] = he_normal((8, 1, 3, 3), rng)
    parameters["conv1.b"] = np.zeros(8)
    parameters["conv2.w"] = he_normal((16, 8, 3, 3), rng)
    parameters["conv2.b"] = np.zeros(16)
    parameters["dense.w"] = he_normal((16 * (h // 4) * (w // 4), 10), rng)
    parameters["dense.b"] = np.zeros(10)
    velocity = {}
    for name, p in parameters.items():
        velocity[name] = p * 0
    for _ in range(epochs):
        order = rng.permutation(n)
        i = 0
        while i < n:
            chosen = order[i : i + batch_size]
            _, gradients = loss_and_gradients(parameters, images[chosen], labels[chosen])
            parameters, velocity = sgd_momentum(
                parameters, gradients, velocity, learning_rate, momentum
            )
            i += batch_size
    return parameters
