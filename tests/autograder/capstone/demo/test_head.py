"""The head that is learnt without TensorFlow, and kept."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.bank import CACHE_VARIABLE
from autograder.capstone import activations
from autograder.capstone.data import subset
from autograder.capstone.demo import head, strokes
from reference import ops


class Pixels:
    """Stands in for the backbone: its features are the pixels."""

    def answers(self, images):
        return (images / 255).astype(np.float32)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "capstone"


def made_up():
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3136, 10)).astype(np.float32)
    return head.Head(kernel, rng.normal(size=10).astype(np.float32), 0.75)


def test_a_linear_head_on_pixels_learns(monkeypatch):
    monkeypatch.setattr(head, "LEARNING_RATE", 0.03)
    told = []
    learnt = head.train(Pixels(), subset(), lambda done, total, text: told.append(text))
    assert 0.86 < learnt.accuracy < 0.93
    logits = Pixels().answers(subset().test_images).reshape(1000, -1) @ learnt.kernel + learnt.bias
    assert learnt.accuracy == np.mean(logits.argmax(axis=1) == subset().test_labels)
    assert set(told) == {"features of the digits", "the head"}


def test_the_joined_model_is_the_backbone_and_a_softmax_of_its_features(shipped):
    learnt = made_up()
    joined = head.join(shipped, learnt)
    images = subset().test_images[:3]
    logits = ops.dense(shipped.answers(images).reshape(3, -1), learnt.kernel, learnt.bias)
    np.testing.assert_allclose(joined.answers(images), activations.softmax(logits), rtol=1e-5)
    assert joined.ends_in_softmax
    assert joined.parameters == shipped.parameters + 31370
    assert len(shipped.graph.nodes) + 3 == len(joined.graph.nodes)


def test_a_head_is_learnt_once(shipped, own_cache, monkeypatch):
    learnt = made_up()
    monkeypatch.setattr(head, "train", lambda *arguments: learnt)
    assert head.head(shipped)[1] is False
    monkeypatch.setattr(head, "train", lambda *arguments: pytest.fail("learnt again"))
    kept, was_kept = head.head(shipped)
    assert was_kept
    assert np.array_equal(kept.kernel, learnt.kernel)
    assert np.array_equal(kept.bias, learnt.bias)
    assert kept.accuracy == 0.75
    assert len(list(own_cache.iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"\x80\x04N."])
def test_a_damaged_one_is_learnt_again(shipped, own_cache, monkeypatch, content):
    monkeypatch.setattr(head, "train", lambda *arguments: made_up())
    head.head(shipped)
    (file,) = own_cache.iterdir()
    file.write_bytes(content)
    assert head.head(shipped)[1] is False
    assert head.head(shipped)[1] is True


def test_one_of_another_shape_is_learnt_again(shipped, own_cache, monkeypatch):
    monkeypatch.setattr(head, "train", lambda *arguments: made_up())
    head.head(shipped)
    (file,) = own_cache.iterdir()
    np.savez(file, kernel=np.zeros((4, 10), np.float32), bias=np.zeros(10, np.float32), accuracy=1)
    assert head.head(shipped)[1] is False


def test_where_nothing_can_be_kept_it_is_learnt_all_the_same(shipped, own_cache, monkeypatch):
    monkeypatch.setattr(head, "train", lambda *arguments: made_up())
    own_cache.parent.write_text("a file where the folder should be")
    for _ in range(2):
        assert head.head(shipped)[1] is False


@pytest.mark.slow
def test_the_default_model_reads_digits_and_drawings(shipped, drawings):
    learnt, _ = head.head(shipped)
    assert learnt.accuracy > 0.975
    joined = head.join(shipped, learnt)
    rng = np.random.default_rng(0)
    images, truth = [], []
    for digit, drawn in drawings.items():
        for number in range(20):
            # The first as it is, the others turned, sheared and by a trembling hand.
            turn, shear = rng.uniform(-0.2, 0.2, 2) * (number > 0)
            turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
            change = turned @ np.array([[1, shear], [0, 1]])
            images.append(
                strokes.image(
                    [
                        (np.array(stroke) - 500) @ change.T
                        + rng.normal(0, 6, (len(stroke), 2)) * (number > 0)
                        for stroke in drawn
                    ]
                )
            )
            truth.append(digit)
    right = joined.answers(np.stack(images)).argmax(axis=1) == truth
    assert right[::20].all()
    assert right.mean() > 0.98
