import numpy as np


def _check(dy, x, w, stride, padding):
    """Checks the geometry and gives (HO, WO)."""
    if x.ndim != 4 or w.ndim != 4 or dy.ndim != 4:
        raise ValueError(f"dy, x and w need four axes; got {dy.shape}, {x.shape}, {w.shape}")
    if w.shape[1] != x.shape[1]:
        raise ValueError(f"w must have {x.shape[1]} channels; got shape {w.shape}")
    if min(stride) < 1 or min(padding) < 0 or min(w.shape[2:]) < 1:
        raise ValueError(f"impossible kernel, stride or padding: {w.shape}, {stride}, {padding}")
    HO = (x.shape[2] + 2 * padding[0] - w.shape[2]) // stride[0] + 1
    WO = (x.shape[3] + 2 * padding[1] - w.shape[3]) // stride[1] + 1
    if HO < 1 or WO < 1:
        raise ValueError(f"kernel {w.shape[2:]} is larger than the padded image")
    if dy.shape != (len(x), len(w), HO, WO):
        raise ValueError(f"dy must have shape {(len(x), len(w), HO, WO)}; got {dy.shape}")
    return HO, WO


def conv2d_backward(dy, x, w, stride=(1, 1), padding=(0, 0)):
    """Gradients of conv2d, one output position after the other."""
    HO, WO = _check(dy, x, w, stride, padding)
    N, C, H, W = x.shape
    KH, KW = w.shape[2:]
    ph, pw = padding
    dtype = np.float32 if dy.dtype == np.float32 else np.float64
    dy = dy.astype(dtype)
    image = np.pad(x.astype(dtype), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dimage = np.zeros(image.shape, dtype)
    dw = np.zeros(w.shape, dtype)
    for i in range(HO):
        for j in range(WO):
            top, left = i * stride[0], j * stride[1]
            rows, cols = slice(top, top + KH), slice(left, left + KW)
            g = dy[:, :, i, j]
            dw += np.einsum("no,ncuv->ocuv", g, image[:, :, rows, cols])
            dimage[:, :, rows, cols] += np.einsum("no,ocuv->ncuv", g, w)
    db = dy.sum(axis=(0, 2, 3))
    dx = dimage[:, :, ph:-ph, pw:-pw].copy()
    return dx, dw, db
