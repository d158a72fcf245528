"""The gradients of pooling: max_pool2d_backward, avg_pool2d_backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from autograder.compare import Mismatch, mismatch
from autograder.laws import agrees, dtype, lasting, refuses, untouched
from autograder.spec import Arguments, Case, Exercise, Kind, Law
from autograder.specs import _pools, _working
from autograder.specs._layers import IMPOSSIBLE_WINDOWS, NONE, ONE, Pair, output_shape
from autograder.specs._pools import Pixels, few, negative, positive, windows
from autograder.specs.backprop._gradients import TYPES, of_all_types, size_asked_for, tidy_gradient
from autograder.strategies import Draw
from autograder.tolerance import of_windows
from autograder.working import sums
from reference import ops

if TYPE_CHECKING:
    from autograder.isolation.calls import Answer


def with_gradient(draw: Draw, layer: Arguments) -> Arguments:
    """A pooling layer's arguments, and dy in front of them."""
    x = layer["x"]
    padding = layer.get("padding", NONE)
    size = output_shape(x.shape[2:], layer["kernel"], layer["stride"], padding)
    return {"dy": draw.whole(*x.shape[:2], *size), **layer}


def pool_kinds(pixels: Pixels, at_the_border: Pixels) -> dict[str, Kind]:
    """Gradients of pooling layers: these pixels without padding, those where there is some."""

    def of(kind: Callable[[Draw, Pixels], Arguments], fill: Pixels) -> Kind:
        return lambda draw: with_gradient(draw, kind(draw, fill))

    return {
        "tiles": of(_pools.tiles, pixels),
        "channels": of(_pools.many_channels, pixels),
        "strides": of(_pools.strides, pixels),
        "long axes": of(_pools.long_axes, pixels),
        **of_all_types(of(_pools.many_channels, pixels)),
        "empty batch": of(_pools.empty_batch, pixels),
        "paddings": of(_pools.paddings, at_the_border),
        "wide paddings": of(_pools.wide_paddings, at_the_border),
        "impossible": impossible_pool_gradient,
    }


def impossible_pool_gradient(draw: Draw) -> Arguments:
    """An impossible layer, with the dy that its sizes would ask for; or a dy that does not fit."""
    fault = dict(
        draw.choose(
            *IMPOSSIBLE_WINDOWS,
            {"kernel": (3, 2), "padding": (2, 0)},
            {"kernel": (2, 3), "padding": (0, 2)},
            {"dy": (1, 1, 1, 3)},
            {"dy": (1, 1, 2, 4)},
            {"dy": (2, 1, 2, 3)},
        )
    )
    layer = {"kernel": (2, 2), "stride": ONE, "padding": NONE, **fault}
    shape = layer.pop("dy", (1, 1, *size_asked_for(layer["kernel"], layer)))
    return dict(dy=np.ones(shape), x=np.arange(12.0).reshape(1, 1, 3, 4), **layer)


def spread(
    dy: np.ndarray,
    x: np.ndarray,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    share: Callable[[np.ndarray], Any],
) -> np.ndarray:
    """dx when every window gives its pixels the part `share(window)` of its dy."""
    dx = np.zeros(x.shape)
    for place, real in windows(x, kernel, stride, padding):
        dx[real] += share(x[real]) * dy[place]
    return dx


def winners(
    x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair
) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """Each place in y, and the row and column in x of the pixel that won its window."""
    for (_, i, j), (_, rows, columns) in windows(x, kernel, stride, padding):
        for n, c in np.ndindex(x.shape[:2]):
            window = x[n, c, rows, columns]
            u, v = divmod(int(window.argmax()), window.shape[1])
            yield (n, c, i.start, j.start), rows.start + u, columns.start + v


def largest_pixels(window: np.ndarray) -> np.ndarray:
    """Which pixels of a window are as large as its largest."""
    mask: np.ndarray = window == window.max(axis=(2, 3), keepdims=True)
    return mask


def sums_law(points: float, *kinds: str) -> Law:
    """What pooling keeps: each dy arrives whole, wherever in its window."""

    def judge(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
        dx, dy = answers[0].value, case.arguments["dy"]
        if (wrong := mismatch(dx, case.expected, 0.0, ("dx",), values=False)) is not None:
            return wrong
        allowed = case.tolerance * prod(dx.shape[2:])
        return mismatch(dx.sum(axis=(2, 3)), dy.sum(axis=(2, 3)), allowed, ("dx.sum((2, 3))",))

    says = "in every channel, dx sums to what dy sums to"
    return Law("sums", says, points, judge, kinds)


# --- max_pool2d_backward


def max_pool_ideas() -> list[Callable[..., Any]]:
    """Misconceptions of max_pool2d_backward."""

    def every_tie_gets_gradient(dy, x, kernel, stride, padding=(0, 0)):
        """every pixel that equals the maximum gets the whole gradient.
        Of equal pixels the first gets it all: the sum of dx is the sum of dy."""
        return spread(dy, x, kernel, stride, padding, largest_pixels)

    def ties_share_gradient(dy, x, kernel, stride, padding=(0, 0)):
        """pixels that equal the maximum share the gradient.
        Of equal pixels the first in row-major order gets it all."""

        def shared(window):
            mask = largest_pixels(window)
            return mask / mask.sum(axis=(2, 3), keepdims=True)

        return spread(dy, x, kernel, stride, padding, shared)

    def last_tie_gets_gradient(dy, x, kernel, stride, padding=(0, 0)):
        """of equal pixels the last one gets the gradient.
        The first in row-major order gets it: replace the best only by a larger pixel."""
        ranks = np.unique(x, return_inverse=True)[1].reshape(x.shape) * prod(x.shape[2:])
        later_is_larger = ranks + np.arange(prod(x.shape[2:])).reshape(x.shape[2:])
        return ops.max_pool2d_backward(dy, later_is_larger, kernel, stride, padding)

    def first_tie_by_columns(dy, x, kernel, stride, padding=(0, 0)):
        """of equal pixels the first one down the columns gets the gradient.
        Row-major order goes along the rows: the topmost row first, in it from the left."""
        turned = [a.swapaxes(2, 3) for a in (dy, x)]
        pairs = [pair[::-1] for pair in (kernel, stride, padding)]
        return ops.max_pool2d_backward(*turned, *pairs).swapaxes(2, 3)

    def overlaps_overwritten(dy, x, kernel, stride, padding=(0, 0)):
        """where windows overlap, the last gradient replaces those before it.
        A pixel that wins several windows gets the sum: += and not =."""
        dx = np.zeros(x.shape)
        for place, row, column in winners(x, kernel, stride, padding):
            dx[(*place[:2], row, column)] = dy[place]
        return dx

    def unravelled_with_width_first(dy, x, kernel, stride, padding=(0, 0)):
        """the flat index of the maximum is split by the window's height.
        A row of the window is kw long: row = index // kw, column = index % kw."""
        (rows, columns), dx = padding, np.zeros(x.shape)
        for place, row, column in winners(x, kernel, stride, padding):
            top, left = place[2] * stride[0] - rows, place[3] * stride[1] - columns
            u, v = divmod((row - top) * kernel[1] + column - left, kernel[0])
            if 0 <= top + u < x.shape[2] and 0 <= left + v < x.shape[3]:
                dx[(*place[:2], top + u, left + v)] += dy[place]
        return dx

    def multiplied_by_the_value(dy, x, kernel, stride, padding=(0, 0)):
        """dy is multiplied by the maximum itself.
        It is multiplied by the slope of the maximum: 1 at the pixel that won."""
        y = ops.max_pool2d(x, kernel, stride, padding)
        return ops.max_pool2d_backward(dy * y, x, kernel, stride, padding)

    def upstream_gradient_ignored(dy, x, kernel, stride, padding=(0, 0)):
        """the upstream gradient dy is ignored, as if it were 1 everywhere.
        Each window hands on its own dy."""
        return ops.max_pool2d_backward(np.ones_like(dy), x, kernel, stride, padding)

    def mask_of_first_channel(dy, x, kernel, stride, padding=(0, 0)):
        """the winners are looked up in the first channel for all channels.
        Each channel has its own maxima."""
        first = np.repeat(x[:, :1], x.shape[1], axis=1)
        return ops.max_pool2d_backward(dy, first, kernel, stride, padding)

    def largest_of_the_image_only(dy, x, kernel, stride, padding=(0, 0)):
        """only the largest pixel of the whole image gets a gradient.
        Every window has its own winner."""
        wins = ops.max_pool2d(x, kernel, stride, padding) == x.max(axis=(2, 3), keepdims=True)
        return ops.max_pool2d_backward(dy * wins, x, kernel, stride, padding)

    def padding_takes_gradient(dy, x, kernel, stride, padding=(0, 0)):
        """padding of zeros wins over negative pixels, and the gradient is lost in it.
        Padding never wins: it counts as minus infinity."""
        (rows, columns), (h, w) = padding, x.shape[2:]
        padded = ops.zero_pad2d(x, ((rows, rows), (columns, columns)))
        full = ops.max_pool2d_backward(dy, padded, kernel, stride)
        return full[:, :, rows : rows + h, columns : columns + w]

    def shared_by_the_window(dy, x, kernel, stride, padding=(0, 0)):
        """the gradient is shared by all pixels of the window.
        That is average pooling; in max pooling the pixel that won gets it all."""
        return ops.avg_pool2d_backward(dy, x, kernel, stride, padding)

    return list(locals().values())


max_pool2d_backward = Exercise(
    ops.max_pool2d_backward,
    kinds={
        **pool_kinds(positive, negative),
        "ties": lambda draw: with_gradient(draw, _pools.many_channels(draw, few)),
    },
    laws=[
        agrees(
            0.5,
            "tiles",
            "channels",
            says="each dy goes to the largest pixel of its window",
        ),
        agrees(
            0.5,
            "ties",
            name="ties",
            says="of equal pixels the first in row-major order gets all of it",
        ),
        agrees(
            0.5,
            "strides",
            "long axes",
            *TYPES,
            "empty batch",
            name="overlap",
            says="a pixel that wins several windows gets the sum, for any stride",
        ),
        agrees(
            0.5,
            "paddings",
            "wide paddings",
            name="padding",
            says="padding never wins, so it never takes a gradient",
        ),
        sums_law(0.5, "channels", "ties", "strides", "paddings"),
        dtype(0.5, needs="agrees"),
        lasting(untouched(0.5, "tiles", "paddings", "pixels", needs="agrees")),
        refuses("impossible geometry, or a dy of another shape, raises ValueError"),
    ],
    tolerance=of_windows("dy"),
    misconceptions=max_pool_ideas(),
    returns=("dx",),
    formula=(
        "Each number of dy goes to the pixel that won its window.",
        "When several pixels tie, the first in row-major order gets it all: top row first, "
        "then from left to right.",
        "A pixel that won more than one window gets the sum.",
    ),
    working=_working.winners,
)


# --- avg_pool2d_backward


def avg_pool_ideas() -> list[Callable[..., Any]]:
    """Misconceptions of avg_pool2d_backward."""

    def average_not_divided(dy, x, kernel, stride, padding=(0, 0)):
        """every pixel of a window gets the whole gradient.
        The forward pass divided by the number of pixels: each gets dy over that number."""
        return spread(dy, x, kernel, stride, padding, lambda window: 1)

    def divided_by_kernel_height(dy, x, kernel, stride, padding=(0, 0)):
        """the gradient is divided by the window's height alone.
        A window has rows times columns pixels."""
        return spread(dy, x, kernel, stride, padding, lambda window: 1 / window.shape[2])

    def divided_by_kernel_height_squared(dy, x, kernel, stride, padding=(0, 0)):
        """the gradient is divided by the square of the window's height.
        A window has rows times columns pixels, and the two may differ."""
        return spread(dy, x, kernel, stride, padding, lambda window: 1 / window.shape[2] ** 2)

    def padding_counted_in_average(dy, x, kernel, stride, padding=(0, 0)):
        """padding takes a share of the gradient.
        Divide by the number of real pixels in the window."""
        return spread(dy, x, kernel, stride, padding, lambda window: 1 / prod(kernel))

    def overlaps_overwritten(dy, x, kernel, stride, padding=(0, 0)):
        """where windows overlap, the last share replaces those before it.
        A pixel gets a share from each of its windows: += and not =."""
        dx = np.zeros(x.shape)
        for place, real in windows(x, kernel, stride, padding):
            dx[real] = dy[place] / prod(x[real].shape[2:])
        return dx

    def remainder_rows_lost(dy, x, kernel, stride, padding=(0, 0)):
        """dx ends with the last window, so it is smaller than x.
        Pixels that no window reaches get the gradient 0: dx has the shape of x."""
        dx = ops.avg_pool2d_backward(dy, x, kernel, stride, padding)
        (ho, wo), (kh, kw), (sh, sw), (ph, pw) = dy.shape[2:], kernel, stride, padding
        return dx[:, :, : (ho - 1) * sh + kh - ph, : (wo - 1) * sw + kw - pw]

    def upstream_gradient_ignored(dy, x, kernel, stride, padding=(0, 0)):
        """the upstream gradient dy is ignored, as if it were 1 everywhere.
        Each window shares out its own dy."""
        return ops.avg_pool2d_backward(np.ones_like(dy), x, kernel, stride, padding)

    def multiplied_by_the_value(dy, x, kernel, stride, padding=(0, 0)):
        """the shares are multiplied by the pixels.
        The mean is linear: its slope does not depend on x."""
        return ops.avg_pool2d_backward(dy, x, kernel, stride, padding) * x

    def all_to_the_largest(dy, x, kernel, stride, padding=(0, 0)):
        """the largest pixel of a window gets all of the gradient.
        That is max pooling; in average pooling all pixels share it."""
        return ops.max_pool2d_backward(dy, x, kernel, stride, padding)

    return list(locals().values())


avg_pool2d_backward = Exercise(
    ops.avg_pool2d_backward,
    kinds=pool_kinds(Draw.whole, Draw.whole),
    laws=[
        agrees(
            0.5,
            "tiles",
            "channels",
            says="each dy is shared equally by the pixels of its window",
        ),
        agrees(
            0.5,
            "strides",
            "long axes",
            *TYPES,
            "empty batch",
            name="overlap",
            says="where windows overlap, shares add up, for any stride",
        ),
        agrees(
            0.5,
            "paddings",
            "wide paddings",
            name="padding",
            says="the real pixels of a window share all of its dy, padding none",
        ),
        tidy_gradient("tiles", "paddings"),
        refuses("impossible geometry, or a dy of another shape, raises ValueError"),
    ],
    tolerance=of_windows("dy"),
    misconceptions=avg_pool_ideas(),
    returns=("dx",),
    formula=(
        "Each number of dy is shared equally by the real pixels of its window; shares add up.",
    ),
    working=sums(ops.avg_pool2d_backward, "dy"),
)
