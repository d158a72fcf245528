import numpy as np


def col2im(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
    """Turns columns back into the image: col2im(im2col(x)) is x."""
    N, C, H, W = shape
    (KH, KW), (sh, sw), (ph, pw) = kernel, stride, padding
    if min(KH, KW, sh, sw) < 1 or min(ph, pw) < 0:
        raise ValueError(f"impossible kernel, stride or padding: {kernel}, {stride}, {padding}")
    if KH > H + 2 * ph or KW > W + 2 * pw:
        raise ValueError(f"kernel {kernel} is larger than the padded image {shape}")
    HO = (H + 2 * ph - KH) // sh + 1
    WO = (W + 2 * pw - KW) // sw + 1
    if columns.shape != (N, C * KH * KW, HO * WO):
        raise ValueError(f"columns must have shape {(N, C * KH * KW, HO * WO)}; got {columns.shape}")
    dtype = np.float32 if columns.dtype == np.float32 else np.float64
    total = np.zeros((N, C, H + 2 * ph, W + 2 * pw), dtype)
    count = np.zeros((H + 2 * ph, W + 2 * pw), total.dtype)
    for k in range(HO * WO):
        top, left = k // WO * sh, k % WO * sw
        total[:, :, top:top + KH, left:left + KW] += columns[:, :, k].reshape(N, C, KH, KW)
        count[top:top + KH, left:left + KW] += 1
    return (total / np.maximum(count, 1))[:, :, ph:ph + H, pw:pw + W].copy()
