"""Geometry that the layers share: images, kernels, strides and paddings that fit together.

Every axis is drawn on its own, so all of them usually differ; the kinds that must show swapped axes
draw pairs that always differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.spec import Arguments, Kind
from autograder.strategies import Draw

Pair = tuple[int, int]
ONE: Pair = (1, 1)
NONE: Pair = (0, 0)


def image_size(
    draw: Draw, kernel: Pair, padding: Pair = NONE, more: int = 3, dilation: Pair = ONE
) -> Pair:
    """Height and width that a kernel fits into, with up to `more` cells to spare."""

    def axis(k: int, p: int, d: int) -> int:
        return max(1, (k - 1) * d + 1 - 2 * p) + draw.size(0, more)

    height, width = map(axis, kernel, padding, dilation)
    return height, width


def output_shape(
    size: Pair, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE, dilation: Pair = ONE
) -> Pair:
    """Height and width of a layer's output."""

    def axis(n: int, k: int, s: int, p: int, d: int) -> int:
        return (n + 2 * p - (k - 1) * d - 1) // s + 1

    height, width = map(axis, size, kernel, stride, padding, dilation)
    return height, width


def filters(
    draw: Draw,
    kernel: Pair,
    stride: Pair = ONE,
    padding: Pair = NONE,
    *,
    batch: int = 1,
    channels: int = 1,
    outputs: int = 1,
    more: int = 3,
) -> Arguments:
    """Arguments of a convolutional layer: x, w, b, stride, padding."""
    n, c, o = draw.size(1, batch), draw.size(1, channels), draw.size(1, outputs)
    x = draw.whole(n, c, *image_size(draw, kernel, padding, more))
    w = draw.whole(o, c, *kernel)
    return dict(x=x, w=w, b=draw.whole(o), stride=stride, padding=padding)


# What cannot be for windows on an image of 3 rows and 4 columns, one fault at a time.
IMPOSSIBLE_WINDOWS: tuple[dict[str, Pair], ...] = (
    {"kernel": (4, 1)},
    {"kernel": (1, 5)},
    {"kernel": (0, 1)},
    {"stride": (0, 1)},
    {"stride": (1, -1)},
    {"padding": (-1, 0)},
    {"padding": (0, -1)},
)


def unsaid(arguments: Arguments) -> Arguments:
    """The arguments of a call that leaves out a padding of none, and then a stride of one."""
    kept = dict(arguments)
    for name, default in (("padding", NONE), ("stride", ONE)):
        if kept.get(name) != default or list(kept)[-1] != name:
            break
        del kept[name]
    return kept


# --- kinds of convolutional layers


def one_filter(draw: Draw) -> Arguments:
    return filters(draw, draw.pair(1, 3))


def channels(draw: Draw) -> Arguments:
    return filters(draw, draw.pair(1, 2), batch=2, channels=3, outputs=3, more=2)


def strides(draw: Draw) -> Arguments:
    return filters(draw, draw.pair(1, 3), draw.unlike_pair(1, 3), channels=2, more=5)


def paddings(draw: Draw) -> Arguments:
    kernel = draw.pair(1, 3)
    return filters(draw, kernel, padding=draw.unlike_pair(0, 2), outputs=2)


def everything(draw: Draw) -> Arguments:
    kernel, stride, padding = draw.pair(1, 3), draw.pair(1, 3), draw.pair(0, 2)
    return filters(draw, kernel, stride, padding, batch=2, channels=2, outputs=3, more=4)


def large(draw: Draw) -> Arguments:
    """Sizes beyond those of the other kinds, one axis or several: nothing may depend on them."""
    n, c, o = (draw.choose(1, 2, 9) for _ in range(3))
    kernel, padding = draw.choose((3, 2), (2, 5), (6, 7)), draw.pair(0, 3)
    x = draw.whole(n, c, draw.size(7, 13), draw.size(7, 13))
    w = draw.whole(o, c, *kernel)
    return dict(x=x, w=w, b=draw.whole(o), stride=draw.pair(1, 4), padding=padding)


def renumbered_filters(draw: Draw, kind: str) -> Arguments:
    arguments = filters(draw, draw.pair(1, 2), draw.pair(1, 2), draw.pair(0, 1), channels=2)
    return renumbered_all(draw, kind, arguments)


# Kinds of numbers. Each is a kind of cases of its own, so that none is left out by chance.
NUMBERS = ("real", "float32", "integers")


def by_numbers(make: Callable[[Draw, str], Arguments]) -> dict[str, Kind]:
    """The same geometry with real numbers, in float32, and with pixels of either integer dtype."""

    def integers(draw: Draw) -> Arguments:
        return make(draw, draw.choose("uint8", "int64"))

    return {
        "real": lambda draw: make(draw, "real"),
        "float32": lambda draw: make(draw, "float32"),
        "integers": integers,
    }


def renumbered(draw: Draw, kind: str, value: Any) -> Any:
    """An array with other numbers, in another layout; anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    if kind == "real":
        return draw.layout(draw.real(*value.shape))
    if kind == "float32":
        return draw.layout(draw.real(*value.shape, dtype=np.float32))
    if kind == "uint8":
        return draw.layout(draw.whole(*value.shape, low=0, high=255, dtype=np.uint8))
    return draw.layout(value.astype(np.int64))


def renumbered_all(draw: Draw, kind: str, arguments: Arguments) -> Arguments:
    """All arrays with other numbers. A float32 image, which decides, may meet integer weights."""
    first, *_ = arguments
    others = draw.choose("float32", "int64") if kind == "float32" else kind
    return {
        name: renumbered(draw, kind if name == first else others, value)
        for name, value in arguments.items()
    }


def empty_batch(draw: Draw) -> Arguments:
    arguments = everything(draw)
    return {**arguments, "x": arguments["x"][:0]}


def impossible(draw: Draw) -> Arguments:
    """Geometry that cannot be, one fault at a time."""
    fault = draw.choose("kernel", "stride", "padding", "channels", "bias")
    x, w, b = draw.whole(1, 2, 3, 4), draw.whole(2, 2, 2, 2), draw.whole(2)
    stride, padding = ONE, NONE
    if fault == "kernel":
        w, padding = draw.choose((draw.whole(2, 2, 4, 1), NONE), (draw.whole(2, 2, 1, 7), ONE))
    elif fault == "stride":
        stride = draw.choose((0, 1), (1, 0), (-1, 1))
    elif fault == "padding":
        padding = draw.choose((-1, 0), (0, -1))
    elif fault == "channels":
        w = draw.choose(draw.whole(2, 1, 2, 2), draw.whole(2, 3, 2, 2))
    else:
        b = draw.choose(draw.whole(1), draw.whole(3))
    return dict(x=x, w=w, b=b, stride=stride, padding=padding)


CONVOLUTION: dict[str, Kind] = {
    "one filter": one_filter,
    "channels": lambda draw: unsaid(channels(draw)),
    "strides": lambda draw: unsaid(strides(draw)),
    "paddings": paddings,
    "everything": everything,
    "large": large,
    **by_numbers(renumbered_filters),
    "empty batch": empty_batch,
    "impossible": impossible,
}
