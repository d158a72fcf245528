import numpy as np

from exercises.convolution import gather, output_shape
from exercises.padding import need_4d, to_float


def check_pool(x, kernel, padding):
    need_4d(x)
    for k, p in zip(kernel, padding):
        if p > k // 2:
            raise ValueError(f"padding {padding} should be at most half of the kernel {kernel}")


def pool_columns(x, kernel, stride, padding, fill):
    """Every channel as an image of its own: (N*C, KH*KW, HO*WO)."""
    n, c, h, w = x.shape
    return gather(x.reshape(n * c, 1, h, w), kernel, stride, padding, fill=fill)


def window_counts(x, kernel, stride, padding):
    """Number of real pixels in each window, (HO*WO,)."""
    ones = np.ones((1, 1, x.shape[2], x.shape[3]))
    return gather(ones, kernel, stride, padding).sum(axis=1)[0]


def max_pool2d(x, kernel, stride, padding=(0, 0)):
    x = to_float(x)
    check_pool(x, kernel, padding)
    out = output_shape(x, kernel, stride, padding)
    columns = pool_columns(x, kernel, stride, padding, -np.inf)
    return columns.max(axis=1).reshape(x.shape[:2] + out)


def avg_pool2d(x, kernel, stride, padding=(0, 0)):
    x = to_float(x)
    check_pool(x, kernel, padding)
    out = output_shape(x, kernel, stride, padding)
    counts = window_counts(x, kernel, stride, padding).astype(x.dtype)
    columns = pool_columns(x, kernel, stride, padding, 0.0)
    return (columns.sum(axis=1) / counts).reshape(x.shape[:2] + out)


def global_avg_pool2d(x):
    x = to_float(x)
    need_4d(x)
    n, c, h, w = x.shape
    if h * w == 0:
        raise ValueError(f"x should have pixels but has shape {x.shape}")
    return x.reshape(n, c, h * w).mean(axis=2)
