"""One step of the optimiser: sgd_momentum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.laws import dtype, refuses, untouched
from autograder.spec import IMPOSSIBLE, Arguments, Exercise
from autograder.specs import _working
from autograder.specs._layers import renumbered
from autograder.specs.training._parameters import Arrays, one_part
from autograder.strategies import Draw
from autograder.tolerance import unit_roundoff
from reference import ops


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
