"""The course's small Keras CNN on real digits: Keras, the answer key and the compiled reference."""

from __future__ import annotations

import numpy as np
import pytest
from twins import BACKENDS, load_ops

from autograder.digits import digits
from autograder.specs.keras_bridge import logits_error
from reference.pure import keras_bridge

COUNT = 1000


@pytest.fixture(scope="module")
def keras():
    from autograder.capstone import training

    return training.keras()


def network(keras, dtype):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype=dtype),
            layers.Conv2D(8, 3, padding="same", activation="relu", dtype=dtype),
            layers.MaxPooling2D(dtype=dtype),
            layers.Conv2D(16, 3, padding="same", activation="relu", dtype=dtype),
            layers.MaxPooling2D(dtype=dtype),
            layers.Flatten(dtype=dtype),
            layers.Dense(10, dtype=dtype),
        ]
    )


@pytest.fixture(scope="module")
def trained(keras):
    """The weights of a network that has learnt a little."""
    keras.utils.set_random_seed(0)
    model = network(keras, "float32")
    images, labels = digits()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=False)
    some = slice(COUNT, 3 * COUNT)
    model.fit(images[some, ..., None] / 255, labels[some], batch_size=50, epochs=1, verbose=0)
    return model.get_weights()


@pytest.fixture(scope="module", params=["float32", "float64"])
def asked(request, keras, trained):
    """Weights, images, what Keras makes of them, and how far two evaluations may lie apart."""
    dtype = request.param
    model = network(keras, dtype)
    model.set_weights(trained)
    weights = [array.astype(dtype) for array in trained]
    # Keras rounds what it is given to float32, even where it computes in float64.
    images = (digits()[0][:COUNT, ..., None] / 255).astype(np.float32).astype(dtype)
    theirs = model.predict(images, batch_size=250, verbose=0)
    parts = [
        logits_error(dict(weights=weights, images=images[i : i + 50]), theirs[i : i + 50])
        for i in range(0, COUNT, 50)
    ]
    return weights, images, theirs, np.concatenate(parts)


def agree(ours, theirs, bound):
    assert ours.dtype == theirs.dtype
    return (np.abs(ours.astype(np.float64) - theirs) <= bound).all()


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_keras_and_the_reference_agree_to_rounding(asked, backend):
    weights, images, theirs, bound = asked
    assert agree(load_ops(backend).predict(weights, images), theirs, bound)


@pytest.mark.slow
def test_keras_and_the_answer_key_agree_to_rounding(asked):
    weights, images, theirs, bound = asked
    ours = keras_bridge.predict(weights, images)
    assert agree(ours, theirs, bound)
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).all()


@pytest.mark.slow
def test_a_slightly_wrong_reading_lies_beyond_the_bound(asked):
    """In float64 it sees a weight that is a millionth off, in float32 a flipped kernel."""
    weights, images, theirs, bound = asked
    off = [array.copy() for array in weights]
    if theirs.dtype == np.float64:
        off[0] *= 1 + 1e-6
    else:
        off[0] = off[0][::-1]
    assert not agree(keras_bridge.predict(off, images), theirs, bound)
