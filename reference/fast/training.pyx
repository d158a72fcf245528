"""A small CNN from scratch, out of the compiled layers."""

import numpy as np

from reference.fast.activation import cross_entropy, relu
from reference.fast.backprop import (
    conv2d_backward,
    cross_entropy_backward,
    dense_backward,
    max_pool2d_backward,
    relu_backward,
)
from reference.fast.convolution import conv2d
from reference.fast.general import dense
from reference.fast.pooling import max_pool2d

from reference.fast._columns cimport real


def he_normal(shape, rng):
    """Normal draws with standard deviation sqrt(2 / fan_in)."""
    fan_in = shape[0] if len(shape) == 2 else shape[1] * shape[2] * shape[3]
    return rng.normal(0.0, (2.0 / fan_in) ** 0.5, shape)


def _step(const real[::1] p, const real[::1] g, const real[::1] v, real[::1] new_p, real[::1] new_v,
          double learning_rate, double momentum):
    cdef Py_ssize_t i
    with nogil:
        for i in range(p.shape[0]):
            new_v[i] = <real>(momentum * v[i] - learning_rate * g[i])
            new_p[i] = p[i] + new_v[i]


def sgd_momentum(parameters, gradients, velocity, learning_rate, momentum):
    """v = momentum * v - learning_rate * g; p = p + v."""
    new_parameters, new_velocity = {}, {}
    for name, p in parameters.items():
        new_p, new_v = np.empty_like(p), np.empty_like(p)
        _step(p.reshape(-1), gradients[name].reshape(-1), velocity[name].reshape(-1),
              new_p.reshape(-1), new_v.reshape(-1), learning_rate, momentum)
        new_parameters[name] = new_p
        new_velocity[name] = new_v
    return new_parameters, new_velocity


cdef tuple _run(parameters, images):
    """The logits, and what the way back needs."""
    z1 = conv2d(images, parameters["conv1.w"], parameters["conv1.b"], (1, 1), (1, 1))
    a1 = relu(z1)
    p1 = max_pool2d(a1, (2, 2), (2, 2))
    z2 = conv2d(p1, parameters["conv2.w"], parameters["conv2.b"], (1, 1), (1, 1))
    a2 = relu(z2)
    p2 = max_pool2d(a2, (2, 2), (2, 2))
    flat = p2.reshape(p2.shape[0], p2.shape[1] * p2.shape[2] * p2.shape[3])
    logits = dense(flat, parameters["dense.w"], parameters["dense.b"])
    return logits, (z1, a1, p1, z2, a2, p2, flat)


def forward(parameters, images):
    """conv - relu - pool - conv - relu - pool - dense."""
    return _run(parameters, images)[0]


def loss_and_gradients(parameters, images, labels):
    """Backpropagation: the layers' gradients, last layer first."""
    logits, (z1, a1, p1, z2, a2, p2, flat) = _run(parameters, images)
    loss = cross_entropy(logits, labels)
    gradients = {}
    dlogits = cross_entropy_backward(logits, labels)
    dflat, gradients["dense.w"], gradients["dense.b"] = dense_backward(
        dlogits, flat, parameters["dense.w"]
    )
    da2 = max_pool2d_backward(dflat.reshape(p2.shape), a2, (2, 2), (2, 2))
    dz2 = relu_backward(da2, z2)
    dp1, gradients["conv2.w"], gradients["conv2.b"] = conv2d_backward(
        dz2, p1, parameters["conv2.w"], (1, 1), (1, 1)
    )
    da1 = max_pool2d_backward(dp1, a1, (2, 2), (2, 2))
    dz1 = relu_backward(da1, z1)
    _, gradients["conv1.w"], gradients["conv1.b"] = conv2d_backward(
        dz1, images, parameters["conv1.w"], (1, 1), (1, 1)
    )
    return loss, {name: gradients[name] for name in parameters}


def fit(images, labels, epochs, learning_rate, momentum, batch_size, rng):
    """Mini-batch gradient descent with momentum, in a new random order every epoch."""
    features = 16 * (images.shape[2] // 4) * (images.shape[3] // 4)
    parameters = {
        "conv1.w": he_normal((8, 1, 3, 3), rng),
        "conv1.b": np.zeros(8),
        "conv2.w": he_normal((16, 8, 3, 3), rng),
        "conv2.b": np.zeros(16),
        "dense.w": he_normal((features, 10), rng),
        "dense.b": np.zeros(10),
    }
    velocity = {name: np.zeros_like(p) for name, p in parameters.items()}
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(images), batch_size):
            batch = order[start:start + batch_size]
            # The layers run in the type of the images, the parameters stay in float64.
            _, gradients = loss_and_gradients(
                _as_type(parameters, images.dtype), images[batch], labels[batch]
            )
            parameters, velocity = sgd_momentum(
                parameters, _as_type(gradients, np.float64), velocity, learning_rate, momentum
            )
    return parameters


cdef dict _as_type(dict arrays, dtype):
    return {name: array.astype(dtype, copy=False) for name, array in arrays.items()}
