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
    """Convolution of an image with all kernels."""
    HO, WO = _sizes(x, w, b, stride, padding)
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    y = np.zeros((x.shape[0], w.shape[0], HO, WO), dtype)
    if x.shape[0] == 0:
        return y
    ph, pw = padding
    KH, KW = w.shape[2:]
    image = np.pad(x[0].astype(dtype), ((0, 0), (ph, ph), (pw, pw)))
    for o in range(w.shape[0]):
        for i in range(HO):
            for j in range(WO):
                top, left = i * stride[0], j * stride[1]
                y[:, o, i, j] = np.sum(image[:, top:top + KH, left:left + KW] * w[o]) + b[o]
    return y
