import numpy as np


def cross_correlate2d(image, kernel):
    """Valid cross-correlation of one channel."""
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError(f"image and kernel need two axes; got {image.shape} and {kernel.shape}")
    H, W = image.shape
    KH, KW = kernel.shape
    if KH < 1 or KW < 1 or KH > H or KW > W:
        raise ValueError(f"a kernel of shape {kernel.shape} does not fit in {image.shape}")
    dtype = np.float32 if image.dtype == np.float32 else np.float64
    image = image.astype(dtype)
    out = np.zeros((H - KH + 1, W - KW + 1), dtype)
    for i in range(H - KH + 1):
        for j in range(W - KW + 1):
            window = image[i:i + KH, j:j + KW]
            out[i, j] = (window * kernel).sum()
    return out


def convolve2d(image, kernel, mode="valid"):
    """True convolution of one channel."""
    raise NotImplementedError


def _sizes(x, w, b, stride, padding):
    """Checks the arguments and gives (HO, WO)."""
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W); got shape {x.shape}")
    if w.ndim != 4 or min(w.shape[2:]) < 1:
        raise ValueError(f"w must be (O, C, KH, KW); got shape {w.shape}")
    if w.shape[1] != x.shape[1]:
        raise ValueError(f"w must have {x.shape[1]} channels; got shape {w.shape}")
    if b.shape != (w.shape[0],):
        raise ValueError(f"b must have one entry for each of {w.shape[0]} kernels; got {b.shape}")
    if min(stride) < 1:
        raise ValueError(f"stride must be at least 1; got {stride}")
    if min(padding) < 0:
        raise ValueError(f"padding must not be negative; got {padding}")
    free = [x.shape[2 + a] + 2 * padding[a] - w.shape[2 + a] for a in (0, 1)]
    if min(free) < 0:
        raise ValueError(f"kernel {w.shape[2:]} is larger than the padded image")
    return free[0] // stride[0] + 1, free[1] // stride[1] + 1


def conv2d(x, w, b, stride=(1, 1), padding=(0, 0)):
    """One output position at a time, all images and kernels at once."""
    HO, WO = _sizes(x, w, b, stride, padding)
    N, C, H, W = x.shape
    O, _, KH, KW = w.shape
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    image = np.zeros((N, C, H + 2 * padding[0], W + 2 * padding[1]), dtype)
    image[:, :, padding[0]:padding[0] + H, padding[1]:padding[1] + W] = x
    y = np.zeros((N, O, HO, WO), dtype)
    for i in range(HO):
        for j in range(WO):
            top, left = i * stride[0], j * stride[1]
            patch = image[:, None, :, top:top + KH, left:left + KW]
            y[:, :, i, j] = (patch * w).sum(axis=(2, 3, 4)) + b
    return y


def im2col(x, kernel, stride=(1, 1), padding=(0, 0)):
    """Every window as a column."""
    raise NotImplementedError


def conv2d_im2col(x, w, b, stride=(1, 1), padding=(0, 0)):
    """Convolution as one matrix product."""
    HO, WO = _sizes(x, w, b, stride, padding)
    columns = _columns(x, w.shape[2:], stride, padding)
    product = w.reshape(len(w), -1) @ columns
    return product.reshape(len(x), len(w), HO, WO) + b[:, None, None]


def _columns(x, kernel, stride, padding):
    """As im2col, but for float arrays only."""
    raise NotImplementedError
