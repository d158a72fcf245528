"""The small CNN: initial weights, steps, gradients, and that it learns."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from twins import Arrays, assert_same


def test_he_normal_draws(ops, fast, pure):
    for shape, fan_in in [((200, 3, 4, 5), 60), ((100, 90), 100)]:
        weights = ops.he_normal(shape, np.random.default_rng(1))
        assert (weights.shape, weights.dtype) == (shape, np.float64)
        assert weights.std() == pytest.approx((2 / fan_in) ** 0.5, rel=0.03)
        assert abs(weights.mean()) < 0.01
        same = fast.he_normal(shape, np.random.default_rng(1))
        np.testing.assert_array_equal(same, pure.he_normal(shape, np.random.default_rng(1)))


def test_sgd_momentum_by_hand(ops):
    p, g, v = {"w": np.array([1.0, 2])}, {"w": np.array([4.0, -8])}, {"w": np.array([2.0, 0])}
    new_p, new_v = ops.sgd_momentum(p, g, v, 0.25, 0.5)
    assert (new_v["w"].tolist(), new_p["w"].tolist()) == ([0, 2], [1, 4])
    assert (p["w"].tolist(), v["w"].tolist()) == ([1, 2], [2, 0])
    # The parameter decides the type.
    p = {"w": np.array([1, 2], np.float32)}
    new_p, new_v = ops.sgd_momentum(p, g, v, np.float64(0.25), 0.5)
    assert new_p["w"].dtype == new_v["w"].dtype == np.float32


def test_forward_is_its_layers(ops):
    a = Arrays(30)
    p, x = a.network(), a.images(1, 5, 9)
    y = ops.relu(ops.conv2d(x, p["conv1.w"], p["conv1.b"], (1, 1), (1, 1)))
    y = ops.max_pool2d(y, (2, 2), (2, 2))
    y = ops.relu(ops.conv2d(y, p["conv2.w"], p["conv2.b"], (1, 1), (1, 1)))
    y = ops.max_pool2d(y, (2, 2), (2, 2))
    assert y.shape == (2, 16, 1, 2)
    expected = ops.dense(y.reshape(2, 32), p["dense.w"], p["dense.b"])
    assert_same(ops.forward(p, x), expected)


def test_loss_and_gradients(ops):
    rng = np.random.default_rng(31)
    p = {key: rng.normal(size=value.shape) for key, value in Arrays().network().items()}
    x, labels = rng.normal(size=(3, 1, 5, 9)), np.array([2, 7, 7])
    loss, gradients = ops.loss_and_gradients(p, x, labels)
    assert loss == pytest.approx(ops.cross_entropy(ops.forward(p, x), labels))
    for key, gradient in gradients.items():
        assert gradient.shape == p[key].shape
        # A few entries of each: the slope of the loss by central differences.
        for index in rng.integers(0, gradient.size, 4):
            losses = []
            for step in (1e-5, -1e-5):
                moved = copy.deepcopy(p)
                moved[key].flat[index] += step
                losses.append(ops.cross_entropy(ops.forward(moved, x), labels))
            slope = (losses[0] - losses[1]) / 2e-5
            assert gradient.flat[index] == pytest.approx(slope, rel=1e-4, abs=1e-6), key


def stripes(count, rng):
    """Noisy images of 8 by 8 pixels: class k has a bright row k, or column k - 5."""
    labels = np.arange(count) % 10
    images = rng.normal(0, 0.1, (count, 1, 8, 8))
    for image, label in zip(images, labels, strict=True):
        if label < 5:
            image[0, label] += 1
        else:
            image[0, :, label - 5] += 1
    return images, labels


def test_fit_learns(fast):
    images, labels = stripes(200, np.random.default_rng(32))
    parameters = fast.fit(images, labels, 12, 0.05, 0.9, 16, np.random.default_rng(33))
    held_back, answers = stripes(100, np.random.default_rng(34))
    assert np.mean(fast.forward(parameters, held_back).argmax(axis=1) == answers) > 0.95


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fit_is_the_same_in_both_twins(fast, pure, dtype):
    images, labels = stripes(30, np.random.default_rng(35))
    runs = [
        twin.fit(images.astype(dtype), labels, 2, 0.05, 0.9, 8, np.random.default_rng(36))
        for twin in (fast, pure)
    ]
    for key, expected in runs[1].items():
        assert runs[0][key].dtype == expected.dtype == np.float64
        error = 1e-10 if dtype == np.float64 else 1e-3
        np.testing.assert_allclose(runs[0][key], expected, rtol=error, atol=error)


def test_fit_uses_the_last_smaller_batch_and_a_new_order(ops):
    images, labels = stripes(5, np.random.default_rng(37))
    got = ops.fit(images, labels, 2, 0.1, 0.5, 3, np.random.default_rng(38))
    rng = np.random.default_rng(38)
    p = {
        "conv1.w": ops.he_normal((8, 1, 3, 3), rng),
        "conv1.b": np.zeros(8),
        "conv2.w": ops.he_normal((16, 8, 3, 3), rng),
        "conv2.b": np.zeros(16),
        "dense.w": ops.he_normal((64, 10), rng),
        "dense.b": np.zeros(10),
    }
    v = {key: np.zeros_like(value) for key, value in p.items()}
    for _ in range(2):
        order = rng.permutation(5)
        for batch in (order[:3], order[3:]):
            _, g = ops.loss_and_gradients(p, images[batch], labels[batch])
            p, v = ops.sgd_momentum(p, g, v, 0.1, 0.5)
    assert_same(got, p, rounded=True)
