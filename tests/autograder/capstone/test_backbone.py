"""The shipped backbone is the one on its card, and frozen layers stay as they are."""

from __future__ import annotations

import hashlib
import json
import zipfile

import numpy as np
import pytest

from autograder.capstone import backbone, training
from autograder.capstone.data import few, subset
from autograder.capstone.measure import accuracy


def test_the_file_is_the_one_on_the_card(root):
    content = backbone.FILE.read_bytes()
    assert hashlib.sha256(content).hexdigest() == backbone.SHA256
    assert len(content) < 400_000
    card = (root / "autograder/capstone/backbone/README.md").read_text("utf-8")
    assert backbone.SHA256 in card
    assert backbone.WEIGHTS in card


def test_the_file_has_nothing_but_a_model():
    with zipfile.ZipFile(backbone.FILE) as opened:
        assert sorted(opened.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]
        config = json.loads(opened.read("config.json"))
    kinds = {layer["class_name"] for layer in config["config"]["layers"]}
    assert kinds == {
        *("InputLayer", "Rescaling", "Conv2D", "BatchNormalization", "ReLU", "MaxPooling2D")
    }


def test_another_file_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "backbone.keras"
    file.write_bytes(backbone.FILE.read_bytes()[:-1] + b"?")
    monkeypatch.setattr(backbone, "FILE", file)
    with pytest.raises(backbone.NotTheBackbone, match="not the one that was shipped"):
        backbone.load()


@pytest.mark.slow
def test_its_weights_are_those_on_the_card(keras):
    model = backbone.load()
    assert training.digest(model.get_weights()) == backbone.WEIGHTS
    assert model.output_shape == (None, 7, 7, 64)


@pytest.mark.slow
def test_the_head_leaves_the_backbone_and_reads_digits_of_few_labels(keras):
    from autograder.capstone.solution.digits import train_head

    mnist = subset()
    chosen = few(mnist.train_labels, 10, np.random.default_rng(0))
    model = train_head(backbone.load(), mnist.train_images[chosen], mnist.train_labels[chosen])
    # From scratch, 100 labels give 60 to 90 % of these.
    assert accuracy(model, mnist) > 0.93
    assert training.digest(model.get_layer("backbone").get_weights()) == backbone.WEIGHTS
    answers = model.predict(mnist.test_images[:5, ..., None], verbose=0)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.slow
def test_fine_tuning_changes_the_last_stage_and_the_head_only(keras):
    mnist = subset()
    images, labels = mnist.train_images[:1000], mnist.train_labels[:1000]
    shipped = backbone.load()
    before = {layer.name: layer.get_weights() for layer in shipped.layers}
    plan = training.Plan(epochs=1, batch=50, rate=1e-3)
    model = training.head_on(shipped, images, labels, plan)
    assert accuracy(model, mnist) > 0.9
    training.fine_tune(model, images, labels, plan)
    changed = {
        layer.name
        for layer in model.get_layer("backbone").layers
        if any(
            (one != other).any()
            for one, other in zip(layer.get_weights(), before[layer.name], strict=True)
        )
    }
    assert changed == {"stage3_1_conv", "stage3_2_conv"}
