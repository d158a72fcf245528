"""Pooling: a window of pixels becomes one number, channel by channel.

Zhou and Chellappa, "Computation of optical flow using a neural network" (1988); LeCun et al.,
"Gradient-based learning applied to document recognition" (1998), section II.B; Lin, Chen and Yan,
"Network in network" (2014), section 3.2.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from autograder.laws import agrees, dtype, lasting, refuses, shape, tidy, untouched
from autograder.spec import Arguments, Exercise, Kind
from autograder.specs._layers import renumbered
from autograder.specs._pools import (
    Pixels,
    counts,
    empty_batch,
    from_zero,
    impossible,
    infinite,
    long_axes,
    many_channels,
    negative,
    numbers,
    paddings,
    strides,
    tiles,
    wide_paddings,
    windows,
)
from autograder.strategies import Draw
from autograder.tolerance import exact, of_windows
from autograder.working import maximum, mean
from reference import ops

LESSON = 6


def kinds(pixels: Pixels, at_the_border: Pixels) -> dict[str, Kind]:
    """Kinds of pooling layers: these pixels where there is no padding, those where there is."""
    return {
        "tiles": lambda draw: tiles(draw, pixels),
        "channels": lambda draw: many_channels(draw, pixels),
        "strides": lambda draw: strides(draw, pixels),
        "long axes": lambda draw: long_axes(draw, pixels),
        "real numbers": numbers("real", of=many_channels),
        "float32": numbers("float32", of=many_channels),
        "integers": numbers("int64", "uint8", of=many_channels),
        "empty batch": lambda draw: empty_batch(draw, pixels),
        "paddings": lambda draw: paddings(draw, at_the_border),
        "wide paddings": lambda draw: wide_paddings(draw, at_the_border),
        "padded numbers": numbers("float32", "uint8", of=paddings),
        "impossible": impossible,
    }


# --- ideas that both poolings share; `reduce` makes one number of a window


def ideas(pool: Callable[..., Any], reduce: Callable[..., Any]) -> list[Callable[..., Any]]:
    """Misconceptions of a pooling layer `pool(x, kernel, stride, padding)`."""

    def pooled(x, kernel, stride, padding, size):
        y = np.zeros((*x.shape[:2], *size))
        for place, real in windows(x, kernel, stride, padding, size):
            y[place] = reduce(x[real], axis=(2, 3), keepdims=True)
        return y

    def swapped_kernel(x, kernel, stride, padding=(0, 0)):
        """the window's height and width are swapped.
        kernel = (rows, columns): a window of (2, 3) is 2 pixels high and 3 wide."""
        return pool(x, kernel[::-1], stride, padding)

    def square_kernel(x, kernel, stride, padding=(0, 0)):
        """the window's height is used for its width too.
        kernel = (rows, columns), and the two may differ."""
        return pool(x, (kernel[0], kernel[0]), stride, padding)

    def stride_assumed_kernel(x, kernel, stride, padding=(0, 0)):
        """the windows lie side by side, whatever the stride.
        Window i starts at row i * stride: windows may overlap, or leave gaps."""
        return pool(x, kernel, kernel, padding)

    def stride_ignored(x, kernel, stride, padding=(0, 0)):
        """the stride is ignored: the window moves by one.
        Window i starts at row i * stride."""
        return pool(x, kernel, (1, 1), padding)

    def stride_only_in_the_size(x, kernel, stride, padding=(0, 0)):
        """the output shrinks with the stride, but the windows still move by one.
        Window i starts at row i * stride, not at row i."""
        rows, columns = pool(x, kernel, stride, padding).shape[2:]
        return pool(x, kernel, (1, 1), padding)[:, :, :rows, :columns]

    def swapped_strides(x, kernel, stride, padding=(0, 0)):
        """the strides of rows and columns are swapped.
        stride = (rows, columns): the first moves down, the second to the right."""
        return pool(x, kernel, stride[::-1], padding)

    def row_stride_for_both(x, kernel, stride, padding=(0, 0)):
        """the row stride is used for the columns too.
        stride = (rows, columns), and the two may differ."""
        return pool(x, kernel, (stride[0], stride[0]), padding)

    def column_stride_for_both(x, kernel, stride, padding=(0, 0)):
        """the column stride is used for the rows too.
        stride = (rows, columns), and the two may differ."""
        return pool(x, kernel, (stride[1], stride[1]), padding)

    def swapped_paddings(x, kernel, stride, padding=(0, 0)):
        """the paddings of rows and columns are swapped.
        padding = (rows, columns): the first goes above and below the image."""
        return pool(x, kernel, stride, padding[::-1])

    def padding_ignored(x, kernel, stride, padding=(0, 0)):
        """the padding is ignored.
        The first window starts padding rows above the image."""
        return pool(x, kernel, stride, (0, 0))

    def ceil_mode(x, kernel, stride, padding=(0, 0)):
        """the size is rounded up, so that a last window hangs over the end.
        A last step that does not fit whole is not made: round down."""
        size = []
        for n, k, s, p in zip(x.shape[2:], kernel, stride, padding, strict=True):
            length = -(-(n + 2 * p - k) // s) + 1
            size.append(length - ((length - 1) * s >= n + p))  # a window needs one real pixel
        return pooled(x, kernel, stride, padding, size)

    def kernel_forgotten(x, kernel, stride, padding=(0, 0)):
        """the output's size is taken to be H // stride.
        A window of k rows has (H + 2 * padding - k) // stride + 1 places."""
        size = x.shape[2] // stride[0], x.shape[3] // stride[1]
        return pooled(x, kernel, stride, padding, size)

    def last_row_and_column_missing(x, kernel, stride, padding=(0, 0)):
        """the last row and column of windows are left out.
        There are (size - kernel) // stride + 1 places; range() needs the + 1."""
        return pool(x, kernel, stride, padding)[:, :, :-1, :-1]

    def last_row_and_column_zero(x, kernel, stride, padding=(0, 0)):
        """the last row and column of outputs are never computed and stay 0.
        There are (size - kernel) // stride + 1 places; range() needs the + 1."""
        y = pool(x, kernel, stride, padding)
        y[:, :, -1], y[:, :, :, -1] = 0, 0
        return y

    def pools_over_channels(x, kernel, stride, padding=(0, 0)):
        """the window reaches through all channels.
        Pooling takes each channel on its own."""
        y = pool(x, kernel, stride, padding)
        return np.broadcast_to(reduce(y, axis=1, keepdims=True), y.shape)

    def pools_over_batch(x, kernel, stride, padding=(0, 0)):
        """the window reaches through all images of the batch.
        Pooling takes each image on its own."""
        y = pool(x, kernel, stride, padding)
        return np.broadcast_to(reduce(y, axis=0, keepdims=True), y.shape) if len(y) else y

    def first_channel_only(x, kernel, stride, padding=(0, 0)):
        """only the first channel is pooled.
        Every channel c has its own outputs y[:, c]."""
        return np.repeat(pool(x[:, :1], kernel, stride, padding), x.shape[1], axis=1)

    def first_image_only(x, kernel, stride, padding=(0, 0)):
        """only the first image of the batch is pooled.
        Every image n has its own outputs y[n]."""
        return np.repeat(pool(x[:1], kernel, stride, padding), len(x), axis=0)

    return [idea for name, idea in locals().items() if name not in ("pool", "reduce", "pooled")]


# --- max_pool2d


def max_starts_at_zero(x, kernel, stride, padding=(0, 0)):
    """the search for the maximum starts at 0.
    A window of negative pixels has a negative maximum: start at minus infinity."""
    return np.maximum(ops.max_pool2d(x, kernel, stride, padding), 0)


def padding_wins_the_max(x, kernel, stride, padding=(0, 0)):
    """the image is padded with zeros, which win over negative pixels.
    Padding never wins: it counts as minus infinity."""
    (rows, columns) = padding
    padded = ops.zero_pad2d(x, ((rows, rows), (columns, columns)))
    return ops.max_pool2d(padded, kernel, stride)


def last_element_for_the_maximum(x, kernel, stride, padding=(0, 0)):
    """a window gives its last pixel.
    It gives its largest pixel, wherever that stands."""
    places = np.arange(prod(x.shape[2:]), dtype=float).reshape(1, 1, *x.shape[2:])
    last = ops.max_pool2d(places, kernel, stride, padding)[0, 0].astype(int)
    return x.reshape(*x.shape[:2], places.size)[:, :, last]


def first_element_for_the_maximum(x, kernel, stride, padding=(0, 0)):
    """a window gives its first pixel.
    It gives its largest pixel, wherever that stands."""
    places = -np.arange(prod(x.shape[2:]), dtype=float).reshape(1, 1, *x.shape[2:])
    first = -ops.max_pool2d(places, kernel, stride, padding)[0, 0].astype(int)
    return x.reshape(*x.shape[:2], places.size)[:, :, first]


def mean_instead_of_max(x, kernel, stride, padding=(0, 0)):
    """a window gives its mean.
    Max pooling keeps the largest pixel of a window."""
    return ops.avg_pool2d(x, kernel, stride, padding)


def min_instead_of_max(x, kernel, stride, padding=(0, 0)):
    """a window gives its smallest pixel.
    Max pooling keeps the largest pixel of a window."""
    return -ops.max_pool2d(-x.astype(float), kernel, stride, padding)


max_pool2d = Exercise(
    ops.max_pool2d,
    kinds={
        **kinds(from_zero, negative),
        "negative": lambda draw: many_channels(draw, negative),
        "infinite": lambda draw: many_channels(draw, infinite),
    },
    laws=[
        shape("the output is (N, C, HO, WO), its size rounded down", 0.5),
        agrees(
            0.5,
            "tiles",
            "channels",
            says="each window gives its largest pixel, in each channel on its own",
        ),
        agrees(
            0.5,
            "strides",
            "long axes",
            "empty batch",
            name="stride",
            says="windows have their own height, width and stride in rows and columns",
        ),
        agrees(
            0.5,
            "negative",
            "real numbers",
            "float32",
            "integers",
            "infinite",
            name="numbers",
            says="negative pixels, and pixels of any dtype, are compared as they are",
        ),
        agrees(
            0.5,
            "paddings",
            "wide paddings",
            "padded numbers",
            name="padding",
            says="padding never wins, not even over negative pixels",
        ),
        dtype(0.5, needs="agrees"),
        lasting(untouched(0.5, "tiles", "paddings", "integers", needs="agrees")),
        refuses("impossible geometry raises ValueError"),
    ],
    tolerance=exact,
    misconceptions=[
        max_starts_at_zero,
        padding_wins_the_max,
        last_element_for_the_maximum,
        first_element_for_the_maximum,
        mean_instead_of_max,
        min_instead_of_max,
        *ideas(ops.max_pool2d, np.max),
    ],
    formula=(
        "y[n, c, i, j] = max over u, v of xp[n, c, i * sh + u, j * sw + v]",
        "where xp is x with padding[0] rows and padding[1] columns of minus infinity on both sides",
    ),
    working=maximum(ops.max_pool2d, "x"),
)


# --- avg_pool2d


def padding_counted_in_average(x, kernel, stride, padding=(0, 0)):
    """padding counts as pixels of value 0.
    Divide by the number of real pixels in the window."""
    (rows, columns) = padding
    padded = ops.zero_pad2d(x, ((rows, rows), (columns, columns)))
    return ops.avg_pool2d(padded, kernel, stride)


def not_divided(x, kernel, stride, padding=(0, 0)):
    """the pixels are summed and not divided.
    The mean is the sum over the number of real pixels."""
    rows, columns = counts(x, kernel, stride, padding)
    return ops.avg_pool2d(x, kernel, stride, padding) * rows * columns


def divided_by_kernel_height_squared(x, kernel, stride, padding=(0, 0)):
    """the sum is divided by the square of the window's height.
    A window has rows times columns pixels, and the two may differ."""
    rows, columns = counts(x, kernel, stride, padding)
    return ops.avg_pool2d(x, kernel, stride, padding) * columns / rows


def divided_by_kernel_height(x, kernel, stride, padding=(0, 0)):
    """the sum is divided by the window's height alone.
    A window has rows times columns pixels."""
    _, columns = counts(x, kernel, stride, padding)
    return ops.avg_pool2d(x, kernel, stride, padding) * columns


def divided_by_nonzero_count(x, kernel, stride, padding=(0, 0)):
    """the sum is divided by the number of pixels that are not 0.
    A pixel of value 0 is a real pixel and counts; only padding does not."""
    share = ops.avg_pool2d((x != 0).astype(x.dtype), kernel, stride, padding)
    y = ops.avg_pool2d(x, kernel, stride, padding)
    return np.where(share > 0, y / share, 0)


def max_instead_of_mean(x, kernel, stride, padding=(0, 0)):
    """a window gives its largest pixel.
    Average pooling gives the mean of a window."""
    return ops.max_pool2d(x, kernel, stride, padding)


def integers_truncated(x, kernel, stride, padding=(0, 0)):
    """the means of integers are cut off to integers.
    Integer images give float64 results: the mean of 1 and 2 is 1.5."""
    return ops.avg_pool2d(x, kernel, stride, padding).astype(x.dtype)


avg_pool2d = Exercise(
    ops.avg_pool2d,
    kinds=kinds(Draw.whole, Draw.whole),
    laws=[
        shape("the output is (N, C, HO, WO), its size rounded down", 0.5),
        agrees(
            0.5,
            "tiles",
            "channels",
            says="each window gives its mean, in each channel on its own",
        ),
        agrees(
            0.5,
            "strides",
            "long axes",
            "real numbers",
            "float32",
            "integers",
            "empty batch",
            name="stride",
            says="windows have their own height, width and stride in rows and columns",
        ),
        agrees(
            0.5,
            "paddings",
            "wide paddings",
            "padded numbers",
            name="padding",
            says="the sum is divided by the number of real pixels, without padding",
        ),
        dtype(0.5, needs="agrees"),
        lasting(untouched(0.5, "tiles", "paddings", "integers", needs="agrees")),
        refuses("impossible geometry raises ValueError"),
    ],
    tolerance=of_windows("x"),
    misconceptions=[
        padding_counted_in_average,
        not_divided,
        divided_by_kernel_height_squared,
        divided_by_kernel_height,
        divided_by_nonzero_count,
        max_instead_of_mean,
        integers_truncated,
        *ideas(ops.avg_pool2d, np.mean),
    ],
    formula=(
        "the sum of a window's real pixels is divided by their number, so a window that "
        "hangs over the border divides by less",
    ),
    working=mean(ops.avg_pool2d, "x"),
)


# --- global_avg_pool2d


def whole_images(draw: Draw) -> Arguments:
    n, c, height, width = (draw.size(1, most) for most in (3, 3, 3, 4))
    return dict(x=draw.whole(n, c, height, width))


def one_image(draw: Draw) -> Arguments:
    return dict(x=draw.whole(1, draw.size(1, 3), *draw.pair(1, 4)))


def images_of(*types: str) -> Kind:
    return lambda draw: dict(x=renumbered(draw, draw.choose(*types), whole_images(draw)["x"]))


def large_images(draw: Draw) -> Arguments:
    return dict(x=draw.real(*draw.choose((2, 1, 9, 12), (9, 10, 1, 2))))


def no_images(draw: Draw) -> Arguments:
    return dict(x=whole_images(draw)["x"][:0])


def other_axes(draw: Draw) -> Arguments:
    """Other axes than four, or no pixels."""
    shapes = (2, 3), (2, 3, 2), (2, 3, 2, 1, 2), (2, 3, 0, 2), (2, 3, 2, 0)
    return dict(x=np.ones(draw.choose(*shapes)))


def pools_over_batch(x):
    """the mean goes over the batch as well.
    Every image n has its own means y[n]."""
    y = ops.global_avg_pool2d(x)
    return np.broadcast_to(y.sum(axis=0) / max(len(y), 1), y.shape)


def pools_over_channels(x):
    """the mean goes over the channels as well.
    Every channel c has its own mean y[:, c]."""
    y = ops.global_avg_pool2d(x)
    return np.broadcast_to(y.mean(axis=1, keepdims=True), y.shape)


def sum_of_the_channel(x):
    """the pixels are summed and not divided.
    The mean of a channel is its sum over H * W."""
    return ops.global_avg_pool2d(x) * prod(x.shape[2:])


def largest_of_the_channel(x):
    """every channel gives its largest pixel.
    Global average pooling gives the mean."""
    return x.max(axis=(2, 3))


def integer_means(x):
    """the means of integers are cut off to integers.
    Integer images give float64 results: the mean of 1 and 2 is 1.5."""
    return ops.global_avg_pool2d(x).astype(x.dtype)


global_avg_pool2d = Exercise(
    ops.global_avg_pool2d,
    kinds={
        "one image": one_image,
        "batch": whole_images,
        "real numbers": images_of("real"),
        "float32": images_of("float32"),
        "integers": images_of("int64", "uint8"),
        "large": large_images,
        "empty batch": no_images,
        "impossible": other_axes,
    },
    laws=[
        agrees(0.5, says="the output is (N, C): the mean of each channel of each image"),
        lasting(
            tidy(
                0.5,
                "float32 stays, integers become float64; arguments stay unchanged",
                "batch",
                "real numbers",
                "float32",
                "integers",
                needs="agrees",
            )
        ),
        refuses("an x without four axes, or without pixels, raises ValueError"),
    ],
    tolerance=of_windows("x"),
    misconceptions=[
        pools_over_batch,
        pools_over_channels,
        sum_of_the_channel,
        largest_of_the_channel,
        integer_means,
    ],
    formula=("The mean of every channel: x (N, C, H, W) gives (N, C).",),
    working=mean(ops.global_avg_pool2d, "x"),
)
