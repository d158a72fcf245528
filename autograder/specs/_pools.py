"""Geometry that pooling and its gradients share: images, windows, strides and paddings.

Padding is at most half of the kernel, so every window holds a real pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograder.spec import Arguments, Kind
from autograder.specs._layers import (
    IMPOSSIBLE_WINDOWS,
    NONE,
    ONE,
    Pair,
    image_size,
    output_shape,
    renumbered,
)
from autograder.strategies import Draw

Pixels = Callable[..., np.ndarray]


# --- pixels


def from_zero(draw: Draw, *shape: int) -> np.ndarray:
    """Small numbers from 0 up."""
    return draw.whole(*shape, low=0)


def positive(draw: Draw, *shape: int) -> np.ndarray:
    """Distinct numbers from 1 up: a search that starts at 0, or padding of 0, does no harm."""
    pixels = draw.shuffled(*shape)
    return pixels - pixels.min(initial=0) + 1


def negative(draw: Draw, *shape: int) -> np.ndarray:
    """Distinct numbers below 0, at times far below: no number is small enough to start with."""
    return -positive(draw, *shape) * draw.choose(1.0, 1e12)


def infinite(draw: Draw, *shape: int) -> np.ndarray:
    """One pixel is infinite: it wins its windows and leaves the others alone."""
    pixels = positive(draw, *shape)
    pixels.flat[draw.size(0, pixels.size - 1)] = np.inf
    return pixels


def few(draw: Draw, *shape: int) -> np.ndarray:
    """Noughts and ones, as after a ReLU: nearly every window has a tie."""
    return draw.whole(*shape, low=0, high=1)


# --- kinds of pooling layers; `pixels` fills the image


def pool(
    draw: Draw,
    pixels: Pixels,
    kernel: Pair,
    stride: Pair,
    padding: Pair = NONE,
    *,
    batch: int = 1,
    channels: int = 1,
    more: int = 3,
) -> Arguments:
    """Arguments of a pooling layer: x, kernel, stride, padding."""
    n, c = draw.size(1, batch), draw.size(1, channels)
    x = pixels(draw, n, c, *image_size(draw, kernel, padding, more))
    return dict(x=x, kernel=kernel, stride=stride, padding=padding)


def tiles(draw: Draw, pixels: Pixels, batch: int = 1, channels: int = 1) -> Arguments:
    """Square windows side by side that fill the image; the padding is left out of the call."""
    side = draw.size(1, 3)
    height, width = side * draw.size(1, 2), side * draw.size(1, 3)
    x = pixels(draw, draw.size(1, batch), draw.size(1, channels), height, width)
    return dict(x=x, kernel=(side, side), stride=(side, side))


def many_channels(draw: Draw, pixels: Pixels) -> Arguments:
    return tiles(draw, pixels, batch=3, channels=3)


def strides(draw: Draw, pixels: Pixels) -> Arguments:
    """Windows of any shape that overlap, leave gaps, and leave a rest of the image over."""
    stride = draw.choose(ONE, draw.unlike_pair(1, 3))
    return pool(draw, pixels, draw.pair(1, 3), stride, more=4)


def paddings(draw: Draw, pixels: Pixels) -> Arguments:
    """Kernels of 2 and more: a padding of 1 is legal on both axes, also where they are swapped."""
    kernel, padding = draw.pair(2, 3), draw.choose((1, 0), (0, 1), ONE)
    return pool(draw, pixels, kernel, draw.pair(1, 3), padding)


def wide_paddings(draw: Draw, pixels: Pixels) -> Arguments:
    """Half of a large kernel lies in the padding."""
    kernel = draw.choose((4, 3), (2, 5), (5, 4))
    padding = kernel[0] // 2, kernel[1] // 2
    return pool(draw, pixels, kernel, draw.pair(1, 2), padding, channels=2, more=2)


def long_axes(draw: Draw, pixels: Pixels) -> Arguments:
    """Sizes about 10: of image, kernel and output, or of the batch and the channels."""
    if draw.choose("image", "batch") == "batch":
        x = pixels(draw, 9, 10, 2, 3)
        return dict(x=x, kernel=(1, 2), stride=(2, 1))
    x = pixels(draw, 1, 1, 18, 19)
    return dict(x=x, kernel=(9, 10), stride=draw.choose(ONE, (2, 1)))


def numbers(*types: str, of: Callable[[Draw, Pixels], Arguments]) -> Kind:
    """A kind of layer with pixels of other types, in other layouts."""

    def kind(draw: Draw) -> Arguments:
        type_ = draw.choose(*types)
        arguments = of(draw, Draw.whole)
        return {**arguments, "x": renumbered(draw, type_, arguments["x"])}

    return kind


def empty_batch(draw: Draw, pixels: Pixels) -> Arguments:
    arguments = paddings(draw, pixels)
    return {**arguments, "x": arguments["x"][:0]}


def impossible(draw: Draw) -> Arguments:
    """Geometry that cannot be, one fault at a time, on an image of 3 by 4 pixels.

    The faults are the only choice there is, and no more than `cases`: so all of them are drawn.
    """
    fault = dict(
        draw.choose(
            *IMPOSSIBLE_WINDOWS,
            {"kernel": (6, 2), "padding": (1, 0)},
            {"kernel": (3, 2), "padding": (2, 0)},
            {"kernel": (2, 3), "padding": (0, 2)},
        )
    )
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    return {**dict(x=x, kernel=(2, 2), stride=ONE, padding=NONE), **fault}


# --- windows, for misconceptions that take another way through them

Window = tuple[Any, ...]


def windows(
    x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair, size: Pair | None = None
) -> Iterator[tuple[Window, Window]]:
    """Where each window stands: its place in y, and its real pixels in x, batch and channels whole.

    `size` is how many rows and columns of windows there are, right unless told.
    """
    rows, columns = size or output_shape(x.shape[2:], kernel, stride, padding)
    for i, j in np.ndindex(rows, columns):
        top, left = i * stride[0] - padding[0], j * stride[1] - padding[1]
        place = (..., slice(i, i + 1), slice(j, j + 1))
        real = slice(max(top, 0), top + kernel[0]), slice(max(left, 0), left + kernel[1])
        yield place, (..., *real)


def counts(
    x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair
) -> tuple[np.ndarray, np.ndarray]:
    """How many real rows, and how many real columns, each window has: (HO, WO) both."""
    shape = output_shape(x.shape[2:], kernel, stride, padding)
    rows, columns = np.zeros(shape), np.zeros(shape)
    for place, real in windows(x, kernel, stride, padding):
        rows[place], columns[place] = x[real].shape[2:]
    return rows, columns
