"""Padding: how large the output is, and zeros around an image.

Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograder.laws import agrees, dtype, fresh, refuses, shape, untouched
from autograder.spec import Arguments, Exercise
from autograder.specs import _working
from autograder.strategies import Draw
from autograder.working import copy_of
from reference import ops

LESSON = 2


# --- output_size


def plain_axis(draw: Draw) -> Arguments:
    size = draw.size(1, 12)
    return dict(size=size, kernel=draw.size(1, size))


def strided_axis(draw: Draw) -> Arguments:
    size = draw.size(1, 12)
    return dict(size=size, kernel=draw.size(1, size), stride=draw.size(1, 5))


def padded_axis(draw: Draw) -> Arguments:
    size, before, after = draw.size(1, 9), draw.size(0, 3), draw.size(0, 3)
    kernel = draw.size(1, size + before + after)
    return dict(size=size, kernel=kernel, stride=draw.size(1, 4), padding=(before, after))


def dilated_axis(draw: Draw) -> Arguments:
    kernel, dilation = draw.size(1, 4), draw.size(1, 3)
    size = (kernel - 1) * dilation + draw.size(1, 6)
    return dict(size=size, kernel=kernel, stride=draw.size(1, 3), padding=(0, 0), dilation=dilation)


def impossible_axis(draw: Draw) -> Arguments:
    return draw.choose(
        dict(size=3, kernel=4),
        dict(size=3, kernel=6, stride=1, padding=(1, 1)),
        dict(size=5, kernel=3, stride=1, padding=(0, 0), dilation=3),
        dict(size=5, kernel=3, stride=0),
        dict(size=5, kernel=0),
        dict(size=5, kernel=2, stride=1, padding=(-1, 0)),
        dict(size=5, kernel=2, stride=1, padding=(0, -1)),
        dict(size=5, kernel=2, stride=1, padding=(3, -1)),
        dict(size=5, kernel=2, stride=1, padding=(0, 0), dilation=0),
    )


def kernel_forgotten(size, kernel, stride=1, padding=(0, 0), dilation=1):
    """the kernel's length is left out: size // stride.
    A kernel of length k has only size - k + 1 places to stand."""
    return (size + sum(padding)) // stride


def plus_one_forgotten(size, kernel, stride=1, padding=(0, 0), dilation=1):
    """the + 1 is forgotten.
    Steps of the kernel are counted from its first place, which counts too."""
    return ops.output_size(size, kernel, stride, padding, dilation) - 1


def rounded_up(size, kernel, stride=1, padding=(0, 0), dilation=1):
    """the number of steps is rounded up.
    A last step that does not fit whole is not made: round down."""
    return math.ceil((size + sum(padding) - (kernel - 1) * dilation - 1) / stride) + 1


def rounded_to_nearest(size, kernel, stride=1, padding=(0, 0), dilation=1):
    """the number of steps is rounded to the nearest whole number.
    A last step that does not fit whole is not made: round down."""
    return round((size + sum(padding) - (kernel - 1) * dilation - 1) / stride) + 1


def plus_one_before_division(size, kernel, stride=1, padding=(0, 0), dilation=1):
    """the + 1 is added before the division by the stride.
    Divide the free length by the stride first; the first place comes on top."""
    return (size + sum(padding) - (kernel - 1) * dilation) // stride


def true_division(size, kernel, stride=1, padding=(0, 0), dilation=1):
    """the division is / and not //.
    A size is a whole number; a / b is a float even where it has no remainder."""
    return (size + sum(padding) - (kernel - 1) * dilation - 1) / stride + 1


def padding_on_one_side(size, kernel, stride=1, padding=(0, 0), dilation=1):
    """only the padding before counts.
    The padding after makes the axis longer as well."""
    return ops.output_size(size + padding[0], kernel, stride, (0, 0), dilation)


def padding_before_twice(size, kernel, stride=1, padding=(0, 0), dilation=1):
    """the padding before is counted twice, and the padding after not at all.
    The two amounts may differ: add both."""
    return ops.output_size(size + 2 * padding[0], kernel, stride, (0, 0), dilation)


def dilation_times_kernel(size, kernel, stride=1, padding=(0, 0), dilation=1):
    """a dilated kernel is taken to be dilation * kernel long.
    Its k taps have k - 1 gaps: it spans (k - 1) * dilation + 1 cells."""
    return ops.output_size(size, kernel * dilation, stride, padding)


def dilation_ignored(size, kernel, stride=1, padding=(0, 0), dilation=1):
    """the dilation is ignored.
    A dilated kernel spans (k - 1) * dilation + 1 cells."""
    return ops.output_size(size, kernel, stride, padding)


output_size = Exercise(
    ops.output_size,
    kinds={
        "plain": plain_axis,
        "strided": strided_axis,
        "padded": padded_axis,
        "dilated": dilated_axis,
        "impossible": impossible_axis,
    },
    laws=[
        agrees(1, "plain", says="with stride 1 a kernel has size - kernel + 1 places"),
        agrees(0.5, "strided", name="stride", says="the last step is made only if it fits whole"),
        agrees(0.5, "padded", name="padding", says="the padding before and after both count"),
        agrees(0.5, "dilated", name="dilation", says="a dilated kernel spans its gaps too"),
        refuses("where no output fits, it raises ValueError"),
    ],
    misconceptions=[
        kernel_forgotten,
        plus_one_forgotten,
        rounded_up,
        rounded_to_nearest,
        plus_one_before_division,
        true_division,
        padding_on_one_side,
        padding_before_twice,
        dilation_times_kernel,
        dilation_ignored,
    ],
    returns=("the size",),
    cases=16,
    formula=(
        "The first place is the very first cell; each next one is `stride` cells further; "
        "the whole kernel must lie inside.",
        "With dilation d the taps of the kernel are d cells apart: 3 taps with dilation 2 "
        "reach over 5 cells.",
    ),
    working=_working.places,
)


# --- same_padding


def odd_kernel(draw: Draw) -> Arguments:
    return dict(size=draw.size(1, 12), kernel=draw.choose(1, 3, 5, 7))


def even_kernel(draw: Draw) -> Arguments:
    return dict(size=draw.size(1, 12), kernel=draw.choose(2, 4, 6))


def strided_same(draw: Draw) -> Arguments:
    return dict(size=draw.size(1, 12), kernel=draw.size(1, 6), stride=draw.size(1, 5))


def impossible_same(draw: Draw) -> Arguments:
    return draw.choose(
        dict(size=5, kernel=0),
        dict(size=5, kernel=3, stride=0),
        dict(size=0, kernel=3),
        dict(size=-1, kernel=3, stride=2),
    )


def extra_cell_before(size, kernel, stride=1):
    """an odd total puts the extra cell before.
    Keras and TensorFlow put it after."""
    before, after = ops.same_padding(size, kernel, stride)
    return after, before


def half_the_kernel_on_both_sides(size, kernel, stride=1):
    """kernel // 2 is added on both sides.
    That is right for odd kernels and stride 1 only; the total follows from the output's size."""
    return kernel // 2, kernel // 2


def kernel_cells_in_all(size, kernel, stride=1):
    """the total is the kernel's length, one too many.
    With stride 1 the output is size + total - kernel + 1 long."""
    return kernel // 2, kernel - kernel // 2


def same_size_plus_one(size, kernel, stride=1):
    """the output gets size // stride + 1 entries.
    That is one too many where the stride divides the size: it is ceil(size / stride)."""
    total = max(size // stride * stride + kernel - size, 0)
    return total // 2, total - total // 2


def output_as_large_as_input(size, kernel, stride=1):
    """the output is made as large as the input, whatever the stride.
    "Same" with a stride means ceil(size / stride) outputs."""
    total = max((size - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def stride_ignored(size, kernel, stride=1):
    """the stride is ignored.
    The last output starts at (ceil(size / stride) - 1) * stride, and only it must fit."""
    return ops.same_padding(size, kernel, 1)


def negative_total(size, kernel, stride=1):
    """the total may become negative, where the stride is beyond the kernel.
    Nothing is cut off: the total is at least 0."""
    total = (math.ceil(size / stride) - 1) * stride + kernel - size
    return total // 2, total - total // 2


same_padding = Exercise(
    ops.same_padding,
    kinds={
        "odd kernel": odd_kernel,
        "even kernel": even_kernel,
        "strided": strided_same,
        "impossible": impossible_same,
    },
    laws=[
        agrees(0.5, "odd kernel", name="odd", says="an odd kernel gets the same on both sides"),
        agrees(1, "even kernel", name="even", says="an even kernel gets its extra cell after"),
        agrees(1, "strided", name="stride", says="with a stride, ceil(size / stride) outputs fit"),
        refuses("a size, kernel or stride below 1 raises ValueError"),
    ],
    misconceptions=[
        extra_cell_before,
        half_the_kernel_on_both_sides,
        kernel_cells_in_all,
        same_size_plus_one,
        output_as_large_as_input,
        stride_ignored,
        negative_total,
    ],
    returns=("(before, after)",),
    cases=16,
    formula=(
        "It gives an output of ceil(size / stride) entries with no more padding than that needs.",
        "The total is shared by both sides; when it is odd, the extra cell goes after.",
    ),
    working=_working.same_amounts,
)


# --- zero_pad2d


def amounts(draw: Draw, *sides: int) -> tuple[tuple[int, int], tuple[int, int]]:
    top, bottom, left, right = (draw.size(0, side) for side in sides)
    return (top, bottom), (left, right)


def images(draw: Draw, dtype: Any = np.float64, most: int = 3) -> np.ndarray:
    n, c, h, w = (draw.size(1, most) for _ in range(4))
    return draw.whole(n, c, h, w, dtype=dtype)


def one_side(draw: Draw) -> Arguments:
    sides = [0, 0, 0, 0]
    sides[draw.size(0, 3)] = 2
    return dict(x=images(draw), padding=amounts(draw, *sides))


def all_sides(draw: Draw) -> Arguments:
    return dict(x=images(draw, most=draw.choose(3, 12)), padding=amounts(draw, 1, 2, 3, 4))


def no_padding(draw: Draw) -> Arguments:
    return dict(x=images(draw), padding=((0, 0), (0, 0)))


def other_numbers(draw: Draw) -> Arguments:
    x = images(draw, draw.choose(np.float32, np.int64, np.uint8, np.float64))
    return dict(x=draw.layout(x), padding=amounts(draw, 1, 1, 2, 2))


def empty_batch(draw: Draw) -> Arguments:
    x = np.zeros((0, draw.size(1, 2), draw.size(1, 2), draw.size(1, 3)))
    return dict(x=x, padding=amounts(draw, 1, 1, 2, 2))


def impossible_padding(draw: Draw) -> Arguments:
    """A negative amount, also where NumPy would stretch one pixel into none; or other axes."""
    fault = draw.choose(
        {"padding": ((-1, 2), (0, 0))},
        {"padding": ((2, -1), (0, 0))},
        {"padding": ((0, 0), (-1, 2))},
        {"padding": ((0, 0), (2, -1))},
        {"padding": ((0, -2), (1, 1))},
        {"x": np.ones((2, 3))},
        {"x": np.ones((1, 2, 3))},
        {"x": np.ones((1, 1, 1, 2, 3))},
    )
    return {**dict(x=np.ones((1, 1, 1, 1)), padding=((0, 0), (0, 0))), **fault}


def swapped_axes(x, padding):
    """the rows' amounts are used for the columns.
    The first pair is (top, bottom), for rows; the second (left, right), for columns."""
    return ops.zero_pad2d(x, (padding[1], padding[0]))


def first_amount_on_both_sides(x, padding):
    """the amount before is used on both sides.
    The four amounts may all differ."""
    (top, _), (left, _) = padding
    return ops.zero_pad2d(x, ((top, top), (left, left)))


def before_and_after_swapped(x, padding):
    """the amounts before and after are swapped.
    (top, bottom) are rows above and below, (left, right) columns before and behind."""
    (top, bottom), (left, right) = padding
    return ops.zero_pad2d(x, ((bottom, top), (right, left)))


def all_padding_before(x, padding):
    """all of the padding is put before, and none after.
    Leave `bottom` rows and `right` columns of zeros behind the image."""
    (top, bottom), (left, right) = padding
    return ops.zero_pad2d(x, ((top + bottom, 0), (left + right, 0)))


def _np_pad(x: np.ndarray, padding: Any, mode: Any) -> np.ndarray:
    if x.dtype.kind in "iub":
        x = x.astype(np.float64)
    return np.pad(x, ((0, 0), (0, 0), *padding), mode=mode)


def edge_instead_of_zeros(x, padding):
    """the border is repeated instead of zeros being added.
    The added cells are 0."""
    return _np_pad(x, padding, "edge")


def wrapped_around(x, padding):
    """the image is wrapped around instead of zeros being added.
    The added cells are 0."""
    return _np_pad(x, padding, "wrap")


def batch_and_channels_padded(x, padding):
    """the batch and channel axes are padded as well.
    Only the last two axes, rows and columns, grow."""
    (top, bottom), (left, right) = padding
    x = x.astype(np.float64) if x.dtype.kind in "iub" else x
    return np.pad(x, ((top, bottom), (left, right), (top, bottom), (left, right)))


zero_pad2d = Exercise(
    ops.zero_pad2d,
    kinds={
        "one side": one_side,
        "all sides": all_sides,
        "no padding": no_padding,
        "other numbers": other_numbers,
        "empty batch": empty_batch,
        "impossible": impossible_padding,
    },
    laws=[
        shape("the output is (N, C, top + H + bottom, left + W + right)", 0.5),
        agrees(1, "one side", "no padding", says="the image is unchanged, and around it is 0"),
        agrees(
            0.5,
            "all sides",
            "other numbers",
            "empty batch",
            name="four_amounts",
            says="the four sides get their own amounts",
        ),
        dtype(0.5),
        untouched(0.5),
        fresh(0.5, "one side"),
        refuses("a negative amount, or an x without four axes, raises ValueError"),
    ],
    misconceptions=[
        swapped_axes,
        first_amount_on_both_sides,
        before_and_after_swapped,
        all_padding_before,
        edge_instead_of_zeros,
        wrapped_around,
        batch_and_channels_padded,
    ],
    cases=10,
    formula=(
        "x (N, C, H, W) with zeros around every image: (N, C, top + H + bottom, left + W + right)",
        "`padding` is ((top, bottom), (left, right)).",
    ),
    working=copy_of(ops.zero_pad2d, "x"),
)
