"""The rubric: points from numbers, at the knots, between them and beyond."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.capstone import rubric

KNOTS = [
    ("accuracy", rubric.ACCURACY),
    ("robustness", rubric.ROBUSTNESS),
    ("calibration", rubric.CALIBRATION),
    ("few labels", rubric.FEW_LABELS),
    ("transfer", rubric.TRANSFER),
]


def test_a_hundred_points_in_all():
    assert sum(rubric.POINTS.values()) == 100
    for name, knots in KNOTS:
        assert max(score for _, score in knots) == rubric.POINTS[name]
        assert min(score for _, score in knots) == 0


@pytest.mark.parametrize(("name", "knots"), KNOTS)
def test_a_knot_gives_its_points(name, knots):
    for measured, score in knots:
        assert rubric.points(knots, measured) == score


@given(st.sampled_from(KNOTS), st.floats(-1, 2), st.floats(-1, 2))
def test_better_never_gives_less(knots, one, other):
    _, given_knots = knots
    worse, better = sorted([one, other], reverse=given_knots is rubric.CALIBRATION)
    low, high = (rubric.points(given_knots, measured) for measured in (worse, better))
    assert 0 <= low <= high <= max(score for _, score in given_knots)
    assert (low * 4).is_integer()


def test_points_between_and_beyond():
    assert rubric.points(rubric.ACCURACY, 0.97) == 16
    assert rubric.points(rubric.ACCURACY, 0.5) == 0
    assert rubric.points(rubric.ACCURACY, 1.0) == 30
    assert rubric.points(rubric.CALIBRATION, 0.2) == 1.5
    assert rubric.points(rubric.CALIBRATION, 5.0) == 0
    assert rubric.points(rubric.CALIBRATION, 0.0) == 5
    for odd in (math.nan, math.inf, -math.inf):
        assert rubric.points(rubric.ACCURACY, odd) == 0


def test_wilson_s_interval():
    # Newcombe 1998, Two-sided confidence intervals for the single proportion, table I.
    assert rubric.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert rubric.wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert rubric.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert rubric.wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)
    assert rubric.wilson(0, 0) == (0, 1)


def test_a_share_is_not_rounded_up_to_a_knot():
    assert rubric.percent(0.97999) == "97.9 %"
    assert rubric.percent(0.98) == "98.0 %"
    assert rubric.percent(1.0) == "100.0 %"


def test_accuracy_says_its_interval_and_the_next_knot():
    part = rubric.accuracy(9_830, 10_000)
    assert part.score == 22.25
    assert "98.3 % of the exam's 10,000 digits" in part.finding
    assert "98.0 % to 98.5 %" in part.finding
    assert part.advice == "at 98.5 % it is 24 of 30 points"
    assert rubric.accuracy(9_950, 10_000).advice == ""
    assert rubric.accuracy(0, 0).score == 0


def test_the_voiding_rule():
    assert rubric.voids([0.05, 0.1], 0.99)
    assert not rubric.voids([0.6, 0.5], 0.99)
    assert not rubric.voids([0.05], 0.9)
    assert not rubric.voids([], 0.99)
    void = rubric.accuracy(9_950, 10_000, void=True)
    assert void.score == 0
    assert "does not count" in void.finding


@pytest.mark.parametrize(
    ("changes", "score", "words"),
    [
        ({}, 10, "answers every digit"),
        ({"broken": 3}, 5, "3 of 10000 answers are not finite"),
        ({"seconds": 61.0}, 5, "took 61 CPU seconds"),
        ({"outside": "images / 255"}, 5, "needs images / 255 in place of the raw pixels"),
    ],
)
def test_validity(changes, score, words):
    part = rubric.valid(rubric.Validity(350_000, 71_000, 10_000, **changes))
    assert part.score == score
    assert words in part.finding
    assert bool(part.advice) == (score < 10)


@pytest.mark.parametrize(
    ("measured", "score", "advice"),
    [
        (rubric.Transfer(10, 10, 10, 650), 20, ""),
        (rubric.Transfer(5, 10, 5, 650), 20, ""),
        (rubric.Transfer(2, 10, 2, 650), 8, "freeze the lower half"),
        (rubric.Transfer(0, 10, 10, 650), 0, "around the backbone"),
        (rubric.Transfer(0, 10, 0, 650), 0, "begin with the kit's backbone"),
        (rubric.Transfer(10, 10, 10, 0), 0, "put a head behind"),
    ],
)
def test_transfer(measured, score, advice):
    part = rubric.transfer(measured)
    assert part.score == score
    assert advice in part.advice
    assert bool(part.advice) == (score < 20)


def test_robustness_names_the_worst():
    shares = {"shift": 0.99, "noise": 0.7, "blur": 0.98}
    part = rubric.robustness(shares, {"noise": "with noise"})
    assert part.score == rubric.points(rubric.ROBUSTNESS, 2.67 / 3)
    assert "70.0 % with noise, 98.0 % blur" in part.finding
    assert "augmentation" in part.advice
    assert rubric.robustness({}, {}).score == 0


def test_the_report():
    headings = ("1 the data", "freezing the backbone", "a head", "fine-tuning", "confusion matrix",
                "few labels", "the worst mistakes")  # fmt: skip
    whole = rubric.Notebook(headings, (0.12, 0.984))
    assert rubric.report(whole, 0.981).score == 5
    assert rubric.report(whole, 0.90).score == 3
    assert "does not have its accuracy of 98.4 %" in rubric.report(whole, 0.90).finding
    part = rubric.report(rubric.Notebook(headings[:-1], ()), 0.98)
    assert part.score == 2.5
    assert "the mistakes" in part.advice
    assert rubric.report(None, 0.98).score == 0
