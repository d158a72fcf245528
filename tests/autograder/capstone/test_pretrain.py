"""Pretraining: the same weights every time, and a backbone that has lost its letters."""

from __future__ import annotations

import pytest

from autograder.capstone import training
from autograder.capstone.backbone import letters, pretrain

pytestmark = pytest.mark.slow
PLAN = training.Plan(epochs=2, batch=64, rate=4e-3)


@pytest.fixture(autouse=True)
def two_fonts(archives, monkeypatch):
    """One of the two is held back."""
    monkeypatch.setattr(pretrain, "fonts", letters.fonts)


def test_the_weights_are_the_same_every_time(keras, archives, tmp_path):
    told = []
    first = pretrain.pretrain(archives, PLAN, lambda *step: told.append(step))
    assert first.images == 52
    assert 0 <= first.accuracy <= 1
    assert told[-1][:2] == (2 * 4 * 52, 2 * 4 * 52)
    assert first.backbone.name == "backbone"
    assert first.backbone.output_shape == (None, 7, 7, 64)
    assert first.weights == training.digest(first.backbone.get_weights())

    def interrupt(done, total, text):
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain.pretrain(archives, PLAN, interrupt, tmp_path)
    again = pretrain.pretrain(archives, PLAN, kept=tmp_path)
    assert again.weights == first.weights
    assert again.letters == first.letters
    other = pretrain.pretrain(archives, training.Plan(2, 64, 4e-3, seed=1))
    assert other.weights != first.weights
