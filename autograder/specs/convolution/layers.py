"""Layers: conv2d, and conv2d_im2col, which is the same by one matrix product.

They share their cases and their misconceptions: each idea is written once, as the way in which a
wrong layer calls a right one.
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
from autograder.specs._layers import CONVOLUTION, NUMBERS
from autograder.strategies import Draw
from autograder.tolerance import of_sums
from autograder.working import sums
from reference import ops

if TYPE_CHECKING:
    from autograder.isolation.calls import Answer


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


# --- conv2d


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
