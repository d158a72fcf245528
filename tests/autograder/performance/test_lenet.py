"""LeNet-5 of the core's functions: its gradients, and the same steps as the libraries'."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.capstone.data import Mnist
from autograder.performance import lenet
from reference import ops


@pytest.fixture
def digits():
    """130 made-up digits: the last batch is smaller. Bright bars, whose place is the label."""
    rng = np.random.default_rng(3)
    labels = np.arange(130) % 10
    images = rng.integers(0, 40, (130, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4:24, 2 + 2 * label : 5 + 2 * label] = 250
    return Mnist(images, labels.astype(np.uint8), images[:50], labels[:50].astype(np.uint8), "here")


def test_it_is_the_reference_lenet():
    parameters = lenet.initial(np.random.default_rng(0))
    counted = sum(value.size for value in parameters.values())
    assert counted == ops.count_parameters(ops.lenet5(), (1, 32, 32))
    x = np.zeros((2, 1, 32, 32), np.float32)
    assert lenet.forward(parameters, x)[0].shape == (2, 10)


def test_gradients_are_those_of_the_loss():
    rng = np.random.default_rng(1)
    p = {name: value.astype(float) for name, value in lenet.initial(rng).items()}
    x, labels = rng.normal(size=(3, 1, 32, 32)), np.array([1, 7, 4])
    _, gradients = lenet.loss_and_gradients(p, x, labels)
    assert gradients.keys() == p.keys()
    for name, value in p.items():
        direction = rng.normal(size=value.shape)
        losses = [
            lenet.loss_and_gradients({**p, name: value + step * direction}, x, labels)[0]
            for step in (1e-8, -1e-8)
        ]
        slope = (losses[0] - losses[1]) / 2e-8
        assert slope == pytest.approx(np.sum(gradients[name] * direction), rel=1e-5, abs=1e-6)


def test_the_core_learns(digits):
    *_, last = lenet.train(digits, [lenet.Core], epochs=12, seed=0)
    assert last["epoch"] == 12
    assert last["accuracy"] > 0.8


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lenet.Torch, marks=pytest.mark.peers),
        pytest.param(lenet.Keras, marks=pytest.mark.slow),
    ],
)
def test_libraries_make_the_same_steps(other, digits):
    rows = list(lenet.train(digits, [lenet.Core, other], epochs=3, seed=0))
    assert [row["way"] for row in rows] == ["core", other.name] * 3
    for ours, theirs in zip(rows[::2], rows[1::2], strict=True):
        assert theirs["loss"] == pytest.approx(ours["loss"], rel=1e-4)
        assert theirs["accuracy"] == pytest.approx(ours["accuracy"], abs=0.021)
