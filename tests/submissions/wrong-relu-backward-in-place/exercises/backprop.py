import numpy as np


def relu_backward(dy, x):
    """Only units that were on pass a gradient."""
    if dy.shape != x.shape:
        raise ValueError(f"dy must have the shape of x, {x.shape}; got {dy.shape}")
    if dy.dtype not in (np.float32, np.float64):
        dy = dy.astype(np.float64)
    mask = x > 0
    dy *= mask
    return dy.copy()
