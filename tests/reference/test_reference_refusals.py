"""Every refusal, with its full sentence."""

from __future__ import annotations

import numpy as np
import pytest
from twins import Arrays

from reference import ops

X = np.ones((2, 3, 5, 7))
W = np.ones((4, 3, 2, 3))
B = np.ones(4)
RNG = np.random.default_rng(0)
NETWORK = Arrays().network()
BRANCHES = Arrays().branches(3)
WEIGHTS = [np.ones(s) for s in [(3, 3, 1, 8), (8,), (3, 3, 8, 16), (16,), (784, 10), (10,)]]
W3, CONV = np.ones((4, 3, 3, 3)), {"kind": "conv", "out": 2, "kernel": (2, 2)}
LARGE = 2**31


def layer(**changes):
    return lambda: ops.trace_shapes([{"kind": "relu"}, {**CONV, **changes}], (3, 5, 7))


def kind(kind, shape, **keys):
    return lambda: ops.count_parameters([{"kind": kind, **keys}], shape)


def network(**changes):
    changes = {key.replace("_", "."): value for key, value in changes.items()}
    return lambda: ops.forward({**NETWORK, **changes}, np.ones((2, 1, 5, 9)))


def branch(key, value):
    return lambda: ops.inception_module(X, {**BRANCHES, key: value})


def weight(index, shape):
    weights = [*WEIGHTS]
    weights[index] = np.ones(shape)
    return lambda: ops.predict(weights, np.ones((2, 28, 28, 1)))


def fit(**changes):
    arguments = dict(
        images=np.ones((2, 1, 8, 8)), labels=[0, 1], epochs=1, learning_rate=0.1, momentum=0.9,
        batch_size=2, rng=RNG,
    )  # fmt: skip
    return lambda: ops.fit(**{**arguments, **changes})


TYPES = [
    # Arrays
    (
        lambda: ops.relu(np.ones(3, complex)),
        "`relu`: x must hold real numbers; got dtype complex128.",
    ),
    (lambda: ops.relu(np.array([None])), "`relu`: x must hold real numbers; got dtype object."),
    (lambda: ops.relu("text"), "`relu`: x must hold real numbers; got dtype <U4."),
    (
        lambda: ops.relu(np.array(["2020-01-01"], "M8[D]")),
        "`relu`: x must hold real numbers; got dtype datetime64[D].",
    ),
    (
        lambda: ops.conv2d(X, W.astype(complex), B),
        "`conv2d`: w must hold real numbers; got dtype complex128.",
    ),
    (
        lambda: ops.cross_entropy(np.ones((2, 3)), np.array([0.0, 1.0])),
        "`cross_entropy`: labels must be whole numbers; got dtype float64.",
    ),
    # Numbers
    (
        lambda: ops.dense_layer_cost(2.0, 3),
        "`dense_layer_cost`: inputs must be a whole number; got 2.0.",
    ),
    (
        lambda: ops.conv2d(X, W, B, 2),
        "`conv2d`: stride must be a pair of whole numbers (rows, columns); got 2.",
    ),
    (
        lambda: ops.conv2d(X, W, B, (1, 1), (1.0, 1.0)),
        "`conv2d`: padding must be a pair of whole numbers (rows, columns); got (1.0, 1.0).",
    ),
    (
        lambda: ops.max_pool2d(X, (2, 2, 2), (1, 1)),
        "`max_pool2d`: kernel must be a pair of whole numbers (rows, columns); got (2, 2, 2).",
    ),
    (
        lambda: ops.receptive_field([(3, 1), 3]),
        "`receptive_field`: layers[1] must be a pair of whole numbers (kernel, stride); got 3.",
    ),
    (
        lambda: ops.output_size(5, 3, 1, 1),
        "`output_size`: padding must be a pair of whole numbers (before, after); got 1.",
    ),
    (
        lambda: ops.zero_pad2d(X, (1, 1)),
        "`zero_pad2d`: padding must be ((top, bottom), (left, right)) in whole numbers; "
        "got (1, 1).",
    ),
    (
        lambda: ops.trace_shapes([], 5),
        "`trace_shapes`: shape must be a tuple of whole numbers; got 5.",
    ),
    (
        lambda: ops.batch_norm2d(X, np.ones(3), np.ones(3), "small"),
        "`batch_norm2d`: eps must be a number; got 'small'.",
    ),
    (fit(learning_rate=None), "`fit`: learning_rate must be a number; got None."),
    (fit(rng=0), "`fit`: rng must be a numpy.random.Generator; got int."),
    # Dictionaries
    (
        lambda: ops.sgd_momentum([], {}, {}, 0.1, 0.9),
        "`sgd_momentum`: parameters must be a dictionary; got list.",
    ),
    (
        lambda: ops.sgd_momentum({}, [], {}, 0.1, 0.9),
        "`sgd_momentum`: gradients must be a dictionary; got list.",
    ),
    (
        lambda: ops.trace_shapes(["relu"], (3, 5, 7)),
        "`trace_shapes`: layers[0] must be a dictionary; got str.",
    ),
    (layer(bias=1), '`trace_shapes`: layers[1]["bias"] must be True or False; got 1.'),
    (layer(out=2.0), '`trace_shapes`: layers[1]["out"] must be a whole number; got 2.0.'),
]

VALUES = [
    # Axes and shapes
    (
        lambda: ops.conv2d(X[0], W, B),
        "`conv2d`: x must have axes (N, C, H, W); got shape (3, 5, 7).",
    ),
    (
        lambda: ops.conv2d(X, W[0], B),
        "`conv2d`: w must have axes (O, C, KH, KW); got shape (3, 2, 3).",
    ),
    (lambda: ops.conv2d(X, W, 1.0), "`conv2d`: b must have axes (O); got shape ()."),
    (
        lambda: ops.conv2d(X, np.ones((8, 1, 3, 3)), np.ones(8)),
        "`conv2d`: w must have as many channels as x (3); got shape (8, 1, 3, 3).",
    ),
    (
        lambda: ops.grouped_conv2d(np.ones((1, 4, 5, 5)), np.ones((4, 4, 1, 1)), B, groups=2),
        "`grouped_conv2d`: w must have as many channels as x (4 / 2 groups); "
        "got shape (4, 4, 1, 1).",
    ),
    (
        lambda: ops.grouped_conv2d(X, W, B, groups=2),
        "`grouped_conv2d`: groups must divide the channels of x (3) and the filters of w (4); "
        "got 2.",
    ),
    (
        lambda: ops.grouped_conv2d(X, np.ones((4, 1, 2, 2)), B, groups=3),
        "`grouped_conv2d`: groups must divide the channels of x (3) and the filters of w (4); "
        "got 3.",
    ),
    (
        lambda: ops.conv2d(X, W, np.ones(3)),
        "`conv2d`: b must have one entry for every filter of w (4); got shape (3,).",
    ),
    (
        lambda: ops.conv2d_backward(np.ones((2, 4, 4, 4)), X, W),
        "`conv2d_backward`: dy must have shape (2, 4, 4, 5); got shape (2, 4, 4, 4).",
    ),
    (
        lambda: ops.max_pool2d_backward(np.ones((2, 3, 2, 2)), X, (2, 3), (2, 2)),
        "`max_pool2d_backward`: dy must have shape (2, 3, 2, 3); got shape (2, 3, 2, 2).",
    ),
    (
        lambda: ops.relu_backward(np.ones(3), np.ones(4)),
        "`relu_backward`: dy must have shape (4,); got shape (3,).",
    ),
    (
        lambda: ops.softmax_backward(np.ones((2, 3)), np.ones((3, 2))),
        "`softmax_backward`: dy must have shape (3, 2); got shape (2, 3).",
    ),
    (
        lambda: ops.batch_norm2d_backward(X, X[:1], np.ones(3), 0.1),
        "`batch_norm2d_backward`: dy must have shape (1, 3, 5, 7); got shape (2, 3, 5, 7).",
    ),
    (
        lambda: ops.col2im(np.ones((2, 6, 4)), (2, 1, 4, 4), (2, 3)),
        "`col2im`: columns must have shape (2, 6, 6); got shape (2, 6, 4).",
    ),
    (
        lambda: ops.dense_backward(np.ones((2, 3)), np.ones((2, 4)), np.ones((5, 3))),
        "`dense_backward`: w must have one entry for every column of x (4); got shape (5, 3).",
    ),
    (
        lambda: ops.dense(np.ones((2, 4)), np.ones((4, 3)), np.ones(4)),
        "`dense`: b must have one entry for every column of w (3); got shape (4,).",
    ),
    (
        lambda: ops.batch_norm2d(X, np.ones(3), np.ones(2)),
        "`batch_norm2d`: beta must have one entry for every channel of x (3); got shape (2,).",
    ),
    (
        lambda: ops.cross_entropy(np.ones((2, 3)), [0]),
        "`cross_entropy`: labels must have one entry for every row of logits (2); got shape (1,).",
    ),
    (
        lambda: ops.cross_entropy(np.ones((2, 3)), [0, 3]),
        "`cross_entropy`: labels must lie between 0 and 2; got 0 to 3.",
    ),
    (
        lambda: ops.cross_entropy_backward(np.ones((2, 3)), [-1, 0]),
        "`cross_entropy_backward`: labels must lie between 0 and 2; got -1 to 0.",
    ),
    (
        lambda: ops.softmax(np.ones((2, 0))),
        "`softmax`: logits must not be empty; got shape (2, 0).",
    ),
    (
        lambda: ops.max_pool2d(np.ones((1, 1, 0, 3)), (2, 1), (1, 1), (1, 0)),
        "`max_pool2d`: x must not be empty; got shape (1, 1, 0, 3).",
    ),
    (
        lambda: ops.global_avg_pool2d_backward(np.ones((2, 3)), (2, 3, 0, 4)),
        "`global_avg_pool2d_backward`: shape must have at least one pixel; got (2, 3, 0, 4).",
    ),
    (
        lambda: ops.convolve2d(np.ones((0, 2)), np.ones((1, 1)), "full"),
        "`convolve2d`: image must not be empty; got shape (0, 2).",
    ),
    (
        lambda: ops.convolve2d(np.ones((2, 2)), np.ones((1, 0)), "full"),
        "`convolve2d`: kernel must not be empty; got shape (1, 0).",
    ),
    # Numbers
    (lambda: ops.dense_layer_cost(0, 3), "`dense_layer_cost`: inputs must be at least 1; got 0."),
    (lambda: ops.output_size(-1, 3), "`output_size`: size must not be negative; got -1."),
    (lambda: ops.conv2d(X, W, B, (1, 0)), "`conv2d`: stride must be at least 1; got (1, 0)."),
    (
        lambda: ops.conv2d(X, W, B, (1, 1), (0, -1)),
        "`conv2d`: padding must not be negative; got (0, -1).",
    ),
    (
        lambda: ops.grouped_conv2d(X, W, B, dilation=(0, 1)),
        "`grouped_conv2d`: dilation must be at least 1; got (0, 1).",
    ),
    (
        lambda: ops.grouped_conv2d(X, W, B, groups=0),
        "`grouped_conv2d`: groups must be at least 1; got 0.",
    ),
    (lambda: ops.im2col(X, (0, 1)), "`im2col`: kernel must be at least 1; got (0, 1)."),
    (lambda: ops.downsample(X, (0, 1)), "`downsample`: stride must be at least 1; got (0, 1)."),
    (
        lambda: ops.zero_pad2d(X, ((0, 0), (0, -1))),
        "`zero_pad2d`: padding must not be negative; got ((0, 0), (0, -1)).",
    ),
    (
        lambda: ops.conv2d(X, W, B, (1, LARGE)),
        "`conv2d`: stride must be at most 2147483647; got (1, 2147483648).",
    ),
    (
        lambda: ops.col2im(np.ones((1, 1, 1)), (1, 1, 1), (1, 1)),
        "`col2im`: shape must be (N, C, H, W); got (1, 1, 1).",
    ),
    (
        lambda: ops.trace_shapes([], (3, 5)),
        "`trace_shapes`: shape must be (C, H, W) or (D); got (3, 5).",
    ),
    (lambda: ops.trace_shapes([], (-3,)), "`trace_shapes`: shape must not be negative; got (-3,)."),
    (
        lambda: ops.he_normal((3,), RNG),
        "`he_normal`: shape must be (O, C, KH, KW) or (D, M); got (3,).",
    ),
    (
        lambda: ops.he_normal((3, 0, 2, 2), RNG),
        "`he_normal`: shape must give every output an input; got (3, 0, 2, 2).",
    ),
    (
        lambda: ops.batch_norm2d(X, np.ones(3), np.ones(3), -1e-5),
        "`batch_norm2d`: eps must be at least 0; got -1e-05.",
    ),
    (
        lambda: ops.batch_norm2d(X, np.ones(3), np.ones(3), np.nan),
        "`batch_norm2d`: eps must be at least 0; got nan.",
    ),
    (fit(batch_size=0), "`fit`: batch_size must be at least 1; got 0."),
    (fit(epochs=-1), "`fit`: epochs must not be negative; got -1."),
    # Words
    (
        lambda: ops.line_filter("upright"),
        '`line_filter`: orientation must be one of "horizontal", "vertical", "diagonal", '
        "\"antidiagonal\"; got 'upright'.",
    ),
    (
        lambda: ops.convolve2d(np.ones((2, 2)), np.ones((1, 1)), None),
        '`convolve2d`: mode must be one of "valid", "same", "full"; got None.',
    ),
    # Geometry
    (
        lambda: ops.conv2d(X, np.ones((4, 3, 6, 2)), B),
        "`conv2d`: the kernel (6, 2) covers (6, 2) pixels and must fit into the padded image; "
        "got (5, 7).",
    ),
    (
        lambda: ops.general_conv2d(X, W, B, (1, 1), ((1, 0), (0, 0)), (6, 3), 1),
        "`general_conv2d`: the kernel (2, 3) covers (7, 7) pixels and must fit into the padded "
        "image; got (6, 7).",
    ),
    (
        lambda: ops.conv2d(X, np.ones((4, 3, 0, 2)), B),
        "`conv2d`: kernel must be at least 1; got (0, 2).",
    ),
    (
        lambda: ops.cross_correlate2d(np.ones((2, 2)), np.ones((1, 3))),
        "`cross_correlate2d`: the kernel (1, 3) covers (1, 3) pixels and must fit into the padded "
        "image; got (2, 2).",
    ),
    (
        lambda: ops.convolve2d(np.ones((2, 2)), np.ones((1, 3))),
        "`convolve2d`: the kernel (1, 3) covers (1, 3) pixels and must fit into the padded image; "
        "got (2, 2).",
    ),
    (
        lambda: ops.conv_layer_cost(5, 7, 3, 4, (2, 8)),
        "`conv_layer_cost`: the kernel (2, 8) covers (2, 8) pixels and must fit into the padded "
        "image; got (5, 7).",
    ),
    (
        lambda: ops.output_size(5, 3, dilation=3),
        "`output_size`: the kernel 3 covers 7 cells and must fit into the padded size; got 5.",
    ),
    (
        lambda: ops.avg_pool2d(X, (2, 3), (1, 1), (1, 2)),
        "`avg_pool2d`: padding must be at most half of the kernel (2, 3); got (1, 2).",
    ),
    # Sizes that memory or BLAS cannot take
    (
        lambda: ops.zero_pad2d(X, ((LARGE - 1, LARGE - 1), (LARGE - 1, LARGE - 1))),
        "`zero_pad2d`: the result would have shape (2, 3, 4294967299, 4294967301), more than "
        "memory can address.",
    ),
    (
        lambda: ops.general_conv2d(
            X, W, B, (1, 1), ((LARGE - 1, LARGE - 1), (LARGE - 1, LARGE - 1)), (1, 1), 1
        ),
        "`general_conv2d`: the result would have shape (2, 4, 4294967298, 4294967299), more than "
        "memory can address.",
    ),
    (
        lambda: ops.conv2d(X, W, B, (1, 1), (LARGE // 4, 2)),
        "`conv2d`: a matrix product with sides (4, 18, 9663676452) is too large; "
        "every side must be at most 2147483647.",
    ),
    (
        lambda: ops.he_normal((LARGE, LARGE, LARGE, 1), RNG),
        "`he_normal`: the result would have shape (2147483648, 2147483648, 2147483648, 1), more "
        "than memory can address.",
    ),
    (
        lambda: ops.dense(np.zeros((LARGE, 0)), np.zeros((0, 1)), np.ones(1)),
        "`dense`: a matrix product with sides (2147483648, 0, 1) is too large; "
        "every side must be at most 2147483647.",
    ),
    # Layers
    (
        layer(kind="pool"),
        '`trace_shapes`: layers[1]["kind"] must be one of "conv", "max_pool", "avg_pool", "dense", '
        '"batch_norm", "relu", "flatten", "global_avg_pool"; got \'pool\'.',
    ),
    (
        layer(units=3),
        "`trace_shapes`: layers[1] of kind 'conv' must have ['kernel', 'out'] and may have "
        "['bias', 'padding', 'stride']; got ['kernel', 'out', 'units'].",
    ),
    (
        kind("max_pool", (3, 5, 7), kernel=(2, 2)),
        "`count_parameters`: layers[0] of kind 'max_pool' must have ['kernel', 'stride'] and may "
        "have ['padding']; got ['kernel'].",
    ),
    (
        kind("dense", (3, 5, 7), out=2),
        "`count_parameters`: layers[0] of kind 'dense' needs the shape (D,); got (3, 5, 7).",
    ),
    (
        kind("global_avg_pool", (3,)),
        "`count_parameters`: layers[0] of kind 'global_avg_pool' needs the shape (C, H, W); "
        "got (3,).",
    ),
    (layer(out=0), '`trace_shapes`: layers[1]["out"] must be at least 1; got 0.'),
    (layer(stride=(0, 1)), '`trace_shapes`: layers[1]["stride"] must be at least 1; got (0, 1).'),
    (
        layer(kernel=(6, 1)),
        "`trace_shapes` at `layers[1]`: the kernel (6, 1) covers (6, 1) pixels and must fit into "
        "the padded image; got (5, 7).",
    ),
    (
        kind("max_pool", (3, 5, 7), kernel=(2, 2), stride=(1, 1), padding=(0, 2)),
        "`count_parameters` at `layers[0]`: padding must be at most half of the kernel (2, 2); "
        "got (0, 2).",
    ),
    # Blocks
    (
        lambda: ops.residual_block(X, W, B, W, B),
        "`residual_block`: w1 must have a kernel of (3, 3); got (2, 3).",
    ),
    (
        lambda: ops.residual_block(X, W3, B, W3, B),
        "`residual_block`: w2 must have as many channels as w1 has filters (4); "
        "got shape (4, 3, 3, 3).",
    ),
    (
        lambda: ops.residual_block(X, W3, B, np.ones((4, 4, 3, 3)), np.ones(5)),
        "`residual_block`: b2 must have one entry for every filter of w2 (4); got shape (5,).",
    ),
    (
        lambda: ops.residual_block(X, W3, B, np.ones((4, 4, 3, 3)), B),
        "`residual_block`: w_skip must be given where the output's shape (2, 4, 5, 7) is not that "
        "of x; got shape (2, 3, 5, 7).",
    ),
    (
        lambda: ops.residual_block(X, W3, B, np.ones((4, 4, 3, 3)), B, np.ones((3, 3, 1, 1))),
        "`residual_block`: w_skip must have one entry for every filter of w2 (4); "
        "got shape (3, 3, 1, 1).",
    ),
    (
        lambda: ops.residual_block(X, W3, B, np.ones((4, 4, 3, 3)), B, W3),
        "`residual_block`: w_skip must have a kernel of (1, 1); got (3, 3).",
    ),
    (
        lambda: ops.inception_module(X, {"1x1": BRANCHES["1x1"]}),
        "`inception_module`: branches must have the keys ['1x1', '3x3', '3x3_reduce', '5x5', "
        "'5x5_reduce', 'pool_proj']; got ['1x1'].",
    ),
    (
        branch("5x5", np.ones((1, 2, 5, 5))),
        '`inception_module`: branches["5x5"] must be a list of 2 arrays (w, b); got ndarray.',
    ),
    (
        branch("5x5", (np.ones((1, 3, 5, 5)), np.ones(1))),
        '`inception_module`: w of "5x5" must have as many channels as 5x5_reduce has filters (2); '
        "got shape (1, 3, 5, 5).",
    ),
    (
        branch("pool_proj", (np.ones((1, 3, 3, 3)), np.ones(1))),
        '`inception_module`: w of "pool_proj" must have a kernel of (1, 1); got (3, 3).',
    ),
    # Networks
    (
        lambda: ops.sgd_momentum({"w": B}, {"v": B}, {"w": B}, 0.1, 0.9),
        "`sgd_momentum`: gradients must have the keys ['w']; got ['v'].",
    ),
    (
        lambda: ops.sgd_momentum({"w": B}, {"w": B}, {"w": B[:3]}, 0.1, 0.9),
        '`sgd_momentum`: velocity["w"] must have shape (4,); got shape (3,).',
    ),
    (
        lambda: ops.forward({}, np.ones((2, 1, 5, 9))),
        "`forward`: parameters must have the keys ['conv1.b', 'conv1.w', 'conv2.b', 'conv2.w', "
        "'dense.b', 'dense.w']; got [].",
    ),
    (
        lambda: ops.forward(NETWORK, np.ones((2, 1, 3, 9))),
        "`forward`: images must have at least 4 rows and 4 columns; got shape (2, 1, 3, 9).",
    ),
    (
        lambda: ops.forward(NETWORK, np.ones((2, 3, 5, 9))),
        "`forward`: conv1.w must have as many channels as images (3); got shape (8, 1, 3, 3).",
    ),
    (
        network(dense_w=np.ones((33, 10))),
        "`forward`: dense.w must have one entry for every pooled pixel (32); got shape (33, 10).",
    ),
    (
        network(dense_b=np.ones(9)),
        "`forward`: dense.b must have one entry for every column of dense.w (10); got shape (9,).",
    ),
    (
        network(conv2_w=np.ones((16, 8, 5, 5))),
        "`forward`: conv2.w must have a kernel of (3, 3); got (5, 5).",
    ),
    (
        lambda: ops.loss_and_gradients(NETWORK, np.ones((2, 1, 5, 9)), [1]),
        "`loss_and_gradients`: labels must have one entry for every image (2); got shape (1,).",
    ),
    (
        fit(images=np.ones((2, 3, 8, 8))),
        "`fit`: images must have one channel; got shape (2, 3, 8, 8).",
    ),
    (fit(labels=[0, 10]), "`fit`: labels must lie between 0 and 9; got 0 to 10."),
    (
        lambda: ops.predict(WEIGHTS[:5], np.ones((2, 28, 28, 1))),
        "`predict`: weights must be a list of 6 arrays; got 5.",
    ),
    (weight(0, (5, 5, 1, 8)), "`predict`: weights[0] must have a kernel of (3, 3); got (5, 5)."),
    (weight(1, (7,)), "`predict`: weights[1] must have shape (8,); got shape (7,)."),
    (
        weight(4, (700, 10)),
        "`predict`: weights[4] must have shape (784, 10); got shape (700, 10).",
    ),
]


@pytest.mark.parametrize(("call", "sentence"), TYPES, ids=[str(i) for i in range(len(TYPES))])
def test_wrong_types(call, sentence):
    with pytest.raises(TypeError) as error:
        call()
    assert str(error.value) == sentence


@pytest.mark.parametrize(("call", "sentence"), VALUES, ids=[str(i) for i in range(len(VALUES))])
def test_wrong_values(call, sentence):
    with pytest.raises(ValueError) as error:  # noqa: PT011  (the sentence is compared whole)
        call()
    assert str(error.value) == sentence


# What every operation of a family refuses in the same way


@pytest.mark.parametrize("name", ["conv2d", "conv2d_im2col"])
def test_layers_refuse_alike(name):
    conv = getattr(ops, name)
    for arguments, end in [
        ((X, W, B, (0, 1)), "stride must be at least 1; got (0, 1)."),
        ((X, W, B, (1, 1), (-1, 0)), "padding must not be negative; got (-1, 0)."),
        ((X, W[:, :2], B), "w must have as many channels as x (3); got shape (4, 2, 2, 3)."),
        ((X, W, B[:1]), "b must have one entry for every filter of w (4); got shape (1,)."),
    ]:
        with pytest.raises(ValueError) as error:  # noqa: PT011
            conv(*arguments)
        assert str(error.value) == f"`{name}`: {end}"


@pytest.mark.parametrize("name", ops.__all__)
def test_arrays_of_objects_are_refused_everywhere(name):
    from twins import CALLS, each_array

    if name not in CALLS or name == "fit":
        return
    arguments = CALLS[name](Arrays())
    with pytest.raises(
        TypeError, match=f"^`{name}`: .* must hold real numbers; got dtype object.$"
    ):
        getattr(ops, name)(*each_array(lambda array: array.astype(object), arguments))


def test_no_check_reads_a_number_that_is_an_array():
    with pytest.raises(TypeError):
        ops.output_size(np.ones(3), 3)


def test_numpy_integers_are_whole_numbers():
    stride = np.array([1, 2], np.int8)
    assert ops.conv2d(X, W, B, stride).shape == (2, 4, 4, 3)
    size = ops.output_size(np.int32(5), np.uint8(3))
    assert (size, type(size)) == (3, int)
