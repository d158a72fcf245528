"""Stride."""

import numpy as np
from convolution import check_kernel, windows
from padding import working


def sliding_windows(x: np.ndarray, kernel: tuple[int, int],
                    stride: tuple[int, int] = (1, 1)) -> np.ndarray:
    return windows(working(x, 4), kernel, stride).copy()


def downsample(x: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    # a window of one pixel
    x = working(x, 4)
    if min(stride) < 1:
        raise ValueError(f"stride: must be >= 1, got {stride}")
    if 0 in x.shape[2:]:
        return x[:, :, ::stride[0], ::stride[1]].copy()
    return windows(x, (1, 1), stride)[..., 0, 0].copy()


def strided_conv2d(x: np.ndarray, w: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    x = working(x, 4)
    check_kernel(w, x.shape[1])
    view = windows(x, w.shape[2:], stride)
    return np.einsum("ncijuv,ocuv->noij", view, w.astype(x.dtype))
