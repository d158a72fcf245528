"""Lesson 5: activation.

Without something that bends between them, two layers are no more than one. ReLU bends the values
inside of a network; softmax turns the last layer's numbers, the logits, into probabilities; the
cross-entropy says how far these are from the labels. Large logits are where naive code breaks:
exp(1000) is more than a float can hold.
"""

import numpy as np


def relu(x: np.ndarray) -> np.ndarray:
    """max(x, 0), number by number, for an array of any shape.

    NaN stays NaN: an error must not be hidden. float32 stays float32, float64 stays float64,
    integers become float64.

    >>> relu(np.array([-2, 0, 3])).tolist()
    [0.0, 0.0, 3.0]
    >>> relu(np.array([float("nan"), -1.0])).tolist()
    [nan, 0.0]

    Taught in: Lesson 5, Activation: ReLU (Nair and Hinton 2010).
    """
    raise NotImplementedError


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities, row by row: logits (N, K) give (N, K), every row sums to 1.

    p[n, k] = exp(logits[n, k]) / sum over m of exp(logits[n, m])

    Finite, and without a warning of overflow, for logits up to a million in size. dtype as in
    `relu`.

    Raises ValueError for logits without exactly two axes.

    >>> softmax(np.array([[0, 0, 0, 0]])).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    >>> softmax(np.array([[1000000, 1000000], [1000000, -1000000]])).tolist()
    [[0.5, 0.5], [1.0, 0.0]]

    Taught in: Lesson 5, Activation: from logits to probabilities (Bridle 1990).
    """
    raise NotImplementedError


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """How wrong the batch is, as one float: logits (N, K), labels (N,) whole numbers 0 .. K - 1.

    loss = mean over n of -log(softmax(logits)[n, labels[n]])

    Finite for logits up to a million in size, also where the softmax itself rounds to 0. The loss
    of an empty batch is 0.

    Raises ValueError for labels that are not one for every row, or not among 0 .. K - 1.

    >>> round(cross_entropy(np.array([[3, 3]]), np.array([1])), 4)
    0.6931
    >>> cross_entropy(np.array([[0, 1000000], [0, 1000000]]), np.array([0, 1]))
    500000.0

    Taught in: Lesson 5, Activation: the loss of a classifier.
    """
    raise NotImplementedError
