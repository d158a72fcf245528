"""Digits from files: pictures come into MNIST's form, arrays stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from autograder.capstone import images
from autograder.capstone.images import NotADigit
from autograder.digits import digits


@pytest.fixture
def digit():
    return digits()[0][0]


def correlation(a, b):
    """The best of those with a moved by at most a pixel."""
    moved = [np.roll(a, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return max(np.corrcoef(m.ravel().astype(float), b.ravel())[0, 1] for m in moved)


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_photographed_digit_is_brought_into_form(digit, tmp_path, kind):
    """Dark ink on grey paper, larger, and in a corner."""
    page = np.full((300, 400), 210, np.uint8)
    large = np.kron(digit, np.ones((7, 7), np.uint8))
    page[90:286, 20:216] -= (large * 0.7).astype(np.uint8)
    file = tmp_path / f"digit.{kind}"
    Image.fromarray(page).save(file)
    (found,) = images.read(file)
    assert found.shape == (28, 28)
    assert found.dtype == np.uint8
    assert correlation(found, digit) > 0.9
    assert found.max() > 200
    assert (found[[0, -1]] == 0).all()


def test_a_picture_of_mnist_stays_as_it_is(digit, tmp_path):
    Image.fromarray(digit).save(tmp_path / "dark.png")
    np.testing.assert_array_equal(images.read(tmp_path / "dark.png"), digit[None])
    Image.fromarray(255 - digit).save(tmp_path / "bright.png")
    np.testing.assert_array_equal(images.read(tmp_path / "bright.png"), digit[None])


def test_what_is_transparent_is_paper(digit, tmp_path):
    black = np.zeros((28, 28), np.uint8)
    Image.fromarray(np.dstack([black, black, black, digit])).save(tmp_path / "ink.png")
    (found,) = images.read(tmp_path / "ink.png")
    assert np.abs(found.astype(int) - digit).max() <= 1


@pytest.mark.parametrize("shape", [(28, 28), (3, 28, 28), (3, 28, 28, 1)])
def test_arrays_are_taken_as_they_are(shape, tmp_path):
    array = np.random.default_rng(0).integers(0, 256, shape).astype(np.float64)
    np.save(tmp_path / "digits.npy", array)
    found = images.read(tmp_path / "digits.npy")
    np.testing.assert_array_equal(found, array.reshape(-1, 28, 28))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((28, 27)), r"shape \(28, 27\)"),
        (np.full((28, 28), "a"), "digits are numbers"),
        (np.full((28, 28), np.nan), "numbers from 0 to 255"),
        (np.full((28, 28), 0.5), "pixels up to 0.5"),
        (np.full((28, 28), 300), "pixels up to 300"),
        (np.full((28, 28), -1), "numbers from 0 to 255"),
        (np.zeros((0, 28, 28)), "no pixels"),
    ],
)
def test_arrays_that_are_no_digits_are_told(array, said, tmp_path):
    np.save(tmp_path / "wrong.npy", array)
    with pytest.raises(NotADigit, match=said):
        images.read(tmp_path / "wrong.npy")


def test_what_is_no_picture_is_told(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(NotADigit, match=r"text\.png is no picture"):
        images.read(tmp_path / "text.png")
    Image.new("L", (40, 40), 200).save(tmp_path / "empty.png")
    with pytest.raises(NotADigit, match="shows nothing"):
        images.read(tmp_path / "empty.png")
    with pytest.raises(NotADigit, match="cannot read"):
        images.read(tmp_path / "none.png")
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY\x01")
    with pytest.raises(NotADigit, match=r"no readable \.npy"):
        images.read(tmp_path / "cut.npy")


def test_without_pillow_the_command_that_installs_it_is_told(monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, "PIL", None)
    (tmp_path / "digit.png").write_bytes(b"")
    with pytest.raises(NotADigit, match="needs Pillow: pip install"):
        images.read(tmp_path / "digit.png")
