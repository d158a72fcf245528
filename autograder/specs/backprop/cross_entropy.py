"""The gradient of softmax and cross-entropy together: cross_entropy_backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.laws import agrees, lasting, refuses, tidy
from autograder.spec import Arguments, Exercise, Kind
from autograder.specs import _working
from autograder.specs._layers import renumbered
from autograder.strategies import Draw
from autograder.tolerance import largest, unit_roundoff
from reference import ops


def scores(draw: Draw, n: int, k: int, scale: float = 1.0) -> Arguments:
    return dict(logits=draw.whole(n, k) * scale, labels=draw.labels(n, k))


def one_row_of_scores(draw: Draw) -> Arguments:
    return scores(draw, 1, draw.size(1, 4))


def rows_of_scores(draw: Draw) -> Arguments:
    return scores(draw, draw.size(1, 4), draw.size(1, 4))


def scores_of(type_: str) -> Kind:
    """Logits of another dtype, and labels of the one in which MNIST comes."""

    def kind(draw: Draw) -> Arguments:
        arguments = rows_of_scores(draw)
        labels = arguments["labels"].astype(draw.choose(np.int64, np.uint8))
        return dict(logits=renumbered(draw, type_, arguments["logits"]), labels=labels)

    return kind


def many_scores(draw: Draw) -> Arguments:
    return dict(logits=draw.real(12, 10), labels=draw.labels(12, 10))


def huge_scores(draw: Draw) -> Arguments:
    """Up to a million, of either sign, also all of a row; rows far from each other."""
    return scores(draw, draw.size(1, 3), draw.size(2, 4), draw.choose(1e3, 2.5e5))


def no_scores(draw: Draw) -> Arguments:
    return scores(draw, 0, draw.size(1, 4))


def wrong_labels(draw: Draw) -> Arguments:
    labels = draw.choose([0, 3], [-1, 2], [0, 1, 2], [1])
    return dict(logits=np.arange(6.0).reshape(2, 3), labels=np.array(labels))


def of_softmax_gradient(arguments: Arguments, expected: Any) -> float:
    """(softmax(logits) - one-hot) / N, by any algorithm that shifts before it takes powers.

    exp(z - m) / sum: the shift errs by u |z - m|, which exp turns into a relative error; a power
    that is not lost is at most 1, and |z - m| times it less than 1. Sums and the division add
    (K + 4) u. exp(z - (m + log sum)) rounds a number of the size of z: u max|z| more, twice. The
    subtraction of 1 and the division by N round once each.
    """
    z = arguments["logits"]
    u = unit_roundoff(z.dtype)
    return (z.shape[1] + 8 + 2 * largest(z)) * u / max(len(z), 1)


def _softmax_less(logits: np.ndarray, target: np.ndarray) -> np.ndarray:
    return (ops.softmax(logits) - target) / max(len(logits), 1)


def _one_hot(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.eye(logits.shape[1])[labels]


def cross_entropy_ideas() -> list[Callable[..., Any]]:
    """Misconceptions of cross_entropy_backward."""

    def labels_taken_as_one_hot(logits, labels):
        """the class numbers themselves are subtracted from the probabilities.
        Subtract 1 at the label's column and 0 elsewhere."""
        return _softmax_less(logits, labels[:, None].astype(float))

    def loss_not_averaged(logits, labels):
        """the gradient is not divided by the batch size.
        The loss is the mean over the batch, so each row's gradient is divided by N."""
        return ops.cross_entropy_backward(logits, labels) * len(logits)

    def divided_by_all_entries(logits, labels):
        """the gradient is divided by N * K.
        The loss is a mean over the N rows, not over all logits."""
        return ops.cross_entropy_backward(logits, labels) / logits.shape[1]

    def divided_by_classes(logits, labels):
        """the gradient is divided by the number of classes instead of the batch size.
        The loss is a mean over the N rows."""
        return ops.cross_entropy_backward(logits, labels) * len(logits) / logits.shape[1]

    def sign_turned_round(logits, labels):
        """the probabilities are subtracted from the one-hot labels.
        The gradient is softmax minus one-hot: it points up, and training goes down."""
        return -ops.cross_entropy_backward(logits, labels)

    def label_not_subtracted(logits, labels):
        """nothing is subtracted at the labels.
        The gradient is softmax minus one-hot."""
        return _softmax_less(logits, np.zeros_like(logits))

    def only_at_the_label(logits, labels):
        """only the label's column gets a gradient.
        The other logits are part of the loss too: through the sum in softmax."""
        return ops.cross_entropy_backward(logits, labels) * _one_hot(logits, labels)

    def softmax_forgotten(logits, labels):
        """the logits are used as if they were probabilities.
        The gradient is softmax(logits) minus one-hot."""
        return (logits - _one_hot(logits, labels)) / max(len(logits), 1)

    def softmax_over_the_batch(logits, labels):
        """softmax is taken down the columns, over the batch.
        Each row is one image: its probabilities sum to 1."""
        return (ops.softmax(logits.T).T - _one_hot(logits, labels)) / max(len(logits), 1)

    def powers_overflow(logits, labels):
        """the powers of large logits overflow.
        Subtract the row's largest logit first: that changes no probability."""
        powers = np.exp(logits.astype(float))
        probabilities = powers / powers.sum(axis=1, keepdims=True)
        return (probabilities - _one_hot(logits, labels)) / max(len(logits), 1)

    def one_maximum_for_the_batch(logits, labels):
        """one maximum, that of the whole batch, is subtracted from every row.
        Subtract each row's own maximum, or the powers of other rows all become 0."""
        return powers_overflow(logits - logits.max(initial=-np.inf), labels)

    return list(locals().values())


cross_entropy_backward = Exercise(
    ops.cross_entropy_backward,
    kinds={
        "one row": one_row_of_scores,
        "batch": rows_of_scores,
        "large": many_scores,
        "real numbers": scores_of("real"),
        "float32": scores_of("float32"),
        "integers": scores_of("int64"),
        "empty batch": no_scores,
        "huge": huge_scores,
        "impossible": wrong_labels,
    },
    laws=[
        agrees(0.5, "one row", says="for one image it is softmax, less 1 at the label"),
        agrees(
            0.5,
            "batch",
            "large",
            "real numbers",
            "float32",
            "integers",
            "empty batch",
            name="mean",
            says="it is the gradient of the mean over the batch",
        ),
        agrees(0.5, "huge", name="huge", says="logits of up to a million in size do no harm"),
        lasting(
            tidy(
                0.5,
                "an array of its own, of the dtype of logits; arguments stay unchanged",
                "batch",
                "real numbers",
                "float32",
                "integers",
                needs="agrees",
            )
        ),
        refuses("labels that are not one class a row raise ValueError"),
    ],
    tolerance=of_softmax_gradient,
    misconceptions=cross_entropy_ideas(),
    returns=("dlogits",),
    formula=(
        "Gradient of the mean `cross_entropy` at the logits",
        "The loss is a mean over the batch, so each row's gradient is divided by N.",
    ),
    working=_working.cross_entropy_gradient,
)
