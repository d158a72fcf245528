"""Times the ways to compute a layer, in turns, so that a slow spell of the machine hits all alike.

Every form of every way is first compared with ours; then the fastest on the same arrays is timed,
and the fastest on arranged ones. A timing repeats the call until it takes `SPAN` seconds. With one
thread CPU seconds count, which other programs hardly lengthen; with more, the clock.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import reference
from autograder.performance.layers import DTYPES, PASSES, TESTS, Arrays, Layer, arrays
from autograder.performance.ways import (
    COLUMNS,
    CORE,
    CORE_ONE,
    PURE,
    WINDOWS,
    Call,
    Form,
    Way,
    arranged,
)

SPAN, QUICK_SPAN = 0.02, 0.002
# Largest difference, as a share of the largest number: roundings of long sums, nothing else.
TOLERANCE = {"float64": 1e-10, "float32": 1e-3}
GEMM_SIDE = 1024
TRIES = 3  # of which the best decides which form is timed
LONG = 0.1  # seconds: a call that takes longer is timed without another before it
HOPEFUL = 1.5  # times the fastest's seconds: what takes longer is not tried again
ONCE = (WINDOWS, COLUMNS, PURE)  # timed in the first run alone: so far off that it says enough
Row = dict[str, Any]


class Different(Exception):
    """Somebody computes something else; the text says who and what."""


def rows(
    layers: Sequence[Layer], ways: Sequence[Way], runs: int, span: float, threads: int
) -> Iterator[Row]:
    """A row for every layer, type and pass; `ways` begins with ours."""
    reference.set_threads(threads)
    for layer in layers:
        for dtype in DTYPES:
            rng = np.random.default_rng(0)
            data = [arrays(geometry, dtype, rng) for geometry in layer.geometries]
            for which in PASSES:
                yield _row(layer, data, dtype, which, ways, runs, span, threads)


def _row(
    layer: Layer,
    data: list[Arrays],
    dtype: str,
    which: str,
    ways: Sequence[Way],
    runs: int,
    span: float,
    threads: int,
) -> Row:
    calls: dict[str, Call] = {}
    once: dict[str, float] = {}
    chosen: dict[str, str] = {}
    right: list[list[np.ndarray]] = []
    for way in ways:
        if way.name == PURE and layer.network != TESTS:
            continue  # seconds to minutes a call
        alike: dict[str, dict[str, Call]] = {}
        for members in _forms(layer, data, way, which == "both"):
            form = members[0]
            got = [way.arrays_of(form, member.call()) for member in members]
            if not right:
                right = got
            _agree(got, right, dtype, f"{way.name} {form.name}".strip(), layer)
            name = arranged(way.name) if form.arranged else way.name
            alike.setdefault(name, {})[form.name] = _all([member.call for member in members])
        for name, choice in alike.items():
            chosen[name], once[name] = _fastest(choice, span, threads)
            calls[name] = choice[chosen[name]]
    if threads > 1:
        calls[CORE_ONE] = calls[CORE]
        with _Threads(CORE_ONE, threads):
            _, once[CORE_ONE] = _fastest({"": calls[CORE]}, span, threads)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    busy: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for run in range(runs):
        for name in names[run % len(names) :] + names[: run % len(names)]:
            if run and name in ONCE:
                continue
            repeats = max(1, math.ceil(span / max(once[name], 1e-7)))
            with _Threads(name, threads):
                clock, cpu = _time(calls[name], repeats, warm=once[name] < LONG)
            seconds[name].append(_counted(clock, cpu, threads))
            busy[name].append(cpu / clock)
    return {
        "network": layer.network,
        "layer": layer.name,
        "kind": layer.kind,
        "size": layer.size,
        "dtype": dtype,
        "pass": which,
        "threads": threads,
        "flops": layer.flops * (3 if which == "both" else 1),
        "forms": {name: form for name, form in chosen.items() if form},
        "seconds": seconds,
        "busy": busy,  # processors kept busy
        "gemm": gemm(dtype, threads),
    }


def _forms(
    layer: Layer, data: list[Arrays], way: Way, backward: bool
) -> Iterator[tuple[Form, ...]]:
    """Every form of a way, for each geometry."""
    of_geometries = [
        way.forms(geometry, values, backward)
        for geometry, values in zip(layer.geometries, data, strict=True)
    ]
    return zip(*of_geometries, strict=True)


def _agree(
    got: list[list[np.ndarray]],
    right: list[list[np.ndarray]],
    dtype: str,
    who: str,
    layer: Layer,
) -> None:
    for call, wanted in zip(got, right, strict=True):
        for name, ours, theirs in zip(("y", "dx", "dw", "db"), wanted, call, strict=False):
            scale = max(1.0, float(np.max(np.abs(ours), initial=0)))
            same = (
                len(call) == len(wanted)
                and theirs.dtype == dtype
                and theirs.shape == ours.shape
                and np.allclose(theirs, ours, rtol=0, atol=TOLERANCE[dtype] * scale)
            )
            if not same:
                raise Different(
                    f"{who} gives another {name} than the core at {layer.network} {layer.name} "
                    f"in {dtype}: nothing was timed"
                )


def _all(calls: list[Call]) -> Call:
    if len(calls) == 1:
        return calls[0]

    def every() -> None:
        for call in calls:
            call()

    return every


def _fastest(forms: dict[str, Call], span: float, threads: int) -> tuple[str, float]:
    """Which it is, and the seconds of one call."""
    best = dict.fromkeys(forms, math.inf)
    for _ in range(TRIES):
        hopeful = HOPEFUL * min(best.values())
        for name, call in forms.items():
            if best[name] <= hopeful:
                timing = _time(call, 1, warm=best[name] < LONG)
                best[name] = min(best[name], _counted(*timing, threads))
        if len(forms) == 1 and max(best.values()) > span:
            break  # nothing to choose, nothing to repeat
    fastest = min(best, key=best.__getitem__)
    return fastest, best[fastest]


def _counted(clock: float, cpu: float, threads: int) -> float:
    """The seconds that count."""
    return cpu if threads == 1 else clock


class _Threads:
    """The core computes with one thread where that is measured beside more."""

    def __init__(self, name: str, threads: int) -> None:
        self._number, self._threads = 1 if name == CORE_ONE else threads, threads

    def __enter__(self) -> None:
        reference.set_threads(self._number)

    def __exit__(self, *_: object) -> None:
        reference.set_threads(self._threads)


def _time(call: Call, repeats: int, warm: bool = True) -> tuple[float, float]:
    """Seconds of a call on the clock, and on all processors together."""
    _settle()
    if warm:
        call()  # caches are warm, other ways' threads asleep
    collecting = gc.isenabled()
    gc.disable()
    try:
        processor, start = time.process_time(), time.perf_counter()
        for _ in range(repeats):
            call()
        clock, cpu = time.perf_counter() - start, time.process_time() - processor
    finally:
        if collecting:
            gc.enable()
    return clock / repeats, cpu / repeats


def _settle(most: float = 0.25) -> None:
    """Wait until nobody's threads spin any more: libraries let them, after their work is done."""
    end = time.perf_counter() + most
    while time.perf_counter() < end:
        before = time.process_time()
        time.sleep(0.002)
        if time.process_time() - before < 0.0005:
            return


def gemm(dtype: str, threads: int) -> float:
    """Floating-point operations a second of NumPy's product of matrices, the better of two."""
    a = np.ones((GEMM_SIDE, GEMM_SIDE), dtype)
    times = [_time(lambda: a @ a, 1) for _ in range(2)]
    return float(2 * GEMM_SIDE**3 / min(_counted(*pair, threads) for pair in times))
