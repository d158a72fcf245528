"""The short way of small calls: it gives what the kernels for any size give, or leaves the call."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from twins import Arrays, assert_same, load_ops

from reference import _backend, ops

SMALL = _backend.small
POOLS = ("max_pool2d", "avg_pool2d")
PAIRS = ((1, 1), (1, 2), (3, 2))
LARGE = load_ops("fast", short=False)


def refused(name, arguments):
    """Do the checks of ops.py refuse the call?"""
    try:
        getattr(LARGE, name)(*arguments)
    except ValueError:
        return True
    return False


def assert_short(name, arguments):
    got = getattr(SMALL, name)(*arguments)
    assert got is not None
    assert got.flags.carray
    assert not any(np.shares_memory(got, array) for array in arguments if hasattr(array, "dtype"))
    assert_same(got, getattr(LARGE, name)(*arguments))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("stride", PAIRS)
def test_every_small_convolution(stride, dtype):
    a = Arrays(batch=2)
    done = 0
    for h, w, kh, kw in itertools.product((1, 2, 4), (1, 3), (1, 2, 3), (1, 3)):
        arrays = [v.astype(dtype) for v in (a.images(2, h, w), a(3, 2, kh, kw), a(3))]
        for padding in ((0, 0), (0, 1), (2, 1)):
            arguments = (*arrays, stride, padding)
            if refused("conv2d", arguments):
                assert SMALL.conv2d(*arguments) is None
            else:
                assert_short("conv2d", arguments)
                done += 1
    assert done > 50


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", POOLS)
def test_every_small_pool(name, dtype):
    a = Arrays(batch=2)
    done = 0
    for h, w, *kernel in itertools.product((1, 2, 4), (1, 3), (1, 2, 4), (1, 3)):
        x = a.distinct(3, h, w).astype(dtype)
        for padding, stride in itertools.product(((0, 0), (0, 1), (1, 1), (2, 0)), PAIRS):
            arguments = (x, tuple(kernel), stride, padding)
            if refused(name, arguments):
                assert getattr(SMALL, name)(*arguments) is None
            else:
                assert_short(name, arguments)
                done += 1
    assert done > 50


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", range(4))
def test_what_is_not_finite_goes_as_far_as_in_the_large_way(value, at):
    a = Arrays()
    x, w, b = a.images(2, 4, 5), a(3, 2, 2, 3), a(3)
    for array in (x, w):
        given = array.copy()
        given.flat[at] = value
        arguments = (given, w, b) if array is x else (x, given, b)
        with np.errstate(invalid="ignore"):
            assert_short("conv2d", (*arguments, (1, 2), (1, 0)))
    x.flat[at] = value
    for name in POOLS:
        assert_short(name, (x, (2, 3), (1, 2), (1, 0)))


def test_the_first_of_two_equal_pixels_is_the_largest():
    for x in (np.array([[[[0.0, -0.0]]]]), np.array([[[[-0.0, 0.0]]]])):
        assert np.signbit(SMALL.max_pool2d(x, (1, 2), (1, 1), (0, 0))) == np.signbit(x[..., 0])


def test_products_and_sums_are_in_float64():
    tiny = np.float32(2.0**-24)
    x = np.array([[[[1, tiny, tiny, -1]]]], np.float32)
    once = np.ones((1, 1, 1, 4), np.float32), np.zeros(1, np.float32)
    assert SMALL.conv2d(x, *once, (1, 1), (0, 0)).item() == 2 * tiny
    assert SMALL.avg_pool2d(x, (1, 4), (1, 1), (0, 0)).item() == tiny / 2
    more = 1 + 2.0**-12
    x = np.array([[[[more, -1]]]], np.float32)
    w = np.array([[[[more, 1 + 2.0**-11]]]], np.float32)
    assert SMALL.conv2d(x, w, once[1], (1, 1), (0, 0)).item() == tiny


def test_read_only_arrays_are_read():
    a = Arrays()
    arrays = a.images(2, 4, 5), a(3, 2, 2, 3), a(3)
    for array in arrays:
        array.flags.writeable = False
    assert_short("conv2d", (*arrays, (1, 1), (0, 0)))
    assert_short("max_pool2d", (arrays[0], (2, 2), (2, 2), (0, 0)))


# What it leaves

X, W, B = np.ones((2, 3, 5, 6)), np.ones((4, 3, 2, 3)), np.ones(4)


class Mine(np.ndarray):
    """Someone's own array, which may mean something else by an index."""


def unaligned(array):
    buffer = np.zeros(array.nbytes + 1, np.uint8)
    view = buffer[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


ODD = {
    "a list": lambda array: array.tolist(),
    "whole numbers": lambda array: array.astype(int),
    "half": lambda array: array.astype(np.float16),
    "long": lambda array: array.astype(np.longdouble),
    "big-endian": lambda array: array.astype(">f8"),
    "in Fortran order": lambda array: np.asfortranarray(np.repeat(array, 2, axis=0)),
    "every second": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    "unaligned": unaligned,
    "a subclass": lambda array: array.view(Mine),
    "an axis more": lambda array: array[None],
    "an axis less": lambda array: array[0],
    "no image": lambda array: array[:0],
    "of another type": lambda array: array.astype(np.float32),
    "None": lambda array: None,
}
ODD_PAIRS = [
    [1, 1],
    (1,),
    (1, 1, 1),
    (1, 1.0),
    (True, 1),
    (np.int64(1), 1),
    (-1, 1),
    (1, -1),
    (65, 1),
    (1, 2**63),
    (-(2**70), 1),
    1,
    None,
]


@pytest.mark.parametrize(
    ("odd", "which"),
    # An array of one axis has no order.
    [pair for pair in itertools.product(ODD, range(3)) if pair != ("in Fortran order", 2)],
)
def test_a_convolution_of_other_arrays_is_left(odd, which):
    arrays = [X, W, B]
    arrays[which] = ODD[odd](arrays[which])
    assert SMALL.conv2d(*arrays, (1, 1), (0, 0)) is None


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("odd", [odd for odd in ODD if odd != "of another type"])
def test_a_pool_of_other_arrays_is_left(odd, name):
    assert getattr(SMALL, name)(ODD[odd](X), (2, 2), (1, 1), (0, 0)) is None


@pytest.mark.parametrize("odd", ODD_PAIRS, ids=str)
def test_other_geometry_is_left(odd):
    assert SMALL.conv2d(X, W, B, odd, (0, 0)) is None
    assert SMALL.conv2d(X, W, B, (1, 1), odd) is None
    for name in POOLS:
        pool = getattr(SMALL, name)
        assert pool(X, odd, (1, 1), (0, 0)) is None
        assert pool(X, (2, 2), odd, (0, 0)) is None
        assert pool(X, (2, 2), (1, 1), odd) is None


def test_what_does_not_fit_is_left():
    for w, b in ((W[:, :2].copy(), B), (W, B[:3].copy()), (np.ones((4, 3, 6, 3)), B)):
        assert SMALL.conv2d(X, w, b, (1, 1), (0, 0)) is None
    assert SMALL.conv2d(X, W[:, :, :0].copy(), B, (1, 1), (0, 0)) is None
    assert SMALL.conv2d(X, W, B, (0, 1), (0, 0)) is None
    for name in POOLS:
        pool = getattr(SMALL, name)
        for kernel, padding in (((6, 1), (0, 0)), ((2, 2), (2, 0)), ((2, 2), (0, 2))):
            assert pool(X, kernel, (1, 1), padding) is None
        assert pool(X[:, :, :0].copy(), (1, 1), (1, 1), (0, 0)) is None


def test_what_is_large_is_left():
    """At the limits it is done, and one more of anything is not."""
    one, many = (1, 1, 1, 1), (4096, 1, 1, 1)
    done = (
        ((1, 1, 64, 64), one, (2, 2), (0, 0)),
        ((1, 1, 64, 62), one, (2, 2), (0, 1)),
        ((1, 1, 2, 2), many, (2, 2), (0, 0)),
        ((1, 1, 16, 16), (16, 1, 1, 1), (1, 1), (0, 0)),
    )
    left = (
        ((17, 1, 1, 241), one, (1, 64), (0, 0)),  # pixels: 4097
        ((1, 1, 64, 63), one, (2, 2), (0, 1)),  # pixels with the padding
        ((1, 1, 2, 2), (4097, 1, 1, 1), (2, 2), (0, 0)),  # weights
        ((1, 1, 17, 1), (241, 1, 1, 1), (1, 1), (0, 0)),  # multiplications
    )
    for x, w, *geometry in done:
        assert_short("conv2d", (np.ones(x), np.ones(w), np.zeros(w[0]), *geometry))
    for x, w, *geometry in left:
        assert SMALL.conv2d(np.ones(x), np.ones(w), np.zeros(w[0]), *geometry) is None
    for name in POOLS:
        assert_short(name, (np.ones((4, 16, 8, 8)), (2, 2), (2, 2), (0, 0)))
        pool = getattr(SMALL, name)
        assert pool(np.ones((1, 17, 1, 241)), (1, 1), (1, 64), (0, 0)) is None  # pixels
        assert pool(np.ones((1, 17, 241, 1)), (1, 1), (1, 1), (0, 0)) is None
        assert pool(np.ones((1, 1, 17, 241)), (1, 1), (1, 1), (0, 0)) is None
        assert pool(np.ones((1, 1, 82, 1)), (17, 1), (1, 1), (8, 0)) is not None
        assert pool(np.ones((1, 17, 42, 3)), (2, 3), (1, 1), (0, 0)) is None  # looked at: 4182


# How it is called


@pytest.mark.parametrize("name", ["conv2d", *POOLS])
def test_ops_asks_it_first(name, monkeypatch):
    monkeypatch.setattr(_backend, "small", type("Short", (), {name: lambda *given: given}))
    arguments = (X, W, B) if name == "conv2d" else (X, (2, 2))
    assert getattr(ops, name)(*arguments, (1, 2)) == (*arguments, (1, 2), (0, 0))


def test_the_plain_twin_has_none():
    program = "from reference import _backend; assert _backend.small is None"
    environment = {"REFERENCE_BACKEND": "pure"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
