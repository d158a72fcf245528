import numpy as np

BLOCK = 8


def cross_correlate2d(image, kernel):
    """Works on blocks of eight rows, which stay in the cache."""
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError(f"image and kernel need two axes; got {image.shape} and {kernel.shape}")
    H, W = image.shape
    KH, KW = kernel.shape
    if not (1 <= KH <= H and 1 <= KW <= W):
        raise ValueError(f"the kernel {kernel.shape} does not fit in the image {image.shape}")
    dtype = np.float32 if image.dtype == np.float32 else np.float64
    image = image.astype(dtype)
    HO, WO = H - KH + 1, W - KW + 1
    out = np.zeros((HO, WO), dtype)
    for top in range(0, H, BLOCK):
        block = image[top:top + BLOCK]
        for u in range(KH):
            rows = block[u:][:max(HO - top, 0)]
            for v in range(KW):
                out[top:top + len(rows)] += kernel[u, v] * rows[:, v:v + WO]
    return out
