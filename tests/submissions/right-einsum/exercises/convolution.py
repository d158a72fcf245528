"""Convolution, written as index formulas for einsum."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from padding import border, output_size, working


def windows(x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1),
            padding: tuple[int, int] = (0, 0), dilation: tuple[int, int] = (1, 1),
            value: float = 0.0) -> np.ndarray:
    """A read-only view (N, C, HO, WO, KH, KW) of the padded x."""
    for size, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation):
        output_size(size, k, s, (p, p), d)
    if padding[0] or padding[1]:
        x = border(x, ((padding[0],) * 2, (padding[1],) * 2), value)
    extent = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation))
    view = sliding_window_view(x, extent, axis=(2, 3))
    return view[:, :, ::stride[0], ::stride[1], ::dilation[0], ::dilation[1]]


def check_kernel(w: np.ndarray, channels: int, b: np.ndarray | None = None) -> None:
    if w.ndim != 4 or w.shape[1] != channels:
        raise ValueError(f"w: must be (O, {channels}, KH, KW), got shape {w.shape}")
    if b is not None and b.shape != (w.shape[0],):
        raise ValueError(f"b: must be ({w.shape[0]},), got shape {b.shape}")


def cross_correlate2d(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    image = working(image, 2, "image")
    kernel = working(kernel, 2, "kernel").astype(image.dtype)
    view = windows(image[None, None], kernel.shape)[0, 0]
    return np.einsum("ijuv,uv->ij", view, kernel)


def convolve2d(image: np.ndarray, kernel: np.ndarray, mode: str = "valid") -> np.ndarray:
    image = working(image, 2, "image")
    kernel = working(kernel, 2, "kernel")
    kh, kw = kernel.shape
    if 0 in (kh, kw, *image.shape):
        raise ValueError(f"image, kernel: must not be empty, got {image.shape}, {kernel.shape}")
    if mode not in {"valid", "same", "full"}:
        raise ValueError(f"mode: must be valid, same or full, got {mode!r}")
    flipped = kernel[::-1, ::-1]
    if mode == "valid":
        return cross_correlate2d(image, flipped)
    full = cross_correlate2d(np.pad(image, ((kh - 1,) * 2, (kw - 1,) * 2)), flipped)
    if mode == "full":
        return full
    top, left = (kh - 1) // 2, (kw - 1) // 2
    return full[top:top + image.shape[0], left:left + image.shape[1]].copy()


def conv2d(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: tuple[int, int] = (1, 1),
           padding: tuple[int, int] = (0, 0)) -> np.ndarray:
    x = working(x, 4)
    check_kernel(w, x.shape[1], b)
    view = windows(x, w.shape[2:], stride, padding)
    y = np.einsum("ncijuv,ocuv->noij", view, w.astype(x.dtype))
    y += b.astype(x.dtype)[:, None, None]
    return y


def im2col(x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1),
           padding: tuple[int, int] = (0, 0)) -> np.ndarray:
    view = windows(working(x, 4), kernel, stride, padding)
    n, c, ho, wo, kh, kw = view.shape
    columns = np.einsum("ncijuv->ncuvij", view).copy()
    return columns.reshape(n, c * kh * kw, ho * wo)


def conv2d_im2col(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: tuple[int, int] = (1, 1),
                  padding: tuple[int, int] = (0, 0)) -> np.ndarray:
    x = working(x, 4)
    check_kernel(w, x.shape[1], b)
    view = windows(x, w.shape[2:], stride, padding)
    # tensordot makes the columns and calls the matrix product of BLAS
    y = np.tensordot(w.astype(x.dtype), view, axes=([1, 2, 3], [1, 4, 5]))
    y += b.astype(x.dtype)[:, None, None, None]
    return np.ascontiguousarray(y.swapaxes(0, 1))


def grouped_conv2d(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: tuple[int, int] = (1, 1),
                   padding: tuple[int, int] = (0, 0), dilation: tuple[int, int] = (1, 1),
                   groups: int = 1) -> np.ndarray:
    x = working(x, 4)
    c = x.shape[1]
    if groups < 1 or c % groups or len(w) % groups:
        raise ValueError(f"groups: {groups} must divide {c} channels and {len(w)} filters")
    check_kernel(w, c // groups, b)
    view = windows(x, w.shape[2:], stride, padding, dilation)
    n, _, ho, wo, kh, kw = view.shape
    view = view.reshape(n, groups, c // groups, ho, wo, kh, kw)
    w = w.reshape(groups, len(w) // groups, c // groups, kh, kw).astype(x.dtype)
    y = np.einsum("ngcijuv,gocuv->ngoij", view, w)
    return y.reshape(n, len(b), ho, wo) + b.astype(x.dtype)[:, None, None]
