"""TensorFlow on a CPU, whose images are (N, H, W, C): values, and gradients by its tape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from geometries import (
    classified,
    even_convolutions,
    images,
    matrices,
    networks,
    normalisable,
    numbers,
    rounded_convolutions,
    rounded_pools,
    steps,
)
from harness import close, ops, relative, rounding, softmax_bound

LAST = (0, 2, 3, 1)


def last(x: np.ndarray) -> np.ndarray:
    return x.transpose(LAST)


def first(x: Any) -> np.ndarray:
    return np.asarray(x).transpose(0, 3, 1, 2)


def kernel(w: np.ndarray) -> np.ndarray:
    """(KH, KW, C, O)."""
    return w.transpose(2, 3, 1, 0)


def from_kernel(w: Any) -> np.ndarray:
    return np.asarray(w).transpose(3, 2, 0, 1)


def both(
    function: Callable[..., Any], arrays: list[np.ndarray], make_dy: Callable[..., np.ndarray]
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """(value, dy, gradients of sum(dy * value))."""
    variables = [tf.constant(array) for array in arrays]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        y = function(*variables)
    dy = make_dy(np.asarray(y))
    return np.asarray(y), dy, [np.asarray(g) for g in tape.gradient(y, variables, tf.constant(dy))]


def dy_for(y: np.ndarray) -> np.ndarray:
    return numbers(7, *y.shape, dtype=y.dtype)


def explicit(pads: Any) -> list[Any]:
    return [(0, 0), *pads, (0, 0)]


def conv2d(case: Any) -> None:
    """Any padding; gradients where nothing is dilated, since TensorFlow's CPU kernels have no
    other."""
    x, w, b, stride, pads, _, groups = case
    if len(x) == 0:
        x = np.ones((1, *x.shape[1:]), x.dtype)
    w = np.repeat(w, groups, axis=1)
    reach = w.shape[2:]
    sides = [side + sum(pad) for side, pad in zip(x.shape[2:], pads, strict=True)]
    assert all(side >= k for side, k in zip(sides, reach, strict=True))

    def theirs(x: Any, w: Any, b: Any) -> Any:
        return tf.nn.conv2d(x, w, (1, *stride, 1), explicit(pads)) + b

    y, dy, wanted = both(theirs, [last(x), kernel(w), b], dy_for)
    arguments = (x, w, b, stride, pads, (1, 1), 1)
    bound = rounding(ops.general_conv2d, w[0].size + 1, *arguments)
    close(ops.general_conv2d(*arguments), first(y), bound)
    dy = first(dy)
    arguments = (dy, x, w, stride, pads, (1, 1), 1)
    bound = rounding(ops.general_conv2d_backward, dy[:, 0].size + w[:, 0].size, *arguments)
    got = ops.general_conv2d_backward(*arguments)
    close(got, [first(wanted[0]), from_kernel(wanted[1]), wanted[2]], bound)
    if all(before == after for before, after in pads):
        padding = pads[0][0], pads[1][0]
        bound = rounding(ops.conv2d, w[0].size + 1, x, w, b, stride, padding)
        close(ops.conv2d(x, w, b, stride, padding), first(y), bound)


def same_conv2d(case: Any) -> None:
    """The padding "SAME", by `same_padding`."""
    x, w, b, stride, _, _, groups = case
    if len(x) == 0:
        x = np.ones((1, *x.shape[1:]), x.dtype)
    w = np.repeat(w, groups, axis=1)
    rows, cols = map(ops.same_padding, x.shape[2:], w.shape[2:], stride)
    wanted = tf.nn.conv2d(last(x), kernel(w), (1, *stride, 1), "SAME") + b
    arguments = (x, w, b, stride, (rows, cols), (1, 1), 1)
    bound = rounding(ops.general_conv2d, w[0].size + 1, *arguments)
    close(ops.general_conv2d(*arguments), first(wanted), bound)


def dilated_conv2d(case: Any) -> None:
    x, w, b, _, padding, dilation, groups = case
    if len(x) == 0:
        x = np.ones((1, *x.shape[1:]), x.dtype)
    pads = ops_pads(padding)
    given = (last(x), kernel(w), 1, explicit(pads))
    wanted = tf.nn.conv2d(*given, dilations=(1, *dilation, 1)) + b
    arguments = (x, w, b, (1, 1), padding, dilation, groups)
    bound = rounding(ops.grouped_conv2d, w[0].size + 1, *arguments)
    close(ops.grouped_conv2d(*arguments), first(wanted), bound)


def ops_pads(padding: tuple[int, int]) -> list[tuple[int, int]]:
    return [(p, p) for p in padding]


def depthwise(case: Any) -> None:
    """Two filters a channel; TensorFlow wants one stride for both axes."""
    x, w, _, (stride, _), padding, _, _ = case
    if len(x) == 0:
        x = np.ones((1, *x.shape[1:]), x.dtype)
    channels = x.shape[1]
    filters = numbers(3, 2 * channels, 1, *w.shape[2:], dtype=x.dtype)
    # (KH, KW, C, M): the filters of a channel lie side by side.
    theirs_w = filters.reshape(channels, 2, *w.shape[2:]).transpose(2, 3, 0, 1)
    pads = ops_pads(padding)

    def theirs(x: Any, w: Any) -> Any:
        return tf.nn.depthwise_conv2d(x, w, (1, stride, stride, 1), explicit(pads))

    y, dy, wanted = both(theirs, [last(x), theirs_w], dy_for)
    b = np.zeros(2 * channels, x.dtype)
    arguments = (x, filters, b, (stride, stride), padding, (1, 1), channels)
    bound = rounding(ops.grouped_conv2d, filters[0].size + 1, *arguments)
    close(ops.grouped_conv2d(*arguments), first(y), bound)
    dy = first(dy)
    arguments = (dy, x, filters, (stride, stride), tuple(pads), (1, 1), channels)
    bound = rounding(ops.general_conv2d_backward, dy[:, 0].size + 2 * filters[0].size, *arguments)
    dx, dw, _ = ops.general_conv2d_backward(*arguments)
    close(dx, first(wanted[0]), bound[0])
    close(dw, wanted[1].transpose(2, 3, 0, 1).reshape(filters.shape), bound[1])


def max_pool2d(case: Any) -> None:
    """TensorFlow, too, gives the first of equal maxima the gradient; here there are no ties."""
    x, size, stride, padding = case
    if len(x) == 0:
        x = np.ones((1, *x.shape[1:]), x.dtype)

    def theirs(x: Any) -> Any:
        if padding == (0, 0):
            return tf.nn.max_pool2d(x, size, stride, "VALID")
        # Gradients of explicit padding are not there: the padding is minus infinity instead.
        padded = tf.pad(x, explicit(ops_pads(padding)), constant_values=-np.inf)
        return tf.nn.max_pool2d(padded, size, stride, "VALID")

    y, dy, (wanted,) = both(theirs, [last(x)], dy_for)
    arguments = (x, size, stride, padding)
    close(ops.max_pool2d(*arguments), first(y), 0)
    bound = np.max(rounding(ops.max_pool2d_backward, size[0] * size[1], first(dy), *arguments))
    close(ops.max_pool2d_backward(first(dy), *arguments), first(wanted), bound)


def avg_pool2d(case: Any) -> None:
    x, size, stride, _ = case
    if len(x) == 0:
        x = np.ones((1, *x.shape[1:]), x.dtype)
    padding = tuple(
        ops.same_padding(s, k, t) for s, k, t in zip(x.shape[2:], size, stride, strict=True)
    )
    # "SAME", where it is even, and where a window is not larger than its padding allows.
    same = all(b == a and b <= k // 2 for (b, a), k in zip(padding, size, strict=True))
    if not same:
        if any(s < k for s, k in zip(x.shape[2:], size, strict=True)):
            x = np.pad(x, ((0, 0), (0, 0), (0, size[0]), (0, size[1])))
        padding = ((0, 0), (0, 0))

    def theirs(x: Any) -> Any:
        return tf.nn.avg_pool2d(x, size, stride, "SAME" if same else "VALID")

    y, dy, (wanted,) = both(theirs, [last(x)], dy_for)
    arguments = (x, size, stride, (padding[0][0], padding[1][0]))
    terms = size[0] * size[1] + 2
    close(ops.avg_pool2d(*arguments), first(y), rounding(ops.avg_pool2d, terms, *arguments))
    bound = rounding(ops.avg_pool2d_backward, terms, first(dy), *arguments)
    close(ops.avg_pool2d_backward(first(dy), *arguments), first(wanted), bound)


def global_avg_pool2d(x: np.ndarray) -> None:
    y, dy, (wanted,) = both(lambda x: tf.reduce_mean(x, axis=(1, 2)), [last(x)], dy_for)
    bound = rounding(ops.global_avg_pool2d, x[0, 0].size + 2, x)
    close(ops.global_avg_pool2d(x), y, bound)
    bound = rounding(ops.global_avg_pool2d_backward, 2, dy, x.shape)
    close(ops.global_avg_pool2d_backward(dy, x.shape), first(wanted), bound)


def columns(case: Any) -> None:
    """`extract_patches` has the channels last, and its gradient is col2im."""
    x, size, stride, padding = case
    if len(x) == 0:
        x = np.ones((1, *x.shape[1:]), x.dtype)
    (kh, kw), c = size, x.shape[1]

    def theirs(x: Any) -> Any:
        padded = tf.pad(x, explicit(ops_pads(padding)))
        return tf.image.extract_patches(
            padded, (1, *size, 1), (1, *stride, 1), (1, 1, 1, 1), "VALID"
        )

    y, dy, (wanted,) = both(theirs, [last(x)], dy_for)

    def ours(patches: np.ndarray) -> np.ndarray:
        split = patches.reshape(len(x), -1, kh, kw, c)
        return split.transpose(0, 4, 2, 3, 1).reshape(len(x), c * kh * kw, -1)

    close(ops.im2col(x, size, stride, padding), ours(y), 0)
    arguments = (ours(dy), x.shape, size, stride, padding)
    bound = rounding(ops.col2im, kh * kw, *arguments)
    close(ops.col2im(*arguments), first(wanted), bound)


def zero_pad2d(case: Any) -> None:
    x, _, _, _, pads, _, _ = case
    close(ops.zero_pad2d(x, pads), np.asarray(tf.pad(x, ((0, 0), (0, 0), *pads))), 0)


def relu(x: np.ndarray) -> None:
    y, dy, (wanted,) = both(tf.nn.relu, [x], dy_for)
    close(ops.relu(x), y, 0)
    close(ops.relu_backward(dy, x), wanted, 0)


def softmax(case: Any) -> None:
    logits, _ = case
    y, dy, (wanted,) = both(tf.nn.softmax, [logits], dy_for)
    close(ops.softmax(logits), y, softmax_bound(logits) * y + 1e-37)
    bound = 4 * softmax_bound(logits) * np.max(np.abs(dy)) * logits.shape[1]
    close(ops.softmax_backward(dy, logits), wanted, bound)


def cross_entropy(case: Any) -> None:
    logits, labels = case

    def theirs(logits: Any) -> Any:
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return tf.reduce_mean(each)

    loss, _, (wanted,) = both(theirs, [logits], lambda y: np.ones((), y.dtype))
    got = ops.cross_entropy(logits, labels)
    close(got, float(loss), softmax_bound(logits) + relative(logits, abs(got)))
    close(ops.cross_entropy_backward(logits, labels), wanted, 2 * softmax_bound(logits))


def dense(case: Any) -> None:
    y, dy, wanted = both(lambda x, w, b: tf.matmul(x, w) + b, list(case), dy_for)
    x, w, _ = case
    close(ops.dense(*case), y, rounding(ops.dense, len(w) + 1, *case))
    bound = rounding(ops.dense_backward, max(*x.shape, *w.shape), dy, x, w)
    close(ops.dense_backward(dy, x, w), wanted, bound)


def batch_norm2d(case: Any) -> None:
    x, gamma, beta, eps = case

    def theirs(x: Any, gamma: Any, beta: Any) -> Any:
        mean, variance = tf.nn.moments(x, axes=(0, 1, 2))
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, eps)

    y, dy, wanted = both(theirs, [last(x), gamma, beta], dy_for)
    close(ops.batch_norm2d(*case), first(y), 1e-12 * (1 + np.abs(first(y))))
    got = ops.batch_norm2d_backward(first(dy), x, gamma, eps)
    close(got, [first(wanted[0]), *wanted[1:]], 1e-9)


def network(x: Any, w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any, flatten: Any) -> Any:
    x = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, w1, 1, "SAME") + b1), 2, 2, "VALID")
    x = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, w2, 1, "SAME") + b2), 2, 2, "VALID")
    return tf.matmul(tf.reshape(flatten(x), (x.shape[0], -1)), w3) + b3


def small_network(case: Any) -> None:
    parameters, pixels, labels = case

    def logits_of(*p: Any) -> Any:
        return network(last(pixels), *p, lambda x: tf.transpose(x, (0, 3, 1, 2)))

    def loss_of(*p: Any) -> Any:
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits_of(*p))
        return tf.reduce_mean(each)

    arrays = [kernel(p) if p.ndim == 4 else p for p in parameters.values()]
    loss, _, wanted = both(loss_of, arrays, lambda y: np.ones((), y.dtype))
    close(ops.forward(parameters, pixels), np.asarray(logits_of(*arrays)), 1e-10)
    got_loss, got = ops.loss_and_gradients(parameters, pixels, labels)
    close(got_loss, float(loss), 1e-10)
    wanted = [from_kernel(g) if g.ndim == 4 else g for g in wanted]
    close([got[name] for name in parameters], wanted, 1e-9)


def predict(case: Any) -> None:
    """The same network in Keras' order of axes throughout."""
    parameters, pixels, _ = case
    weights = [
        ops_array if ops_array.ndim < 4 else np.ascontiguousarray(kernel(ops_array))
        for ops_array in parameters.values()
    ]
    wanted = network(last(pixels), *weights, lambda x: x)
    close(ops.predict(weights, last(pixels)), np.asarray(wanted), 1e-10)


def keras_order(case: Any) -> None:
    """A convolution of arrays that come over the bridge is that of the arrays before it."""
    x, w, b, stride, _, _, groups = case
    if len(x) == 0:
        x = np.ones((1, *x.shape[1:]), x.dtype)
    w = np.repeat(w, groups, axis=1)
    pixels, filters = numbers(1, *last(x).shape), numbers(2, *kernel(w).shape)
    rows, cols = map(ops.same_padding, x.shape[2:], w.shape[2:], stride)
    wanted = tf.nn.conv2d(pixels, filters, (1, *stride, 1), "SAME") + b.astype(np.float64)
    arrays = ops.images_from_keras(pixels), ops.kernel_from_keras(filters), b
    got = ops.general_conv2d(*arrays, stride, (rows, cols), (1, 1), 1)
    close(got, first(wanted), 1e-12 * (1 + np.max(np.abs(got))))


def sgd_momentum(case: Any) -> None:
    """Keras' optimizer has the same rule, in float32."""
    parameters, grads, velocity, rate, momentum = case
    narrow = [{key: a.astype(np.float32) for key, a in group.items()} for group in case[:3]]
    new_p, new_v = ops.sgd_momentum(*narrow, rate, momentum)
    variables = [keras.Variable(array) for array in narrow[0].values()]
    optimizer = keras.optimizers.SGD(rate, momentum)
    optimizer.build(variables)
    if momentum:
        for kept, value in zip(optimizer.momentums, narrow[2].values(), strict=True):
            kept.assign(value)
    optimizer.apply([tf.constant(g) for g in narrow[1].values()], variables)
    for index, key in enumerate(parameters):
        scale = 1 + np.abs(parameters[key]) + np.abs(grads[key]) + np.abs(velocity[key])
        close(new_p[key], np.asarray(variables[index]), 1e-6 * scale)
        if momentum:
            close(new_v[key], np.asarray(optimizer.momentums[index]), 1e-6 * scale)


COMPARISONS: dict[str, tuple[list[str], Any, Callable[[Any], None]]] = {
    "convolution": (
        ["conv2d", "general_conv2d", "general_conv2d_backward"],
        rounded_convolutions(),
        conv2d,
    ),
    'convolution, "SAME"': (
        ["same_padding", "general_conv2d"],
        rounded_convolutions(),
        same_conv2d,
    ),
    "convolution, dilated": (["grouped_conv2d"], even_convolutions(), dilated_conv2d),
    "convolution, depthwise": (
        ["grouped_conv2d", "general_conv2d_backward"],
        even_convolutions(dilated=False),
        depthwise,
    ),
    "max pooling": (["max_pool2d", "max_pool2d_backward"], rounded_pools(), max_pool2d),
    "average pooling": (["avg_pool2d", "avg_pool2d_backward"], rounded_pools(), avg_pool2d),
    "global pooling": (
        ["global_avg_pool2d", "global_avg_pool2d_backward"],
        images(),
        global_avg_pool2d,
    ),
    "columns": (["im2col", "col2im"], rounded_pools(), columns),
    "padding": (["zero_pad2d"], rounded_convolutions(), zero_pad2d),
    "ReLU": (["relu", "relu_backward"], images(), relu),
    "softmax": (["softmax", "softmax_backward"], classified(), softmax),
    "cross-entropy": (["cross_entropy", "cross_entropy_backward"], classified(), cross_entropy),
    "dense layer": (["dense", "dense_backward"], matrices(), dense),
    "batch normalisation": (
        ["batch_norm2d", "batch_norm2d_backward"],
        normalisable(),
        batch_norm2d,
    ),
    "small network": (["forward", "loss_and_gradients"], networks(), small_network),
    "small network of Keras": (["predict"], networks(), predict),
    "Keras' order of axes": (
        ["images_from_keras", "kernel_from_keras"],
        rounded_convolutions(),
        keras_order,
    ),
    "momentum": (["sgd_momentum"], steps(), sgd_momentum),
}
