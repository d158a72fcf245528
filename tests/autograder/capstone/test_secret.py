"""The private test set and the corruptions: the same from the same seed, and still digits."""

from __future__ import annotations

import re

import numpy as np
import pytest

from autograder.capstone import corruptions, few_labels, secret
from autograder.capstone.corruptions import FAMILIES
from autograder.capstone.few_labels import Trouble
from autograder.digits import digits


@pytest.fixture(scope="module")
def given_digits():
    images, labels = digits()
    return images[:400], labels[:400]


def test_the_same_seed_gives_the_same_set_and_another_another(given_digits):
    one, again = (secret.private_set(*given_digits, "a") for _ in range(2))
    other = secret.private_set(*given_digits, "b")
    assert (one[0] == again[0]).all()
    assert (one[1] == again[1]).all()
    assert (one[0] != other[0]).any()
    assert one[0].dtype == np.uint8
    assert one[0].shape == (400, 28, 28)


def test_every_digit_is_there_once_with_its_label_and_a_little_changed(given_digits):
    images, _ = given_digits
    made, names = secret.private_set(images, np.arange(400), "a")
    assert sorted(names) == list(range(400))
    assert (names != np.arange(400)).mean() > 0.9
    before, after = images[names].astype(float), made.astype(float)
    assert (np.abs(before - after).max(axis=(1, 2)) > 30).all()  # no digit is as it was
    blurred = [(a - a.mean()).ravel() @ (b - b.mean()).ravel() / a.std() / b.std() / a.size
               for a, b in zip(before, after, strict=True)]  # fmt: skip
    assert np.median(blurred) > 0.7  # and each is still much like itself
    assert after.sum() == pytest.approx(before.sum(), rel=0.1)


def test_nothing_is_drawn_where_nothing_was():
    blank = np.zeros((5, 28, 28), np.uint8)
    assert not secret.private_set(blank, np.arange(5), "a")[0].any()
    assert secret.private_set(blank[:0], np.arange(0), "a")[0].shape == (0, 28, 28)


def test_an_affine_change_is_the_one_asked_for():
    image = np.zeros((1, 9, 9))
    image[0, 2, 4] = 1
    still, up = np.zeros((1, 2)), np.array([[-1.0, 2.0]])
    same = np.eye(2)[None]
    assert (secret.affine(image, same, still) == image).all()
    moved = secret.affine(image, same, up)
    assert moved[0, 1, 6] == pytest.approx(1)
    quarter = np.array([[[0.0, -1.0], [1.0, 0.0]]])
    turned = secret.affine(image, quarter, still)
    # Two rows above the middle become two columns before it.
    assert np.argwhere(turned[0] > 0.9).tolist() == [[4, 2]]
    larger = secret.affine(image, 2 * same, still)
    assert larger[0, 0, 4] == pytest.approx(1)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_corruption_changes_every_digit_and_follows_its_seed(family, given_digits):
    images, _ = given_digits
    kept = images.copy()
    made = corruptions.corrupted(family, images, "a")
    assert (images == kept).all()
    assert made.shape == images.shape
    assert made.dtype == np.uint8
    assert (made != images).any(axis=(1, 2)).mean() > 0.98
    assert (made == corruptions.corrupted(family, images, "a")).all()
    if family.name not in ("thin", "thick"):
        assert (made != corruptions.corrupted(family, images, "b")).any(axis=(1, 2)).mean() > 0.9
    assert corruptions.corrupted(family, images[:0], "a").shape == (0, 28, 28)


def test_some_families_are_new_to_the_backbone():
    assert sum(not family.known for family in FAMILIES) >= 3
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


# --- few labels


@pytest.fixture(scope="module")
def task(given_digits):
    images, labels = digits()
    return few_labels.tasks(images, labels, *given_digits, "a", 1)[0]


def test_a_task_has_ten_digits_a_class_and_no_label_as_it_was(task):
    images, labels = digits()
    assert len(task.images) == 100
    places = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    real = np.array([places[image.tobytes()] for image in task.images])
    assert np.bincount(real).tolist() == [10] * 10
    assert np.bincount(task.labels).tolist() == [10] * 10
    change = dict(zip(real.tolist(), task.labels.tolist(), strict=True))
    assert len(set(zip(real.tolist(), task.labels.tolist(), strict=True))) == 10
    assert all(old != new for old, new in change.items())
    assert (task.asked[task.again[:, 0]] == task.asked[task.again[:, 1]]).all()
    assert len(task.again) == few_labels.AGAIN


def test_tasks_follow_from_the_seed(given_digits):
    images, labels = digits()
    one, other = few_labels.tasks(images, labels, *given_digits, "a")
    assert (one.labels != other.labels).any()
    again, _ = few_labels.tasks(images, labels, *given_digits, "a")
    assert (one.expected == again.expected).all()


def test_the_share_that_is_right(task):
    right = np.eye(10)[task.expected]
    assert few_labels.share(task, right) == 1
    once = np.setdiff1d(np.arange(len(right)), task.again)
    some = right.copy()
    some[once[:90]] = np.nan
    assert few_labels.share(task, some) == 0.8
    assert few_labels.share(task, np.eye(10)[(task.expected + 1) % 10]) == 0.0


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda right: right[:-1], r"of shape \(449, 10\) and type float64"),
        (lambda right: right[:, :9], r"of shape \(450, 9\)"),
        (lambda right: right.astype(object), "type object"),
        (lambda right: right.astype(complex), "type complex128"),
        (lambda right: np.full_like(right, np.nan), "no finite numbers"),
    ],
)
def test_answers_of_no_use_are_told(task, spoil, said):
    told = few_labels.share(task, spoil(np.eye(10)[task.expected]))
    assert isinstance(told, Trouble)
    assert re.search(said, told.sentence)
    assert told.status == "fail"


def test_one_digit_must_get_one_answer(task):
    """A model that knows the order of what it is asked answers the same digit twice differently."""
    answers = np.eye(10)[task.expected]
    answers[task.again[:, 1]] = np.roll(answers[task.again[:, 1]], 1, axis=1)
    told = few_labels.share(task, answers)
    assert isinstance(told, Trouble)
    assert "the same digit in two ways" in told.sentence


def test_nothing_is_begun_behind_trouble(task):
    asked = []

    def answerer(given):
        asked.append(given)
        return (
            Trouble("ZeroDivisionError", "error") if len(asked) == 2 else np.eye(10)[task.expected]
        )

    few = few_labels.measure([task] * 3, answerer)
    assert few.shares == (1.0, 0.0, 0.0)
    assert few.trouble.sentence == "ZeroDivisionError"
    assert len(asked) == 2
