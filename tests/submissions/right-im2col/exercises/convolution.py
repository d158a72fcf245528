import numpy as np

from exercises.padding import need_4d, output_size, pad_with, to_float


def output_shape(x, kernel, stride, padding, dilation=(1, 1)):
    """Return (HO, WO)."""
    return tuple(
        output_size(size, k, s, (p, p), d)
        for size, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation)
    )


def index_table(channels, height, width, kernel, stride, out, dilation=(1, 1)):
    """Where each entry of the columns lies in a flattened (C, H, W) image.

    Returns an integer array (C*KH*KW, HO*WO).
    """
    kh, kw = kernel
    ho, wo = out
    rows = np.arange(kh)[:, None] * dilation[0] + np.arange(ho) * stride[0]  # (KH, HO)
    cols = np.arange(kw)[:, None] * dilation[1] + np.arange(wo) * stride[1]  # (KW, WO)
    plane = rows[:, None, :, None] * width + cols[None, :, None, :]  # (KH, KW, HO, WO)
    planes = np.arange(channels)[:, None, None, None, None] * (height * width) + plane
    return planes.reshape(channels * kh * kw, ho * wo)


def gather(x, kernel, stride, padding, dilation=(1, 1), fill=0.0):
    """im2col for any fill value and dilation: (N, C*KH*KW, HO*WO)."""
    out = output_shape(x, kernel, stride, padding, dilation)
    ph, pw = padding
    x = pad_with(x, ((ph, ph), (pw, pw)), fill)
    n, c, h, w = x.shape
    table = index_table(c, h, w, kernel, stride, out, dilation)
    return x.reshape(n, c * h * w)[:, table]


def check_weights(x, w, b=None):
    need_4d(w, "w")
    if w.shape[1] != x.shape[1]:
        raise ValueError(f"w should have {x.shape[1]} channels but its shape is {w.shape}")
    if b is not None and b.shape != (w.shape[0],):
        raise ValueError(f"b should have shape ({w.shape[0]},) but has {b.shape}")


def cross_correlate2d(image, kernel):
    image = to_float(image)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError(f"image and kernel should be 2-D, not {image.shape}, {kernel.shape}")
    x = image[None, None]
    out = output_shape(x, kernel.shape, (1, 1), (0, 0))
    columns = gather(x, kernel.shape, (1, 1), (0, 0))[0]
    return (kernel.ravel().astype(image.dtype) @ columns).reshape(out)


def convolve2d(image, kernel, mode="valid"):
    if image.ndim != 2 or kernel.ndim != 2 or 0 in image.shape + kernel.shape:
        raise ValueError(f"image {image.shape} and kernel {kernel.shape} should be full and 2-D")
    kh, kw = kernel.shape
    if mode == "valid":
        around = ((0, 0), (0, 0))
    elif mode == "full":
        around = ((kh - 1, kh - 1), (kw - 1, kw - 1))
    elif mode == "same":
        around = ((kh // 2, (kh - 1) // 2), (kw // 2, (kw - 1) // 2))
    else:
        raise ValueError(f"mode should be 'valid', 'same' or 'full' but is {mode!r}")
    padded = pad_with(to_float(image)[None, None], around, 0)[0, 0]
    return cross_correlate2d(padded, kernel[::-1, ::-1])


def conv2d(x, w, b, stride=(1, 1), padding=(0, 0)):
    x = to_float(x)
    need_4d(x)
    check_weights(x, w, b)
    n, f = x.shape[0], w.shape[0]
    kernel = w.shape[2:]
    ho, wo = output_shape(x, kernel, stride, padding)
    columns = gather(x, kernel, stride, padding)
    w_rows = w.reshape(f, columns.shape[1]).astype(x.dtype)
    y = np.matmul(w_rows, columns) + b.astype(x.dtype)[:, None]
    return y.reshape(n, f, ho, wo)


def im2col(x, kernel, stride=(1, 1), padding=(0, 0)):
    x = to_float(x)
    need_4d(x)
    return gather(x, kernel, stride, padding)


def conv2d_im2col(x, w, b, stride=(1, 1), padding=(0, 0)):
    return conv2d(x, w, b, stride, padding)


def grouped_conv2d(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    x = to_float(x)
    need_4d(x)
    need_4d(w, "w")
    n, c = x.shape[:2]
    f, per_group, kh, kw = w.shape
    if groups < 1 or c % groups != 0 or f % groups != 0:
        raise ValueError(f"groups should divide {c} channels and {f} filters but is {groups}")
    if per_group * groups != c:
        raise ValueError(f"w should have {c // groups} channels but its shape is {w.shape}")
    if b.shape != (f,):
        raise ValueError(f"b should have shape ({f},) but has {b.shape}")
    ho, wo = output_shape(x, (kh, kw), stride, padding, dilation)
    columns = gather(x, (kh, kw), stride, padding, dilation)
    # channels are the slowest axis of the rows, so the groups are consecutive blocks
    rows = per_group * kh * kw
    columns = columns.reshape(n, groups, rows, ho * wo)
    w_rows = w.reshape(groups, f // groups, rows).astype(x.dtype)
    y = np.matmul(w_rows, columns).reshape(n, f, ho, wo)
    return y + b.astype(x.dtype)[:, None, None]
