"""Failing cases get short axes, zeros and ones, as far as the failure survives it."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.isolation import wire
from autograder.simplify import shortest_axes, simplest


class Fails:
    """`fails(arguments)` asked of many at a time; counts the calls."""

    def __init__(self, fails):
        self.fails = fails
        self.calls = 0

    def __call__(self, candidates):
        self.calls += len(candidates)
        return [int(self.fails(arguments)) for arguments in candidates]


def plain(arguments, fails, least=None):
    """The simplest arguments, which fail, and the calls that they took."""
    failing = Fails(fails)
    found = simplest(arguments, least or shortest_axes([arguments]), failing)
    assert fails(found)
    return found, failing.calls


def real(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def test_numbers_that_do_not_matter_are_zero():
    found, calls = plain({"x": real(8, 10), "y": real(30)}, lambda a: True)
    assert not any(array.any() for array in found.values())
    assert calls < 10


@pytest.mark.parametrize("cell", [0, 4711, 7839])
def test_one_cell_of_many_is_found_in_few_calls(cell):
    found, calls = plain({"w": real(784, 10)}, lambda a: a["w"].flat[cell] != 0)
    assert np.flatnonzero(found["w"]).tolist() == [cell]
    assert found["w"].flat[cell] == 1
    assert calls < 150


def test_cells_that_only_show_together():
    """No half, and no cell, of the array shows it alone."""

    def fails(arguments):
        w = arguments["w"].ravel()
        return bool(w[3] and w[200] and w[399] < 0)

    found, calls = plain({"w": -abs(real(20, 20))}, fails)
    assert dict(zip(*np.unique(found["w"], return_counts=True), strict=True)) == {
        0: 397,
        -1: 1,
        1: 2,
    }
    assert calls < 400


def test_what_must_not_be_sparse_may_be_ones():
    found, _ = plain({"w": real(6, 6)}, lambda a: a["w"].all())
    assert (found["w"] == 1).all()


def test_arrays_in_dictionaries_and_lists_are_simplified_and_the_given_ones_kept():
    given = {"p": {"w": real(3, 3), "n": 3}, "list": [real(4)], "pair": (real(2), "same")}
    kept = {"w": given["p"]["w"].copy()}
    found, _ = plain(given, lambda a: a["p"]["w"][1, 2] != 0)
    assert found["p"]["w"].tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert found["p"]["n"] == 3
    assert not found["list"][0].any()
    assert not found["pair"][0].any()
    assert found["pair"][1] == "same"
    np.testing.assert_array_equal(given["p"]["w"], kept["w"])


def test_integers_become_zero_and_nothing_else():
    """They may be class indices, and a class 0 there always is."""
    found, _ = plain({"labels": np.array([3, 7, 5])}, lambda a: a["labels"][1] > 0)
    assert found["labels"].tolist() == [0, 7, 0]


def test_axes_of_one_length_are_cut_together():
    arguments = {"x": real(2, 7), "w": real(7, 5), "b": real(5)}

    def fails(a):
        x, w, b = a.values()
        return x.shape[1] == w.shape[0] and w.shape[1] == b.shape[0] and w.shape[1] >= 2

    found, _ = plain(arguments, fails, {(("x",), 2, 1): 3})
    assert [array.shape for array in found.values()] == [(1, 3), (3, 2), (2,)]


def test_a_size_that_no_case_has_is_not_tried():
    tried = []

    def fails(a):
        tried.append(a["x"].shape)
        return True

    cases = [{"x": real(8, 3)}, {"x": real(8, 5)}, {"x": real(2, 2, 2)}]
    plain({"x": real(8, 5)}, fails, shortest_axes(cases))
    assert min(tried) == (8, 3)
    assert {shape[0] for shape in tried} == {8}


def test_a_layout_in_memory_stays_only_where_it_matters():
    reverse = np.flip(real(3, 4))
    found, _ = plain({"x": reverse}, lambda a: a["x"].strides[0] < 0)
    assert wire.layout(found["x"]) == "reversed"
    assert not found["x"].any()
    found, _ = plain({"x": reverse}, lambda a: True)
    assert wire.layout(found["x"]) == "C"


def test_where_there_is_a_choice_the_better_example_is_taken():
    def failing(candidates):
        return [2 if a["x"][5] else int(a["x"].any()) for a in candidates]

    found = simplest({"x": real(9)}, {(("x",), 1, 0): 9}, failing)
    assert np.flatnonzero(found["x"]).tolist() == [5]
