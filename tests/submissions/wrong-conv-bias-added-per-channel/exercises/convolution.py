import numpy as np


def _sizes(x, w, b, stride, padding):
    """Checks the arguments and gives (HO, WO)."""
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W); got shape {x.shape}")
    if w.ndim != 4 or min(w.shape[2:]) < 1:
        raise ValueError(f"w must be (O, C, KH, KW); got shape {w.shape}")
    if w.shape[1] != x.shape[1]:
        raise ValueError(f"w must have {x.shape[1]} channels; got shape {w.shape}")
    if b.shape != (w.shape[0],):
        raise ValueError(f"b must have one entry for each of {w.shape[0]} kernels; got {b.shape}")
    if min(stride) < 1:
        raise ValueError(f"stride must be at least 1; got {stride}")
    if min(padding) < 0:
        raise ValueError(f"padding must not be negative; got {padding}")
    free = [x.shape[2 + a] + 2 * padding[a] - w.shape[2 + a] for a in (0, 1)]
    if min(free) < 0:
        raise ValueError(f"kernel {w.shape[2:]} is larger than the padded image")
    return free[0] // stride[0] + 1, free[1] // stride[1] + 1


def conv2d(x, w, b, stride=(1, 1), padding=(0, 0)):
    """Every channel is convolved on its own, then the channels are added."""
    HO, WO = _sizes(x, w, b, stride, padding)
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    ph, pw = padding
    y = np.zeros((len(x), len(w), HO, WO), dtype)
    for n, image in enumerate(x):
        for o, kernel in enumerate(w):
            for channel, weights in zip(image, kernel):
                padded = np.pad(channel.astype(dtype), ((ph, ph), (pw, pw)))
                y[n, o] += _one_channel(padded, weights, stride, (HO, WO)) + b[o]
    return y


def _one_channel(image, weights, stride, size):
    out = np.zeros(size, image.dtype)
    KH, KW = weights.shape
    for i in range(size[0]):
        for j in range(size[1]):
            r, q = i * stride[0], j * stride[1]
            out[i, j] = (image[r:r + KH, q:q + KW] * weights).sum()
    return out
