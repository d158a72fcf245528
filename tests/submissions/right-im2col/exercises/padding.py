import numpy as np


def to_float(x):
    """Return x as float32 (if it is) or float64 (anything else), in native byte order."""
    x = np.asarray(x)
    return x.astype(np.float32 if x.dtype.type is np.float32 else np.float64, copy=False)


def need_4d(x, name="x"):
    if x.ndim != 4:
        raise ValueError(f"{name} should be 4-dimensional but has shape {x.shape}")


def output_size(size, kernel, stride=1, padding=(0, 0), dilation=1):
    """(size + before + after - dilation * (kernel - 1) - 1) // stride + 1"""
    for name, value, least in (
        ("kernel", kernel, 1),
        ("stride", stride, 1),
        ("dilation", dilation, 1),
        ("padding before", padding[0], 0),
        ("padding after", padding[1], 0),
    ):
        if value < least:
            raise ValueError(f"{name} should be at least {least} but is {value}")
    padded = size + padding[0] + padding[1]
    extent = dilation * (kernel - 1) + 1
    if extent > padded:
        raise ValueError(f"kernel with extent {extent} is larger than the padded size {padded}")
    return (padded - extent) // stride + 1


def same_padding(size, kernel, stride=1):
    """TensorFlow's SAME: the odd cell goes after."""
    if size < 1:
        raise ValueError(f"size should be at least 1 but is {size}")
    if kernel < 1:
        raise ValueError(f"kernel should be at least 1 but is {kernel}")
    if stride < 1:
        raise ValueError(f"stride should be at least 1 but is {stride}")
    out = (size + stride - 1) // stride
    total = max((out - 1) * stride + kernel - size, 0)
    return total // 2, (total + 1) // 2


def pad_with(x, padding, value):
    """Copy x into the middle of a larger array that is filled with `value`."""
    (top, bottom), (left, right) = padding
    if top < 0 or bottom < 0 or left < 0 or right < 0:
        raise ValueError(f"padding should not be negative but is {padding}")
    n, c, h, w = x.shape
    out = np.full((n, c, top + h + bottom, left + w + right), value, dtype=x.dtype)
    out[:, :, top : top + h, left : left + w] = x
    return out


def zero_pad2d(x, padding):
    x = to_float(x)
    need_4d(x)
    return pad_with(x, padding, 0)
