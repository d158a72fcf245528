"""What is wanted beside what was seen."""

from __future__ import annotations

import pytest

from autograder.performance import targets
from autograder.performance.layers import TESTS
from autograder.performance.targets import ARRANGED_BEFORE, COMPARED, SAME
from autograder.performance.ways import CORE, CORE_ONE, PEERS, PURE, TENSORFLOW, TORCH, arranged


def row(
    network="AlexNet",
    kind="conv",
    dtype="float64",
    which="forward",
    threads=1,
    gemm=300e9,
    **seconds,
):
    given = {CORE: [0.02], TORCH: [0.06], TENSORFLOW: [0.08], PURE: [0.001], **seconds}
    given |= {arranged(name): given[name] for name in PEERS if arranged(name) not in given}
    return {
        "network": network,
        "layer": "conv2",
        "kind": kind,
        "dtype": dtype,
        "pass": which,
        "threads": threads,
        "seconds": given,
        "flops": 3_000_000_000 if kind == "conv" else 0,
        "gemm": gemm,
    }


def seen(rows, words):
    (found,) = [s for s in targets.summary(rows) if s.words.startswith(words)]
    return found


def test_the_faster_of_both_libraries_counts_run_by_run():
    both = row(core=[1.0, 2.0], PyTorch=[2.0, 6.0], TensorFlow=[3.0, 4.0])
    assert targets.ratios(both) == [2.0, 2.0]


def test_who_was_timed_in_one_run_is_compared_in_that_one():
    assert targets.ratios(row(core=[1.0, 2.0]), (PURE, TORCH)) == [0.001]


def test_arrays_arranged_beforehand_are_compared_for_themselves():
    """A library may choose any order of axes then, and ours may be the one that it likes best."""
    rows = [
        row(**{arranged(TORCH): [0.03], arranged(TENSORFLOW): [0.05]}),
        row(**{arranged(TORCH): [0.09], arranged(TENSORFLOW): [0.10]}),
    ]
    found = seen(rows, "convolutions, float64, forward")
    assert list(found.reached) == [SAME, ARRANGED_BEFORE]
    assert found.reached[SAME].worst == pytest.approx(3.0)
    assert found.reached[ARRANGED_BEFORE].mean == pytest.approx((1.5 * 3.0) ** 0.5)
    assert found.met(SAME) is True
    assert found.met(ARRANGED_BEFORE) is False


def test_a_core_as_fast_as_gemm_is_compared_too():
    """3 GFLOP take 10 ms at GEMM's peak: 0.06 and 0.08 s over that."""
    rows = [row(), row(PyTorch=[0.08], gemm=200e9)]
    found = seen(rows, "convolutions, float64, forward").reached[SAME]
    assert found.at_peak == (pytest.approx(48**0.5), pytest.approx(6))
    assert seen([row(kind="max_pool")], "pools").reached[SAME].at_peak is None


def test_the_largest_rates_are_those_of_the_faster_form():
    slow, fast = row(core=[0.04]), row(core=[0.02], **{arranged(TORCH): [0.008]})
    small, pool = row(network=TESTS), row(kind="max_pool")
    (found,) = targets.rates([slow, {**fast, "layer": "conv3"}, small, pool])
    assert (found.threads, found.dtype, found.gemm) == (1, "float64", 300e9)
    assert found.shares == {
        CORE: (pytest.approx(0.5), "AlexNet conv3"),
        TORCH: (pytest.approx(1.25), "AlexNet conv3"),
        TENSORFLOW: (pytest.approx(0.125), "AlexNet conv3"),
    }
    assert (found.rows, found.at_peak) == (2, 1)


def test_the_mean_is_geometric_and_the_worst_is_named():
    rows = [row(core=[0.01]), row(core=[0.04])]
    found = seen(rows, "convolutions, float64, forward")
    reached = found.reached[SAME]
    assert reached.rows == 2
    assert reached.mean == pytest.approx(3.0)  # of 6 and 1.5
    assert reached.worst == pytest.approx(1.5)
    assert reached.worst_at == "AlexNet conv2, float64, forward"
    assert found.met(SAME) is True


@pytest.mark.parametrize(
    ("core", "met"),
    [
        ([0.023, 0.023], True),
        ([0.025, 0.025], False),  # the mean: 2.4
        ([0.005, 0.055], False),  # the worst: 1.09
    ],
)
def test_both_must_be_reached(core, met):
    rows = [row(core=[seconds]) for seconds in core]
    assert seen(rows, "convolutions, float64, forward").met(SAME) is met


def test_every_row_belongs_to_its_targets():
    rows = [
        row(),
        row(dtype="float32"),
        row(which="both"),
        row(kind="max_pool"),
        row(network=TESTS, kind="avg_pool"),
    ]
    counted = {s.words: s.reached[SAME].rows for s in targets.summary(rows)}
    assert counted == {
        "convolutions, float64, forward; 1 thread": 1,
        "convolutions, float32, forward; 1 thread": 1,
        "convolutions, forward and backward, both types; 1 thread": 1,
        "pools, both types and passes; 1 thread": 1,
        "sizes of the property tests, both types and passes; 1 thread": 1,
    }


def test_nothing_measured_is_neither_met_nor_missed():
    found = seen([row()], "pools")
    assert found.reached == {}
    assert [found.met(beside) for beside in COMPARED] == [None, None]


def test_a_second_thread_is_judged_on_long_layers():
    rows = [
        row(threads=2, **{CORE: [0.010], CORE_ONE: [0.018]}),
        row(threads=2, **{CORE: [0.009], CORE_ONE: [0.009]}),  # too short
        row(threads=2, network=TESTS, **{CORE: [0.02], CORE_ONE: [0.02]}),
    ]
    found = seen(rows, "2 threads against 1")
    assert (found.reached[""].rows, found.met()) == (1, True)
    assert found.reached[""].mean == pytest.approx(1.8)


def test_threads_are_judged_each_for_itself():
    rows = [row(), row(threads=2, core=[0.06], **{CORE_ONE: [0.06]})]
    words = "convolutions, float64, forward"
    assert seen(rows, f"{words}; 1 thread").met(SAME) is True
    assert seen(rows, f"{words}; 2 threads").met(SAME) is False


def test_lenet_beside_the_faster_library():
    rows = [
        {"way": name, "seed": seed, "epoch": epoch, "seconds": seconds * epoch}
        for seed in (0, 1)
        for epoch in (1, 2)
        for name, seconds in ((CORE, 2.0), (TORCH, 3.0), ("Keras", 4.0))
    ]
    (found,) = targets.lenet(rows)
    reached = found.reached[""]
    assert (reached.mean, reached.worst, reached.rows) == (pytest.approx(1.5), 1.5, 2)
    assert found.met()
    assert list(targets.lenet(rows[:1])) == []  # only ours, so far
