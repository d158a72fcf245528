"""Lesson 3: convolution.

A small filter slides over the image; at every place it multiplies, adds up and leaves one number.
What the CNN world calls convolution is cross-correlation: the filter is not flipped. Here you
write it for one channel, then as a layer with many channels and filters, then as one matrix
product, which is how fast libraries do it.
"""

import numpy as np


def cross_correlate2d(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Valid cross-correlation of image (H, W) with kernel (KH, KW): (H - KH + 1, W - KW + 1).

    y[i, j] = sum over u, v of image[i + u, j + v] * kernel[u, v]

    The image decides the dtype: float32 gives float32, float64 and integers give float64.

    Raises ValueError for a kernel larger than the image and for arrays without exactly two axes.

    >>> cross_correlate2d(np.array([[1, 2, 4]]), np.array([[1, 10]])).tolist()
    [[21.0, 42.0]]

    Taught in: Lesson 3, Convolution: a filter slides over the image.
    """
    raise NotImplementedError


def convolve2d(image: np.ndarray, kernel: np.ndarray, mode: str = "valid") -> np.ndarray:
    """True convolution of image (H, W) with kernel (KH, KW): the kernel is flipped on both axes.

    full[i, j] = sum over u, v of image[i - u, j - v] * kernel[u, v], zeros outside of the image

    - "full": wherever image and kernel overlap, (H + KH - 1, W + KW - 1)
    - "same": the part of "full" with the size of the image, (H, W), from row (KH - 1) // 2 and
      column (KW - 1) // 2 on
    - "valid": only where the kernel lies inside of the image, (H - KH + 1, W - KW + 1)

    The image decides the dtype, as in `cross_correlate2d`.

    Raises ValueError for another mode, for an empty image or kernel, and in "valid" for a kernel
    larger than the image.

    >>> convolve2d(np.array([[1, 2, 4]]), np.array([[1, 10]])).tolist()
    [[12.0, 24.0]]
    >>> convolve2d(np.array([[1, 2, 4]]), np.array([[1, 10]]), "same").tolist()
    [[1.0, 12.0, 24.0]]
    >>> convolve2d(np.array([[1, 2, 4]]), np.array([[1, 10]]), "full").tolist()
    [[1.0, 12.0, 24.0, 40.0]]

    Taught in: Lesson 3, Convolution: the mathematician's convolution flips the filter.
    """
    raise NotImplementedError


def conv2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The convolutional layer: x (N, C, H, W), w (O, C, KH, KW), b (O,) give (N, O, HO, WO).

    y[n, o, i, j] = b[o] + sum over c, u, v of xp[n, c, i * sh + u, j * sw + v] * w[o, c, u, v]

    where xp is x with padding[0] rows of zeros above and below and padding[1] columns of zeros on
    the left and right, and stride = (sh, sw). x decides the dtype: float32 gives float32, float64
    and integers give float64.

    Raises ValueError for a w whose channels are not those of x, a b that has not one entry for
    every filter, a stride below 1, negative padding, and a kernel larger than the padded image.

    >>> x = np.array([[[[1, 2, 4]]]])
    >>> w = np.array([[[[1, 10]]]])
    >>> conv2d(x, w, np.array([5])).tolist()
    [[[[26.0, 47.0]]]]
    >>> conv2d(x, w, np.array([0]), stride=(1, 2), padding=(0, 1)).tolist()
    [[[[10.0, 42.0]]]]

    Taught in: Lesson 3, Convolution: channels, filters and biases (LeCun et al. 1998).
    """
    raise NotImplementedError


def im2col(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Every window of x (N, C, H, W) as one column: (N, C * KH * KW, HO * WO).

    Column i * WO + j holds the window that the output (i, j) of a convolution looks at, padding
    included. Its entries are ordered channel, row, column: the order of w[o] in memory. dtype as
    in `conv2d`.

    Raises ValueError for a kernel or stride below 1, negative padding, and a kernel larger than
    the padded image.

    >>> im2col(np.array([[[[1, 2], [3, 4], [5, 6]]]]), (2, 2)).tolist()
    [[[1.0, 3.0], [2.0, 4.0], [3.0, 5.0], [4.0, 6.0]]]

    Taught in: Lesson 3, Convolution: one matrix product (Chellapilla, Puri and Simard 2006).
    """
    raise NotImplementedError


def conv2d_im2col(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The same numbers as `conv2d`, without a Python loop over pixels.

    x (N, C, H, W), w (O, C, KH, KW) and b (O,) give (N, O, HO, WO), with the same rules. This one
    is also judged on speed: it is timed beside a conv2d of plain loops.

    Raises ValueError as `conv2d`.

    >>> x = np.array([[[[1, 2, 4]]]])
    >>> conv2d_im2col(x, np.array([[[[1, 10]]], [[[2, 0]]]]), np.array([5, 0])).tolist()
    [[[[26.0, 47.0]], [[2.0, 4.0]]]]

    Taught in: Lesson 3, Convolution: one matrix product (Chellapilla, Puri and Simard 2006).
    """
    raise NotImplementedError


def grouped_conv2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> np.ndarray:
    """Bonus: `conv2d` with gaps between the taps, and with the channels in groups.

    x (N, C, H, W), w (O, C // groups, KH, KW) and b (O,) give (N, O, HO, WO). The channels of x
    and the filters are cut into `groups` equal runs, in order; the filters of run g see the
    channels of run g alone. groups = C is a depthwise convolution. With dilation (dh, dw), tap
    (u, v) of the kernel reads the pixel u * dh rows and v * dw columns after the window's first.

    Raises ValueError as `conv2d`, for a dilation below 1, and for groups that do not divide both
    C and O.

    >>> x = np.array([[[[1, 2, 3]], [[4, 5, 6]]]])
    >>> w = np.array([[[[1, 10]]], [[[1, 10]]]])
    >>> grouped_conv2d(x, w, np.zeros(2), groups=2).tolist()
    [[[[21.0, 32.0]], [[54.0, 65.0]]]]
    >>> grouped_conv2d(x, w, np.zeros(2), dilation=(1, 2), groups=2).tolist()
    [[[[31.0]], [[64.0]]]]

    Taught in: Lesson 3, Convolution: groups (Krizhevsky et al. 2012), dilation (Yu, Koltun 2016).
    """
    raise NotImplementedError
