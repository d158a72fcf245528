"""How the shipped backbone was made: a network learns to tell letters apart, and loses its head."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograder.capstone import training
from autograder.capstone.augment import corrupt, warp
from autograder.capstone.backbone.letters import CLASSES, fonts, letters

PASSES = 4  # every epoch shows each letter so often, each time changed in another way
PLAN = training.Plan(epochs=40, batch=128, rate=4e-3)
HELD = 12  # every twelfth font is held back, to see whether letters of another hand are read


@dataclass(frozen=True)
class Pretrained:
    """The backbone, and what its model card tells."""

    backbone: Any
    images: int
    accuracy: float  # of letters in the fonts that were held back
    letters: str  # hash of the rendered letters
    weights: str  # hash of the weights


def pretrain(
    archives: Path,
    plan: training.Plan = PLAN,
    tell: training.Tell = training.silent,
    kept: Path | None = None,
) -> Pretrained:
    """Train on the letters of the fonts in `archives`; `kept` holds what is half done."""
    k = training.keras()
    images, labels = letters(archives)
    held = np.repeat(np.arange(len(fonts())) % HELD == 0, len(images) // len(fonts()))
    rendered = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()

    def epoch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        order = np.concatenate([rng.permutation(np.flatnonzero(~held)) for _ in range(PASSES)])
        changed = corrupt(warp(images[order], rng), rng)
        return changed[..., None], labels[order]

    k.utils.set_random_seed(plan.seed)
    given, features = training.network()
    # As later for digits, the head sees where in the image a feature is.
    flat = k.layers.Dropout(0.5)(k.layers.Flatten()(features))
    letter = k.layers.Dense(len(CLASSES), activation="softmax", name="letter")(flat)
    file = None if kept is None else kept / f"pretrain-{training.key(plan, rendered)}.keras"
    model = training.learn(k.Model(given, letter), epoch, plan, tell, file)
    if file is not None:
        training.forget(file)
    answers = model.predict(images[held][..., None], batch_size=256, verbose=0).argmax(axis=1)
    last = model.get_layer("stage3_2_relu").output
    backbone = k.Model(model.inputs, last, name="backbone")
    return Pretrained(
        backbone,
        int((~held).sum()),
        float((answers == labels[held]).mean()),
        rendered,
        training.digest(backbone.get_weights()),
    )
