"""`autograder bench core` and `bench lenet`: the parts are measured one after another."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from autograder.bench import surroundings
from autograder.performance import child, ways

EPOCHS, SEEDS = 3, 1
QUICK_DIGITS = 640
CORETYPE = "OPENBLAS_CORETYPE"
MODULE = ["-m", "autograder.performance.child"]
Tell = Callable[[int, int, str], None]


class Failed(Exception):
    """A part ended badly; the text is what it said."""


def core(
    runs: int,
    threads: Sequence[int],
    quick: bool,
    tell: Tell = lambda done, total, what: None,
) -> Iterator[dict[str, Any]]:
    """All figures, after each row that is new: whoever stops has what there is so far."""
    _libraries()
    measured = {**_surroundings(), "runs": runs, "quick": quick, "threads": list(threads)}
    measured |= {"rows": [], "memory": [], "lenet": []}
    for number in threads:
        settings: dict[str, Any] = {"threads": number, "runs": runs, "quick": quick}
        words = f"{number} thread" + "s" * (number > 1)
        for row in _part("timings", settings, number, words, tell):
            measured["rows"].append(row)
            yield measured
    for name in child.WAYS:
        if name == ways.PURE:
            continue  # minutes
        settings = {"name": name, "quick": quick}
        measured["memory"] += _part("memory", settings, 1, f"memory, {name}", tell)
        yield measured
    epochs, digits = (1, QUICK_DIGITS) if quick else (EPOCHS, None)
    for row in _lenet(epochs, SEEDS, digits, tell):
        measured["lenet"].append(row)
        yield measured


def lenet(
    epochs: int,
    seeds: int,
    digits: int | None = None,
    tell: Tell = lambda done, total, what: None,
) -> Iterator[dict[str, Any]]:
    """The training of LeNet-5 alone."""
    _libraries()
    measured: dict[str, Any] = {**_surroundings(), "lenet": []}
    for row in _lenet(epochs, seeds, digits, tell):
        measured["lenet"].append(row)
        yield measured


def _lenet(epochs: int, seeds: int, digits: int | None, tell: Tell) -> Iterator[dict[str, Any]]:
    settings = {"epochs": epochs, "seeds": seeds, "digits": digits}
    return _part("lenet", settings, 1, "LeNet-5", tell)


def _libraries() -> None:
    """A ModuleNotFoundError now, not after minutes, and without loading anything."""
    for name in ("torch", "tensorflow", "keras"):
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _surroundings() -> dict[str, Any]:
    about = surroundings()
    del about["versions"]["hypothesis"]
    for name in ("scipy", "torch", "tensorflow", "tensorflow-cpu", "keras"):
        try:
            about["versions"][name] = version(name)
        except PackageNotFoundError:
            continue  # one of the two TensorFlows is there
    about["machine"] |= _blas()
    return about


def _blas() -> dict[str, Any]:
    """Which kernels NumPy's and SciPy's copies of BLAS chose, and what was asked of OpenBLAS."""
    import scipy.linalg.cython_blas  # noqa: F401  it is seen once it is loaded
    from threadpoolctl import threadpool_info

    copies = []
    for library in threadpool_info():
        folders = Path(library["filepath"]).parts
        for name in ("NumPy", "SciPy"):
            if any(folder.startswith(name.lower()) for folder in folders[-3:-1]):
                copies.append({
                    "of": name,
                    "library": library["internal_api"],
                    "version": library["version"],
                    "architecture": library.get("architecture"),
                })  # fmt: skip
    copies.sort(key=lambda copy: copy["of"])
    return {"blas": copies, CORETYPE: os.environ.get(CORETYPE)}


def _part(
    part: str, settings: dict[str, Any], threads: int, words: str, tell: Tell
) -> Iterator[dict[str, Any]]:
    """The rows of a part, which runs in a process of its own."""
    count = str(threads)
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "VECLIB_MAXIMUM_THREADS": count,
        "REFERENCE_BACKEND": "fast",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
    }
    command = [sys.executable, *MODULE, part, json.dumps(settings)]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as said,
        subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            start_new_session=True,  # an interrupt is ours: we end it
        ) as process,
    ):
        try:
            total = 0
            assert process.stdout is not None
            for done, line in enumerate(process.stdout):
                row = json.loads(line)
                if done == 0:
                    total = row["rows"]
                else:
                    yield row
                tell(done, total, words)
            if process.wait() != 0:
                said.seek(0)
                raise Failed((said.read().strip().splitlines() or [f"{part} ended"])[-1])
        finally:
            process.kill()
