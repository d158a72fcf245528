"""The memory that a call takes is seen, and that of earlier calls is not.

As in the benchmark, each measurement has a process of its own: in one that has run other tests,
memory may be at hand already. This file is the program of those processes.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from autograder.performance import memory
from autograder.performance.layers import Geometry
from autograder.performance.ways import Form

GEOMETRY = Geometry("conv", 1, 2, 12, 12, 3, (3, 3), (1, 1), (0, 0))
NEEDED = 64 << 20

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


class Two(Hungry):
    """The second form needs nothing, and is not on the same arrays."""

    def forms(self, geometry, arrays, backward):
        (form,) = super().forms(geometry, arrays, backward)
        return [form, Form("", lambda: (arrays.dy,), arranged=True)]


def grown(way, needed):
    """The bytes that a call of the way needed, in a process whose peak was higher before."""
    done = subprocess.run(
        [sys.executable, __file__, way.__name__, str(needed)],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@LINUX
def test_what_a_call_needs_is_seen_and_nothing_older():
    # The first call of a way does not count: a library makes its own things in it.
    assert NEEDED * 0.9 < grown(Hungry, NEEDED) < NEEDED * 1.2
    assert grown(Hungry, 0) < NEEDED * 0.2


@LINUX
def test_the_first_form_counts_which_is_on_the_same_arrays():
    assert grown(Two, NEEDED) > NEEDED * 0.9


def test_input_and_output_are_told():
    row = memory.growth(Hungry(0), GEOMETRY)
    assert row["input"] == 2 * 12 * 12 * 4
    assert row["output"] == 3 * 10 * 10 * 4
    assert row["batch"] == 1


if __name__ == "__main__":
    np.ones(4 * NEEDED, np.uint8)
    of = {"Hungry": Hungry, "Two": Two}[sys.argv[1]]
    print(memory.growth(of(int(sys.argv[2])), GEOMETRY)["grown"])
