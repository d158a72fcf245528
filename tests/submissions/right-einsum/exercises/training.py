"""Training a small CNN."""

import numpy as np
from activation import cross_entropy, relu
from backprop import (conv2d_backward, cross_entropy_backward, dense_backward, max_pool2d_backward,
                      relu_backward)
from convolution import conv2d_im2col
from padding import working
from pooling import max_pool2d

POOL = ((2, 2), (2, 2))


def he_normal(shape, rng):
    match shape:
        case (_, c, kh, kw):
            fan_in = c * kh * kw
        case (d, _):
            fan_in = d
        case _:
            raise ValueError(f"shape: must have two or four entries, got {shape}")
    return np.sqrt(2 / fan_in) * rng.standard_normal(size=shape)


def sgd_momentum(parameters, gradients, velocity, learning_rate, momentum):
    if not parameters.keys() == gradients.keys() == velocity.keys():
        raise ValueError("parameters, gradients and velocity must have the same keys")
    for k, old in parameters.items():
        if not np.shape(old) == np.shape(gradients[k]) == np.shape(velocity[k]):
            raise ValueError(f"{k}: the three arrays must have the same shape")
    p = {k: working(old, np.ndim(old)) for k, old in parameters.items()}
    v = {k: (momentum * velocity[k] - learning_rate * gradients[k]).astype(p[k].dtype) for k in p}
    p = {k: p[k] + v[k] for k in p}
    return p, v


def _forward(parameters, images):
    tape = []
    x = working(images, 4, "images")
    for name in ("conv1", "conv2"):
        w, b = parameters[name + ".w"], parameters[name + ".b"]
        z = conv2d_im2col(x, w, b, (1, 1), (1, 1))
        a = relu(z)
        tape.append((name, x, z, a))
        x = max_pool2d(a, *POOL)
    w, b = parameters["dense.w"], parameters["dense.b"]
    # contract channel, row and column in one go: no flatten needed
    n, c, h, wid = x.shape
    if w.shape[0] != c * h * wid:
        raise ValueError(f"dense.w: must have {c * h * wid} rows, got shape {w.shape}")
    if b.shape != w.shape[1:]:
        raise ValueError(f"dense.b: must be {w.shape[1:]}, got shape {b.shape}")
    cube = w.astype(x.dtype).reshape(c, h, wid, w.shape[1])
    logits = np.tensordot(x, cube, axes=3) + b.astype(x.dtype)
    return logits, x, tape


def forward(parameters, images):
    logits, _, _ = _forward(parameters, images)
    return logits


def loss_and_gradients(parameters, images, labels):
    logits, x, tape = _forward(parameters, images)
    grads = {}
    d = cross_entropy_backward(logits, labels)
    flat = x.reshape(len(x), parameters["dense.w"].shape[0])
    d, grads["dense.w"], grads["dense.b"] = dense_backward(d, flat, parameters["dense.w"])
    d = d.reshape(x.shape)
    for name, before, z, a in reversed(tape):
        d = relu_backward(max_pool2d_backward(d, a, *POOL), z)
        d, grads[name + ".w"], grads[name + ".b"] = conv2d_backward(
            d, before, parameters[name + ".w"], (1, 1), (1, 1))
    return cross_entropy(logits, labels), grads


def fit(images, labels, epochs, learning_rate, momentum, batch_size, rng):
    if batch_size <= 0:
        raise ValueError(f"batch_size: must be >= 1, got {batch_size}")
    if epochs < 0:
        raise ValueError(f"epochs: must be >= 0, got {epochs}")
    if images.ndim != 4 or labels.shape != (len(images),):
        raise ValueError(f"labels: {labels.shape} do not belong to images {images.shape}")
    h, w = images.shape[2:]
    parameters = {}
    for name, shape in (("conv1", (8, 1, 3, 3)), ("conv2", (16, 8, 3, 3)),
                        ("dense", (16 * (h // 4) * (w // 4), 10))):
        parameters[name + ".w"] = he_normal(shape, rng)
        parameters[name + ".b"] = np.zeros(shape[0] if len(shape) == 4 else shape[1])
    velocity = {k: np.zeros_like(p) for k, p in parameters.items()}
    for _ in range(epochs):
        order = np.arange(len(images))
        rng.shuffle(order)
        while len(order):
            batch, order = order[:batch_size], order[batch_size:]
            _, grads = loss_and_gradients(parameters, images[batch], labels[batch])
            parameters, velocity = sgd_momentum(parameters, grads, velocity,
                                                learning_rate, momentum)
    return parameters
