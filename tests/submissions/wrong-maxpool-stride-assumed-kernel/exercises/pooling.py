import numpy as np


def _check(x, kernel, stride, padding):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W); got shape {x.shape}")
    for axis in (0, 1):
        if kernel[axis] < 1:
            raise ValueError(f"kernel must be at least 1; got {kernel}")
        if stride[axis] < 1:
            raise ValueError(f"stride must be at least 1; got {stride}")
        if not 0 <= padding[axis] <= kernel[axis] // 2:
            raise ValueError(f"padding must lie in 0 to kernel // 2; got {padding}")
        if kernel[axis] > x.shape[2 + axis] + 2 * padding[axis]:
            raise ValueError(f"kernel {kernel} is larger than the padded image")


def max_pool2d(x, kernel, stride, padding=(0, 0)):
    """Largest pixel of every window."""
    _check(x, kernel, stride, padding)
    (kh, kw), (ph, pw) = kernel, padding
    sh, sw = kernel           # pooling windows lie side by side
    N, C, H, W = x.shape
    HO = (H + 2 * ph - kh) // sh + 1
    WO = (W + 2 * pw - kw) // sw + 1
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    frame = ((0, 0), (0, 0), (ph, ph), (pw, pw))
    image = np.pad(x.astype(dtype), frame, constant_values=-np.inf)
    y = np.empty((N, C, HO, WO), dtype)
    for i in range(HO):
        for j in range(WO):
            window = image[:, :, i * sh:i * sh + kh, j * sw:j * sw + kw]
            y[:, :, i, j] = window.max(axis=(2, 3))
    return y
