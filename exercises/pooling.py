"""Lesson 6: pooling.

A pooling layer has no weights. It looks at one window of one channel at a time and keeps a single
number, the largest or the mean: the image shrinks, and a small shift of it hardly matters any
more. Windows may overlap, and cells that are left over at the end are dropped. Padding is not part
of the image: it never wins a maximum and never counts in a mean.
"""

import numpy as np


def max_pool2d(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The largest pixel of every window: x (N, C, H, W) gives (N, C, HO, WO).

    y[n, c, i, j] = max over u, v of xp[n, c, i * sh + u, j * sw + v]

    where xp is x with padding[0] rows and padding[1] columns of minus infinity on both sides.
    float32 stays float32, float64 stays float64, integers become float64.

    Raises ValueError for a kernel or stride below 1, negative padding, padding of more than
    kernel // 2, and a kernel larger than the padded image.

    >>> max_pool2d(np.array([[[[1, 5, 2, 3]]]]), (1, 2), (1, 2)).tolist()
    [[[[5.0, 3.0]]]]
    >>> max_pool2d(np.array([[[[-1, -5, -2]]]]), (1, 2), (1, 1), (0, 1)).tolist()
    [[[[-1.0, -1.0, -2.0, -2.0]]]]

    Taught in: Lesson 6, Pooling: the maximum.
    """
    raise NotImplementedError


def avg_pool2d(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The mean of every window's pixels: x (N, C, H, W) gives (N, C, HO, WO).

    Padding does not count: the sum of a window's real pixels is divided by their number, so a
    window that hangs over the border divides by less. dtype as in `max_pool2d`.

    Raises ValueError as `max_pool2d`.

    >>> avg_pool2d(np.array([[[[1, 5, 2, 3]]]]), (1, 2), (1, 2)).tolist()
    [[[[3.0, 2.5]]]]
    >>> avg_pool2d(np.array([[[[1, 5, 2]]]]), (1, 2), (1, 2), (0, 1)).tolist()
    [[[[1.0, 3.5]]]]

    Taught in: Lesson 6, Pooling: the mean (LeCun et al. 1998).
    """
    raise NotImplementedError


def global_avg_pool2d(x: np.ndarray) -> np.ndarray:
    """The mean of every channel: x (N, C, H, W) gives (N, C).

    dtype as in `max_pool2d`.

    Raises ValueError for an x without exactly four axes, and for images without pixels.

    >>> global_avg_pool2d(np.array([[[[1, 3]], [[5, 8]]]])).tolist()
    [[2.0, 6.5]]

    Taught in: Lesson 6, Pooling: one number a channel (Lin, Chen and Yan 2014).
    """
    raise NotImplementedError
