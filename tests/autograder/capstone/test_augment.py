"""Changed images are still images, each changed in its own way, and only as much as is said."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.capstone import augment
from autograder.digits import digits


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def images() -> np.ndarray:
    return digits()[0][:300]


@pytest.mark.parametrize("change", [augment.warp, augment.corrupt])
def test_images_stay_images_and_the_argument_stays(change, images):
    before = images.copy()
    changed = change(images, rng())
    assert changed.dtype == np.uint8
    assert changed.shape == images.shape
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(changed, change(images, rng()))
    assert change(images[:0], rng()).shape == (0, 28, 28)


def test_each_copy_is_another(images):
    copies = augment.warp(np.repeat(images[:1], 20, axis=0), rng())
    assert len({copy.tobytes() for copy in copies}) == 20


def test_images_do_not_depend_on_their_chunk(images, monkeypatch):
    whole = augment.warp(images, rng())
    monkeypatch.setattr(augment, "CHUNK", 7)
    np.testing.assert_array_equal(augment.warp(images, rng()), whole)


def test_without_any_change_nothing_changes(images):
    nothing = augment._warp(images, np.zeros((len(images), 6), np.float32))
    np.testing.assert_array_equal(nothing, images)


def test_a_shift_moves_and_brings_in_paper():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 10, 12] = 200
    image[0, 0, 0] = 100
    drawn = np.array([[0, 0, 0, -1, 0.5, 0]], np.float32)  # rows by -2, columns by +1
    moved = augment._warp(image, drawn)
    assert moved[0, 12, 11] == 200
    assert moved.sum() == 200  # the corner has left, and nothing came in


def test_a_turn_keeps_the_middle_and_the_ink():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 13:15, 4:24] = 255
    turned = augment._warp(image, np.array([[1, 0, 0, 0, 0, 0]], np.float32))[0]
    assert turned[13:15, 13:15].min() > 220
    assert abs(int(turned.sum()) - int(image.sum())) < 0.05 * image.sum()
    rows = (turned * np.arange(28)[:, None]).sum(axis=0) / np.maximum(turned.sum(axis=0), 1)
    slope = (rows[22] - rows[5]) / 17
    assert abs(abs(slope) - np.tan(np.radians(10))) < 0.02


def test_half_of_the_images_get_a_fault(images):
    same = (augment.corrupt(images, rng()) == images).all(axis=(1, 2))
    assert 0.35 < same.mean() < 0.65
