"""Sizes that no machine has are refused in a sentence, by every operation that can meet them."""

from __future__ import annotations

import numpy as np
import pytest

from reference import ops

TOP = 2**31 - 1  # the largest number of a geometry
FAR = ((TOP, TOP), (TOP, TOP))
X = np.ones((1, 1, 2, 2))
W = np.ones((1, 1, 1, 1))
B = np.ones(1)
RNG = np.random.default_rng(0)


def nothing(*shape: int) -> np.ndarray:
    """An array without entries, so without memory, whatever its other sides."""
    assert 0 in shape
    return np.zeros(shape)


def many(*shape: int) -> np.ndarray:
    """An array of one number, in a shape that memory cannot take."""
    return np.broadcast_to(np.int8(1), shape)


WIDE = many(2**17, 2**17, 2**13, 2**13)  # 2**60 numbers, 2**63 bytes in float64
FLAT = many(2**30, 2**30)
LONG = many(2**60)

# No memory, and a batch of images whose convolutions with two filters would have 2**63 bytes.
BATCH = nothing(2**39, 0, 2**10, 2**10)


def network(channels: int, filters: int) -> dict[str, np.ndarray]:
    return {
        "conv1.w": np.ones((filters, channels, 3, 3)),
        "conv1.b": np.ones(filters),
        "conv2.w": np.ones((1, filters, 3, 3)),
        "conv2.b": np.ones(1),
        "dense.w": np.ones((2**16, 1)),
        "dense.b": np.ones(1),
    }


def branches(channels: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    sides = {"1x1": 1, "3x3_reduce": 1, "3x3": 3, "5x5_reduce": 1, "5x5": 5, "pool_proj": 1}
    inner = {"3x3", "5x5"}
    return {
        key: (np.ones((2, 2 if key in inner else channels, side, side)), np.ones(2))
        for key, side in sides.items()
    }


KERAS = [np.ones(s) for s in [(3, 3, 0, 2), (2,), (3, 3, 2, 1), (1,), (2**16, 1), (1,)]]

CALLS = {
    "avg_pool2d": lambda: ops.avg_pool2d(WIDE, (1, 1), (1, 1)),
    "avg_pool2d_backward": lambda: ops.avg_pool2d_backward(WIDE, WIDE, (1, 1), (1, 1)),
    "batch_norm2d": lambda: ops.batch_norm2d(WIDE, B, B),
    "batch_norm2d_backward": lambda: ops.batch_norm2d_backward(WIDE, WIDE, B, 1.0),
    "col2im": lambda: ops.col2im(
        nothing(2**20, 0, 1), (2**20, 0, 2**31, 2**31), (2**31 - 1, 2**31 - 1)
    ),
    "conv2d": lambda: ops.conv2d(X, W, B, (1, 1), (TOP, TOP)),
    "conv2d_backward": lambda: ops.conv2d_backward(X, X, W, (1, 1), (TOP, TOP)),
    "conv2d_im2col": lambda: ops.conv2d_im2col(X, W, B, (1, 1), (TOP, TOP)),
    "convolve2d": lambda: ops.convolve2d(FLAT, np.ones((1, 1)), "full"),
    "cross_correlate2d": lambda: ops.cross_correlate2d(FLAT, np.ones((1, 1))),
    "cross_entropy": lambda: ops.cross_entropy(FLAT, LONG),
    "cross_entropy_backward": lambda: ops.cross_entropy_backward(FLAT, LONG),
    "dense": lambda: ops.dense(nothing(TOP, 0), nothing(0, TOP), many(TOP + 1)[:0]),
    "dense_backward": lambda: ops.dense_backward(FLAT, FLAT, FLAT),
    "downsample": lambda: ops.downsample(WIDE, (1, 1)),
    "fit": lambda: ops.fit(
        nothing(0, 1, 2**30, 2**29), np.zeros(0, int), 1, 0.1, 0.5, 1, np.random.default_rng(0)
    ),
    "forward": lambda: ops.forward(network(0, 2), BATCH),
    "general_conv2d": lambda: ops.general_conv2d(X, W, B, (1, 1), FAR, (1, 1), 1),
    "general_conv2d_backward": lambda: ops.general_conv2d_backward(X, X, W, (1, 1), FAR, (1, 1), 1),
    "global_avg_pool2d": lambda: ops.global_avg_pool2d(WIDE),
    "global_avg_pool2d_backward": lambda: ops.global_avg_pool2d_backward(
        np.ones((1, 1)), (1, 1, 2**40, 2**40)
    ),
    "grouped_conv2d": lambda: ops.grouped_conv2d(X, W, B, (1, 1), (TOP, TOP)),
    "he_normal": lambda: ops.he_normal((2**40, 2**40), RNG),
    "im2col": lambda: ops.im2col(X, (TOP, TOP), (1, 1), (TOP, TOP)),
    "images_from_keras": lambda: ops.images_from_keras(WIDE),
    "inception_module": lambda: ops.inception_module(BATCH, branches(0)),
    "kernel_from_keras": lambda: ops.kernel_from_keras(WIDE),
    "loss_and_gradients": lambda: ops.loss_and_gradients(network(0, 2), BATCH, LONG),
    "max_pool2d": lambda: ops.max_pool2d(WIDE, (1, 1), (1, 1)),
    "max_pool2d_backward": lambda: ops.max_pool2d_backward(WIDE, WIDE, (1, 1), (1, 1)),
    "predict": lambda: ops.predict(KERAS, nothing(2**39, 2**10, 2**10, 0)),
    "relu": lambda: ops.relu(LONG),
    "relu_backward": lambda: ops.relu_backward(LONG, LONG),
    "residual_block": lambda: ops.residual_block(
        BATCH,
        np.ones((2, 0, 3, 3)),
        np.ones(2),
        np.ones((2, 2, 3, 3)),
        np.ones(2),
        np.ones((2, 0, 1, 1)),
    ),
    "sgd_momentum": lambda: ops.sgd_momentum({"w": LONG}, {"w": LONG}, {"w": LONG}, 0.1, 0.5),
    "sliding_windows": lambda: ops.sliding_windows(
        nothing(0, 1, 2**20, 2**20), (2**19, 2**19), (1, 1)
    ),
    "softmax": lambda: ops.softmax(FLAT),
    "softmax_backward": lambda: ops.softmax_backward(FLAT, FLAT),
    "strided_conv2d": lambda: ops.strided_conv2d(BATCH, np.ones((2, 0, 1, 1)), (1, 1)),
    "zero_pad2d": lambda: ops.zero_pad2d(X, FAR),
}

# They count in Python's integers, which have no upper limit, or have no sizes.
COUNTED = {
    "alexnet": lambda: ops.alexnet(),
    "conv_layer_cost": lambda: ops.conv_layer_cost(2**70, 2**70, 2**70, 2**70, (2, 2)),
    "count_parameters": lambda: ops.count_parameters(
        [{"kind": "flatten"}, {"kind": "dense", "out": 2**70}], (2**70, 2**70, 2**70)
    ),
    "dense_layer_cost": lambda: ops.dense_layer_cost(2**70, 2**70),
    "lenet5": lambda: ops.lenet5(),
    "line_filter": lambda: ops.line_filter("diagonal"),
    "output_size": lambda: ops.output_size(2**70, 2**69, 1, (2**70, 2**70), 2),
    "receptive_field": lambda: ops.receptive_field([(2**70, 2**70)] * 3),
    "same_padding": lambda: ops.same_padding(2**70, 2**71, 2**10),
    "trace_shapes": lambda: ops.trace_shapes(
        [{"kind": "conv", "out": 2**70, "kernel": (2**69, 2**69)}], (2**70, 2**70, 2**70)
    ),
}


def test_every_operation_is_here() -> None:
    assert sorted([*CALLS, *COUNTED]) == sorted(ops.__all__)


@pytest.mark.parametrize("name", CALLS)
def test_sizes_beyond_memory_are_refused(name: str) -> None:
    with pytest.raises((ValueError, MemoryError)) as refusal:
        CALLS[name]()
    told = str(refusal.value)
    assert told.startswith((f"`{name}`: ", "Unable to allocate "))
    assert told.endswith((".", "float64"))


@pytest.mark.parametrize("name", COUNTED)
def test_counts_have_no_upper_limit(name: str) -> None:
    COUNTED[name]()


# No image, with rows that no memory holds.
ROW = nothing(0, 1, 1, 2**50)


# Nothing to do, however many times: without a guard these would count to 2**50, or take as much.
@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda: ops.im2col(nothing(2**50, 0, 2, 2), (1, 1)), (2**50, 0, 4)),
        (lambda: ops.col2im(nothing(2**50, 0, 4), (2**50, 0, 2, 2), (1, 1)), (2**50, 0, 2, 2)),
        (lambda: ops.downsample(nothing(1, 1, 2**50, 0), (1, 1)), (1, 1, 2**50, 0)),
        (lambda: ops.zero_pad2d(nothing(2**50, 0, 1, 1), ((1, 1), (1, 1))), (2**50, 0, 3, 3)),
        (lambda: ops.max_pool2d(nothing(2**50, 0, 1, 1), (1, 1), (1, 1)), (2**50, 0, 1, 1)),
        (lambda: ops.global_avg_pool2d(nothing(2**50, 0, 1, 1)), (2**50, 0)),
        (lambda: ops.max_pool2d(ROW, (1, 2), (1, 2)), (0, 1, 1, 2**49)),
        (lambda: ops.avg_pool2d(ROW, (1, 2), (1, 2)), (0, 1, 1, 2**49)),
        (lambda: ops.max_pool2d_backward(ROW, ROW, (1, 1), (1, 1)), ROW.shape),
        (lambda: ops.avg_pool2d_backward(ROW, ROW, (1, 1), (1, 1)), ROW.shape),
    ],
)
def test_large_and_empty_is_quick(call, shape) -> None:
    assert call().shape == shape


def test_a_kernel_far_larger_than_the_image_is_quick() -> None:
    """Its taps outside are not counted through, which the debug build would do for hours."""
    x = np.arange(24_000.0).reshape(1, 1000, 6, 4)
    geometry = (2**31 - 1, 2**31 - 1), (2**31 - 1, 2**31 - 1), (2**30 - 1, 2**30 - 1)
    means = x.mean(axis=(2, 3), keepdims=True)
    np.testing.assert_array_equal(ops.max_pool2d(x, *geometry), x[:, :, -1:, -1:])
    np.testing.assert_allclose(ops.avg_pool2d(x, *geometry), means, rtol=1e-15)
    first = np.zeros_like(x)
    first[:, :, -1, -1] = means[..., 0, 0]
    np.testing.assert_array_equal(ops.max_pool2d_backward(means, x, *geometry), first)
    shared = np.broadcast_to(means / 24, x.shape)
    np.testing.assert_allclose(ops.avg_pool2d_backward(means, x, *geometry), shared, rtol=1e-15)
