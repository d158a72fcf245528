"""The gradients of a convolution: conv2d_backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autograder.compare import Mismatch, mismatch, structure
from autograder.laws import dtype, largest_of, lasting, refuses, untouched
from autograder.spec import Arguments, Case, Exercise, Law
from autograder.specs import _layers
from autograder.specs._layers import CONVOLUTION, NONE, ONE, output_shape
from autograder.specs.backprop._gradients import (
    GRADIENTS,
    TYPES,
    of_all_types,
    parts,
    size_asked_for,
)
from autograder.strategies import Draw
from autograder.tolerance import of_sums
from autograder.working import sums
from reference import ops

if TYPE_CHECKING:
    from autograder.isolation.calls import Answer


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
