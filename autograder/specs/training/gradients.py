"""The network's loss and its gradients: loss_and_gradients.

The numbers are real, for at a tie or at 0 the gradient would hang on rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograder.laws import lasting, refuses, tidy
from autograder.spec import IMPOSSIBLE, Arguments, Exercise
from autograder.specs import _working
from autograder.specs._layers import ONE
from autograder.specs._network import SmallNetwork
from autograder.specs.training._parameters import (
    SMALL,
    Arrays,
    float32_network,
    impossible_network,
    large_images,
    network_for_integers,
    no_images,
    one_part,
    parameters_for,
    real_network,
)
from autograder.strategies import Draw
from reference import ops


def impossible_batch(draw: Draw) -> Arguments:
    """Labels that are not one class for every image, or parameters that do not fit."""
    good = impossible_network(draw)
    fault = draw.choose("parameters", [10], [-1], [], [0, 1])
    if fault == "parameters":
        return {**good, "labels": np.array([3])}
    parameters = parameters_for((4, 8), lambda *shape: np.ones(shape))
    return {**good, "parameters": parameters, "labels": np.array(fault, dtype=np.int64)}


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
