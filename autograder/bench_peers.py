"""Measures what grading costs beside nbgrader and otter-grader, on the same submissions and cases.

Each peer has an environment of its own, with one version, and grades as its manual says: nbgrader
by `nbgrader autograde`, which runs a notebook in a kernel, otter-grader by `otter run`, without
Docker. Their tests are asserts on this kit's public cases, one for each case.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from autograder import bench_asserts, bench_class, catalog
from autograder.bank import Banks, cache_folder
from autograder.bench import surroundings
from autograder.engine import Engine
from autograder.isolation.wire import RandomSource
from autograder.results import FILE
from autograder.spec import Case, Exercise, Refusal

NBGRADER, OTTER = "nbgrader", "otter-grader"
VERSIONS = {NBGRADER: "0.9.6", OTTER: "7.0.0"}
WANTED = {
    NBGRADER: (f"nbgrader=={VERSIONS[NBGRADER]}", "ipykernel==7.4.0"),
    OTTER: (f"otter-grader[grading]=={VERSIONS[OTTER]}", "ipykernel==7.4.0"),
}
# The golden submissions of a class that a notebook's kernel survives.
STUDENTS = tuple(pair for pair in bench_class.STUDENTS if not pair[1].startswith("broken"))
# Cases a function: as many as instructors write by hand, and all that there are.
FEW, ALL = 10, sys.maxsize
NAME = "functions"
# What a law says that had answers to judge; a module that cannot be imported gives none.
JUDGED = ("pass", "fail")


class NoPeer(RuntimeError):
    """A peer that cannot be installed; the message is one sentence."""


@dataclass(frozen=True)
class Row:
    """One way of grading: means over the submissions."""

    way: str
    few: bool  # some cases a function, in place of all
    right: float  # functions that pass
    cases: float
    cpu_seconds: float
    milliseconds: float  # of CPU, for a case
    by_case: float  # that, as a multiple of this kit's
    by_submission: float  # the CPU seconds, as a multiple of this kit's


def bench(
    golden: Path,
    students: int,
    environments: Path | None = None,
    told: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Grade a class by this kit and by both peers; `told` hears what takes long."""
    kept = (environments or cache_folder() / "peers").absolute()
    with tempfile.TemporaryDirectory(prefix="autograder-") as folder:
        room = Path(folder)
        bench_class.make(golden, room / "class", students, STUDENTS)
        pythons = {peer: environment(peer, kept, told) for peer in WANTED}
        told("grading by this kit")
        ours, judgements, level = _ours(room / "class", room / "results", students)
        found = []
        for count in (ALL, FEW):
            for peer, grade in ((NBGRADER, nbgrader), (OTTER, otter)):
                told(f"grading by {peer}, {'all' if count == ALL else FEW} cases a function")
                place = room / f"{peer} {count}"
                place.mkdir()
                notes = place / "notes"
                seconds = grade(pythons[peer], place, room / "class", count, notes)
                found.append((peer, count, seconds / students, *noted(notes, students)))
    rows = [ours, *(_row(*figures, ours) for figures in found)]
    about = surroundings()
    about["versions"] |= VERSIONS
    return {
        **about,
        "students": students,
        "rows": [asdict(row) for row in rows],
        "summary": {
            "isolation": level,
            "judgements": judgements,
            "few": FEW,
            "functions": len(catalog.exercises()),
        },
    }


def _row(
    peer: str, count: int, seconds: float, cases: float, right: float, ours: Row | None = None
) -> Row:
    each = 1000 * seconds / cases
    if ours is None:
        return Row(peer, count != ALL, right, cases, seconds, each, 1.0, 1.0)
    return Row(
        peer,
        count != ALL,
        right,
        cases,
        seconds,
        each,
        each / ours.milliseconds,
        seconds / ours.cpu_seconds,
    )


# --- this kit


def _ours(folder: Path, out: Path, students: int) -> tuple[Row, float, str]:
    """Its figures, the judgements of laws on cases for a submission, the level of isolation."""
    engine = Engine.of()
    engine.prepare(catalog.exercises())  # the banks are drawn now, as they are once for a class
    server, level = engine.server.usage(), engine.server.isolation.level
    engine.server.close()
    graded = bench_class.grade(folder, out, 1, server, level)
    cases, judgements, right = judged(out, engine.banks)
    row = _row("this kit", ALL, graded.total, cases / students, right / students)
    return row, judgements / students, level


def judged(out: Path, banks: Banks) -> tuple[int, int, int]:
    """Of all results in a folder: cases and judgements of laws on them, functions that pass."""
    cases = judgements = right = 0
    for file in out.glob(f"*/{FILE}"):
        for written in json.loads(file.read_text(encoding="utf-8"))["exercises"]:
            plan = banks.of(catalog.select([written["name"]])[0]).plan
            entries = [plan[law["name"]] for law in written["laws"] if law["status"] in JUDGED]
            cases += len({number for of_law in entries for number, _ in of_law})
            judgements += sum(map(len, entries))
            right += all(law["status"] == "pass" for law in written["laws"])
    return cases, judgements, right


# --- the peers' environments


def environment(peer: str, folder: Path, told: Callable[[str], None]) -> Path:
    """The interpreter of a peer's environment, which is made when it is first needed."""
    place = folder / peer
    wanted = [*WANTED[peer], f"numpy=={version('numpy')}"]
    python = place / "bin" / "python"
    done = place / "installed.txt"  # written last
    text = "\n".join([sys.version, *wanted])
    if not done.is_file() or done.read_text(encoding="utf-8") != text:
        told(f"installing {wanted[0]} into {place}; later runs find it there")
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NoPeer(f"cannot make the folder {place}: {error.strerror}") from error
        _install([sys.executable, "-m", "venv", "--clear", str(place)], wanted[0])
        quiet = ("install", "--quiet", "--disable-pip-version-check")
        _install([str(python), "-m", "pip", *quiet, *wanted], wanted[0])
        done.write_text(text, encoding="utf-8")
    return python


def _install(command: Sequence[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        why = next((line for line in said if line.startswith("ERROR:")), "no reason given")
        why = why.removeprefix("ERROR:").strip().rstrip(".")
        raise NoPeer(f"cannot install {what}, which needs the network: {why}")


# --- what the peers are given


def tests(folder: Path, count: int) -> None:
    """Beside a notebook: the asserts, and some or all cases of every function."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(bench_asserts.__file__, folder / "asserts.py")
    banks = Banks()
    for exercise in catalog.exercises():
        cases = chosen(banks.of(exercise).cases, count)
        given = [_given(exercise, case) for case in cases]
        (folder / f"{exercise.name}.pickle").write_bytes(pickle.dumps(given))


def chosen(cases: Sequence[Case], count: int) -> list[Case]:
    """So many cases, evenly spread: they lie by kind, the smallest of each first."""
    if count >= len(cases):
        return list(cases)
    return [cases[i * len(cases) // count] for i in range(count)]


def _given(exercise: Exercise, case: Case) -> tuple[list[Any], Any, Any]:
    """A case without this kit's types; where many answers are right, only the form is asked."""
    arguments = [
        np.random.SeedSequence(value.seed) if isinstance(value, RandomSource) else value
        for value in case.arguments.values()
    ]
    if isinstance(case.expected, Refusal):
        return arguments, ValueError, None
    many = exercise.free or exercise.normal is not None
    return arguments, case.expected, float("inf") if many else case.tolerance


def notebook(graded: bool) -> dict[str, Any]:
    """The notebook of a student whose functions are in modules; with tests as nbgrader has them."""
    topics = [topic.name for topic in catalog.topics()]
    cells = [_cell("import sys\n\nsys.path.insert(0, 'exercises')", "path")]
    # A module that cannot be imported costs its own functions only.
    cells += [_cell(f"from exercises import {topic}", f"import_{topic}") for topic in topics]
    for exercise in catalog.exercises() if graded else ():
        name = exercise.name
        text = f"from asserts import check\n\ncheck('{name}', {exercise.topic}.{name})"
        of_nbgrader = dict(
            grade=True,
            solution=False,
            locked=True,
            task=False,
            schema_version=3,
            grade_id=name,
            points=exercise.points,
        )
        cells.append(_cell(text, f"test_{name}", {"nbgrader": of_nbgrader}))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(text: str, name: str, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name.replace("_", "-"),
        "metadata": metadata or {},
        "outputs": [],
        "source": text,
    }


def otter_test(exercise: Exercise) -> str:
    """A test file in otter-grader's own format, with one test case."""
    name, topic = exercise.name, exercise.topic
    return (
        "OK_FORMAT = False\n\n"
        "from asserts import check\n"
        "from otter.test_files import test_case\n\n"
        f'name = "{name}"\n'
        f"points = {exercise.points}\n\n\n"
        "@test_case()\n"
        f"def test_{name}({topic}):\n"
        f'    check("{name}", {topic}.{name})\n'
    )


# --- the peers at work


def nbgrader(python: Path, room: Path, students: Path, count: int, notes: Path) -> float:
    """CPU seconds of `nbgrader autograde` for the whole class, which is one process of it."""
    config = "c = get_config()\nc.ExecutePreprocessor.timeout = 600\n"
    (room / "nbgrader_config.py").write_text(config, encoding="utf-8")
    source = room / "source" / NAME
    tests(source, count)
    _write(source, notebook(graded=True))
    run = (str(python), "-m", "nbgrader")
    _cpu([*run, "generate_assignment", NAME], room, notes)
    for student in students.iterdir():
        place = room / "submitted" / student.name / NAME
        shutil.copytree(room / "release" / NAME, place)
        shutil.copytree(student / "exercises", place / "exercises")
    return _cpu([*run, "autograde", NAME], room, notes)


def otter(python: Path, room: Path, students: Path, count: int, notes: Path) -> float:
    """CPU seconds of `otter run` for the whole class, which is a process for each submission."""
    tests(room / "files", count)
    (room / "files" / "tests").mkdir()
    for exercise in catalog.exercises():
        file = room / "files" / "tests" / f"{exercise.name}.py"
        file.write_text(otter_test(exercise), encoding="utf-8")
    given = [file.name for file in sorted((room / "files").iterdir()) if file.is_file()]
    run = (str(python), "-m", "otter")
    made = room / "autograder.zip"
    _cpu([*run, "generate", "-t", "tests", "-o", str(made), *given], room / "files", notes)
    seconds = 0.0
    for student in sorted(students.iterdir()):
        place = room / student.name
        shutil.copytree(student / "exercises", place / "exercises")
        _write(place, notebook(graded=False))
        zipped = shutil.make_archive(str(place), "zip", place)
        seconds += _cpu([*run, "run", zipped, "-a", str(made), "-o", str(place)], room, notes)
    return seconds


def _write(folder: Path, made: dict[str, Any]) -> None:
    (folder / f"{NAME}.ipynb").write_text(json.dumps(made, indent=1), encoding="utf-8")


def noted(notes: Path, students: int) -> tuple[float, float]:
    """Cases that asserts looked at, and functions without a wrong one, for a submission."""
    lines = [line.split() for line in notes.read_text(encoding="utf-8").splitlines()]
    cases, right = (sum(int(line[i]) for line in lines) / students for i in (1, 2))
    return cases, right


def _cpu(command: Sequence[str], folder: Path, notes: Path) -> float:
    """CPU seconds of a command and of all processes that it waits for, its kernels among them."""
    own = folder / ".own"  # no settings and kernels of the user
    surroundings = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        # nbgrader calls alembic by its name.
        "PATH": os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]]),
        bench_asserts.NOTES: str(notes),
        "IPYTHONDIR": str(own / "ipython"),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
    }
    with tempfile.TemporaryFile("w+") as said:
        running = subprocess.Popen(
            command, cwd=folder, env=surroundings, stdout=said, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        if running.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command[:4])} failed:\n{said.read()}")
    return used.ru_utime + used.ru_stime
