# Exercise 9
#
# The forward pass uses conv2d_im2col and not my FFT: where the exact result is 0, an FFT gives
# 1e-17 or -1e-17, and then ReLU and max pooling choose by that noise. The way back has no
# such decisions, there the FFT is fine.

import numpy as np

from exercises.activation import cross_entropy, relu
from exercises.backprop import (
    conv2d_backward,
    cross_entropy_backward,
    dense_backward,
    max_pool2d_backward,
    relu_backward,
)
from exercises.convolution import conv2d_im2col
from exercises.padding import result_type
from exercises.pooling import max_pool2d


def he_normal(shape, rng):
    if len(shape) == 4:
        _, c, kh, kw = shape
        fan_in = c * kh * kw
    elif len(shape) == 2:
        fan_in, _ = shape
    else:
        raise ValueError("shape: must have 2 or 4 axes, got %s" % (shape,))
    return rng.standard_normal(shape) / np.sqrt(fan_in / 2)


def sgd_momentum(parameters, gradients, velocity, learning_rate, momentum):
    if set(parameters) ^ set(gradients) or set(parameters) ^ set(velocity):
        raise ValueError("parameters, gradients, velocity: not the same names")
    new_velocity, new_parameters = {}, {}
    for key, old in parameters.items():
        if gradients[key].shape != old.shape or velocity[key].shape != old.shape:
            raise ValueError("%s: gradient or velocity has not shape %s" % (key, old.shape))
        dtype = result_type(old)
        step = np.multiply(velocity[key], momentum) - np.multiply(gradients[key], learning_rate)
        new_velocity[key] = step.astype(dtype)
        new_parameters[key] = old.astype(dtype) + new_velocity[key]
    return new_parameters, new_velocity


def forward(parameters, images):
    return steps(parameters, images)["logits"]


def steps(parameters, images):
    if images.ndim != 4:
        raise ValueError("images: must have 4 axes, got shape %s" % (images.shape,))
    s = {"in1": images}
    for k in "12":
        w, b = parameters["conv%s.w" % k], parameters["conv%s.b" % k]
        s["z" + k] = conv2d_im2col(s["in" + k], w, b, (1, 1), (1, 1))
        s["a" + k] = relu(s["z" + k])
        s["in%d" % (int(k) + 1)] = max_pool2d(s["a" + k], (2, 2), (2, 2))
    out = s["in3"]
    w, b = parameters["dense.w"], parameters["dense.b"]
    s["flat"] = out.reshape(len(out), out.shape[1] * out.shape[2] * out.shape[3])
    if s["flat"].shape[1] != len(w):
        raise ValueError("dense.w: must have %d rows" % s["flat"].shape[1])
    if b.shape != w.shape[1:]:
        raise ValueError("dense.b: must have shape %s, got %s" % (w.shape[1:], b.shape))
    s["logits"] = np.dot(s["flat"], w.astype(out.dtype)) + b.astype(out.dtype)
    return s


def loss_and_gradients(parameters, images, labels):
    s = steps(parameters, images)
    gradients = {}
    d = cross_entropy_backward(s["logits"], labels)
    d, gradients["dense.w"], gradients["dense.b"] = dense_backward(
        d, s["flat"], parameters["dense.w"]
    )
    d = d.reshape(s["in3"].shape)
    for k in "21":
        d = max_pool2d_backward(d, s["a" + k], (2, 2), (2, 2))
        d = relu_backward(d, s["z" + k])
        d, dw, db = conv2d_backward(d, s["in" + k], parameters["conv%s.w" % k], (1, 1), (1, 1))
        gradients["conv%s.w" % k], gradients["conv%s.b" % k] = dw, db
    return cross_entropy(s["logits"], labels), gradients


def fit(images, labels, epochs, learning_rate, momentum, batch_size, rng):
    if batch_size < 1:
        raise ValueError("batch_size: must be positive, got %s" % batch_size)
    if epochs < 0:
        raise ValueError("epochs: must not be negative, got %s" % epochs)
    n, _, h, w = images.shape
    if labels.shape != (n,):
        raise ValueError("labels: must have shape (%d,), got %s" % (n, labels.shape))
    parameters = {
        "conv1.w": he_normal((8, 1, 3, 3), rng),
        "conv2.w": he_normal((16, 8, 3, 3), rng),
        "dense.w": he_normal((16 * (h // 4) * (w // 4), 10), rng),
        "conv1.b": np.zeros(8),
        "conv2.b": np.zeros(16),
        "dense.b": np.zeros(10),
    }
    velocity = {key: np.zeros(value.shape) for key, value in parameters.items()}
    for _ in range(epochs):
        order = rng.permutation(n)
        for batch in np.split(order, range(batch_size, n, batch_size)):
            if len(batch) == 0:
                continue
            _, gradients = loss_and_gradients(parameters, images[batch], labels[batch])
            parameters, velocity = sgd_momentum(
                parameters, gradients, velocity, learning_rate, momentum
            )
    return parameters
