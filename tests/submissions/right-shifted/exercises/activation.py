"""Activations and the loss."""

from __future__ import annotations

import numpy as np

from .padding import floats


def relu(x: np.ndarray) -> np.ndarray:
    # maximum hands NaN on; asarray because a 0-d array would come back as a plain number
    return np.asarray(np.maximum(floats(x), 0))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    z = floats(logits, 2, "logits")
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def softmax(logits: np.ndarray) -> np.ndarray:
    z = floats(logits, 2, "logits")
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def check_labels(logits: np.ndarray, labels: np.ndarray) -> None:
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(f"labels: shape {labels.shape} does not go with {logits.shape}")
    if labels.size and not 0 <= labels.min() <= labels.max() < logits.shape[1]:
        raise ValueError(f"labels: must lie in 0 .. {logits.shape[1] - 1}")


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    check_labels(logits, labels)
    if not len(labels):
        return 0.0
    picked = np.take_along_axis(log_softmax(logits), labels[:, None].astype(np.intp), axis=1)
    return float(-picked.mean())
