import numpy as np


def cross_correlate2d(image, kernel):
    """Single precision is enough for pixels, and faster."""
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError(f"image and kernel need two axes; got {image.shape} and {kernel.shape}")
    if kernel.size == 0 or kernel.shape[0] > image.shape[0] or kernel.shape[1] > image.shape[1]:
        raise ValueError(f"the kernel {kernel.shape} does not fit in the image {image.shape}")
    dtype = np.float32 if image.dtype == np.float32 else np.float64
    pixels = image.astype(np.float32)
    weights = kernel.astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, kernel.shape)
    return np.tensordot(windows, weights, axes=((2, 3), (0, 1))).astype(dtype)
