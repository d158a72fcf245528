"""The first weights: he_normal.

It is judged by statistics, since there are many ways to draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod, sqrt
from typing import Any

import numpy as np

from autograder.compare import Mismatch, mismatch, number
from autograder.isolation.wire import RandomSource
from autograder.laws import refuses
from autograder.spec import IMPOSSIBLE, Arguments, Case, Exercise, Law
from autograder.strategies import Draw
from autograder.tolerance import largest
from reference import ops

# A mean of n draws has the standard error s / sqrt(n), their deviation s / sqrt(2 n). Six of them
# are exceeded once in 500 million right answers; with 5,000 draws they are 8.5 and 6 per cent.
STANDARD_ERRORS = 6.0
DRAWS = 5000


def filters_shape(draw: Draw) -> Arguments:
    seen = draw.size(1, 6), *draw.pair(1, 5)
    outputs = ceil(DRAWS / prod(seen)) + draw.size(0, 20)
    return dict(shape=(outputs, *seen), rng=draw.generator())


def dense_shape(draw: Draw) -> Arguments:
    inputs = draw.size(1, 200)
    return dict(shape=(inputs, ceil(DRAWS / inputs) + draw.size(0, 20)), rng=draw.generator())


def small_shape(draw: Draw) -> Arguments:
    shape = draw.choose((2, 2), (8, 1, 3, 3), (3, 4), (2, 3, 2, 1))
    return dict(shape=shape, rng=draw.generator())


def impossible_shape(draw: Draw) -> Arguments:
    return dict(shape=draw.choose((3,), (2, 3, 4), (1, 2, 3, 4, 5)), rng=RandomSource(0))


def fan_in(shape: Sequence[int]) -> int:
    return prod(shape[1:]) if len(shape) == 4 else shape[0]


def _spread(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
    drawn, name = answers[0].value, exercise.returns[0]
    if (wrong := mismatch(drawn, case.expected, 0.0, (name,), values=False)) is not None:
        return wrong
    inputs = fan_in(case.arguments["shape"])
    right, count = sqrt(2 / inputs), drawn.size
    with np.errstate(all="ignore"):
        values = drawn.astype(np.float64)
        mean, deviation, peak = values.mean(), values.std(), np.abs(values).max()
    # Written so that NaN fails.
    if not abs(deviation - right) <= STANDARD_ERRORS * right / sqrt(2 * count):
        return Mismatch(
            f"the standard deviation of {count} draws is {number(deviation)}; "
            f"it should be near sqrt(2 / {inputs}) = {number(right)}"
        )
    if not abs(mean) <= STANDARD_ERRORS * right / sqrt(count):
        return Mismatch(f"the mean of {count} draws is {number(mean)}; it should be near 0")
    if peak < 2 * right:
        return Mismatch(
            f"none of {count} draws is two standard deviations from 0: they are not normal"
        )
    return None


def _equal_generators(arguments: Arguments) -> Sequence[Arguments]:
    return arguments, arguments, {**arguments, "rng": RandomSource(arguments["rng"].seed + 1)}


def _draws_from_rng(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
    first, second, other = (answer.value for answer in answers[:3])
    name = exercise.returns
    for drawn in (first, second, other):
        if (wrong := mismatch(drawn, case.expected, 0.0, name, values=False)) is not None:
            return wrong
        if drawn.dtype != np.float64:
            return Mismatch(f"the weights are {drawn.dtype}; they should be float64")
    if not np.array_equal(first, second):
        return Mismatch("two generators in the same state give different weights; use rng alone")
    if np.array_equal(first, other):
        return Mismatch("another generator gives the same weights; draw them from rng")
    if not np.array_equal(first, answers[3].value):
        return Mismatch("a second call changed the result of the first")
    return None


def scaled_draws(shape: Sequence[int], rng: np.random.Generator, deviation: float) -> np.ndarray:
    return rng.standard_normal(shape) * deviation


def fan_out_for_fan_in(shape, rng):
    """fan_out is used: the number of outputs that one input feeds.
    fan_in counts the inputs of one output: C * KH * KW for filters, D for a dense layer."""
    fan_out = shape[0] * prod(shape[2:]) if len(shape) == 4 else shape[1]
    return scaled_draws(shape, rng, sqrt(2 / fan_out))


def outputs_of_a_dense_layer(shape, rng):
    """a dense layer's fan_in is taken from its second axis, as a convolution's.
    Its shape is (D, M), inputs first: fan_in is D."""
    return scaled_draws(shape, rng, sqrt(2 / prod(shape[1:])))


def number_of_filters_for_fan_in(shape, rng):
    """the fan_in of filters is taken from the first axis, as a dense layer's.
    Their shape is (O, C, KH, KW), and one output sees C * KH * KW inputs."""
    return scaled_draws(shape, rng, sqrt(2 / shape[0]))


def kernel_size_forgotten(shape, rng):
    """the fan_in of filters is the number of channels alone.
    One output sees KH * KW pixels of each: C * KH * KW."""
    return scaled_draws(shape, rng, sqrt(2 / (shape[1] if len(shape) == 4 else shape[0])))


def variance_for_standard_deviation(shape, rng):
    """the standard deviation is 2 / fan_in, which should be the variance.
    Take the root: sqrt(2 / fan_in)."""
    return scaled_draws(shape, rng, 2 / fan_in(shape))


def two_forgotten(shape, rng):
    """the standard deviation is sqrt(1 / fan_in).
    ReLU turns half of the signal off, and the 2 makes up for it: sqrt(2 / fan_in)."""
    return scaled_draws(shape, rng, sqrt(1 / fan_in(shape)))


def not_scaled(shape, rng):
    """the draws have a standard deviation of 1.
    Multiply them by sqrt(2 / fan_in)."""
    return scaled_draws(shape, rng, 1.0)


def scaling_error(arguments: Arguments, expected: Any) -> float:
    """A draw can be scaled in a few ways, each with a few roundings; only ideas are told by it."""
    return 2.0**-44 * largest(expected)


he_normal = Exercise(
    ops.he_normal,
    free=True,
    kinds={
        "conv": filters_shape,
        "dense": dense_shape,
        "small": small_shape,
        IMPOSSIBLE: impossible_shape,
    },
    laws=[
        Law("conv", "filters have mean 0 and standard deviation sqrt(2 / (C * KH * KW))", 0.5,
            _spread, ("conv",)),
        Law("dense", "dense weights (D, M) have mean 0 and standard deviation sqrt(2 / D)", 0.5,
            _spread, ("dense",)),
        Law("generator", "the weights are float64, drawn from rng and from nothing else", 0.5,
            _draws_from_rng, ("small",), calls=_equal_generators, reread=8),
        refuses("a shape of neither two nor four axes raises ValueError"),
    ],
    tolerance=scaling_error,
    misconceptions=[
        fan_out_for_fan_in,
        outputs_of_a_dense_layer,
        number_of_filters_for_fan_in,
        kernel_size_forgotten,
        variance_for_standard_deviation,
        two_forgotten,
        not_scaled,
    ],
    returns=("w",),
    cases=8,
    formula=(
        "Their standard deviation is sqrt(2 / fan_in), where fan_in is the number of inputs "
        "that one output sees: C * KH * KW for filters (O, C, KH, KW), D for a dense layer "
        "(D, M).",
    ),
)  # fmt: skip
