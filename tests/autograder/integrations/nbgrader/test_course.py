"""`autograder nbgrader init` makes a course that works."""

from __future__ import annotations

import dataclasses

import nbformat
import pytest
from courses import ROOT
from typer.testing import CliRunner

from autograder import catalog, cli
from autograder.course import load
from autograder.integrations.nbgrader.course import BadCourse, init, report_card
from autograder.integrations.nbgrader.settings import api
from autograder.shell import USAGE

TOPICS = {topic.name: topic for topic in catalog.topics()}


def metadata(notebook):
    return {
        cell.metadata.nbgrader.grade_id: cell
        for cell in notebook.cells
        if "nbgrader" in cell.metadata
    }


@pytest.mark.slow
def test_a_lesson_is_released_with_its_stubs_and_a_cell_for_each_functions_points(
    course, two_lessons
):
    cells = metadata(course.released())
    names = [exercise.name for exercise in TOPICS["padding"].exercises]
    assert sorted(cells) == sorted([*names, *(f"write_{name}" for name in names)])
    stubs = (two_lessons / "padding.py").read_text("utf-8")
    for exercise in TOPICS["padding"].exercises:
        code, points = cells[f"write_{exercise.name}"], cells[exercise.name]
        assert code.source in stubs
        assert code.source.endswith("raise NotImplementedError")
        assert (code.metadata.nbgrader.solution, code.metadata.nbgrader.locked) == (True, False)
        assert points.metadata.nbgrader.points == exercise.points
        assert points.metadata.nbgrader.locked
        # What is called is imported in the same cell: no function of a student's stands for it.
        assert points.source.splitlines() == [
            "from autograder.integrations.notebook import check",
            f'check("{exercise.name}")',
        ]


@pytest.mark.slow
def test_every_lesson_is_an_assignment_with_its_pictures(course):
    listed = course.nbgrader("db", "assignment", "list")
    drawn = ROOT / "exercises" / "lessons" / "pictures"
    for name in ("02_padding", "05_activation"):
        assert name in listed
        release = course.folder / "release" / name
        assert sorted(file.name for file in release.iterdir()) == [f"{name}.ipynb", "pictures"]
        modules = sorted(file.name for file in (release / "pictures").iterdir())
        assert modules == sorted(file.name for file in drawn.glob("*.py"))


@pytest.mark.slow
def test_modules_are_released_with_a_report_card(modules_course):
    release = modules_course.folder / "release" / "exercises"
    stubs = sorted(file.name for file in (release / "exercises").iterdir())
    assert stubs == sorted(f"{name}.py" for name in TOPICS)
    points = {
        name: cell.metadata.nbgrader.points
        for name, cell in metadata(report_card(catalog.exercises())).items()
    }
    assert points == {exercise.name: exercise.points for exercise in catalog.exercises()}


@pytest.mark.slow
def test_no_answer_is_in_a_course(course, modules_course):
    for folder in (course.folder, modules_course.folder):
        for file in folder.rglob("*"):
            if file.suffix in (".py", ".ipynb"):
                assert "reference.pure" not in file.read_text("utf-8")


def test_a_folder_that_holds_something_is_left_alone(tmp_path, two_lessons):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadCourse, match="is there already; name a new folder"):
        init(tmp_path, two_lessons, "notebooks")
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_what_is_wrong_is_told_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.app, ["nbgrader", "init", "course"])
    assert done.exit_code == USAGE
    assert "exercises holds no lessons; run this in a checkout of the kit" in done.output
    assert not list(tmp_path.iterdir())


SETTINGS = """
[points]
relu = 40

[due]
activation = 2027-01-31T18:00:00+01:00

[release]
without = ["softmax", "padding"]
"""


@pytest.mark.slow
@pytest.mark.parametrize("hand_in", ["notebooks", "modules"])
def test_points_due_dates_and_what_is_left_out_are_the_courses(tmp_path, two_lessons, hand_in):
    (tmp_path / "course.toml").write_text(SETTINGS)
    settings = load(tmp_path / "course.toml")
    others = sorted(set(TOPICS) - {"activation", "padding"})
    settings = dataclasses.replace(settings, without=(*settings.without, *others))
    folder = tmp_path / "course"
    (assignment,) = init(folder, two_lessons, hand_in, settings)
    name = assignment if hand_in == "notebooks" else "report_card"
    released = nbformat.read(folder / "release" / assignment / f"{name}.ipynb", as_version=4)
    points = {
        name: cell.metadata.nbgrader.points
        for name, cell in metadata(released).items()
        if cell.metadata.nbgrader.grade
    }
    assert points == {"relu": 40.0, "cross_entropy": 2.5}
    assert load(folder / "course.toml") == settings
    if hand_in == "notebooks":
        assert assignment == "05_activation"
        with api(folder).gradebook as gradebook:
            due = gradebook.find_assignment(assignment).duedate
        assert due.isoformat() == "2027-01-31T17:00:00"  # as nbgrader keeps it, in UTC
    else:
        module = folder / "release" / assignment / "exercises" / "activation.py"
        assert "def softmax" not in module.read_text("utf-8")
