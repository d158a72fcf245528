"""Times the ways to compute a layer, in turns, so that a slow spell of the machine hits all alike.

Every way is first compared with ours. A timing repeats the call until it takes `SPAN` seconds. With
one thread CPU seconds count, which other programs hardly lengthen; with more, the clock.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import reference
from autograder.performance.layers import DTYPES, PASSES, TESTS, Arrays, Layer, arrays
from autograder.performance.ways import CORE, CORE_ONE, PURE, Call, Way

SPAN, QUICK_SPAN = 0.02, 0.002
# Largest difference, as a share of the largest number: roundings of long sums, nothing else.
TOLERANCE = {"float64": 1e-10, "float32": 1e-3}
GEMM_SIDE = 1024
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
    calls: dict[str, Callable[[], None]] = {}
    chosen: dict[str, str] = {}
    right: list[list[np.ndarray]] = []
    for way in ways:
        if way.name == PURE and layer.network != TESTS:
            continue  # seconds to minutes a call
        forms = _forms(layer, data, way, which == "both")
        for name, form in forms.items():
            got = [way.arrays_of(name, call()) for call in form]
            if not right:
                right = got
            _agree(got, right, dtype, f"{way.name} {name}".strip(), layer)
        chosen[way.name] = _fastest(forms)
        calls[way.name] = _all(forms[chosen[way.name]])
    if threads > 1:
        calls[CORE_ONE] = calls[CORE]
    repeats = {}
    for name, call in calls.items():
        with _Threads(name, threads):
            once = min(_time(call, 1)[1] for _ in range(2))
            repeats[name] = max(1, math.ceil(span / max(once, 1e-7)))
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    busy: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for run in range(runs):
        for name in names[run % len(names) :] + names[: run % len(names)]:
            with _Threads(name, threads):
                clock, cpu = _time(calls[name], repeats[name])
            seconds[name].append(cpu if threads == 1 else clock)
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


def _forms(layer: Layer, data: list[Arrays], way: Way, backward: bool) -> dict[str, list[Call]]:
    """For every form of a way, its call for each geometry."""
    found: dict[str, list[Call]] = {}
    for geometry, values in zip(layer.geometries, data, strict=True):
        for name, call in way.forms(geometry, values, backward).items():
            found.setdefault(name, []).append(call)
    return found


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


def _all(calls: list[Call]) -> Callable[[], None]:
    if len(calls) == 1:
        return calls[0]

    def every() -> None:
        for call in calls:
            call()

    return every


def _fastest(forms: dict[str, list[Call]]) -> str:
    if len(forms) == 1:
        return next(iter(forms))
    best = dict.fromkeys(forms, math.inf)
    for _ in range(3):
        for name, calls in forms.items():
            best[name] = min(best[name], _time(_all(calls), 1)[1])
    return min(best, key=best.__getitem__)


class _Threads:
    """The core computes with one thread where that is measured beside more."""

    def __init__(self, name: str, threads: int) -> None:
        self._number, self._threads = 1 if name == CORE_ONE else threads, threads

    def __enter__(self) -> None:
        reference.set_threads(self._number)

    def __exit__(self, *_: object) -> None:
        reference.set_threads(self._threads)


def _time(call: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Seconds of a call on the clock, and on all processors together."""
    _settle()
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
    return float(2 * GEMM_SIDE**3 / min(cpu if threads == 1 else clock for clock, cpu in times))
