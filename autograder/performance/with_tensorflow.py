"""TensorFlow on a CPU, called eagerly and as a traced function.

Its kernels want images (N, H, W, C): ours are transposed in the call, or arranged before.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from autograder.performance.layers import Arrays, Geometry
from autograder.performance.ways import TENSORFLOW, Form
from reference import ops

LAST, FIRST, FILTERS, OUR_FILTERS = (0, 2, 3, 1), (0, 3, 1, 2), (2, 3, 1, 0), (3, 2, 0, 1)
Layer = Callable[[list[Any]], Any]


class TensorFlow:
    name = TENSORFLOW

    def forms(self, geometry: Geometry, arrays: Arrays, backward: bool) -> list[Form]:
        g, a = geometry, arrays
        ours = ([a.x, a.w, a.b] if g.kind == "conv" else [a.x]), a.dy
        orders = (LAST, FILTERS, (0,))
        theirs = (
            [array.transpose(order) for array, order in zip(ours[0], orders, strict=False)],
            a.dy.transpose(LAST),
        )
        found = []
        for arranged, layer, (inputs, dy) in ((False, _ours, ours), (True, _layer, theirs)):
            given = [tf.constant(array) for array in inputs], tf.constant(dy)
            call = partial(_both if backward else _forward, partial(layer, g))
            traced = tf.function(call).get_concrete_function(*given)
            found += [
                Form("eager", partial(call, *given), arranged),
                Form("tf.function", partial(traced, *given), arranged),
            ]
        return found

    def arrays_of(self, form: Form, result: Any) -> list[np.ndarray]:
        y, *gradients = (tensor.numpy() for tensor in result)
        if not form.arranged:
            return [y, *gradients]
        orders = (FIRST, OUR_FILTERS, (0,))
        return [
            y.transpose(FIRST),
            *(g.transpose(order) for g, order in zip(gradients, orders, strict=False)),
        ]


def _forward(layer: Layer, inputs: list[Any], dy: Any) -> tuple[Any, ...]:
    return (layer(inputs),)


def _both(layer: Layer, inputs: list[Any], dy: Any) -> tuple[Any, ...]:
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        y = layer(inputs)
    return (y, *tape.gradient(y, inputs, dy))


def _ours(g: Geometry, inputs: list[Any]) -> Any:
    """Our order of axes, in and out; the gradients pass through the transposes too."""
    x, *filters = inputs
    if filters:
        filters[0] = tf.transpose(filters[0], FILTERS)
    return tf.transpose(_layer(g, [tf.transpose(x, LAST), *filters]), FIRST)


def _layer(g: Geometry, inputs: list[Any]) -> Any:
    padding = _padding(g)
    if g.kind == "conv":
        x, w, b = inputs
        return tf.nn.bias_add(tf.nn.conv2d(x, w, g.stride, padding), b)
    if g.kind == "max_pool":
        return tf.nn.max_pool2d(inputs[0], g.kernel, g.stride, padding)
    if isinstance(padding, str):
        return tf.nn.avg_pool2d(inputs[0], g.kernel, g.stride, padding)
    # Its means take "SAME" and "VALID" only: sums of padded images, divided by real pixels.
    cells = g.kernel[0] * g.kernel[1]
    means = tf.nn.avg_pool2d(tf.pad(inputs[0], padding), g.kernel, g.stride, "VALID")
    return means * tf.constant(cells / _counts(g), means.dtype)


def _padding(g: Geometry) -> str | list[list[int]]:
    if g.padding == (0, 0):
        return "VALID"
    same = [ops.same_padding(*of) for of in zip((g.h, g.w), g.kernel, g.stride, strict=True)]
    if same == [(p, p) for p in g.padding]:
        return "SAME"
    (ph, pw) = g.padding
    return [[0, 0], [ph, ph], [pw, pw], [0, 0]]


def _counts(g: Geometry) -> np.ndarray:
    """How many real pixels every window has."""
    along = []
    for size, kernel, stride, padding in zip(
        (g.h, g.w), g.kernel, g.stride, g.padding, strict=True
    ):
        real = np.pad(np.ones(size), padding)
        starts = range(0, size + 2 * padding - kernel + 1, stride)
        along.append(np.array([real[start : start + kernel].sum() for start in starts]))
    counts: np.ndarray = np.multiply.outer(*along)[None, :, :, None]
    return counts
