import numpy as np


def convolve2d(image, kernel, mode="valid"):
    """True convolution: turn the kernel round, then correlate."""
    if image.ndim != 2 or kernel.ndim != 2 or kernel.size == 0:
        raise ValueError(f"image and kernel need two axes; got {image.shape} and {kernel.shape}")
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"mode must be valid, same or full; got {mode!r}")
    KH, KW = kernel.shape
    H, W = image.shape
    flipped = kernel[::-1]
    if mode == "valid":
        if KH > H or KW > W:
            raise ValueError(f"kernel {kernel.shape} is larger than image {image.shape}")
        rows, cols = (0, 0), (0, 0)
    elif mode == "same":
        rows, cols = (KH // 2, (KH - 1) // 2), (KW // 2, (KW - 1) // 2)
    else:
        rows, cols = (KH - 1, KH - 1), (KW - 1, KW - 1)
    dtype = np.float32 if image.dtype == np.float32 else np.float64
    padded = np.pad(image.astype(dtype), (rows, cols))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (KH, KW))
    return np.einsum("ijuv,uv->ij", windows, flipped).astype(dtype)
