"""The gradient of the activation: relu_backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.laws import agrees, refuses
from autograder.spec import Arguments, Exercise
from autograder.specs import _working
from autograder.specs.backprop._gradients import TYPES, of_all_types, tidy_gradient
from autograder.strategies import Draw
from autograder.tolerance import exact
from reference import ops


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
