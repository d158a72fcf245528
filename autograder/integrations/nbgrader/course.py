"""`autograder nbgrader init`: a course for nbgrader, with its source, release and gradebook.

Either every lesson is an assignment, its functions written in the notebook's cells, or all stub
modules are one, with a report card: a notebook that holds nothing but the cells for the points.
Both are graded alike, and take modules where a notebook is asked for, and the other way round.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder import catalog
from autograder.course import CAPSTONE, FILE, Course, dumps
from autograder.integrations.nbgrader import capstone
from autograder.integrations.nbgrader.settings import CONFIG, TEMPLATES, api
from autograder.scaffold import lessons
from autograder.spec import Exercise
from autograder.submissions import HOME

CARD = "report_card"
NOTEBOOKS, MODULES = "notebooks", "modules"  # what students hand in
NEXT = """
    cd {course}
    nbgrader db assignment list                 the assignments
    nbgrader zip_collect {assignment:<23}what lies in downloaded/{assignment}/archive
    nbgrader autograde {assignment:<25}judges them; no kernel is started
    nbgrader generate_feedback {assignment:<17}a page for each student
    nbgrader export                             grades.csv

The notebooks for the students are in {course}/release."""
CHECK = "from autograder.integrations.notebook import check\n"


class BadCourse(ValueError):
    """The course cannot be made; the message says why, in one sentence."""


def init(course: Path, exercises: Path, hand_in: str, settings: Course | None = None) -> list[str]:
    """Make a course in an empty or new folder; returns the names of its assignments.

    The settings give points, leave exercises out, and say when a lesson's assignment is due.
    """
    settings = settings or Course()
    chosen = catalog.select((), settings)
    topics = {exercise.topic for exercise in chosen}
    if course.exists() and (not course.is_dir() or any(course.iterdir())):
        raise BadCourse(f"{course} is there already; name a new folder, or an empty one")
    if not lessons.sources(exercises):
        raise BadCourse(f"{exercises} holds no lessons; run this in a checkout of the kit")
    source = course / "source"
    if hand_in == NOTEBOOKS:
        files = [f for f in lessons.sources(exercises) if lessons.topic_of(f) in topics]
        assignments = [_lesson(file, exercises, source, chosen) for file in files]
    else:
        assignments = [_modules(exercises, source, chosen)]
    for file in lessons.sources(exercises):
        if lessons.topic_of(file) == CAPSTONE not in settings.without:
            assignments.append(capstone.assignment(file, source, settings, graded))
    shutil.copyfile(TEMPLATES / CONFIG, course / CONFIG)
    if settings != Course():
        (course / FILE).write_text(dumps(settings), encoding="utf-8")
    # nbgrader calls alembic by its name.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    grader = api(course)
    for assignment in assignments:
        done = grader.generate_assignment(assignment)
        if not done["success"]:
            raise RuntimeError(f"nbgrader cannot generate {assignment}:\n{done['log']}")
        topic = assignment.removeprefix(f"{assignment[:2]}_")
        if (due := settings.due.get(topic)) is not None:
            with grader.gradebook as gradebook:
                gradebook.update_or_create_assignment(assignment, duedate=due)
    return assignments


def count(assignments: list[str]) -> str:
    return f"{len(assignments)} assignment{'s' if len(assignments) > 1 else ''}"


def _lesson(file: Path, exercises: Path, source: Path, chosen: Sequence[Exercise]) -> str:
    """One lesson as an assignment."""
    folder = source / file.stem
    folder.mkdir(parents=True)
    lessons.copy_pictures(file, folder)
    lesson = lessons.only(lessons.notebook(file), {exercise.name for exercise in chosen})
    nbformat.write(graded(lesson, chosen), folder / f"{file.stem}.ipynb")
    return file.stem


def graded(lesson: NotebookNode, chosen: Sequence[Exercise]) -> NotebookNode:
    """A lesson in which the stubs' cells are solutions, and the checks give the points."""
    points = {exercise.name: exercise.points for exercise in chosen}
    for cell in lesson.cells:
        kind, _, name = cell.id.partition("-")
        if kind == "stub":
            # nbgrader empties the part between the marks, and the whole cell where there is none.
            cell.source = re.sub(
                r"^( *)raise NotImplementedError$",
                r"\1### BEGIN SOLUTION\n\1raise NotImplementedError\n\1### END SOLUTION",
                cell.source,
                flags=re.MULTILINE,
            )
            cell.metadata.nbgrader = _metadata(f"write_{name}", grade=False)
        elif kind == "check":
            # The cell imports what it calls: no function of the student's takes its place.
            cell.source = CHECK + cell.source
            cell.metadata.nbgrader = _metadata(name, grade=True, points=points[name])
    return lesson


def _modules(exercises: Path, source: Path, chosen: Sequence[Exercise]) -> str:
    """All stub modules as an assignment, with the report card."""
    folder = source / HOME
    (folder / HOME).mkdir(parents=True)
    names = {exercise.name for exercise in chosen}
    for topic in catalog.topics():
        left_out = {exercise.name for exercise in topic.exercises} - names
        if len(left_out) < len(topic.exercises):
            module = (exercises / f"{topic.name}.py").read_text("utf-8")
            stubs = lessons.without(module, left_out)
            (folder / HOME / f"{topic.name}.py").write_text(stubs, encoding="utf-8")
    nbformat.write(report_card(chosen), folder / f"{CARD}.ipynb")
    return HOME


def report_card(chosen: Sequence[Exercise]) -> NotebookNode:
    """A notebook with a cell for the points of every exercise."""
    cells = [
        new_markdown_cell(
            f"# Report card\n\nYour functions are in `{HOME}/`. Run a cell to check one of them; "
            "points are filled in after you have handed in.",
            id="title",
        )
    ]
    for topic in catalog.topics():
        if asked := [exercise for exercise in chosen if exercise.topic == topic.name]:
            cells.append(new_markdown_cell(f"## {topic.title}", id=f"topic-{topic.name}"))
            cells += [_card(exercise) for exercise in asked]
    return lessons.finished(new_notebook(cells=cells))


def _card(exercise: Exercise) -> NotebookNode:
    cell = new_code_cell(
        f'{CHECK}check("{exercise.name}", path="{HOME}")', id=f"check-{exercise.name}"
    )
    cell.metadata.nbgrader = _metadata(exercise.name, grade=True, points=exercise.points)
    return cell


def _metadata(name: str, grade: bool, points: float | None = None) -> NotebookNode:
    return NotebookNode(
        schema_version=3,
        grade_id=name,
        grade=grade,
        solution=not grade,
        task=False,
        locked=grade,
        cell_type="code",
        **({} if points is None else {"points": points}),
    )
