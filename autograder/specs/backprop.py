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
from autograder.laws import agrees, dtype, largest_of, lasting, refuses, tidy, untouched
from autograder.spec import Arguments, Case, Exercise, Kind, Law
from autograder.specs import _layers, _pools, _working
from autograder.specs._layers import (
    CONVOLUTION,
    IMPOSSIBLE_WINDOWS,
    NONE,
    ONE,
    Pair,
    output_shape,
    renumbered,
    renumbered_all,
)
from autograder.specs._pools import Pixels, few, negative, positive, windows
from autograder.strategies import Draw
from autograder.tolerance import exact, largest, of_sums, of_windows, unit_roundoff
from autograder.working import sums
from reference import ops

if TYPE_CHECKING:
    from autograder.isolation.calls import Answer

LESSON = 7

GRADIENTS = ("dx", "dw", "db")


def parts(name: str, names: Sequence[str], says: str, points: float, *kinds: str) -> Law:
    """These gradients, of the several that come together, equal the reference's."""

    def judge(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
        yours = answers[0].value
        if (wrong := structure(yours, case.expected, "the result")) is not None:
            return wrong
        tolerance = case.tolerance
        for part in names:
            i = exercise.returns.index(part)
            wrong = mismatch(yours[i], case.expected[i], tolerance[i], (part,))
            if wrong is not None:
                return wrong
        return None

    return Law(name, says, points, judge, kinds)


def tidy_gradient(*kinds: str) -> Law:
    """`dtype`, `untouched` and `lasting` in one, on these kinds and on all types of numbers."""
    says = "it is an array of its own, of the dtype of dy; arguments stay unchanged"
    return lasting(tidy(0.5, says, *kinds, *TYPES, needs="agrees"))


def numbers(*types: str, of: Kind) -> Kind:
    """A kind with numbers of other types, in other layouts in memory.

    "pixels" are whole-number x with a dy that is not whole: a dx of x's dtype cuts it off.
    """

    def kind(draw: Draw) -> Arguments:
        type_ = draw.choose(*types)
        arguments = of(draw)
        changed = renumbered_all(draw, "real" if type_ == "pixels" else type_, arguments)
        if type_ == "pixels":
            changed["x"] = draw.layout(np.abs(arguments["x"]).astype(np.uint8))
        return changed

    return kind


def of_all_types(kind: Kind) -> dict[str, Kind]:
    return {
        "real numbers": numbers("real", of=kind),
        "float32": numbers("float32", of=kind),
        "integers": numbers("int64", "uint8", of=kind),
        "pixels": numbers("pixels", of=kind),
    }


TYPES = ("real numbers", "float32", "integers", "pixels")


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


def many_activations(draw: Draw) -> Arguments:
    shape = draw.choose((11,), (9, 10), (1, 2, 9, 12))
    return dict(dy=draw.real(*shape), x=draw.real(*shape))


def no_activations(draw: Draw) -> Arguments:
    return {name: value[:0] for name, value in signs(draw).items()}


def activations_that_differ(draw: Draw) -> Arguments:
    dy, x = draw.choose(
        ((2, 3), (2, 1)), ((3,), (2, 3)), ((2, 3), (3,)), ((1, 3), (2, 3)), ((2, 3), (3, 2))
    )
    return dict(dy=np.ones(dy), x=np.ones(x))


def relu_ideas() -> list[Callable[..., Any]]:
    """Misconceptions of relu_backward."""

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

    return list(locals().values())


relu_backward = Exercise(
    ops.relu_backward,
    kinds={
        "signs": signs,
        "large": many_activations,
        "zeros": zeros,
        **of_all_types(signs),
        "empty batch": no_activations,
        "impossible": activations_that_differ,
    },
    laws=[
        agrees(0.5, "signs", "large", says="dy passes where x is above 0, and nowhere else"),
        agrees(
            0.5,
            "zeros",
            *TYPES,
            "empty batch",
            name="zero",
            says="at x = 0 it is 0; any shape, dtype and memory layout will do",
        ),
        tidy_gradient("signs", "zeros"),
        refuses("shapes that differ raise ValueError"),
    ],
    tolerance=exact,
    misconceptions=relu_ideas(),
    returns=("dx",),
    formula=("dx of relu(x): dy where x was above 0, else 0.",),
    working=_working.relu_gradient,
)


# --- dense_backward


def dense(draw: Draw, n: int, d: int, m: int) -> Arguments:
    return dict(dy=draw.whole(n, m), x=draw.whole(n, d), w=draw.whole(d, m))


def one_row(draw: Draw) -> Arguments:
    return dense(draw, 1, draw.size(1, 3), draw.size(1, 3))


def many_rows(draw: Draw) -> Arguments:
    return dense(draw, draw.size(1, 4), draw.size(1, 3), draw.size(1, 3))


def large_dense(draw: Draw) -> Arguments:
    return dense(draw, 11, 10, 9)


def no_rows(draw: Draw) -> Arguments:
    return dense(draw, 0, draw.size(1, 3), draw.size(1, 3))


def shapes_that_differ(draw: Draw) -> Arguments:
    shapes = {"dy": (2, 3), "x": (2, 4), "w": (4, 3)}
    name, shape = draw.choose(
        ("dy", (3, 3)), ("dy", (1, 3)), ("dy", (2, 4)), ("dy", (2, 1)), ("x", (2, 5)), ("w", (5, 3))
    )
    return {n: np.ones(s) for n, s in {**shapes, name: shape}.items()}


def dense_ideas() -> list[Callable[..., Any]]:
    """Misconceptions of dense_backward."""

    def gradients_in_wrong_order(dy, x, w):
        """the gradients are returned as (dw, dx, db).
        Their order is (dx, dw, db)."""
        dx, dw, db = ops.dense_backward(dy, x, w)
        return dw, dx, db

    def upstream_gradient_ignored(dy, x, w):
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
        dy = dy.astype(float)
        return dy @ x.T, w.T @ dy, dy.sum(axis=0)

    return list(locals().values())


dense_backward = Exercise(
    ops.dense_backward,
    kinds={
        "one row": one_row,
        "batch": many_rows,
        "large": large_dense,
        **of_all_types(many_rows),
        "empty batch": no_rows,
        "impossible": shapes_that_differ,
    },
    laws=[
        parts("dx", ["dx"], "dx (N, D) is what w hands back of each row of dy", 0.5),
        parts("dw", ["dw"], "dw (D, M) sums x times dy over the batch", 0.5),
        parts("db", ["db"], "db (M,) sums dy over the batch", 0.5),
        dtype(0.5, needs="db"),
        lasting(untouched(0.5, "batch", "pixels", needs="db")),
        refuses("shapes that do not match raise ValueError"),
    ],
    tolerance=of_sums(ops.dense_backward, "dy"),
    misconceptions=dense_ideas(),
    returns=GRADIENTS,
    formula=(
        "(dx, dw, db) of y = x @ w + b: dy (N, M), x (N, D), w (D, M).",
        "The loss already holds any mean over the batch, so nothing is divided by N here.",
    ),
    working=sums(ops.dense_backward, "dy", {"dx": "w", "dw": "x", "db": ""}),
)


# --- cross_entropy_backward


def scores(draw: Draw, n: int, k: int, scale: float = 1.0) -> Arguments:
    return dict(logits=draw.whole(n, k) * scale, labels=draw.labels(n, k))


def one_row_of_scores(draw: Draw) -> Arguments:
    return scores(draw, 1, draw.size(1, 4))


def rows_of_scores(draw: Draw) -> Arguments:
    return scores(draw, draw.size(1, 4), draw.size(1, 4))


def scores_of(type_: str) -> Kind:
    """Logits of another dtype, and labels of the one in which MNIST comes."""

    def kind(draw: Draw) -> Arguments:
        arguments = rows_of_scores(draw)
        labels = arguments["labels"].astype(draw.choose(np.int64, np.uint8))
        return dict(logits=renumbered(draw, type_, arguments["logits"]), labels=labels)

    return kind


def many_scores(draw: Draw) -> Arguments:
    return dict(logits=draw.real(12, 10), labels=draw.labels(12, 10))


def huge_scores(draw: Draw) -> Arguments:
    """Up to a million, of either sign, also all of a row; rows far from each other."""
    return scores(draw, draw.size(1, 3), draw.size(2, 4), draw.choose(1e3, 2.5e5))


def no_scores(draw: Draw) -> Arguments:
    return scores(draw, 0, draw.size(1, 4))


def wrong_labels(draw: Draw) -> Arguments:
    labels = draw.choose([0, 3], [-1, 2], [0, 1, 2], [1])
    return dict(logits=np.arange(6.0).reshape(2, 3), labels=np.array(labels))


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


def cross_entropy_ideas() -> list[Callable[..., Any]]:
    """Misconceptions of cross_entropy_backward."""

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

    return list(locals().values())


cross_entropy_backward = Exercise(
    ops.cross_entropy_backward,
    kinds={
        "one row": one_row_of_scores,
        "batch": rows_of_scores,
        "large": many_scores,
        "real numbers": scores_of("real"),
        "float32": scores_of("float32"),
        "integers": scores_of("int64"),
        "empty batch": no_scores,
        "huge": huge_scores,
        "impossible": wrong_labels,
    },
    laws=[
        agrees(0.5, "one row", says="for one image it is softmax, less 1 at the label"),
        agrees(
            0.5,
            "batch",
            "large",
            "real numbers",
            "float32",
            "integers",
            "empty batch",
            name="mean",
            says="it is the gradient of the mean over the batch",
        ),
        agrees(0.5, "huge", name="huge", says="logits of up to a million in size do no harm"),
        lasting(
            tidy(
                0.5,
                "an array of its own, of the dtype of logits; arguments stay unchanged",
                "batch",
                "real numbers",
                "float32",
                "integers",
                needs="agrees",
            )
        ),
        refuses("labels that are not one class a row raise ValueError"),
    ],
    tolerance=of_softmax_gradient,
    misconceptions=cross_entropy_ideas(),
    returns=("dlogits",),
    formula=(
        "Gradient of the mean `cross_entropy` at the logits",
        "The loss is a mean over the batch, so each row's gradient is divided by N.",
    ),
    working=_working.cross_entropy_gradient,
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


def size_asked_for(kernel: Pair, layer: Arguments) -> Pair:
    """What the formula says of the output for an image of 3 by 4 pixels, where it says anything."""
    stride = max(layer["stride"][0], 1), max(layer["stride"][1], 1)
    rows, columns = output_shape((3, 4), kernel, stride, layer["padding"])
    return max(rows, 1), max(columns, 1)


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


# --- conv2d_backward


def gradient_of(draw: Draw, layer: Arguments) -> Arguments:
    """A convolutional layer's arguments without b, and dy in front of them."""
    x, w = layer["x"], layer["w"]
    stride, padding = layer.get("stride", ONE), layer.get("padding", NONE)
    size = output_shape(x.shape[2:], w.shape[2:], stride, padding)
    return dict(dy=draw.whole(len(x), len(w), *size), x=x, w=w, stride=stride, padding=padding)


def filter_gradient(draw: Draw) -> Arguments:
    """One filter, stride 1, no padding: these two are left out of the call."""
    arguments = gradient_of(draw, CONVOLUTION["one filter"](draw))
    return {name: arguments[name] for name in ("dy", "x", "w")}


def small_gradient(draw: Draw) -> Arguments:
    layer = _layers.filters(draw, draw.pair(1, 2), draw.pair(1, 2), channels=2, outputs=2)
    return gradient_of(draw, layer)


def long_gradient(draw: Draw) -> Arguments:
    """Sizes about 10: of image, kernel and output, or of batch, channels and filters."""
    if draw.choose("image", "batch") == "image":
        shapes = (1, 1, 10, 10), (1, 1, 18, 19), (1, 1, 9, 10)
    else:
        shapes = (9, 11, 2, 1), (9, 10, 2, 2), (11, 10, 1, 2)
    dy, x, w = (draw.real(*shape) for shape in shapes)
    return dict(dy=dy, x=x, w=w)


def gradient_of_nothing(draw: Draw) -> Arguments:
    return gradient_of(draw, CONVOLUTION["empty batch"](draw))


def impossible_gradient(draw: Draw) -> Arguments:
    """An impossible layer, with the dy that its sizes would ask for; or a dy that does not fit."""
    fault = dict(
        draw.choose(
            {"w": (2, 2, 4, 1)},
            {"w": (2, 2, 1, 5)},
            {"w": (2, 1, 2, 2)},
            {"w": (2, 3, 2, 2)},
            {"stride": (0, 1)},
            {"stride": (1, -1)},
            {"padding": (-1, 0)},
            {"padding": (0, -1)},
            {"dy": (1, 2, 1, 3)},
            {"dy": (1, 2, 2, 4)},
            {"dy": (1, 3, 2, 3)},
            {"dy": (2, 2, 2, 3)},
        )
    )
    layer = {"w": (2, 2, 2, 2), "stride": ONE, "padding": NONE, **fault}
    shape = layer.pop("dy", (1, 2, *size_asked_for(layer["w"][2:], layer)))
    x = np.arange(24.0).reshape(1, 2, 3, 4)
    return dict(dy=np.ones(shape), x=x, **{**layer, "w": np.ones(layer["w"])})


def adjoint_law(points: float, *kinds: str) -> Law:
    """What the forward pass of the reference says of the gradients, whatever way they came about.

    y is linear in x and linear in w, so the sum of dx * v over all pixels is that of
    dy * conv2d(v, w) for any image v, and the sum of dw * v that of dy * conv2d(x, v).
    """

    def judge(exercise: Exercise, case: Case, answers: Sequence[Answer]) -> Mismatch | None:
        yours, a = answers[0].value, case.arguments
        if (wrong := structure(yours, case.expected, "the result")) is not None:
            return wrong
        tolerance = case.tolerance
        layer = {"b": np.zeros(len(a["w"])), **{k: v for k, v in a.items() if k != "dy"}}
        for i, name in enumerate(("x", "w")):
            wrong = mismatch(yours[i], case.expected[i], 0.0, (f"d{name}",), values=False)
            if wrong is not None:
                return wrong
            v = (np.arange(a[name].size) * 7 % 11 - 5.0).reshape(a[name].shape)
            found = float((yours[i] * v).sum())
            right = float((a["dy"] * ops.conv2d(**{**layer, name: v})).sum())
            allowed = largest_of(tolerance[i]) * float(np.abs(v).sum())
            wrong = mismatch(found, right, allowed, (f"sum(d{name} * v)",))
            if wrong is not None:
                return wrong
        return None

    says = "sum(dx * v) is sum(dy * conv2d(v, w)) for every image v; dw likewise"
    return Law("adjoint", says, points, judge, kinds)


def padded_gradients(dy, x, w, stride, padding):
    """(dx, dw, db), where dx still holds the padding."""
    (rows, columns) = padding
    return ops.conv2d_backward(dy, ops.zero_pad2d(x, ((rows, rows), (columns, columns))), w, stride)


def conv_ideas() -> list[Callable[..., Any]]:
    """Misconceptions of conv2d_backward."""

    def gradients_in_wrong_order(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """the gradients are returned as (dw, dx, db).
        Their order is (dx, dw, db)."""
        dx, dw, db = ops.conv2d_backward(dy, x, w, stride, padding)
        return dw, dx, db

    def upstream_gradient_ignored(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """the upstream gradient dy is ignored, as if it were 1 everywhere.
        The chain rule multiplies by dy, the gradient at the output."""
        return ops.conv2d_backward(np.ones_like(dy), x, w, stride, padding)

    def flipped_kernel(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """the gradients belong to a convolution that flips its kernel.
        conv2d does not flip: output i reads x[i + u], so w[u] meets dy[i] there."""
        dx, dw, db = ops.conv2d_backward(dy, x, w[:, :, ::-1, ::-1], stride, padding)
        return dx, dw[:, :, ::-1, ::-1], db

    def dx_kernel_flipped(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """the kernel is flipped once too often for dx.
        Adding dy times w to each window flips by itself; only a correlation of dy flips w."""
        _, dw, db = ops.conv2d_backward(dy, x, w, stride, padding)
        return ops.conv2d_backward(dy, x, w[:, :, ::-1, ::-1], stride, padding)[0], dw, db

    def dw_flipped(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """dw comes out upside down and mirrored.
        dw[u, v] sums dy[i, j] times x[i + u, j + v]: a correlation, nothing is flipped."""
        dx, dw, db = ops.conv2d_backward(dy, x, w, stride, padding)
        return dx, dw[:, :, ::-1, ::-1], db

    def overlaps_overwritten(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """where windows overlap in dx, the last one replaces those before it.
        A pixel gets a gradient from each of its windows: += and not =."""
        dx, dw, db = padded_gradients(dy, x, w, stride, padding)
        (sh, sw), (kh, kw), (ph, pw), (h, wd) = stride, w.shape[2:], padding, x.shape[2:]
        for i, j in np.ndindex(dy.shape[2:]):
            window = np.tensordot(dy[:, :, i, j].astype(float), w, 1)
            dx[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] = window
        return dx[:, :, ph : ph + h, pw : pw + wd], dw, db

    def dx_left_padded(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """dx still holds the padding.
        dx has the shape of x: cut the padding off."""
        return padded_gradients(dy, x, w, stride, padding)

    def crop_starts_at_corner(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """dx is cut out of the padded gradient at its top left corner.
        The image starts at row padding[0] and column padding[1] of the padded one."""
        dx, dw, db = padded_gradients(dy, x, w, stride, padding)
        return dx[:, :, : x.shape[2], : x.shape[3]], dw, db

    def negative_slice_at_padding_zero(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """the padding is cut off with [p:-p], which is empty for p = 0.
        Cut with [p : p + size], which is right for every p."""
        dx, dw, db = padded_gradients(dy, x, w, stride, padding)
        return dx[:, :, padding[0] : -padding[0], padding[1] : -padding[1]], dw, db

    def negative_slice_at_one_padding_zero(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """the padding is cut off with [p:-p], which is empty where one of the two is 0.
        Cut with [p : p + size], which is right for every p."""
        dx, dw, db = padded_gradients(dy, x, w, stride, padding)
        (ph, pw) = padding
        return dx if padding == (0, 0) else dx[:, :, ph:-ph, pw:-pw], dw, db

    def padding_ignored_in_dw(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """the padding is ignored in dw: windows start at the image's corner.
        dw reads the same padded image as the forward pass."""
        dx, _, db = ops.conv2d_backward(dy, x, w, stride, padding)
        moved = ops.zero_pad2d(x, ((0, 2 * padding[0]), (0, 2 * padding[1])))
        return dx, ops.conv2d_backward(dy, moved, w, stride)[1], db

    def stride_ignored(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """the stride is ignored: window i starts at row i.
        Output i read its window from row i * stride on."""
        dx = np.zeros_like(padded_gradients(dy, x, w, stride, padding)[0])
        rows, columns = (n + k - 1 for n, k in zip(dy.shape[2:], w.shape[2:], strict=True))
        (ph, pw), (h, wd) = padding, x.shape[2:]
        padded = ops.zero_pad2d(x, ((ph, ph), (pw, pw)))[:, :, :rows, :columns]
        dx[:, :, :rows, :columns], dw, db = ops.conv2d_backward(dy, padded, w)
        return dx[:, :, ph : ph + h, pw : pw + wd], dw, db

    def only_first_filter_in_dx(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """only the first filter contributes to dx.
        Every filter read the image: dx sums over all of them."""
        _, dw, db = ops.conv2d_backward(dy, x, w, stride, padding)
        return ops.conv2d_backward(dy[:, :1], x, w[:1], stride, padding)[0], dw, db

    def dw_averaged_over_batch(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """dw is divided by the number of images.
        The mean is part of the loss, so dy holds it already: just sum."""
        dx, dw, db = ops.conv2d_backward(dy, x, w, stride, padding)
        return dx, dw / max(len(x), 1), db

    def gradients_averaged_over_batch(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """dw and db are divided by the number of images.
        The mean is part of the loss, so dy holds it already: just sum."""
        dx, dw, db = ops.conv2d_backward(dy, x, w, stride, padding)
        return dx, dw / max(len(x), 1), db / max(len(x), 1)

    def dw_of_last_image_only(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """each image replaces dw, so that only the last one counts.
        All images share w: its gradient is the sum over all of them."""
        dx, _, db = ops.conv2d_backward(dy, x, w, stride, padding)
        return dx, ops.conv2d_backward(dy[-1:], x[-1:], w, stride, padding)[1], db

    def dw_of_last_position_only(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """each position replaces dw, so that only the last one counts.
        All positions share w: its gradient is the sum over all of them, += and not =."""
        dx, _, db = ops.conv2d_backward(dy, x, w, stride, padding)
        last = np.zeros_like(dy)
        last[:, :, -1, -1] = dy[:, :, -1, -1]
        return dx, ops.conv2d_backward(last, x, w, stride, padding)[1], db

    def db_averaged(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """db is the mean of dy.
        b was added to every output of its filter, so its gradient is the sum."""
        dx, dw, db = ops.conv2d_backward(dy, x, w, stride, padding)
        return dx, dw, db / max(dy[:, 0].size, 1)

    def db_averaged_over_batch(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """db is divided by the number of images.
        The mean is part of the loss, so dy holds it already: just sum."""
        dx, dw, db = ops.conv2d_backward(dy, x, w, stride, padding)
        return dx, dw, db / max(len(x), 1)

    def db_of_first_image_only(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """db is taken from the first image alone.
        b was added to every image, so its gradient is the sum over all of them."""
        dx, dw, _ = ops.conv2d_backward(dy, x, w, stride, padding)
        return dx, dw, dy[:1].sum(axis=(0, 2, 3))

    def db_not_summed_over_batch(dy, x, w, stride=(1, 1), padding=(0, 0)):
        """db is summed over rows and columns but not over the batch.
        There is one number a filter: sum over the axes 0, 2 and 3."""
        dx, dw, _ = ops.conv2d_backward(dy, x, w, stride, padding)
        return dx, dw, dy.sum(axis=(2, 3))

    return list(locals().values())


conv2d_backward = Exercise(
    ops.conv2d_backward,
    kinds={
        "one filter": filter_gradient,
        "channels": lambda draw: gradient_of(draw, CONVOLUTION["channels"](draw)),
        "long axes": long_gradient,
        **of_all_types(small_gradient),
        "empty batch": gradient_of_nothing,
        "strides": lambda draw: gradient_of(draw, CONVOLUTION["strides"](draw)),
        "paddings": lambda draw: gradient_of(draw, CONVOLUTION["paddings"](draw)),
        "everything": lambda draw: gradient_of(draw, CONVOLUTION["everything"](draw)),
        "impossible": impossible_gradient,
    },
    laws=[
        parts("db", ["db"], "db sums dy over all that b was added to", 0.5),
        parts("dw", ["dw"], "dw sums dy times the pixel that each weight met", 0.5, "one filter"),
        parts("dx", ["dx"], "dx sums dy times the weight that each pixel met", 0.5, "one filter"),
        parts(
            "batch",
            ["dx", "dw"],
            "dw sums over the batch, and dx over the filters",
            0.5,
            "channels",
            "long axes",
            *TYPES,
            "empty batch",
        ),
        parts("stride", ["dx", "dw"], "window i starts at i * stride again", 0.5, "strides"),
        parts(
            "padding",
            ["dx", "dw"],
            "dw reads the padding, and it is cut off dx",
            0.5,
            "paddings",
        ),
        adjoint_law(0.5, "everything"),
        dtype(0.5, needs="db"),
        lasting(untouched(0.5, "one filter", "paddings", "pixels", needs="db")),
        refuses("impossible geometry, or a dy of another shape, raises ValueError"),
    ],
    tolerance=of_sums(ops.conv2d_backward, "dy"),
    misconceptions=conv_ideas(),
    returns=GRADIENTS,
    formula=(
        "y[n, o, i, j] = b[o] + sum over c, u, v of xp[n, c, i * sh + u, j * sw + v] * w[o, "
        "c, u, v]",
        "dx (N, C, H, W): every product that x[n, c, r, s] was part of adds dy[n, o, i, j] "
        "times its w; the gradient of the padding is dropped",
        "dw (O, C, KH, KW): every product that w[o, c, u, v] was part of adds dy[n, o, i, "
        "j] times its pixel of xp",
        "db (O,): b[o] was added to every output of filter o",
    ),
    working=sums(ops.conv2d_backward, "dy", {"dx": "w", "dw": "x", "db": ""}),
)


# --- col2im


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
