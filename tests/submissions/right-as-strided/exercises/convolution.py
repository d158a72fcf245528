"""Chapter 3."""

import numpy as np
from windows import as_matrix, as_real, padded_view, require, surround, window_view


def cross_correlate2d(image, kernel):
    require(image.ndim == 2, f"image must be (H, W), not {image.shape}")
    require(kernel.ndim == 2, f"kernel must be (KH, KW), not {kernel.shape}")
    image = as_real(image)
    view = window_view(image, kernel.shape)
    ho, wo, kh, kw = view.shape
    rows = view.reshape(ho * wo, kh * kw)
    return (rows @ kernel.reshape(kh * kw).astype(image.dtype)).reshape(ho, wo)


def convolve2d(image, kernel, mode="valid"):
    require(image.ndim == 2, f"image must be (H, W), not {image.shape}")
    require(kernel.ndim == 2, f"kernel must be (KH, KW), not {kernel.shape}")
    require(mode in ("valid", "same", "full"), f"mode {mode!r} is unknown")
    kh, kw = kernel.shape
    require(kernel.size > 0, f"kernel is empty: {kernel.shape}")
    require(image.size > 0, f"image is empty: {image.shape}")
    image = as_real(image)
    # zeros before and after, so that cross-correlation with the flipped kernel does the rest
    extra = {
        "valid": ((0, 0), (0, 0)),
        "same": ((kh // 2, (kh - 1) // 2), (kw // 2, (kw - 1) // 2)),
        "full": ((kh - 1, kh - 1), (kw - 1, kw - 1)),
    }
    return cross_correlate2d(surround(image, extra[mode]), np.flip(kernel))


def check(x, w, b=None):
    require(x.ndim == 4, f"x must be (N, C, H, W), not {x.shape}")
    require(w.ndim == 4, f"w must be (O, C, KH, KW), not {w.shape}")
    require(w.shape[1] == x.shape[1], f"w has {w.shape[1]} channels, x has {x.shape[1]}")
    if b is not None:
        require(b.shape == w.shape[:1], f"b must be {w.shape[:1]}, not {b.shape}")


def conv2d(x, w, b, stride=(1, 1), padding=(0, 0)):
    check(x, w, b)
    x = as_real(x)
    view = padded_view(x, w.shape[2:], stride, padding)
    n, _, ho, wo = view.shape[:4]
    matrix = as_matrix(view)
    y = matrix @ w.reshape(len(w), matrix.shape[1]).T.astype(x.dtype)
    y += b.astype(x.dtype)
    return y.reshape(n, ho, wo, len(w)).transpose(0, 3, 1, 2).copy()


def im2col(x, kernel, stride=(1, 1), padding=(0, 0)):
    require(x.ndim == 4, f"x must be (N, C, H, W), not {x.shape}")
    x = as_real(x)
    view = padded_view(x, kernel, stride, padding)
    n, c, ho, wo, kh, kw = view.shape
    # .copy() first: a reshape alone could still be a view of x (a kernel of one pixel)
    return view.transpose(0, 1, 4, 5, 2, 3).copy().reshape(n, c * kh * kw, ho * wo)


def conv2d_im2col(x, w, b, stride=(1, 1), padding=(0, 0)):
    check(x, w, b)
    view = padded_view(as_real(x), w.shape[2:], stride, padding)
    n, _, ho, wo = view.shape[:4]
    columns = im2col(x, w.shape[2:], stride, padding)
    y = w.reshape(len(w), columns.shape[1]).astype(columns.dtype) @ columns
    y += b.reshape(len(b), 1).astype(columns.dtype)
    return y.reshape(n, len(w), ho, wo)


def grouped_conv2d(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    require(x.ndim == 4, f"x must be (N, C, H, W), not {x.shape}")
    require(w.ndim == 4, f"w must be (O, C / groups, KH, KW), not {w.shape}")
    c, o = x.shape[1], w.shape[0]
    require(groups >= 1, f"groups must be at least 1, not {groups}")
    require(c % groups == 0 and o % groups == 0, f"groups {groups} must divide {c} and {o}")
    require(w.shape[1] == c // groups, f"w must have {c // groups} channels, not {w.shape[1]}")
    require(b.shape == (o,), f"b must be ({o},), not {b.shape}")
    x = as_real(x)
    view = padded_view(x, w.shape[2:], stride, padding, dilation)
    n, _, ho, wo = view.shape[:4]
    y = np.empty((n, o, ho, wo), dtype=x.dtype)
    ci, co = c // groups, o // groups
    for g in range(groups):
        rows = as_matrix(view[:, g * ci : (g + 1) * ci])
        kernels = w[g * co : (g + 1) * co].reshape(co, rows.shape[1]).astype(x.dtype)
        part = rows @ kernels.T + b[g * co : (g + 1) * co].astype(x.dtype)
        y[:, g * co : (g + 1) * co] = part.reshape(n, ho, wo, co).transpose(0, 3, 1, 2)
    return y
