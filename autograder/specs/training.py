"""Training: a convolutional network from scratch, from its first weights to its last epoch.

He, Zhang, Ren and Sun, "Delving deep into rectifiers" (2015), for the weights; Sutskever, Martens,
Dahl and Hinton, "On the importance of initialization and momentum" (2013), for the optimiser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import permutations, product
from math import ceil, prod, sqrt
from typing import Any

import numpy as np

from autograder.compare import Mismatch, mismatch, number
from autograder.digits import small_digits
from autograder.isolation.wire import RandomSource
from autograder.laws import agrees, dtype, lasting, refuses, tidy, untouched
from autograder.spec import IMPOSSIBLE, Arguments, Case, Exercise, Law
from autograder.specs import _working
from autograder.specs._layers import ONE, Pair, renumbered
from autograder.specs._network import SmallNetwork
from autograder.strategies import Draw
from autograder.tolerance import largest, unit_roundoff
from reference import ops

LESSON = 9

Arrays = dict[str, np.ndarray]


# --- he_normal: judged by statistics, since there are many ways to draw

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


# --- sgd_momentum


def state(fill: Callable[..., np.ndarray], shapes: dict[str, Any]) -> Arguments:
    """Parameters, gradients and velocity of the same names and shapes."""
    return {
        part: {name: fill(*shape) for name, shape in shapes.items()}
        for part in ("parameters", "gradients", "velocity")
    }


def rates(draw: Draw) -> Arguments:
    """Exact fractions, so that the step can be checked on paper."""
    return dict(learning_rate=draw.choose(0.5, 0.25, 2.0), momentum=draw.choose(0.5, 0.75, 0.25))


def one_array(draw: Draw) -> Arguments:
    return state(draw.whole, {"w": (draw.size(1, 3),)}) | rates(draw)


def several_arrays(draw: Draw) -> Arguments:
    shapes = {"conv.w": (2, 1, *draw.pair(1, 2)), "conv.b": (2,), "dense.w": draw.pair(1, 3)}
    arguments = state(draw.whole, shapes)
    if draw.size(0, 1):
        # The arrays belong together by their names, not by their places.
        arguments["gradients"] = dict(reversed(arguments["gradients"].items()))
        arguments["velocity"] = dict(reversed(arguments["velocity"].items()))
    return arguments | rates(draw)


def first_step(draw: Draw) -> Arguments:
    arguments = one_array(draw)
    zeros = {name: np.zeros_like(v) for name, v in arguments["velocity"].items()}
    return {**arguments, "velocity": zeros, "momentum": draw.choose(0.0, 0.5)}


def renumbered_state(draw: Draw, kind: str) -> Arguments:
    shapes = {"w": (draw.size(1, 2), draw.size(9, 11)), "b": (draw.size(1, 5),)}
    arguments = state(lambda *shape: renumbered(draw, kind, np.zeros(shape)), shapes)
    return arguments | dict(learning_rate=draw.choose(0.1, 0.003), momentum=draw.choose(0.9, 0.99))


def real_arrays(draw: Draw) -> Arguments:
    return renumbered_state(draw, "real")


def float32_arrays(draw: Draw) -> Arguments:
    """Gradients and velocity may be whole numbers: the parameters decide."""
    arguments = renumbered_state(draw, "float32")
    for part in ("gradients", "velocity"):
        dtype = draw.choose(np.float32, np.int64)
        arguments[part] = {name: a.astype(dtype) for name, a in arguments[part].items()}
    return arguments


def integer_arrays(draw: Draw) -> Arguments:
    return renumbered_state(draw, "int64")


def unlike_arrays(draw: Draw) -> Arguments:
    """A name or a shape that the three dictionaries do not share, where NumPy may not mind."""
    good = {"w": np.ones((2, 3)), "b": np.ones(1)}
    fault = draw.choose(
        {"gradients": {"w": good["w"]}},
        {"velocity": {"w": good["w"]}},
        {"velocity": {**good, "v": np.ones(1)}},
        {"parameters": {"w": good["w"]}},
        {"gradients": {**good, "w": np.ones((1, 3))}},
        {"velocity": {**good, "w": np.ones((2, 1))}},
        {"velocity": {**good, "b": np.ones((1, 1))}},
    )
    arrays = dict.fromkeys(("parameters", "gradients", "velocity"), good)
    return arrays | fault | dict(learning_rate=0.5, momentum=0.5)


def stepped(arguments: tuple[Any, ...], rule: Callable[..., Any]) -> tuple[Arrays, Arrays]:
    """New parameters and velocity by a rule(p, g, v, learning_rate, momentum) -> (p, v)."""
    parameters, gradients, velocity, learning_rate, momentum = arguments
    new = {
        name: rule(p, gradients[name], velocity[name], learning_rate, momentum)
        for name, p in parameters.items()
    }
    return {name: p for name, (p, _) in new.items()}, {name: v for name, (_, v) in new.items()}


def gradient_ascent(parameters, gradients, velocity, learning_rate, momentum):
    """the gradient is added, which makes the loss larger.
    It points uphill: v = momentum * v - learning_rate * g."""
    return ops.sgd_momentum(parameters, gradients, velocity, -learning_rate, momentum)


def old_velocity_used(parameters, gradients, velocity, learning_rate, momentum):
    """the parameters move by the old velocity.
    First comes the new velocity, then p = p + v with it."""

    def rule(p, g, v, rate, momentum):
        return p + v, momentum * v - rate * g

    return stepped((parameters, gradients, velocity, learning_rate, momentum), rule)


def velocity_not_used(parameters, gradients, velocity, learning_rate, momentum):
    """the parameters move by the gradient alone, and the velocity is only kept.
    They move by the velocity: p = p + v."""

    def rule(p, g, v, rate, momentum):
        return p - rate * g, momentum * v - rate * g

    return stepped((parameters, gradients, velocity, learning_rate, momentum), rule)


def momentum_ignored(parameters, gradients, velocity, learning_rate, momentum):
    """the old velocity is forgotten.
    A share of it goes on: v = momentum * v - learning_rate * g."""
    return ops.sgd_momentum(parameters, gradients, velocity, learning_rate, 0.0)


def momentum_as_an_average(parameters, gradients, velocity, learning_rate, momentum):
    """the new gradient counts by 1 - momentum, as in a running average.
    It counts in full: v = momentum * v - learning_rate * g."""
    rate = learning_rate * (1 - momentum)
    return ops.sgd_momentum(parameters, gradients, velocity, rate, momentum)


def rate_on_the_whole_velocity(parameters, gradients, velocity, learning_rate, momentum):
    """the learning rate multiplies the whole velocity when the parameters move, as in PyTorch.
    Here it belongs to the gradient: v = momentum * v - learning_rate * g, p = p + v."""

    def rule(p, g, v, rate, momentum):
        return p - rate * (momentum * v + g), momentum * v + g

    return stepped((parameters, gradients, velocity, learning_rate, momentum), rule)


def nesterov(parameters, gradients, velocity, learning_rate, momentum):
    """the parameters look one step ahead (Nesterov's momentum).
    Plain momentum is p = p + v."""

    def rule(p, g, v, rate, momentum):
        new = momentum * v - rate * g
        return p + momentum * new - rate * g, new

    return stepped((parameters, gradients, velocity, learning_rate, momentum), rule)


def velocity_subtracted(parameters, gradients, velocity, learning_rate, momentum):
    """the velocity is subtracted from the parameters.
    The minus is in the velocity already: p = p + v."""

    def rule(p, g, v, rate, momentum):
        new = momentum * v - rate * g
        return p - new, new

    return stepped((parameters, gradients, velocity, learning_rate, momentum), rule)


def results_swapped(parameters, gradients, velocity, learning_rate, momentum):
    """the velocity is returned first.
    The result is (parameters, velocity)."""
    return ops.sgd_momentum(parameters, gradients, velocity, learning_rate, momentum)[::-1]


def step_error(arguments: Arguments, expected: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two products, each with a rounded factor, their difference, and the addition to p.

    That is at most 3 roundings of every product and one each of v and p; both results have them.
    """
    rate, momentum = abs(arguments["learning_rate"]), abs(arguments["momentum"])
    for_p, for_v = {}, {}
    for name, p in arguments["parameters"].items():
        u = unit_roundoff(p.dtype)
        g, v = (
            np.abs(arguments[part][name].astype(np.float64)) for part in ("gradients", "velocity")
        )
        for_v[name] = 8 * u * (momentum * v + rate * g)
        for_p[name] = for_v[name] + 2 * u * (np.abs(p.astype(np.float64)) + momentum * v + rate * g)
    return for_p, for_v


def one_part(
    index: int,
    name: str,
    says: str,
    points: float,
    keys: Sequence[str] = (),
    kinds: tuple[str, ...] = (),
) -> Law:
    """One of the two results is right: all of it, or the arrays of these names."""

    def judge(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
        value, right = answers[0].value, case.expected
        if (wrong := mismatch(value, right, 0.0, exercise.returns, values=False)) is not None:
            return wrong
        tolerance = case.tolerance[index]
        value, right = value[index], right[index]
        if keys:
            value, right = ({key: part[key] for key in keys} for part in (value, right))
        return mismatch(value, right, tolerance, (exercise.returns[index],))

    return Law(name, says, points, judge, kinds)


sgd_momentum = Exercise(
    ops.sgd_momentum,
    kinds={
        "one array": one_array,
        "first step": first_step,
        "several arrays": several_arrays,
        "real": real_arrays,
        "float32": float32_arrays,
        "integers": integer_arrays,
        IMPOSSIBLE: unlike_arrays,
    },
    laws=[
        one_part(1, "velocity", "the new velocity is momentum * v - learning_rate * g", 0.5,
                 kinds=("one array", "first step", "several arrays")),
        one_part(0, "parameters", "the parameters move by the new velocity, whatever their dtype",
                 0.5),
        dtype(0.5, says="each array keeps the dtype of its parameter; integers become float64",
              needs="velocity"),
        untouched(0.5, needs="velocity"),
        refuses("names or shapes that differ raise ValueError"),
    ],
    tolerance=step_error,
    misconceptions=[
        gradient_ascent,
        old_velocity_used,
        velocity_not_used,
        momentum_ignored,
        momentum_as_an_average,
        rate_on_the_whole_velocity,
        nesterov,
        velocity_subtracted,
        results_swapped,
    ],
    returns=("parameters", "velocity"),
    cases=8,
    formula=(
        "For every name: v = momentum * v - learning_rate * g, then p = p + v with the new "
        "v.",
    ),
    working=_working.momentum_step,
)  # fmt: skip


# --- forward

FILTERS = {"conv1.w": (8, 1, 3, 3), "conv1.b": (8,), "conv2.w": (16, 8, 3, 3), "conv2.b": (16,)}
SMALL, LARGE = ((4, 8), (8, 4), (6, 10), (5, 9), (7, 4)), ((8, 9), (9, 12), (12, 10))
Fill = Callable[..., np.ndarray]


def parameters_for(size: Pair, fill: Fill) -> Arrays:
    """All six arrays, for images of this size."""
    dense = {"dense.w": (16 * (size[0] // 4) * (size[1] // 4), 10), "dense.b": (10,)}
    return {name: fill(*shape) for name, shape in (FILTERS | dense).items()}


def whole_network(draw: Draw, size: Pair, n: int) -> Arguments:
    parameters = parameters_for(size, lambda *shape: draw.whole(*shape, low=-2, high=2))
    return dict(parameters=parameters, images=draw.whole(n, 1, *size))


def three_digits(draw: Draw, *shape: int) -> np.ndarray:
    """Real numbers as they are written on paper, of a size that keeps the layers' outputs small."""
    inputs = prod(shape[1:]) if len(shape) == 4 else shape[0]
    return np.round(draw.real(*shape) * sqrt(2 / inputs), 3)


def real_network(draw: Draw, size: Pair, n: int, dtype: Any = np.float64) -> Arguments:
    parameters = parameters_for(size, lambda *shape: three_digits(draw, *shape).astype(dtype))
    return dict(parameters=parameters, images=np.round(draw.real(n, 1, *size), 3).astype(dtype))


def smallest_images(draw: Draw) -> Arguments:
    return whole_network(draw, (4, 4), 1)


def small_images(draw: Draw) -> Arguments:
    return whole_network(draw, draw.choose(*SMALL), draw.size(1, 3))


def large_images(draw: Draw) -> Arguments:
    return laid_out(draw, real_network(draw, draw.choose(*LARGE), draw.size(1, 2)))


def laid_out(draw: Draw, arguments: Arguments) -> Arguments:
    """The same arrays, laid out in memory in other ways."""
    parameters = {name: draw.layout(a) for name, a in arguments["parameters"].items()}
    return dict(parameters=parameters, images=draw.layout(arguments["images"]))


def float32_network(draw: Draw, size: Pair = (4, 8), n: int = 1) -> Arguments:
    """The images decide, also where the parameters are whole numbers."""
    arguments = real_network(draw, size, n, np.float32)
    if draw.size(0, 1):
        arguments["parameters"] = {
            name: draw.whole(*a.shape, low=-2, high=2, dtype=np.int64)
            for name, a in arguments["parameters"].items()
        }
    return laid_out(draw, arguments)


def impossible_network(draw: Draw) -> Arguments:
    """Parameters of a network for other images, or with an array that does not fit."""
    fault = draw.choose(
        {"dense.w": np.ones((16, 10))},
        {"dense.w": np.ones((64, 10))},
        {"conv1.w": np.ones((8, 2, 3, 3))},
        {"conv2.w": np.ones((16, 1, 3, 3))},
        {"conv1.b": np.ones(1)},
        {"conv2.b": np.ones(8)},
    )
    parameters = parameters_for((4, 8), lambda *shape: np.ones(shape)) | fault
    return dict(parameters=parameters, images=np.ones((1, 1, 4, 8)))


def impossible_batch(draw: Draw) -> Arguments:
    """Labels that are not one class for every image, or parameters that do not fit."""
    good = impossible_network(draw)
    fault = draw.choose("parameters", [10], [-1], [], [0, 1])
    if fault == "parameters":
        return {**good, "labels": np.array([3])}
    parameters = parameters_for((4, 8), lambda *shape: np.ones(shape))
    return {**good, "parameters": parameters, "labels": np.array(fault, dtype=np.int64)}


def network_for_integers(draw: Draw) -> Arguments:
    """Pixels of integers; the parameters are real numbers."""
    arguments = real_network(draw, draw.choose(*SMALL), draw.size(1, 2))
    kind = draw.choose("uint8", "int64")
    return {**arguments, "images": renumbered(draw, kind, arguments["images"])}


def no_images(draw: Draw) -> Arguments:
    return whole_network(draw, draw.choose(*SMALL), 0)


Values = Callable[[np.ndarray], np.ndarray]


def as_it_is(x: np.ndarray) -> np.ndarray:
    return x


def maximum_pool(x: np.ndarray) -> np.ndarray:
    return ops.max_pool2d(x, (2, 2), (2, 2))


def run(
    parameters: Arrays,
    images: np.ndarray,
    first: Values = ops.relu,
    second: Values = ops.relu,
    pool: Values = maximum_pool,
    order: Sequence[int] = (0, 1, 2, 3),
    without: str = "",
) -> np.ndarray:
    """The network with other activations, another pool, another order of flattening, no bias."""
    p = {name: a * 0 if name in without else a for name, a in parameters.items()}
    x = pool(first(ops.conv2d(images, p["conv1.w"], p["conv1.b"], ONE, ONE)))
    x = pool(second(ops.conv2d(x, p["conv2.w"], p["conv2.b"], ONE, ONE)))
    flat = x.transpose(order).reshape(len(x), len(p["dense.w"]))
    return flat @ p["dense.w"] + p["dense.b"]


def flatten_order_channels_last(parameters, images):
    """the last pool is flattened with the channels innermost, as Keras does.
    The rows of dense.w are ordered channel, row, column."""
    return run(parameters, images, order=(0, 2, 3, 1))


def flatten_columns_first(parameters, images):
    """each channel is flattened column by column.
    The rows of dense.w are ordered channel, row, column."""
    return run(parameters, images, order=(0, 1, 3, 2))


def softmax_for_logits(parameters, images):
    """probabilities are returned.
    Logits are what the dense layer gives; softmax belongs to the loss."""
    return ops.softmax(ops.forward(parameters, images))


def activation_missing(parameters, images):
    """there is no ReLU after the second convolution.
    A ReLU follows each of the two."""
    return run(parameters, images, second=as_it_is)


def first_activation_missing(parameters, images):
    """there is no ReLU after the first convolution.
    A ReLU follows each of the two."""
    return run(parameters, images, first=as_it_is)


def no_activation(parameters, images):
    """there is no ReLU.
    One follows each of the two convolutions."""
    return run(parameters, images, first=as_it_is, second=as_it_is)


def relu_on_the_logits(parameters, images):
    """the logits go through ReLU.
    The last layer has no activation: logits may be negative."""
    return ops.relu(ops.forward(parameters, images))


def average_for_maximum(parameters, images):
    """the pools average.
    They take the maximum of each 2x2 window."""
    return run(parameters, images, pool=lambda x: ops.avg_pool2d(x, (2, 2), (2, 2)))


def convolution_biases_forgotten(parameters, images):
    """the biases of the convolutions are not added.
    Each filter adds its own bias."""
    return run(parameters, images, without="conv1.b conv2.b")


def dense_bias_forgotten(parameters, images):
    """the bias of the dense layer is not added.
    The logits are flat @ w + b."""
    return run(parameters, images, without="dense.b")


def flipped_kernels(parameters, images):
    """the kernels are flipped.
    CNN layers do not flip them."""
    turned = {name: a[..., ::-1, ::-1] if a.ndim == 4 else a for name, a in parameters.items()}
    return ops.forward(turned, images)


def logits_error(arguments: Arguments, expected: Any) -> np.ndarray:
    return SmallNetwork.of(arguments["parameters"], arguments["images"]).logits.tolerance


forward = Exercise(
    ops.forward,
    kinds={
        "smallest": smallest_images,
        "small": small_images,
        "large": large_images,
        "float32": float32_network,
        "integers": network_for_integers,
        "empty batch": no_images,
        IMPOSSIBLE: impossible_network,
    },
    laws=[
        agrees(0.5, "smallest", says="conv - relu - pool - conv - relu - pool - dense"),
        agrees(0.5, "small", "large", "float32", "integers", "empty batch", name="sizes",
               says="images of any size, dtype and number: flattened channel, row, column"),
        dtype(0.5, says="the images decide the dtype: float32, or float64"),
        lasting(untouched(0.5, "smallest", "float32", "integers", needs="agrees")),
        refuses("parameters that do not fit the images raise ValueError"),
    ],
    tolerance=logits_error,
    misconceptions=[
        flatten_order_channels_last,
        flatten_columns_first,
        softmax_for_logits,
        activation_missing,
        first_activation_missing,
        no_activation,
        relu_on_the_logits,
        average_for_maximum,
        convolution_biases_forgotten,
        dense_bias_forgotten,
        flipped_kernels,
    ],
    returns=("logits",),
    cases=6,
    formula=(
        "conv 8@3x3 - relu - max pool 2 - conv 16@3x3 - relu - max pool 2 - dense 10",
        "The dense layer sees the last pool's (16, H // 4, W // 4) flattened in the order "
        "channel, row, column.",
    ),
    working=_working.logits_of_network,
)  # fmt: skip


# --- loss_and_gradients: real numbers, for at a tie or at 0 the gradient would hang on rounding


def with_labels(draw: Draw, arguments: Arguments) -> Arguments:
    """The labels too; no ReLU and no pool may be so close to a tie that rounding decides it."""
    draw.need(SmallNetwork.of(**arguments).decided)
    return {**arguments, "labels": draw.labels(len(arguments["images"]), 10)}


def one_small_image(draw: Draw) -> Arguments:
    return with_labels(draw, real_network(draw, (4, 4), 1))


def small_batch(draw: Draw) -> Arguments:
    return with_labels(draw, real_network(draw, (4, 4), draw.size(2, 5)))


def small_sizes(draw: Draw) -> Arguments:
    return with_labels(draw, real_network(draw, draw.choose(*SMALL), draw.size(1, 3)))


def large_sizes(draw: Draw) -> Arguments:
    return with_labels(draw, large_images(draw))


def float32_batch(draw: Draw) -> Arguments:
    return with_labels(draw, float32_network(draw, (4, 4), draw.size(1, 2)))


def empty_batch(draw: Draw) -> Arguments:
    return {**no_images(draw), "labels": np.zeros(0, dtype=np.int64)}


def integer_batch(draw: Draw) -> Arguments:
    return with_labels(draw, network_for_integers(draw))


def gradients_by(
    parameters: Arrays, images: np.ndarray, labels: np.ndarray, masks: Sequence[bool] = (True, True)
) -> Arrays:
    """The gradients, with the ReLU masks of the first and the second convolution or without."""
    p, (x, a1, m1, a2, m2, flat, logits) = parameters, layers_of(parameters, images)
    gradients = {}
    d = ops.cross_entropy_backward(logits, labels)
    d, gradients["dense.w"], gradients["dense.b"] = ops.dense_backward(d, flat, p["dense.w"])
    d = ops.max_pool2d_backward(d.reshape(m2.shape), ops.relu(a2), (2, 2), (2, 2))
    d = ops.relu_backward(d, a2) if masks[1] else d
    d, gradients["conv2.w"], gradients["conv2.b"] = ops.conv2d_backward(
        d, m1, p["conv2.w"], ONE, ONE
    )
    d = ops.max_pool2d_backward(d, ops.relu(a1), (2, 2), (2, 2))
    d = ops.relu_backward(d, a1) if masks[0] else d
    _, gradients["conv1.w"], gradients["conv1.b"] = ops.conv2d_backward(
        d, x, p["conv1.w"], ONE, ONE
    )
    return gradients


def layers_of(parameters: Arrays, images: np.ndarray) -> list[np.ndarray]:
    """What each layer gives, from the images to the logits."""
    network = SmallNetwork.of(parameters, images)
    parts = (network.x, network.a1, network.m1, network.a2, network.m2, network.flat)
    return [part.values for part in (*parts, network.logits)]


def times(gradients: Arrays, factor: float) -> Arrays:
    return {name: g * factor for name, g in gradients.items()}


def gradients_not_averaged(parameters, images, labels):
    """the loss is averaged over the batch and the gradients are not.
    The gradient of a mean has the same 1 / N."""
    loss, gradients = ops.loss_and_gradients(parameters, images, labels)
    return loss, times(gradients, len(images))


def loss_not_averaged(parameters, images, labels):
    """the loss is the sum over the batch, while the gradients are those of the mean.
    The loss is the mean cross-entropy."""
    loss, gradients = ops.loss_and_gradients(parameters, images, labels)
    return loss * len(images), gradients


def nothing_averaged(parameters, images, labels):
    """the loss and its gradients are sums over the batch.
    The loss is the mean cross-entropy: divide by N."""
    loss, gradients = ops.loss_and_gradients(parameters, images, labels)
    return loss * len(images), times(gradients, len(images))


def gradients_of_wrong_sign(parameters, images, labels):
    """the gradients have the wrong sign.
    The gradient of the loss at the logits is softmax minus one-hot, over N."""
    loss, gradients = ops.loss_and_gradients(parameters, images, labels)
    return loss, times(gradients, -1)


def relu_mask_forgotten(parameters, images, labels):
    """the gradient passes a ReLU that was off.
    Where the convolution gave a negative number, the gradient is 0."""
    loss = ops.loss_and_gradients(parameters, images, labels)[0]
    return loss, gradients_by(parameters, images, labels, (False, False))


def first_relu_mask_forgotten(parameters, images, labels):
    """the gradient passes the first ReLU where it was off.
    Where the convolution gave a negative number, the gradient is 0."""
    loss = ops.loss_and_gradients(parameters, images, labels)[0]
    return loss, gradients_by(parameters, images, labels, (False, True))


def second_relu_mask_forgotten(parameters, images, labels):
    """the gradient passes the second ReLU where it was off.
    Where the convolution gave a negative number, the gradient is 0."""
    loss = ops.loss_and_gradients(parameters, images, labels)[0]
    return loss, gradients_by(parameters, images, labels, (True, False))


def mean_bias_gradient(parameters, images, labels):
    """the gradients of the biases are means over the batch and its pixels.
    They are sums: the 1 / N of the mean loss is in dy already."""
    loss, gradients = ops.loss_and_gradients(parameters, images, labels)
    network = SmallNetwork.of(parameters, images)
    sizes = {"conv1.b": network.a1, "conv2.b": network.a2, "dense.b": network.logits}
    scaled = {
        name: gradients[name] / (part.values.size // part.values.shape[1])
        for name, part in sizes.items()
    }
    return loss, gradients | scaled


def network_error(arguments: Arguments, expected: Any) -> tuple[float, dict[str, Any]]:
    """Errors carried forward to the loss, and back to each gradient; both results have them."""
    parameters, labels = arguments["parameters"], arguments["labels"]
    network = SmallNetwork.of(parameters, arguments["images"])
    errors = network.gradient_errors(parameters, labels)
    return 2 * network.loss_error(expected[0]), {name: 2 * e for name, e in errors.items()}


loss_and_gradients = Exercise(
    ops.loss_and_gradients,
    kinds={
        "one image": one_small_image,
        "batch": small_batch,
        "small": small_sizes,
        "large": large_sizes,
        "float32": float32_batch,
        "integers": integer_batch,
        "empty batch": empty_batch,
        IMPOSSIBLE: impossible_batch,
    },
    laws=[
        one_part(0, "loss", "the loss is the mean cross-entropy of the logits", 0.5),
        one_part(1, "dense", "the gradients of dense.w and dense.b are those of the loss", 0.5,
                 ("dense.w", "dense.b")),
        one_part(1, "convolutions", "so are the gradients of both convolutions", 0.5,
                 ("conv1.w", "conv1.b", "conv2.w", "conv2.b")),
        lasting(tidy(0.5, "gradients have the images' dtype; arguments stay as they were",
                     "batch", "float32", "integers", needs="loss")),
        refuses("labels or parameters that do not fit the images raise ValueError"),
    ],
    tolerance=network_error,
    misconceptions=[
        gradients_not_averaged,
        loss_not_averaged,
        nothing_averaged,
        gradients_of_wrong_sign,
        relu_mask_forgotten,
        first_relu_mask_forgotten,
        second_relu_mask_forgotten,
        mean_bias_gradient,
    ],
    returns=("loss", "gradients"),
    cases=6,
    formula=(
        "The loss is the mean cross-entropy of the network's logits, a float.",
        "`gradients` has the names and shapes of `parameters`: how the loss changes with "
        "each of their numbers.",
    ),
    working=_working.network_gradient,
)  # fmt: skip


# --- fit: judged by what it has learned

TRAINING, HELD_BACK = (0, 200), (2000, 2200)
# With 400 generators a right solution knew 0.58 to 0.89 of these digits, 0.77 on average with a
# deviation of 0.049. Without a single step it was 0.20 at best, with shuffled labels 0.24, and with
# steps uphill 0.09. The limit lies six deviations below the one and far above the others.
ENOUGH = 0.45


def real_digits(draw: Draw) -> Arguments:
    """One case and no choice: it is dear."""
    images, labels = small_digits(*TRAINING)
    return dict(
        images=images, labels=labels, epochs=5, learning_rate=0.015, momentum=0.9, batch_size=9,
        rng=RandomSource(9),
    )  # fmt: skip


def black(draw: Draw, count: int, epochs: int, batch_size: int) -> Arguments:
    """Black images: whatever the weights, dense.b alone learns, from the labels."""
    size = draw.choose((4, 8), (8, 4))
    labels = np.array([draw.size(3 * i, 3 * i + 2) for i in range(count)], dtype=np.int64)
    return dict(
        images=np.zeros((count, 1, *size)), labels=labels, epochs=epochs,
        learning_rate=draw.choose(0.5, 0.25), momentum=draw.choose(0.5, 0.75),
        batch_size=batch_size, rng=draw.generator(),
    )  # fmt: skip


def no_image(draw: Draw) -> Arguments:
    return black(draw, 0, draw.size(1, 2), draw.size(1, 2))


def no_epoch(draw: Draw) -> Arguments:
    return black(draw, 2, 0, 1)


def one_image_a_step(draw: Draw) -> Arguments:
    return black(draw, 2, draw.size(1, 3), 1)


def smaller_last_batch(draw: Draw) -> Arguments:
    return black(draw, 3, draw.size(1, 2), 2)


def impossible_training(draw: Draw) -> Arguments:
    fault = draw.choose(
        {"labels": np.array([0])},
        {"labels": np.array([0, 1, 2])},
        {"batch_size": 0},
        {"batch_size": -1},
        {"epochs": -1},
    )
    good = dict(
        images=np.zeros((2, 1, 4, 4)), labels=np.array([0, 1]), epochs=1, learning_rate=0.5,
        momentum=0.5, batch_size=1, rng=RandomSource(0),
    )  # fmt: skip
    return good | fault


def bias_after(arguments: Arguments, epochs: Sequence[Sequence[int]]) -> np.ndarray:
    """What dense.b is after training on black images, taken in one order for each epoch."""
    labels, size, rate, momentum = (
        arguments[name] for name in ("labels", "batch_size", "learning_rate", "momentum")
    )
    bias = velocity = np.zeros(10)
    for order in epochs:
        for start in range(0, len(order), size):
            batch = labels[list(order[start : start + size])]
            logits = np.broadcast_to(bias, (len(batch), 10))
            gradient = ops.cross_entropy_backward(logits, batch).sum(axis=0)
            velocity = momentum * velocity - rate * gradient
            bias = bias + velocity
    return bias


def orders(arguments: Arguments) -> list[tuple[int, ...]]:
    return list(permutations(range(len(arguments["labels"]))))


def possible_biases(arguments: Arguments) -> Iterator[np.ndarray]:
    """What dense.b can be, for every order of the images in every epoch."""
    for epochs in product(orders(arguments), repeat=arguments["epochs"]):
        yield bias_after(arguments, epochs)


def two_epochs(draw: Draw) -> Arguments:
    """One case: three black images, which come in 36 orders."""
    return dict(
        images=np.zeros((3, 1, 4, 4)), labels=np.array([0, 4, 7]), epochs=2, learning_rate=0.5,
        momentum=0.5, batch_size=1, rng=RandomSource(0),
    )  # fmt: skip


def _many_generators(arguments: Arguments) -> Sequence[Arguments]:
    """So many that a right solution fails by chance once in 3e8: (1 / 6) ** 11."""
    return [{**arguments, "rng": RandomSource(seed)} for seed in range(12)]


def _new_orders(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
    for answer in answers:
        if (wrong := _floats(exercise, case, [answer])) is not None:
            return wrong
    trained = [answer.value["dense.b"] for answer in answers]
    if all(np.array_equal(bias, trained[0]) for bias in trained):
        return Mismatch(
            f"{len(trained)} generators give the same training on images whose order matters; "
            "shuffle them with rng"
        )
    repeated = [bias_after(case.arguments, (order, order)) for order in orders(case.arguments)]
    if all(any(np.allclose(b, r, rtol=0, atol=1e-12) for r in repeated) for b in trained):
        return Mismatch("the second epoch takes the images in the order of the first; shuffle anew")
    return None


def _steps(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
    if (wrong := _floats(exercise, case, answers)) is not None:
        return wrong
    trained = answers[0].value
    possible = case.once("biases", lambda: list(possible_biases(case.arguments)))
    # Numbers of size 1, and a dozen roundings of 1e-16.
    if any(np.allclose(trained["dense.b"], bias, rtol=0, atol=1e-12) for bias in possible):
        return None
    return Mismatch(
        "black images leave only dense.b to learn, which follows from the labels: it is "
        f"{np.round(trained['dense.b'], 4).tolist()}, and for one order of the images it should "
        f"be {np.round(possible[0], 4).tolist()}"
    )


def _floats(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
    trained, name = answers[0].value, exercise.returns
    if (wrong := mismatch(trained, case.expected, 0.0, name, values=False)) is not None:
        return wrong
    for key, value in trained.items():
        if value.dtype != np.float64:
            return Mismatch(f"the parameter {key} is {value.dtype}; it should be float64")
    return None


def _parameters(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
    if answers[0].touched:
        return Mismatch(f"the call changed its argument {answers[0].touched[0]}")
    return _floats(exercise, case, answers)


def _learns(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
    if (wrong := _floats(exercise, case, answers)) is not None:
        return wrong
    trained = answers[0].value
    images, labels = small_digits(*HELD_BACK)
    with np.errstate(all="ignore"):
        single = {key: value.astype(np.float32) for key, value in trained.items()}
        right = ops.forward(single, images.astype(np.float32)).argmax(axis=1) == labels
    if right.mean() >= ENOUGH:
        return None
    text = f"it knows {right.mean():.0%} of new digits; at least {ENOUGH:.0%} is easily reached"
    if not any(trained[key].any() for key in ("conv1.b", "conv2.b", "dense.b")):
        text += "; the biases are still 0, so no step has changed the parameters"
    return Mismatch(text)


fit = Exercise(
    ops.fit,
    free=True,
    kinds={
        "digits": real_digits,
        "no image": no_image,
        "no epoch": no_epoch,
        "one by one": one_image_a_step,
        "last batch": smaller_last_batch,
        "two epochs": two_epochs,
        IMPOSSIBLE: impossible_training,
    },
    laws=[
        Law("parameters", "it gives the six arrays of parameters, and leaves its arguments alone",
            0.5, _parameters),
        Law("learns", "trained on 200 digits, it knows nearly half of 200 others", 1.0, _learns,
            ("digits",)),
        lasting(Law("steps", "an epoch makes one step a batch, also for the last and smaller one",
                    0.5, _steps, ("no image", "no epoch", "one by one", "last batch"))),
        Law("order", "every epoch takes the images in a new order, drawn from rng", 0.5,
            _new_orders, ("two epochs",), calls=_many_generators),
        refuses("labels that do not fit, no batch_size, or negative epochs raise ValueError"),
    ],
    returns=("parameters",),
    cases=5,
    seconds=60.0,
    recipes={
        "images": "from autograder.digits import small_digits\n"
                  f"images = small_digits{TRAINING}[0]",
        "labels": f"labels = small_digits{TRAINING}[1]",
    },
    formula=(
        "Every epoch goes once through all images, in a new random order from `rng`, in "
        "batches of `batch_size` (the last may be smaller), with one `sgd_momentum` step "
        "for each.",
    ),
)  # fmt: skip
