import numpy as np
from scipy.signal import correlate2d


def cross_correlate2d(image, kernel):
    """SciPy has it already."""
    return correlate2d(image, kernel, mode="valid")


def convolve2d(image, kernel, mode="valid"):
    """True convolution of one channel."""
    if image.ndim != 2 or kernel.ndim != 2 or kernel.size == 0:
        raise ValueError(f"image and kernel need two axes; got {image.shape} and {kernel.shape}")
    H, W = image.shape
    KH, KW = kernel.shape
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"mode must be valid, same or full; got {mode!r}")
    if mode == "valid" and (KH > H or KW > W):
        raise ValueError(f"kernel {kernel.shape} is larger than image {image.shape}")
    dtype = np.float32 if image.dtype == np.float32 else np.float64
    full = np.zeros((H + KH - 1, W + KW - 1), dtype)
    for u in range(KH):
        for v in range(KW):
            full[u:u + H, v:v + W] += kernel[u, v] * image.astype(dtype)
    if mode == "full":
        return full
    if mode == "same":
        top, left = (KH - 1) // 2, (KW - 1) // 2
        return full[top:top + H, left:left + W].copy()
    return full[KH - 1:H, KW - 1:W].copy()
