"""Parameters as dictionaries of arrays: drawn for networks, and judged one part at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import Any

import numpy as np

from autograder.compare import Mismatch, mismatch
from autograder.spec import Arguments, Case, Exercise, Law
from autograder.specs._layers import Pair, renumbered
from autograder.strategies import Draw

Arrays = dict[str, np.ndarray]


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


def network_for_integers(draw: Draw) -> Arguments:
    """Pixels of integers; the parameters are real numbers."""
    arguments = real_network(draw, draw.choose(*SMALL), draw.size(1, 2))
    kind = draw.choose("uint8", "int64")
    return {**arguments, "images": renumbered(draw, kind, arguments["images"])}


def no_images(draw: Draw) -> Arguments:
    return whole_network(draw, draw.choose(*SMALL), 0)
