"""The digit classifier: Keras and NumPy alone, as students have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np


def build_head(shape: tuple[int, ...]) -> Any:
    """A linear layer on the whole feature map: where a stroke is tells digits apart."""
    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.7, seed=0),
            keras.layers.Dense(10, activation="softmax"),
        ],
        name="head",
    )


def train_head(backbone: Any, images: np.ndarray, labels: np.ndarray) -> Any:
    """The frozen backbone with a head trained on its features, which are computed once."""
    backbone.trainable = False
    # Few images are seen in many ways; of many, each is seen as it is.
    copies = 4000 // len(images)
    seen = np.concatenate([images, *(_changed(images, seed) for seed in range(copies))])
    features = backbone.predict(seen[..., None], batch_size=256, verbose=0)
    head = build_head(features.shape[1:])
    _fit(head, features, np.tile(labels, copies + 1), epochs=5, rate=1e-3)
    image = keras.Input((28, 28, 1))
    return keras.Model(image, head(backbone(image, training=False)))


def fine_tune(
    model: Any, backbone: Any, images: np.ndarray, labels: np.ndarray, epochs: int = 5
) -> Any:
    """Train the head and the backbone's last stage on, with small steps and changed images.

    Batch normalisation keeps the statistics that it was pretrained with.
    """
    backbone.trainable = True
    for layer in backbone.layers:
        layer.trainable = layer.name.startswith("stage3") and not layer.name.endswith("norm")
    for epoch in range(epochs):
        changed = _changed(images, seed=epoch)
        rate = 1e-3 * (epochs - epoch) / epochs
        _fit(model, changed[..., None], labels, epochs=1, rate=rate)
    return model


def _changed(images: np.ndarray, seed: int) -> np.ndarray:
    """Each image turned, moved, sheared and scaled a little, by Keras' own layers."""
    layers = [
        keras.layers.RandomRotation(0.03, fill_mode="constant", seed=seed),
        keras.layers.RandomTranslation(0.07, 0.07, fill_mode="constant", seed=seed),
        keras.layers.RandomShear(0.1, 0.1, fill_mode="constant", seed=seed),
        keras.layers.RandomZoom(0.1, 0.1, fill_mode="constant", seed=seed),
    ]
    out = np.empty(images.shape, np.float32)
    for start in range(0, len(images), 1000):
        batch = images[start : start + 1000, ..., None].astype(np.float32)
        for layer in layers:
            batch = layer(batch, training=True)
        out[start : start + 1000] = np.asarray(batch)[..., 0]
    return out


def _fit(model: Any, images: np.ndarray, labels: np.ndarray, epochs: int, rate: float) -> None:
    batch = 32 if len(images) < 10000 else 128
    steps = epochs * -(-len(images) // batch)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)),
        keras.losses.SparseCategoricalCrossentropy(),
        jit_compile=False,
    )
    model.fit(images, labels, batch_size=batch, epochs=epochs, verbose=0)


def train() -> Any:
    """All of it: the data, the head, fine-tuning, and the file that is handed in."""
    from autograder.capstone import backbone, data

    mnist = data.load()
    shipped = backbone.load()
    model = train_head(shipped, mnist.train_images, mnist.train_labels)
    fine_tune(model, shipped, mnist.train_images, mnist.train_labels)
    answers = model.predict(mnist.test_images[..., None], verbose=0).argmax(axis=1)
    print(f"{(answers == mnist.test_labels).mean():.2%} of the test digits are read rightly")
    model.save(Path(__file__).parent / "digits.keras")
    return model
