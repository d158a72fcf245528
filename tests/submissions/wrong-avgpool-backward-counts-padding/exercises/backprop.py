import numpy as np


def _check(dy, x, kernel, stride, padding):
    """Checks the geometry and gives (HO, WO)."""
    if x.ndim != 4 or dy.ndim != 4:
        raise ValueError(f"dy and x need four axes; got {dy.shape} and {x.shape}")
    if min(kernel) < 1 or min(stride) < 1:
        raise ValueError(f"kernel and stride must be at least 1; got {kernel} and {stride}")
    if not (0 <= padding[0] <= kernel[0] // 2 and 0 <= padding[1] <= kernel[1] // 2):
        raise ValueError(f"padding must lie in 0 to kernel // 2; got {padding}")
    free = [x.shape[2 + a] + 2 * padding[a] - kernel[a] for a in (0, 1)]
    if min(free) < 0:
        raise ValueError(f"kernel {kernel} is larger than the padded image")
    size = free[0] // stride[0] + 1, free[1] // stride[1] + 1
    if dy.shape != x.shape[:2] + size:
        raise ValueError(f"dy must have shape {x.shape[:2] + size}; got {dy.shape}")
    return size


def avg_pool2d_backward(dy, x, kernel, stride, padding=(0, 0)):
    """Works on a padded gradient and cuts the frame off at the end."""
    HO, WO = _check(dy, x, kernel, stride, padding)
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    N, C, H, W = x.shape
    dx = np.zeros((N, C, H + 2 * ph, W + 2 * pw), np.float32 if dy.dtype == np.float32 else np.float64)
    for i in range(HO):
        for j in range(WO):
            rows, cols = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
            share = dy[:, :, i, j] / (kh * kw)
            dx[:, :, rows, cols] += share[:, :, None, None]
    return dx[:, :, ph:ph + H, pw:pw + W].copy()
