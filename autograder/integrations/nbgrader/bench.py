"""What nbgrader costs around our engine, and what it costs alone, on the same answers."""

from __future__ import annotations

import ast
import copy
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder import catalog
from autograder.bank import Banks
from autograder.bench import surroundings
from autograder.diagnose import literal
from autograder.integrations.nbgrader.course import NOTEBOOKS, init
from autograder.integrations.nbgrader.settings import CONFIG
from autograder.scaffold import lessons
from autograder.spec import Exercise
from autograder.tolerance import arrays_of

LESSON = "06_pooling"
TOPIC = "pooling"
# Such a test cell is what instructors write by hand: some cases, each compared with its answer.
CASES, NUMBERS = 10, 200


@dataclass(frozen=True)
class Row:
    """One way of grading the class: CPU seconds of all processes, start-up included."""

    way: str
    total: float
    each: float


def bench(exercises: Path, golden: Path, students: int) -> dict[str, Any]:
    """Grade the same notebooks by the engine alone, by nbgrader with it, and by nbgrader alone."""
    with tempfile.TemporaryDirectory(prefix="autograder-bench-") as folder:
        ours, plain = Path(folder) / "ours", Path(folder) / "plain"
        init(ours, exercises, NOTEBOOKS)
        shutil.copytree(ours, plain)
        (plain / CONFIG).write_text("c = get_config()\n", encoding="utf-8")
        _with_asserts(plain)
        modules = [file.read_text("utf-8") for file in _answers(golden)]
        for course in (ours, plain):
            _hand_in(course, exercises, modules, students)
        submissions = sorted((ours / "submitted").iterdir())
        alone = [sys.executable, "-m", "autograder.cli", "grade", str(ours / "handed_in")]
        (ours / "handed_in").mkdir()
        for place in submissions:
            file = place / LESSON / f"{LESSON}.ipynb"
            shutil.copyfile(file, ours / "handed_in" / f"{place.name}.ipynb")
        autograde = [sys.executable, "-m", "nbgrader", "autograde", LESSON]
        totals = {
            "the engine alone": _cpu([*alone, "--out", str(ours / "out"), "--only", TOPIC], ours),
            "nbgrader with the engine": _cpu(autograde, ours),
            "nbgrader alone": _cpu(autograde, plain),
        }
    rows = [Row(way, total, total / students) for way, total in totals.items()]
    engine, both, other = (row.each for row in rows)
    return {
        **_surroundings(),
        "students": students,
        "lesson": LESSON,
        "rows": [asdict(row) for row in rows],
        "summary": {"beyond_engine": both - engine, "nbgrader_alone": other},
    }


def _surroundings() -> dict[str, Any]:
    about = surroundings()
    about["versions"]["nbgrader"] = version("nbgrader")
    return about


def _answers(golden: Path) -> Iterator[Path]:
    """Modules with right and wrong functions of the lesson, all of which nbgrader can run."""
    for folder in sorted(golden.iterdir()):
        file = folder / "exercises" / f"{TOPIC}.py"
        if file.is_file() and not folder.name.startswith("broken"):
            yield file


def _hand_in(course: Path, exercises: Path, modules: list[str], students: int) -> None:
    released = nbformat.read(course / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
    source = exercises / "lessons" / f"{LESSON}.py"
    for number, module in zip(range(students), cycle(modules), strict=False):
        place = course / "submitted" / f"student{number:03}" / LESSON
        place.mkdir(parents=True)
        shutil.copytree(course / "release" / LESSON / "pictures", place / "pictures")
        notebook = copy.deepcopy(released)
        texts = lessons.answers(source, module)
        for cell in notebook.cells:
            _, write, name = (
                cell.metadata.get("nbgrader", {}).get("grade_id", "").rpartition("write_")
            )
            if write:
                cell.source = texts[name]
        nbformat.write(notebook, place / f"{LESSON}.ipynb")


def _with_asserts(course: Path) -> None:
    """Tests in the grade cells, as nbgrader by itself needs them."""
    file = course / "source" / LESSON / f"{LESSON}.ipynb"
    notebook = nbformat.read(file, as_version=4)
    known = {exercise.name: exercise for exercise in catalog.exercises()}
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.source = _asserts(known[cell.metadata.nbgrader.grade_id])
    # The pictures are the same for both, and only one of the two would draw them.
    notebook.cells = [cell for cell in notebook.cells if not _draws(cell)]
    nbformat.write(notebook, file)
    _run([sys.executable, "-m", "nbgrader", "generate_assignment", LESSON, "--force"], course)


def _draws(cell: NotebookNode) -> bool:
    if cell.cell_type != "code" or "nbgrader" in cell.metadata:
        return False
    names = {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)}
    return "pictures" in names


def _asserts(exercise: Exercise) -> str:
    lines = ["import numpy as np"]
    for case in Banks().of(exercise).cases:
        size = sum(array.size for value in case.arguments.values() for array in arrays_of(value))
        if size > NUMBERS or len(lines) > CASES:
            continue
        try:
            expected = exercise.reference(**case.arguments)
        except ValueError:
            continue
        given = ", ".join(f"{name}={literal(value)}" for name, value in case.arguments.items())
        call = f"{exercise.name}({given})"
        lines.append(f"np.testing.assert_allclose({call}, {literal(expected)}, rtol=1e-6)")
    return "\n".join(lines)


def _cpu(command: list[str], folder: Path) -> float:
    """CPU seconds of a command and of all processes that it waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(command, folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _run(command: list[str], folder: Path) -> None:
    # nbgrader calls alembic by its name.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
