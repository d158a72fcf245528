"""Measures what grading a class costs: how fast, how much CPU, for what, and whether that grows.

The class is made of golden submissions, in turns: right ones in several styles, right ones in
which one module has a mistake, an unfinished one and one that crashes. The command itself grades.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder import catalog
from autograder.bench import surroundings
from autograder.engine import Engine
from autograder.submissions import read

COUNTS = (10, 100, 300)
# Ten students: what they hand in, and the golden submission that a module of it is from.
STUDENTS = (
    ("right-einsum", ""),
    ("right-im2col", "wrong-conv-flipped-kernel"),
    ("right-as-strided", ""),
    ("half-finished", ""),
    ("right-loops", ""),
    ("right-shifted", "wrong-maxpool-starts-at-zero"),
    ("right-classes", ""),
    ("right-einsum", "wrong-conv-backward-dx-overwritten"),
    ("right-fft", "wrong-softmax-overflows"),
    ("right-im2col", "broken-segfault"),
)
# Students of a class that could not do better.
VECTORISED = (("right-einsum", ""), ("right-im2col", ""), ("right-as-strided", ""))


class NoGolden(ValueError):
    """A folder without the golden submissions that a class is made of."""


Students = Sequence[tuple[str, str]]


def make(golden: Path, folder: Path, count: int, students: Students = STUDENTS) -> None:
    """A class of so many students, of these kinds in turns."""
    for number in range(count):
        base, mistake = students[number % len(students)]
        student = folder / f"student-{number:04}"
        for name in filter(None, (base, mistake)):
            if not (golden / name / "exercises").is_dir():
                raise NoGolden(f"{golden} has no {name}/exercises; name the folder with --golden")
            shutil.copytree(golden / name / "exercises", student / "exercises", dirs_exist_ok=True)


def bench(
    golden: Path,
    counts: Sequence[int] = COUNTS,
    processes: int = 2,
    students: Students = STUDENTS,
) -> dict[str, Any]:
    """Grade a class of each size, and tell what the CPU seconds went into."""
    with tempfile.TemporaryDirectory(prefix="autograder-") as room:
        unique = Path(room, "unique")
        make(golden, unique, len(students), students)
        alone = _alone(unique)
        rows = []
        for count in counts:
            place = Path(room, str(count))
            make(golden, place, count, students)
            rows.append(_row(place, Path(room, f"results {count}"), count, processes, alone))
    last = rows[-1]
    summary = {
        "submissions_per_minute": last["submissions_per_minute"],
        "cpu_seconds_each": last["cpu_seconds_each"],
        "overhead": last["cpu_seconds_each"] / last["functions"],
        "off_a_line": _off_a_line(rows),
        "isolation": alone.level,
    }
    return {**surroundings(), "processes": processes, "rows": rows, "summary": summary}


@dataclass(frozen=True)
class Alone:
    """CPU seconds of each student's functions alone, and of a fork server until it is ready."""

    functions: list[float]
    server: float
    level: str


def _alone(folder: Path) -> Alone:
    exercises, engine = catalog.exercises(), Engine.of()
    topics = frozenset(topic.name for topic in catalog.topics())
    engine.prepare(exercises)
    server = engine.server.usage()
    seconds = []
    for student in sorted(folder.iterdir()):
        with engine.session(read(student, topics)) as session:
            session.clocked = True
            for exercise in exercises:
                engine.judge(exercise, session)
            seconds.append(session.function_seconds)
    level = engine.server.isolation.level
    engine.server.close()
    return Alone(seconds, server, level)


@dataclass(frozen=True)
class Graded:
    """What `autograder grade` took for a class; CPU seconds are means over its submissions."""

    seconds: float  # for all, by the wall clock
    total: float
    grader: float
    workers: float
    reports: float
    largest_process_mib: float


def grade(folder: Path, out: Path, processes: int, server: float, level: str) -> Graded:
    """Grade a folder by the command; `server` is what a fork server takes at this level."""
    command = [sys.executable, "-m", "autograder.cli", "grade", str(folder), "--out", str(out)]
    command += ["--jobs", str(processes)]
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    timings = [json.loads(file.read_text()) for file in sorted(out.glob("*/timing.json"))]
    count = len(timings)
    if running.returncode or not count:
        raise RuntimeError(f"grading the class in {folder.name} ended with {running.returncode}")
    grader, workers, reports = (
        statistics.fmean(timing[f"{part}_cpu_seconds"] for timing in timings)
        for part in ("grader", "workers", "reports")
    )
    total = (used.ru_utime + used.ru_stime) / count
    if level == "strong":
        # What runs inside bubblewrap is not counted with the process that started it.
        total += workers + min(processes, count) * server / count
    return Graded(seconds, total, grader, workers, reports, used.ru_maxrss / 1024)


def _row(folder: Path, out: Path, count: int, processes: int, alone: Alone) -> dict[str, Any]:
    graded = grade(folder, out, processes, alone.server, alone.level)
    kinds = len(alone.functions)
    own = statistics.fmean(alone.functions[number % kinds] for number in range(count))
    return {
        "count": count,
        "seconds": graded.seconds,
        "submissions_per_minute": 60 * count / graded.seconds,
        "cpu_seconds_each": graded.total,
        "functions": own,
        "around_them": graded.workers - own,
        "comparison": graded.grader - graded.reports,
        "reports": graded.reports,
        # Processes, case banks, intake, journal, the page of the class.
        "start_and_rest": graded.total - graded.grader - graded.workers,
        "largest_process_mib": graded.largest_process_mib,
    }


def _off_a_line(rows: Sequence[dict[str, Any]]) -> float:
    """How far CPU seconds lie from the straight line that fits them best; a share of them."""
    counts = [row["count"] for row in rows]
    totals = [row["count"] * row["cpu_seconds_each"] for row in rows]
    if len(rows) < 3:
        return 0.0
    slope, start = statistics.linear_regression(counts, totals)
    off = [
        abs(start + slope * count - total) / total
        for count, total in zip(counts, totals, strict=True)
    ]
    return float(max(off))
