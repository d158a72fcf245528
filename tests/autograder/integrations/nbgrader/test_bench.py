"""The bench grades the same notebooks in three ways."""

from __future__ import annotations

import pytest
from courses import ANSWERS, ROOT

from autograder.catalog import select
from autograder.integrations.nbgrader.bench import _asserts, bench
from autograder.report.nbgrader import page


def test_test_cells_pass_the_answer_key_and_fail_another():
    (exercise,) = select(["max_pool2d"])
    cell = _asserts(exercise)
    assert cell.count("assert_allclose") == 10
    exec(cell, {"max_pool2d": exercise.reference})
    with pytest.raises(AssertionError):
        exec(cell, {"max_pool2d": lambda *a, **k: exercise.reference(*a, **k) + 1})


@pytest.mark.slow
def test_the_class_is_graded_in_three_ways():
    measured = bench(ROOT / "exercises", ANSWERS, students=2)
    ways = [row["way"] for row in measured["rows"]]
    assert ways == ["the engine alone", "nbgrader with the engine", "nbgrader alone"]
    assert all(row["each"] == row["total"] / 2 > 0 for row in measured["rows"])
    text = page(measured)
    assert "2 students hand in the notebook of lesson 06_pooling" in text
