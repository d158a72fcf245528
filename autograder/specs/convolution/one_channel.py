"""One channel: cross_correlate2d, and convolve2d, which turns the kernel first."""

from __future__ import annotations

import numpy as np

from autograder.laws import agrees, dtype, lasting, refuses, shape, untouched
from autograder.spec import Arguments, Exercise
from autograder.specs._layers import NUMBERS, by_numbers, renumbered_all
from autograder.strategies import Draw
from autograder.tolerance import of_sums
from autograder.working import sums
from reference import ops

# --- cross_correlate2d


def one_channel(draw: Draw) -> Arguments:
    kernel = draw.pair(1, 3)
    height, width = (k + draw.size(0, 3) for k in kernel)
    return dict(image=draw.whole(height, width), kernel=draw.whole(*kernel))


def kernel_fills_the_image(draw: Draw) -> Arguments:
    height, width = draw.pair(1, 3)
    return dict(image=draw.whole(height, width), kernel=draw.whole(height, width))


def one_channel_numbers(draw: Draw, kind: str) -> Arguments:
    shape = draw.size(3, 5), draw.size(4, 6)
    return renumbered_all(draw, kind, dict(image=draw.whole(*shape), kernel=draw.whole(2, 3)))


def large_images(draw: Draw) -> Arguments:
    height, width = draw.size(9, 20), draw.size(9, 20)
    return dict(image=draw.whole(height, width), kernel=draw.whole(*draw.pair(2, 4)))


def impossible_channel(draw: Draw) -> Arguments:
    """A kernel that is too large, or an array with other axes than rows and columns."""
    fault = draw.choose(
        {"kernel": (1, 3)},
        {"kernel": (4, 1)},
        {"kernel": (4, 4)},
        {"image": (3,)},
        {"image": (1, 3, 2)},
        {"kernel": (2,)},
        {"kernel": (1, 1, 1)},
        {"kernel": ()},
    )
    shapes = {"image": (3, 2), "kernel": (2, 2), **fault}
    return {name: np.ones(shape) for name, shape in shapes.items()}


def flipped_kernel(image, kernel):
    """the kernel is flipped before it slides.
    CNN layers do not flip: output i reads image[i + u], never image[i - u]."""
    return ops.cross_correlate2d(image, kernel[::-1, ::-1])


def transposed_kernel(image, kernel):
    """the kernel's rows are used as its columns.
    kernel[u, v] belongs to image[i + u, j + v]."""
    return ops.cross_correlate2d(image, kernel.T)


def flipped_rows(image, kernel):
    """the kernel is flipped upside down.
    Cross-correlation flips neither axis, true convolution both."""
    return ops.cross_correlate2d(image, kernel[::-1])


def flipped_columns(image, kernel):
    """the kernel is flipped left to right.
    Cross-correlation flips neither axis, true convolution both."""
    return ops.cross_correlate2d(image, kernel[:, ::-1])


def last_row_and_column_missing(image, kernel):
    """the last row and column of places are left out.
    A kernel of k rows has H - k + 1 places: range(H - k) stops one early."""
    return ops.cross_correlate2d(image[:-1, :-1], kernel)


def last_row_and_column_zero(image, kernel):
    """the last row and column of outputs are never computed and stay 0.
    A kernel of k rows has H - k + 1 places: range(H - k) stops one early."""
    y = ops.cross_correlate2d(image, kernel).copy()
    y[-1], y[:, -1] = 0, 0
    return y


def last_row_zero(image, kernel):
    """the last row of outputs is never computed and stays 0.
    A kernel of k rows has H - k + 1 places: range(H - k) stops one early."""
    y = ops.cross_correlate2d(image, kernel).copy()
    y[-1] = 0
    return y


def mean_of_the_window(image, kernel):
    """the products are averaged instead of summed.
    The filter's weights do all the weighing; nothing is divided."""
    return ops.cross_correlate2d(image, kernel) / kernel.size


cross_correlate2d = Exercise(
    ops.cross_correlate2d,
    kinds={
        "plain": one_channel,
        "kernel fills": kernel_fills_the_image,
        "large": large_images,
        **by_numbers(one_channel_numbers),
        "impossible": impossible_channel,
    },
    laws=[
        shape("the output is (H - KH + 1, W - KW + 1)", 0.5),
        agrees(2, "plain", "kernel fills", "large"),
        agrees(
            0.5,
            *NUMBERS,
            name="numbers",
            says="it is right for pixels of any dtype, memory layout and size",
        ),
        dtype(0.5),
        lasting(untouched(0.5, "plain", *NUMBERS)),
        refuses("a kernel larger than the image, or other axes than two, raise ValueError"),
    ],
    tolerance=of_sums(ops.cross_correlate2d, "image"),
    misconceptions=[
        flipped_kernel,
        transposed_kernel,
        flipped_rows,
        flipped_columns,
        last_row_and_column_missing,
        last_row_and_column_zero,
        last_row_zero,
        mean_of_the_window,
    ],
    formula=("y[i, j] = sum over u, v of image[i + u, j + v] * kernel[u, v]",),
    working=sums(ops.cross_correlate2d, "image", "kernel"),
)


# --- convolve2d


def three_modes(draw: Draw) -> Arguments:
    return {**one_channel(draw), "mode": draw.choose("full", "same")}


def valid_mode(draw: Draw) -> Arguments:
    return {**one_channel(draw), "mode": "valid"} if draw.size(0, 1) else one_channel(draw)


def large_modes(draw: Draw) -> Arguments:
    return {**large_images(draw), "mode": draw.choose("valid", "same", "full")}


def kernel_beyond_the_image(draw: Draw) -> Arguments:
    """Legal where the borders count: the kernel is larger than the image."""
    image, kernel = draw.whole(*draw.pair(1, 2)), draw.whole(*draw.pair(2, 4))
    return dict(image=image, kernel=kernel, mode=draw.choose("full", "same"))


def true_convolution_numbers(draw: Draw, kind: str) -> Arguments:
    return {**one_channel_numbers(draw, kind), "mode": draw.choose("valid", "same", "full")}


def impossible_mode(draw: Draw) -> Arguments:
    image, kernel, mode = draw.choose(
        ((3, 3), (2, 2), "half"),
        ((3, 2), (1, 3), "valid"),
        ((3, 2), (4, 1), "valid"),
        ((0, 2), (1, 1), "full"),
        ((2, 0), (1, 1), "same"),
        ((2, 2), (0, 1), "full"),
        ((2, 2), (1, 0), "same"),
    )
    return dict(image=np.ones(image), kernel=np.ones(kernel), mode=mode)


def kernel_not_flipped(image, kernel, mode="valid"):
    """the kernel is not flipped.
    That is cross-correlation; true convolution turns the kernel by 180 degrees first."""
    return ops.convolve2d(image, kernel[::-1, ::-1], mode)


def flipped_on_one_axis(image, kernel, mode="valid"):
    """the kernel is flipped upside down only.
    True convolution flips rows and columns."""
    return ops.convolve2d(image, kernel[:, ::-1], mode)


def flipped_left_to_right_only(image, kernel, mode="valid"):
    """the kernel is flipped left to right only.
    True convolution flips rows and columns."""
    return ops.convolve2d(image, kernel[::-1], mode)


def mode_ignored(image, kernel, mode="valid"):
    """the mode is ignored, and always "valid".
    "same" has the size of the image, "full" every place where the two overlap."""
    return ops.convolve2d(image, kernel)


def same_starts_at_half_kernel(image, kernel, mode="valid"):
    """ "same" starts at KH // 2 of the full result.
    The centre of an even kernel is its (KH - 1) // 2."""
    if mode != "same":
        return ops.convolve2d(image, kernel, mode)
    (h, w), (kh, kw) = image.shape, kernel.shape
    full = ops.convolve2d(image, kernel, "full")
    return full[kh // 2 : kh // 2 + h, kw // 2 : kw // 2 + w]


convolve2d = Exercise(
    ops.convolve2d,
    kinds={
        "valid": valid_mode,
        "same and full": three_modes,
        "large kernel": kernel_beyond_the_image,
        "large": large_modes,
        **by_numbers(true_convolution_numbers),
        "impossible": impossible_mode,
    },
    laws=[
        shape('"valid", "same" and "full" have their sizes', 0.5),
        agrees(1.5, "valid", says="the kernel is flipped on both axes before it slides"),
        agrees(
            1,
            "same and full",
            "large kernel",
            "large",
            *NUMBERS,
            name="modes",
            says="every mode, dtype and kernel size gives the definition's values",
        ),
        dtype(0.5),
        lasting(untouched(0.5, "valid", "same and full", *NUMBERS)),
        refuses("an unknown mode, nothing at all, or a kernel that does not fit: ValueError"),
    ],
    tolerance=of_sums(ops.convolve2d, "image"),
    misconceptions=[
        kernel_not_flipped,
        flipped_on_one_axis,
        flipped_left_to_right_only,
        mode_ignored,
        same_starts_at_half_kernel,
    ],
    formula=(
        "full[i, j] = sum over u, v of image[i - u, j - v] * kernel[u, v], zeros outside of "
        "the image",
        '"same": the part of "full" with the size of the image, (H, W), from row (KH - 1) '
        "// 2 and column (KW - 1) // 2 on",
        '"valid": only where the kernel lies inside of the image, (H - KH + 1, W - KW + 1)',
    ),
    working=sums(ops.convolve2d, "image", "kernel"),
)
