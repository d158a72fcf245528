import numpy as np


def strided_conv2d(x, w, stride):
    """Cross-correlation at every stride-th position."""
    if x.ndim != 4 or w.ndim != 4:
        raise ValueError(f"x and w need four axes; got {x.shape} and {w.shape}")
    N, C, H, W = x.shape
    O, CW, KH, KW = w.shape
    sw, sh = stride
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
