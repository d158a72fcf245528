"""Convolution: a small filter slides over the image, the same weights everywhere.

LeCun et al., "Gradient-based learning applied to document recognition" (1998), section II.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from autograder.compare import Mismatch
from autograder.laws import agrees, dtype, fresh, lasting, refuses, shape, shifted, untouched
from autograder.spec import Arguments, Case, Exercise, Law
from autograder.specs._layers import (
    CONVOLUTION,
    IMPOSSIBLE_WINDOWS,
    NUMBERS,
    Pair,
    by_numbers,
    image_size,
    output_shape,
    renumbered,
    renumbered_all,
    unsaid,
)
from autograder.strategies import Draw
from autograder.tolerance import exact, of_sums
from autograder.working import copy_of, sums
from reference import ops

if TYPE_CHECKING:
    from autograder.isolation.calls import Answer

LESSON = 3


# --- one channel: cross_correlate2d, convolve2d


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


# --- layers: conv2d, conv2d_im2col, grouped_conv2d
#
# Each idea is written once, as the way in which a wrong layer calls a right one.


def ideas(layer: Callable[..., Any]) -> list[Callable[..., Any]]:
    """Misconceptions of a convolutional layer `layer(x, w, b, stride, padding)`."""

    def flipped_kernel(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the kernel is flipped before it slides.
        CNN layers do not flip: output i reads x[i + u], never x[i - u]."""
        return layer(x, w[:, :, ::-1, ::-1], b, stride, padding)

    def transposed_kernel(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the kernel's rows are used as its columns.
        w[o, c, u, v] belongs to x[n, c, i + u, j + v]."""
        return layer(x, w.transpose(0, 1, 3, 2), b, stride, padding)

    def flipped_rows(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the kernel is flipped upside down.
        Neither axis is flipped in a CNN layer."""
        return layer(x, w[:, :, ::-1], b, stride, padding)

    def flipped_columns(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the kernel is flipped left to right.
        Neither axis is flipped in a CNN layer."""
        return layer(x, w[..., ::-1], b, stride, padding)

    def swapped_strides(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the strides of rows and columns are swapped.
        stride = (rows, columns): the first moves down, the second to the right."""
        return layer(x, w, b, stride[::-1], padding)

    def row_stride_for_both(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the row stride is used for the columns too.
        stride = (rows, columns), and the two may differ."""
        return layer(x, w, b, (stride[0], stride[0]), padding)

    def column_stride_for_both(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the column stride is used for the rows too.
        stride = (rows, columns), and the two may differ."""
        return layer(x, w, b, (stride[1], stride[1]), padding)

    def stride_ignored(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the stride is ignored.
        Output i starts at row i * stride."""
        return layer(x, w, b, (1, 1), padding)

    def stride_ignored_for_columns(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the stride is ignored along the columns.
        stride = (rows, columns): output j starts at column j * stride[1]."""
        return layer(x, w, b, (stride[0], 1), padding)

    def stride_ignored_for_rows(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the stride is ignored along the rows.
        stride = (rows, columns): output i starts at row i * stride[0]."""
        return layer(x, w, b, (1, stride[1]), padding)

    def stride_only_in_the_size(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the output shrinks with the stride, but the windows still move by one.
        Output i reads from row i * stride, not from row i."""
        ho, wo = layer(x, w, b, stride, padding).shape[2:]
        return layer(x, w, b, (1, 1), padding)[:, :, :ho, :wo]

    def swapped_paddings(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the paddings of rows and columns are swapped.
        padding = (rows, columns): the first goes above and below the image."""
        return layer(x, w, b, stride, padding[::-1])

    def row_padding_for_both(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the row padding is used for the columns too.
        padding = (rows, columns), and the two may differ."""
        return layer(x, w, b, stride, (padding[0], padding[0]))

    def padding_ignored(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the padding is ignored.
        Put zeros around the image first."""
        return layer(x, w, b, stride, (0, 0))

    def one_sided_padding(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the padding is added on one side only, above and to the left.
        padding is added on both sides: the image grows by twice the amount."""
        padded = ops.zero_pad2d(x, ((padding[0], 0), (padding[1], 0)))
        return layer(padded, w, b, stride, (0, 0))

    def all_padding_before(x, w, b, stride=(1, 1), padding=(0, 0)):
        """all of the padding is put above and to the left.
        Half of it belongs below and to the right."""
        padded = ops.zero_pad2d(x, ((2 * padding[0], 0), (2 * padding[1], 0)))
        return layer(padded, w, b, stride, (0, 0))

    def edge_instead_of_zeros(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the border is repeated instead of zeros being added.
        The added cells are 0."""
        rows, columns = padding
        padded = np.pad(x, ((0, 0), (0, 0), (rows, rows), (columns, columns)), mode="edge")
        return layer(padded, w, b, stride, (0, 0))

    def bias_forgotten(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the bias is forgotten.
        b[o] is added once to every output of filter o."""
        return layer(x, w, b * 0, stride, padding)

    def bias_per_tap(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the bias is added once for every tap of the kernel.
        b[o] is added once to every output, after the sum."""
        return layer(x, w, b * w[0].size, stride, padding)

    def bias_per_channel(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the bias is added once for every input channel.
        b[o] is added once to every output, after the sum over channels."""
        return layer(x, w, b * w.shape[1], stride, padding)

    def first_bias_for_all(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the first bias is used for all filters.
        Every filter o has its own b[o]."""
        return layer(x, w, np.full_like(b, b[0]), stride, padding)

    def bias_along_columns(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the bias is broadcast along the columns of the output.
        b has one number a filter: add it as b[None, :, None, None]."""
        return layer(x, w, b * 0, stride, padding) + b

    def first_channel_only(x, w, b, stride=(1, 1), padding=(0, 0)):
        """only the first input channel is used.
        Each filter sums over all input channels."""
        return layer(x[:, :1], w[:, :1], b, stride, padding)

    def first_image_only(x, w, b, stride=(1, 1), padding=(0, 0)):
        """only the first image of the batch is used.
        Every image n has its own outputs y[n]."""
        return np.repeat(layer(x[:1], w, b, stride, padding), len(x), axis=0)

    def first_filter_for_all(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the first filter is used for all outputs.
        Output channel o has its own kernel w[o]."""
        return layer(x, np.repeat(w[:1], len(w), axis=0), b, stride, padding)

    def batch_summed(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the images of the batch are summed.
        Every image n has its own outputs y[n]."""
        total = np.sum(x, axis=0, keepdims=True)
        return np.repeat(layer(total, w, b, stride, padding), len(x), axis=0)

    def mean_of_the_window(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the products are averaged instead of summed.
        The filter's weights do all the weighing; nothing is divided."""
        return layer(x, w, b * w[0].size, stride, padding) / w[0].size

    def last_tap_missing(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the last row and column of the kernel are left out of the window.
        A window of k rows is x[i : i + k]: a slice's end is not part of it."""
        kept = w.copy()
        kept[:, :, max(w.shape[2] - 1, 1) :], kept[..., max(w.shape[3] - 1, 1) :] = 0, 0
        return layer(x, kept, b, stride, padding)

    def relu_inside(x, w, b, stride=(1, 1), padding=(0, 0)):
        """a ReLU is applied inside the convolution.
        The layer is linear; the activation is a layer of its own."""
        return ops.relu(layer(x, w, b, stride, padding))

    def integers_truncated(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the output has the integer dtype of the image, which cuts off fractions.
        Integer images give float64 results."""
        return layer(x, w, b, stride, padding).astype(x.dtype).astype(np.float64)

    def last_row_and_column_missing(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the last row and column of outputs are left out.
        A kernel has (size - kernel) // stride + 1 places; range() needs the + 1."""
        return layer(x, w, b, stride, padding)[:, :, :-1, :-1]

    def last_row_and_column_zero(x, w, b, stride=(1, 1), padding=(0, 0)):
        """the last row and column of outputs are never computed and stay 0.
        A kernel has (size - kernel) // stride + 1 places; range() needs the + 1."""
        y = layer(x, w, b, stride, padding).copy()
        y[:, :, -1], y[:, :, :, -1] = 0, 0
        return y

    def flat_batch_not_transposed(x, w, b, stride=(1, 1), padding=(0, 0)):
        """filters and images are mixed up: (O, N, HO, WO) is reshaped to (N, O, HO, WO).
        A reshape moves no numbers between axes; transpose first."""
        y = layer(x, w, b, stride, padding)
        return y.transpose(1, 0, 2, 3).reshape(y.shape)

    return [idea for idea in locals().values() if callable(idea) and idea is not layer]


def raised_bias(arguments: Arguments) -> Arguments:
    return {**arguments, "b": arguments["b"] + 1}


def bias_law(points: float) -> Law:
    return shifted(
        "bias",
        "raising b by 1 raises every output by 1",
        points,
        raised_bias,
        lambda arguments, before, after: (after, before + 1),
        "one filter",
        "channels",
        needs="shape",
    )


conv2d = Exercise(
    ops.conv2d,
    kinds=CONVOLUTION,
    laws=[
        shape("the output is (N, O, HO, WO)", 1, "one filter", "channels"),
        bias_law(0.5),
        agrees(2, "one filter", says="one filter on one channel: the products are summed"),
        agrees(
            1,
            "channels",
            name="channels",
            says="each filter sums over all channels, for each image alone",
        ),
        agrees(1, "strides", name="stride", says="rows and columns move by their own stride"),
        agrees(1, "paddings", name="padding", says="zeros go on both sides of rows and columns"),
        agrees(
            0.5,
            "everything",
            "large",
            *NUMBERS,
            "empty batch",
            name="together",
            says="all of it together, for any numbers and an empty batch",
        ),
        dtype(0.5),
        untouched(0.5),
        fresh(0.5, "channels"),
        refuses("impossible geometry raises ValueError"),
    ],
    tolerance=of_sums(ops.conv2d, "x"),
    misconceptions=ideas(ops.conv2d),
    formula=(
        "y[n, o, i, j] = b[o] + sum over c, u, v of xp[n, c, i * sh + u, j * sw + v] * w[o, "
        "c, u, v]",
        "where xp is x with padding[0] rows of zeros above and below and padding[1] columns "
        "of zeros on the left and right",
    ),
    working=sums(ops.conv2d, "x", "w", bias="b"),
)


# --- im2col


def windows(
    draw: Draw, kernel: Pair, stride: Pair = (1, 1), padding: Pair = (0, 0), more: int = 3
) -> Arguments:
    n, c = draw.size(1, 2), draw.size(1, 3)
    x = draw.shuffled(n, c, *image_size(draw, kernel, padding, more))
    return dict(x=x, kernel=kernel, stride=stride, padding=padding)


def plain_windows(draw: Draw) -> Arguments:
    return unsaid(windows(draw, draw.pair(1, 3)))


def strided_windows(draw: Draw) -> Arguments:
    return unsaid(windows(draw, draw.pair(1, 3), draw.unlike_pair(1, 3)))


def padded_windows(draw: Draw) -> Arguments:
    return windows(draw, draw.pair(1, 3), draw.pair(1, 2), draw.unlike_pair(0, 2))


def windows_of_other_numbers(draw: Draw, kind: str) -> Arguments:
    arguments = windows(draw, draw.pair(1, 3), draw.pair(1, 2), draw.pair(0, 1), more=9)
    return {**arguments, "x": renumbered(draw, kind, arguments["x"])}


def windows_of_nothing(draw: Draw) -> Arguments:
    arguments = strided_windows(draw)
    return {**arguments, "x": arguments["x"][:0]}


def impossible_windows(draw: Draw) -> Arguments:
    fault = dict(
        draw.choose(
            *IMPOSSIBLE_WINDOWS,
        )
    )
    return {**dict(x=draw.whole(1, 1, 3, 4), kernel=(2, 2), stride=(1, 1), padding=(0, 0)), **fault}


def channels_innermost(x, kernel, stride=(1, 1), padding=(0, 0)):
    """the rows are ordered row, column, channel.
    Their order is channel, row, column, as in w.reshape(O, -1)."""
    columns = ops.im2col(x, kernel, stride, padding)
    n, _, places = columns.shape
    split = columns.reshape(n, x.shape[1], *kernel, places)
    return split.transpose(0, 2, 3, 1, 4).reshape(columns.shape)


def kernel_columns_first(x, kernel, stride=(1, 1), padding=(0, 0)):
    """within a channel the rows run through the kernel column by column.
    The kernel's rows come first: row-major, as in w.reshape(O, -1)."""
    columns = ops.im2col(x, kernel, stride, padding)
    n, _, places = columns.shape
    split = columns.reshape(n, x.shape[1], *kernel, places)
    return split.transpose(0, 1, 3, 2, 4).reshape(columns.shape)


def places_columns_first(x, kernel, stride=(1, 1), padding=(0, 0)):
    """the windows are listed column by column of the output.
    Window i * WO + j stands at row i and column j: row-major."""
    columns = ops.im2col(x, kernel, stride, padding)
    size = output_shape(x.shape[2:], kernel, stride, padding)
    split = columns.reshape(*columns.shape[:2], *size)
    return split.transpose(0, 1, 3, 2).reshape(columns.shape)


def windows_as_rows(x, kernel, stride=(1, 1), padding=(0, 0)):
    """every window is a row instead of a column.
    The result is (N, C*KH*KW, HO*WO): one column for every window."""
    return ops.im2col(x, kernel, stride, padding).transpose(0, 2, 1)


def swapped_strides(x, kernel, stride=(1, 1), padding=(0, 0)):
    """the strides of rows and columns are swapped.
    stride = (rows, columns): the first moves down, the second to the right."""
    return ops.im2col(x, kernel, stride[::-1], padding)


def swapped_paddings(x, kernel, stride=(1, 1), padding=(0, 0)):
    """the paddings of rows and columns are swapped.
    padding = (rows, columns): the first goes above and below the image."""
    return ops.im2col(x, kernel, stride, padding[::-1])


im2col = Exercise(
    ops.im2col,
    kinds={
        "plain": plain_windows,
        "strided": strided_windows,
        "padded": padded_windows,
        **by_numbers(windows_of_other_numbers),
        "empty batch": windows_of_nothing,
        "impossible": impossible_windows,
    },
    laws=[
        shape("the result is (N, C*KH*KW, HO*WO)", 0.5, "plain"),
        agrees(1, "plain", says="each window is a column, ordered channel, row, column"),
        agrees(0.5, "strided", name="stride", says="rows and columns move by their own stride"),
        agrees(
            0.5,
            "padded",
            *NUMBERS,
            "empty batch",
            name="padding",
            says="windows reach into the padding; any numbers, any batch",
        ),
        dtype(0.5),
        lasting(untouched(0.5, "plain", *NUMBERS)),
        refuses("impossible geometry raises ValueError"),
    ],
    misconceptions=[
        channels_innermost,
        kernel_columns_first,
        places_columns_first,
        windows_as_rows,
        swapped_strides,
        swapped_paddings,
    ],
    returns=("columns",),
    tolerance=exact,
    formula=(
        "Column i * WO + j holds the window that the output (i, j) of a convolution looks "
        "at, padding included.",
        "Its entries are ordered channel, row, column: the order of w[o] in memory.",
    ),
    working=copy_of(ops.im2col, "x"),
)


# --- conv2d_im2col

# Times as fast as plain loops: a loop over pixels reaches about 1, vectorised code 50 and more.
FASTER = 4.0


SIDE = 64  # pixels of the image on which speed is measured


def large_image(draw: Draw) -> Arguments:
    """Many pixels and few channels: what a Python loop over pixels is slow on."""
    x = (np.arange(SIDE * SIDE) % 7.0).reshape(1, 1, SIDE, SIDE)
    w = np.arange(-4.0, 5.0).reshape(1, 1, 3, 3)
    return dict(x=x, w=w, b=np.ones(1), stride=(1, 1), padding=(0, 0))


@cache
def seconds_of_loops() -> float:
    """What the speed is compared with: one channel, one filter, four plain loops, timed here."""
    image, kernel = np.ones((SIDE, SIDE)), np.ones((3, 3))
    times = []
    for _ in range(3):
        started = time.thread_time()
        places = range(SIDE - 2)
        for i in places:
            for j in places:
                sum(image[i + u, j + v] * kernel[u, v] for u in range(3) for v in range(3))
        times.append(time.thread_time() - started)
    return min(times)


def _fast(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
    if min(answer.seconds for answer in answers) * FASTER < seconds_of_loops():
        return None
    return Mismatch(
        f"on an image of {SIDE} by {SIDE} pixels it is not even {FASTER:g} times as fast as plain "
        "Python loops; let one matrix product do the work"
    )


def three_times(arguments: Arguments) -> list[Arguments]:
    """Three calls, of which the fastest counts; the numbers differ, so none can be remembered."""
    return [{**arguments, "x": arguments["x"] + i} for i in range(3)]


speed = Law(
    "speed",
    "it is several times as fast as loops over pixels",
    1.0,
    _fast,
    ("large image",),
    calls=three_times,
    needs="agrees",
    timed=True,
)

conv2d_im2col = Exercise(
    ops.conv2d_im2col,
    kinds={**CONVOLUTION, "large image": large_image},
    laws=[
        shape("the output is (N, O, HO, WO)", 0.5, "one filter", "channels"),
        agrees(
            0.5,
            "one filter",
            "channels",
            "large image",
            says="the same numbers as conv2d, with stride 1 and no padding",
        ),
        agrees(
            1,
            "strides",
            "paddings",
            "everything",
            "large",
            *NUMBERS,
            "empty batch",
            name="together",
            says="the same numbers as conv2d for any stride, padding and batch",
        ),
        speed,
        dtype(0.5),
        lasting(untouched(0.5, "one filter", *NUMBERS)),
        refuses("impossible geometry raises ValueError"),
    ],
    tolerance=of_sums(ops.conv2d_im2col, "x"),
    misconceptions=ideas(ops.conv2d_im2col),
    cases=8,
    formula=("The same numbers as `conv2d`",),
    working=sums(ops.conv2d_im2col, "x", "w", bias="b"),
)


# --- grouped_conv2d


def grouped(
    draw: Draw, groups: int, width: int, depth: int, stride: Pair, padding: Pair, dilation: Pair
) -> Arguments:
    """`width` input and `depth` output channels in each group."""
    kernel = draw.pair(1, 3)
    size = image_size(draw, kernel, padding, 3, dilation)
    x = draw.whole(draw.size(1, 2), groups * width, *size)
    w = draw.whole(groups * depth, width, *kernel)
    return dict(
        x=x,
        w=w,
        b=draw.whole(len(w)),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def one_group(draw: Draw) -> Arguments:
    """What is not said is one group, no dilation, and perhaps no padding and a stride of one."""
    width, depth = draw.size(1, 2), draw.size(1, 2)
    stride, padding = draw.choose(((1, 1), (0, 0)), (draw.pair(1, 2), draw.pair(0, 1)))
    arguments = grouped(draw, 1, width, depth, stride, padding, (1, 1))
    del arguments["groups"], arguments["dilation"]
    return unsaid(arguments)


def dilations(draw: Draw) -> Arguments:
    dilation = draw.unlike_pair(1, 3)
    arguments = grouped(draw, 1, 1, draw.size(1, 2), draw.pair(1, 2), draw.pair(0, 1), dilation)
    del arguments["groups"]
    return arguments


def groups(draw: Draw) -> Arguments:
    count, width, depth = draw.size(2, 3), draw.size(1, 2), draw.size(1, 3)
    return grouped(draw, count, width, depth, (1, 1), (0, 0), (1, 1))


def depthwise(draw: Draw) -> Arguments:
    return grouped(draw, draw.size(2, 4), 1, 1, draw.pair(1, 2), draw.pair(0, 1), draw.pair(1, 2))


def grouped_numbers(draw: Draw, kind: str) -> Arguments:
    arguments = grouped(draw, 2, 2, 1, draw.pair(1, 2), draw.pair(0, 1), draw.pair(1, 2))
    if draw.size(0, 3) == 0:
        arguments["x"] = arguments["x"][:0]
    return renumbered_all(draw, kind, arguments)


def impossible_groups(draw: Draw) -> Arguments:
    good = dict(
        x=np.ones((1, 4, 4, 4)),
        w=np.ones((4, 2, 2, 2)),
        b=np.ones(4),
        stride=(1, 1),
        padding=(0, 0),
        dilation=(1, 1),
        groups=2,
    )
    fault = draw.choose(
        {"groups": 3},
        {"groups": 0},
        {"x": np.ones((1, 5, 4, 4))},
        {"w": np.ones((3, 2, 2, 2)), "b": np.ones(3)},
        {"dilation": (0, 1)},
        {"dilation": (1, 4)},
        {"stride": (1, 0)},
        {"w": np.ones((4, 2, 5, 2))},
    )
    return good | fault


def dilation_ignored(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """the dilation is ignored.
    Tap u reads row i * stride + u * dilation."""
    return ops.grouped_conv2d(x, w, b, stride, padding, (1, 1), groups)


def swapped_dilations(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """the dilations of rows and columns are swapped.
    dilation = (rows, columns)."""
    return ops.grouped_conv2d(x, w, b, stride, padding, dilation[::-1], groups)


def dilation_moves_the_window(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """the dilation is used as a stride.
    Dilation spreads the taps of one window; the stride moves the window."""
    moved = (stride[0] * dilation[0], stride[1] * dilation[1])
    return ops.grouped_conv2d(x, w, b, moved, padding, (1, 1), groups)


def dilation_and_stride_swapped(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """stride and dilation are exchanged.
    The stride moves the window; dilation spreads the taps within it."""
    return ops.grouped_conv2d(x, w, b, dilation, padding, stride, groups)


def dilation_times_kernel(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """a dilated kernel is taken to be dilation * kernel long, so the last outputs are missing.
    Its k taps have k - 1 gaps: it spans (k - 1) * dilation + 1 cells."""
    y = ops.grouped_conv2d(x, w, b, stride, padding, dilation, groups)
    rows, columns = (
        ops.output_size(x.shape[2 + a], w.shape[2 + a] * dilation[a], stride[a], (padding[a],) * 2)
        for a in (0, 1)
    )
    return y[:, :, :rows, :columns]


def channels_interleaved(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """group g takes every groups-th channel.
    A group is a block of neighbours: channels g * C // groups and the following."""
    n, c = x.shape[:2]
    mixed = x.reshape(n, c // groups, groups, *x.shape[2:]).swapaxes(1, 2).reshape(x.shape)
    return ops.grouped_conv2d(mixed, w, b, stride, padding, dilation, groups)


def filters_interleaved(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """filter o belongs to group o % groups.
    A group's filters are neighbours: filter o belongs to group o // (O // groups)."""
    order = np.arange(len(w)).reshape(-1, groups).T.ravel()
    y = ops.grouped_conv2d(x, w[order], b[order], stride, padding, dilation, groups)
    out = np.empty_like(y)
    out[:, order] = y
    return out


def first_group_for_all(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """all filters read the first group's channels.
    Filter o reads the channels of its own group."""
    width = x.shape[1] // groups
    first = np.concatenate([x[:, :width]] * groups, axis=1)
    return ops.grouped_conv2d(first, w, b, stride, padding, dilation, groups)


grouped_conv2d = Exercise(
    ops.grouped_conv2d,
    kinds={
        "one group": one_group,
        "dilations": dilations,
        "groups": groups,
        "depthwise": depthwise,
        **by_numbers(grouped_numbers),
        "impossible": impossible_groups,
    },
    laws=[
        shape("the output is (N, O, HO, WO)", 0.5, "one group"),
        agrees(0.5, "one group", says="with one group and no dilation it is conv2d"),
        agrees(0.5, "dilations", name="dilation", says="dilation spreads the taps of a window"),
        agrees(
            0.5,
            "groups",
            "depthwise",
            *NUMBERS,
            name="groups",
            says="each filter reads its own group's channels",
        ),
        dtype(0.5),
        lasting(untouched(0.5, "groups", *NUMBERS)),
        refuses("groups that do not divide, and impossible geometry, raise ValueError"),
    ],
    tolerance=of_sums(ops.grouped_conv2d, "x"),
    misconceptions=[
        dilation_ignored,
        swapped_dilations,
        dilation_moves_the_window,
        dilation_and_stride_swapped,
        dilation_times_kernel,
        channels_interleaved,
        filters_interleaved,
        first_group_for_all,
    ],
    cases=8,
    formula=(
        "the filters of run g see the channels of run g alone",
        "With dilation (dh, dw), tap (u, v) of the kernel reads the pixel u * dh rows and v "
        "* dw columns after the window's first.",
    ),
    working=sums(ops.grouped_conv2d, "x", "w", bias="b"),
)
