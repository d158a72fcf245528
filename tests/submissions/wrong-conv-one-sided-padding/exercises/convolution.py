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
    """Adds up one shifted image for each cell of the kernel."""
    HO, WO = _sizes(x, w, b, stride, padding)
    (sh, sw), (ph, pw) = stride, padding
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    image = np.pad(x.astype(dtype), ((0, 0), (0, 0), (2 * ph, 0), (2 * pw, 0)))
    y = np.zeros((x.shape[0], w.shape[0], HO, WO), dtype)
    for u in range(w.shape[2]):
        for v in range(w.shape[3]):
            seen = image[:, :, u:u + sh * (HO - 1) + 1:sh, v:v + sw * (WO - 1) + 1:sw]
            y += np.einsum("nchw,oc->nohw", seen, w[:, :, u, v])
    return y + b[:, None, None].astype(dtype)
