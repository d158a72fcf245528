"""What is shown of a model: the worst mistakes, and never more digits than may be shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autograder.capstone import grading, model, rubric
from autograder.capstone.exam import PER_FAMILY, Exam
from autograder.capstone.pictures import AROUND, CHANGED, KEPT, MOST_WRONG, POOL, pictures
from autograder.digits import digits


@pytest.fixture(scope="module")
def exam():
    images, labels = digits()
    return Exam.of((images[:3000], labels[:3000]), "a")


@pytest.fixture(scope="module")
def small(kit, workers):
    return model.parse(kit.keras_file(), workers)


@pytest.fixture
def right(exam, small):
    """What is measured of a model that is always right, and sure of it."""
    families = {name: exam.labels[: len(images)] for name, images in exam.spoilt.items()}
    kept = rubric.Transfer(2, 2, 2, 0)
    return grading.Measured(
        small, exam.labels, families, 0.01, 0, 1.0, "", kept, None, None, np.full(3000, 0.99)
    )


def wrong_in(labels, places):
    chosen = labels.copy()
    chosen[places] = (chosen[places] + 1) % 10
    return chosen


def test_nothing_is_wrong(exam, small, right):
    found = pictures(exam, right, small)
    assert (found.wrong, found.mistakes, found.pool) == ((), 0, 600)
    assert found.confusion.trace() == found.confusion.sum() == 3000
    assert [(one.right, one.count) for one in found.bins] == [(3000, 3000)]
    assert {one.share for one in found.families} == {1.0}
    assert len(found.families) == len(exam.spoilt)


def test_the_surest_mistakes_come_first_and_no_more_than_may_be_shown(exam, small, right):
    sure = np.random.default_rng(0).random(3000)
    chosen = wrong_in(exam.labels, np.arange(0, 3000, 2))
    found = pictures(exam, replace(right, chosen=chosen, sure=sure), small)
    assert found.mistakes == 300
    assert len(found.wrong) == MOST_WRONG
    shown = [digit.sure for digit in found.wrong]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] == sure[:600:2].max()
    assert all(digit.answer == (digit.label + 1) % 10 for digit in found.wrong)
    assert found.confusion.trace() == 1500


def test_most_of_the_exam_is_shown_to_nobody(exam, small, right):
    """Whatever a model gets wrong, its page shows the first fifth alone."""
    found = pictures(exam, replace(right, chosen=(exam.labels + 1) % 10), small)
    pool = exam.images[: len(exam.images) // POOL]
    assert all((pool == digit.image).all(axis=(1, 2)).any() for digit in found.wrong)
    assert len(exam.images) // POOL >= PER_FAMILY  # which examples are drawn from


def test_answers_that_are_no_number_have_a_column(exam, small, right):
    chosen = exam.labels.copy()
    chosen[:5] = -1
    found = pictures(exam, replace(right, chosen=chosen), small)
    assert found.confusion[:, 10].sum() == 5
    assert {digit.answer for digit in found.wrong} == {None}


def test_an_example_is_spoilt_into_a_mistake_and_examples_differ(exam, small, right):
    families = dict(right.families)
    families["blur"] = wrong_in(families["blur"], [100, 107])
    families["noise"] = wrong_in(families["noise"], [100, 107])
    # The first of them is wrong without being spoilt, so it says nothing of noise.
    chosen = wrong_in(exam.labels, [100])
    found = pictures(exam, replace(right, chosen=chosen, families=families), small)
    by_name = {one.name: one for one in found.families}
    assert found.families[0].name in ("blur", "noise")
    assert (by_name["noise"].example.image == exam.spoilt["noise"][107]).all()
    assert by_name["blur"].share == 1 - 2 / PER_FAMILY
    assert by_name["shift"].example.answer == by_name["shift"].example.label


def test_without_digits_only_counts_are_left(exam, small, right):
    chosen = wrong_in(exam.labels, [0])
    found = pictures(exam, replace(right, chosen=chosen), small, digits=False)
    assert (found.wrong, found.mistakes) == ((), 1)
    assert {one.example for one in found.families} == {None}


def test_layers_are_told_apart(kit, workers, exam, small, right):
    layers = dict(pictures(exam, right, small).layers)
    assert layers == {"conv2d": KEPT, "dense": KEPT}
    around = replace(right, transfer=rubric.Transfer(1, 2, 2, 0))
    assert dict(pictures(exam, around, small).layers) == {"conv2d": KEPT, "dense": AROUND}
    arrays = kit.small_arrays()
    arrays["layers/dense/vars/0"] = arrays["layers/dense/vars/0"] + 1
    changed = replace(right, model=model.parse(kit.keras_file(arrays=arrays), workers))
    assert dict(pictures(exam, changed, small).layers) == {"conv2d": KEPT, "dense": CHANGED}


def test_surety_is_grouped(exam, small, right):
    sure = np.where(np.arange(3000) < 1000, 1.0, 0.55)
    chosen = wrong_in(exam.labels, np.arange(1000, 2000))
    found = pictures(exam, replace(right, sure=sure, chosen=chosen), small)
    assert [(one.sure, one.right, one.count) for one in found.bins] == [
        (pytest.approx(0.55), 1000, 2000),
        (1.0, 1000, 1000),
    ]
