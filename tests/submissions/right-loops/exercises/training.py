"""Exercise 9: training. My loops are too slow for this, so here I work on whole arrays."""

import numpy as np
from convolution import conv2d_im2col, fast_columns
from padding import check_axes, float_type


def he_normal(shape, rng):
    if len(shape) == 4:
        fan_in = shape[1] * shape[2] * shape[3]
    elif len(shape) == 2:
        fan_in = shape[0]
    else:
        raise ValueError(f"shape must have 2 or 4 entries, got {shape}")
    return rng.normal(0.0, np.sqrt(2.0 / fan_in), size=shape)


def sgd_momentum(parameters, gradients, velocity, learning_rate, momentum):
    new_parameters = {}
    new_velocity = {}
    if parameters.keys() != gradients.keys() or parameters.keys() != velocity.keys():
        raise ValueError("parameters, gradients and velocity must have the same names")
    for name in parameters:
        p = parameters[name].astype(float_type(parameters[name]))
        v, g = velocity[name].astype(p.dtype), gradients[name].astype(p.dtype)
        if v.shape != p.shape or g.shape != p.shape:
            raise ValueError(f"{name} has shapes {p.shape}, {g.shape} and {v.shape}")
        v = float(momentum) * v - float(learning_rate) * g
        new_velocity[name] = v
        new_parameters[name] = p + v
    return new_parameters, new_velocity


def pool(x):
    """2 x 2 max pooling; also tells which of the four pixels won."""
    N, C, H, W = x.shape
    h, w = H // 2, W // 2
    if h < 1 or w < 1:
        raise ValueError(f"an image of {H} x {W} is too small to pool")
    four = np.stack(
        [
            x[:, :, 0 : 2 * h : 2, 0 : 2 * w : 2],
            x[:, :, 0 : 2 * h : 2, 1 : 2 * w : 2],
            x[:, :, 1 : 2 * h : 2, 0 : 2 * w : 2],
            x[:, :, 1 : 2 * h : 2, 1 : 2 * w : 2],
        ]
    )
    return four.max(axis=0), four.argmax(axis=0)


def pool_back(dy, winner, shape):
    dx = np.zeros(shape, dtype=dy.dtype)
    h, w = dy.shape[2], dy.shape[3]
    for k in range(4):
        u, v = k // 2, k % 2
        dx[:, :, u : 2 * h : 2, v : 2 * w : 2] = np.where(winner == k, dy, 0)
    return dx


def conv_back(dy, x, w, need_dx):
    """Gradients of a 3 x 3 convolution with padding 1."""
    N, F, H, W = dy.shape
    C = x.shape[1]
    columns, _, _ = fast_columns(x, (3, 3), (1, 1), (1, 1))
    dy_rows = dy.reshape(N, F, H * W)
    dw = np.zeros((F, C * 9), dtype=dy.dtype)
    for n in range(N):
        dw += dy_rows[n] @ columns[n].T
    db = dy.sum(axis=(0, 2, 3))
    dx = None
    if need_dx:
        # the gradient is a convolution too: turn the kernel round and swap its channels
        turned = w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
        dx = conv2d_im2col(dy, turned, np.zeros(C), (1, 1), (1, 1))
    return dx, dw.reshape(w.shape), db


def run(parameters, images):
    check_axes(images, 4, "images")
    keep = {}
    z1 = conv2d_im2col(images, parameters["conv1.w"], parameters["conv1.b"], (1, 1), (1, 1))
    a1 = np.where(z1 > 0, z1, 0)
    p1, win1 = pool(a1)
    z2 = conv2d_im2col(p1, parameters["conv2.w"], parameters["conv2.b"], (1, 1), (1, 1))
    a2 = np.where(z2 > 0, z2, 0)
    p2, win2 = pool(a2)
    flat = p2.reshape(p2.shape[0], p2.shape[1] * p2.shape[2] * p2.shape[3])
    dense = parameters["dense.w"].astype(flat.dtype)
    if dense.shape[0] != flat.shape[1]:
        raise ValueError(f"dense.w must have {flat.shape[1]} rows, got {dense.shape[0]}")
    bias = parameters["dense.b"].astype(flat.dtype)
    if bias.shape != (dense.shape[1],):
        raise ValueError(f"dense.b must have {dense.shape[1]} entries, got {bias.shape}")
    logits = flat @ dense + bias
    keep.update(z1=z1, p1=p1, win1=win1, z2=z2, p2=p2, win2=win2, flat=flat)
    return logits, keep


def forward(parameters, images):
    logits, _ = run(parameters, images)
    return logits


def loss_and_gradients(parameters, images, labels):
    logits, keep = run(parameters, images)
    N = len(images)
    if labels.shape != (N,):
        raise ValueError(f"labels must have shape ({N},), got {labels.shape}")
    for label in labels:
        if label < 0 or label >= logits.shape[1]:
            raise ValueError(f"label {label} is not one of {logits.shape[1]} classes")

    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(N)
    loss = float(-log_p[rows, labels].sum() / max(N, 1))
    dlogits = np.exp(log_p)
    dlogits[rows, labels] -= 1
    dlogits /= max(N, 1)

    gradients = {}
    gradients["dense.w"] = keep["flat"].T @ dlogits
    gradients["dense.b"] = dlogits.sum(axis=0)
    dflat = dlogits @ parameters["dense.w"].astype(dlogits.dtype).T
    d = pool_back(dflat.reshape(keep["p2"].shape), keep["win2"], keep["z2"].shape)
    d = np.where(keep["z2"] > 0, d, 0)
    d, gradients["conv2.w"], gradients["conv2.b"] = conv_back(
        d, keep["p1"], parameters["conv2.w"], True
    )
    d = pool_back(d, keep["win1"], keep["z1"].shape)
    d = np.where(keep["z1"] > 0, d, 0)
    _, gradients["conv1.w"], gradients["conv1.b"] = conv_back(
        d, images, parameters["conv1.w"], False
    )
    return loss, gradients


def fit(images, labels, epochs, learning_rate, momentum, batch_size, rng):
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    if epochs < 0:
        raise ValueError(f"epochs must not be negative, got {epochs}")
    check_axes(images, 4, "images")
    N, _, H, W = images.shape
    if labels.shape != (N,):
        raise ValueError(f"labels must have shape ({N},), got {labels.shape}")
    parameters = {
        "conv1.w": he_normal((8, 1, 3, 3), rng),
        "conv1.b": np.zeros(8),
        "conv2.w": he_normal((16, 8, 3, 3), rng),
        "conv2.b": np.zeros(16),
        "dense.w": he_normal((16 * (H // 4) * (W // 4), 10), rng),
        "dense.b": np.zeros(10),
    }
    velocity = {}
    for name in parameters:
        velocity[name] = np.zeros(parameters[name].shape)
    for _ in range(epochs):
        order = rng.permutation(N)
        for start in range(0, N, batch_size):
            batch = order[start : start + batch_size]
            _, gradients = loss_and_gradients(parameters, images[batch], labels[batch])
            parameters, velocity = sgd_momentum(
                parameters, gradients, velocity, learning_rate, momentum
            )
    return parameters
