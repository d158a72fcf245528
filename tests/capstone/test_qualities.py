"""Each model of known quality gets its band of points, on seeds that the rubric was not set on.

Here with the kit's own digits and one seed, some four minutes of CPU. `QUALITIES_SEEDS=11,12,13`
has more of them; `docs/capstone_qualities.md` tells the figures and how they are made. The report
is left out: 95 points are to be had.
"""

from __future__ import annotations

import os

import pytest
import qualities
from qualities import QUALITIES, Board, Workshop

SEEDS = [int(seed) for seed in os.environ.get("QUALITIES_SEEDS", "11").split(",")]
# Least and most points: what three seeds gave, and around it what chance can do. Of 1,500 private
# digits 98.5 % have a standard error of 0.3 %, which is two points of the accuracy's thirty; with
# robustness and calibration, five points to either side are twice that of the good models.
BANDS = {
    "untrained-head": (0, 0),
    "linear-on-pixels": (10, 13),
    "one-epoch": (39, 50),
    "pooled-head": (48, 60),
    "mlp-head-augmented": (78, 94),
    "fine-tuned-top-stage": (78, 94),
    "good-cnn-from-scratch": (53, 66),
    "lenet-from-scratch": (42, 55),
    "preprocessing-outside": (5, 18),
    "on-test-digits": (45, 50),
    "on-test-digits-too": (45, 50),
}
BETTER = [
    ("mlp-head-augmented", "pooled-head"),
    ("pooled-head", "one-epoch"),
    ("one-epoch", "linear-on-pixels"),
    ("mlp-head-augmented", "good-cnn-from-scratch"),
    ("good-cnn-from-scratch", "preprocessing-outside"),
]
HONEST = ("pooled-head", "mlp-head-augmented", "good-cnn-from-scratch")


def test_every_quality_has_a_band():
    assert set(BANDS) == {quality.name for quality in QUALITIES}


# One test for a seed: the models take minutes, and each is made once.
@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("seed", SEEDS)
def test_every_quality_gets_its_band(seed, tmp_path):
    board = Board(Workshop(seed))
    try:
        graded = {
            quality.name: board.grade(quality, qualities.make(quality, board.shop, tmp_path))
            for quality in QUALITIES
        }
    finally:
        board.close()
    scores = {name: result.verdict.score for name, result in graded.items()}
    parts = {name: {p.name: p.score for p in r.parts} for name, r in graded.items()}
    findings = {name: {p.name: p.finding for p in r.parts} for name, r in graded.items()}
    outside = {
        name: parts[name]
        for name, (least, most) in BANDS.items()
        if not least <= scores[name] <= most
    }
    assert not outside
    for better, worse in BETTER:
        assert scores[better] > scores[worse]
    for name in ("on-test-digits", "on-test-digits-too"):
        assert parts[name]["accuracy"] == parts[name]["few labels"] == 0
        assert "does not count" in findings[name]["accuracy"]
    # A person is shown who knows the test digits too well.
    ratios = {name: result.measured.ratio for name, result in graded.items()}
    assert ratios["on-test-digits"] < 0.4
    assert all(ratios[name] > 0.7 for name in HONEST)
    for name in ("one-epoch", "pooled-head", "mlp-head-augmented"):
        assert parts[name]["few labels"] >= 9
    for name in ("good-cnn-from-scratch", "lenet-from-scratch"):
        assert parts[name]["transfer"] == 0
        assert parts[name]["valid"] == 10
        assert parts[name]["accuracy"] > 0
    assert parts["fine-tuned-top-stage"]["transfer"] == 20
    found = graded["fine-tuned-top-stage"].measured.transfer
    assert found.total / 2 <= found.kept < found.total
    assert parts["preprocessing-outside"]["valid"] == 5
    assert "needs images / 255" in findings["preprocessing-outside"]["valid"]
