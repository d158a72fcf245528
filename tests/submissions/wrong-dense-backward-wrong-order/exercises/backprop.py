import numpy as np


def dense_backward(dy, x, w):
    """(dx, dw, db) of y = x @ w + b."""
    if dy.ndim != 2 or x.ndim != 2 or w.ndim != 2:
        raise ValueError(f"dy, x and w need two axes; got {dy.shape}, {x.shape}, {w.shape}")
    if x.shape[1] != w.shape[0]:
        raise ValueError(f"w must have {x.shape[1]} rows; got shape {w.shape}")
    if dy.shape != (x.shape[0], w.shape[1]):
        raise ValueError(f"dy must have shape {(x.shape[0], w.shape[1])}; got {dy.shape}")
    dtype = np.float32 if dy.dtype == np.float32 else np.float64
    dy = dy.astype(dtype)
    dx = dy @ w.T.astype(dtype)
    dw = x.T.astype(dtype) @ dy
    db = dy.sum(axis=0)
    return dw, dx, db
