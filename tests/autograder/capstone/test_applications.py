"""Backbones of keras.applications, with weights made here: no network is asked."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from typer.testing import CliRunner

from autograder.capstone.backbone import applications
from autograder.capstone.backbone.applications import NoApplication
from autograder.cli import app
from autograder.digits import digits
from autograder.shell import USAGE

# Slow, since TensorFlow is loaded and a network of 150 layers is made.
pytestmark = pytest.mark.slow


def train(*arguments):
    command = ["capstone", "train", "--subset", "--labels", "1", *map(str, arguments)]
    done = CliRunner().invoke(app, command)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert all(len(line) <= 80 for line in done.stdout.splitlines()), done.stdout
    return done


def made(keras, name, file, **options):
    network = getattr(keras.applications, name)
    model = network(include_top=False, weights=None, input_shape=(96, 96, 3), **options)
    model.save_weights(file)
    return model


def test_raw_digits_go_in_and_the_preprocessing_is_inside(keras, tmp_path):
    file = tmp_path / "small.weights.h5"
    body = made(keras, "MobileNetV2", file, alpha=0.35)
    backbone = applications.load("mobilenetv2", file, alpha=0.35)
    images = digits()[0][:3, ..., None]
    features = backbone.predict(images, verbose=0)
    large = keras.ops.image.resize(images.astype(np.float32), (96, 96))
    pixels = np.repeat(np.asarray(large), 3, axis=-1) / 127.5 - 1
    wanted = body.predict(pixels, verbose=0)
    assert features.shape == (3, 3, 3, 1280)
    np.testing.assert_allclose(features, wanted, atol=1e-4 * np.abs(wanted).max())


def test_every_network_is_known_and_has_its_preprocessing(keras):
    assert {"MobileNetV2", "ResNet50", "EfficientNetB0", "ConvNeXtTiny"} <= set(
        applications.names()
    )
    for module, _ in applications._all():
        assert callable(module.preprocess_input)


def test_a_head_is_trained_and_the_model_is_told_to_be_no_hand_in(keras, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made(keras, "MobileNetV2", "small.weights.h5", alpha=0.35)
    small = partial(applications.load, side=32, alpha=0.35)
    monkeypatch.setattr(applications, "load", small)
    done = train(
        "--backbone", "MobileNetV2", "--weights", "small.weights.h5", "--out", "digits.keras"
    )
    assert done.exit_code == 0, done.stderr
    assert "for looking, not handing in" in done.stdout
    assert "at most 500,000 in 5 MiB" in done.stdout
    loaded = keras.models.load_model("digits.keras", compile=False)
    assert loaded.predict(digits()[0][:2, ..., None], verbose=0).shape == (2, 10)


def test_a_wrong_name_is_one_sentence(keras):
    done = train("--backbone", "mobilnet2")
    assert done.exit_code == USAGE
    assert done.stderr.count("\n") == 1
    assert "did you mean MobileNetV2?" in done.stderr


def test_weights_without_a_backbone_are_told(keras, tmp_path):
    done = train("--weights", tmp_path / "none.h5")
    assert done.exit_code == USAGE
    assert "name it too" in done.stderr


def test_wrong_weights_are_told(keras, tmp_path):
    done = train("--backbone", "mobilenetv2", "--weights", tmp_path / "none.weights.h5")
    assert done.exit_code == USAGE
    assert "there is no" in done.stderr
    made(keras, "MobileNetV2", tmp_path / "small.weights.h5", alpha=0.35)
    done = train("--backbone", "mobilenetv2", "--weights", tmp_path / "small.weights.h5")
    assert done.exit_code == USAGE
    assert done.stderr.count("\n") == 1
    assert "does not hold the weights of MobileNetV2" in done.stderr


def test_offline_the_way_out_is_told(keras, monkeypatch, tmp_path):
    def fails(*arguments, **options):
        raise OSError("URL fetch failure: no network")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", fails)
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    with pytest.raises(NoApplication, match=r"cannot be downloaded .*name a local file"):
        applications.load("mobilenetv2")
