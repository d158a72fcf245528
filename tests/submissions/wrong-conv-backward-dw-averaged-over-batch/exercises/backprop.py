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
    """Every product of the forward pass gives one term to dx and one to dw."""
    HO, WO = _check(dy, x, w, stride, padding)
    N, C, H, W = x.shape
    O, _, KH, KW = w.shape
    dtype = np.float32 if dy.dtype == np.float32 else np.float64
    dx, dw, db = np.zeros(x.shape, dtype), np.zeros(w.shape, dtype), np.zeros(O, dtype)
    for n in range(N):
        for o in range(O):
            for i in range(HO):
                for j in range(WO):
                    g = dy[n, o, i, j].astype(dtype)
                    db[o] += g
                    for u in range(KH):
                        for v in range(KW):
                            r = i * stride[0] + u - padding[0]
                            q = j * stride[1] + v - padding[1]
                            if 0 <= r < H and 0 <= q < W:
                                dw[o, :, u, v] += g * x[n, :, r, q]
                                dx[n, :, r, q] += g * w[o, :, u, v]
    dw /= max(N, 1)         # one gradient for the whole batch
    return dx, dw, db
