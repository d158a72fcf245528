"""A counterexample as a picture: which arrays are drawn, and what is marked."""

from __future__ import annotations

import numpy as np

from autograder.report.picture import NEGATIVE, POSITIVE, draw, picture
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


def flat(arrays):
    """The grids of drawn arrays, image by image and channel by channel."""
    return [grid for drawn in arrays for row in drawn for grid in row]


def marked(arrays, what):
    return [s.text for grid in flat(arrays) for s in grid.squares if getattr(s, what)]


def test_arrays_are_drawn_and_the_rest_is_written():
    made = picture(example(), reads=False)
    assert [grid.caption for grid in flat(made.inputs)] == ["x (2, 2)"]
    assert made.others == (("stride", "(1, 2)"),)
    assert [grid.caption for grid in flat(made.outputs)] == [
        "y, yours (1, 2)",
        "y, expected (1, 2)",
    ]


def test_cells_that_differ_and_the_cell_that_is_shown_are_marked():
    made = picture(example(yours=np.array([[0.0, 5.0]])), reads=False)
    assert marked(made.outputs, "wrong") == ["0", "5", "1", "4"]
    assert marked(made.outputs, "shown") == ["5", "4"]


def test_cells_that_are_read_are_marked_when_the_arithmetic_is_asked_for():
    assert marked(picture(example(), reads=False).inputs, "read") == []
    assert marked(picture(example(), reads=True).inputs, "read") == ["2"]


def test_every_image_has_a_row_and_every_channel_its_grid():
    drawn = draw("x", np.arange(24.0).reshape(2, 3, 2, 2), set())
    assert [[grid.caption for grid in row] for row in drawn] == [
        ["x[0,0]", "x[0,1]", "x[0,2]"],
        ["x[1,0]", "x[1,1]", "x[1,2]"],
    ]
    assert [square.text for square in drawn[0][2].squares] == ["8", "9", "10", "11"]
    assert drawn[0][2].label == "x[0,2]: [[8, 9], [10, 11]]"


def test_fills_tell_sign_and_size():
    ((grid,),) = draw("x", np.array([[-4.0, 0.0, 2.0, np.nan, np.inf]]), set())
    fills = [(square.fill, square.opacity) for square in grid.squares]
    assert [fill for fill, _ in fills] == [NEGATIVE, "none", POSITIVE, "none", "none"]
    assert fills[0][1] > fills[2][1] > 0


def test_both_results_have_one_scale():
    made = picture(example(yours=np.array([[8.0, 4.0]])), reads=False)
    fills = [[s.opacity for s in grid.squares] for grid in flat(made.outputs)]
    assert fills[0][0] == fills[0][1] == fills[1][1] > fills[1][0]


def test_numbers_are_left_out_where_they_do_not_fit():
    for given in (np.ones((14, 14)), np.full((2, 12), 1.23456e-100)):
        ((grid,),) = draw("x", given, set())
        assert {square.text for square in grid.squares} == {""}
        assert grid.width < 480


def test_what_is_too_large_or_no_array_is_not_drawn():
    for given in (np.zeros((2, 33)), np.zeros((0, 3)), np.zeros((50, 5, 5)), np.array(1.0), [[1]]):
        assert draw("x", given, set()) == ()
    many = picture(example(arguments={"x": np.zeros((13, 1, 1))}), reads=False)
    assert many.inputs == ()
    assert many.others[0][0] == "x"


def test_an_answer_of_another_shape_has_no_marks_but_is_shown():
    made = picture(example(yours=np.ones((2, 1)), where="", index=None), reads=False)
    assert [grid.caption for grid in flat(made.outputs)] == ["yours (2, 1)", "expected (1, 2)"]
    assert marked(made.outputs, "wrong") == []
    assert not made.marks_wrong


def test_the_cells_that_differ_are_said_in_words():
    made = picture(example(), reads=False)
    assert [grid.label for grid in flat(made.outputs)] == [
        "y, yours (1, 2): [[1, 5]]; differs at [0,1]",
        "y, expected (1, 2): [[1, 4]]; differs at [0,1]",
    ]


def test_long_numbers_stay_in_their_cells():
    ((grid,),) = draw("x", np.array([1 / 3, 1e-300]), set())
    assert all(9 * len(square.text) <= grid.side for square in grid.squares)
