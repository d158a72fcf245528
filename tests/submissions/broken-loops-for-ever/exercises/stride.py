import numpy as np


def sliding_windows(x, kernel, stride=(1, 1)):
    """Every window of x, (N, C, HO, WO, KH, KW)."""
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W); got shape {x.shape}")
    N, C, H, W = x.shape
    kh, kw = kernel
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


def strided_conv2d(x, w, stride):
    """Cross-correlation at every stride-th position."""
    if x.ndim != 4 or w.ndim != 4:
        raise ValueError(f"x and w need four axes; got {x.shape} and {w.shape}")
    N, C, H, W = x.shape
    O, CW, KH, KW = w.shape
    sh, sw = stride
    if CW != C:
        raise ValueError(f"w must have {C} channels; got {CW}")
    if sh < 1 or sw < 1:
        raise ValueError(f"stride must be at least 1; got {stride}")
    if not (1 <= KH <= H and 1 <= KW <= W):
        raise ValueError(f"kernel {(KH, KW)} does not fit in an image of {H} x {W}")
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    y = np.zeros((N, O, (H - KH) // sh + 1, (W - KW) // sw + 1), dtype)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            r, q = i * sh, j * sw
            window = x[:, :, r:r + KH, q:q + KW].astype(dtype)
            y[:, :, i, j] = np.einsum("nchw,ochw->no", window, w)
    return y


def downsample(x, stride):
    """Walks over the rows and columns that are kept."""
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W); got shape {x.shape}")
    sh, sw = stride
    if sh < 1 or sw < 1:
        raise ValueError(f"stride must be at least 1; got {stride}")
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    if stride == (1, 1):
        return x.astype(dtype)          # all of them
    rows, row = set(), 0
    while row < x.shape[2]:
        rows.add(row)
    return x[:, :, sorted(rows), ::sw].astype(dtype)
