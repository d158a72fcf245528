"""Convolution as a sum of shifted images: one product for every tap of the kernel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .padding import floats, output_size, zero_pad2d


def taps(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    out: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> Iterator[tuple[int, int, slice, slice]]:
    """For each tap (u, v): the rows and the columns of the padded image that it meets."""
    for u in range(kernel[0]):
        top = u * dilation[0]
        rows = slice(top, top + (out[0] - 1) * stride[0] + 1, stride[0])
        for v in range(kernel[1]):
            left = v * dilation[1]
            yield u, v, rows, slice(left, left + (out[1] - 1) * stride[1] + 1, stride[1])


def out_shape(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
) -> tuple[int, int]:
    return (
        output_size(x.shape[2], kernel[0], stride[0], (padding[0], padding[0]), dilation[0]),
        output_size(x.shape[3], kernel[1], stride[1], (padding[1], padding[1]), dilation[1]),
    )


def cross_correlate2d(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    image = floats(image, 2, "image")
    kernel = floats(kernel, 2, "kernel").astype(image.dtype)
    ho = output_size(image.shape[0], kernel.shape[0])
    wo = output_size(image.shape[1], kernel.shape[1])
    out = np.zeros((ho, wo), image.dtype)
    for u, v, rows, cols in taps(kernel.shape, (1, 1), (ho, wo)):
        out += kernel[u, v] * image[rows, cols]
    return out


def convolve2d(image: np.ndarray, kernel: np.ndarray, mode: str = "valid") -> np.ndarray:
    image = floats(image, 2, "image")
    kernel = floats(kernel, 2, "kernel").astype(image.dtype)
    (h, w), (kh, kw) = image.shape, kernel.shape
    if not (image.size and kernel.size):
        raise ValueError(f"image, kernel: {image.shape} and {kernel.shape}, one is empty")
    if mode == "valid" and (kh > h or kw > w):
        raise ValueError(f"kernel: {kernel.shape} is larger than the image {image.shape}")
    full = np.zeros((h + kh - 1, w + kw - 1), image.dtype)
    for u in range(kh):
        for v in range(kw):
            full[u : u + h, v : v + w] += kernel[u, v] * image
    if mode == "full":
        return full
    if mode == "same":
        i, j = (kh - 1) // 2, (kw - 1) // 2
        return full[i : i + h, j : j + w].copy()
    if mode == "valid":
        return full[kh - 1 : h, kw - 1 : w].copy()
    raise ValueError(f"mode: one of 'valid', 'same', 'full', got {mode!r}")


def check_filters(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, channels: int) -> None:
    if w.ndim != 4:
        raise ValueError(f"w: expected 4 dimensions, got shape {w.shape}")
    if w.shape[1] != channels:
        raise ValueError(f"w: expected {channels} channels for x {x.shape}, got shape {w.shape}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b: expected shape {w.shape[:1]}, got {b.shape}")


def conv2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    x = floats(x, 4)
    check_filters(x, w, b, x.shape[1])
    out = out_shape(x, w.shape[2:], stride, padding)
    x = zero_pad2d(x, ((padding[0],) * 2, (padding[1],) * 2))
    # channels first, so that one tap is one matrix product over the channels
    x = np.ascontiguousarray(x.transpose(1, 0, 2, 3))
    w = w.astype(x.dtype, copy=False)
    y = np.empty((w.shape[0], x.shape[1], *out), x.dtype)
    y[:] = b.reshape(w.shape[0], 1, 1, 1)
    for u, v, rows, cols in taps(w.shape[2:], stride, out):
        y += np.tensordot(w[:, :, u, v], x[:, :, rows, cols], axes=1)
    return np.ascontiguousarray(y.transpose(1, 0, 2, 3))


def im2col(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    x = floats(x, 4)
    ho, wo = out_shape(x, kernel, stride, padding)
    x = zero_pad2d(x, ((padding[0],) * 2, (padding[1],) * 2))
    n, c = x.shape[:2]
    columns = np.empty((n, c, *kernel, ho, wo), x.dtype)
    for u, v, rows, cols in taps(kernel, stride, (ho, wo)):
        columns[:, :, u, v] = x[:, :, rows, cols]
    return columns.reshape(n, c * kernel[0] * kernel[1], ho * wo)


def conv2d_im2col(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    x = floats(x, 4)
    check_filters(x, w, b, x.shape[1])
    ho, wo = out_shape(x, w.shape[2:], stride, padding)
    columns = im2col(x, w.shape[2:], stride, padding)
    filters = w.reshape(w.shape[0], columns.shape[1]).astype(x.dtype)
    y = filters @ columns
    y += b[:, None].astype(x.dtype)
    return y.reshape(x.shape[0], w.shape[0], ho, wo)


def grouped_conv2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> np.ndarray:
    x = floats(x, 4)
    n, c = x.shape[:2]
    if groups < 1 or c % groups or w.ndim == 4 and w.shape[0] % groups:
        raise ValueError(f"groups: {groups} does not divide the channels of {x.shape}, {w.shape}")
    check_filters(x, w, b, c // groups)
    out = out_shape(x, w.shape[2:], stride, padding, dilation)
    x = zero_pad2d(x, ((padding[0],) * 2, (padding[1],) * 2))
    x = x.reshape(n, groups, 1, c // groups, *x.shape[2:])
    w = w.astype(x.dtype).reshape(groups, w.shape[0] // groups, *w.shape[1:])
    y = np.zeros((n, groups, w.shape[1], *out), x.dtype)
    for u, v, rows, cols in taps(w.shape[3:], stride, out, dilation):
        y += (x[..., rows, cols] * w[:, :, :, u, v, None, None]).sum(axis=3)
    y = y.reshape(n, groups * w.shape[1], *out)
    y += b.reshape(-1, 1, 1).astype(y.dtype)
    return y
