"""The answer key hands in what is asked for, with the signatures of the stubs."""

from __future__ import annotations

import ast
from dataclasses import replace

import numpy as np
import pytest

from autograder.capstone import backbone
from autograder.capstone.data import subset
from autograder.capstone.measure import accuracy
from autograder.capstone.solution.predict import fold_batch_norm, predict


def signatures(file) -> dict[str, list[str]]:
    tree = ast.parse(file.read_text("utf-8"))
    return {
        node.name: [argument.arg for argument in node.args.args]
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


@pytest.mark.parametrize("name", ["digits", "predict"])
def test_stubs_and_key_have_one_signature(name, root):
    stubs = signatures(root / "exercises" / "capstone" / f"{name}.py")
    key = signatures(root / "autograder" / "capstone" / "solution" / f"{name}.py")
    assert stubs.items() <= key.items()


@pytest.mark.parametrize("name", ["digits", "predict"])
def test_stubs_are_stubs(name, root):
    tree = ast.parse((root / "exercises" / "capstone" / f"{name}.py").read_text("utf-8"))
    bodies = [node.body for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert bodies
    for body in bodies:
        assert len(body) == 2
        assert ast.unparse(body[1]) == "raise NotImplementedError"


def test_folding_is_what_a_convolution_and_its_norm_do():
    rng = np.random.default_rng(0)
    kernel, x = rng.normal(size=(1, 1, 3, 4)), rng.normal(size=(20, 3))
    gamma, beta, mean, variance = rng.uniform(0.5, 2, (4, 4))
    folded, bias = fold_batch_norm(kernel, gamma, beta, mean, variance, 0.1)
    normed = gamma * (x @ kernel[0, 0] - mean) / np.sqrt(variance + 0.1) + beta
    np.testing.assert_allclose(x @ folded[0, 0] + bias, normed, rtol=1e-12)


@pytest.mark.slow
def test_the_key_gives_what_keras_gives(keras):
    from autograder.capstone.solution.digits import build_head

    shipped = backbone.load()
    image = keras.Input((28, 28, 1))
    model = keras.Model(image, build_head((7, 7, 64))(shipped(image, training=False)))
    images = subset().test_images[:200]
    theirs = model.predict(images[..., None], verbose=0)
    ours = predict(model.get_weights(), images)
    assert ours.dtype == np.float32
    # Probabilities: sums of 3,136 products in float32, whose logits are of order one.
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


@pytest.mark.slow
def test_the_key_trains_and_saves_its_model(keras, tmp_path, monkeypatch, capsys):
    from autograder.capstone import data
    from autograder.capstone.solution import digits

    mnist = subset()
    small = replace(
        mnist, train_images=mnist.train_images[:800], train_labels=mnist.train_labels[:800]
    )
    monkeypatch.setattr(data, "load", lambda: small)
    monkeypatch.setattr(digits, "__file__", str(tmp_path / "digits.py"))
    model = digits.train()
    assert "of the test digits are read rightly" in capsys.readouterr().out
    assert accuracy(model, mnist) > 0.95
    saved = keras.models.load_model(tmp_path / "digits.keras")
    images = mnist.test_images[:20, ..., None]
    theirs, ours = saved.predict(images, verbose=0), model.predict(images, verbose=0)
    np.testing.assert_array_equal(theirs, ours)
