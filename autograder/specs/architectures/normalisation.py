"""Batch normalisation: batch_norm2d."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograder.laws import agrees, dtype, lasting, refuses, untouched
from autograder.spec import Arguments, Exercise
from autograder.specs import _working
from autograder.specs._layers import Pair, renumbered_all
from autograder.specs.architectures._blocks import long_side
from autograder.strategies import Draw
from autograder.tolerance import of_batch_norm
from reference import ops


def channels_of(draw: Draw, n: int, c: int, h: int, w: int) -> Arguments:
    return dict(x=draw.whole(n, c, h, w), gamma=draw.whole(c), beta=draw.whole(c))


def one_image(draw: Draw) -> Arguments:
    return channels_of(draw, 1, draw.size(1, 2), draw.size(1, 3), draw.size(2, 4))


def whole_batch(draw: Draw) -> Arguments:
    return channels_of(draw, draw.size(2, 4), draw.size(1, 3), draw.size(1, 3), draw.size(1, 3))


def large_eps(draw: Draw) -> Arguments:
    return {**whole_batch(draw), "eps": draw.choose(1.0, 0.25, 3.0, 0.001)}


def constant_channel(draw: Draw) -> Arguments:
    """No variance at all: only eps keeps the division possible."""
    if draw.size(0, 1) == 0:
        return channels_of(draw, 1, 1, 1, 1)
    arguments = whole_batch(draw)
    return {**arguments, "x": arguments["x"][:1, :, :1, :1] + 0 * arguments["x"]}


def renumbered_channels(draw: Draw, kind: str, size: Pair) -> Arguments:
    arguments = channels_of(draw, draw.size(1, 3), draw.size(1, 3), *size)
    return renumbered_all(draw, kind, arguments)


def large_maps(draw: Draw) -> Arguments:
    return renumbered_channels(draw, "real", long_side(draw))


def float32_maps(draw: Draw) -> Arguments:
    return renumbered_channels(draw, "float32", draw.pair(2, 5))


def integer_maps(draw: Draw) -> Arguments:
    return renumbered_channels(draw, draw.choose("uint8", "int64"), draw.pair(2, 5))


def no_activations(draw: Draw) -> Arguments:
    arguments = whole_batch(draw)
    return {**arguments, "x": arguments["x"][:0]}


def impossible_scale(draw: Draw) -> Arguments:
    """A gamma or a beta that has not one number for each channel."""
    good = dict(x=np.ones((2, 3, 2, 3)), gamma=np.ones(3), beta=np.ones(3))
    return {**good, draw.choose("gamma", "beta"): np.ones(draw.choose(1, 2, 4))}


def normalised(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: Any, deviation: Any
) -> np.ndarray:
    y: np.ndarray = (x - mean) / deviation * gamma[:, None, None] + beta[:, None, None]
    return y


def statistics(x: np.ndarray, axes: tuple[int, ...] | None = (0, 2, 3)) -> tuple[Any, Any]:
    """Mean and biased variance over these axes."""
    x = x.astype(np.float64)
    return x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)


def statistics_per_image(x, gamma, beta, eps=1e-5):
    """each image is normalised by its own mean and variance.
    Batch normalisation takes both over the whole batch: over N, H and W."""
    mean, variance = statistics(x, (2, 3))
    return normalised(x, gamma, beta, mean, np.sqrt(variance + eps))


def statistics_per_pixel(x, gamma, beta, eps=1e-5):
    """each pixel has a mean and a variance of its own, over the batch only.
    A channel has one of each: over N, H and W."""
    mean, variance = statistics(x, (0,))
    return normalised(x, gamma, beta, mean, np.sqrt(variance + eps))


def statistics_of_all_channels(x, gamma, beta, eps=1e-5):
    """all channels share one mean and one variance.
    Each channel has its own."""
    mean, variance = statistics(x, None)
    return normalised(x, gamma, beta, mean, np.sqrt(variance + eps))


def unbiased_variance(x, gamma, beta, eps=1e-5):
    """the variance divides by one less than the number of values.
    Batch normalisation uses the biased variance: the mean of the squares."""
    count = x.size // max(x.shape[1], 1)
    mean, variance = statistics(x)
    return normalised(x, gamma, beta, mean, np.sqrt(variance * count / max(count - 1, 1) + eps))


def variance_for_deviation(x, gamma, beta, eps=1e-5):
    """the numbers are divided by the variance.
    Divide by its root: sqrt(var + eps)."""
    mean, variance = statistics(x)
    return normalised(x, gamma, beta, mean, variance + eps)


def eps_outside_the_root(x, gamma, beta, eps=1e-5):
    """eps is added to the standard deviation.
    It belongs under the root: sqrt(var + eps)."""
    mean, variance = statistics(x)
    return normalised(x, gamma, beta, mean, np.sqrt(variance) + eps)


def eps_ignored(x, gamma, beta, eps=1e-5):
    """eps is left out, and a channel without variance is divided by 0.
    Divide by sqrt(var + eps)."""
    mean, variance = statistics(x)
    return normalised(x, gamma, beta, mean, np.sqrt(variance))


def eps_argument_ignored(x, gamma, beta, eps=1e-5):
    """eps is always 0.00001.
    It is an argument: use what is given."""
    return ops.batch_norm2d(x, gamma, beta)


def gamma_and_beta_left_out(x, gamma, beta, eps=1e-5):
    """the result is not scaled and shifted.
    gamma and beta give each channel the deviation and the mean that it learns."""
    return ops.batch_norm2d(x, np.ones(len(gamma)), np.zeros(len(beta)), eps)


def gamma_and_beta_swapped(x, gamma, beta, eps=1e-5):
    """gamma and beta are swapped.
    gamma scales, beta shifts."""
    return ops.batch_norm2d(x, beta, gamma, eps)


batch_norm2d = Exercise(
    ops.batch_norm2d,
    kinds={
        "one image": one_image,
        "batch": whole_batch,
        "eps": large_eps,
        "constant": constant_channel,
        "large": large_maps,
        "float32": float32_maps,
        "integers": integer_maps,
        "empty batch": no_activations,
        "impossible": impossible_scale,
    },
    laws=[
        agrees(0.5, "one image", "batch",
               says="each channel gets mean beta, deviation gamma, over the whole batch"),
        agrees(0.5, "eps", "constant", "large", "float32", "integers", "empty batch",
               name="numbers", says="it is right for any eps, dtype, memory layout and batch"),
        dtype(0.5),
        lasting(untouched(0.5, "one image", "large", "float32", "integers", "empty batch",
                          needs="agrees")),
        refuses("a gamma or beta of another length than the channels raises ValueError"),
    ],
    tolerance=of_batch_norm,
    misconceptions=[
        statistics_per_image,
        statistics_per_pixel,
        statistics_of_all_channels,
        unbiased_variance,
        variance_for_deviation,
        eps_ignored,
        eps_outside_the_root,
        eps_argument_ignored,
        gamma_and_beta_left_out,
        gamma_and_beta_swapped,
    ],
    cases=10,
    formula=(
        "y = gamma * (x - mean) / sqrt(var + eps) + beta",
        "mean and var are those of the channel's own numbers in this batch, over N, H and W",
        "var is the biased variance: it divides by the number of values",
    ),
    working=_working.normalised,
)  # fmt: skip
