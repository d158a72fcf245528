"""Patterns: said where every wrong result shows them, and never by chance."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.pattern import pattern

IMAGES = [
    np.arange(1.0, 13.0).reshape(1, 1, 3, 4),
    np.array([[[[2.0, 5.0, -3.0], [7.0, 0.0, 1.0], [4.0, 9.0, 8.0]]]]),
]


def of(change, images=IMAGES, name="y"):
    """What is said of results that were changed in this way."""
    return pattern([(name, change(image), image) for image in images])


def changed(place, by=1.0):
    def change(image):
        image = image.copy()
        image[place] += by
        return image

    return change


def shuffled(image):
    return np.random.default_rng(0).permutation(image.ravel()).reshape(image.shape)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: 2 * a, "every number of y is twice what it should be"),
        (lambda a: 0.5 * a, "every number of y is half what it should be"),
        (lambda a: -a, "every number of y is minus what it should be"),
        (lambda a: 3 * a, "every number of y is 3 times what it should be"),
        (lambda a: a + 1, "every number of y is too large by 1"),
        (lambda a: a - 0.25, "every number of y is too small by 0.25"),
        (lambda a: a.swapaxes(2, 3), "y is the transpose of what it should be"),
        (lambda a: a[..., ::-1, :], "y has its rows in reverse order"),
        (lambda a: a[..., ::-1], "y has its columns in reverse order"),
        (lambda a: a[..., ::-1, ::-1], "y has its rows and its columns in reverse order"),
        (changed(np.s_[..., -1, :]), "only the last row of y is wrong"),
        (changed(np.s_[..., 0]), "only the first column of y is wrong"),
        (changed(np.s_[..., 1:, :]), "only the first row of y is right"),
        (changed(np.s_[..., :-1]), "only the last column of y is right"),
    ],
)
def test_patterns_are_named(change, said):
    assert of(change) == f"On every input that failed, {said}."


def test_an_offset_within_rounding_is_no_pattern():
    """As where unwritten memory happens to hold almost nothing."""
    assert of(lambda a: a + 3e-310, IMAGES[::-1]) == ""


def test_cells_that_nothing_set():
    last = changed(np.s_[..., -1], np.nan)
    said = "On every input that failed, the wrong cells of y are nan and all others are right: "
    assert of(last) == said + "nothing has set them after np.empty, or they are 0 / 0 or inf - inf."
    assert of(lambda a: last(a) + changed(np.s_[..., 0])(0 * a)) == "", "other cells are wrong too"
    assert of(lambda a: np.full_like(a, np.nan)) == "", "no cell is right"
    assert of(last, IMAGES[:1]) == "", "one result may be chance"


def test_images_of_a_batch_and_channels():
    batches = [np.random.default_rng(seed).normal(size=(3, 2, 2, 2)) for seed in range(2)]
    assert "only the first image of y is right" in of(changed(np.s_[1:]), batches)
    assert "only the last channel of y is wrong" in of(changed(np.s_[:, -1]), batches)


def test_a_wrong_shape_may_be_a_transpose():
    wide = [np.arange(float(n)).reshape(1, 1, 2, n // 2) for n in (6, 8)]
    assert "transpose" in of(lambda a: a.swapaxes(2, 3), wide)


def test_rounding_does_not_matter():
    singles = [image.astype(np.float32) / 3 for image in IMAGES]
    assert "twice" in of(lambda a: a * np.float32(2) * np.float32(1 + 2**-22), singles)


@pytest.mark.parametrize(
    "change",
    [
        shuffled,
        lambda a: a * a,
        lambda a: a * (1 + 1e-6),
        lambda a: a * np.nan,
        changed(np.s_[..., 0, 0]),
        lambda a: a.astype(np.float32),
        lambda a: a.tolist(),
        lambda a: None,
    ],
)
def test_what_is_no_pattern_is_not_named(change):
    assert of(change) == ""


def test_one_exception_is_enough():
    twice = [("y", 2 * image, image) for image in IMAGES]
    odd = ("y", IMAGES[0] + 1, IMAGES[0])
    assert pattern(twice)
    assert pattern([*twice, odd]) == ""
    assert pattern([*twice, ("y", None, IMAGES[0])]) == ""


def test_two_results_and_enough_numbers_are_needed():
    assert of(lambda a: 2 * a, IMAGES[:1]) == ""
    assert of(lambda a: 2 * a, [np.array([0.0, 1.0])] * 3) == ""
    assert of(lambda a: a + 1, [np.array([0.0, 1.0])] * 3) == ""
    assert pattern([]) == ""


def test_results_of_several_names_have_none():
    first, second = IMAGES
    assert pattern([("dx", 2 * first, first), ("dw", 2 * second, second)]) == ""
