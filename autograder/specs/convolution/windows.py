"""The windows that a convolution looks at, as columns of a matrix: im2col."""

from __future__ import annotations

from autograder.laws import agrees, dtype, lasting, refuses, shape, untouched
from autograder.spec import Arguments, Exercise
from autograder.specs._layers import (
    IMPOSSIBLE_WINDOWS,
    NUMBERS,
    Pair,
    by_numbers,
    image_size,
    output_shape,
    renumbered,
    unsaid,
)
from autograder.strategies import Draw
from autograder.tolerance import exact
from autograder.working import copy_of
from reference import ops


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
