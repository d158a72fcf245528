"""Activation: ReLU inside of a network, softmax and cross-entropy at its end.

Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010); Goodfellow,
Bengio and Courville, "Deep Learning" (2016), section 6.2.2.3.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograder.compare import Mismatch, mismatch
from autograder.laws import agrees, dtype, largest_of, lasting, refuses, untouched
from autograder.spec import Arguments, Case, Exercise, Law
from autograder.specs import _working
from autograder.strategies import Draw
from autograder.tolerance import of_cross_entropy, of_softmax
from reference import ops

LESSON = 5


def whole_numbers(draw: Draw, *shape: int) -> np.ndarray:
    """Integers as images and logits may come, with and without a sign, in any layout."""
    if draw.size(0, 1):
        return draw.layout(draw.whole(*shape, low=0, high=255, dtype=np.uint8))
    return draw.layout(draw.whole(*shape, dtype=np.int64))


# --- relu


def any_shape(draw: Draw, longest: int) -> list[int]:
    return [draw.size(1, longest) for _ in range(draw.size(1, 4))]


def plain_numbers(draw: Draw) -> Arguments:
    return dict(x=draw.whole(*any_shape(draw, 3)))


def real_numbers(draw: Draw) -> Arguments:
    return dict(x=draw.real(draw.size(1, 16), *any_shape(draw, 5)[1:]))


def float32_numbers(draw: Draw) -> Arguments:
    return dict(x=draw.layout(draw.real(*any_shape(draw, 3), dtype=np.float32)))


def integer_numbers(draw: Draw) -> Arguments:
    return dict(x=whole_numbers(draw, *any_shape(draw, 3)))


def no_numbers(draw: Draw) -> Arguments:
    return dict(x=np.zeros((0, *any_shape(draw, 3))))


def not_a_number(draw: Draw) -> Arguments:
    x = draw.whole(draw.size(1, 6), dtype=draw.choose(np.float64, np.float32))
    x[draw.size(0, len(x) - 1)] = np.nan
    return dict(x=x)


def absolute_value(x):
    """the absolute value is taken.
    A negative number becomes 0, not positive."""
    return ops.relu(x) + ops.relu(-_floats(x))


def leaky_relu(x):
    """negative numbers keep a hundredth of their size (leaky ReLU).
    ReLU makes them 0."""
    return ops.relu(x) - 0.01 * ops.relu(-_floats(x))


def nan_becomes_zero(x):
    """a NaN becomes 0, since NaN > 0 is false.
    Ask for what is negative, x < 0, and leave all else as it is: an error must not be hidden."""
    return np.nan_to_num(ops.relu(x), nan=0.0)


def negative_numbers_kept(x):
    """the negative numbers are kept and the positive ones become 0.
    max(x, 0) keeps what is above 0."""
    return _floats(x) - ops.relu(x)


def step_instead(x):
    """positive numbers become 1.
    That is the slope of ReLU; ReLU itself leaves them as they are."""
    return np.sign(ops.relu(x))


def clipped_at_one(x):
    """numbers above 1 are cut off.
    ReLU has no upper bound."""
    return np.minimum(ops.relu(x), 1)


def _floats(x: np.ndarray) -> np.ndarray:
    return x if x.dtype == np.float32 else x.astype(np.float64)


relu = Exercise(
    ops.relu,
    kinds={
        "plain": plain_numbers,
        "real": real_numbers,
        "float32": float32_numbers,
        "integers": integer_numbers,
        "nothing": no_numbers,
        "NaN": not_a_number,
    },
    laws=[
        agrees(0.5, "plain", "real", "nothing",
               says="negative numbers become 0, all others stay, in any shape"),
        agrees(0.5, "NaN", "float32", "integers", name="numbers",
               says="any dtype and memory layout is right, and NaN stays NaN"),
        dtype(0.5),
        lasting(untouched(0.5, "plain", "real", "float32", "integers", needs="agrees")),
    ],
    misconceptions=[
        absolute_value,
        leaky_relu,
        nan_becomes_zero,
        negative_numbers_kept,
        step_instead,
        clipped_at_one,
    ],
    formula=(
        "max(x, 0), number by number",
        "NaN stays NaN",
    ),
    working=_working.relu,
)  # fmt: skip


# --- softmax


def plain_logits(draw: Draw) -> Arguments:
    return dict(logits=draw.shuffled(draw.size(1, 3), draw.size(1, 5)))


def many_logits(draw: Draw) -> Arguments:
    return dict(logits=3 * draw.real(draw.size(1, 16), draw.size(1, 16)))


def logits_far_apart(draw: Draw) -> Arguments:
    """Up to a million in size, with large differences within a row."""
    logits = draw.shuffled(draw.size(1, 3), draw.size(1, 4))
    return dict(logits=logits * draw.choose(1000.0, 160_000.0))


def logits_far_from_zero(draw: Draw) -> Arguments:
    """Up to a million in size, with small differences within a row."""
    logits = draw.whole(draw.size(1, 3), draw.size(1, 4))
    above, below, by_turns = 1.0, -1.0, (-1.0) ** np.arange(len(logits))[:, None]
    return dict(logits=logits + draw.choose(above, below, by_turns) * draw.choose(1e3, 999_990.0))


def float32_logits(draw: Draw) -> Arguments:
    real = 3 * draw.real(draw.size(1, 3), draw.size(1, 4), dtype=np.float32)
    return dict(logits=draw.layout(real))


def integer_logits(draw: Draw) -> Arguments:
    return dict(logits=whole_numbers(draw, draw.size(1, 3), draw.size(1, 4)))


def no_logits(draw: Draw) -> Arguments:
    return dict(logits=np.zeros((0, draw.size(1, 4))))


def impossible_logits(draw: Draw) -> Arguments:
    return dict(logits=np.ones(draw.choose((3,), (1, 2, 3), (2, 1, 1, 1))))


def more_of_each_row(arguments: Arguments) -> Arguments:
    """Every row's logits grow by a number of its own."""
    logits = arguments["logits"]
    return {"logits": logits + 1 + np.arange(len(logits))[:, None]}


def _rows(exercise: Exercise, case: Case, answers: Sequence[Any]) -> Mismatch | None:
    before, after = (answer.value for answer in answers)
    for value in (before, after):
        wrong = mismatch(value, case.expected, 0.0, exercise.returns, values=False)
        if wrong is not None:
            return wrong
    logits = case.arguments["logits"]
    changed = more_of_each_row(case.arguments)
    slack = 2 * logits.shape[1] * largest_of(exercise.tolerance(changed, case.expected))
    with np.errstate(all="ignore"):
        sums = before.sum(axis=1, dtype=np.float64)
    if (wrong := mismatch(sums, np.ones(len(logits)), slack, ("p.sum(axis=1)",))) is not None:
        return wrong
    shares = np.take_along_axis(before, np.argsort(logits, axis=1), axis=1)
    if (shares[:, 1:] <= shares[:, :-1]).any():
        return Mismatch("a larger logit gets no larger share of its row", "p", None, before)
    wrong = mismatch(after, before, slack, exercise.returns)
    if wrong is not None:
        text = f"when every logit of a row grows by the same number, {wrong.message}"
        return dataclasses.replace(wrong, message=text)
    return None


rows = Law(
    "rows",
    "every row sums to 1, larger logits get more, and only differences count",
    0.5,
    _rows,
    ("plain",),
    calls=lambda arguments: (arguments, more_of_each_row(arguments)),
)


def unstable_softmax(logits):
    """exp is taken of large logits as they are, and overflows: inf / inf is NaN.
    Subtract each row's largest logit first; that changes nothing else."""
    powers = np.exp(_floats(logits))
    return powers / powers.sum(axis=1, keepdims=True)


def softmax_over_batch(logits):
    """each class is shared out over the images of the batch.
    Each row is one image, and its classes share out a sum of 1: axis=1."""
    return ops.softmax(logits.T).T if len(logits) else ops.softmax(logits)


def softmax_over_everything(logits):
    """the whole batch is given a sum of 1.
    Every row has a sum of 1 of its own: axis=1, keepdims=True."""
    return ops.softmax(logits.reshape(1, -1)).reshape(logits.shape)


def not_normalised(logits):
    """the powers are not divided by their sum.
    Divide by the sum of the row."""
    return np.exp(_floats(logits))


def shifted_but_not_normalised(logits):
    """the powers are not divided by their sum.
    Divide by the sum of the row."""
    return np.exp(_floats(logits) - logits.max(axis=1, keepdims=True))


def log_softmax(logits):
    """the logarithm is taken.
    softmax gives the probabilities themselves."""
    z = _floats(logits)
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def shares_without_exp(logits):
    """the logits themselves are divided by their sum.
    Take exp first: probabilities are never negative."""
    return _floats(logits) / _floats(logits).sum(axis=1, keepdims=True)


def sigmoid_instead(logits):
    """the sigmoid is taken of each logit alone.
    The classes of a row share out a sum of 1: divide by the sum of their powers."""
    return 1 / (1 + np.exp(-_floats(logits)))


def largest_alone(logits):
    """the largest logit gets 1 and the others 0.
    That is what argmax says; softmax gives every class a share."""
    return (logits == logits.max(axis=1, keepdims=True)).astype(_floats(logits).dtype)


softmax = Exercise(
    ops.softmax,
    kinds={
        "plain": plain_logits,
        "many": many_logits,
        "apart": logits_far_apart,
        "far": logits_far_from_zero,
        "float32": float32_logits,
        "integers": integer_logits,
        "empty batch": no_logits,
        "impossible": impossible_logits,
    },
    laws=[
        rows,
        agrees(0.5, "plain", "many",
               says="every value is exp(logit) over the sum of its row's"),
        agrees(0.5, "apart", "far", name="large",
               says="logits up to a million give finite values"),
        agrees(0.5, "float32", "integers", "empty batch", name="numbers",
               says="any dtype and memory layout is right, and an empty batch"),
        dtype(0.5),
        lasting(untouched(0.5, "plain", "float32", "integers", needs="rows")),
        refuses("logits without exactly two axes raise ValueError"),
    ],
    tolerance=of_softmax,
    misconceptions=[
        unstable_softmax,
        softmax_over_batch,
        softmax_over_everything,
        not_normalised,
        shifted_but_not_normalised,
        log_softmax,
        shares_without_exp,
        sigmoid_instead,
        largest_alone,
    ],
    returns=("p",),
    formula=("p[n, k] = exp(logits[n, k]) / sum over m of exp(logits[n, m])",),
    working=_working.softmax,
)  # fmt: skip


# --- cross_entropy


def labelled(draw: Draw, arguments: Arguments, dtype: Any = np.int64) -> Arguments:
    """The logits, and a label for each row."""
    return {**arguments, "labels": draw.labels(*arguments["logits"].shape).astype(dtype)}


def one_row(draw: Draw) -> Arguments:
    return labelled(draw, dict(logits=draw.shuffled(1, draw.size(2, 5))))


def batch(draw: Draw) -> Arguments:
    return labelled(draw, dict(logits=draw.whole(draw.size(2, 5), draw.size(2, 4))))


def many_rows(draw: Draw) -> Arguments:
    return labelled(draw, many_logits(draw), draw.choose(np.int64, np.uint8))


def rows_far_apart(draw: Draw) -> Arguments:
    return labelled(draw, logits_far_apart(draw))


def rows_far_from_zero(draw: Draw) -> Arguments:
    return labelled(draw, logits_far_from_zero(draw))


def float32_rows(draw: Draw) -> Arguments:
    return labelled(draw, float32_logits(draw))


def integer_rows(draw: Draw) -> Arguments:
    arguments = labelled(draw, integer_logits(draw), draw.choose(np.int64, np.uint8))
    return {**arguments, "labels": draw.layout(arguments["labels"])}


def no_rows(draw: Draw) -> Arguments:
    return dict(**no_logits(draw), labels=np.zeros(0, dtype=np.int64))


def impossible_labels(draw: Draw) -> Arguments:
    labels = draw.choose([0, 3], [3, 0], [0, -1], [-1, 0], [0], [0, 1, 2], [])
    return dict(logits=np.eye(2, 3), labels=np.array(labels, dtype=np.int64))


def log_softmax_at_labels(logits, labels):
    """log softmax of every row at its label."""
    return log_softmax(logits)[np.arange(len(labels)), labels]


def loss_not_averaged(logits, labels):
    """the rows' losses are summed and not averaged.
    Divide by N, so that the loss does not grow with the batch."""
    return ops.cross_entropy(logits, labels) * len(labels)


def log_of_zero(logits, labels):
    """the softmax rounds to 0 and its logarithm is minus infinity.
    Never form it: log softmax is logit - largest - log(sum of exp(logits - largest))."""
    right = ops.softmax(logits.astype(np.float64))[np.arange(len(labels)), labels]
    return float(-np.log(right).mean()) if len(labels) else 0.0


def unstable_exp(logits, labels):
    """exp is taken of large logits as they are, and overflows: inf / inf is NaN.
    Subtract each row's largest logit first; that changes nothing else."""
    right = unstable_softmax(logits)[np.arange(len(labels)), labels]
    return float(-np.log(right).mean()) if len(labels) else 0.0


def unstable_log_sum(logits, labels):
    """exp is taken of large logits as they are, and overflows or rounds to 0.
    log(sum of exp(logits)) is largest + log(sum of exp(logits - largest))."""
    z = _floats(logits)
    losses = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(labels)), labels]
    return float(losses.mean()) if len(labels) else 0.0


def sign_forgotten(logits, labels):
    """the minus sign is forgotten.
    The logarithm of a probability is negative; the loss is minus that, so at least 0."""
    return -ops.cross_entropy(logits, labels)


def averaged_over_classes_too(logits, labels):
    """the sum is divided by N * K.
    There is one loss a row: divide by N alone."""
    return ops.cross_entropy(logits, labels) / logits.shape[1]


def all_classes_averaged(logits, labels):
    """minus log softmax is averaged over all classes.
    Only the entry at the label counts: [np.arange(N), labels]."""
    return float(-log_softmax(logits).mean()) if len(labels) else 0.0


def softmax_twice(logits, labels):
    """softmax is applied before a cross-entropy that applies it too.
    The logits go in as they are."""
    return ops.cross_entropy(ops.softmax(logits), labels)


def base_two(logits, labels):
    """the logarithm has base 2.
    The natural logarithm, np.log, is meant."""
    return ops.cross_entropy(logits, labels) / np.log(2.0)


def logarithm_forgotten(logits, labels):
    """the probability is subtracted from 1, and no logarithm taken.
    The loss of a row is minus the logarithm of its label's probability."""
    right = np.exp(log_softmax_at_labels(logits, labels))
    return float((1 - right).mean()) if len(labels) else 0.0


def likeliest_class_as_label(logits, labels):
    """the loss is taken at the likeliest class.
    It is taken at the label, however unlikely that is."""
    return ops.cross_entropy(logits, logits.argmax(axis=1))


def labels_as_one_hot(logits, labels):
    """the labels are multiplied with log softmax, as if they were one-hot rows.
    labels[n] is the number of a class: pick its entry, [np.arange(N), labels]."""
    return float(-(labels * log_softmax(logits)).sum() / len(labels)) if len(labels) else 0.0


cross_entropy = Exercise(
    ops.cross_entropy,
    kinds={
        "one row": one_row,
        "batch": batch,
        "many": many_rows,
        "apart": rows_far_apart,
        "far": rows_far_from_zero,
        "float32": float32_rows,
        "integers": integer_rows,
        "empty batch": no_rows,
        "impossible": impossible_labels,
    },
    laws=[
        agrees(0.5, "one row", says="a row's loss is minus log softmax at its label"),
        agrees(0.5, "batch", "many", "float32", "integers", "empty batch", name="mean",
               says="the loss is the mean over the rows, and 0 if there are none"),
        agrees(0.5, "apart", "far", name="large",
               says="logits up to a million give a finite loss"),
        untouched(0.5, needs="agrees"),
        refuses("labels that are not one class for every row raise ValueError"),
    ],
    tolerance=of_cross_entropy,
    misconceptions=[
        loss_not_averaged,
        log_of_zero,
        unstable_exp,
        unstable_log_sum,
        sign_forgotten,
        averaged_over_classes_too,
        all_classes_averaged,
        softmax_twice,
        base_two,
        logarithm_forgotten,
        likeliest_class_as_label,
        labels_as_one_hot,
    ],
    returns=("the loss",),
    formula=("loss = mean over n of -log(softmax(logits)[n, labels[n]])",),
    working=_working.cross_entropy,
)  # fmt: skip
