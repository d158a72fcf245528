"""The derived tolerance: every right way to compute is inside, a real error is outside.

"Right ways" are summation in other orders, accumulation in single precision where the data are in
single precision, running sums, and transforms; on random geometry and on numbers of any size.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from autograder.compare import close, mismatch
from autograder.laws import largest_of
from autograder.tolerance import (
    absolute,
    amplification,
    arrays_of,
    exact,
    largest,
    of_sums,
    of_windows,
    unit_roundoff,
)
from reference import ops

CONV = of_sums(ops.conv2d, "x")


# --- ways to sum


def windows(arguments):
    """Every product that an output sums, (N, O, HO, WO, terms), the bias last."""
    x, w, b = arguments["x"], arguments["w"], arguments["b"]
    (ph, pw), (sh, sw) = arguments["padding"], arguments["stride"]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    view = sliding_window_view(padded, w.shape[2:], axis=(2, 3))[:, :, ::sh, ::sw]
    products = view[:, None] * w[None, :, :, None, None]
    products = np.moveaxis(products, 2, 4).reshape(*products.shape[:2], *view.shape[2:4], -1)
    bias = np.broadcast_to(b[None, :, None, None, None], (*products.shape[:4], 1))
    return np.concatenate([products, bias], axis=-1)


def forward(terms):
    total = terms[..., 0]
    for i in range(1, terms.shape[-1]):
        total = total + terms[..., i]
    return total


def backward(terms):
    return forward(terms[..., ::-1])


def pairwise(terms):
    if terms.shape[-1] == 1:
        return terms[..., 0]
    half = terms.shape[-1] // 2
    return pairwise(terms[..., :half]) + pairwise(terms[..., half:])


def small_ones_last(terms):
    """The worst order: the largest terms first."""
    order = np.argsort(-np.abs(terms), axis=-1)
    return forward(np.take_along_axis(terms, order, axis=-1))


def by_transform(arguments, fft):
    """Convolution through spectra, in the precision of the data."""
    x, w, b = arguments["x"], arguments["w"], arguments["b"]
    (ph, pw), (sh, sw) = arguments["padding"], arguments["stride"]
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    size = [n + k - 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
    size = [1 << (n - 1).bit_length() for n in size]
    spectra = fft.rfft2(x, s=size)[:, None] * fft.rfft2(w[:, :, ::-1, ::-1], s=size)[None]
    full = fft.irfft2(spectra.sum(axis=2), s=size)
    kh, kw = w.shape[2:]
    valid = full[:, :, kh - 1 : x.shape[2], kw - 1 : x.shape[3]]
    return valid[:, :, ::sh, ::sw].astype(x.dtype) + b[None, :, None, None]


SUMS = [forward, backward, pairwise, small_ones_last]
WAYS = {way.__name__: lambda a, way=way: way(windows(a)) for way in SUMS}
WAYS["numpy_fft"] = lambda a: by_transform(a, np.fft)
WAYS["scipy_fft"] = lambda a: by_transform(a, scipy.fft)


@st.composite
def layers(draw, dtype=None):
    """Arguments of a layer, with numbers that are small, large, mixed, or all but cancel."""
    dtype = dtype or draw(st.sampled_from([np.float32, np.float64]))
    n, c, o = draw(st.integers(1, 2)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    kernel = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    padding = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    size = [
        max(1, k - 2 * p) + draw(st.integers(0, 9)) for k, p in zip(kernel, padding, strict=True)
    ]
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x, w = rng.standard_normal((n, c, *size)), rng.standard_normal((o, c, *kernel))
    b = rng.standard_normal(o)
    numbers = draw(st.sampled_from(["plain", "large", "tiny", "mixed", "cancelling", "pixels"]))
    if numbers == "large":
        x, w, b = x * 1e12, w * 1e3, b * 1e15
    elif numbers == "tiny":
        x, b = x * 1e-12, b * 1e-12
    elif numbers == "mixed":
        x = x * 10.0 ** rng.integers(-6, 6, x.shape)
    elif numbers == "cancelling":
        # Sums of large terms that leave next to nothing.
        x, b = 1 + 1e-3 * x, b * 1e-3
        w = w - w.mean(axis=(1, 2, 3), keepdims=True)
    elif numbers == "pixels":
        x = rng.integers(0, 256, x.shape).astype(float)
    x, w, b = (array.astype(dtype) for array in (x, w, b))
    return dict(x=x, w=w, b=b, stride=stride, padding=padding)


@given(layers())
def test_every_right_way_to_convolve_is_inside(arguments):
    expected = ops.conv2d(**arguments)
    tolerance = CONV(arguments, expected)
    for name, way in WAYS.items():
        yours = way(arguments)
        assert yours.dtype == expected.dtype
        assert mismatch(yours, expected, tolerance) is None, name


@given(layers(dtype=np.float64))
def test_a_relative_error_of_a_millionth_is_outside(arguments):
    expected = ops.conv2d(**arguments)
    tolerance = CONV(arguments, expected)
    wrong = expected * (1 + 1e-6)
    # Where a sum all but cancels, a millionth of it may be less than rounding: the largest counts.
    assert not close(wrong, expected, tolerance).all()


@given(layers(dtype=np.float64), st.sampled_from(["x", "w", "b"]))
def test_arguments_in_single_precision_are_outside(arguments, name):
    # The commonest way to lose precision; where rounding changes nothing, nothing is lost.
    rounded = arguments[name].astype(np.float32).astype(np.float64)
    lost = ops.conv2d(**{**arguments, name: rounded})
    expected = ops.conv2d(**arguments)
    x, w, b = (arguments[key] for key in "xwb")
    scale = largest(x) * np.abs(w).sum() + largest(b)
    if np.abs(lost - expected).max(initial=0.0) > 1e-9 * scale:
        assert mismatch(lost, expected, CONV(arguments, expected)) is not None


def whole_layer(n=2, c=3, o=4, size=(6, 5), kernel=(3, 2), dtype=np.float64):
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 5, (n, c, *size)).astype(dtype)
    w = rng.integers(-4, 5, (o, c, *kernel)).astype(dtype)
    b = rng.integers(-4, 5, o).astype(dtype)
    return dict(x=x, w=w, b=b, stride=(1, 1), padding=(0, 0))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_whole_numbers_leave_a_wide_margin(dtype):
    # Real mistakes in whole-number cases differ by a whole number, or by a simple fraction of one.
    arguments = whole_layer(dtype=dtype)
    expected = ops.conv2d(**arguments)
    assert 0 < largest_of(CONV(arguments, expected)) < (1e-9 if dtype == np.float64 else 0.5)


def test_a_bound_grows_with_its_numbers():
    arguments = whole_layer()
    expected = ops.conv2d(**arguments)
    plain = largest_of(CONV(arguments, expected))
    ten = {**arguments, "x": arguments["x"] * 10, "b": arguments["b"] * 10}
    assert largest_of(CONV(ten, expected * 10)) == pytest.approx(10 * plain)
    zero = {**arguments, "x": arguments["x"] * 0, "b": arguments["b"] * 0}
    assert largest_of(CONV(zero, expected * 0)) == 0
    narrow = whole_layer(dtype=np.float32)
    ratio = largest_of(CONV(narrow, ops.conv2d(**narrow))) / plain
    assert ratio == pytest.approx(2.0**29)


def test_integers_are_judged_as_float64():
    arguments = whole_layer()
    pixels = {**arguments, "x": arguments["x"].astype(np.int8)}
    expected = ops.conv2d(**arguments)
    assert CONV(pixels, expected) == CONV(arguments, expected)


def test_an_empty_batch_has_a_bound():
    arguments = whole_layer(n=0)
    expected = ops.conv2d(**arguments)
    assert mismatch(expected.copy(), expected, CONV(arguments, expected)) is None


def test_layers_upon_layers_have_wider_bounds():
    arguments = whole_layer()
    expected = ops.conv2d(**arguments)
    one, three = of_sums(ops.conv2d, "x"), of_sums(ops.conv2d, "x", layers=3)
    assert largest_of(three(arguments, expected)) == 3 * largest_of(one(arguments, expected))


def test_gradients_have_a_bound_for_each_part():
    rng = np.random.default_rng(1)
    dy, x, w = (
        rng.normal(size=(2, 4, 4, 4)),
        rng.normal(size=(2, 3, 6, 5)),
        rng.normal(size=(4, 3, 3, 2)),
    )
    arguments = dict(dy=dy, x=x, w=w)
    expected = ops.conv2d_backward(**arguments)
    bounds = of_sums(ops.conv2d_backward, "dy")(arguments, expected)
    assert [float(b) > 0 for b in bounds] == [True] * 3
    reordered = ops.conv2d_backward(dy[::-1], x[::-1], w)
    reordered = (reordered[0][::-1], *reordered[1:])
    assert mismatch(reordered, expected, bounds, ("dx", "dw", "db")) is None
    wrong = (expected[0], expected[1] * (1 + 1e-6), expected[2])
    assert mismatch(wrong, expected, bounds, ("dx", "dw", "db")).name == "dw"


# --- windows


@st.composite
def pools(draw):
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    kernel = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    size = [k + draw(st.integers(0, 8)) for k in kernel]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = rng.standard_normal((1, 2, *size)) + draw(st.sampled_from([0.0, 1.0, 1e4]))
    x = x * draw(st.sampled_from([1.0, 1e10, 1e-10]))
    return dict(x=x.astype(dtype), kernel=kernel, stride=stride)


def mean_by_running_sums(x, kernel, stride):
    (kh, kw), (sh, sw) = kernel, stride
    table = np.pad(x, ((0, 0), (0, 0), (1, 0), (1, 0)))
    table = table.cumsum(axis=2, dtype=x.dtype).cumsum(axis=3, dtype=x.dtype)
    corners = table[:, :, kh:, kw:] - table[:, :, :-kh, kw:]
    corners = corners - table[:, :, kh:, :-kw] + table[:, :, :-kh, :-kw]
    return (corners / x.dtype.type(kh * kw))[:, :, ::sh, ::sw]


def mean_in_any_order(order):
    def mean(x, kernel, stride):
        view = sliding_window_view(x, kernel, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
        terms = view.reshape(*view.shape[:4], -1)
        return order(terms) / x.dtype.type(terms.shape[-1])

    return mean


@given(pools())
def test_every_right_way_to_pool_is_inside(arguments):
    expected = ops.avg_pool2d(**arguments)
    tolerance = of_windows("x")(arguments, expected)
    for way in (mean_by_running_sums, *map(mean_in_any_order, SUMS)):
        yours = way(**arguments)
        assert yours.dtype == expected.dtype
        assert mismatch(yours, expected, tolerance) is None, way
    if arguments["x"].dtype == np.float64:
        assert mismatch(expected * (1 + 1e-6), expected, tolerance) is not None


# --- the pieces


def test_the_unit_roundoff_is_half_a_step():
    for dtype in (np.float32, np.float64):
        one = np.asarray(1, dtype)
        assert float(np.nextafter(one, one + 1) - one) == 2 * unit_roundoff(dtype)
    for dtype in (np.int64, np.uint8, np.bool_):
        assert unit_roundoff(dtype) == unit_roundoff(np.float64)


def test_amplification_grows_with_terms_and_points():
    grid = list(itertools.product((1, 9, 100), (0, 1, 2, 64, 1000)))
    values = [amplification(*point) for point in grid]
    assert all(value > 0 for value in values)
    for (one, a), (other, b) in itertools.product(zip(grid, values, strict=True), repeat=2):
        if one[0] <= other[0] and one[1] <= other[1]:
            assert a <= b


def test_amplification_is_the_formula_of_its_page():
    # 2 k for sums of k terms; 21 log2(P) sqrt(P) for three transforms of P points.
    assert amplification(9, 64) == 2 * 9 + 21 * 6 * 8
    assert amplification(1, 0) == 2 + 21 * 2**0.5


def test_functions_that_count_have_no_tolerance():
    assert exact({}, 5) == 0.0


def test_magnitudes_reach_into_lists_and_dictionaries():
    value = {"a": [np.array([-1.0])], "b": (np.array([-2], np.int8), 3), "stride": (1, -1)}
    found = absolute(value)
    assert found["a"][0] == 1
    assert found["b"][0] == 2
    assert found["b"][0].dtype == np.float64
    assert found["stride"] == (1, -1)
    assert [a.tolist() for a in arrays_of(value)] == [[-1.0], [-2]]
    # The smallest integer has no opposite in its own dtype.
    assert absolute(np.array([-128], np.int8)).tolist() == [128.0]


def test_largest_is_zero_where_there_is_nothing():
    assert largest() == largest(np.zeros((0, 3))) == 0.0
    assert largest(np.array([-3.0]), np.array([2.0])) == 3.0
    assert largest_of(({"a": [1.0, np.array([2.0])]}, 0.5)) == 2.0
    assert largest_of([]) == 0.0
