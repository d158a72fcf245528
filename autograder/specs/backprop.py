"""Backpropagation: each layer hands back the gradient of the loss at its input and its weights.

Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors" (1986);
LeCun et al., "Backpropagation applied to handwritten zip code recognition" (1989). Gradients are
judged against the reference's, never by the forward pass of the submission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from autograder.compare import Mismatch, mismatch, structure
from autograder.laws import agrees, dtype, fresh, largest_of, refuses, untouched
from autograder.spec import Arguments, Case, Exercise, Kind, Law
from autograder.specs import _layers, _pools
from autograder.specs._layers import CONVOLUTION, NONE, ONE, Pair, output_shape, renumbered
from autograder.specs._pools import Pixels, counts, few, negative, positive, windows
from autograder.strategies import Draw
from autograder.tolerance import exact, largest, of_sums, of_windows, unit_roundoff
from autograder.working import linear
from reference import ops

if TYPE_CHECKING:
    from autograder.isolation.parent import Answer

LESSON = 7

GRADIENTS = ("dx", "dw", "db")


def part(
    name: str, points: float, *kinds: str, says: str = "every value equals the definition's"
) -> Law:
    """One gradient out of several, by its name, equals the reference's."""

    def judge(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
        yours = answers[0].value
        if (wrong := structure(yours, case.expected, "the result")) is not None:
            return wrong
        i = exercise.returns.index(name)
        tolerance = exercise.tolerance(case.arguments, case.expected)
        return mismatch(yours[i], case.expected[i], tolerance[i], (name,))

    return Law(name, says, points, judge, kinds)


def gradient_numbers(draw: Draw, arguments: Arguments) -> Arguments:
    """Other dtypes and layouts; also whole-number pixels with a gradient that is not whole."""
    type_ = draw.choose("real", "float32", "int64", "uint8", "pixels")
    if type_ != "pixels":
        return {name: renumbered(draw, type_, value) for name, value in arguments.items()}
    real = {name: renumbered(draw, "real", value) for name, value in arguments.items()}
    return {**real, "x": renumbered(draw, "uint8", arguments["x"])}


# --- relu_backward


def any_shape(draw: Draw) -> tuple[int, ...]:
    return tuple(draw.size(1, 3) for _ in range(draw.size(1, 4)))


def signs(draw: Draw) -> Arguments:
    """No x is 0."""
    shape = any_shape(draw)
    x = draw.whole(*shape, low=-4, high=3)
    return dict(dy=draw.whole(*shape), x=x + (x >= 0))


def zeros(draw: Draw) -> Arguments:
    """Many x are 0, and some of these -0."""
    shape = any_shape(draw)
    x = draw.whole(*shape, low=-1, high=1) * draw.choose(1.0, -1.0)
    return dict(dy=draw.whole(*shape), x=x)


def activation_numbers(draw: Draw) -> Arguments:
    return gradient_numbers(draw, signs(draw))


def many_activations(draw: Draw) -> Arguments:
    shape = draw.choose((11,), (9, 10), (1, 2, 9, 12))
    return dict(dy=draw.real(*shape), x=draw.real(*shape))


def no_activations(draw: Draw) -> Arguments:
    return {name: value[:0] for name, value in signs(draw).items()}


def upstream_gradient_ignored(dy, x):
    """the upstream gradient dy is ignored, as if it were 1 everywhere.
    The chain rule multiplies: dx is dy times the slope of this layer."""
    return ops.relu_backward(np.ones_like(dy), x)


def mask_from_gradient(dy, x):
    """the gradient is cut where dy is negative, not where x was.
    The forward pass cut x: dy passes where x is above 0."""
    return ops.relu(dy)


def both_masks(dy, x):
    """the gradient is cut where dy is negative as well.
    A negative dy passes too: only the sign of x counts."""
    return ops.relu(ops.relu_backward(dy, x))


def gradient_one_at_zero(dy, x):
    """the gradient passes at x = 0.
    It is 0 there: the mask is x > 0, not x >= 0."""
    return np.where(x >= 0, dy, 0)


def gradient_half_at_zero(dy, x):
    """half of the gradient passes at x = 0.
    It is 0 there: the mask is x > 0."""
    return np.where(x == 0, dy / 2, ops.relu_backward(dy, x))


def mask_turned_round(dy, x):
    """the gradient passes where x was negative.
    It passes where x is above 0."""
    return np.where(x < 0, dy, 0)


def multiplied_by_the_value(dy, x):
    """dy is multiplied by relu(x).
    It is multiplied by the slope of ReLU, which is 1 where x is above 0."""
    return dy * ops.relu(x)


def nothing_cut(dy, x):
    """dy is handed on as it is.
    Where x was not above 0, ReLU gave 0 whatever x was: no gradient passes."""
    return dy


relu_backward = Exercise(
    ops.relu_backward,
    kinds={
        "signs": signs,
        "large": many_activations,
        "zeros": zeros,
        "numbers": activation_numbers,
        "empty batch": no_activations,
    },
    laws=[
        agrees(0.5, "signs", "large", says="dy passes where x is above 0, and nowhere else"),
        agrees(
            0.5,
            "zeros",
            "numbers",
            "empty batch",
            name="zero",
            says="at x = 0 it is 0; any shape, dtype and memory layout will do",
        ),
        dtype(0.5, needs="agrees"),
        untouched(0.5, needs="agrees"),
    ],
    tolerance=exact,
    misconceptions=[
        upstream_gradient_ignored,
        mask_from_gradient,
        both_masks,
        gradient_one_at_zero,
        gradient_half_at_zero,
        mask_turned_round,
        multiplied_by_the_value,
        nothing_cut,
    ],
    returns=("dx",),
    working=linear(ops.relu_backward, "dy", ("dx",)),
)


# --- dense_backward


def dense(draw: Draw, n: int, d: int, m: int) -> Arguments:
    return dict(dy=draw.whole(n, m), x=draw.whole(n, d), w=draw.whole(d, m))


def one_row(draw: Draw) -> Arguments:
    return dense(draw, 1, draw.size(1, 3), draw.size(1, 3))


def many_rows(draw: Draw) -> Arguments:
    return dense(draw, draw.size(1, 4), draw.size(1, 3), draw.size(1, 3))


def dense_numbers(draw: Draw) -> Arguments:
    return gradient_numbers(draw, many_rows(draw))


def large_dense(draw: Draw) -> Arguments:
    return dense(draw, *draw.choose((11, 2, 3), (2, 12, 3), (3, 2, 10)))


def no_rows(draw: Draw) -> Arguments:
    return dense(draw, 0, draw.size(1, 3), draw.size(1, 3))


def shapes_that_differ(draw: Draw) -> Arguments:
    n, d, m = draw.choose((1, 2, 3), (2, 3, 1))
    right = dense(draw, n, d, m)
    name, shape = draw.choose(
        ("dy", (n + 1, m)), ("dy", (n, m + 1)), ("x", (n, d + 1)), ("w", (d + 1, m))
    )
    return {**right, name: draw.whole(*shape)}


def gradients_in_wrong_order(dy, x, w):
    """the gradients are returned as (dw, dx, db).
    Their order is (dx, dw, db)."""
    dx, dw, db = ops.dense_backward(dy, x, w)
    return dw, dx, db


def dense_upstream_gradient_ignored(dy, x, w):
    """the upstream gradient dy is ignored, as if it were 1 everywhere.
    The chain rule multiplies by dy, the gradient at the output."""
    return ops.dense_backward(np.ones_like(dy), x, w)


def dw_averaged_over_batch(dy, x, w):
    """dw is divided by the number of images.
    The mean is part of the loss, so dy holds it already: just sum."""
    dx, dw, db = ops.dense_backward(dy, x, w)
    return dx, dw / max(len(dy), 1), db


def gradients_averaged_over_batch(dy, x, w):
    """dw and db are divided by the number of images.
    The mean is part of the loss, so dy holds it already: just sum."""
    dx, dw, db = ops.dense_backward(dy, x, w)
    return dx, dw / max(len(dy), 1), db / max(len(dy), 1)


def db_averaged(dy, x, w):
    """db is the mean of dy over the batch.
    b was added to every row, so its gradient is the sum."""
    dx, dw, db = ops.dense_backward(dy, x, w)
    return dx, dw, db / max(len(dy), 1)


def db_of_first_image_only(dy, x, w):
    """db is taken from the first image alone.
    b was added to every row, so its gradient is the sum over all of them."""
    dx, dw, _ = ops.dense_backward(dy, x, w)
    return dx, dw, dy[:1].sum(axis=0)


def dw_of_first_image_only(dy, x, w):
    """dw is taken from the first image alone.
    All images share w, so its gradient is the sum over all of them."""
    dx, _, db = ops.dense_backward(dy, x, w)
    return dx, ops.dense_backward(dy[:1], x[:1], w)[1], db


def db_not_summed(dy, x, w):
    """db is dy itself, not summed over the batch.
    b was added to every row, so its gradient is the sum over the rows."""
    dx, dw, _ = ops.dense_backward(dy, x, w)
    return dx, dw, dy


def dw_transposed(dy, x, w):
    """dw comes out as (M, D).
    dw has the shape of w, (D, M): it is x.T @ dy."""
    dx, dw, db = ops.dense_backward(dy, x, w)
    return dx, dw.T, db


def x_and_w_change_places(dy, x, w):
    """dx is computed with x and dw with w.
    y = x @ w: the gradient at x holds w, and the gradient at w holds x."""
    return dy @ x.T, w.T @ dy, dy.sum(axis=0)


dense_backward = Exercise(
    ops.dense_backward,
    kinds={
        "one row": one_row,
        "batch": many_rows,
        "large": large_dense,
        "numbers": dense_numbers,
        "empty batch": no_rows,
        "impossible": shapes_that_differ,
    },
    laws=[
        part("dx", 0.5, says="dx (N, D) is what w hands back of each row of dy"),
        part("dw", 0.5, says="dw (D, M) sums x times dy over the batch"),
        part("db", 0.5, says="db (M,) sums dy over the batch"),
        dtype(0.5, needs="db"),
        untouched(0.5, needs="db"),
        refuses("shapes that do not match raise ValueError"),
    ],
    tolerance=of_sums(ops.dense_backward, "dy"),
    misconceptions=[
        gradients_in_wrong_order,
        dense_upstream_gradient_ignored,
        dw_averaged_over_batch,
        gradients_averaged_over_batch,
        db_averaged,
        db_of_first_image_only,
        dw_of_first_image_only,
        db_not_summed,
        dw_transposed,
        x_and_w_change_places,
    ],
    returns=GRADIENTS,
    working=linear(ops.dense_backward, "dy", GRADIENTS),
)


# --- cross_entropy_backward


def scores(draw: Draw, n: int, k: int, scale: float = 1.0) -> Arguments:
    return dict(logits=draw.whole(n, k) * scale, labels=draw.labels(n, k))


def one_row_of_scores(draw: Draw) -> Arguments:
    return scores(draw, 1, draw.size(1, 4))


def rows_of_scores(draw: Draw) -> Arguments:
    return scores(draw, draw.size(1, 4), draw.size(1, 4))


def scores_of_other_numbers(draw: Draw) -> Arguments:
    type_ = draw.choose("real", "float32", "int64")
    arguments = rows_of_scores(draw)
    labels = arguments["labels"].astype(draw.choose(np.int64, np.uint8))
    return dict(logits=renumbered(draw, type_, arguments["logits"]), labels=labels)


def many_scores(draw: Draw) -> Arguments:
    n, k = draw.choose((12, 3), (3, 10), (9, 11))
    return dict(logits=draw.real(n, k), labels=draw.labels(n, k))


def huge_scores(draw: Draw) -> Arguments:
    """Up to a million, of either sign, also all of a row; rows far from each other."""
    return scores(draw, draw.size(1, 3), draw.size(2, 4), draw.choose(1e3, 2.5e5))


def no_scores(draw: Draw) -> Arguments:
    return scores(draw, 0, draw.size(1, 4))


def of_softmax_gradient(arguments: Arguments, expected: Any) -> float:
    """(softmax(logits) - one-hot) / N, by any algorithm that shifts before it takes powers.

    exp(z - m) / sum: the shift errs by u |z - m|, which exp turns into a relative error; a power
    that is not lost is at most 1, and |z - m| times it less than 1. Sums and the division add
    (K + 4) u. exp(z - (m + log sum)) rounds a number of the size of z: u max|z| more, twice. The
    subtraction of 1 and the division by N round once each.
    """
    z = arguments["logits"]
    u = unit_roundoff(z.dtype)
    return (z.shape[1] + 8 + 2 * largest(z)) * u / max(len(z), 1)


def _softmax_less(logits: np.ndarray, target: np.ndarray) -> np.ndarray:
    return (ops.softmax(logits) - target) / max(len(logits), 1)


def _one_hot(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.eye(logits.shape[1])[labels]


def labels_taken_as_one_hot(logits, labels):
    """the class numbers themselves are subtracted from the probabilities.
    Subtract 1 at the label's column and 0 elsewhere."""
    return _softmax_less(logits, labels[:, None].astype(float))


def loss_not_averaged(logits, labels):
    """the gradient is not divided by the batch size.
    The loss is the mean over the batch, so each row's gradient is divided by N."""
    return ops.cross_entropy_backward(logits, labels) * len(logits)


def divided_by_all_entries(logits, labels):
    """the gradient is divided by N * K.
    The loss is a mean over the N rows, not over all logits."""
    return ops.cross_entropy_backward(logits, labels) / logits.shape[1]


def divided_by_classes(logits, labels):
    """the gradient is divided by the number of classes instead of the batch size.
    The loss is a mean over the N rows."""
    return ops.cross_entropy_backward(logits, labels) * len(logits) / logits.shape[1]


def sign_turned_round(logits, labels):
    """the probabilities are subtracted from the one-hot labels.
    The gradient is softmax minus one-hot: it points up, and training goes down."""
    return -ops.cross_entropy_backward(logits, labels)


def label_not_subtracted(logits, labels):
    """nothing is subtracted at the labels.
    The gradient is softmax minus one-hot."""
    return _softmax_less(logits, np.zeros_like(logits))


def only_at_the_label(logits, labels):
    """only the label's column gets a gradient.
    The other logits are part of the loss too: through the sum in softmax."""
    return ops.cross_entropy_backward(logits, labels) * _one_hot(logits, labels)


def softmax_forgotten(logits, labels):
    """the logits are used as if they were probabilities.
    The gradient is softmax(logits) minus one-hot."""
    return (logits - _one_hot(logits, labels)) / max(len(logits), 1)


def softmax_over_the_batch(logits, labels):
    """softmax is taken down the columns, over the batch.
    Each row is one image: its probabilities sum to 1."""
    return (ops.softmax(logits.T).T - _one_hot(logits, labels)) / max(len(logits), 1)


def powers_overflow(logits, labels):
    """the powers of large logits overflow.
    Subtract the row's largest logit first: that changes no probability."""
    powers = np.exp(logits.astype(float))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    return (probabilities - _one_hot(logits, labels)) / max(len(logits), 1)


def one_maximum_for_the_batch(logits, labels):
    """one maximum, that of the whole batch, is subtracted from every row.
    Subtract each row's own maximum, or the powers of other rows all become 0."""
    return powers_overflow(logits - logits.max(initial=-np.inf), labels)


cross_entropy_backward = Exercise(
    ops.cross_entropy_backward,
    kinds={
        "one row": one_row_of_scores,
        "batch": rows_of_scores,
        "large": many_scores,
        "numbers": scores_of_other_numbers,
        "empty batch": no_scores,
        "huge": huge_scores,
    },
    laws=[
        agrees(0.5, "one row", says="for one image it is softmax, less 1 at the label"),
        agrees(
            0.5,
            "batch",
            "large",
            "numbers",
            "empty batch",
            name="mean",
            says="it is the gradient of the mean over the batch",
        ),
        agrees(0.5, "huge", name="huge", says="logits of up to a million in size do no harm"),
        dtype(0.5, needs="agrees"),
        untouched(0.5, needs="agrees"),
    ],
    tolerance=of_softmax_gradient,
    misconceptions=[
        labels_taken_as_one_hot,
        loss_not_averaged,
        divided_by_all_entries,
        divided_by_classes,
        sign_turned_round,
        label_not_subtracted,
        only_at_the_label,
        softmax_forgotten,
        softmax_over_the_batch,
        powers_overflow,
        one_maximum_for_the_batch,
    ],
    returns=("dlogits",),
)


# --- pooling


def with_gradient(draw: Draw, layer: Arguments) -> Arguments:
    """A pooling layer's arguments, and dy in front of them."""
    x = layer["x"]
    padding = layer.get("padding", NONE)
    size = output_shape(x.shape[2:], layer["kernel"], layer["stride"], padding)
    return {"dy": draw.whole(*x.shape[:2], *size), **layer}


def pool_kinds(pixels: Pixels, at_the_border: Pixels) -> dict[str, Kind]:
    """Gradients of pooling layers: these pixels without padding, those where there is some."""

    def numbers(draw: Draw) -> Arguments:
        layer = _pools.many_channels(draw, Draw.shuffled)
        return gradient_numbers(draw, with_gradient(draw, layer))

    def of(kind: Callable[[Draw, Pixels], Arguments], fill: Pixels) -> Kind:
        return lambda draw: with_gradient(draw, kind(draw, fill))

    return {
        "tiles": of(_pools.tiles, pixels),
        "channels": of(_pools.many_channels, pixels),
        "strides": of(_pools.strides, pixels),
        "long axes": of(_pools.long_axes, pixels),
        "numbers": numbers,
        "empty batch": of(_pools.empty_batch, pixels),
        "paddings": of(_pools.paddings, at_the_border),
        "wide paddings": of(_pools.wide_paddings, at_the_border),
        "impossible": impossible_pool_gradient,
    }


def impossible_pool_gradient(draw: Draw) -> Arguments:
    """An impossible layer, with the dy that its sizes would ask for; or a dy that does not fit."""
    if draw.size(0, 2):
        layer = _pools.impossible(draw)
        stride = max(layer["stride"][0], 1), max(layer["stride"][1], 1)
        size = output_shape((3, 4), layer["kernel"], stride, layer["padding"])
        return dict(dy=draw.whole(1, 1, max(size[0], 1), max(size[1], 1)), **layer)
    shape = draw.choose((1, 1, 2, 2), (1, 1, 1, 3), (1, 1, 3, 3), (1, 1, 2, 4), (1, 2, 2, 3))
    x = draw.whole(1, 1, 3, 4)
    return dict(dy=draw.whole(*shape), x=x, kernel=(2, 2), stride=ONE, padding=NONE)


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


def times_the_value(dy, x, kernel, stride, padding=(0, 0)):
    """dy is multiplied by the maximum itself.
    It is multiplied by the slope of the maximum: 1 at the pixel that won."""
    y = ops.max_pool2d(x, kernel, stride, padding)
    return ops.max_pool2d_backward(dy * y, x, kernel, stride, padding)


times_the_value.__name__ = multiplied_by_the_value.__name__


def pool_upstream_gradient_ignored(dy, x, kernel, stride, padding=(0, 0)):
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
            "numbers",
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
        fresh(0.5, "tiles", "strides"),
        dtype(0.5, needs="agrees"),
        untouched(0.5, needs="agrees"),
        refuses("impossible geometry, or a dy of another shape, raises ValueError"),
    ],
    tolerance=of_windows("dy"),
    misconceptions=[
        every_tie_gets_gradient,
        ties_share_gradient,
        last_tie_gets_gradient,
        first_tie_by_columns,
        overlaps_overwritten,
        unravelled_with_width_first,
        times_the_value,
        pool_upstream_gradient_ignored,
        mask_of_first_channel,
        largest_of_the_image_only,
        padding_takes_gradient,
        shared_by_the_window,
    ],
    returns=("dx",),
    working=linear(ops.max_pool2d_backward, "dy", ("dx",)),
    cases=10,
)
