"""The documentation is true: its commands run, its screen is what the command prints."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from autograder import catalog
from autograder.report.text import points
from autograder.results import results_json
from autograder.verdict import ExerciseResult, LawResult, Verdict
from autograder.writing import write

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
STUDENTS = (ROOT / "exercises" / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


def commands() -> list[str]:
    """The lines of README's shell blocks that call the kit."""
    lines = [
        line.partition("#")[0].strip().removeprefix(".venv/bin/")
        for block in re.findall(r"```sh\n(.*?)```", README, re.S)
        for line in block.splitlines()
    ]
    # The plain `pytest` is the run that this test is part of.
    return [line for line in lines if line.startswith(("autograder ", "pytest "))]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every command of the README has what it names."""
    folder = tmp_path_factory.mktemp("course")
    golden = ROOT / "tests" / "submissions"
    shutil.copytree(ROOT / "exercises", folder / "exercises")
    for name in ("right-einsum", "half-finished", "wrong-conv-flipped-kernel"):
        shutil.copytree(golden / name, folder / "tests" / "submissions" / name)
    for name in ("dora", "emil"):
        shutil.copytree(golden / "half-finished", folder / "submissions" / name)
    shutil.copytree(golden / "half-finished", folder / "bob")
    shutil.copyfile(golden / "half-finished/exercises/padding.py", folder / "carol.py")
    shutil.make_archive(str(folder / "alice"), "zip", golden / "half-finished")
    law = LawResult("shape", "it has a shape", "pass", 1.0)
    graded = Verdict("dora", "public", {"level": "strong"}, (ExerciseResult("relu", "a", (law,)),))
    write(folder / "results" / "dora" / "results.json", results_json(graded))
    return folder


@pytest.mark.parametrize("command", commands())
def test_every_command_of_the_readme_runs(command: str, course: Path) -> None:
    program, *arguments = shlex.split(command)
    done = subprocess.run(
        [str(BIN / program), *arguments],
        cwd=course,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
        check=False,
    )
    # The stubs fail, as they should; nothing else may go wrong.
    assert done.returncode in (0, 1), done.stderr
    assert not done.stderr


def test_the_screen_in_the_readme_is_what_the_command_prints(course: Path) -> None:
    shown = re.search(
        r"```\n\$ (autograder .*?)\n```\n<!-- screen:begin -->\n```\n(.*?)```\n<!-- screen:end",
        README,
        re.S,
    )
    assert shown is not None
    command, screen = shown.groups()
    program, *arguments = shlex.split(command)
    done = subprocess.run(
        [str(BIN / program), *arguments], cwd=course, capture_output=True, text=True, check=False
    )
    assert [line.rstrip() for line in done.stdout.splitlines()] == screen.rstrip("\n").splitlines()


def test_the_students_map_lists_every_function_with_its_points() -> None:
    table = STUDENTS.split("<!-- points:begin -->")[1].split("<!-- points:end -->")[0]
    rows = re.findall(r"^\|[^|]*\| `(\w+)` \|.*\| ([\d.]+) \|$", table, re.M)
    assert rows == [(e.name, points(e.points)) for e in catalog.exercises()]


def test_the_students_map_explains_every_status() -> None:
    from typing import get_args

    from autograder.verdict import Status

    explained = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", STUDENTS, re.M)
    assert set(explained) >= set(get_args(Status))


def test_no_file_names_a_machine_or_a_registry() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    forbidden = re.compile(r"(?<!\w)/(work|root|home/\w+)/|--(extra-)?index-url|pythonhosted")
    for name in filter(None, listed.split("\0")):
        file = ROOT / name
        if file.suffix in (".py", ".pyx", ".md", ".toml", ".txt", ".yml", "") and file.is_file():
            text = file.read_text(encoding="utf-8", errors="replace")
            if file != Path(__file__):
                assert not forbidden.search(text), name


def test_the_audit_in_the_readme_is_of_what_would_be_tried_today() -> None:
    """The counts; that all of them lose points is what `autograder audit` itself says."""
    from autograder.audit import audit, faults
    from autograder.bank import Banks

    names = [exercise.name for exercise in catalog.exercises()]
    counts = {name: [0, 0, 0] for name in names}
    noted = audit.notes(names)
    for task in audit.tasks(catalog.exercises(), ROOT / "tests" / "submissions", seeds=0):
        match task:
            case audit.MutantTask():
                counts[task.exercises[0]][0] += task.mutant.identity not in noted
            case audit.GoldenTask():
                expected = tomllib.loads((task.folder / "expected.toml").read_text("utf-8"))
                counts[expected["function"]][1] += bool(expected["misconception"])
    for exercise in catalog.exercises():
        counts[exercise.name][1] += len(exercise.misconceptions)
        counts[exercise.name][2] += len(faults.applicable(exercise, Banks().of(exercise)))
    table = README.split("<!-- audit:begin -->")[1].split("<!-- audit:end -->")[0]
    row = re.compile(r"^(\w+) +(\d+)/(\d+) +(\d+)/(\d+) +(\d+)/(\d+) +(\d+) +[\d.]+$", re.M)
    told = {name: list(map(int, figures)) for name, *figures in row.findall(table)}
    told.pop("all")
    assert {name: figures[1:6:2] for name, figures in told.items()} == counts
    for figures in told.values():
        assert figures[0:6:2] == figures[1:6:2]
        assert figures[6] == 0  # right ones that lose points


def test_the_number_of_exercises_in_the_readme() -> None:
    assert f"{len(catalog.exercises())} NumPy functions" in README
