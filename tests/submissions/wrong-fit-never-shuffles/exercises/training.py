import numpy as np


def _columns(x):
    """Windows of 3 x 3 with padding 1: (N, H, W, C * 9)."""
    N, C, H, W = x.shape
    image = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(2, 3))
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(N, H, W, C * 9)


def _conv(x, w, b):
    return (_columns(x) @ w.reshape(len(w), -1).T + b).transpose(0, 3, 1, 2)


def _pool(x):
    """Max pooling 2 x 2: the windows (N, C, H / 2, W / 2, 4) and their maximum."""
    N, C, H, W = x.shape
    cut = x[:, :, :H // 2 * 2, :W // 2 * 2].reshape(N, C, H // 2, 2, W // 2, 2)
    windows = cut.transpose(0, 1, 2, 4, 3, 5).reshape(N, C, H // 2, W // 2, 4)
    return windows, windows.max(axis=4)


def _check(parameters, images):
    if images.ndim != 4 or images.shape[1] != 1:
        raise ValueError(f"images must be (N, 1, H, W); got shape {images.shape}")
    features = 16 * (images.shape[2] // 4) * (images.shape[3] // 4)
    if parameters["dense.w"].shape[0] != features:
        raise ValueError(f"dense.w must have {features} rows; got {parameters['dense.w'].shape}")


def _unpool(dy, windows, shape):
    """Gradient of _pool: to the first maximum of every window."""
    N, C, H, W = shape
    mask = np.arange(4) == windows.argmax(axis=4)[..., None]
    parts = (mask * dy[..., None]).reshape(N, C, H // 2, W // 2, 2, 2)
    dx = np.zeros(shape)
    dx[:, :, :H // 2 * 2, :W // 2 * 2] = parts.transpose(0, 1, 2, 4, 3, 5).reshape(
        N, C, H // 2 * 2, W // 2 * 2)
    return dx


def _conv_gradients(dy, x, w):
    N, C, H, W = x.shape
    rows = dy.transpose(0, 2, 3, 1)
    dw = np.tensordot(rows, _columns(x), axes=((0, 1, 2), (0, 1, 2))).reshape(w.shape)
    parts = (rows @ w.reshape(len(w), -1)).reshape(N, H, W, C, 3, 3)
    frame = np.zeros((N, C, H + 2, W + 2))
    for u in range(3):
        for v in range(3):
            frame[:, :, u:u + H, v:v + W] += parts[..., u, v].transpose(0, 3, 1, 2)
    return frame[:, :, 1:-1, 1:-1], dw, rows.sum(axis=(0, 1, 2))


def _loss_and_gradients(parameters, images, labels):
    """Mean cross-entropy and its gradients."""
    _check(parameters, images)
    if labels.shape != (len(images),):
        raise ValueError(f"labels must have shape ({len(images)},); got {labels.shape}")
    p, x = parameters, images.astype(np.float64)
    a1 = _conv(x, p["conv1.w"], p["conv1.b"])
    r1 = np.maximum(a1, 0)
    windows1, m1 = _pool(r1)
    a2 = _conv(m1, p["conv2.w"], p["conv2.b"])
    r2 = np.maximum(a2, 0)
    windows2, m2 = _pool(r2)
    flat = m2.reshape(len(x), -1)
    logits = flat @ p["dense.w"] + p["dense.b"]

    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))
    loss = float(-log_p[rows, labels].mean())
    d = np.exp(log_p)
    d[rows, labels] -= 1
    d /= len(x)

    g = {"dense.w": flat.T @ d, "dense.b": d.sum(axis=0)}
    d = (d @ p["dense.w"].T).reshape(m2.shape)
    d = _unpool(d, windows2, r2.shape) * (a2 > 0)
    d, g["conv2.w"], g["conv2.b"] = _conv_gradients(d, m1, p["conv2.w"])
    d = _unpool(d, windows1, r1.shape) * (a1 > 0)
    _, g["conv1.w"], g["conv1.b"] = _conv_gradients(d, x, p["conv1.w"])
    return loss, g


def fit(images, labels, epochs, learning_rate, momentum, batch_size, rng):
    """Trains the network on small batches."""
    if epochs < 0 or batch_size < 1:
        raise ValueError(f"epochs and batch_size are too small: {epochs}, {batch_size}")
    if labels.shape != (len(images),):
        raise ValueError(f"{len(images)} images and labels of shape {labels.shape}")
    features = 16 * (images.shape[2] // 4) * (images.shape[3] // 4)
    parameters = {
        "conv1.w": rng.standard_normal((8, 1, 3, 3)) * np.sqrt(2 / 9),
        "conv1.b": np.zeros(8),
        "conv2.w": rng.standard_normal((16, 8, 3, 3)) * np.sqrt(2 / 72),
        "conv2.b": np.zeros(16),
        "dense.w": rng.standard_normal((features, 10)) * np.sqrt(2 / features),
        "dense.b": np.zeros(10),
    }
    velocity = {name: np.zeros_like(value) for name, value in parameters.items()}
    order = np.arange(len(images))
    for _ in range(epochs):
        for start in range(0, len(order), batch_size):
            batch = order[start:start + batch_size]
            _, gradients = _loss_and_gradients(parameters, images[batch], labels[batch])
            for name in parameters:
                velocity[name] = momentum * velocity[name] - learning_rate * gradients[name]
                parameters[name] = parameters[name] + velocity[name]
    return parameters
