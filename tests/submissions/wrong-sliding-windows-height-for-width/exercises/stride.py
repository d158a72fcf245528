import numpy as np


def sliding_windows(x, kernel, stride=(1, 1)):
    """Every window of x, (N, C, HO, WO, KH, KW)."""
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W); got shape {x.shape}")
    N, C, H, W = x.shape
    kh = kw = kernel[0]         # kernels are square
    sh, sw = stride
    if kh < 1 or kw < 1 or kh > H or kw > W:
        raise ValueError(f"kernel {kernel} does not fit in an image of {H} x {W}")
    if sh < 1 or sw < 1:
        raise ValueError(f"stride must be at least 1; got {stride}")
    HO = (H - kh) // sh + 1
    WO = (W - kw) // sw + 1
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    out = np.empty((N, C, HO, WO, kh, kw), dtype)
    for i in range(HO):
        for j in range(WO):
            out[:, :, i, j] = x[:, :, i * sh:i * sh + kh, j * sw:j * sw + kw]
    return out
