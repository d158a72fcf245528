"""The digits that come with the kit are what their page says."""

from __future__ import annotations

import hashlib

import numpy as np

from autograder.digits import digits, small_digits


def test_six_hundred_of_each_class():
    images, labels = digits()
    assert images.shape == (6000, 28, 28)
    assert images.dtype == labels.dtype == np.uint8
    assert np.bincount(labels).tolist() == [600] * 10


def test_ink_is_bright_on_dark_paper():
    images, _ = digits()
    assert images.min() == 0
    assert images.max() == 255
    # Paper around every digit, ink in its middle.
    assert images[:, 0].mean() < 1
    assert images[:, 10:18, 10:18].mean() > 60


def test_digits_look_like_their_label():
    # Each class's own mean image explains its digits better than chance by far.
    images, labels = digits()
    x = images.reshape(6000, -1).astype(np.float32)
    means = np.stack([x[:3000][labels[:3000] == k].mean(axis=0) for k in range(10)])
    distances = ((x[3000:, None] - means) ** 2).sum(axis=2)
    assert (distances.argmin(axis=1) == labels[3000:]).mean() > 0.75


def test_classes_are_mixed():
    # Every class stops after its first 600, so only the very end is short of some.
    _, labels = digits()
    for start in range(0, 5400, 200):
        assert len(set(labels[start : start + 200])) == 10


def test_the_bytes_are_those_of_the_data_page(root):
    images, labels = digits()
    digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    assert f"`{digest}`" in (root / "autograder" / "data" / "README.md").read_text()


def test_small_digits_are_halves():
    images, labels = small_digits(10, 13)
    assert images.shape == (3, 1, 14, 14)
    assert images.dtype == np.float64
    assert labels.dtype == np.int64
    full, all_labels = digits()
    assert labels.tolist() == all_labels[10:13].tolist()
    assert images.min() >= 0
    assert images.max() <= 1
    np.testing.assert_allclose(images[0, 0, 7, 7], full[10, 14:16, 14:16].mean() / 255)
