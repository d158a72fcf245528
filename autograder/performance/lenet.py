"""LeNet-5 trained from scratch: the core's own functions, PyTorch and Keras, step by step alike.

Same initial weights, same batches, same rule of momentum, float32, one thread; an epoch each in
turn. What is timed is training alone, in CPU seconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from autograder.capstone.data import Mnist
from autograder.performance.ways import CORE, TORCH
from reference import ops

Parameters = dict[str, np.ndarray]

BATCH, RATE, MOMENTUM = 64, 0.05, 0.9
KERAS = "Keras"
SHAPES = {
    "conv1.w": (6, 1, 5, 5),
    "conv2.w": (16, 6, 5, 5),
    "dense1.w": (400, 120),
    "dense2.w": (120, 84),
    "dense3.w": (84, 10),
}
POOL = (2, 2), (2, 2)


class Trainer(Protocol):
    name: str

    def epoch(self, images: np.ndarray, labels: np.ndarray, rate: float) -> float:
        """One pass over the batches as they lie; the mean loss, each taken before its step."""

    def logits(self, images: np.ndarray) -> np.ndarray:
        """(N, 10)."""


def initial(rng: np.random.Generator) -> Parameters:
    parameters = {}
    for name, shape in SHAPES.items():
        parameters[name] = ops.he_normal(shape, rng).astype(np.float32)
        units = shape[0] if len(shape) == 4 else shape[1]
        parameters[name.replace(".w", ".b")] = np.zeros(units, np.float32)
    return parameters


def prepared(images: np.ndarray) -> np.ndarray:
    """uint8 images (N, 28, 28) as LeNet's (N, 1, 32, 32) in 0..1."""
    return np.pad(images, ((0, 0), (2, 2), (2, 2)))[:, None].astype(np.float32) / 255


def forward(p: Parameters, x: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The logits, and what the backward pass needs again."""
    a1 = ops.conv2d(x, p["conv1.w"], p["conv1.b"])
    r1 = ops.relu(a1)
    s1 = ops.avg_pool2d(r1, *POOL)
    a2 = ops.conv2d(s1, p["conv2.w"], p["conv2.b"])
    r2 = ops.relu(a2)
    flat = ops.avg_pool2d(r2, *POOL).reshape(len(x), -1)
    a3 = ops.dense(flat, p["dense1.w"], p["dense1.b"])
    r3 = ops.relu(a3)
    a4 = ops.dense(r3, p["dense2.w"], p["dense2.b"])
    r4 = ops.relu(a4)
    seen = dict(a1=a1, r1=r1, s1=s1, a2=a2, r2=r2, flat=flat, a3=a3, r3=r3, a4=a4, r4=r4)
    return ops.dense(r4, p["dense3.w"], p["dense3.b"]), seen


def loss_and_gradients(
    p: Parameters, x: np.ndarray, labels: np.ndarray
) -> tuple[float, Parameters]:
    logits, seen = forward(p, x)
    g: Parameters = {}
    d = ops.cross_entropy_backward(logits, labels)
    d, g["dense3.w"], g["dense3.b"] = ops.dense_backward(d, seen["r4"], p["dense3.w"])
    d = ops.relu_backward(d, seen["a4"])
    d, g["dense2.w"], g["dense2.b"] = ops.dense_backward(d, seen["r3"], p["dense2.w"])
    d = ops.relu_backward(d, seen["a3"])
    d, g["dense1.w"], g["dense1.b"] = ops.dense_backward(d, seen["flat"], p["dense1.w"])
    d = ops.avg_pool2d_backward(d.reshape(len(x), 16, 5, 5), seen["r2"], *POOL)
    d = ops.relu_backward(d, seen["a2"])
    d, g["conv2.w"], g["conv2.b"] = ops.conv2d_backward(d, seen["s1"], p["conv2.w"])
    d = ops.avg_pool2d_backward(d, seen["r1"], *POOL)
    d = ops.relu_backward(d, seen["a1"])
    _, g["conv1.w"], g["conv1.b"] = ops.conv2d_backward(d, x, p["conv1.w"])
    return ops.cross_entropy(logits, labels), g


def batches(count: int) -> Iterator[slice]:
    for start in range(0, count, BATCH):
        yield slice(start, min(start + BATCH, count))


class Core:
    name = CORE

    def __init__(self, start: Parameters) -> None:
        self._p = start
        self._v = {name: np.zeros_like(value) for name, value in start.items()}

    def epoch(self, images: np.ndarray, labels: np.ndarray, rate: float) -> float:
        total = 0.0
        for part in batches(len(images)):
            loss, gradients = loss_and_gradients(self._p, images[part], labels[part])
            self._p, self._v = ops.sgd_momentum(self._p, gradients, self._v, rate, MOMENTUM)
            total += loss * (part.stop - part.start)
        return total / len(images)

    def logits(self, images: np.ndarray) -> np.ndarray:
        return forward(self._p, images)[0]


class Torch:
    name = TORCH

    def __init__(self, start: Parameters) -> None:
        import torch
        from torch import nn

        self._torch = torch
        self._model = nn.Sequential(
            nn.Conv2d(1, 6, 5), nn.ReLU(), nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
        )  # fmt: skip
        with torch.no_grad():
            for own, value in zip(self._model.parameters(), start.values(), strict=True):
                own.copy_(torch.from_numpy(value.T if value.ndim == 2 else value))
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=RATE, momentum=MOMENTUM)
        self._loss = nn.CrossEntropyLoss()

    def epoch(self, images: np.ndarray, labels: np.ndarray, rate: float) -> float:
        x, wanted = self._torch.from_numpy(images), self._torch.from_numpy(labels)
        self._optimizer.param_groups[0]["lr"] = rate
        total = 0.0
        for part in batches(len(images)):
            self._optimizer.zero_grad()
            loss = self._loss(self._model(x[part]), wanted[part])
            loss.backward()
            self._optimizer.step()
            total += loss.item() * (part.stop - part.start)
        if rate == 0:
            self._optimizer.state.clear()  # its velocity is kept without the rate
        return total / len(images)

    def logits(self, images: np.ndarray) -> np.ndarray:
        with self._torch.no_grad():
            found: np.ndarray = self._model(self._torch.from_numpy(images)).numpy()
        return found


class Keras:
    """`fit`, which compiles the step; its convolutions want the channels last."""

    name = KERAS

    def __init__(self, start: Parameters) -> None:
        import keras

        layers = keras.layers
        self._model = keras.Sequential([
            keras.Input((32, 32, 1)),
            layers.Conv2D(6, 5, activation="relu"), layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="relu"), layers.AveragePooling2D(2),
            layers.Flatten(), layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"), layers.Dense(10),
        ])  # fmt: skip
        flat = start["dense1.w"].reshape(16, 5, 5, 120).transpose(1, 2, 0, 3).reshape(400, 120)
        weights = {**start, "dense1.w": flat}
        self._model.set_weights(
            [v.transpose(2, 3, 1, 0) if v.ndim == 4 else v for v in weights.values()]
        )
        self._model.compile(
            keras.optimizers.SGD(RATE, momentum=MOMENTUM),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )

    def epoch(self, images: np.ndarray, labels: np.ndarray, rate: float) -> float:
        self._model.optimizer.learning_rate = rate
        x = images.reshape(-1, 32, 32, 1)
        history = self._model.fit(x, labels, batch_size=BATCH, shuffle=False, verbose=0)
        return float(history.history["loss"][0])

    def logits(self, images: np.ndarray) -> np.ndarray:
        found: np.ndarray = self._model.predict(images.reshape(-1, 32, 32, 1), verbose=0)
        return found


def train(
    mnist: Mnist, trainers: list[type[Any]], epochs: int, seed: int
) -> Iterator[dict[str, Any]]:
    """After every epoch of everyone: CPU seconds so far, mean loss of the epoch, test accuracy."""
    rng = np.random.default_rng(seed)
    start = initial(rng)
    images, labels = prepared(mnist.train_images), mnist.train_labels.astype(np.int64)
    test = prepared(mnist.test_images)
    learners: list[Trainer] = [trainer(dict(start)) for trainer in trainers]
    for learner in learners:
        # A step of rate 0 changes nothing; libraries compile in it, for both sizes of a batch.
        some = slice(BATCH + len(images) % BATCH)
        learner.epoch(images[some], labels[some], 0.0)
    spent = dict.fromkeys((learner.name for learner in learners), 0.0)
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        shuffled, wanted = images[order], labels[order]
        for learner in learners:
            before = time.process_time()
            loss = learner.epoch(shuffled, wanted, RATE)
            spent[learner.name] += time.process_time() - before
            right = learner.logits(test).argmax(axis=1) == mnist.test_labels
            yield {
                "way": learner.name,
                "seed": seed,
                "epoch": epoch + 1,
                "seconds": spent[learner.name],
                "loss": loss,
                "accuracy": float(np.mean(right)),
            }
