"""The capstone as an assignment: lesson 11, and beside it what students hand in, and its points.

Each part of the rubric is a grade cell, so that a person may change the points of one. They are
judged with the exam that `course.toml` names; without one they wait for a person.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader.preprocessors import SaveAutoGrades

from autograder.capstone import rubric
from autograder.capstone.exam import NotAnExam
from autograder.capstone.files import NAME
from autograder.capstone.joined import POINTS, Capstone, exam_of
from autograder.course import Course
from autograder.isolation.ladder import GraderFault, NotIsolated
from autograder.isolation.limits import Limits
from autograder.report.capstone import part_html
from autograder.scaffold import lessons
from autograder.verdict import LawResult

PREFIX = f"{NAME}_"
CALL = "from autograder.integrations.capstone_notebook import part\n\npart({name!r})"
UNGRADED = "autograder_ungraded"
TITLE = """## Points

Hand in `digits.keras` and `digits.py` beside this notebook. Each cell shows one part of the rubric,
on digits for practice, which your model may have learnt: others count."""
NO_EXAM = 'course.toml names no exam for the capstone ([capstone] exam = "exam.npz")'


def assignment(lesson: Path, source: Path, settings: Course, graded: Any) -> str:
    """Write the assignment into the course's source; `graded` marks the cells of the stubs."""
    folder = source / NAME
    folder.mkdir(parents=True)
    module = lessons.stub_module(lesson)
    shutil.copyfile(module, folder / module.name)
    lessons.copy_pictures(lesson, folder)
    notebook = graded(lessons.notebook(lesson), ())
    share = settings.points.get(NAME, POINTS) / POINTS
    notebook.cells.append(new_markdown_cell(TITLE, id="points"))
    for part, points in rubric.POINTS.items():
        name = PREFIX + part.replace(" ", "_")
        cell = new_code_cell(CALL.format(name=part), id=name.replace("_", "-"))
        cell.metadata.nbgrader = NotebookNode(
            schema_version=3,
            grade_id=name,
            grade=True,
            solution=False,
            task=False,
            locked=True,
            cell_type="code",
            points=points * share,
        )
        notebook.cells.append(cell)
    nbformat.write(notebook, folder / f"{NAME}.ipynb")
    return NAME


def part_of(grade_id: str) -> str | None:
    """The part of the rubric that a grade cell gives the points of."""
    part = grade_id.removeprefix(PREFIX).replace("_", " ")
    return part if grade_id.startswith(PREFIX) and part in rubric.POINTS else None


def judge(cells: Mapping[str, NotebookNode], folder: Path, settings: Course, required: str) -> str:
    """Give each grade cell its points; returns why none could be given, or nothing.

    GraderFault, if the grader itself failed.
    """
    try:
        if not settings.exam:
            raise NotAnExam(NO_EXAM)
        examiner = _examiner(settings.exam, settings.limits, required)
    except (NotAnExam, NotIsolated) as error:
        for cell in cells.values():
            cell.metadata[UNGRADED] = True
            text = "<p>Not graded yet: a person gives these points.</p>"
            cell.outputs = [new_output("display_data", data={"text/html": text})]
        return f"the capstone is left to a person: {error}"
    result, notes = examiner.result(folder)
    laws = {law.name: law for law in result.laws}
    for law in result.laws:
        if law.status == "grader_fault":
            _examiner.cache_clear()
            raise GraderFault(f"the grader itself failed: {law.message}")
    for name, cell in cells.items():
        law = laws[part_of(name) or ""]
        cell.outputs = [_scored(law, float(cell.metadata.nbgrader.points), notes)]
        notes = ()
    return ""


@cache
def _examiner(exam: str, limits: Limits, required: str) -> Capstone:
    """One examiner for all submissions of a run."""
    return Capstone(exam_of(exam), limits, required)


def _scored(law: LawResult, most: float, notes: tuple[str, ...]) -> NotebookNode:
    """The output that nbgrader takes the points from: a plain float from 0 to the cell's points."""
    share = law.score / law.max_score
    score = min(max(float(share * most), 0.0), most)
    html = part_html(law, share * most, most, notes)
    return new_output("execute_result", data={"text/plain": repr(score), "text/html": html})


class SaveGrades(SaveAutoGrades):  # type: ignore[misc]
    """As nbgrader saves them; what was not judged has no points yet, and waits for a person."""

    def _add_score(self, cell: NotebookNode, resources: dict[str, Any]) -> None:
        super()._add_score(cell, resources)
        if cell.metadata.pop(UNGRADED, False):
            about = resources["nbgrader"]
            place = about["notebook"], about["assignment"], about["student"]
            grade = self.gradebook.find_grade(cell.metadata.nbgrader.grade_id, *place)
            grade.auto_score = None
            grade.needs_manual_grade = True
            self.gradebook.db.commit()
