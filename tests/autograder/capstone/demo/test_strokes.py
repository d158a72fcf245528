"""Drawings become images like MNIST's, however large and wherever they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.capstone.demo import strokes
from autograder.capstone.demo.strokes import BadStrokes


def middle(image):
    ink = image / image.sum()
    at = np.arange(28) + 0.5
    return np.array([ink.sum(axis=0) @ at, ink.sum(axis=1) @ at])


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_is_fitted_and_centred(drawings, digit):
    image = strokes.image(strokes.read(drawings[digit]))
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    rows, columns = np.nonzero(image > 127)
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert 19 <= max(height, width) <= 20
    assert np.abs(middle(image) - 14).max() < 0.1


def test_drawings_have_about_as_much_ink_as_mnist(drawings):
    ink = [strokes.image(strokes.read(drawn)).sum() / 255 for drawn in drawings.values()]
    assert 75 < np.mean(ink) < 110  # MNIST: 103, with pens of many widths


@pytest.mark.parametrize(("scale", "move"), [(0.4, 100), (0.6, 390), (0.99, 3)])
def test_size_and_place_make_no_difference(drawings, scale, move):
    drawn = strokes.read(drawings[2])
    other = strokes.image([stroke * scale + move for stroke in drawn])
    assert np.abs(other.astype(int) - strokes.image(drawn)).max() <= 8


def test_a_dot_stays_a_dot():
    image = strokes.image(strokes.read([[[3, 990]]]))
    assert 0 < image.sum() / 255 < 10
    assert np.abs(middle(image) - 14).max() < 0.1


def test_nothing_is_lost_at_the_border_where_the_mass_lies_aside():
    heavy = [[x, y] for x in range(900, 1000, 20) for y in (900, 1000)]
    lines = [[[0, 0], [1000, 1000]], *([[p, heavy[-1]] for p in heavy])]
    image = strokes.image(strokes.read(lines))
    assert image[:2].sum() + image[:, :2].sum() == 0
    # Moved as far as there is room for, and no further.
    assert image[26].max() < 255
    assert image[:, :5].sum() > 0


def test_without_strokes_there_is_no_ink():
    assert strokes.image(strokes.read([])).sum() == 0


def test_a_drawing_of_as_many_points_as_may_be():
    rng = np.random.default_rng(0)
    points = rng.integers(0, 1001, (strokes.MAX_POINTS, 2)).tolist()
    assert strokes.image(strokes.read([points])).mean() > 100
    with pytest.raises(BadStrokes, match="at most 4000 points"):
        strokes.read([points, [[1, 1]]])


@pytest.mark.parametrize(
    "drawn",
    [
        None,
        {},
        "strokes",
        [[]],
        [1],
        [[1, 2]],
        [[[1]]],
        [[[1, 2, 3]]],
        [[[1, "2"]]],
        [[[True, 2]]],
        [[[1, -1]]],
        [[[1001, 0]]],
        [[[float("nan"), 0]]],
        [[[float("inf"), 0]]],
        [[[10**400, 0]]],
    ],
)
def test_what_is_no_drawing_is_refused(drawn):
    with pytest.raises(BadStrokes):
        strokes.read(drawn)
