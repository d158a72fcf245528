"""Each model of known quality gets its band of points, on seeds that the rubric was not set on.

With `CAPSTONE_BACKBONE` a file, that backbone is taken; else a stand-in is trained on letters, for
a minute. The report is left out: 95 points are to be had.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import qualities
from qualities import QUALITIES

from autograder.capstone import grading, handin, model, weights
from autograder.capstone.exam import Exam

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

SEED = 3
# Least and most points. Trained on 4,500 digits, with a stand-in: with all of MNIST and the kit's
# own backbone the good ones are better.
BANDS = {
    "untrained-head": (0, 0),
    "linear-on-pixels": (5, 20),
    "one-epoch": (40, 68),
    "pooled-head": (52, 80),
    "mlp-head-augmented": (70, 95),
    "fine-tuned-top-stage": (68, 95),
    "good-cnn-from-scratch": (50, 68),
    "lenet-from-scratch": (35, 62),
    "preprocessing-outside": (5, 25),
    "on-test-digits": (30, 55),
    "on-test-digits-too": (30, 55),
}


@pytest.fixture(scope="module")
def workers():
    running = weights.server()
    yield running
    running.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    given = os.environ.get("CAPSTONE_BACKBONE")
    out = tmp_path_factory.mktemp("backbone")
    file = Path(given) if given else qualities.stand_in_backbone(out, SEED)
    return qualities.Workshop(file, SEED)


@pytest.fixture(scope="module")
def graded(shop, workers, tmp_path_factory):
    """`graded(name)`: what the model of this quality gets, made and graded once in a run."""
    backbone = model.read(shop.path, workers, None)
    test, training = (shop.test_images, shop.test_labels), (shop.images, shop.labels)
    exam = Exam.of(test, f"secret {SEED}", training)
    known = {}

    def result(name):
        if name not in known:
            quality = next(quality for quality in QUALITIES if quality.name == name)
            folder = qualities.make(quality, shop.path, SEED, tmp_path_factory.mktemp(name))
            read = handin.read(folder)
            finished = model.read(read.model, workers)
            answers = qualities.answerer(quality, shop, finished)
            known[name] = grading.grade(read, exam, backbone, workers, answers)
        return known[name]

    return result


def parts(graded):
    return {part.name: part.score for part in graded.parts}


def test_every_quality_has_a_band():
    assert set(BANDS) == {quality.name for quality in QUALITIES}


@pytest.mark.parametrize("name", BANDS)
def test_a_quality_gets_its_band(graded, name):
    least, most = BANDS[name]
    result = graded(name)
    assert least <= result.verdict.score <= most, result.parts


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("mlp-head-augmented", "pooled-head"),
        ("pooled-head", "one-epoch"),
        ("one-epoch", "linear-on-pixels"),
        ("mlp-head-augmented", "good-cnn-from-scratch"),
        ("good-cnn-from-scratch", "preprocessing-outside"),
    ],
)
def test_better_models_get_more(graded, better, worse):
    assert graded(better).verdict.score > graded(worse).verdict.score


@pytest.mark.parametrize("name", ["on-test-digits", "on-test-digits-too"])
def test_who_trained_on_the_test_digits_loses_the_accuracy(graded, name):
    result = graded(name)
    assert parts(result)["accuracy"] == 0
    assert parts(result)["few labels"] == 0
    accuracy = next(part for part in result.parts if part.name == "accuracy")
    assert "does not count" in accuracy.finding


def test_a_person_is_shown_who_knows_the_test_digits_too_well(graded):
    ratio = {name: graded(name).measured.ratio for name in BANDS}
    assert ratio["on-test-digits"] < 0.4
    for name in ("pooled-head", "mlp-head-augmented", "good-cnn-from-scratch"):
        assert ratio[name] > 0.7


@pytest.mark.parametrize("name", ["one-epoch", "pooled-head", "mlp-head-augmented"])
def test_honest_heads_learn_from_few_labels(graded, name):
    assert parts(graded(name))["few labels"] >= 6


@pytest.mark.parametrize("name", ["good-cnn-from-scratch", "lenet-from-scratch"])
def test_who_starts_from_scratch_loses_the_transfer_alone(graded, name):
    scores = parts(graded(name))
    assert scores["transfer"] == 0
    assert scores["valid"] == 10
    assert scores["accuracy"] > 0


def test_the_upper_stage_may_be_tuned(graded):
    result = graded("fine-tuned-top-stage")
    assert parts(result)["transfer"] == 20
    found = result.measured.transfer
    assert found.total / 2 <= found.kept < found.total


def test_preprocessing_outside_is_told(graded):
    result = graded("preprocessing-outside")
    assert "needs images / 255" in result.parts[0].finding
    assert parts(result)["valid"] == 5
