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
    """Image after image."""
    HO, WO = _check(dy, x, w, stride, padding)
    N, C, H, W = x.shape
    O, _, KH, KW = w.shape
    (sh, sw), (ph, pw) = stride, padding
    dtype = np.float32 if dy.dtype == np.float32 else np.float64
    dx, dw, db = np.zeros(x.shape, dtype), np.zeros(w.shape, dtype), np.zeros(O, dtype)
    for n in range(N):
        image = np.pad(x[n].astype(dtype), ((0, 0), (ph, ph), (pw, pw)))
        dimage = np.zeros_like(image)
        for u in range(KH):
            for v in range(KW):
                seen = (slice(None), slice(u, u + sh * (HO - 1) + 1, sh), slice(v, v + sw * (WO - 1) + 1, sw))
                dw[:, :, u, v] = np.einsum("oij,cij->oc", dy[n], image[seen])
                dimage[seen] += np.einsum("oij,oc->cij", dy[n], w[:, :, u, v])
        dx[n] = dimage[:, ph:ph + H, pw:pw + W]
        db += dy[n].sum(axis=(1, 2))
    return dx, dw, db
