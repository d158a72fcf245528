"""Values worked out by hand, and independent libraries where they have the operation."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from twins import Arrays, repeatable

LINES = {
    "horizontal": [(1, 0), (1, 1), (1, 2)],
    "vertical": [(0, 1), (1, 1), (2, 1)],
    "diagonal": [(0, 0), (1, 1), (2, 2)],
    "antidiagonal": [(0, 2), (1, 1), (2, 0)],
}


def test_costs_of_layers(ops):
    assert ops.dense_layer_cost(100 * 100, 1000) == (10_000_000, 10_001_000)
    assert ops.dense_layer_cost(10**12, 10**12) == (10**24, 10**24 + 10**12)
    # LeNet-5's C1 and C3 (fully connected): the counts of the paper's kind of table.
    assert ops.conv_layer_cost(32, 32, 1, 6, (5, 5)) == (28 * 28 * 150, 156)
    assert ops.conv_layer_cost(14, 14, 6, 16, (5, 5)) == (100 * 2400, 2416)
    # 5x7 with kernel 2x3, stride (1, 2), padding (2, 0): 8x3 outputs of 4*3*6 weights.
    assert ops.conv_layer_cost(5, 7, 3, 4, (2, 3), (1, 2), (2, 0)) == (24 * 72, 76)


def test_receptive_fields(ops):
    assert ops.receptive_field([]) == 1
    assert ops.receptive_field([(3, 1), (3, 1)]) == 5
    assert ops.receptive_field([(3, 2), (3, 1)]) == 7
    assert ops.receptive_field([(7, 2), (3, 2), (3, 1), (2, 2)]) == 1 + 6 + 2 * 2 + 2 * 4 + 4
    assert ops.receptive_field([(1, 5), (2, 1)]) == 6


def test_line_filters_prefer_their_own_line(ops):
    for orientation, line in LINES.items():
        kernel = ops.line_filter(orientation)
        assert (kernel.shape, kernel.dtype, kernel.sum()) == ((3, 3), np.float64, 0)
        answers = {name: sum(kernel[cell] for cell in cells) for name, cells in LINES.items()}
        own = answers.pop(orientation)
        assert own == sum(kernel[cell] for cell in line)
        assert own > max(answers.values())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((5, 3), 3),
        ((5, 3, 2), 2),
        ((6, 3, 2), 2),  # does not tile
        ((5, 3, 1, (1, 1)), 5),
        ((5, 3, 1, (2, 0)), 5),
        ((5, 5), 1),
        ((7, 3, 1, (0, 0), 2), 3),
        ((5, 1, 7), 1),  # stride beyond the size
        ((0, 1, 1, (1, 0)), 1),
        ((10**30, 1), 10**30),
    ],
)
def test_output_sizes(ops, arguments, expected):
    assert ops.output_size(*arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((5, 2), (0, 1)),
        ((5, 3), (1, 1)),
        ((5, 4), (1, 2)),
        ((5, 1), (0, 0)),
        ((7, 3, 2), (1, 1)),
        ((8, 3, 2), (0, 1)),
        ((9, 2, 5), (0, 0)),  # stride beyond the kernel: nothing to add
    ],
)
def test_same_padding(ops, arguments, expected):
    assert ops.same_padding(*arguments) == expected


@repeatable
@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 9))
def test_same_padding_gives_the_size_of_the_name(fast, pure, size, kernel, stride):
    padding = fast.same_padding(size, kernel, stride)
    assert padding == pure.same_padding(size, kernel, stride)
    assert fast.output_size(size, kernel, stride, padding) == -(-size // stride)
    assert padding[1] - padding[0] in (0, 1)


@repeatable
@given(
    st.integers(0, 30),
    st.integers(1, 8),
    st.integers(1, 8),
    st.tuples(st.integers(0, 5), st.integers(0, 5)),
    st.integers(1, 4),
)
def test_output_size_counts_the_positions(fast, pure, size, kernel, stride, padding, dilation):
    last = size + sum(padding) - dilation * (kernel - 1)
    positions = len(range(0, last, stride))
    if positions == 0:
        for twin in (fast, pure):
            with pytest.raises(ValueError, match="must fit into the padded size"):
                twin.output_size(size, kernel, stride, padding, dilation)
    else:
        assert fast.output_size(size, kernel, stride, padding, dilation) == positions
        assert pure.output_size(size, kernel, stride, padding, dilation) == positions


def test_zero_padding(ops):
    x = np.arange(1.0, 5).reshape(1, 1, 2, 2)
    got = ops.zero_pad2d(x, ((1, 0), (0, 2)))
    assert got[0, 0].tolist() == [[0, 0, 0, 0], [1, 2, 0, 0], [3, 4, 0, 0]]


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
@pytest.mark.parametrize("kernel", [(1, 1), (2, 3), (3, 2), (4, 4), (5, 7)])
def test_convolution_of_one_channel_is_scipys(ops, mode, kernel):
    a = Arrays(1)
    image, kernel = a(5, 7), a(*kernel)
    expected = scipy.signal.convolve2d(image, kernel, mode)
    np.testing.assert_array_equal(ops.convolve2d(image, kernel, mode), expected)
    if mode == "valid":
        expected = scipy.signal.correlate2d(image, kernel, mode)
        np.testing.assert_array_equal(ops.cross_correlate2d(image, kernel), expected)


@pytest.mark.parametrize("mode", ["same", "full"])
def test_kernels_larger_than_the_image(ops, mode):
    a = Arrays(2)
    image, kernel = a(2, 3), a(4, 6)
    full = scipy.signal.convolve2d(image, kernel, "full")
    # SciPy's "same" is the middle of "full", from (K - 1) // 2 on.
    expected = full if mode == "full" else full[1:3, 2:5]
    np.testing.assert_array_equal(ops.convolve2d(image, kernel, mode), expected)
    np.testing.assert_array_equal(expected, scipy.signal.convolve2d(image, kernel, mode))


def test_conv2d_by_hand(ops):
    x = np.array([[[[1, 2, 3], [4, 5, 6]], [[1, 0, 1], [0, 1, 0]]]])
    w = np.array([[[[1, 0], [0, 2]], [[0, 3], [0, 0]]], [[[0, 0], [1, 0]], [[0, 0], [0, 1]]]])
    b = np.array([10, 20])
    # Output (0, 0): 1*1 + 2*5 + 3*0 + 10 = 21; (0, 1): 1*2 + 2*6 + 3*1 + 10 = 27.
    # Second filter: 4 + 1 + 20 = 25; 5 + 0 + 20 = 25.
    assert ops.conv2d(x, w, b).tolist() == [[[[21, 27]], [[25, 25]]]]
    # Stride (1, 2) keeps the first column; padding (1, 0) adds a row above and below: above
    # 2*2 + 10 = 14 and 1 + 0 + 20 = 21, below 1*4 + 3*1 + 10 = 17 and 20.
    got = ops.conv2d(x, w, b, (1, 2), (1, 0))
    assert got.tolist() == [[[[14], [21], [17]], [[21], [25], [20]]]]


def test_im2col_by_hand(ops):
    x = np.arange(1, 13).reshape(1, 2, 2, 3)
    assert ops.im2col(x, (2, 2)).tolist() == [
        [[1, 2], [2, 3], [4, 5], [5, 6], [7, 8], [8, 9], [10, 11], [11, 12]]
    ]
    assert ops.im2col(x[:, :1], (1, 2), (2, 2), (0, 1)).tolist() == [[[0, 2], [1, 3]]]


def test_depthwise_and_dilation_by_hand(ops):
    x = np.array([[[[1, 2, 4, 8]], [[1, 3, 9, 27]]]])
    w = np.array([[[[1, 10]]], [[[100, 1]]]])
    got = ops.grouped_conv2d(x, w, np.array([0, 1]), dilation=(1, 2), groups=2)
    assert got.tolist() == [[[[41, 82]], [[110, 328]]]]


def test_strides_by_hand(ops):
    x = np.arange(1, 13).reshape(1, 1, 3, 4)
    assert ops.downsample(x, (2, 3)).tolist() == [[[[1, 4], [9, 12]]]]
    assert ops.sliding_windows(x, (2, 3), (1, 1))[0, 0, 1, 1].tolist() == [[6, 7, 8], [10, 11, 12]]
    got = ops.strided_conv2d(x, np.array([[[[1, 0], [0, 1]]]]), (1, 2))
    assert got.tolist() == [[[[7, 11], [15, 19]]]]


def test_windows_are_numpys(ops):
    x = Arrays(3).images(3, 5, 7)
    view = np.lib.stride_tricks.sliding_window_view(x, (2, 3), axis=(2, 3))[:, :, ::2, ::3]
    np.testing.assert_array_equal(ops.sliding_windows(x, (2, 3), (2, 3)), view)


@pytest.mark.parametrize("scale", [1, 1e3, 1e6])
def test_softmax_and_loss_are_scipys(ops, scale):
    rng = np.random.default_rng(4)
    logits = rng.normal(size=(5, 7)) * scale
    labels = rng.integers(0, 7, 5)
    np.testing.assert_allclose(ops.softmax(logits), scipy.special.softmax(logits, axis=1))
    expected = -scipy.special.log_softmax(logits, axis=1)[np.arange(5), labels].mean()
    loss = ops.cross_entropy(logits, labels)
    assert type(loss) is float
    np.testing.assert_allclose(loss, expected, rtol=1e-12)


def test_loss_by_hand(ops):
    assert ops.cross_entropy(np.zeros((3, 4)), np.array([0, 1, 3])) == pytest.approx(np.log(4))
    assert ops.cross_entropy(np.array([[1e6, 0]]), np.array([1], np.uint8)) == 1e6
    assert ops.cross_entropy(np.zeros((0, 4)), np.zeros(0, int)) == 0
    assert ops.cross_entropy(np.zeros((0, 4)), []) == 0


def test_pooling_by_hand(ops):
    x = -np.array([[[[5, 3, 4, 1, 2], [9, 8, 7, 6, 5], [1, 2, 3, 4, 0]]]])
    assert ops.max_pool2d(x, (2, 3), (1, 2)).tolist() == [[[[-3, -1], [-1, 0]]]]
    assert ops.max_pool2d(x, (2, 2), (2, 2), (1, 1)).tolist() == [[[[-5, -3, -1], [-1, -2, 0]]]]
    got = ops.avg_pool2d(x, (2, 2), (2, 2), (1, 1))
    assert got.tolist() == [[[[-5, -3.5, -1.5], [-5, -5, -3.75]]]]
    assert ops.global_avg_pool2d(x).tolist() == [[-4]]


def test_ties_go_to_the_first_maximum_by_rows(ops):
    x = np.array([[[[0, 7, 7], [7, 7, 7]]]])
    dx = ops.max_pool2d_backward(np.array([[[[1, 2]]]]), x, (2, 2), (1, 1))
    assert dx.tolist() == [[[[0, 3, 0], [0, 0, 0]]]]


def test_gradients_by_hand(ops):
    dx, dw, db = ops.dense_backward(np.array([[1, 2]]), np.array([[3, 4, 5]]), np.eye(3, 2))
    assert (dx.tolist(), db.tolist()) == ([[1, 2, 0]], [1, 2])
    assert dw.tolist() == [[3, 6], [4, 8], [5, 10]]
    gradient = ops.cross_entropy_backward(np.zeros((2, 2)), np.array([0, 1]))
    assert gradient.tolist() == [[-0.25, 0.25], [0.25, -0.25]]
    columns = np.ones((1, 4, 2))
    assert ops.col2im(columns, (1, 1, 2, 3), (2, 2)).tolist() == [[[[1, 2, 1], [1, 2, 1]]]]


def test_famous_networks(ops):
    lenet, alexnet = ops.lenet5(), ops.alexnet()
    assert ops.count_parameters(lenet, (1, 32, 32)) == 61_706
    assert ops.count_parameters(alexnet, (3, 224, 224)) == 61_100_840
    shapes = ops.trace_shapes(lenet, (1, 32, 32))
    wide = [shape for shape in shapes if len(shape) == 3]
    assert wide[::2] == [(6, 28, 28), (6, 14, 14), (16, 10, 10)]
    assert shapes[-6:] == [(400,), (120,), (120,), (84,), (84,), (10,)]
    shapes = ops.trace_shapes(alexnet, (3, 224, 224))
    assert shapes[:3] == [(64, 55, 55), (64, 55, 55), (64, 27, 27)]
    assert shapes[-7:-4] == [(256, 6, 6), (9216,), (4096,)]
    # New lists on every call.
    lenet[0]["out"] = 1
    assert ops.lenet5()[0]["out"] == 6


def test_the_twins_list_the_same_layers(fast, pure):
    assert fast.lenet5() == pure.lenet5()
    assert fast.alexnet() == pure.alexnet()


def test_small_networks_by_hand(ops):
    layers = [
        {"kind": "conv", "out": 4, "kernel": (2, 3), "stride": (1, 2), "padding": (2, 0)},
        {"kind": "batch_norm"},
        {"kind": "relu"},
        {"kind": "max_pool", "kernel": (3, 2), "stride": (2, 1), "padding": (1, 1)},
        {"kind": "conv", "out": 5, "kernel": (1, 1), "bias": False},
        {"kind": "global_avg_pool"},
        {"kind": "dense", "out": 2},
        {"kind": "dense", "out": 3, "bias": False},
    ]
    assert ops.trace_shapes(layers, (3, 5, 7)) == [
        *[(4, 8, 3)] * 3, (4, 4, 4), (5, 4, 4), (5,), (2,), (3,),
    ]  # fmt: skip
    assert ops.count_parameters(layers, (3, 5, 7)) == (4 * 18 + 4) + 8 + 20 + (10 + 2) + 6
    assert ops.trace_shapes([], (3, 5, 7)) == []
    assert ops.count_parameters([], (4,)) == 0


def test_batch_norm(ops):
    x = np.random.default_rng(5).normal(3, 2, (4, 3, 5, 6))
    gamma, beta = np.array([1.0, 2, -1]), np.array([0.0, 5, 1])
    y = ops.batch_norm2d(x, gamma, beta, 0.0)
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), beta, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=(0, 2, 3)), np.abs(gamma), atol=1e-12)
    # Mean 2, variance 1, eps 3: (x - 2) / 2.
    y = ops.batch_norm2d(np.array([[[[1, 3]]]]), np.ones(1), np.zeros(1), 3)
    assert y.tolist() == [[[[-0.5, 0.5]]]]


def test_residual_block_by_hand(ops):
    x = np.arange(-4.0, 5).reshape(1, 1, 3, 3)
    centre = np.zeros((1, 1, 3, 3))
    centre[0, 0, 1, 1] = 1
    zero, one = np.zeros(1), np.ones(1)
    # relu(relu(x) + 1 + x)
    got = ops.residual_block(x, centre, zero, centre, one)
    np.testing.assert_array_equal(got, np.maximum(np.maximum(x, 0) + 1 + x, 0))
    # Stride (1, 2) on the first convolution and on the skip.
    got = ops.residual_block(x, centre, zero, centre, zero, np.full((1, 1, 1, 1), 10.0), (1, 2))
    expected = np.maximum(np.maximum(x, 0) + 10 * x, 0)[:, :, :, ::2]
    np.testing.assert_array_equal(got, expected)


def test_inception_module_orders_its_branches(ops):
    x = np.array([[[[1.0, -2, 3]]]])
    sides = {"1x1": 1, "3x3_reduce": 1, "3x3": 3, "5x5_reduce": 1, "5x5": 5, "pool_proj": 1}
    branches = {key: (np.ones((1, 1, side, side)), np.zeros(1)) for key, side in sides.items()}
    got = ops.inception_module(x, branches)
    # relu(x); sums of relu(x) over 3 and over 5 cells; maxima of x over 3 cells.
    assert got[0, :, 0].tolist() == [[1, 0, 3], [1, 4, 3], [4, 4, 4], [1, 3, 3]]
    branches["3x3_reduce"] = (-np.ones((1, 1, 1, 1)), np.zeros(1))
    assert ops.inception_module(x, branches)[0, 1, 0].tolist() == [2, 2, 2]


def test_keras_axes(ops):
    kernel = np.arange(120).reshape(2, 3, 4, 5)
    got = ops.kernel_from_keras(kernel)
    assert got.shape == (5, 4, 2, 3)
    assert got[4, 3, 1, 2] == kernel[1, 2, 3, 4]
    assert got[1, 0, 0, 2] == kernel[0, 2, 0, 1]
    images = np.arange(120).reshape(2, 3, 4, 5)
    got = ops.images_from_keras(images)
    assert got.shape == (2, 5, 3, 4)
    assert got[1, 4, 2, 3] == images[1, 2, 3, 4]
    assert got[0, 1, 0, 2] == images[0, 0, 2, 1]


def test_predict_flattens_rows_columns_channels(ops):
    # Both convolutions copy: channel k of the second is (k + 1) times the image.
    k1, k2 = np.zeros((3, 3, 1, 8)), np.zeros((3, 3, 8, 16))
    k1[1, 1, 0, 0] = 1
    k2[1, 1, 0] = np.arange(1, 17)
    image = np.zeros((1, 28, 28, 1))
    image[0, 4, 8, 0] = 1  # row 1, column 2 after two poolings
    w = np.zeros((784, 10))
    w[(1 * 7 + 2) * 16 + 5, 3] = 1  # channel 5
    weights = [k1, np.zeros(8), k2, np.zeros(16), w, np.arange(10.0)]
    expected = np.arange(10.0)
    expected[3] += 6
    assert ops.predict(weights, image).tolist() == [expected.tolist()]
