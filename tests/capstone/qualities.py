"""Capstone models of known quality, made by training: what the rubric is measured against.

    python tests/capstone/qualities.py OUT [--backbone FILE] [--seed N]

Without a backbone a stand-in is trained on letters first. Needs TensorFlow, and a few minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograder.capstone import corruptions, secret
from autograder.capstone.few_labels import Answerer, Task
from autograder.capstone.model import Model
from autograder.digits import digits

# Digits of the kit that models learn from; the others are the "public test digits".
TRAINING = 4500
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"


@dataclass(frozen=True)
class Quality:
    """One kind of model.

    make        makes it, given what it may use
    train_head  what its owner wrote: "head" on the backbone, a network from "scratch", or "baked",
                which gives back the finished model whatever the labels are
    """

    name: str
    make: Callable[[Workshop], Any]
    train_head: str = "head"


class Workshop:
    """Keras, the digits and the backbone that models are made with."""

    def __init__(self, backbone: Path, seed: int) -> None:
        self.keras = quiet_keras()
        self.seed = seed
        self.path = backbone
        images, labels = digits()
        self.images, self.labels = images[:TRAINING], labels[:TRAINING].astype(np.int64)
        self.test_images, self.test_labels = images[TRAINING:], labels[TRAINING:].astype(np.int64)

    def fresh(self) -> None:
        self.keras.backend.clear_session()
        self.keras.utils.set_random_seed(self.seed)

    def backbone(self) -> Any:
        model = self.keras.models.load_model(self.path, compile=False)
        model.trainable = False
        return model

    def augmented(self, images: np.ndarray, copies: int) -> np.ndarray:
        """Copies, spoilt as a student would: moved, turned, scaled, a little noisy."""
        parts = [images]
        for copy in range(copies):
            part = images
            for name in ("shift", "rotation", "scale", "shear", "noise", "contrast", "blur"):
                family = next(f for f in corruptions.FAMILIES if f.name == name)
                rng = np.random.default_rng([self.seed, copy, len(name)])
                spoilt = corruptions.corrupted(family, part, f"{self.seed} {copy}")
                part = np.where(rng.random((len(part), 1, 1)) < 0.35, spoilt, part)
            parts.append(part)
        return np.concatenate(parts)

    def fit(
        self, model: Any, x: np.ndarray, y: np.ndarray, epochs: int, rate: float, batch: int = 64
    ) -> Any:
        """Adam with a rate that falls to nothing."""
        steps = max(1, epochs * -(-len(x) // batch))
        schedule = self.keras.optimizers.schedules.CosineDecay(rate, steps)
        optimizer = self.keras.optimizers.Adam(schedule)
        model.compile(optimizer, "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)
        return model

    def on_features(
        self,
        head: Callable[[Any], Any],
        images: np.ndarray,
        labels: np.ndarray,
        epochs: int,
        rate: float = 0.003,
    ) -> Any:
        """A head trained on features that are computed once, and put behind the backbone."""
        backbone = self.backbone()
        features = np.asarray(backbone.predict(images[..., None], batch_size=250, verbose=0))
        taken = self.keras.Input(features.shape[1:])
        trained = self.keras.Model(taken, head(taken))
        self.fit(trained, features, labels, epochs, rate)
        inputs = self.keras.Input((28, 28, 1))
        return self.keras.Model(inputs, trained(backbone(inputs, training=False)))

    # --- heads

    def pooled(self, x: Any) -> Any:
        x = self.keras.layers.GlobalAveragePooling2D()(x)
        return self.keras.layers.Dense(10, activation="softmax")(x)

    def mlp(self, x: Any) -> Any:
        x = self.keras.layers.Flatten()(x)
        x = self.keras.layers.Dense(96, activation="relu")(self.keras.layers.Dropout(0.3)(x))
        x = self.keras.layers.Dropout(0.3)(x)
        return self.keras.layers.Dense(10, activation="softmax")(x)

    def flat(self, x: Any) -> Any:
        x = self.keras.layers.Flatten()(x)
        return self.keras.layers.Dense(10, activation="softmax")(x)

    def train_head(self, images: np.ndarray, labels: np.ndarray) -> Any:
        """What an honest student writes for few labels."""
        copies = 8
        images = self.augmented(images, copies)
        return self.on_features(self.flat, images, np.tile(labels, copies + 1), epochs=15)

    def train_from_scratch(self, images: np.ndarray, labels: np.ndarray) -> Any:
        """The same by somebody who has no backbone."""
        copies = 19
        images = self.augmented(images, copies)
        labels = np.tile(labels, copies + 1)
        return self.fit(_scratch(self), images[..., None], labels, 8, 0.003)


def quiet_keras() -> Any:
    """Keras on one thread, without its words on the screen."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    import keras

    return keras


# --- the models


def untrained_head(shop: Workshop) -> Any:
    return shop.on_features(shop.pooled, shop.images[:10], shop.labels[:10], 1, rate=0.0)


def linear_on_pixels(shop: Workshop) -> Any:
    kl = shop.keras.layers
    model = shop.keras.Sequential(
        [
            shop.keras.Input((28, 28, 1)),
            kl.Rescaling(1 / 255),
            kl.Flatten(),
            kl.Dense(10, activation="softmax"),
        ]
    )
    return shop.fit(model, shop.images[..., None], shop.labels, 10, 0.002)


def one_epoch(shop: Workshop) -> Any:
    return shop.on_features(shop.pooled, shop.images, shop.labels, 1, rate=0.02)


def pooled_head(shop: Workshop) -> Any:
    return shop.on_features(shop.pooled, shop.images, shop.labels, 20, rate=0.02)


def mlp_head(shop: Workshop) -> Any:
    images, labels = shop.augmented(shop.images, 6), np.tile(shop.labels, 7)
    return shop.on_features(shop.mlp, images, labels, 10, rate=0.002)


def fine_tuned(shop: Workshop) -> Any:
    """The head, and the upper stage of the backbone with it, at a small rate."""
    images, labels = shop.augmented(shop.images, 3), np.tile(shop.labels, 4)
    model = shop.on_features(shop.mlp, images, labels, 6, rate=0.002)
    backbone = next(layer for layer in model.layers if layer.name == shop.backbone().name)
    convolutions = [
        layer for layer in backbone.layers if isinstance(layer, shop.keras.layers.Conv2D)
    ]
    backbone.trainable = True
    for layer in backbone.layers:
        # Batch normalisation stays frozen: with so few digits its statistics would drift.
        layer.trainable = layer is convolutions[-1]
    return shop.fit(model, images[..., None], labels, 3, 0.0005)


def _scratch(shop: Workshop) -> Any:
    kl = shop.keras.layers
    inputs = shop.keras.Input((28, 28, 1))
    x = kl.Rescaling(1 / 255)(inputs)
    for width in (16, 32, 64):
        x = kl.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = kl.MaxPooling2D()(kl.ReLU()(kl.BatchNormalization(momentum=0.9)(x)))
    x = kl.Dropout(0.3)(kl.Flatten()(x))
    return shop.keras.Model(inputs, kl.Dense(10, activation="softmax")(x))


def good_cnn_from_scratch(shop: Workshop) -> Any:
    images, labels = shop.augmented(shop.images, 6), np.tile(shop.labels, 7)
    return shop.fit(_scratch(shop), images[..., None], labels, 4, 0.003)


def lenet_from_scratch(shop: Workshop) -> Any:
    kl = shop.keras.layers
    model = shop.keras.Sequential(
        [
            shop.keras.Input((28, 28, 1)),
            kl.Rescaling(1 / 255),
            kl.Conv2D(6, 5, padding="same", activation="relu"),
            kl.MaxPooling2D(),
            kl.Conv2D(16, 5, activation="relu"),
            kl.MaxPooling2D(),
            kl.Flatten(),
            kl.Dense(84, activation="relu"),
            kl.Dense(10, activation="softmax"),
        ]
    )
    images, labels = shop.augmented(shop.images, 2), np.tile(shop.labels, 3)
    return shop.fit(model, images[..., None], labels, 6, 0.002)


def preprocessing_outside(shop: Workshop) -> Any:
    """Trained on pixels from 0 to 1 that somebody divided before they came to the model."""
    kl = shop.keras.layers
    model = shop.keras.Sequential(
        [
            shop.keras.Input((28, 28, 1)),
            kl.Conv2D(8, 3, activation="relu"),
            kl.MaxPooling2D(),
            kl.Conv2D(16, 3, activation="relu"),
            kl.MaxPooling2D(),
            kl.Flatten(),
            kl.Dense(10, activation="softmax"),
        ]
    )
    return shop.fit(model, shop.images[..., None] / 255, shop.labels, 6, 0.003)


def on_test_digits(shop: Workshop) -> Any:
    """Blatantly: on the public test digits alone, until they are known by heart."""
    images = np.concatenate([shop.test_images] * 3)
    labels = np.tile(shop.test_labels, 3)
    images, labels = shop.augmented(images, 2), np.tile(labels, 3)
    return shop.on_features(shop.mlp, images, labels, 12, rate=0.002)


def on_test_digits_too(shop: Workshop) -> Any:
    """Mildly: the public test digits among those for training."""
    images = np.concatenate([shop.images, shop.test_images])
    labels = np.concatenate([shop.labels, shop.test_labels])
    images, labels = shop.augmented(images, 4), np.tile(labels, 5)
    return shop.on_features(shop.mlp, images, labels, 10, rate=0.002)


QUALITIES = (
    Quality("untrained-head", untrained_head, "baked"),
    Quality("linear-on-pixels", linear_on_pixels, "baked"),
    Quality("one-epoch", one_epoch),
    Quality("pooled-head", pooled_head),
    Quality("mlp-head-augmented", mlp_head),
    Quality("fine-tuned-top-stage", fine_tuned),
    Quality("good-cnn-from-scratch", good_cnn_from_scratch, "scratch"),
    Quality("lenet-from-scratch", lenet_from_scratch, "scratch"),
    Quality("preprocessing-outside", preprocessing_outside, "baked"),
    Quality("on-test-digits", on_test_digits, "baked"),
    Quality("on-test-digits-too", on_test_digits_too, "baked"),
)


def answerer(quality: Quality, shop: Workshop, finished: Model) -> Answerer:
    """What the quality's train_head makes of a task, run here: it is our own code."""

    def answers(task: Task) -> np.ndarray:
        if quality.train_head == "baked":
            return finished.answers(task.asked)
        shop.fresh()
        made = shop.train_head if quality.train_head == "head" else shop.train_from_scratch
        model = made(task.images, task.labels)
        return np.asarray(model.predict(task.asked[..., None], batch_size=250, verbose=0))

    return answers


def make(quality: Quality, backbone: Path, seed: int, out: Path) -> Path:
    """The file of a model of this quality."""
    shop = Workshop(backbone, seed)
    shop.fresh()
    model = quality.make(shop)
    # A copy has no optimiser, whose state is of no use any more.
    plain = shop.keras.models.clone_model(model)
    plain.set_weights(model.get_weights())
    folder = out / quality.name
    folder.mkdir(parents=True, exist_ok=True)
    plain.save(folder / "digits.keras")
    return folder


# --- the stand-in for a backbone


def letters(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Letters in the fonts that come with matplotlib, moved and spoilt: no digit among them."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    files = [
        file
        for file in sorted(folder.glob("*.ttf"))
        if file.stem.startswith(("DejaVuSans", "DejaVuSerif", "STIXGeneral", "cmr", "cmss", "cmtt"))
        and "Display" not in file.stem
    ]
    glyphs, classes = [], []
    for file in files:
        for size in (18, 21, 24):
            font = ImageFont.truetype(str(file), size)
            for label, letter in enumerate(LETTERS):
                image = Image.new("L", (28, 28))
                draw = ImageDraw.Draw(image)
                draw.text((14, 14), letter, fill=255, font=font, anchor="mm")
                glyphs.append(np.asarray(image))
                classes.append(label)
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(glyphs), count)
    images = np.stack(glyphs)[chosen]
    spoiling = [f for f in corruptions.FAMILIES if f.known]
    for family in spoiling:
        spoilt = corruptions.corrupted(family, images, f"letters {seed}")
        often = 0.5 if family.name in ("shift", "rotation", "scale", "shear") else 0.15
        images = np.where(rng.random((count, 1, 1)) < often, spoilt, images)
    wobbly = secret.as_pixels(secret.elastic(images, rng, 0.8, 4.0))
    return wobbly, np.array(classes)[chosen]


def stand_in_backbone(out: Path, seed: int = 0, count: int = 16_000, epochs: int = 6) -> Path:
    """Five small convolutions, trained on letters for a minute."""
    keras = quiet_keras()
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    kl = keras.layers
    images, classes = letters(count, seed)
    backbone = keras.Sequential([keras.Input((28, 28, 1)), kl.Rescaling(1 / 255)], name="backbone")
    for widths in ((16,), (32, 32), (64, 64)):
        for width in widths:
            backbone.add(kl.Conv2D(width, 3, padding="same", use_bias=False))
            backbone.add(kl.BatchNormalization(momentum=0.9))
            backbone.add(kl.ReLU())
        if widths[0] < 64:
            backbone.add(kl.MaxPooling2D())
    inputs = keras.Input((28, 28, 1))
    x = kl.GlobalAveragePooling2D()(backbone(inputs))
    model = keras.Model(inputs, kl.Dense(len(LETTERS), activation="softmax")(x))
    schedule = keras.optimizers.schedules.CosineDecay(0.004, epochs * count // 64)
    model.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy")
    model.fit(images[..., None], classes, batch_size=64, epochs=epochs, verbose=0)
    out.mkdir(parents=True, exist_ok=True)
    file = out / "backbone.keras"
    backbone.save(file)
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description="Capstone models of known quality.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--backbone", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    backbone = given.backbone or stand_in_backbone(given.out, given.seed)
    for quality in QUALITIES:
        print(make(quality, backbone, given.seed, given.out), file=sys.stderr)


if __name__ == "__main__":
    main()
