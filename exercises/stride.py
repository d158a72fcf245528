"""Lesson 4: stride.

A filter need not stop at every pixel. With a stride of s it jumps s pixels at a time, and the
output is about s times smaller: cheaper, and each later layer sees more of the image. Here you
cut out the windows, keep every s-th pixel, and convolve without computing what is thrown away.
"""

import numpy as np


def sliding_windows(
    x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)
) -> np.ndarray:
    """Every window of x (N, C, H, W), as a copy: (N, C, HO, WO, KH, KW).

    windows[n, c, i, j, u, v] = x[n, c, i * sh + u, j * sw + v]

    float32 stays float32, float64 stays float64, integers become float64. A change of the result
    must change neither x nor another window.

    Raises ValueError for a kernel or stride below 1 and a kernel larger than the image.

    >>> sliding_windows(np.array([[[[1, 2, 4, 8]]]]), (1, 2), (1, 2)).tolist()
    [[[[[[1.0, 2.0]], [[4.0, 8.0]]]]]]

    Taught in: Lesson 4, Stride: the windows of an image.
    """
    raise NotImplementedError


def downsample(x: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    """Every stride-th pixel of x (N, C, H, W): (N, C, ceil(H / sh), ceil(W / sw)), a copy.

    y[n, c, i, j] = x[n, c, i * sh, j * sw]

    The first row and column are always kept. dtype as in `sliding_windows`.

    Raises ValueError for a stride below 1.

    >>> downsample(np.array([[[[1, 2, 3], [4, 5, 6]]]]), (1, 2)).tolist()
    [[[[1.0, 3.0], [4.0, 6.0]]]]

    Taught in: Lesson 4, Stride: fewer pixels.
    """
    raise NotImplementedError


def strided_conv2d(x: np.ndarray, w: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    """Valid cross-correlation without bias: x (N, C, H, W), w (O, C, KH, KW) to (N, O, HO, WO).

    y[n, o, i, j] = sum over c, u, v of x[n, c, i * sh + u, j * sw + v] * w[o, c, u, v]

    It equals the convolution with stride 1 followed by `downsample`, but computes only the outputs
    that are kept. dtype as in `sliding_windows`.

    Raises ValueError for a w whose channels are not those of x, a stride below 1, and a kernel
    larger than the image.

    >>> strided_conv2d(np.array([[[[1, 2, 4, 8]]]]), np.array([[[[1, 10]]]]), (1, 2)).tolist()
    [[[[21.0, 84.0]]]]

    Taught in: Lesson 4, Stride: skip what is not kept (Springenberg et al. 2015).
    """
    raise NotImplementedError
