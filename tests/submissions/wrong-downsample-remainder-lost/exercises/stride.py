import numpy as np


def downsample(x, stride):
    """Picks the pixels (i * sh, j * sw)."""
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W); got shape {x.shape}")
    sh, sw = stride
    if sh < 1 or sw < 1:
        raise ValueError(f"stride must be at least 1; got {stride}")
    N, C, H, W = x.shape
    out = np.zeros((N, C, H // sh, W // sw), np.float32 if x.dtype == np.float32 else np.float64)
    for i in range(H // sh):
        for j in range(W // sw):
            out[:, :, i, j] = x[:, :, i * sh, j * sw]
    return out
