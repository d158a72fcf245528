"""Comparing: structure first, then shape, then numbers; in words that a student understands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.compare import close, is_number, kind_of, mismatch, number
from autograder.isolation.wire import RandomSource

nan, inf = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (-0.0, "0"),
        (0.25, "0.25"),
        (-1.5e-7, "-1.5e-07"),
        (1 / 3, "0.333333"),
        (1e14, "100000000000000"),
        (1e20, "1e+20"),
        (nan, "nan"),
        (-inf, "-inf"),
        (True, "1"),
        (np.float32(0.1), "0.1"),
        (np.uint8(200), "200"),
    ],
)
def test_numbers_are_written_as_people_do(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (1, "an int"),
        (1.0, "a float"),
        ("x", "a str"),
        ([], "a list"),
        (np.zeros((2, 0)), "an array of shape (2, 0)"),
        (np.float64(1), "a float64"),
        (RandomSource(1), "a RandomSource"),
    ],
)
def test_types_are_named_as_people_do(value, text):
    assert kind_of(value) == text


SQUARE = np.arange(4.0).reshape(2, 2)


@pytest.mark.parametrize(
    ("yours", "expected", "message"),
    [
        (None, SQUARE, "y is None; it should be a NumPy array"),
        ([[0.0, 1.0], [2.0, 3.0]], SQUARE, "y is a list; it should be a NumPy array"),
        (3.0, np.zeros(()), "y is a float; it should be a NumPy array"),
        # Broadcasting would call these equal.
        (np.zeros((1, 2)), np.zeros((2, 2)), "y has shape (1, 2); it should be (2, 2)"),
        (np.zeros((2, 2, 1)), np.zeros((2, 2)), "y has shape (2, 2, 1); it should be (2, 2)"),
        (np.zeros(()), np.zeros((1,)), "y has shape (); it should be (1,)"),
        (np.zeros((0, 3)), np.zeros((0, 2)), "y has shape (0, 3); it should be (0, 2)"),
        (np.zeros(2), 1.0, "y is an array of shape (2,); it should be a number"),
        (True, 1, "y is a bool; it should be a number"),
        (np.True_, 1, "y is a bool; it should be a number"),
        ("1", 1, "y is a str; it should be a number"),
        (None, 1, "y is None; it should be a number"),
        (3.0, 3, "y is the float 3.0; it should be an int"),
        (np.float32(3), 3, "y is the float 3.0; it should be an int"),
        ((1, 2.0), (1, 2), "y[1] is the float 2.0; it should be an int"),
        (5, (1, 2), "y is an int; it should be a tuple of 2"),
        ((1,), (1, 2), "y is a tuple of 1; it should be a tuple of 2"),
        ([1, 2, 3], [1, 2], "y is a list of 3; it should be a list of 2"),
        (np.array([1, 2]), (1, 2), "y is an array of shape (2,); it should be a tuple of 2"),
        ({"a": 1}, {"b": 1}, "y has the keys ['a']; they should be ['b']"),
        ([1], {"b": 1}, "y is a list; it should be a dictionary"),
    ],
)
def test_structure_comes_first(yours, expected, message):
    for values in (True, False):
        found = mismatch(yours, expected, 1e9, values=values)
        assert found is not None
        assert found.message == message.replace("a bool", kind_of(yours))


@pytest.mark.parametrize(
    ("yours", "expected", "message"),
    [
        (SQUARE + np.array([[0, 0], [0, 1]]), SQUARE, "y[1,1] is 4; it should be 3"),
        (2, 1, "y is 2; it should be 1"),
        (np.array(2), 1, "y is 2; it should be 1"),
        ((1, 3), (1, 2), "y[1] is 3; it should be 2"),
        ([(1, 2), (1, 3)], [(1, 2), (1, 2)], "y[1][1] is 3; it should be 2"),
        ({"a": SQUARE, "b": 1.5}, {"a": SQUARE, "b": 1.0}, "y['b'] is 1.5; it should be 1"),
        (nan, 1.0, "y is nan; it should be 1"),
        (1.0, nan, "y is 1; it should be nan"),
        (inf, -inf, "y is inf; it should be -inf"),
        ("conv", "dense", "y is 'conv'; it should be 'dense'"),
        (1, True, "y is 1; it should be True"),
        (0, None, "y is 0; it should be None"),
        (10**39, 1, "y is 1e+39; it should be 1"),
        (np.array([250], np.uint8), np.array([-6.0]), "y[0] is 250; it should be -6"),
    ],
)
def test_the_first_wrong_number_is_told(yours, expected, message):
    found = mismatch(yours, expected, 0.25)
    assert found is not None
    assert found.message == message
    assert mismatch(yours, expected, 0.25, values=False) is None


@pytest.mark.parametrize(
    ("yours", "expected"),
    [
        (SQUARE, SQUARE),
        (SQUARE.astype(np.float16), SQUARE),
        (SQUARE.astype(np.int8), SQUARE),
        (np.float32(3), 3.0),
        (np.array(3), 3.0),
        (3.2, 3.0),
        ([1, 2], (1, 2)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.array([nan, inf, -inf]), np.array([nan, inf, -inf])),
        (np.zeros((0, 2)), np.zeros((0, 2))),
        (None, None),
        (True, True),
        (np.float64(1.0), np.array(1.0)),
    ],
)
def test_right_answers_are_right(yours, expected):
    assert mismatch(yours, expected, 0.25) is None


def test_parts_bear_their_names():
    expected = (np.zeros(2), np.zeros(2), np.zeros(2))
    yours = (np.zeros(2), np.zeros(2), np.ones(2))
    found = mismatch(yours, expected, 0.0, ("dx", "dw", "db"))
    assert (found.message, found.name, found.index) == ("db[0] is 1; it should be 0", "db", (0,))
    assert found.yours is yours[2]
    assert found.expected is expected[2]
    found = mismatch(1, expected, 0.0, ("dx", "dw", "db"))
    assert found.message == "the result is an int; it should be a tuple of 3"


def test_every_part_has_its_tolerance():
    yours, expected = (1.1, 1.1), (1.0, 1.0)
    assert mismatch(yours, expected, (0.2, 0.2)) is None
    assert mismatch(yours, expected, (0.2, 0.0)).name == "y[1]"
    assert mismatch({"a": 1.1}, {"a": 1.0}, {"a": 0.2}) is None
    cells = np.array([0.0, 0.2])
    assert mismatch(np.array([1.0, 1.1]), np.ones(2), cells) is None
    assert mismatch(np.array([1.1, 1.0]), np.ones(2), cells).index == (0,)


def test_no_tolerance_swallows_what_is_not_finite():
    for yours in (nan, inf, -inf):
        assert mismatch(np.array([yours]), np.array([1.0]), inf) is not None
    assert not close(np.array([1.0]), np.array([inf]), inf).any()
    assert not close(np.array([nan]), np.array([0.0]), inf).any()


numbers = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(max_dims=3, max_side=3),
)


@given(numbers, st.data())
def test_one_changed_cell_is_found(array, data):
    expected = array.astype(np.float64)
    assert mismatch(array, expected, 0.0) is None
    wrong = expected.copy()
    index = data.draw(st.sampled_from(list(np.ndindex(array.shape))))
    wrong[index] = 1.5 if np.isnan(wrong[index]) else nan
    found = mismatch(wrong, expected, 1e300)
    assert found.index == index


def test_what_is_a_number():
    yes = [1, 1.5, np.int8(1), np.float16(1), np.array(1), np.array(1.5)]
    no = [True, np.True_, "1", None, np.array([1]), np.array(True), [1], 1j]
    assert all(map(is_number, yes))
    assert not any(map(is_number, no))
