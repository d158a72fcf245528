"""Measures what grading costs, in ratios within one run: these machines are noisy."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from autograder import catalog
from autograder.engine import Engine
from autograder.submissions import Submission, read

ROUNDS = 5
CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Row:
    """One submission: medians over the rounds, in CPU seconds."""

    submission: str
    style: str
    total: float  # grader, fork server and worker together
    functions: float  # the student's functions alone, on the same inputs
    ratio: float


def overhead(golden: Path, rounds: int = ROUNDS) -> dict[str, Any]:
    """What judging costs beyond the student's own code, over the right golden submissions.

    The submissions take turns, so that a slow spell of the machine hits all alike. Banks are
    loaded before the first round: they serve a whole class.
    """
    submissions = dict(_right_ones(golden))
    engine = Engine.of()
    engine.prepare(catalog.exercises())
    gc.freeze()  # as in grading a class
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in submissions}
    for _ in range(rounds):
        for name, (submission, _style) in submissions.items():
            total, _ = _once(engine, submission, clocked=False)
            _, functions = _once(engine, submission, clocked=True)
            measured[name].append((total, functions))
    rows = []
    for name, (_, style) in submissions.items():
        total = statistics.median(t for t, _ in measured[name])
        functions = statistics.median(f for _, f in measured[name])
        ratio = statistics.median(t / f for t, f in measured[name])
        rows.append(Row(name, style, total, functions, ratio))
    summary: dict[str, Any] = {"isolation": engine.server.isolation.level}
    for style in ("loops", "vectorised"):
        ratios = [row.ratio for row in rows if row.style == style]
        if ratios:
            summary[style] = statistics.median(ratios)
    table = [asdict(row) for row in rows]
    return {**surroundings(), "rounds": rounds, "rows": table, "summary": summary}


def _right_ones(golden: Path) -> Iterator[tuple[str, tuple[Submission, str]]]:
    topics = frozenset(topic.name for topic in catalog.topics())
    for folder in sorted(golden.iterdir()):
        file = folder / "expected.toml"
        if not file.is_file():
            continue
        expected = tomllib.loads(file.read_text(encoding="utf-8"))
        if expected.get("full_marks"):
            yield folder.name, (read(folder, topics), expected["style"])


def _once(engine: Engine, submission: Submission, clocked: bool) -> tuple[float, float]:
    """CPU seconds of judging everything, and, where clocked, those of the functions."""
    exercises = catalog.exercises()
    before = time.process_time() + engine.server.usage()
    functions = 0.0
    if clocked:
        with engine.session(submission) as session:
            session.clocked = True
            for exercise in exercises:
                engine.judge(exercise, session)
            functions = session.function_seconds
    else:
        engine.verdict(submission, exercises)
    return time.process_time() + engine.server.usage() - before, functions


def surroundings() -> dict[str, Any]:
    """The date, the machine and the versions that a figure belongs to."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {
            "system": f"{platform.system()} {platform.release()}",
            "processor": processor(),
            "cores": os.cpu_count(),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("cnn-exercise-kit", "numpy", "hypothesis")},
        },
    }


def processor() -> str:
    """Its kind, and its name, family and model where Linux tells them: how fast libraries are
    beside one another depends on it."""
    text = CPUINFO.read_text(encoding="utf-8") if CPUINFO.is_file() else ""
    told: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        told.setdefault(key.strip(), value.strip())
    words = {"model name": "", "cpu family": "family ", "model": "model "}
    return ", ".join(
        [platform.machine(), *(w + told[key] for key, w in words.items() if key in told)]
    )
