import numpy as np


def global_avg_pool2d(x):
    """Mean of every channel of every image."""
    if x.ndim != 4 or x.shape[2] == 0 or x.shape[3] == 0:
        raise ValueError(f"x must be (N, C, H, W) with pixels; got shape {x.shape}")
    return x.mean(axis=(2, 3), dtype=np.float64)      # as exact as possible
