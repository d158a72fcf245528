"""The memory that a call takes is seen, and that of earlier calls is not."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from autograder.performance import memory
from autograder.performance.layers import Geometry
from autograder.performance.ways import Form

GEOMETRY = Geometry("conv", 1, 2, 12, 12, 3, (3, 3), (1, 1), (0, 0))

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak cannot be set back")


class Hungry:
    name = "hungry"

    def __init__(self, bytes_needed):
        self._needed = bytes_needed

    def forms(self, geometry, arrays, backward):
        def call():
            np.ones(self._needed, np.uint8)
            return (arrays.dy,)

        return [Form("", call)]

    def arrays_of(self, form, result):
        return list(result)


@LINUX
def test_what_a_call_needs_is_seen_and_nothing_older():
    needed = 64 << 20
    np.ones(4 * needed, np.uint8)  # an older peak, higher than any of these
    # The first call of a way does not count: a library makes its own things in it.
    grown = memory.growth(Hungry(needed), GEOMETRY)["grown"]
    assert needed * 0.9 < grown < needed * 1.2
    assert memory.growth(Hungry(0), GEOMETRY)["grown"] < needed * 0.2


@LINUX
def test_the_first_form_counts_which_is_on_the_same_arrays():
    class Two(Hungry):
        def forms(self, geometry, arrays, backward):
            (form,) = super().forms(geometry, arrays, backward)
            return [form, Form("", lambda: (arrays.dy,), arranged=True)]

    needed = 64 << 20
    assert memory.growth(Two(needed), GEOMETRY)["grown"] > needed * 0.9


def test_input_and_output_are_told():
    row = memory.growth(Hungry(0), GEOMETRY)
    assert row["input"] == 2 * 12 * 12 * 4
    assert row["output"] == 3 * 10 * 10 * 4
    assert row["batch"] == 1
