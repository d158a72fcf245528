"""Stride: windows that jump, pixels that are skipped.

Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), section 2.3;
Springenberg et al., "Striving for simplicity: the all convolutional net" (2015).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograder.compare import Mismatch
from autograder.laws import agrees, dtype, fresh, lasting, refuses, untouched
from autograder.spec import Arguments, Case, Exercise, Law
from autograder.specs._layers import ONE, Pair, filters, image_size, renumbered, renumbered_all
from autograder.strategies import Draw
from autograder.tolerance import of_sums
from autograder.working import copy_of, sums
from reference import ops

LESSON = 4


def integers(draw: Draw, arguments: Arguments) -> Arguments:
    kind = draw.choose("int64", "uint8")
    return {name: renumbered(draw, kind, value) for name, value in arguments.items()}


def of_type(draw: Draw, arguments: Arguments, kind: str) -> Arguments:
    """The same geometry with other numbers, in another layout in memory."""
    return renumbered_all(draw, kind, arguments)


# --- sliding_windows


def windows(draw: Draw, kernel: Pair, stride: Pair, more: int = 3) -> Arguments:
    n, c = draw.size(1, 2), draw.size(1, 3)
    x = draw.shuffled(n, c, *image_size(draw, kernel, more=more))
    return dict(x=x, kernel=kernel, stride=stride)


def plain_windows(draw: Draw) -> Arguments:
    arguments = windows(draw, draw.pair(1, 3), ONE)
    del arguments["stride"]
    return arguments


def strided_windows(draw: Draw) -> Arguments:
    return windows(draw, draw.pair(1, 3), draw.unlike_pair(1, 3), more=5)


def jumping_windows(draw: Draw) -> Arguments:
    """Strides beyond the kernel, so that some pixels are in no window; images up to 11."""
    return windows(draw, draw.pair(1, 2), draw.pair(2, 4), more=9)


def real_windows(draw: Draw) -> Arguments:
    """Images up to 18, so that there are many windows."""
    return of_type(draw, windows(draw, draw.pair(1, 3), ONE, more=15), "real")


def float32_windows(draw: Draw) -> Arguments:
    return of_type(draw, windows(draw, draw.pair(1, 5), draw.pair(1, 2)), "float32")


def integer_windows(draw: Draw) -> Arguments:
    return integers(draw, windows(draw, draw.pair(1, 3), draw.pair(1, 2)))


def windows_of_nothing(draw: Draw) -> Arguments:
    arguments = strided_windows(draw)
    return {**arguments, "x": arguments["x"][:0]}


def impossible_windows(draw: Draw) -> Arguments:
    fault = draw.choose(
        {"kernel": (3, 1)}, {"kernel": (1, 4)}, {"kernel": (0, 1)}, {"kernel": (1, 0)},
        {"stride": (0, 1)}, {"stride": (1, 0)}, {"stride": (-1, 1)}, {"stride": (1, -1)},
    )  # fmt: skip
    return {**dict(x=np.ones((1, 1, 2, 3)), kernel=(2, 2), stride=ONE), **fault}


def kernel_height_for_width(x, kernel, stride=(1, 1)):
    """the kernel's height is used for its width too.
    kernel = (rows, columns), and the two may differ."""
    return ops.sliding_windows(x, (kernel[0], kernel[0]), stride)


def swapped_strides(x, kernel, stride=(1, 1)):
    """the strides of rows and columns are swapped.
    stride = (rows, columns): the first moves down, the second to the right."""
    return ops.sliding_windows(x, kernel, stride[::-1])


def row_stride_for_both(x, kernel, stride=(1, 1)):
    """the row stride is used for the columns too.
    stride = (rows, columns), and the two may differ."""
    return ops.sliding_windows(x, kernel, (stride[0], stride[0]))


def stride_ignored(x, kernel, stride=(1, 1)):
    """the stride is ignored.
    Window i starts at row i * stride."""
    return ops.sliding_windows(x, kernel)


def stride_only_in_the_size(x, kernel, stride=(1, 1)):
    """there are as many windows as the stride leaves, but they still move by one.
    Window i starts at row i * stride, not at row i."""
    rows, columns = ops.sliding_windows(x, kernel, stride).shape[2:4]
    return ops.sliding_windows(x, kernel)[:, :, :rows, :columns]


def kernel_as_stride(x, kernel, stride=(1, 1)):
    """the windows lie side by side, as if the stride were the kernel.
    Windows may overlap, and may leave gaps: stride and kernel are two things."""
    return ops.sliding_windows(x, kernel, kernel)


def last_row_and_column_missing(x, kernel, stride=(1, 1)):
    """the last row and column of windows are left out.
    A kernel has (size - kernel) // stride + 1 places; range() needs the + 1."""
    return ops.sliding_windows(x, kernel, stride)[:, :, :-1, :-1]


def kernel_axes_first(x, kernel, stride=(1, 1)):
    """the axes of the kernel come before those of the places.
    The result is (N, C, HO, WO, KH, KW): first where the window is, then what is in it."""
    return ops.sliding_windows(x, kernel, stride).transpose(0, 1, 4, 5, 2, 3)


def transposed_windows(x, kernel, stride=(1, 1)):
    """rows and columns of every window are exchanged.
    windows[n, c, i, j, u, v] is x[n, c, i * sh + u, j * sw + v]."""
    return ops.sliding_windows(x, kernel, stride).swapaxes(4, 5)


def transposed_places(x, kernel, stride=(1, 1)):
    """the windows are listed column by column.
    The third axis counts the places downwards, the fourth to the right."""
    return ops.sliding_windows(x, kernel, stride).swapaxes(2, 3)


def copied(points: float) -> Law:
    """`untouched`, and the windows do not share memory among themselves either."""
    law = untouched(points, "plain", "strided", "real", "integers", needs="agrees")

    def judge(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
        if (wrong := law.judge(exercise, case, answers)) is not None:
            return wrong
        if answers[0].overlaps:
            return Mismatch("the windows share memory: a change of one changes others; copy them")
        return None

    says = "arguments stay as they were, and every window is a copy"
    return lasting(dataclasses.replace(law, says=says, judge=judge))


sliding_windows = Exercise(
    ops.sliding_windows,
    kinds={
        "plain": plain_windows,
        "strided": strided_windows,
        "jumping": jumping_windows,
        "real": real_windows,
        "float32": float32_windows,
        "integers": integer_windows,
        "empty batch": windows_of_nothing,
        "impossible": impossible_windows,
    },
    laws=[
        agrees(0.5, "plain", says="window (i, j) holds the pixels from row i and column j on"),
        agrees(0.5, "strided", "jumping", "real", "float32", "integers", "empty batch",
               name="stride", says="windows move by their own stride, over any batch of images"),
        dtype(0.5),
        copied(0.5),
        refuses("a kernel that does not fit, or a stride below 1, raises ValueError"),
    ],
    misconceptions=[
        kernel_height_for_width,
        swapped_strides,
        row_stride_for_both,
        stride_ignored,
        stride_only_in_the_size,
        kernel_as_stride,
        last_row_and_column_missing,
        kernel_axes_first,
        transposed_windows,
        transposed_places,
    ],
    returns=("windows",),
    formula=("windows[n, c, i, j, u, v] = x[n, c, i * sh + u, j * sw + v]",),
    working=copy_of(ops.sliding_windows, "x"),
)  # fmt: skip


# --- downsample


def pixels(draw: Draw, stride: Pair, most: int = 6) -> Arguments:
    shape = draw.size(1, 2), draw.size(1, 3), draw.size(1, most), draw.size(1, most)
    return dict(x=draw.shuffled(*shape), stride=stride)


def kept_pixels(draw: Draw) -> Arguments:
    return pixels(draw, draw.unlike_pair(1, 3))


def all_pixels(draw: Draw) -> Arguments:
    return pixels(draw, ONE, most=16)


def few_pixels(draw: Draw) -> Arguments:
    """Strides up to beyond the image: of such an axis the first pixel alone stays."""
    return pixels(draw, draw.pair(1, 9), most=12)


def real_pixels(draw: Draw) -> Arguments:
    return of_type(draw, pixels(draw, draw.pair(1, 3)), "real")


def float32_pixels(draw: Draw) -> Arguments:
    return of_type(draw, pixels(draw, draw.pair(1, 3)), "float32")


def integer_pixels(draw: Draw) -> Arguments:
    return integers(draw, pixels(draw, draw.pair(1, 3)))


def no_pixels(draw: Draw) -> Arguments:
    arguments = kept_pixels(draw)
    return {**arguments, "x": arguments["x"][:0]}


def impossible_stride(draw: Draw) -> Arguments:
    return dict(x=np.ones((1, 1, 1, 2)), stride=draw.choose((0, 1), (1, 0), (-1, 1), (1, -1)))


def down_ideas() -> list[Any]:
    """Misconceptions about leaving out pixels."""

    def remainder_rows_lost(x, stride):
        """the size is H // stride, so that the last kept row or column is lost.
        The first pixel is always kept: ceil(H / stride) rows."""
        rows, columns = (n // s for n, s in zip(x.shape[2:], stride, strict=True))
        return ops.downsample(x, stride)[:, :, :rows, :columns]

    def starts_at_the_stride(x, stride):
        """the first pixel kept is number stride, counted from 1.
        Pixel 0 is kept first, then pixel stride, then 2 * stride."""
        return ops.downsample(x[:, :, stride[0] - 1 :, stride[1] - 1 :], stride)

    def starts_at_one(x, stride):
        """the first pixel kept is pixel 1.
        Counting starts at 0: pixel 0 is kept first, then pixel stride, then 2 * stride."""
        return ops.downsample(x[:, :, 1:, 1:], stride)

    def swapped_strides(x, stride):
        """the strides of rows and columns are swapped.
        stride = (rows, columns): the first skips rows, the second columns."""
        return ops.downsample(x, stride[::-1])

    def row_stride_for_both(x, stride):
        """the row stride is used for the columns too.
        stride = (rows, columns), and the two may differ."""
        return ops.downsample(x, (stride[0], stride[0]))

    def column_stride_for_both(x, stride):
        """the column stride is used for the rows too.
        stride = (rows, columns), and the two may differ."""
        return ops.downsample(x, (stride[1], stride[1]))

    def rows_only(x, stride):
        """only rows are left out.
        Every axis of the image is thinned out by its own stride."""
        return ops.downsample(x, (stride[0], 1))

    def one_pixel_too_many_skipped(x, stride):
        """stride pixels are skipped after each one that is kept.
        Every stride-th pixel stays: between two of them stride - 1 are skipped."""
        return ops.downsample(x, (stride[0] + 1, stride[1] + 1))

    def mean_of_each_block(x, stride):
        """every block of pixels is averaged.
        That is pooling; here the block's first pixel is taken as it is."""
        rows, columns = (-n % s for n, s in zip(x.shape[2:], stride, strict=True))
        nothing = np.full((*x.shape[:2], x.shape[2] + rows, x.shape[3] + columns), np.nan)
        nothing[:, :, : x.shape[2], : x.shape[3]] = x
        return np.nanmean(ops.sliding_windows(nothing, stride, stride), axis=(4, 5))

    def largest_of_each_block(x, stride):
        """the largest pixel of every block is taken.
        That is pooling; here the block's first pixel is taken as it is."""
        rows, columns = (-n % s for n, s in zip(x.shape[2:], stride, strict=True))
        padded = np.pad(ops.downsample(x, (1, 1)), ((0, 0), (0, 0), (0, rows), (0, columns)),
                        constant_values=-np.inf)  # fmt: skip
        return ops.sliding_windows(padded, stride, stride).max(axis=(4, 5))

    return [idea for idea in locals().values() if callable(idea)]


downsample = Exercise(
    ops.downsample,
    kinds={
        "kept": kept_pixels,
        "all": all_pixels,
        "few": few_pixels,
        "real": real_pixels,
        "float32": float32_pixels,
        "integers": integer_pixels,
        "empty batch": no_pixels,
        "impossible": impossible_stride,
    },
    laws=[
        agrees(0.5, says="from the first on, every stride-th row and column stays"),
        dtype(0.5),
        lasting(untouched(0.5, "kept", "all", "real", "integers", needs="agrees")),
        refuses("a stride below 1 raises ValueError"),
    ],
    misconceptions=down_ideas(),
    cases=8,
    formula=("y[n, c, i, j] = x[n, c, i * sh, j * sw]",),
    working=copy_of(ops.downsample, "x"),
)


# --- strided_conv2d


def layer(
    draw: Draw,
    kernel: Pair,
    stride: Pair,
    *,
    batch: int = 1,
    channels: int = 1,
    outputs: int = 1,
    more: int = 3,
) -> Arguments:
    """Arguments of a convolution without padding and bias: x, w, stride."""
    arguments = filters(
        draw, kernel, stride, batch=batch, channels=channels, outputs=outputs, more=more
    )
    return {name: arguments[name] for name in ("x", "w", "stride")}


def one_filter(draw: Draw) -> Arguments:
    return layer(draw, draw.pair(1, 3), ONE, more=15)


def channels(draw: Draw) -> Arguments:
    return layer(draw, draw.pair(1, 2), ONE, batch=3, channels=4, outputs=4, more=2)


def strides(draw: Draw) -> Arguments:
    return layer(draw, draw.pair(1, 3), draw.unlike_pair(1, 3), more=6)


def jumps(draw: Draw) -> Arguments:
    """Strides beyond the kernel, a kernel of one pixel among them; images up to 11."""
    return layer(draw, draw.pair(1, 2), draw.pair(2, 5), more=9)


def everything(draw: Draw) -> Arguments:
    kernel, stride = draw.pair(1, 4), draw.pair(1, 3)
    return layer(draw, kernel, stride, batch=16, channels=3, outputs=3, more=4)


def real_layer(draw: Draw) -> Arguments:
    return of_type(draw, layer(draw, draw.pair(1, 3), ONE, channels=16, outputs=16), "real")


def other_numbers(draw: Draw) -> Arguments:
    drawn = layer(draw, draw.pair(1, 2), ONE, channels=2, outputs=2)
    return of_type(draw, drawn, draw.choose("float32", "uint8", "int64"))


def empty_batch(draw: Draw) -> Arguments:
    arguments = channels(draw)
    return {**arguments, "x": arguments["x"][:0]}


def impossible(draw: Draw) -> Arguments:
    """Geometry that cannot be, one fault at a time."""
    fault = draw.choose(
        {"w": np.ones((1, 2, 2, 1))},
        {"w": np.ones((1, 2, 1, 3))},
        {"w": np.ones((1, 1, 1, 1))},
        {"w": np.ones((1, 3, 1, 1))},
        {"stride": (0, 1)},
        {"stride": (1, 0)},
        {"stride": (-1, 1)},
        {"stride": (1, -1)},
    )
    return {**dict(x=np.ones((1, 2, 1, 2)), w=np.ones((1, 2, 1, 1)), stride=ONE), **fault}


def strided_ideas() -> list[Any]:
    """Misconceptions about a convolution with a stride."""
    right = ops.strided_conv2d

    def flipped_kernel(x, w, stride):
        """the kernel is flipped before it slides.
        CNN layers do not flip: output i reads x[i * s + u], never x[i * s - u]."""
        return right(x, w[:, :, ::-1, ::-1], stride)

    def transposed_kernel(x, w, stride):
        """the kernel's rows are used as its columns.
        w[o, c, u, v] belongs to x[n, c, i * sh + u, j * sw + v]."""
        return right(x, w.transpose(0, 1, 3, 2), stride)

    def flipped_rows(x, w, stride):
        """the kernel is flipped upside down.
        Neither axis is flipped in a CNN layer."""
        return right(x, w[:, :, ::-1], stride)

    def flipped_columns(x, w, stride):
        """the kernel is flipped left to right.
        Neither axis is flipped in a CNN layer."""
        return right(x, w[..., ::-1], stride)

    def swapped_strides(x, w, stride):
        """the strides of rows and columns are swapped.
        stride = (rows, columns): the first moves down, the second to the right."""
        return right(x, w, stride[::-1])

    def row_stride_for_both(x, w, stride):
        """the row stride is used for the columns too.
        stride = (rows, columns), and the two may differ."""
        return right(x, w, (stride[0], stride[0]))

    def column_stride_for_both(x, w, stride):
        """the column stride is used for the rows too.
        stride = (rows, columns), and the two may differ."""
        return right(x, w, (stride[1], stride[1]))

    def stride_ignored(x, w, stride):
        """the stride is ignored.
        Output i starts at row i * stride."""
        return right(x, w, (1, 1))

    def stride_only_in_the_size(x, w, stride):
        """the output shrinks with the stride, but the windows still move by one.
        Output i reads from row i * stride, not from row i."""
        rows, columns = right(x, w, stride).shape[2:]
        return right(x, w, (1, 1))[:, :, :rows, :columns]

    def kernel_as_stride(x, w, stride):
        """the windows lie side by side, as if the stride were the kernel.
        Windows may overlap, and may leave gaps: stride and kernel are two things."""
        return right(x, w, w.shape[2:])

    def image_downsampled_first(x, w, stride):
        """the image is downsampled before the convolution.
        The window moves by the stride, but it reads neighbouring pixels: none are left out."""
        return right(ops.downsample(x, stride), w, (1, 1))

    def mean_of_the_window(x, w, stride):
        """the products are averaged instead of summed.
        The filter's weights do all the weighing; nothing is divided."""
        return right(x, w, stride) / w[0].size

    def first_channel_only(x, w, stride):
        """only the first input channel is used.
        Each filter sums over all input channels."""
        return right(x[:, :1], w[:, :1], stride)

    def first_filter_for_all(x, w, stride):
        """the first filter is used for all outputs.
        Output channel o has its own kernel w[o]."""
        return right(x, np.repeat(w[:1], len(w), axis=0), stride)

    def first_image_only(x, w, stride):
        """only the first image of the batch is used.
        Every image n has its own outputs y[n]."""
        return np.repeat(right(x[:1], w, stride), len(x), axis=0)

    def batch_summed(x, w, stride):
        """the images of the batch are summed.
        Every image n has its own outputs y[n]."""
        return np.repeat(right(np.sum(x, axis=0, keepdims=True), w, stride), len(x), axis=0)

    def relu_inside(x, w, stride):
        """a ReLU is applied inside the convolution.
        The layer is linear; the activation is a layer of its own."""
        return ops.relu(right(x, w, stride))

    def last_row_and_column_missing(x, w, stride):
        """the last row and column of outputs are left out.
        A kernel has (size - kernel) // stride + 1 places; range() needs the + 1."""
        return right(x, w, stride)[:, :, :-1, :-1]

    def last_row_and_column_zero(x, w, stride):
        """the last row and column of outputs are never computed and stay 0.
        A kernel has (size - kernel) // stride + 1 places; range() needs the + 1."""
        y = right(x, w, stride)
        y[:, :, -1], y[:, :, :, -1] = 0, 0
        return y

    def flat_batch_not_transposed(x, w, stride):
        """filters and images are mixed up: (O, N, HO, WO) is reshaped to (N, O, HO, WO).
        A reshape moves no numbers between axes; transpose first."""
        y = right(x, w, stride)
        return y.transpose(1, 0, 2, 3).reshape(y.shape)

    return [idea for idea in locals().values() if callable(idea) and idea is not right]


strided_conv2d = Exercise(
    ops.strided_conv2d,
    kinds={
        "one filter": one_filter,
        "channels": channels,
        "strides": strides,
        "jumps": jumps,
        "everything": everything,
        "real": real_layer,
        "other numbers": other_numbers,
        "empty batch": empty_batch,
        "impossible": impossible,
    },
    laws=[
        agrees(0.5, "one filter", "channels",
               says="with stride 1 it is a valid cross-correlation over all channels"),
        agrees(0.5, "strides", "jumps", "everything", name="stride",
               says="rows and columns move by their own stride"),
        agrees(0.5, "real", "other numbers", "empty batch", name="numbers",
               says="any numbers and memory layouts are right, and an empty batch"),
        dtype(0.5),
        untouched(0.5, needs="agrees"),
        fresh(0.5, "channels"),
        refuses("impossible geometry raises ValueError"),
    ],
    tolerance=of_sums(ops.strided_conv2d, "x"),
    misconceptions=strided_ideas(),
    cases=10,
    formula=(
        "y[n, o, i, j] = sum over c, u, v of x[n, c, i * sh + u, j * sw + v] * w[o, c, u, "
        "v]",
    ),
    working=sums(ops.strided_conv2d, "x", "w"),
)  # fmt: skip
