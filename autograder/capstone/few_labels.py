"""The task of few labels, as the trusted side sees it: what is asked, and how answers count.

`train_head(backbone, images, labels)` is called with a few digits of each class under labels that a
secret permutation has changed; the model that it returns is asked for other digits. A model baked
in advance cannot know the new labels. Student code never sees the labels that are asked for: it
gets the arrays of a `Task` but `expected`, and gives back one raw array for `asked`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from autograder.capstone.rubric import LABELS_PER_CLASS
from autograder.capstone.secret import generator
from autograder.verdict import Status

ASKED = 1000
AGAIN = 50
TASKS = 2
# Of digits that are asked twice, in other company: rounding may turn a close one.
MOST_CHANGED = 0.1


@dataclass(frozen=True)
class Task:
    """One call of `train_head`.

    images, labels  what it learns from: (N, 28, 28) uint8, and the changed labels
    asked           digits for the model that it returns, some of them twice
    expected        their changed labels; stays in this process
    again           pairs of places in `asked` that hold the same digit
    """

    images: np.ndarray
    labels: np.ndarray
    asked: np.ndarray
    expected: np.ndarray
    again: np.ndarray


@dataclass(frozen=True)
class Trouble:
    """Why a task has no answers that count.

    sentence  what went wrong, about `train_head`
    status    a verdict's: `fail` for answers that are there and are none
    """

    sentence: str
    status: Status


# What runs a task where student code runs: (N, 10) answers, or why there are none.
Answerer = Callable[[Task], np.ndarray | Trouble]


@dataclass(frozen=True)
class Few:
    """How the tasks went: the share of each, 0 for one with trouble and for those behind it."""

    shares: tuple[float, ...]
    trouble: Trouble | None = None


def tasks(
    images: np.ndarray,
    labels: np.ndarray,
    test_images: np.ndarray,
    test_labels: np.ndarray,
    seed: str,
    count: int = TASKS,
) -> list[Task]:
    """Tasks that follow from the seed: training digits to learn from, private ones to answer."""
    made = []
    for number in range(count):
        rng = generator(seed, f"few labels {number}")
        # A digit that keeps its label would be known to any model.
        change = rng.permutation(10)
        while (change == np.arange(10)).any():
            change = rng.permutation(10)
        chosen = np.concatenate(
            [
                rng.choice(np.flatnonzero(labels == digit), LABELS_PER_CLASS, replace=False)
                for digit in range(10)
            ]
        )
        rng.shuffle(chosen)
        asked = rng.choice(len(test_images), min(ASKED, len(test_images)), replace=False)
        order = rng.permutation(np.concatenate([asked, asked[:AGAIN]]))
        places = [np.flatnonzero(order == index) for index in asked[:AGAIN]]
        made.append(
            Task(
                images[chosen],
                change[labels[chosen]],
                test_images[order],
                change[test_labels[order]],
                np.array(places).reshape(-1, 2),
            )
        )
    return made


def share(task: Task, answers: np.ndarray | Trouble) -> float | Trouble:
    """The share that is right. Rows that are not finite count as wrong; answers of another shape,
    or of which the same digit gets two, are none."""
    if isinstance(answers, Trouble):
        return answers
    model = "the model that train_head returns"
    wanted = (len(task.asked), 10)
    if answers.shape != wanted or answers.dtype.kind not in "fiu":
        told = f"answers of shape {answers.shape} and type {answers.dtype}"
        return Trouble(f"{model} gives {told}, not numbers of shape {wanted}", "fail")
    whole = np.isfinite(answers).all(axis=1)
    if not whole.any():
        return Trouble(f"{model} answers with no finite numbers", "fail")
    chosen = np.where(whole, np.where(whole[:, None], answers, 0).argmax(axis=1), -1)
    first, second = task.again[:, 0], task.again[:, 1]
    if len(first) and (chosen[first] != chosen[second]).mean() > MOST_CHANGED:
        return Trouble(f"{model} answers the same digit in two ways", "fail")
    return float((chosen == task.expected).mean())


def measure(some: Sequence[Task], answerer: Answerer) -> Few:
    """The share of each task; none is begun once there is trouble."""
    shares = [0.0] * len(some)
    for number, task in enumerate(some):
        outcome = share(task, answerer(task))
        if isinstance(outcome, Trouble):
            return Few(tuple(shares), outcome)
        shares[number] = outcome
    return Few(tuple(shares))
