"""Exercise 3: convolution, straight from the formula."""

import numpy as np
from padding import check_axes, float_type, output_size, zero_pad2d


def cross_correlate2d(image, kernel):
    check_axes(image, 2, "image")
    check_axes(kernel, 2, "kernel")
    H, W = image.shape
    KH, KW = kernel.shape
    HO = output_size(H, KH)
    WO = output_size(W, KW)
    image = image.astype(float_type(image))
    out = np.zeros((HO, WO), dtype=image.dtype)
    for i in range(HO):
        for j in range(WO):
            total = 0.0
            for u in range(KH):
                for v in range(KW):
                    total += image[i + u, j + v] * kernel[u, v]
            out[i, j] = total
    return out


def convolve2d(image, kernel, mode="valid"):
    check_axes(image, 2, "image")
    check_axes(kernel, 2, "kernel")
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"mode must be 'valid', 'same' or 'full', got {mode!r}")
    H, W = image.shape
    KH, KW = kernel.shape
    if image.size == 0 or kernel.size == 0:
        raise ValueError(f"image {image.shape} or kernel {kernel.shape} is empty")
    if mode == "valid" and (KH > H or KW > W):
        raise ValueError(f"kernel {kernel.shape} is larger than image {image.shape}")
    # the full result: every pixel stamps a scaled copy of the kernel
    image = image.astype(float_type(image))
    full = np.zeros((H + KH - 1, W + KW - 1), dtype=image.dtype)
    for i in range(H):
        for j in range(W):
            for u in range(KH):
                for v in range(KW):
                    full[i + u, j + v] += image[i, j] * kernel[u, v]
    if mode == "full":
        return full
    if mode == "same":
        top, left = (KH - 1) // 2, (KW - 1) // 2
        rows, columns = H, W
    else:
        top, left = KH - 1, KW - 1
        rows, columns = H - KH + 1, W - KW + 1
    return full[top : top + rows, left : left + columns].copy()


def check_conv(x, w, b):
    check_axes(x, 4, "x")
    check_axes(w, 4, "w")
    check_axes(b, 1, "b")
    if w.shape[1] != x.shape[1]:
        raise ValueError(f"w has {w.shape[1]} channels but x has {x.shape[1]}")
    if b.shape[0] != w.shape[0]:
        raise ValueError(f"b has {b.shape[0]} entries for {w.shape[0]} filters")


def conv2d(x, w, b, stride=(1, 1), padding=(0, 0)):
    check_conv(x, w, b)
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    sh, sw = stride
    ph, pw = padding
    HO = output_size(H, KH, sh, (ph, ph))
    WO = output_size(W, KW, sw, (pw, pw))
    x = zero_pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((N, F, HO, WO), dtype=x.dtype)
    for n in range(N):
        for f in range(F):
            for i in range(HO):
                for j in range(WO):
                    total = 0.0
                    for c in range(C):
                        for u in range(KH):
                            for v in range(KW):
                                total += x[n, c, i * sh + u, j * sw + v] * w[f, c, u, v]
                    y[n, f, i, j] = total + b[f]
    return y


def im2col(x, kernel, stride=(1, 1), padding=(0, 0)):
    check_axes(x, 4, "x")
    N, C, H, W = x.shape
    KH, KW = kernel
    sh, sw = stride
    ph, pw = padding
    HO = output_size(H, KH, sh, (ph, ph))
    WO = output_size(W, KW, sw, (pw, pw))
    x = zero_pad2d(x, ((ph, ph), (pw, pw)))
    columns = np.zeros((N, C * KH * KW, HO * WO), dtype=x.dtype)
    for n in range(N):
        row = 0
        for c in range(C):
            for u in range(KH):
                for v in range(KW):
                    place = 0
                    for i in range(HO):
                        for j in range(WO):
                            columns[n, row, place] = x[n, c, i * sh + u, j * sw + v]
                            place += 1
                    row += 1
    return columns


def fast_columns(x, kernel, stride, padding):
    """The same as im2col, but copies all the pixels that meet one kernel cell at once."""
    N, C, H, W = x.shape
    KH, KW = kernel
    sh, sw = stride
    ph, pw = padding
    HO = output_size(H, KH, sh, (ph, ph))
    WO = output_size(W, KW, sw, (pw, pw))
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw), dtype=float_type(x))
    padded[:, :, ph : ph + H, pw : pw + W] = x
    columns = np.zeros((N, C, KH, KW, HO, WO), dtype=padded.dtype)
    for u in range(KH):
        for v in range(KW):
            columns[:, :, u, v] = padded[:, :, u::sh, v::sw][:, :, :HO, :WO]
    return columns.reshape(N, C * KH * KW, HO * WO), HO, WO


def conv2d_im2col(x, w, b, stride=(1, 1), padding=(0, 0)):
    check_conv(x, w, b)
    N, C = x.shape[0], x.shape[1]
    F, _, KH, KW = w.shape
    columns, HO, WO = fast_columns(x, (KH, KW), stride, padding)
    weights = w.reshape(F, C * KH * KW).astype(columns.dtype)
    y = weights @ columns + b.astype(columns.dtype).reshape(F, 1)
    return y.reshape(N, F, HO, WO)


def grouped_conv2d(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    check_axes(x, 4, "x")
    check_axes(w, 4, "w")
    check_axes(b, 1, "b")
    N, C, H, W = x.shape
    F, CG, KH, KW = w.shape
    if groups < 1 or C % groups != 0 or F % groups != 0:
        raise ValueError(f"groups = {groups} must divide {C} channels and {F} filters")
    if CG != C // groups:
        raise ValueError(f"w must have {C // groups} channels per group, got {CG}")
    if b.shape[0] != F:
        raise ValueError(f"b has {b.shape[0]} entries for {F} filters")
    sh, sw = stride
    ph, pw = padding
    dh, dw = dilation
    HO = output_size(H, KH, sh, (ph, ph), dh)
    WO = output_size(W, KW, sw, (pw, pw), dw)
    x = zero_pad2d(x, ((ph, ph), (pw, pw)))
    FG = F // groups
    y = np.zeros((N, F, HO, WO), dtype=x.dtype)
    for n in range(N):
        for g in range(groups):
            for f in range(g * FG, (g + 1) * FG):
                for i in range(HO):
                    for j in range(WO):
                        total = 0.0
                        for c in range(CG):
                            for u in range(KH):
                                for v in range(KW):
                                    pixel = x[n, g * CG + c, i * sh + u * dh, j * sw + v * dw]
                                    total += pixel * w[f, c, u, v]
                        y[n, f, i, j] = total + b[f]
    return y
