"""Cross-correlation, true convolution, and the convolutional layer in three ways."""

from __future__ import annotations

import numpy as np

from .padding import _as_float, output_size, zero_pad2d


def _check_filters(x: np.ndarray, w: np.ndarray, b: np.ndarray, groups: int = 1) -> None:
    channels, filters = x.shape[1], w.shape[0]
    if groups < 1 or channels % groups or filters % groups:
        raise ValueError(
            f"groups must divide the channels of x ({channels}) and of w ({filters}); got {groups}."
        )
    if w.shape[1] != channels // groups:
        raise ValueError(
            f"w must have as many channels as x ({channels}) divided by groups ({groups}); "
            f"got shape {w.shape}."
        )
    if len(b) != filters:
        raise ValueError(f"b must have one entry per filter ({filters}); got shape {b.shape}.")


def cross_correlate2d(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Valid cross-correlation of one channel: y[i, j] = sum of image[i + u, j + v] kernel[u, v]."""
    image = _as_float("image", image, 2)
    kernel = _as_float("kernel", kernel, 2, image.dtype)
    kh, kw = kernel.shape
    y = np.zeros((output_size(image.shape[0], kh), output_size(image.shape[1], kw)), image.dtype)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = np.sum(image[i : i + kh, j : j + kw] * kernel)
    return y


def convolve2d(image: np.ndarray, kernel: np.ndarray, mode: str = "valid") -> np.ndarray:
    """True convolution: the kernel is flipped on both axes, then slides."""
    image = _as_float("image", image, 2)
    kernel = _as_float("kernel", kernel, 2, image.dtype)
    flipped = kernel[::-1, ::-1]
    if mode == "valid":
        return cross_correlate2d(image, flipped)
    if mode not in ("same", "full"):
        raise ValueError(f'mode must be "valid", "same" or "full"; got {mode!r}.')
    (height, width), (kh, kw) = image.shape, kernel.shape
    full = cross_correlate2d(np.pad(image, ((kh - 1, kh - 1), (kw - 1, kw - 1))), flipped)
    if mode == "full":
        return full
    top, left = (kh - 1) // 2, (kw - 1) // 2
    return full[top : top + height, left : left + width].copy()


def conv2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """y[n, o, i, j] = b[o] + sum over c, u, v of x[n, c, i sh + u, j sw + v] w[o, c, u, v]."""
    x = _as_float("x", x, 4)
    w = _as_float("w", w, 4, x.dtype)
    b = _as_float("b", b, 1, x.dtype)
    _check_filters(x, w, b)
    (kh, kw), (sh, sw), (ph, pw) = w.shape[2:], stride, padding
    ho = output_size(x.shape[2], kh, sh, (ph, ph))
    wo = output_size(x.shape[3], kw, sw, (pw, pw))
    padded = zero_pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((x.shape[0], w.shape[0], ho, wo), x.dtype)
    for i in range(ho):
        for j in range(wo):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            y[:, :, i, j] = np.tensordot(window, w, axes=([1, 2, 3], [1, 2, 3])) + b
    return y


def im2col(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Every window as a column: (N, C*KH*KW, HO*WO), rows ordered channel, row, column."""
    x = _as_float("x", x, 4)
    batch, channels, height, width = x.shape
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    ho = output_size(height, kh, sh, (ph, ph))
    wo = output_size(width, kw, sw, (pw, pw))
    padded = zero_pad2d(x, ((ph, ph), (pw, pw)))
    columns = np.zeros((batch, channels, kh, kw, ho, wo), x.dtype)
    for u in range(kh):
        for v in range(kw):
            # The pixels that tap (u, v) of the kernel meets, for all outputs at once.
            rows = slice(u, u + (ho - 1) * sh + 1, sh)
            cols = slice(v, v + (wo - 1) * sw + 1, sw)
            columns[:, :, u, v] = padded[:, :, rows, cols]
    return columns.reshape(batch, channels * kh * kw, ho * wo)


def conv2d_im2col(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The same numbers as `conv2d`, as one matrix product per image."""
    x = _as_float("x", x, 4)
    w = _as_float("w", w, 4, x.dtype)
    b = _as_float("b", b, 1, x.dtype)
    _check_filters(x, w, b)
    filters, channels, kh, kw = w.shape
    (sh, sw), (ph, pw) = stride, padding
    ho = output_size(x.shape[2], kh, sh, (ph, ph))
    wo = output_size(x.shape[3], kw, sw, (pw, pw))
    columns = im2col(x, (kh, kw), stride, padding)
    y: np.ndarray = w.reshape(filters, channels * kh * kw) @ columns + b[:, None]
    return y.reshape(x.shape[0], filters, ho, wo)


def grouped_conv2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> np.ndarray:
    """`conv2d` with gaps between the taps; the filters of a group see its channels alone."""
    x = _as_float("x", x, 4)
    w = _as_float("w", w, 4, x.dtype)
    b = _as_float("b", b, 1, x.dtype)
    _check_filters(x, w, b, groups)
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = w.shape[2:], stride, padding, dilation
    ho = output_size(x.shape[2], kh, sh, (ph, ph), dh)
    wo = output_size(x.shape[3], kw, sw, (pw, pw), dw)
    padded = zero_pad2d(x, ((ph, ph), (pw, pw)))
    y = np.zeros((x.shape[0], w.shape[0], ho, wo), x.dtype)
    c, o = x.shape[1] // groups, w.shape[0] // groups
    for g in range(groups):
        group, filters = padded[:, g * c : (g + 1) * c], slice(g * o, (g + 1) * o)
        for i in range(ho):
            for j in range(wo):
                rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
                cols = slice(j * sw, j * sw + dw * (kw - 1) + 1, dw)
                window = group[:, :, rows, cols]
                products = np.tensordot(window, w[filters], axes=([1, 2, 3], [1, 2, 3]))
                y[:, filters, i, j] = products + b[filters]
    return y
