"""What the pages show of a graded model: which digits, which counts. Drawing is the report's part.

Private digits come from the first fifth of the exam alone, so that all pages of a class together
leave most of it unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autograder.capstone import transfer
from autograder.capstone.corruptions import FAMILIES
from autograder.capstone.exam import PER_FAMILY, Exam
from autograder.capstone.grading import Measured
from autograder.capstone.model import Model

MOST_WRONG = 24
POOL = 5  # one digit of so many may be shown
BINS = 10
KEPT, AROUND, CHANGED = "kept", "around", "changed"


@dataclass(frozen=True)
class Digit:
    """One digit, what it is, and what the model took it for; None, if its answer was no number."""

    image: np.ndarray
    label: int
    answer: int | None
    sure: float | None = None


@dataclass(frozen=True)
class FamilyOfDigits:
    """One family of corruptions: the share that was right, and a digit, a wrong one if there is."""

    name: str
    says: str
    share: float
    example: Digit | None


@dataclass(frozen=True)
class Bin:
    """Digits of which the model was about as sure: how sure, and how many of them were right."""

    sure: float
    right: int
    count: int


@dataclass(frozen=True)
class Pictures:
    """All that there is to draw.

    wrong      digits that were read wrongly, those it was surest of first
    mistakes   how many of the `pool` digits that may be shown were read wrongly
    confusion  how often each class was taken for each; no number is in the last column
    layers     the backbone's layers with weights, from the pixels on: kept, around or changed
    few        the share of each task of few labels; None where it was not run
    """

    wrong: tuple[Digit, ...]
    mistakes: int
    pool: int
    confusion: np.ndarray
    families: tuple[FamilyOfDigits, ...]
    bins: tuple[Bin, ...]
    layers: tuple[tuple[str, str], ...]
    few: tuple[float, ...] | None


def pool_of(exam: Exam) -> int:
    """Of the exam's first digits, how many may be shown."""
    return min(len(exam.images), max(len(exam.images) // POOL, PER_FAMILY))


def pictures(exam: Exam, measured: Measured, backbone: Model, digits: bool = True) -> Pictures:
    """What there is to draw of one model; without `digits`, counts and shares alone."""
    pool = pool_of(exam)
    labels, chosen = exam.labels, measured.chosen
    sure = measured.sure if len(measured.sure) == len(chosen) else np.zeros(len(chosen))
    wrong = np.flatnonzero(chosen[:pool] != labels[:pool])
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][: MOST_WRONG if digits else 0]
    confusion = np.zeros((10, 11), np.int64)
    np.add.at(confusion, (labels, np.where(chosen < 0, 10, chosen)), 1)
    return Pictures(
        tuple(_digit(exam.images, labels, chosen, int(i), float(sure[i])) for i in worst),
        len(wrong),
        pool,
        confusion,
        tuple(_families(exam, measured, digits)),
        tuple(_bins(sure, chosen == labels)),
        tuple(_layers(measured, backbone)),
        measured.few,
    )


def _digit(
    images: np.ndarray,
    labels: np.ndarray,
    chosen: np.ndarray,
    index: int,
    sure: float | None = None,
) -> Digit:
    answer = int(chosen[index])
    known = answer >= 0
    return Digit(
        images[index], int(labels[index]), answer if known else None, sure if known else None
    )


def _families(exam: Exam, measured: Measured, digits: bool) -> list[FamilyOfDigits]:
    shares: Mapping[str, float] = measured.shares(exam)
    found = []
    shown: set[int] = set()
    for family in FAMILIES:
        if family.name not in shares:
            continue
        chosen, images = measured.families[family.name], exam.spoilt[family.name]
        labels = exam.labels[: len(chosen)]
        index = _example(measured.chosen[: len(chosen)] == labels, chosen == labels, shown)
        shown.add(index)
        example = _digit(images, labels, chosen, index) if digits and len(images) else None
        found.append(FamilyOfDigits(family.name, family.says, shares[family.name], example))
    return sorted(found, key=lambda one: (one.share, one.name))


def _example(clean: np.ndarray, spoilt: np.ndarray, shown: set[int]) -> int:
    """A digit that is read until it is spoilt, if there is one, and one not shown before."""
    for wanted in (clean & ~spoilt, ~spoilt, spoilt):
        there = [int(index) for index in np.flatnonzero(wanted)]
        if there:
            return next((index for index in there if index not in shown), there[0])
    return 0


def _bins(sure: np.ndarray, right: np.ndarray) -> list[Bin]:
    places = np.minimum((sure * BINS).astype(int), BINS - 1)
    found = []
    for place in range(BINS):
        there = places == place
        if there.any():
            found.append(Bin(float(sure[there].mean()), int(right[there].sum()), int(there.sum())))
    return found


def _layers(measured: Measured, backbone: Model) -> list[tuple[str, str]]:
    there = set(transfer.fingerprints(measured.model))
    depths = transfer.depths(backbone)
    prints = transfer.fingerprints(backbone)
    found = []
    for node, own in zip(backbone.graph.nodes, prints, strict=True):
        if not node.weights:
            continue
        if own not in there:
            state = CHANGED
        else:
            state = KEPT if depths[own] <= measured.transfer.kept else AROUND
        found.append((node.name, state))
    return found
