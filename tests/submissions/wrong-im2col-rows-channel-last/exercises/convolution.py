import numpy as np


def im2col(x, kernel, stride=(1, 1), padding=(0, 0)):
    """Every window as a column."""
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W); got shape {x.shape}")
    N, C, H, W = x.shape
    (KH, KW), (sh, sw), (ph, pw) = kernel, stride, padding
    if KH < 1 or KW < 1 or sh < 1 or sw < 1 or ph < 0 or pw < 0:
        raise ValueError(f"impossible kernel, stride or padding: {kernel}, {stride}, {padding}")
    if KH > H + 2 * ph or KW > W + 2 * pw:
        raise ValueError(f"kernel {kernel} is larger than the padded image")
    HO = (H + 2 * ph - KH) // sh + 1
    WO = (W + 2 * pw - KW) // sw + 1
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    image = np.pad(x.astype(dtype), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    columns = np.zeros((N, KH, KW, C, HO, WO), dtype)
    for u in range(KH):
        for v in range(KW):
            columns[:, u, v] = image[:, :, u::sh, v::sw][:, :, :HO, :WO]
    return columns.reshape(N, C * KH * KW, HO * WO)
