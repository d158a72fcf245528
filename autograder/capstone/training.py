"""Training that shows how far it is, and goes on where it was interrupted.

Keras, and TensorFlow with it, is imported by `keras()` alone, when something is trained.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

INSTALL = "pip install -c constraints.txt -e '.[capstone]'"
Tell = Callable[[int, int, str], None]
Data = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]


class NoTensorFlow(Exception):
    """TensorFlow is not installed; the text says which command installs it."""


def keras() -> Any:
    """The module, with TensorFlow behind it and its talk switched off."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        with _quiet():
            import keras
            import tensorflow  # noqa: F401
    except ImportError as error:
        raise NoTensorFlow(f"this needs TensorFlow, which is not installed: {INSTALL}") from error
    # Models are made and left in turns here; each warns that the last one's graph is of no use.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return keras


@contextmanager
def _quiet() -> Iterator[None]:
    """TensorFlow's libraries greet on stderr while they are loaded, whatever their log level."""
    sys.stderr.flush()
    before = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def silent(done: int, total: int, text: str) -> None:
    """For whoever wants to hear nothing."""


@dataclass(frozen=True)
class Plan:
    """How long, in which steps, and how large they are at first; they shrink along a cosine."""

    epochs: int
    batch: int
    rate: float
    seed: int = 0


def learn(model: Any, data: Data, plan: Plan, tell: Tell = silent, kept: Path | None = None) -> Any:
    """Train by `plan`; each epoch's images and labels come from `data` and a generator of its own.

    After each epoch the model is written to `kept`. Where that file is there already, training
    goes on from it, and gives what it would have given without the interruption. The model returned
    is the one that was trained: after an interruption, the one that was kept.
    """
    k = keras()
    images, labels = data(np.random.default_rng((plan.seed, 0)))
    steps = -(-len(images) // plan.batch)
    done = 0
    if kept is not None and kept.is_file():
        model = k.models.load_model(kept)
        done = int(model.optimizer.iterations) // steps
        # A kept model has its dropout begin anew; each step of training draws once.
        for generator, state in zip(_generators(model), np.load(_seeds(kept)), strict=True):
            generator.state.assign(state + np.array([0, done * steps], state.dtype))
    else:
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            states = [np.asarray(g.state) for g in _generators(model)]
            np.save(_seeds(kept), np.array(states, np.uint32).reshape(-1, 2))
        rate = k.optimizers.schedules.CosineDecay(plan.rate, steps * plan.epochs)
        model.compile(
            k.optimizers.Adam(rate),
            k.losses.SparseCategoricalCrossentropy(),
            jit_compile=False,  # compiling takes longer here than it saves
        )
    total = len(images) * plan.epochs

    class Steps(k.callbacks.Callback):  # type: ignore[name-defined, misc]
        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            seen = epoch * len(images) + min((batch + 1) * plan.batch, len(images))
            loss = (logs or {}).get("loss", float("nan"))
            tell(seen, total, f"epoch {epoch + 1} of {plan.epochs}, loss {loss:.3f}")

    for epoch in range(done, plan.epochs):
        if epoch:
            images, labels = data(np.random.default_rng((plan.seed, epoch)))
        model.fit(
            images,
            labels,
            batch_size=plan.batch,
            epochs=1,
            shuffle=False,
            verbose=0,
            callbacks=[Steps()],
        )
        if kept is not None:
            save(model, kept)
    return model


def _seeds(kept: Path) -> Path:
    """The file with the random states that the training of a kept model began with."""
    return kept.with_suffix(".npy")


def _generators(model: Any) -> list[Any]:
    """What the layers of a model draw from, dropout above all."""
    found = []
    for layer in model.layers:
        if hasattr(layer, "layers"):
            found += _generators(layer)
        elif hasattr(layer, "seed_generator"):
            found.append(layer.seed_generator)
    return found


def forget(kept: Path) -> None:
    """Remove a kept model that is done with."""
    kept.unlink(missing_ok=True)
    _seeds(kept).unlink(missing_ok=True)


def save(model: Any, file: Path) -> None:
    """Write a model whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.stem}.part.keras")
    model.save(part)
    part.replace(file)


def key(*parts: object) -> str:
    """A short name for what a kept model depends on."""
    text = repr([astuple(p) if isinstance(p, Plan) else p for p in parts])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def digest(weights: list[np.ndarray]) -> str:
    """The hash of all weights in their order; unlike a file's, it does not change with the date."""
    sha = hashlib.sha256()
    for array in weights:
        sha.update(repr((array.shape, array.dtype.str)).encode())
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()


def network(width: int = 16) -> tuple[Any, Any]:
    """Input and output of the backbone, untrained: three stages of two convolutions each.

    Raw images (28, 28, 1) with values 0 to 255 in, features (7, 7, 4 * width) out.
    """
    layers = keras().layers
    given = keras().Input((28, 28, 1), name="image")
    x = layers.Rescaling(1 / 255, name="pixels")(given)
    for stage in (1, 2, 3):
        for step in (1, 2):
            name = f"stage{stage}_{step}"
            x = layers.Conv2D(
                width * 2 ** (stage - 1), 3, padding="same", use_bias=False, name=f"{name}_conv"
            )(x)
            x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
        if stage < 3:
            x = layers.MaxPooling2D(name=f"stage{stage}_pool")(x)
    return given, x


HEAD = Plan(epochs=8, batch=128, rate=2e-3)
TUNED = Plan(epochs=8, batch=128, rate=1e-3)


def head_on(
    backbone: Any,
    images: np.ndarray,
    labels: np.ndarray,
    plan: Plan = HEAD,
    tell: Tell = silent,
) -> Any:
    """The frozen backbone with a linear head; every image's features are computed once."""
    from autograder.capstone.solution.digits import build_head

    backbone.trainable = False
    k = keras()
    k.utils.set_random_seed(plan.seed)
    features = _features(backbone, images, tell)

    def data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        order = rng.permutation(len(labels))
        return features[order], labels[order]

    head = learn(build_head(features.shape[1:]), data, plan, tell)
    image = k.Input((28, 28, 1), name="image")
    return k.Model(image, head(backbone(image, training=False)))


def _features(backbone: Any, images: np.ndarray, tell: Tell) -> np.ndarray:
    parts = []
    for start in range(0, len(images), 2000):
        part = images[start : start + 2000, ..., None]
        parts.append(backbone.predict(part, batch_size=250, verbose=0))
        tell(start + len(part), len(images), "features of the frozen backbone")
    return np.concatenate(parts)


def fine_tune(
    model: Any,
    images: np.ndarray,
    labels: np.ndarray,
    plan: Plan = TUNED,
    tell: Tell = silent,
    kept: Path | None = None,
) -> Any:
    """Train the head and the backbone's last stage on, every image changed anew in every epoch.

    Batch normalisation keeps the statistics that it was pretrained with.
    """
    from autograder.capstone.augment import warp

    backbone = model.get_layer("backbone")
    backbone.trainable = True
    for layer in backbone.layers:
        layer.trainable = layer.name.startswith("stage3") and not layer.name.endswith("norm")

    def data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        order = rng.permutation(len(labels))
        return warp(images[order], rng)[..., None], labels[order]

    return learn(model, data, plan, tell, kept)
