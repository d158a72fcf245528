"""Lesson 2: padding.

A kernel that must stay inside the image cannot be centred on its border, so every layer shrinks
the image and sees the border less often. Zeros around the image cure both. Here you work out how
long an output is, how many zeros keep its size, and put the zeros there. The first function is
used all over the course: get it right, then import it with `from .padding import output_size`.
"""

import numpy as np


def output_size(
    size: int, kernel: int, stride: int = 1, padding: tuple[int, int] = (0, 0), dilation: int = 1
) -> int:
    """Number of places where a kernel fits along one axis.

    The axis has `size` cells, with padding[0] more before them and padding[1] more after. The
    first place is the very first cell; each next one is `stride` cells further; the whole kernel
    must lie inside. With dilation d the taps of the kernel are d cells apart: 3 taps with
    dilation 2 reach over 5 cells.

    Raises ValueError for a kernel, stride or dilation below 1, for negative padding, and where the
    kernel fits nowhere.

    >>> output_size(5, 2)
    4
    >>> output_size(6, 3, stride=2)
    2
    >>> output_size(5, 3, padding=(2, 0))
    5
    >>> output_size(7, 3, dilation=2)
    3

    Taught in: Lesson 2, Padding: how large is the output? (Dumoulin and Visin 2016.)
    """
    raise NotImplementedError


def same_padding(size: int, kernel: int, stride: int = 1) -> tuple[int, int]:
    """The padding (before, after) that Keras and TensorFlow call "same".

    It gives an output of ceil(size / stride) entries with no more padding than that needs. The
    total is shared by both sides; when it is odd, the extra cell goes after. Where the kernel
    leaves cells over, nothing is padded: no amount is ever negative.

    Raises ValueError for a size, kernel or stride below 1.

    >>> same_padding(5, 3)
    (1, 1)
    >>> same_padding(5, 2)
    (0, 1)
    >>> same_padding(5, 1, stride=2)
    (0, 0)

    Taught in: Lesson 2, Padding: "valid" and "same".
    """
    raise NotImplementedError


def zero_pad2d(x: np.ndarray, padding: tuple[tuple[int, int], tuple[int, int]]) -> np.ndarray:
    """x (N, C, H, W) with zeros around every image: (N, C, top + H + bottom, left + W + right).

    `padding` is ((top, bottom), (left, right)). float32 stays float32, float64 stays float64,
    integers become float64. The result is a new array even where all four amounts are 0.

    Raises ValueError for negative padding and for an x without exactly four axes.

    >>> zero_pad2d(np.array([[[[1, 2]]]]), ((1, 0), (0, 2)))[0, 0].tolist()
    [[0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0]]

    Taught in: Lesson 2, Padding: a border of zeros.
    """
    raise NotImplementedError
