import numpy as np


def convolve2d(image, kernel, mode="valid"):
    """Convolution with the kernel flipped on both axes."""
    if image.ndim != 2 or kernel.ndim != 2 or kernel.size == 0:
        raise ValueError(f"image and kernel need two axes; got {image.shape} and {kernel.shape}")
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"mode must be valid, same or full; got {mode!r}")
    kernel = np.rot90(kernel, 2)
    H, W = image.shape
    KH, KW = kernel.shape
    if KH > H or KW > W:
        raise ValueError(f"kernel {kernel.shape} is larger than image {image.shape}")
    dtype = np.float32 if image.dtype == np.float32 else np.float64
    out = np.zeros((H - KH + 1, W - KW + 1), dtype)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = np.sum(image[i:i + KH, j:j + KW].astype(dtype) * kernel)
    return out
