"""Both twins give the same, whatever the types, the layouts and the geometry."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from twins import (
    CALLS,
    ROUNDED,
    Arrays,
    arrays_in,
    assert_same,
    convolutions,
    correlate,
    each_array,
    pools,
    repeatable,
)

from reference import _check

NAMES = sorted(CALLS)


def run(module, name, arguments):
    """The call, on copies: `fit` draws from the generator that it is given."""
    return getattr(module, name)(*copy.deepcopy(arguments))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", NAMES)
def test_twins_agree(name, seed, fast, pure):
    arguments = CALLS[name](Arrays(seed))
    assert_same(run(fast, name, arguments), run(pure, name, arguments), name in ROUNDED)


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32(name, ops):
    wide = CALLS[name](Arrays(1))
    narrow = each_array(lambda array: array.astype(np.float32), wide)
    expected, got = run(ops, name, wide), run(ops, name, narrow)
    if name == "fit":  # the parameters are float64 whatever the images
        assert {array.dtype.name for array in arrays_in(got)} == {"float64"}
        return
    assert all(array.dtype == np.float32 for array in arrays_in(got))
    narrowed = each_array(lambda array: array.astype(np.float32), expected)
    assert_same(got, narrowed, rounded=True)


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint8, np.bool_, np.float16, ">f8"])
@pytest.mark.parametrize("name", NAMES)
def test_every_other_type_becomes_float64(name, dtype, ops):
    wide = CALLS[name](Arrays(2))
    narrow = each_array(lambda array: np.abs(array).astype(dtype), wide)
    expected = run(ops, name, each_array(lambda array: array.astype(np.float64), narrow))
    assert_same(run(ops, name, narrow), expected)


def test_big_endian_float32_stays_single(ops):
    result = ops.relu(np.array([-1, 2], ">f4"))
    assert result.dtype == np.dtype(np.float32)
    assert result.tolist() == [0, 2]


def unaligned(array):
    """The same numbers one byte off."""
    buffer = np.zeros(array.nbytes + 1, np.uint8)
    view = buffer[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def test_the_kernels_get_aligned_memory():
    given = unaligned(np.arange(3.0))
    assert not given.flags.aligned
    assert _check.array("relu", "x", given).flags.aligned


def every_second(array):
    """The same numbers with gaps between them, on every axis."""
    wide = np.full([2 * side for side in array.shape], np.nan)
    view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


LAYOUTS = {
    "fortran": lambda array: np.asfortranarray(array),
    "reversed": lambda array: array[..., ::-1].copy()[..., ::-1],
    "gaps": every_second,
    "unaligned": unaligned,
    "transposed": lambda array: array.T.copy().T,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NAMES)
def test_any_layout_is_accepted(name, layout, ops):
    arguments = CALLS[name](Arrays(3))
    strange = each_array(LAYOUTS[layout], arguments)
    expected = run(ops, name, arguments)
    # Not on copies: a copy has not the layout.
    assert_same(getattr(ops, name)(*strange), expected)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_untouched_and_results_are_new(name, ops):
    arguments = CALLS[name](Arrays(4))
    for array in arrays_in(arguments):
        array.flags.writeable = False
    before = copy.deepcopy(arguments)
    first = getattr(ops, name)(*arguments)
    for array, copied in zip(arrays_in(arguments), arrays_in(before), strict=True):
        np.testing.assert_array_equal(array, copied)
    for result in arrays_in(first):
        assert result.flags.writeable
        assert result.flags.c_contiguous
        assert not any(np.shares_memory(result, array) for array in arrays_in(arguments))
    kept = copy.deepcopy(first)
    # A second call on other numbers leaves the first result alone.
    getattr(ops, name)(*CALLS[name](Arrays(5)))
    assert_same(first, kept)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_is_legal(name, ops, fast):
    arguments = CALLS[name](Arrays(6, batch=0))
    got = run(ops, name, arguments)
    assert_same(got, run(fast, name, arguments))
    full = run(ops, name, CALLS[name](Arrays(6, batch=1)))
    for empty, array in zip(arrays_in(got), arrays_in(full), strict=True):
        assert empty.ndim == array.ndim


@pytest.mark.parametrize("name", ["conv2d", "conv2d_backward", "dense", "dense_backward"])
def test_gradients_of_an_empty_batch_are_zero(name, ops):
    for array in arrays_in(run(ops, name, CALLS[name](Arrays(7, batch=0)))):
        assert not array.any()


def test_axes_without_entries(ops):
    no_channels = ops.conv2d(np.zeros((2, 0, 3, 3)), np.zeros((4, 0, 2, 2)), np.arange(4.0))
    np.testing.assert_array_equal(no_channels, np.ones((2, 1, 2, 2)) * np.arange(4)[:, None, None])
    no_filters = ops.conv2d(np.ones((2, 1, 3, 3)), np.ones((0, 1, 2, 2)), np.ones(0))
    assert no_filters.shape == (2, 0, 2, 2)
    dy, x, w = np.zeros((2, 4, 2, 2)), np.zeros((2, 0, 3, 3)), np.zeros((4, 0, 2, 2))
    assert [g.shape for g in ops.conv2d_backward(dy, x, w)] == [x.shape, w.shape, (4,)]
    np.testing.assert_array_equal(ops.dense(np.ones((2, 0)), np.ones((0, 3)), np.ones(3)), 1)
    grads = ops.dense_backward(np.ones((2, 3)), np.ones((2, 0)), np.ones((0, 3)))
    assert grads[2].tolist() == [2, 2, 2]
    assert ops.zero_pad2d(np.zeros((1, 0, 2, 2)), ((1, 1), (1, 1))).shape == (1, 0, 4, 4)
    assert ops.relu(np.zeros((0, 3))).shape == (0, 3)
    assert ops.relu(np.array(-2.0)).shape == ()


@repeatable
@given(arguments=convolutions())
def test_convolution_in_any_geometry(arguments, fast, pure):
    expected = correlate(*arguments)
    got = fast.general_conv2d(*arguments)
    assert_same(got, expected)
    assert_same(pure.general_conv2d(*arguments), expected)
    x, w, _, *geometry = arguments
    dy = Arrays(8)(*got.shape).astype(x.dtype)
    gradients = fast.general_conv2d_backward(dy, x, w, *geometry)
    assert_same(gradients, pure.general_conv2d_backward(dy, x, w, *geometry))


@repeatable
@given(arguments=convolutions())
def test_the_special_convolutions_are_the_general_one(arguments, fast, pure):
    x, w, b, stride, pads, dilation, groups = arguments
    padding = pads[0][0], pads[1][0]
    both = tuple((p, p) for p in padding)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:], strict=True)]
    if any(s + 2 * p < r for s, p, r in zip(x.shape[2:], padding, reach, strict=True)):
        return
    expected = correlate(x, w, b, stride, both, dilation, groups)
    for twin in (fast, pure):
        got = twin.grouped_conv2d(x, w, b, stride, padding, dilation, groups)
        assert_same(got, expected)
    one = np.repeat(w, groups, axis=1)
    expected = correlate(x, one, b, stride, both, (1, 1), 1)
    for twin in (fast, pure):
        assert_same(twin.conv2d(x, one, b, stride, padding), expected)
        assert_same(twin.conv2d_im2col(x, one, b, stride, padding), expected)
        columns = twin.im2col(x, w.shape[2:], stride, padding)
        product = one.reshape(len(one), one[0].size) @ columns + b[:, None]
        assert_same(product.reshape(expected.shape), expected)
        dy = Arrays(9)(*expected.shape).astype(x.dtype)
        gradients = twin.conv2d_backward(dy, x, one, stride, padding)
        assert_same(gradients, twin.general_conv2d_backward(dy, x, one, stride, both, (1, 1), 1))


@repeatable
@given(arguments=pools())
def test_pooling_in_any_geometry(arguments, fast, pure):
    x = arguments[0]
    for name in ("max_pool2d", "avg_pool2d"):
        got = getattr(fast, name)(*arguments)
        assert_same(got, getattr(pure, name)(*arguments), rounded=True)
        dy = Arrays(10)(*got.shape).astype(x.dtype)
        gradients = getattr(fast, f"{name}_backward")(dy, *arguments)
        other = getattr(pure, f"{name}_backward")(dy, *arguments)
        assert_same(gradients, other, rounded=name.startswith("avg"))
        # Pooling neither makes nor loses gradient.
        np.testing.assert_allclose(gradients.sum(), dy.sum(), rtol=1e-4, atol=1e-3)


# Shape, kernel, stride, padding. The kernels pack small planes of more than a few images.
POOLS = [
    ((3, 7, 5, 6), (2, 2), (2, 2), (0, 0)),
    ((3, 7, 5, 6), (2, 2), (2, 2), (1, 1)),
    ((2, 17, 7, 4), (3, 3), (1, 1), (1, 1)),
    ((1, 16, 7, 9), (3, 3), (2, 2), (1, 0)),
    ((1, 15, 9, 8), (4, 3), (1, 2), (2, 1)),
    ((5, 5, 8, 7), (2, 3), (3, 4), (0, 1)),
    ((1, 20, 16, 16), (5, 5), (3, 3), (2, 2)),
    ((9, 1, 1, 6), (1, 4), (1, 3), (0, 2)),
    ((9, 1, 6, 1), (3, 1), (2, 1), (1, 0)),
    ((4, 6, 4, 5), (4, 5), (1, 1), (0, 0)),
    ((4, 6, 4, 5), (7, 9), (2, 2), (3, 4)),
    ((4, 6, 3, 4), (2, 2), (9, 9), (0, 0)),
    ((1, 2, 5, 6), (3, 2), (2, 2), (1, 1)),
    ((1, 2, 40, 37), (3, 3), (2, 2), (1, 1)),
    ((1, 20, 17, 16), (3, 3), (1, 1), (1, 1)),
    ((1, 20, 28, 28), (3, 3), (2, 2), (1, 1)),
    ((1, 1, 33, 35), (3, 4), (2, 3), (1, 2)),
    ((1, 1, 9, 30), (30, 61), (1, 1), (15, 30)),
    ((0, 20, 5, 5), (2, 2), (2, 2), (0, 0)),
    ((2, 0, 5, 5), (5, 5), (2, 2), (0, 0)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("arguments", POOLS)
def test_pooling_of_ties_infinities_and_nan(arguments, dtype, fast, pure):
    shape, *geometry = arguments
    rng = np.random.default_rng(sum(shape))
    few = rng.integers(-1, 2, shape).astype(dtype)
    odd = rng.choice(np.array([-np.inf, -np.inf, -np.inf, 0, 1, np.inf, np.nan], dtype), shape)
    rare = np.where(rng.random(shape) < 0.05, np.nan, few).astype(dtype)
    for x in (few, odd, rare, np.full(shape, -np.inf, dtype), np.full(shape, np.nan, dtype)):
        y = fast.max_pool2d(x, *geometry)
        assert_same(y, pure.max_pool2d(x, *geometry))
        dy = rng.integers(-9, 10, y.shape).astype(dtype)
        got = fast.max_pool2d_backward(dy, x, *geometry)
        assert_same(got, pure.max_pool2d_backward(dy, x, *geometry))
        with np.errstate(invalid="ignore"):
            wanted = pure.avg_pool2d(x, *geometry)
        got = fast.avg_pool2d(x, *geometry)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5)
        assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    for special in (np.nan, np.inf):
        # What is odd in one window's gradient reaches no pixel of another.
        dy = np.where(rng.random(dy.shape) < 0.1, special, dy).astype(dtype)
        for name in ("max_pool2d_backward", "avg_pool2d_backward"):
            got, wanted = (getattr(m, name)(dy, few, *geometry) for m in (fast, pure))
            np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5)


@repeatable
@given(arguments=pools())
def test_windows_and_columns_in_any_geometry(arguments, fast, pure):
    x, kernel, stride, padding = arguments
    columns = fast.im2col(*arguments)
    assert_same(columns, pure.im2col(*arguments))
    values = Arrays(11)(*columns.shape).astype(x.dtype)
    image = fast.col2im(values, x.shape, kernel, stride, padding)
    assert_same(image, pure.col2im(values, x.shape, kernel, stride, padding))
    # Adjoints: <im2col(x), c> = <x, col2im(c)>.
    assert np.vdot(columns, values) == np.vdot(x, image)
    assert_same(fast.downsample(x, stride), pure.downsample(x, stride))
    if all(side >= k for side, k in zip(x.shape[2:], kernel, strict=True)):
        windows = fast.sliding_windows(x, kernel, stride)
        assert_same(windows, pure.sliding_windows(x, kernel, stride))


NO_PADDING, ONE = ((0, 0), (0, 0)), ((1, 1), (1, 1))


@pytest.mark.parametrize(
    ("shape", "filters", "stride", "pads", "groups"),
    [
        ((2, 4, 70, 61), (3, 4, 5, 5), (1, 1), ((1, 1), (2, 2)), 1),  # several blocks of rows
        ((2, 40, 60, 70), (5, 40, 5, 5), (1, 1), ((2, 2), (2, 2)), 1),  # and by rows of the kernel
        ((1, 1, 43, 239), (3, 1, 40, 40), (1, 1), ONE, 1),  # one row is larger than the workspace
        ((1, 2, 44, 300), (3, 2, 40, 40), (2, 1), ONE, 1),
        ((1, 12, 45, 900), (2, 12, 40, 3), (1, 1), ONE, 1),
        ((7, 30, 5, 6), (9, 30, 3, 3), (1, 1), ONE, 1),  # small images together, sharing padding
        ((9, 30, 5, 6), (8, 15, 4, 2), (1, 1), ((2, 0), (0, 1)), 2),
        ((9, 30, 5, 6), (8, 15, 4, 2), (1, 1), ((0, 3), (1, 0)), 2),
        ((9, 8, 6, 6), (5, 8, 2, 2), (2, 2), NO_PADDING, 1),  # together, and not by rows
        ((2, 3, 61, 64), (7, 3, 11, 11), (4, 4), ((2, 2), (2, 2)), 1),  # every fourth row
        ((5, 10, 17, 9), (6, 5, 7, 4), (3, 2), ((5, 2), (0, 3)), 2),
        ((2, 6, 300, 200), (4, 6, 5, 5), (2, 1), ((1, 0), (2, 2)), 1),
        ((2, 500, 9, 9), (140, 500, 3, 3), (1, 1), ONE, 1),  # parts of channels; tiles on all sides
        ((2, 300, 21, 20), (260, 300, 1, 1), (1, 1), NO_PADDING, 1),
        ((2, 3, 40, 41), (64, 3, 7, 7), (2, 2), ((3, 3), (3, 2)), 1),  # by strips, dw turned
        ((3, 1, 20, 24), (6, 1, 5, 5), (1, 1), NO_PADDING, 1),  # by rows, with few filters
        ((2, 350, 12, 13), (16, 350, 3, 3), (1, 1), ONE, 1),  # dw turned: by rows, in parts,
        ((4, 5, 9, 8), (24, 5, 3, 2), (3, 3), ONE, 1),  # not by rows,
        ((3, 14, 10, 9), (28, 7, 3, 3), (1, 1), ONE, 2),  # in groups,
        ((2, 20, 9, 8), (16, 20, 1, 1), (1, 1), NO_PADDING, 1),  # and of one pixel
    ],
)
def test_convolutions_that_are_done_in_parts(shape, filters, stride, pads, groups, fast):
    a = Arrays(12)
    x, w, b = a(*shape), a(*filters), a(filters[0])
    geometry = (stride, pads, (1, 1), groups)
    y = fast.general_conv2d(x, w, b, *geometry)
    np.testing.assert_array_equal(y, correlate(x, w, b, *geometry))
    # The gradients of a linear operation, by its adjoints: <dy, y(x)> = <dx, x>, and so for w.
    dy = a(*y.shape)
    dx, dw, db = fast.general_conv2d_backward(dy, x, w, *geometry)
    other_x, other_w, zero = a(*x.shape), a(*w.shape), np.zeros(len(b))
    assert np.vdot(dx, other_x) == np.vdot(dy, correlate(other_x, w, zero, *geometry))
    assert np.vdot(dw, other_w) == np.vdot(dy, correlate(x, other_w, zero, *geometry))
    np.testing.assert_array_equal(db, dy.sum(axis=(0, 2, 3)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize(("filters", "stride"), [((4, 30, 3, 3), (1, 1)), ((4, 30, 2, 2), (2, 2))])
def test_what_is_not_finite_stays_in_its_image(filters, stride, wrong, fast):
    """Also where several small images are one product."""
    a = Arrays(13)
    x, w, b = a(7, 30, 5, 5), a(*filters), a(4)
    y = fast.conv2d(x, w, b, stride, (1, 1))
    dy = a(*y.shape)
    right = y, *fast.conv2d_backward(dy, x, w, stride, (1, 1))
    x[3, :, 0] = dy[3, :, 0] = wrong
    y = fast.conv2d(x, w, b, stride, (1, 1))
    dx, _, _ = fast.conv2d_backward(dy, x, w, stride, (1, 1))
    others = [0, 1, 2, 4, 5, 6]
    np.testing.assert_array_equal(y[others], right[0][others])
    np.testing.assert_array_equal(dx[others], right[1][others])
    assert not np.isfinite(y[3]).all()
    assert not np.isfinite(dx[3]).all()
    # The kernel's last row never meets the first row of an image.
    if filters[2] == 3:
        x[3, :, 0] = wrong
        dy[...] = 1
        assert np.isfinite(fast.conv2d_backward(dy, x, w, stride, (1, 1))[1][:, :, 2]).all()


# Numbers that are not finite


@pytest.mark.parametrize("name", NAMES)
def test_no_floating_point_warning_leaves_the_core(name, fast):
    arguments = CALLS[name](Arrays(13))
    for value in (np.nan, np.inf, -np.inf, 1e38):
        for dtype in (np.float32, np.float64):

            def spoil(array, value=value, dtype=dtype):
                array = array.astype(dtype)
                array[..., 0] = value if value != 1e38 or dtype == np.float32 else 1e308
                return array

            with np.errstate(all="raise"):
                run(fast, name, each_array(spoil, arguments))


def test_weights_too_large_for_float32_become_infinite(fast):
    result = fast.dense(np.ones((1, 1), np.float32), np.array([[1e300]]), np.zeros(1))
    assert result.tolist() == [[np.inf]]


def test_nan_in_pooling_and_relu(ops):
    x = np.array([[[[1.0, np.nan, 2.0, 3.0, 0.0, np.nan, np.nan]]]])
    got = ops.max_pool2d(x, (1, 2), (1, 1))
    np.testing.assert_array_equal(got[0, 0, 0], [np.nan, np.nan, 3, 3, np.nan, np.nan])
    dx = ops.max_pool2d_backward(np.ones((1, 1, 1, 6)), x, (1, 2), (1, 1))
    assert dx[0, 0, 0].tolist() == [0, 2, 0, 2, 0, 2, 0]
    got = ops.relu(np.array([np.nan, -np.inf, np.inf]))
    np.testing.assert_array_equal(got, [np.nan, 0, np.inf])
    assert ops.relu_backward(np.ones(3), np.array([np.nan, 0.0, 1.0])).tolist() == [0, 0, 1]


def test_minus_infinity_beats_the_padding(ops):
    x = np.full((1, 1, 1, 3), -np.inf)
    assert np.isneginf(ops.max_pool2d(x, (1, 2), (1, 1), (0, 1))).all()
    dx = ops.max_pool2d_backward(np.ones((1, 1, 1, 4)), x, (1, 2), (1, 1), (0, 1))
    assert dx[0, 0, 0].tolist() == [2, 1, 1]


def test_float32_sums_run_in_float64(fast):
    x = np.ones((1, 1, 1, 2**24 + 8), np.float32)
    x[0, 0, 0, 0] = 2.0**24
    expected = (2.0**25 + 7) / (2**24 + 8)
    assert fast.global_avg_pool2d(x)[0, 0] == np.float32(expected)
