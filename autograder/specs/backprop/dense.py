"""The gradients of a dense layer: dense_backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.laws import dtype, lasting, refuses, untouched
from autograder.spec import Arguments, Exercise
from autograder.specs.backprop._gradients import GRADIENTS, of_all_types, parts
from autograder.strategies import Draw
from autograder.tolerance import of_sums
from autograder.working import sums
from reference import ops


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
