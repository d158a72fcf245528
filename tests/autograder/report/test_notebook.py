"""A counterexample as a picture: which arrays are drawn, and what is marked."""

from __future__ import annotations

import numpy as np

from autograder.report.notebook import _grids, _picture
from autograder.verdict import Counterexample
from autograder.working import Step


def example(**changes):
    fields = dict(
        arguments={"x": np.array([[1.0, 2.0], [3.0, 4.0]]), "stride": (1, 2)},
        yours=np.array([[1.0, 5.0]]),
        expected=np.array([[1.0, 4.0]]),
        snippet="",
        where="y[0,1]",
        index=(0, 1),
        steps=(Step("x[0,1] * w[0]", "2 * 2", "4"), Step("the sum", "", "4")),
    )
    return Counterexample(**{**fields, **changes})


def marked(grids, what):
    return [s.text for grid in grids for s in grid.squares if getattr(s, what)]


def test_arrays_are_drawn_and_the_rest_is_written():
    picture = _picture(example(), explain=False)
    assert [grid.caption for grid in picture.inputs] == ["x (2, 2)"]
    assert picture.others == (("stride", "(1, 2)"),)
    assert [grid.caption for grid in picture.outputs] == ["y, yours (1, 2)", "y, expected (1, 2)"]


def test_cells_that_differ_and_the_cell_that_is_shown_are_marked():
    picture = _picture(example(yours=np.array([[0.0, 5.0]])), explain=False)
    assert marked(picture.outputs, "wrong") == ["0", "5", "1", "4"]
    assert marked(picture.outputs, "shown") == ["5", "4"]


def test_cells_that_are_read_are_marked_when_the_arithmetic_is_asked_for():
    assert marked(_picture(example(), explain=False).inputs, "read") == []
    assert marked(_picture(example(), explain=True).inputs, "read") == ["2"]


def test_every_channel_has_its_grid():
    grids = list(_grids("x", np.arange(12.0).reshape(1, 3, 2, 2), set()))
    assert [grid.caption for grid in grids] == ["x[0,0]", "x[0,1]", "x[0,2]"]
    assert [square.text for square in grids[2].squares] == ["8", "9", "10", "11"]


def test_what_is_too_large_or_no_array_is_not_drawn():
    assert list(_grids("x", np.zeros((2, 13)), set())) == []
    assert list(_grids("x", np.zeros((0, 3)), set())) == []
    assert list(_grids("x", [[1]], set())) == []
    many = _picture(example(arguments={"x": np.zeros((13, 1, 1))}), explain=False)
    assert many.inputs == ()
    assert many.others[0][0] == "x"


def test_an_answer_of_another_shape_has_no_marks_but_is_shown():
    picture = _picture(example(yours=np.ones((2, 1)), where="", index=None), explain=False)
    assert [grid.caption for grid in picture.outputs] == ["yours (2, 1)", "expected (1, 2)"]
    assert marked(picture.outputs, "wrong") == []


def test_long_numbers_stay_in_their_cells():
    (grid,) = _grids("x", np.array([1 / 3, 1e-300]), set())
    assert all(9 * len(square.text) <= grid.side for square in grid.squares)
