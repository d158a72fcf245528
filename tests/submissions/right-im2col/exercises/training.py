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
from exercises.padding import need_4d, to_float
from exercises.pooling import max_pool2d


def he_normal(shape, rng):
    if len(shape) == 2:
        fan_in = shape[0]
    elif len(shape) == 4:
        fan_in = np.prod(shape[1:])
    else:
        raise ValueError(f"shape should be (D, M) or (O, C, KH, KW) but is {shape}")
    return rng.normal(scale=np.sqrt(2 / fan_in), size=shape)


def sgd_momentum(parameters, gradients, velocity, learning_rate, momentum):
    if set(parameters) != set(gradients) or set(parameters) != set(velocity):
        raise ValueError("parameters, gradients and velocity should have the same names")
    for name in parameters:
        shapes = {parameters[name].shape, gradients[name].shape, velocity[name].shape}
        if len(shapes) > 1:
            raise ValueError(f"{name} should have one shape but has {sorted(shapes)}")
    velocity = {
        name: (momentum * to_float(velocity[name]) - learning_rate * gradients[name]).astype(
            to_float(parameters[name]).dtype
        )
        for name in parameters
    }
    return {name: to_float(parameters[name]) + velocity[name] for name in parameters}, velocity


def _block(x, w, b):
    """conv - relu - pool, with what is needed to go back."""
    z = conv2d_im2col(x, w, b, (1, 1), (1, 1))
    a = relu(z)
    return max_pool2d(a, (2, 2), (2, 2)), (x, w, z, a)


def _block_backward(dy, memory):
    x, w, z, a = memory
    da = max_pool2d_backward(dy, a, (2, 2), (2, 2))
    dz = relu_backward(da, z)
    return conv2d_backward(dz, x, w, (1, 1), (1, 1))


def _forward(parameters, images):
    x = to_float(images)
    need_4d(x, "images")
    x, first = _block(x, parameters["conv1.w"], parameters["conv1.b"])
    x, second = _block(x, parameters["conv2.w"], parameters["conv2.b"])
    flat = x.reshape(x.shape[0], x.shape[1] * x.shape[2] * x.shape[3])
    w = to_float(parameters["dense.w"])
    if w.shape[0] != flat.shape[1]:
        raise ValueError(f"dense.w should have {flat.shape[1]} rows but its shape is {w.shape}")
    if parameters["dense.b"].shape != w.shape[1:]:
        raise ValueError(f"dense.b should have shape {w.shape[1:]}")
    logits = (flat @ w + parameters["dense.b"]).astype(flat.dtype)
    return logits, (first, second, x.shape, flat)


def forward(parameters, images):
    return _forward(parameters, images)[0]


def loss_and_gradients(parameters, images, labels):
    logits, (first, second, shape, flat) = _forward(parameters, images)
    gradients = {}
    dlogits = cross_entropy_backward(logits, labels)
    dflat, gradients["dense.w"], gradients["dense.b"] = dense_backward(
        dlogits, flat, parameters["dense.w"]
    )
    dx, gradients["conv2.w"], gradients["conv2.b"] = _block_backward(dflat.reshape(shape), second)
    _, gradients["conv1.w"], gradients["conv1.b"] = _block_backward(dx, first)
    return cross_entropy(logits, labels), gradients


def fit(images, labels, epochs, learning_rate, momentum, batch_size, rng):
    if batch_size < 1:
        raise ValueError(f"batch_size should be at least 1 but is {batch_size}")
    if epochs < 0:
        raise ValueError(f"epochs should not be negative but is {epochs}")
    images = to_float(images)
    need_4d(images, "images")
    if labels.shape != (len(images),):
        raise ValueError(f"labels should have shape ({len(images)},) but have {labels.shape}")
    n, _, h, w = images.shape
    shapes = {
        "conv1.w": (8, 1, 3, 3),
        "conv1.b": (8,),
        "conv2.w": (16, 8, 3, 3),
        "conv2.b": (16,),
        "dense.w": (16 * (h // 4) * (w // 4), 10),
        "dense.b": (10,),
    }
    parameters = {
        name: np.zeros(shape) if name.endswith(".b") else he_normal(shape, rng)
        for name, shape in shapes.items()
    }
    velocity = {name: np.zeros(shape) for name, shape in shapes.items()}
    for _ in range(epochs):
        order = rng.permutation(n)
        for batch in (order[i : i + batch_size] for i in range(0, n, batch_size)):
            _, gradients = loss_and_gradients(parameters, images[batch], labels[batch])
            parameters, velocity = sgd_momentum(
                parameters, gradients, velocity, learning_rate, momentum
            )
    return parameters
