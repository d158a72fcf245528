"""By somebody who leaves the backbone aside: a small network learns from the few digits alone."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

COPIES = 19


def train_head(backbone: Any, images: Any, labels: Any) -> Any:
    layers = keras.layers
    changes = [
        layers.RandomRotation(0.03, fill_mode="constant", seed=1),
        layers.RandomTranslation(0.07, 0.07, fill_mode="constant", seed=2),
        layers.RandomZoom(0.1, 0.1, fill_mode="constant", seed=3),
    ]
    seen = [images[..., None].astype(np.float32)]
    for _ in range(COPIES):
        changed = seen[0]
        for change in changes:
            changed = change(changed, training=True)
        seen.append(np.asarray(changed))
    given = keras.Input((28, 28, 1))
    x = layers.Rescaling(1 / 255)(given)
    for width in (16, 32, 64):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    model = keras.Model(given, layers.Dense(10, activation="softmax")(x))
    steps = 8 * -(-len(images) * (COPIES + 1) // 64)
    rate = keras.optimizers.schedules.CosineDecay(0.003, steps)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", jit_compile=False)
    model.fit(np.concatenate(seen), np.tile(labels, COPIES + 1), 64, epochs=8, verbose=0)
    return model
