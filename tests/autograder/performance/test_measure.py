"""Everybody computes the same, and all are timed in turns. No test asks how long anything took."""

from __future__ import annotations

import math

import numpy as np
import pytest

import reference
from autograder.performance import child, measure, ways
from autograder.performance.layers import TESTS, Geometry, Layer, arrays
from autograder.performance.ways import CORE, CORE_ONE, PURE, WINDOWS, Form, arranged

GEOMETRIES = (
    Geometry("conv", 2, 3, 8, 7, 4, (3, 2), (1, 1), (0, 0)),
    Geometry("conv", 1, 2, 9, 9, 3, (3, 3), (2, 2), (1, 1)),
    Geometry("conv", 2, 1, 6, 9, 2, (1, 3), (1, 2), (2, 1)),
    Geometry("max_pool", 2, 3, 8, 9, 3, (3, 2), (2, 1), (0, 0)),
    Geometry("max_pool", 1, 2, 7, 7, 2, (3, 3), (1, 1), (1, 1)),
    Geometry("max_pool", 1, 2, 8, 8, 2, (3, 3), (2, 2), (1, 1)),
    Geometry("avg_pool", 2, 3, 8, 6, 3, (2, 2), (2, 2), (0, 0)),
    Geometry("avg_pool", 1, 2, 7, 7, 2, (3, 3), (1, 1), (1, 1)),
    Geometry("avg_pool", 1, 1, 8, 6, 1, (3, 2), (2, 3), (1, 0)),
)
TINY = Layer(TESTS, "tiny", GEOMETRIES[:1])
LIBRARY = {ways.TORCH: pytest.mark.peers, ways.TENSORFLOW: pytest.mark.slow}
LIBRARIES = [pytest.param(name, marks=mark) for name, mark in LIBRARY.items()]


class Named:
    """Ours under another name, which notes its calls and may be wrong."""

    def __init__(self, name, calls, wrong=0.0):
        self.name, self._calls, self._wrong, self._core = name, calls, wrong, ways.core()

    def forms(self, geometry, arrays, backward):
        (form,) = self._core.forms(geometry, arrays, backward)

        def noted():
            self._calls.append(self.name)
            return tuple(array + self._wrong for array in form.call())

        return [Form("", noted)]

    def arrays_of(self, form, result):
        return list(result)


@pytest.fixture
def told(monkeypatch):
    """The numbers of threads that the core is told; nothing is waited for."""
    numbers = []
    monkeypatch.setattr(measure, "_settle", lambda: None)
    monkeypatch.setattr(measure, "GEMM_SIDE", 8)
    monkeypatch.setattr(reference, "set_threads", numbers.append)
    return numbers


def timed(everyone, layers=(TINY,), runs=1, threads=1):
    return list(measure.rows(layers, everyone, runs, 0.0, threads))


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: f"{g.kind} {g.kernel} {g.padding}")
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=LIBRARY.get(name, ())) for name in child.WAYS[1:]],
)
def test_everybody_gives_the_numbers_of_the_core(name, geometry, told):
    """`rows` itself compares them, both types, forward and backward; Different would be raised."""
    other = way(name)
    rows = timed([ways.core(), other], [Layer(TESTS, "one", (geometry,))])
    assert [(row["dtype"], row["pass"]) for row in rows] == [
        ("float64", "forward"),
        ("float64", "both"),
        ("float32", "forward"),
        ("float32", "both"),
    ]
    for row in rows:
        libraries = {arranged(name)} if name in LIBRARY else set()
        assert row["seconds"].keys() == row["busy"].keys() == {CORE, name} | libraries
        assert row["forms"].keys() == ({name} | libraries if libraries else set())
        factor = 3 if row["pass"] == "both" else 1
        assert row["flops"] == factor * geometry.flops


def way(name):
    """Without the threads: they are told once a process, before anything runs."""
    if name == ways.TORCH:
        from autograder.performance.with_torch import Torch

        return Torch()
    if name == ways.TENSORFLOW:
        from autograder.performance.with_tensorflow import TensorFlow

        return TensorFlow()
    return child.way(name, 1)


@pytest.mark.parametrize("wrong", [1e-6, math.nan])
def test_who_computes_something_else_is_not_timed(wrong, told):
    with pytest.raises(measure.Different, match=r"liar gives another y than the core at .* tiny"):
        timed([ways.core(), Named("liar", [], wrong)])


def test_a_type_that_is_not_kept_is_something_else(told):
    class Doubled(Named):
        def arrays_of(self, form, result):
            return [np.float64(array) for array in result]

    with pytest.raises(measure.Different, match="float32"):
        timed([ways.core(), Doubled("doubled", [])])


def test_all_take_turns(told):
    calls = []
    rows = timed([Named(CORE, calls), Named("a", calls), Named("b", calls)], runs=3)
    turns = calls[: len(calls) // 4][-3 * 3 * 2 :]  # of the first row; each call with one before it
    assert turns[::2] == [CORE, "a", "b", "a", "b", CORE, "b", CORE, "a"]
    assert all(len(seconds) == 3 for seconds in rows[0]["seconds"].values())


def test_with_two_threads_the_core_is_also_timed_with_one(told):
    at = []

    class Core(Named):
        def forms(self, geometry, arrays, backward):
            (form,) = super().forms(geometry, arrays, backward)

            def noted():
                at.append(told[-1])
                return form.call()

            return [Form("", noted)]

    for row in timed([Core(CORE, [])], threads=2):
        assert row["seconds"].keys() == {CORE, CORE_ONE}
    assert set(at) == {1, 2}
    assert told[0] == told[-1] == 2


def test_the_pure_twin_is_timed_on_small_sizes_alone(told):
    layer = Layer("AlexNet", "tiny", GEOMETRIES[:1])
    for row in timed([ways.core(), ways.pure()], [layer]):
        assert row["seconds"].keys() == {CORE}
    for row in timed([ways.core(), ways.pure()]):
        assert row["seconds"].keys() == {CORE, PURE}


def test_the_faster_form_is_chosen(told):
    def slow():
        calls.append("slow")
        return sum(range(200_000))

    calls = []
    fast, seconds = measure._fastest({"slow": slow, "fast": lambda: None}, 0.02, 1)
    assert fast == "fast"
    assert 0 <= seconds < 0.01
    assert calls == ["slow"]  # it had no hope


def test_with_two_threads_the_clock_chooses(monkeypatch):
    monkeypatch.setattr(measure, "_time", lambda call, *_, **__: call())
    forms = {"one thread": lambda: (0.2, 0.2), "two threads": lambda: (0.15, 0.3)}
    assert measure._fastest(forms, 0.02, 1) == ("one thread", 0.2)
    assert measure._fastest(forms, 0.02, 2) == ("two threads", 0.15)


class Library(Named):
    """Two forms on the same arrays and two on arranged ones; the second of each is faster."""

    def forms(self, geometry, arrays, backward):
        (form,) = super().forms(geometry, arrays, backward)

        def slow():
            sum(range(300_000))
            return form.call()

        return [
            Form("slow", slow),
            Form("fast", form.call),
            Form("slow, too", slow, arranged=True),
            Form("fast, too", form.call, arranged=True),
        ]


def test_same_and_arranged_arrays_are_timed_each_with_the_faster_form(told):
    for row in timed([Named(CORE, []), Library("library", [])], runs=2):
        assert row["forms"] == {"library": "fast", "library, arranged": "fast, too"}
        assert row["seconds"].keys() == {CORE, "library", "library, arranged"}
        assert {len(seconds) for seconds in row["seconds"].values()} == {2}


def test_every_form_is_compared(told):
    class Liar(Library):
        def forms(self, geometry, arrays, backward):
            *others, last = super().forms(geometry, arrays, backward)
            return [*others, Form("lie", lambda: (0 * last.call()[0],), arranged=True)]

    with pytest.raises(measure.Different, match=r"library lie gives another y"):
        timed([Named(CORE, []), Liar("library", [])])


def test_numpy_is_timed_in_the_first_run_alone(told):
    for row in timed([Named(CORE, []), Named(WINDOWS, [])], runs=3):
        assert {name: len(of) for name, of in row["seconds"].items()} == {CORE: 3, WINDOWS: 1}


def test_long_calls_are_timed_without_one_before(told, monkeypatch):
    short, long = [], []
    timed([Named(CORE, short)], runs=3)
    monkeypatch.setattr(measure, "LONG", 0.0)
    timed([Named(CORE, long)], runs=3)
    assert len(short) - len(long) == 4 * 3  # rows and runs


@pytest.mark.parametrize("geometry", [GEOMETRIES[1], GEOMETRIES[4]], ids=lambda g: g.kind)
@pytest.mark.parametrize("name", LIBRARIES)
def test_the_same_arrays_are_given_back_in_our_order(name, geometry):
    library, data = way(name), arrays(geometry, "float32", np.random.default_rng(0))
    forms = library.forms(geometry, data, backward=True)
    assert {form.arranged for form in forms} == {False, True}
    for form in forms:
        if not form.arranged:
            result = form.call()
            assert tuple(result[0].shape) == data.dy.shape
            assert tuple(result[1].shape) == data.x.shape
            assert all(array.flags.c_contiguous for array in library.arrays_of(form, result))


@pytest.mark.peers
def test_pytorch_is_given_the_arrays_themselves():
    """No copy is made before the call: what changes in them is seen, unless they are arranged."""
    torch, data = way(ways.TORCH), arrays(GEOMETRIES[1], "float64", np.random.default_rng(0))
    forms = torch.forms(GEOMETRIES[1], data, backward=False)
    data.x[...] = 0
    for form in forms:
        (y,) = torch.arrays_of(form, form.call())
        assert np.array_equal(y, np.broadcast_to(data.b[:, None, None], y.shape)) is (
            not form.arranged
        )
