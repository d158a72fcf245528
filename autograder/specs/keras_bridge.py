"""Keras bridge: the same layers with their axes in another order.

The shapes are those of keras.layers.Conv2D, MaxPooling2D, Flatten and Dense with channels last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from autograder.laws import agrees, dtype, lasting, refuses, shape, untouched
from autograder.spec import IMPOSSIBLE, Arguments, Exercise
from autograder.specs import _working
from autograder.specs._layers import ONE, renumbered
from autograder.specs._network import SmallNetwork
from autograder.strategies import Draw
from autograder.tolerance import exact
from autograder.working import copy_of
from reference import ops

LESSON = 10


# --- kernel_from_keras, images_from_keras: only moves, so one set of kinds serves both


def floats(x: np.ndarray) -> np.ndarray:
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def four_axes(name: str, draw: Draw, longest: int = 4) -> Arguments:
    return {name: draw.shuffled(*(draw.size(1, longest) for _ in range(4)))}


def unlike_axes(name: str, draw: Draw) -> Arguments:
    """Four different lengths, so that any wrong order has a wrong shape."""
    lengths = [1, 2, 3, 4]
    order = [lengths.pop(draw.size(0, len(lengths) - 1)) for _ in range(4)]
    return {name: draw.shuffled(*order)}


def large(name: str, draw: Draw) -> Arguments:
    """Real numbers, some axes beyond 8."""
    lengths = [draw.choose(1, 9, 2) for _ in range(4)]
    return {name: renumbered(draw, "real", np.zeros(lengths))}


def float32(name: str, draw: Draw) -> Arguments:
    return {name: renumbered(draw, "float32", four_axes(name, draw)[name])}


def integers(name: str, draw: Draw) -> Arguments:
    kind = draw.choose("uint8", "int64")
    return {name: renumbered(draw, kind, four_axes(name, draw)[name])}


def no_image(name: str, draw: Draw) -> Arguments:
    return {name: np.zeros((0, draw.size(1, 3), draw.size(1, 3), draw.size(1, 3)))}


def other_axes(name: str, draw: Draw) -> Arguments:
    return {name: np.ones(draw.choose((2, 3), (1, 2, 3), (1, 1, 1, 2, 3)))}


def moved(
    name: str, *kinds: Callable[[str, Draw], Arguments]
) -> dict[str, Callable[[Draw], Arguments]]:
    """The kinds for a function whose only argument has this name."""
    named = {kind.__name__.replace("_", " "): partial(kind, name) for kind in kinds}
    return {**named, IMPOSSIBLE: partial(other_axes, name)}


def swapped_in_and_out_channels(kernel):
    """the channels come before the filters: (C, O, KH, KW).
    Ours is (O, C, KH, KW): Keras' last axis is our first."""
    return floats(kernel.transpose(2, 3, 0, 1))


def transposed_kernel(kernel):
    """all axes are reversed, as .T does: (O, C, KW, KH).
    Rows stay before columns: (O, C, KH, KW)."""
    return floats(kernel.T)


def kernel_reshaped(kernel):
    """the kernel is reshaped, which gives the shape and mixes the weights.
    Axes change places by transpose."""
    height, width, channels, filters = kernel.shape
    return floats(kernel.reshape(filters, channels, height, width))


def kernel_flipped_too(kernel):
    """the kernel is flipped as well.
    Keras does not flip kernels either: only the order of the axes differs."""
    return ops.kernel_from_keras(kernel[::-1, ::-1])


kernel_from_keras = Exercise(
    ops.kernel_from_keras,
    kinds=moved("kernel", four_axes, unlike_axes, large, float32, integers),
    laws=[
        agrees(0.5, says="weight [u, v, c, o] of Keras becomes [o, c, u, v]"),
        dtype(0.5),
        lasting(untouched(0.5, "four axes", "large", "integers", needs="agrees")),
        refuses("a kernel without exactly four axes raises ValueError"),
    ],
    tolerance=exact,
    misconceptions=[
        swapped_in_and_out_channels,
        transposed_kernel,
        kernel_reshaped,
        kernel_flipped_too,
    ],
    returns=("the kernel",),
    formula=("Keras' kernel (KH, KW, C, O) as ours, (O, C, KH, KW)",),
    working=copy_of(ops.kernel_from_keras, "kernel"),
)  # fmt: skip


def reshape_for_transpose(images):
    """the images are reshaped, which gives the shape and mixes the pixels.
    Axes change places by transpose."""
    n, height, width, channels = images.shape
    return floats(images.reshape(n, channels, height, width))


def rows_and_columns_swapped(images):
    """rows and columns have changed places: (N, C, W, H).
    Only the channels move: (N, C, H, W)."""
    return floats(images.transpose(0, 3, 2, 1))


def columns_for_channels(images):
    """the channels stand between rows and columns: (N, H, C, W).
    They come right after the batch: (N, C, H, W)."""
    return floats(images.transpose(0, 1, 3, 2))


def pixels_scaled(images):
    """the pixels are divided by 255.
    Only their order changes."""
    return ops.images_from_keras(images) / 255


images_from_keras = Exercise(
    ops.images_from_keras,
    kinds=moved("images", four_axes, unlike_axes, large, float32, integers, no_image),
    laws=[
        agrees(0.5, says="pixel [n, i, j, c] of Keras becomes [n, c, i, j]"),
        dtype(0.5),
        lasting(untouched(0.5, "four axes", "large", "integers", needs="agrees")),
        refuses("images without exactly four axes raise ValueError"),
    ],
    tolerance=exact,
    misconceptions=[
        reshape_for_transpose,
        rows_and_columns_swapped,
        columns_for_channels,
        pixels_scaled,
    ],
    returns=("the images",),
    formula=("Keras' images (N, H, W, C) as ours, (N, C, H, W)",),
    working=copy_of(ops.images_from_keras, "images"),
)  # fmt: skip


# --- predict

SHAPES = ((3, 3, 1, 8), (8,), (3, 3, 8, 16), (16,), (784, 10), (10,))


def whole_model(draw: Draw, n: int) -> Arguments:
    weights = [draw.whole(*shape, low=-2, high=2) for shape in SHAPES]
    return dict(weights=weights, images=draw.whole(n, 28, 28, 1, low=0, high=3))


def one_picture(draw: Draw) -> Arguments:
    return whole_model(draw, 1)


def two_pictures(draw: Draw) -> Arguments:
    return whole_model(draw, 2)


def no_picture(draw: Draw) -> Arguments:
    return whole_model(draw, 0)


def real_model(draw: Draw, precision: Any = np.float64, dense_rows: int = 784) -> Arguments:
    """`dense_rows` of the dense kernel's rows are not 0."""
    weights = [np.round(draw.real(*shape) / 4, 3).astype(precision) for shape in SHAPES]
    weights[4][np.arange(784) % (784 // dense_rows) > 0] = 0
    images = np.round(draw.real(1, 28, 28, 1), 3).astype(precision)
    return dict(weights=[draw.layout(w) for w in weights], images=draw.layout(images))


def float32_model(draw: Draw) -> Arguments:
    """What Keras gives. Few rows, or what transforms may err by in float32 would add up."""
    return real_model(draw, np.float32, dense_rows=16)


def integer_pixels(draw: Draw) -> Arguments:
    arguments = real_model(draw)
    kind = draw.choose("uint8", "int64")
    return {**arguments, "images": renumbered(draw, kind, arguments["images"])}


Values = Callable[[np.ndarray], np.ndarray]


def as_it_is(x: np.ndarray) -> np.ndarray:
    return x


def run(
    weights: Sequence[np.ndarray],
    images: np.ndarray,
    kernel: Values = ops.kernel_from_keras,
    relu: Sequence[Values] = (ops.relu, ops.relu),
    order: Sequence[int] = (0, 2, 3, 1),
    biases: Sequence[int] = (1, 1, 1),
) -> np.ndarray:
    """The model with another reading of kernels, other activations, another order, no biases."""
    x = ops.images_from_keras(images)
    for i in (0, 1):
        w, b = kernel(weights[2 * i]), weights[2 * i + 1] * biases[i]
        x = ops.max_pool2d(relu[i](ops.conv2d(x, w, b, ONE, ONE)), (2, 2), (2, 2))
    flat = x.transpose(order).reshape(len(x), len(weights[4]))
    return flat @ weights[4] + weights[5] * biases[2]


def flatten_order_channels_first(weights, images):
    """the last pool is flattened in our order: channel, row, column.
    The dense kernel was made for Keras' order: row, column, channel."""
    return run(weights, images, order=(0, 1, 2, 3))


def flatten_columns_first(weights, images):
    """the last pool is flattened in the order column, row, channel.
    Keras' order is row, column, channel."""
    return run(weights, images, order=(0, 3, 2, 1))


def flipped_kernel(weights, images):
    """the kernels are flipped.
    Keras' convolution does not flip them either."""
    return run(weights, images, kernel=kernel_flipped_too)


def transposed_kernels(weights, images):
    """the rows and columns of the kernels are swapped, as .T does.
    (KH, KW, C, O) becomes (O, C, KH, KW)."""
    return run(weights, images, kernel=transposed_kernel)


def kernels_reshaped(weights, images):
    """the kernels are reshaped, which gives the shape and mixes the weights.
    Axes change places by transpose."""
    return run(weights, images, kernel=kernel_reshaped)


def pixels_scaled_again(weights, images):
    """the pixels are divided by 255.
    The images come as the model takes them."""
    return ops.predict(weights, floats(images) / 255)


def activations_missing(weights, images):
    """there is no ReLU.
    Both Conv2D layers have activation="relu"."""
    return run(weights, images, relu=(as_it_is, as_it_is))


def first_activation_missing(weights, images):
    """there is no ReLU after the first convolution.
    Both Conv2D layers have activation="relu"."""
    return run(weights, images, relu=(as_it_is, ops.relu))


def second_activation_missing(weights, images):
    """there is no ReLU after the second convolution.
    Both Conv2D layers have activation="relu"."""
    return run(weights, images, relu=(ops.relu, as_it_is))


def softmax_applied(weights, images):
    """probabilities are returned.
    The model ends in a dense layer without activation: logits are asked for."""
    return ops.softmax(ops.predict(weights, images))


def biases_forgotten(weights, images):
    """the biases are not added.
    Every second array of the weights is a bias."""
    return run(weights, images, biases=(0, 0, 0))


def dense_bias_forgotten(weights, images):
    """the bias of the dense layer is not added.
    The logits are flat @ weights[4] + weights[5]."""
    return run(weights, images, biases=(1, 1, 0))


def convolution_biases_forgotten(weights, images):
    """the biases of the convolutions are not added.
    Every second array of the weights is a bias."""
    return run(weights, images, biases=(0, 0, 1))


def impossible_model(draw: Draw) -> Arguments:
    """A weight too few, or a dense layer for other images or with a bias of another length."""
    *first, dense, bias = (np.ones(shape) for shape in SHAPES)
    last = draw.choose([dense], [dense[:-1], bias], [dense, bias[:1]])
    return dict(weights=[*first, *last], images=np.ones((1, 28, 28, 1)))


def logits_error(arguments: Arguments, expected: Any) -> np.ndarray:
    """That of the same network with the axes in our order."""
    w = arguments["weights"]
    names = ("conv1.w", "conv1.b", "conv2.w", "conv2.b", "dense.w", "dense.b")
    ours = [a.transpose(3, 2, 0, 1) if a.ndim == 4 else a for a in w]
    images = arguments["images"].transpose(0, 3, 1, 2)
    network = SmallNetwork.of(dict(zip(names, ours, strict=True)), images, channels_last=True)
    return network.logits.tolerance


predict = Exercise(
    ops.predict,
    kinds={
        "one image": one_picture,
        "two images": two_pictures,
        "real": real_model,
        "float32": float32_model,
        "integers": integer_pixels,
        "empty batch": no_picture,
        IMPOSSIBLE: impossible_model,
    },
    laws=[
        shape("the logits are (N, 10)", 0.5),
        agrees(1, "one image", says="the logits are those of the Keras model"),
        agrees(0.5, "two images", "real", "float32", "integers", "empty batch", name="numbers",
               says="so they are for any number of images, and for the pixels' dtypes"),
        dtype(0.5, says="the images decide the dtype: float32, or float64"),
        lasting(untouched(0.5, "one image", "float32", "integers", needs="agrees")),
        refuses("another number of weights, or weights that do not fit, raise ValueError"),
    ],
    tolerance=logits_error,
    misconceptions=[
        flatten_order_channels_first,
        flatten_columns_first,
        flipped_kernel,
        transposed_kernels,
        kernels_reshaped,
        pixels_scaled_again,
        activations_missing,
        first_activation_missing,
        second_activation_missing,
        softmax_applied,
        biases_forgotten,
        dense_bias_forgotten,
        convolution_biases_forgotten,
    ],
    returns=("logits",),
    cases=3,
    seconds=10.0,
    formula=(
        'Conv2D 8@3x3 "same" + ReLU, MaxPooling2D 2, Conv2D 16@3x3 "same" + ReLU, '
        'MaxPooling2D 2, Flatten, Dense 10',
        "Keras flattens its own layout, in the order row, column, channel.",
    ),
    working=_working.logits_of_keras,
)  # fmt: skip
