"""Arrays that are one number but for a few cells are told so, and counted so."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.outline import MAX_CELLS, numbers_in, outline


def but(array, *changes):
    for index, number in changes:
        array[index] = number
    return array


@pytest.mark.parametrize(
    ("array", "text", "count"),
    [
        (np.zeros((8, 1, 5, 5)), "zeros (8, 1, 5, 5)", 1),
        (np.ones(16, np.uint8), "ones (16,)", 1),
        (np.full((4, 9), -2.5), "-2.5 all over (4, 9)", 1),
        (np.full((4, 9), np.nan), "nan all over (4, 9)", 1),
        (np.zeros((4, 9), bool), "False all over (4, 9)", 1),
        (
            but(np.zeros((8, 1, 5, 5)), ((0, 0, 2, 1), 1), ((7, 0, 0, 0), -0.5)),
            "zeros (8, 1, 5, 5) but 1 at [0,0,2,1], -0.5 at [7,0,0,0]",
            5,
        ),
    ],
)
def test_large_arrays_with_little_in_them(array, text, count):
    assert str(outline(array)) == text
    assert numbers_in(array) == count


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 3)),
        np.array(3.0),
        np.zeros((1, 1, 1, 2)),  # [[[[0, 0]]]] is shorter than its outline
        np.eye(3),
        np.arange(100.0),
        but(np.ones(100), (5, 0)),
        np.repeat([1.0, 0.0], [MAX_CELLS + 1, 1000]),
    ],
    ids=repr,
)
def test_other_arrays_are_written_whole(array):
    assert outline(array) is None
    assert numbers_in(array) == array.size


def test_all_numbers_that_a_reader_meets_are_counted():
    arguments = {
        "x": np.array([[1.0, 2.0]]),
        "parameters": {"w": np.zeros((8, 1, 3, 3)), "b": [np.zeros(2)]},
        "stride": (1, 2),
        "rate": 0.5,
        "layers": [{"kind": "conv", "out": 3, "bias": True}],
        "w_skip": None,
    }
    assert numbers_in(arguments) == 2 + 1 + 2 + 2 + 1 + 1
