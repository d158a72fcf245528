"""Activations and the loss of a classifier."""

from __future__ import annotations

import numpy as np

from .padding import _as_float


def _as_labels(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != logits.shape[:1]:
        raise ValueError(
            f"labels must have one entry per row of logits ({logits.shape[0]}); "
            f"got shape {labels.shape}."
        )
    if labels.size and (labels.min() < 0 or labels.max() >= logits.shape[1]):
        raise ValueError(
            f"labels must lie in 0 to {logits.shape[1] - 1}; got {labels.min()} to {labels.max()}."
        )
    return labels.astype(np.intp)


def relu(x: np.ndarray) -> np.ndarray:
    """max(x, 0), number by number; NaN stays NaN."""
    x = _as_float("x", x)
    return np.where(x < 0, np.zeros_like(x), x)


def softmax(logits: np.ndarray) -> np.ndarray:
    """exp(logits) over its sum along each row, shifted so that nothing overflows."""
    logits = _as_float("logits", logits, 2)
    # The shift cancels in the fraction: the largest exponent becomes exp(0) = 1.
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the batch of -log softmax at the label; an empty batch costs 0."""
    logits = _as_float("logits", logits, 2)
    labels = _as_labels(labels, logits)
    if len(labels) == 0:
        return 0.0
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(axis=1))
    return float(np.mean(log_total - shifted[np.arange(len(labels)), labels]))
