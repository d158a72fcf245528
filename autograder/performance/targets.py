"""What is wanted of the core, and what was seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from autograder.performance.layers import TESTS
from autograder.performance.ways import CORE, CORE_ONE, PEERS

LONG = 0.010  # seconds from which a second thread must pay
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
class Seen:
    """One line of the summary: the figures are of medians over runs, None where nothing fits."""

    words: str
    rows: int
    mean: float | None
    worst: float | None
    worst_at: str
    wanted_mean: float
    wanted_worst: float | None

    @property
    def met(self) -> bool | None:
        if self.mean is None or self.worst is None:
            return None
        return self.mean >= self.wanted_mean and (
            self.wanted_worst is None or self.worst >= self.wanted_worst
        )


def ratios(row: Row, others: tuple[str, ...] = PEERS, own: str = CORE) -> list[float]:
    """For every run, the time of the fastest of the others over ours."""
    seconds = row["seconds"]
    return [
        min(seconds[name][run] for name in others if name in seconds) / mine
        for run, mine in enumerate(seconds[own])
    ]


def place(row: Row) -> str:
    which = "forward" if row["pass"] == "forward" else "forward and backward"
    return f"{row['network']} {row['layer']}, {row['dtype']}, {which}"


def summary(rows: list[Row]) -> Iterator[Seen]:
    """Every target, for every number of threads that was measured."""
    for threads in sorted({row["threads"] for row in rows}):
        those = [row for row in rows if row["threads"] == threads]
        words = "1 thread" if threads == 1 else f"{threads} threads"
        for target in BESIDE_PEERS:
            found = [(median(ratios(row)), row) for row in those if target.chosen(row)]
            yield _seen(target, f"{target.words}; {words}", found)
        if threads > 1:
            found = [
                (median(ratios(row, (CORE_ONE,))), row)
                for row in those
                if THREADS.chosen(row) and median(row["seconds"][CORE_ONE]) >= LONG
            ]
            yield _seen(THREADS, f"{words} against 1, {THREADS.words}", found)


def _seen(target: Target, words: str, found: list[tuple[float, Row]]) -> Seen:
    if not found:
        return Seen(words, 0, None, None, "", target.mean, target.worst)
    mean = math.exp(sum(math.log(ratio) for ratio, _ in found) / len(found))
    worst, at = min(found, key=lambda pair: pair[0])
    return Seen(words, len(found), mean, worst, place(at), target.mean, target.worst)


def lenet(rows: list[Row]) -> Iterator[Seen]:
    """CPU seconds to train as long, of the faster of both libraries over ours, for each seed."""
    found = []
    for seed in sorted({row["seed"] for row in rows}):
        last = {row["way"]: row for row in rows if row["seed"] == seed}
        others = [row["seconds"] for name, row in last.items() if name != CORE]
        if CORE in last and others:
            found.append(min(others) / last[CORE]["seconds"])
    if found:
        mean = math.exp(sum(map(math.log, found)) / len(found))
        words = "LeNet-5 trained, CPU seconds; 1 thread"
        yield Seen(words, len(found), mean, min(found), "", 1.0, 1.0)
