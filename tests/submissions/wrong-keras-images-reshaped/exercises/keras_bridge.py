import numpy as np


def images_from_keras(images):
    """(N, H, W, C) to (N, C, H, W)"""
    if images.ndim != 4:
        raise ValueError(f"images must have four axes; got shape {images.shape}")
    N, H, W, C = images.shape
    dtype = np.float32 if images.dtype == np.float32 else np.float64
    return images.reshape(N, C, H, W).astype(dtype)
