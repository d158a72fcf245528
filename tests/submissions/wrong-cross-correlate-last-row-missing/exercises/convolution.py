import numpy as np


def cross_correlate2d(image, kernel):
    """Valid cross-correlation of one channel."""
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError(f"image and kernel need two axes; got {image.shape} and {kernel.shape}")
    H, W = image.shape
    KH, KW = kernel.shape
    if KH < 1 or KW < 1 or KH > H or KW > W:
        raise ValueError(f"a kernel of shape {kernel.shape} does not fit in {image.shape}")
    dtype = np.float32 if image.dtype == np.float32 else np.float64
    image = image.astype(dtype)
    out = np.zeros((H - KH + 1, W - KW + 1), dtype)
    for i in range(H - KH):
        for j in range(W - KW):
            window = image[i:i + KH, j:j + KW]
            out[i, j] = (window * kernel).sum()
    return out
