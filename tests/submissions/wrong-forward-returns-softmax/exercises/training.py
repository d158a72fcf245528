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


def forward(parameters, images):
    """Logits of the network, (N, 10)."""
    _check(parameters, images)
    p = parameters
    dtype = np.float32 if images.dtype == np.float32 else np.float64
    h = np.maximum(_conv(images.astype(dtype), p["conv1.w"], p["conv1.b"]), 0)
    h = _pool(h)[1]
    h = np.maximum(_conv(h, p["conv2.w"], p["conv2.b"]), 0)
    h = _pool(h)[1]
    flat = h.reshape(len(h), p["dense.w"].shape[0])
    logits = flat @ p["dense.w"] + p["dense.b"]
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)
