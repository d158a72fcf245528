import numpy as np


def convolve2d(image, kernel, mode="valid"):
    """Pads for the mode, then slides the kernel over the image."""
    if image.ndim != 2 or kernel.ndim != 2 or kernel.size == 0:
        raise ValueError(f"image and kernel need two axes; got {image.shape} and {kernel.shape}")
    KH, KW = kernel.shape
    if mode == "valid":
        frame = ((0, 0), (0, 0))
    elif mode == "full":
        frame = ((KH - 1, KH - 1), (KW - 1, KW - 1))
    elif mode == "same":
        frame = ((KH // 2, (KH - 1) // 2), (KW // 2, (KW - 1) // 2))
    else:
        raise ValueError(f"mode is unknown: {mode!r}")
    if image.dtype != np.float32:
        image = image.astype(np.float64)
    image = np.pad(image, frame)
    HO, WO = image.shape[0] - KH + 1, image.shape[1] - KW + 1
    if HO < 1 or WO < 1:
        raise ValueError(f"kernel {kernel.shape} does not fit in the image")
    out = np.zeros((HO, WO), image.dtype)
    for i in range(HO):
        for j in range(WO):
            out[i, j] = np.sum(image[i:i + KH, j:j + KW] * kernel)
    return out
