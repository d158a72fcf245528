"""What is wanted of the core, and what was seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from autograder.performance.layers import TESTS
from autograder.performance.ways import ARRANGED, CORE, CORE_ONE, PEERS, arranged

LONG = 0.010  # seconds from which a second thread must pay
SAME, ARRANGED_BEFORE = "same arrays", "arranged beforehand"
# With arrays arranged beforehand a library may choose any order of axes, ours too.
COMPARED = {SAME: PEERS, ARRANGED_BEFORE: (*PEERS, *ARRANGED)}
BY_LIBRARY = {CORE: (CORE,), **{name: (name, arranged(name)) for name in PEERS}}
Row = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """The geometric mean over rows and the worst row that are wanted of a ratio."""

    words: str
    mean: float
    worst: float | None
    chosen: Callable[[Row], bool]


def kind(row: Row) -> str:
    """ "conv" and "pool" are layers of networks; "tests" are the sizes of the property tests."""
    if row["network"] == TESTS:
        return "tests"
    return "conv" if row["kind"] == "conv" else "pool"


def _is(wanted: str, dtype: str | None = None, which: str | None = None) -> Callable[[Row], bool]:
    return lambda row: (
        kind(row) == wanted and dtype in (None, row["dtype"]) and which in (None, row["pass"])
    )


BESIDE_PEERS = (
    Target("convolutions, float64, forward", 2.5, 1.2, _is("conv", "float64", "forward")),
    Target("convolutions, float32, forward", 1.3, 0.9, _is("conv", "float32", "forward")),
    Target("convolutions, forward and backward, both types", 1.5, 1.0, _is("conv", which="both")),
    Target("pools, both types and passes", 2.0, 1.0, _is("pool")),
    Target("sizes of the property tests, both types and passes", 3.0, 2.0, _is("tests")),
)
THREADS = Target("layers over 10 ms", 1.7, None, lambda row: row["network"] != TESTS)


@dataclass(frozen=True)
class Reached:
    """The ratios of some rows, each the median over the runs: their geometric mean, the worst."""

    rows: int
    mean: float
    worst: float
    worst_at: str
    # The mean and the worst, were the core as fast as GEMM at its peak in every convolution.
    at_peak: tuple[float, float] | None = None

    @classmethod
    def of(
        cls, found: list[tuple[float, Row]], at_peak: tuple[float, float] | None = None
    ) -> Reached:
        worst, at = min(found, key=lambda pair: pair[0])
        return cls(len(found), geometric(ratio for ratio, _ in found), worst, place(at), at_peak)


@dataclass(frozen=True)
class Seen:
    """A target beside what was reached: nothing where nothing fits."""

    words: str
    wanted_mean: float
    wanted_worst: float | None
    reached: dict[str, Reached]  # by what was compared with; one without a name stands alone

    def met(self, beside: str = "") -> bool | None:
        if (reached := self.reached.get(beside)) is None:
            return None
        return self.is_met_by(reached.mean, reached.worst)

    def is_met_by(self, mean: float, worst: float) -> bool:
        return mean >= self.wanted_mean and (
            self.wanted_worst is None or worst >= self.wanted_worst
        )


def geometric(values: Iterable[float]) -> float:
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms))


def ratios(row: Row, others: tuple[str, ...] = PEERS, own: str = CORE) -> list[float]:
    """For every run in which all were timed, the time of the fastest of the others over ours."""
    seconds = row["seconds"]
    theirs = [seconds[name] for name in others if name in seconds]
    return [min(times) / mine for mine, *times in zip(seconds[own], *theirs, strict=False)]


def place(row: Row) -> str:
    which = "forward" if row["pass"] == "forward" else "forward and backward"
    return f"{layer(row)}, {row['dtype']}, {which}"


def layer(row: Row) -> str:
    return f"{row['network']} {row['layer']}"


def summary(rows: list[Row]) -> Iterator[Seen]:
    """Every target, for every number of threads that was measured."""
    peaks = gemm_peaks(rows)
    for threads in sorted({row["threads"] for row in rows}):
        those = [row for row in rows if row["threads"] == threads]
        words = "1 thread" if threads == 1 else f"{threads} threads"
        for target in BESIDE_PEERS:
            chosen = [row for row in those if target.chosen(row)]
            reached = {}
            for name, others in COMPARED.items() if chosen else ():
                found = [(median(ratios(row, others)), row) for row in chosen]
                at_peak = None
                if all(kind(row) == "conv" for row in chosen):
                    ideal = [ratio / share(row, peaks) for ratio, row in found]
                    at_peak = geometric(ideal), min(ideal)
                reached[name] = Reached.of(found, at_peak)
            yield Seen(f"{target.words}; {words}", target.mean, target.worst, reached)
        if threads > 1:
            found = [
                (median(ratios(row, (CORE_ONE,))), row)
                for row in those
                if THREADS.chosen(row) and median(row["seconds"][CORE_ONE]) >= LONG
            ]
            alone = {"": Reached.of(found)} if found else {}
            text = f"{words} against 1, {THREADS.words}"
            yield Seen(text, THREADS.mean, THREADS.worst, alone)


Peaks = dict[tuple[int, str], float]


def gemm_peaks(rows: list[Row]) -> Peaks:
    """The largest rate of GEMM in the run, by the number of threads and the type."""
    peaks: Peaks = {}
    for row in rows:
        key = row["threads"], row["dtype"]
        peaks[key] = max(peaks.get(key, 0.0), row["gemm"])
    return peaks


def share(row: Row, peaks: Peaks, *names: str) -> float:
    """Of GEMM's peak, what the core, or the fastest of those named, reached in this row."""
    seconds = min(
        median(row["seconds"][name]) for name in names or (CORE,) if name in row["seconds"]
    )
    rate: float = row["flops"] / seconds
    return rate / peaks[row["threads"], row["dtype"]]


@dataclass(frozen=True)
class Rates:
    """The largest rates in floating-point operations a second, and who reached GEMM's."""

    threads: int
    dtype: str
    gemm: float
    shares: dict[str, tuple[float, str]]  # of GEMM's peak, by the core and libraries, and where
    rows: int
    at_peak: int  # of these rows, those in which a library is as fast as GEMM's peak


def rates(rows: list[Row]) -> Iterator[Rates]:
    """Of the convolutions of networks: a library counts in whichever order of axes is faster."""
    peaks = gemm_peaks(rows)
    for (threads, dtype), gemm in peaks.items():
        those = [
            row
            for row in rows
            if kind(row) == "conv" and (row["threads"], row["dtype"]) == (threads, dtype)
        ]
        if not those:
            continue
        shares = {
            name: max((share(row, peaks, *of), layer(row)) for row in those)
            for name, of in BY_LIBRARY.items()
        }
        reached = sum(share(row, peaks, *COMPARED[ARRANGED_BEFORE]) >= 1 for row in those)
        yield Rates(threads, dtype, gemm, shares, len(those), reached)


def lenet(rows: list[Row]) -> Iterator[Seen]:
    """CPU seconds to train as long, of the faster of both libraries over ours, for each seed."""
    found = []
    for seed in sorted({row["seed"] for row in rows}):
        last = {row["way"]: row for row in rows if row["seed"] == seed}
        others = [row["seconds"] for name, row in last.items() if name != CORE]
        if CORE in last and others:
            found.append(min(others) / last[CORE]["seconds"])
    if found:
        reached = Reached(len(found), geometric(found), min(found), "")
        yield Seen("LeNet-5 trained, CPU seconds; 1 thread", 1.0, 1.0, {"": reached})
