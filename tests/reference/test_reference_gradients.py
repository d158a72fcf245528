"""Every gradient against central differences of the forward operation, in float64."""

from __future__ import annotations

import numpy as np
import pytest
from twins import CALLS, Arrays, numeric_gradient


@pytest.fixture
def a():
    return Arrays(20, batch=2)


def check(got, function, x, dy):
    np.testing.assert_allclose(got, numeric_gradient(function, x, dy), rtol=1e-6, atol=1e-6)


def test_relu(ops, a):
    x, dy = a.distinct(3, 4), a.images(3, 4)
    check(ops.relu_backward(dy, x), ops.relu, x, dy)
    assert ops.relu_backward(np.ones(3), np.array([-1, 0, 1])).tolist() == [0, 0, 1]


def test_softmax(ops, a):
    logits, dy = a.images(5) / 4, a.images(5)
    check(ops.softmax_backward(dy, logits), ops.softmax, logits, dy)


def test_cross_entropy(ops, a):
    logits, labels = a.images(5) / 4, a.labels(5)
    got = ops.cross_entropy_backward(logits, labels)
    check(got, lambda value: ops.cross_entropy(value, labels), logits, 1.0)


def test_dense(ops, a):
    dy, x, w = CALLS["dense_backward"](a)
    dx, dw, db = ops.dense_backward(dy, x, w)
    b = np.zeros(3)
    check(dx, lambda value: ops.dense(value, w, b), x, dy)
    check(dw, lambda value: ops.dense(x, value, b), w, dy)
    check(db, lambda value: ops.dense(x, w, value), b, dy)


@pytest.mark.parametrize(
    "geometry",
    [
        ((2, 3), (1, 2), (1, 0)),
        ((3, 2), (2, 1), (0, 1)),
        ((2, 2), (3, 3), (0, 0)),  # stride beyond the kernel
        ((5, 7), (1, 1), (0, 0)),  # kernel = image
    ],
)
@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
def test_pools(ops, a, name, geometry):
    x = a.distinct(2, 5, 7)
    forward = getattr(ops, name)
    dy = a(*forward(x, *geometry).shape)
    got = getattr(ops, f"{name}_backward")(dy, x, *geometry)
    check(got, lambda value: forward(value, *geometry), x, dy)


def test_global_avg_pool(ops, a):
    x, dy = a.images(3, 2, 4), a.images(3)
    check(ops.global_avg_pool2d_backward(dy, x.shape), ops.global_avg_pool2d, x, dy)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [((2, 3), (1, 2), (2, 0)), ((1, 1), (1, 1), (0, 0)), ((5, 6), (1, 1), (0, 0))],
)
def test_conv2d(ops, a, kernel, stride, padding):
    x, w, b = a.images(2, 5, 6), a(3, 2, *kernel), a(3)
    dy = a(*ops.conv2d(x, w, b, stride, padding).shape)
    dx, dw, db = ops.conv2d_backward(dy, x, w, stride, padding)
    check(dx, lambda value: ops.conv2d(value, w, b, stride, padding), x, dy)
    check(dw, lambda value: ops.conv2d(x, value, b, stride, padding), w, dy)
    check(db, lambda value: ops.conv2d(x, w, value, stride, padding), b, dy)


def test_general_conv2d(ops, a):
    dy, x, w, *geometry = CALLS["general_conv2d_backward"](a)
    b = np.zeros(6)
    dx, dw, db = ops.general_conv2d_backward(dy, x, w, *geometry)
    check(dx, lambda value: ops.general_conv2d(value, w, b, *geometry), x, dy)
    check(dw, lambda value: ops.general_conv2d(x, value, b, *geometry), w, dy)
    check(db, lambda value: ops.general_conv2d(x, w, value, *geometry), b, dy)


def test_col2im_is_the_adjoint_of_im2col(ops, a):
    x = a.images(2, 5, 6)
    geometry = ((2, 3), (1, 2), (2, 1))
    columns = ops.im2col(x, *geometry)
    dy = a(*columns.shape)
    check(ops.col2im(dy, x.shape, *geometry), lambda value: ops.im2col(value, *geometry), x, dy)


def test_batch_norm(ops, a):
    x, dy, gamma, beta = a.distinct(3, 2, 4) / 8, a.images(3, 2, 4), np.array([1.0, 2, -3]), a(3)
    eps = 0.5
    dx, dgamma, dbeta = ops.batch_norm2d_backward(dy, x, gamma, eps)
    check(dx, lambda value: ops.batch_norm2d(value, gamma, beta, eps), x, dy)
    check(dgamma, lambda value: ops.batch_norm2d(x, value, beta, eps), gamma, dy)
    check(dbeta, lambda value: ops.batch_norm2d(x, gamma, value, eps), beta, dy)
