import numpy as np
from numpy.lib.stride_tricks import as_strided


def sliding_windows(x, kernel, stride=(1, 1)):
    """Windows by strides, computed by hand."""
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W); got shape {x.shape}")
    N, C, H, W = x.shape
    (kh, kw), (sh, sw) = kernel, stride
    if min(kernel) < 1 or kh > H or kw > W:
        raise ValueError(f"kernel {kernel} does not fit in an image of {H} x {W}")
    if min(stride) < 1:
        raise ValueError(f"stride must be at least 1; got {stride}")
    if x.dtype != np.float32:
        x = x.astype(np.float64)
    pixels = x.ravel(order="K")         # the pixels as they lie in memory
    step = pixels.itemsize
    row, channel, image = W * step, H * W * step, C * H * W * step
    shape = (N, C, (H - kh) // sh + 1, (W - kw) // sw + 1, kh, kw)
    return as_strided(pixels, shape, (image, channel, sh * row, sw * step, row, step)).copy()
