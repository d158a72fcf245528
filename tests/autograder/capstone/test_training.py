"""Training: it learns, tells how far it is, and an interruption changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.capstone import training
from autograder.capstone.data import subset

PLAN = training.Plan(epochs=3, batch=16, rate=1e-2)


def tiny(keras):
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.AveragePooling2D(4),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.2, seed=1),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def data(rng):
    mnist = subset()
    order = rng.permutation(200)
    return mnist.train_images[order][..., None], mnist.train_labels[order]


def test_a_key_changes_with_all_that_it_is_made_of():
    keys = {
        training.key(PLAN, "a"),
        training.key(PLAN, "b"),
        training.key(training.Plan(3, 16, 1e-2, seed=1), "a"),
    }
    assert len(keys) == 3
    assert training.key(PLAN, "a") in keys


def test_a_digest_sees_values_shapes_and_order():
    one, two = np.arange(6.0), np.ones(2)
    digests = [
        training.digest(weights)
        for weights in ([one, two], [two, one], [one.reshape(2, 3), two], [one + 1e-12, two])
    ]
    assert len(set(digests)) == 4


@pytest.mark.slow
def test_training_tells_how_far_it_is_and_learns(keras):
    told = []
    model = training.learn(tiny(keras), data, PLAN, lambda *step: told.append(step))
    assert told[0][:2] == (16, 600)
    assert told[-1][:2] == (600, 600)
    assert [done for done, _, _ in told] == sorted({done for done, _, _ in told})
    assert told[-1][2].startswith("epoch 3 of 3, loss ")
    first, last = (float(step[2].rpartition(" ")[2]) for step in (told[0], told[-1]))
    assert last < 0.95 * first
    images, labels = data(np.random.default_rng(0))
    assert (model.predict(images, verbose=0).argmax(axis=1) == labels).mean() > 0.25


@pytest.mark.slow
@pytest.mark.parametrize("images_seen", [210, 390])
def test_an_interruption_changes_nothing(images_seen, keras, tmp_path):
    whole = training.learn(tiny(keras), data, PLAN)

    def interrupt(done, total, text):
        if done >= images_seen:
            raise KeyboardInterrupt

    kept = tmp_path / "kept.keras"
    keras.utils.set_random_seed(0)
    with pytest.raises(KeyboardInterrupt):
        training.learn(tiny(keras), data, PLAN, interrupt, kept)
    told = []
    resumed = training.learn(tiny(keras), data, PLAN, lambda *step: told.append(step), kept)
    assert told[0][0] == 216  # the second epoch is begun anew, the first one is not
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_a_failure_while_saving_leaves_the_last_file(keras, tmp_path, monkeypatch):
    model = tiny(keras)
    file = tmp_path / "model.keras"
    training.save(model, file)
    before = file.read_bytes()

    def full(*arguments, **options):
        raise OSError(28, "No space left on device", "model")

    monkeypatch.setattr(type(model), "save", full)
    with pytest.raises(OSError, match="No space"):
        training.save(model, file)
    assert file.read_bytes() == before


@pytest.mark.slow
def test_the_network_is_small_and_takes_raw_images(keras):
    given, features = training.network()
    model = keras.Model(given, features)
    assert features.shape == (None, 7, 7, 64)
    assert 65_000 < model.count_params() < 80_000
    assert model.layers[1].__class__.__name__ == "Rescaling"
