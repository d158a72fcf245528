"""The network's forward pass: forward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograder.laws import agrees, dtype, lasting, refuses, untouched
from autograder.spec import IMPOSSIBLE, Arguments, Exercise
from autograder.specs import _working
from autograder.specs._layers import ONE
from autograder.specs._network import SmallNetwork
from autograder.specs.training._parameters import (
    Arrays,
    float32_network,
    impossible_network,
    large_images,
    network_for_integers,
    no_images,
    small_images,
    smallest_images,
)
from reference import ops

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
