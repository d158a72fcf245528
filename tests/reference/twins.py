"""What the tests of `reference` share: backends, arguments for every operation, comparisons."""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import cache
from unittest import mock

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

import reference

BACKENDS = ("fast", "pure")

# The same examples on every run and on every machine.
repeatable = settings(derandomize=True, deadline=None, database=None, max_examples=60)


def fresh(module):
    """A second copy of a module of `reference`, executed now."""
    spec = importlib.util.find_spec(f"reference.{module}")
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy


def load_backend(name):
    """`reference._backend` as it is imported when REFERENCE_BACKEND is `name`."""
    with mock.patch.dict(os.environ, {"REFERENCE_BACKEND": name}):
        return fresh("_backend")


@cache
def load_ops(name, short=True):
    """`reference.ops` on one backend; both can be in use at once. Without the `short` way of small
    calls, the kernels for images of any size get them."""
    backend = load_backend(name)
    if not short:
        backend.small = None
    with (
        mock.patch.dict(sys.modules, {"reference._backend": backend}),
        mock.patch.object(reference, "_backend", backend, create=True),
    ):
        return fresh("ops")


class Arrays:
    """Draws arrays of small whole numbers: sums are exact in float32 and float64 alike."""

    def __init__(self, seed=0, batch=2):
        self.rng = np.random.default_rng(seed)
        self.n = batch

    def __call__(self, *shape):
        return self.rng.integers(-4, 5, shape).astype(np.float64)

    def images(self, *shape):
        return self(self.n, *shape)

    def distinct(self, *shape):
        """No two entries are equal, and none is 0."""
        count = int(np.prod((self.n, *shape)))
        values = self.rng.permutation(count) - count // 2 + 0.5
        return values.reshape(self.n, *shape)

    def labels(self, classes):
        return self.rng.integers(0, classes, self.n)

    def network(self, dtype=np.float64):
        """Parameters of the small CNN for images of 5 by 9 pixels."""
        shapes = {
            "conv1.w": (8, 1, 3, 3),
            "conv1.b": (8,),
            "conv2.w": (16, 8, 3, 3),
            "conv2.b": (16,),
            "dense.w": (32, 10),
            "dense.b": (10,),
        }
        return {key: self(*shape) / 8 for key, shape in shapes.items()}

    def branches(self, channels):
        shapes = {
            "1x1": (2, channels, 1, 1),
            "3x3_reduce": (3, channels, 1, 1),
            "3x3": (4, 3, 3, 3),
            "5x5_reduce": (2, channels, 1, 1),
            "5x5": (1, 2, 5, 5),
            "pool_proj": (3, channels, 1, 1),
        }
        return {key: (self(*shape), self(shape[0])) for key, shape in shapes.items()}


# Arguments for every operation that takes arrays; `a` is an Arrays. All axes differ.
CALLS = {
    "zero_pad2d": lambda a: (a.images(3, 4, 5), ((1, 0), (2, 3))),
    "cross_correlate2d": lambda a: (a(5, 7), a(2, 3)),
    "convolve2d": lambda a: (a(5, 7), a(2, 3), "same"),
    "conv2d": lambda a: (a.images(3, 5, 7), a(4, 3, 2, 3), a(4), (1, 2), (2, 0)),
    "im2col": lambda a: (a.images(3, 5, 7), (2, 3), (1, 2), (2, 0)),
    "conv2d_im2col": lambda a: (a.images(3, 5, 7), a(4, 3, 2, 3), a(4), (2, 1), (0, 1)),
    "grouped_conv2d": lambda a: (
        (a.images(4, 6, 9), a(6, 2, 2, 3), a(6), (1, 2), (2, 1), (3, 2), 2)
    ),
    "sliding_windows": lambda a: (a.images(3, 5, 7), (2, 3), (1, 2)),
    "downsample": lambda a: (a.images(3, 5, 7), (2, 3)),
    "strided_conv2d": lambda a: (a.images(3, 5, 7), a(4, 3, 2, 3), (1, 2)),
    "relu": lambda a: (a.images(3, 5),),
    "softmax": lambda a: (a.images(5),),
    "cross_entropy": lambda a: (a.images(5), a.labels(5)),
    "max_pool2d": lambda a: (a.images(3, 5, 7), (2, 3), (1, 2), (1, 0)),
    "avg_pool2d": lambda a: (a.images(3, 5, 7), (2, 3), (2, 1), (0, 1)),
    "global_avg_pool2d": lambda a: (a.images(3, 2, 4),),
    "relu_backward": lambda a: (a.images(3, 5), a.images(3, 5)),
    "dense_backward": lambda a: (a.images(3), a.images(5), a(5, 3)),
    "cross_entropy_backward": lambda a: (a.images(5), a.labels(5)),
    "max_pool2d_backward": lambda a: (
        (a.images(3, 6, 3), a.images(3, 5, 7), (2, 3), (1, 2), (1, 0))
    ),
    "avg_pool2d_backward": lambda a: (
        (a.images(3, 2, 7), a.images(3, 5, 7), (2, 3), (2, 1), (0, 1))
    ),
    "conv2d_backward": lambda a: (
        (a.images(4, 8, 3), a.images(3, 5, 7), a(4, 3, 2, 3), (1, 2), (2, 0))
    ),
    "col2im": lambda a: (a.images(18, 24), (a.n, 3, 5, 7), (2, 3), (1, 2), (2, 0)),
    "batch_norm2d": lambda a: (a.images(3, 4, 5), a(3), a(3)),
    "residual_block": lambda a: (
        (a.images(3, 5, 7), a(4, 3, 3, 3), a(4), a(4, 4, 3, 3), a(4), a(4, 3, 1, 1), (1, 2))
    ),
    "inception_module": lambda a: (a.images(3, 4, 5), a.branches(3)),
    "sgd_momentum": lambda a: (
        ({"w": a(2, 3), "b": a(3)}, {"w": a(2, 3), "b": a(3)}, {"w": a(2, 3), "b": a(3)}, 0.25, 0.5)
    ),
    "forward": lambda a: (a.network(), a.images(1, 5, 9)),
    "loss_and_gradients": lambda a: (a.network(), a.images(1, 5, 9), a.labels(10)),
    "fit": lambda a: (
        (a.images(1, 4, 8) / 8, a.labels(10), 2, 0.01, 0.9, 2, np.random.default_rng(5))
    ),
    "kernel_from_keras": lambda a: (a(2, 3, 4, 5),),
    "images_from_keras": lambda a: (a.images(3, 4, 5),),
    "predict": lambda a: (
        [a(3, 3, 1, 8), a(8), a(3, 3, 8, 16), a(16), a(784, 10), a(10)],
        a.images(28, 28, 1),
    ),
    "general_conv2d": lambda a: (
        (a.images(4, 6, 9), a(6, 2, 2, 3), a(6), (2, 1), ((1, 0), (2, 3)), (2, 3), 2)
    ),
    "general_conv2d_backward": lambda a: (
        (a.images(6, 3, 8), a.images(4, 6, 9), a(6, 2, 2, 3), (2, 1), ((1, 0), (2, 3)), (2, 3), 2)
    ),
    "batch_norm2d_backward": lambda a: (a.images(3, 4, 5), a.images(3, 4, 5), a(3), 1e-5),
    "global_avg_pool2d_backward": lambda a: (a.images(3), (a.n, 3, 2, 4)),
    "dense": lambda a: (a.images(5), a(5, 3), a(3)),
    "softmax_backward": lambda a: (a.images(5), a.images(5)),
}

# The operations on numbers, words and lists alone.
PLAIN = {
    "alexnet",
    "conv_layer_cost",
    "count_parameters",
    "dense_layer_cost",
    "he_normal",
    "lenet5",
    "line_filter",
    "output_size",
    "receptive_field",
    "same_padding",
    "trace_shapes",
}

# Their numbers are rounded: exponentials, square roots, long chains.
ROUNDED = {
    "batch_norm2d",
    "batch_norm2d_backward",
    "cross_entropy",
    "cross_entropy_backward",
    "fit",
    "loss_and_gradients",
    "softmax",
    "softmax_backward",
}


def each_array(change, value):
    """The nested value with `change` made to every float array in it."""
    if isinstance(value, np.ndarray):
        return change(value) if value.dtype.kind == "f" else value
    if isinstance(value, dict):
        return {key: each_array(change, item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(each_array(change, item) for item in value)
    return value


def arrays_in(value):
    """Every array in a nested value, in order."""
    found = []
    each_array(lambda array: found.append(array) or array, value)
    return found


def assert_same(got, wanted, rounded=False):
    """Nested results are equal: structure, shapes, types, and values up to rounding if allowed."""
    if isinstance(wanted, dict):
        assert isinstance(got, dict)
        assert set(got) == set(wanted)
        for key in wanted:
            assert_same(got[key], wanted[key], rounded)
    elif isinstance(wanted, (tuple, list)):
        assert type(got) is type(wanted)
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            assert_same(one, other, rounded)
    elif isinstance(wanted, np.ndarray):
        assert isinstance(got, np.ndarray)
        assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
        if rounded:
            scale = np.max(np.abs(wanted), initial=1.0, where=np.isfinite(wanted))
            error = 200 * np.finfo(wanted.dtype).eps * scale
            np.testing.assert_allclose(got, wanted, rtol=0, atol=error)
        else:
            np.testing.assert_array_equal(got, wanted)
    elif isinstance(wanted, float):
        assert isinstance(got, float)
        np.testing.assert_allclose(got, wanted, rtol=1e-5 if rounded else 0, atol=1e-12)
    else:
        assert got == wanted
        assert type(got) is type(wanted)


def numeric_gradient(function, x, dy, step=1e-5):
    """Central differences of sum(dy * function(x)) at every entry of x."""
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = np.sum(dy * (function(up) - function(down))) / (2 * step)
    return gradient


def correlate(x, w, b, stride, pads, dilation, groups):
    """An independent convolution: padded copy, sliding windows, one einsum a group."""
    (sh, sw), (dh, dw) = stride, dilation
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), *pads))
    reach = dh * (kh - 1) + 1, dw * (kw - 1) + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=(2, 3))
    windows = windows[:, :, ::sh, ::sw, ::dh, ::dw]
    pairs = zip(np.split(windows, groups, axis=1), np.split(w, groups), strict=True)
    y = np.concatenate([np.einsum("ncijuv,ocuv->noij", *pair) for pair in pairs], axis=1)
    return y + b[:, None, None]


@st.composite
def convolutions(draw):
    """Legal arguments of general_conv2d, of whole numbers, in float32 or float64."""
    groups = draw(st.integers(1, 3))
    channels, filters = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    sides, kernel, stride, pads, dilation = [], [], [], [], []
    for _ in range(2):
        k, d = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        before, after = draw(st.integers(0, 3)), draw(st.integers(0, 3))
        least = max(1, d * (k - 1) + 1 - before - after)
        sides.append(least + draw(st.integers(0, 5)))
        kernel.append(k)
        dilation.append(d)
        stride.append(draw(st.integers(1, 4)))
        pads.append((before, after))
    a = Arrays(draw(st.integers(0, 2**16)), batch=draw(st.integers(0, 2)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    x, w, b = a.images(channels, *sides), a(filters, channels // groups, *kernel), a(filters)
    arrays = (array.astype(dtype) for array in (x, w, b))
    return (*arrays, tuple(stride), tuple(pads), tuple(dilation), groups)


@st.composite
def pools(draw):
    """Legal arguments of the poolings; ties are common."""
    sides, kernel, stride, padding = [], [], [], []
    for _ in range(2):
        k = draw(st.integers(1, 4))
        p = draw(st.integers(0, k // 2))
        sides.append(max(1, k - 2 * p) + draw(st.integers(0, 5)))
        kernel.append(k)
        padding.append(p)
        stride.append(draw(st.integers(1, 4)))
    a = Arrays(draw(st.integers(0, 2**16)), batch=draw(st.integers(0, 2)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    x = a.images(draw(st.integers(1, 3)), *sides).astype(dtype)
    return x, tuple(kernel), tuple(stride), tuple(padding)
