"""The model that the page shows where none is named: the shipped backbone and a linear head.

The kit brings no trained digits, and whoever wants to look has no TensorFlow. A softmax on the
backbone's features is learnt in seconds by the reference's own operations, once, and kept.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autograder.bank import cache_folder
from autograder.capstone import backbone, layers
from autograder.capstone.data import Mnist, Tell, subset
from autograder.capstone.graph import Node
from autograder.capstone.model import Model
from reference import ops

EPOCHS = 15
BATCH = 50
LEARNING_RATE = 0.003  # falls to 0 along a line
MOMENTUM = 0.9
TOGETHER = 250  # digits between two words about progress


@dataclass(frozen=True)
class Head:
    """kernel (D, 10), bias (10,), and the share of the test digits that it reads."""

    kernel: np.ndarray
    bias: np.ndarray
    accuracy: float


def head(network: Model, tell: Tell = lambda done, total, text: None) -> tuple[Head, bool]:
    """The head for a backbone, and whether it was kept from an earlier time."""
    if (kept := _kept(network)) is not None:
        return kept, True
    digits = subset()
    learnt = train(network, digits, tell)
    _keep(learnt)
    return learnt, False


def train(network: Model, digits: Mnist, tell: Tell = lambda done, total, text: None) -> Head:
    """Softmax regression on the backbone's features, by stochastic gradient descent."""
    total = len(digits.train_images) + len(digits.test_images)

    def features(images: np.ndarray, done: int) -> np.ndarray:
        parts = []
        for start in range(0, len(images), TOGETHER):
            tell(done + start, total, "features of the digits")
            parts.append(network.answers(images[start : start + TOGETHER]))
        return np.concatenate(parts).reshape(len(images), -1)

    x = features(digits.train_images, 0)
    test = features(digits.test_images, len(x))
    labels = digits.train_labels.astype(np.int64)
    rng = np.random.default_rng(0)
    parameters: dict[str, np.ndarray] = {
        "w": np.zeros((x.shape[1], 10), np.float32),
        "b": np.zeros(10, np.float32),
    }
    velocity = {name: np.zeros_like(array) for name, array in parameters.items()}
    steps = EPOCHS * -(-len(x) // BATCH)
    step = 0
    for _ in range(EPOCHS):
        tell(step, steps, "the head")
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH):
            some = order[start : start + BATCH]
            w, b = parameters["w"], parameters["b"]
            dy = ops.cross_entropy_backward(ops.dense(x[some], w, b), labels[some])
            _, dw, db = ops.dense_backward(dy, x[some], w)
            rate = LEARNING_RATE * (1 - step / steps)
            parameters, velocity = ops.sgd_momentum(
                parameters, {"w": dw, "b": db}, velocity, rate, MOMENTUM
            )
            step += 1
    w, b = parameters["w"], parameters["b"]
    right = ops.dense(test, w, b).argmax(axis=1) == digits.test_labels
    return Head(w, b, float(right.mean()))


def join(network: Model, learnt: Head) -> Model:
    """The backbone with the head behind it: flatten, dense, softmax."""
    nodes = list(network.graph.nodes)
    arrays = dict(network.arrays)
    at = network.graph.output

    def add(name: str, kind: str, config: Mapping[str, object], *weights: np.ndarray) -> None:
        nonlocal at
        layer = layers.build(kind, {"name": name, **config}, [nodes[at].shape])
        places = tuple(f"{name}/{place}" for place in layers.places(layer))
        arrays.update(zip(places, weights, strict=True))
        nodes.append(Node(name, layer, (at,), places, layer.shape))
        at = len(nodes) - 1

    add("flatten", "Flatten", {})
    add("logits", "Dense", {"units": 10}, learnt.kernel, learnt.bias)
    add("probabilities", "Softmax", {})
    joined = dataclasses.replace(network.graph, nodes=tuple(nodes), output=at)
    return Model(joined, arrays)


# --- kept between two times


def _file() -> Path:
    """Its name changes with what it was learnt from, and how."""
    of = [backbone.SHA256, Path(__file__).read_text("utf-8")]
    images, labels = subset().train_images, subset().train_labels
    of += [hashlib.sha256(array.tobytes()).hexdigest() for array in (images, labels)]
    key = hashlib.sha256("\0".join(of).encode()).hexdigest()[:16]
    return cache_folder() / "capstone" / f"demo-head-{key}.npz"


def _kept(network: Model) -> Head | None:
    size = int(np.prod(network.graph.nodes[network.graph.output].shape))
    try:
        with _file().open("rb") as raw, np.load(raw, allow_pickle=False) as kept:
            found = Head(kept["kernel"], kept["bias"], float(kept["accuracy"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    fits = found.kernel.shape == (size, 10) and found.bias.shape == (10,)
    return found if fits and found.kernel.dtype == found.bias.dtype == np.float32 else None


def _keep(learnt: Head) -> None:
    """Whole or not at all; where it cannot be kept, it is learnt again."""
    stream = io.BytesIO()
    np.savez(stream, kernel=learnt.kernel, bias=learnt.bias, accuracy=learnt.accuracy)
    with suppress(OSError):
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            part = Path(folder) / file.name
            part.write_bytes(stream.getvalue())
            part.replace(file)
