"""Columns of windows, summed back into an image: col2im."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from autograder.laws import agrees, lasting, refuses, tidy
from autograder.spec import Arguments, Exercise, Kind
from autograder.specs import _layers
from autograder.specs._layers import IMPOSSIBLE_WINDOWS, NONE, ONE, Pair, output_shape, renumbered
from autograder.specs.backprop._gradients import size_asked_for
from autograder.strategies import Draw
from autograder.tolerance import of_sums
from autograder.working import sums
from reference import ops


def columns_of(
    draw: Draw,
    kernel: Pair,
    stride: Pair = ONE,
    padding: Pair = NONE,
    *,
    batch: int = 1,
    channels: int = 1,
    more: int = 3,
) -> Arguments:
    """Arguments of col2im: columns, shape, kernel, stride, padding."""
    n, c = draw.size(1, batch), draw.size(1, channels)
    size = _layers.image_size(draw, kernel, padding, more)
    columns = draw.whole(n, c * prod(kernel), prod(output_shape(size, kernel, stride, padding)))
    return dict(columns=columns, shape=(n, c, *size), kernel=kernel, stride=stride, padding=padding)


def columns_apart(draw: Draw) -> Arguments:
    """Windows side by side."""
    kernel = draw.pair(1, 3)
    return columns_of(draw, kernel, kernel, batch=2, channels=3)


def columns_that_overlap(draw: Draw) -> Arguments:
    """Stride and padding are left out of the call."""
    arguments = columns_of(draw, draw.pair(1, 3), channels=2)
    return {name: arguments[name] for name in ("columns", "shape", "kernel")}


def strided_columns(draw: Draw) -> Arguments:
    return columns_of(draw, draw.pair(1, 3), draw.unlike_pair(1, 3), more=4)


def padded_columns(draw: Draw) -> Arguments:
    return columns_of(draw, draw.pair(1, 3), draw.pair(1, 2), draw.unlike_pair(0, 2), channels=2)


def columns_of_type(*types: str) -> Kind:
    def kind(draw: Draw) -> Arguments:
        type_ = draw.choose(*types)
        arguments = columns_of(draw, draw.pair(1, 3), draw.pair(1, 2), ONE)
        return {name: renumbered(draw, type_, value) for name, value in arguments.items()}

    return kind


def long_columns(draw: Draw) -> Arguments:
    """Sizes about 10: of image, kernel and output, or of the batch and the channels."""
    if draw.choose("image", "batch") == "image":
        return dict(columns=draw.real(1, 90, 100), shape=(1, 1, 18, 19), kernel=(9, 10))
    return dict(columns=draw.real(9, 20, 4), shape=(9, 10, 2, 3), kernel=(1, 2))


def no_columns(draw: Draw) -> Arguments:
    arguments = padded_columns(draw)
    shape = (0, *arguments["shape"][1:])
    return {**arguments, "columns": arguments["columns"][:0], "shape": shape}


def impossible_columns(draw: Draw) -> Arguments:
    """Impossible geometry, with the columns that it would ask for; or columns that do not fit."""
    fault = dict(
        draw.choose(
            *IMPOSSIBLE_WINDOWS,
            {"columns": (1, 4, 5)},
            {"columns": (1, 4, 7)},
            {"columns": (1, 6, 4)},
            {"columns": (2, 4, 6)},
        )
    )
    layer = {"shape": (1, 1, 3, 4), "kernel": (2, 2), "stride": ONE, "padding": NONE, **fault}
    places = prod(size_asked_for(layer["kernel"], layer))
    shape = layer.pop("columns", (1, prod(layer["kernel"]), places))
    return dict(columns=np.ones(shape), **layer)


def padded_image(columns, shape, kernel, stride, padding):
    """The image with its padding still around it."""
    (n, c, h, w), (ph, pw) = shape, padding
    return ops.col2im(columns, (n, c, h + 2 * ph, w + 2 * pw), kernel, stride)


def col2im_ideas() -> list[Callable[..., Any]]:
    """Misconceptions of col2im."""

    def overlaps_overwritten(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
        """where windows overlap, the last entry replaces those before it.
        Entries that belong to one pixel add up: += and not =."""
        (ph, pw), (h, w) = padding, shape[2:]
        image = np.zeros((*shape[:2], h + 2 * ph, w + 2 * pw))
        places = output_shape(shape[2:], kernel, stride, padding)
        windows_ = columns.reshape(*shape[:2], *kernel, *places)
        for i, j in np.ndindex(places):
            top, left = i * stride[0], j * stride[1]
            window = windows_[..., i, j]
            image[:, :, top : top + kernel[0], left : left + kernel[1]] = window
        return image[:, :, ph : ph + h, pw : pw + w]

    def overlaps_averaged(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
        """where windows overlap, the entries are averaged, so that im2col is undone.
        col2im is no inverse but the gradient of im2col: the entries add up."""
        total = ops.col2im(columns, shape, kernel, stride, padding)
        ones = np.ones_like(columns, dtype=float)
        return total / np.maximum(ops.col2im(ones, shape, kernel, stride, padding), 1)

    def padding_left_on(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
        """the padding is still there.
        The result has the shape that was asked for: cut the padding off."""
        return padded_image(columns, shape, kernel, stride, padding)

    def crop_starts_at_corner(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
        """the image is cut out of the padded one at its top left corner.
        It starts at row padding[0] and column padding[1]."""
        padded = padded_image(columns, shape, kernel, stride, padding)
        return padded[:, :, : shape[2], : shape[3]]

    def negative_slice_at_padding_zero(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
        """the padding is cut off with [p:-p], which is empty where one of the two is 0.
        Cut with [p : p + size], which is right for every p."""
        padded = padded_image(columns, shape, kernel, stride, padding)
        if padding == (0, 0):
            return padded
        return padded[:, :, padding[0] : -padding[0], padding[1] : -padding[1]]

    def negative_slice_at_any_padding(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
        """the padding is cut off with [p:-p], which is empty for p = 0.
        Cut with [p : p + size], which is right for every p."""
        padded = padded_image(columns, shape, kernel, stride, padding)
        return padded[:, :, padding[0] : -padding[0], padding[1] : -padding[1]]

    def channels_innermost(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
        """the rows are read in the order row, column, channel.
        Their order is channel, row, column, as im2col writes them."""
        split = columns.reshape(shape[0], *kernel, shape[1], -1).transpose(0, 3, 1, 2, 4)
        return ops.col2im(split.reshape(columns.shape), shape, kernel, stride, padding)

    def kernel_columns_first(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
        """within a channel the rows are read down the kernel's columns.
        The kernel's rows come first: row-major."""
        split = columns.reshape(*shape[:2], *kernel[::-1], -1).swapaxes(2, 3)
        return ops.col2im(split.reshape(columns.shape), shape, kernel, stride, padding)

    def places_columns_first(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
        """the windows are read column by column of the output.
        Window i * WO + j stands at row i and column j: row-major."""
        size = output_shape(shape[2:], kernel, stride, padding)
        split = columns.reshape(*columns.shape[:2], *size[::-1]).swapaxes(2, 3)
        return ops.col2im(split.reshape(columns.shape), shape, kernel, stride, padding)

    return list(locals().values())


col2im = Exercise(
    ops.col2im,
    kinds={
        "side by side": columns_apart,
        "overlaps": columns_that_overlap,
        "strides": strided_columns,
        "paddings": padded_columns,
        "long axes": long_columns,
        "real numbers": columns_of_type("real"),
        "float32": columns_of_type("float32"),
        "integers": columns_of_type("int64", "uint8"),
        "empty batch": no_columns,
        "impossible": impossible_columns,
    },
    laws=[
        agrees(
            0.5,
            "side by side",
            says="each entry returns to the pixel that im2col copies it from",
        ),
        agrees(
            0.5,
            "overlaps",
            "strides",
            "paddings",
            "long axes",
            "real numbers",
            "float32",
            "integers",
            "empty batch",
            name="overlap",
            says="entries of one pixel add up, and those of the padding are dropped",
        ),
        lasting(
            tidy(
                0.5,
                "an array of its own, of the columns' dtype; arguments stay unchanged",
                "side by side",
                "paddings",
                "float32",
                "integers",
                needs="agrees",
            )
        ),
        refuses("impossible geometry, or columns of another shape, raise ValueError"),
    ],
    tolerance=of_sums(ops.col2im, "columns"),
    misconceptions=col2im_ideas(),
    returns=("image",),
    formula=(
        "every entry goes back to the pixel that it would have been copied from; a pixel "
        "that several windows hold gets the sum, one that no window holds gets 0, and what "
        "came from the padding is dropped",
    ),
    working=sums(ops.col2im, "columns"),
)
