"""What `nbgrader autograde` does with a notebook: its cells are put in order, then judged.

No kernel is started and no cell is run. The functions are read from what was handed in, judged by
the engine in an isolated worker, and each grade cell is given its points and the finding.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader.api import Gradebook
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Enum, Unicode

from autograder import catalog, course
from autograder.bank import Seed
from autograder.engine import Engine
from autograder.integrations.nbgrader import capstone
from autograder.isolation.ladder import LEVELS, GraderFault, NotIsolated
from autograder.isolation.limits import Limits
from autograder.report.notebook import result_html
from autograder.spec import Exercise
from autograder.submissions import BadSubmission, Submission, read
from autograder.verdict import ExerciseResult, Verdict

if TYPE_CHECKING:
    from nbgrader.api import Notebook

Resources = dict[str, Any]
NOTES = "autograder_notes"  # in the notebook's metadata, from the first pass to the second
# What a browser could take for more than text, in Markdown that a student wrote.
# Links and images too: a browser reads an address in more ways than a pattern knows.
MARKUP = re.compile(r"<[a-z/!?]|&#?\w|\]\s*[\[(:]", re.IGNORECASE)


class RestoreCells(NbGraderPreprocessor):  # type: ignore[misc]
    """Every grade cell is there once, as it was released, whatever a student did to it.

    Takes the place of nbgrader's DeduplicateIds, OverwriteCells, OverwriteKernelspec and
    CheckCellMetadata, which stop at a renamed cell or at metadata of another form.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        about = resources["nbgrader"]
        with Gradebook(about["db_url"]) as gradebook:
            released = gradebook.find_notebook(about["notebook"], about["assignment"])
            notes = restore(nb, released)
            kernel = released.kernelspec
        nb.metadata = NotebookNode(language_info=NotebookNode(name="python"))
        if kernel:
            nb.metadata.kernelspec = NotebookNode(json.loads(kernel))
        nb.metadata[NOTES] = notes
        for note in notes:
            self.log.warning("%s, %s: %s", about["student"], about["notebook"], note)
        return nb, resources


def restore(nb: NotebookNode, released: Notebook) -> list[str]:
    """Put the released cells in order, in place; returns what was amiss, a sentence each."""
    points = {cell.name: cell.max_score for cell in released.grade_cells}
    points |= {cell.name: cell.max_score for cell in released.task_cells}
    solutions = {cell.name for cell in released.solution_cells}
    tasks = {cell.name for cell in released.task_cells}
    known = {cell.name: cell for cell in released.source_cells}
    notes: list[str] = []
    there: dict[str, NotebookNode] = {}
    cells: list[NotebookNode] = []
    for cell in nb.cells:
        name = _grade_id(cell)
        cell.metadata = NotebookNode()
        if name is None or name not in known or name in there:
            if name in there:
                notes.append(f"the cell {name} is there twice; the first one counts")
            elif name is not None:
                notes.append(f"no cell is called {name}; it is taken as an ordinary one")
            cells.append(_as_text(cell))
            continue
        source = known[name]
        text = source.source if source.locked else cell.source
        if cell.cell_type != source.cell_type or text != cell.source:
            notes.append(f"the cell {name} was changed; it is as it was released again")
        there[name] = _cell(source.cell_type, text)
        cells.append(there[name])
    # What is missing comes after the released cell before it, or at the end.
    before: NotebookNode | None = None
    for name, source in known.items():
        if name not in there and name in points:
            notes.append(f"the cell {name} was missing; it is there again")
            there[name] = _cell(source.cell_type, source.source)
            place = len(cells) if before is None else _place(cells, before) + 1
            cells.insert(place, there[name])
        before = there.get(name, before)
    for name, cell in there.items():
        cell.metadata.nbgrader = NotebookNode(
            schema_version=3,
            grade_id=name,
            grade=name in points and name not in tasks,
            solution=name in solutions,
            task=name in tasks,
            locked=known[name].locked,
            cell_type=known[name].cell_type,
            checksum=known[name].checksum,
            **({"points": points[name]} if name in points else {}),
        )
        if name in solutions or name in tasks:
            _as_text(cell)
    nb.cells = cells
    return notes


def _grade_id(cell: NotebookNode) -> str | None:
    metadata = cell.metadata.get("nbgrader")
    name = metadata.get("grade_id") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else None


def _cell(kind: str, source: str) -> NotebookNode:
    new: NotebookNode = {"code": new_code_cell, "markdown": new_markdown_cell}[kind](source)
    return new


def _place(cells: list[NotebookNode], wanted: NotebookNode) -> int:
    return next(i for i, cell in enumerate(cells) if cell is wanted)


def _as_text(cell: NotebookNode) -> NotebookNode:
    """Markup of a student's is shown, not rendered: graders open the page in their own name."""
    if cell.cell_type != "code" and MARKUP.search(cell.source):
        longest = max(map(len, re.findall("`+", cell.source)), default=0)
        fence = "`" * max(3, longest + 1)
        cell.cell_type = "markdown"
        cell.source = f"{fence}text\n{cell.source}\n{fence}"
    return cell


class Judge(NbGraderPreprocessor):  # type: ignore[misc]
    """Gives each grade cell the points of the function that it is called after."""

    seed = Unicode(
        "public",
        help="A secret text: other cases than the students have; it is shown nowhere.",
    ).tag(config=True)
    require_isolation = Enum(
        LEVELS,
        "medium",
        help="Grade only where student code can be isolated this well (see autograder doctor).",
    ).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        about = resources["nbgrader"]
        coursedir = self.parent.parent.coursedir
        folder = coursedir.format_path(
            coursedir.submitted_directory, about["student"], about["assignment"]
        )
        graded = {
            cell.metadata.nbgrader.grade_id: cell
            for cell in nb.cells
            if "nbgrader" in cell.metadata
            and cell.metadata.nbgrader.grade
            and not cell.metadata.nbgrader.solution
        }
        known = {exercise.name: exercise for exercise in catalog.exercises()}
        chosen = [
            _worth(known[name], float(cell.metadata.nbgrader.points))
            for name, cell in graded.items()
            if name in known
        ]
        settings = course.find(Path(coursedir.root))
        parts = {name: cell for name, cell in graded.items() if capstone.part_of(name)}
        if parts:
            why = capstone.judge(parts, Path(folder), settings, self.require_isolation)
            if why:
                self.log.warning("%s, %s: %s", about["student"], about["notebook"], why)
        limits = settings.limits
        submission = Submission(about["student"], {})
        if chosen or not parts:
            submission = _read(Path(folder), about["student"], limits)
        verdict = self.judged(submission, chosen, limits)
        results = {result.name: result for result in verdict.exercises}
        notes = [*nb.metadata.pop(NOTES, []), *verdict.warnings]
        for name in parts:
            graded.pop(name)
        level = verdict.isolation["level"]
        for name, cell in graded.items():
            if name in results:
                cell.outputs = [scored(cell.metadata.nbgrader.points, results[name], level, notes)]
                notes = []
            else:
                self.log.error("the cell %s is no exercise of the kit; it gets no points", name)
                text = f"{name} is no exercise of the kit: it was not run and gets no points"
                error = dict(ename="NotJudged", evalue=text, traceback=[text])
                cell.outputs = [new_output("error", **error)]
        return nb, resources

    def ready(self) -> None:
        """Make the engine now: what cannot be had is told before the first submission."""
        limits = course.find(Path(self.parent.coursedir.root)).limits
        engine(self.seed, self.require_isolation, limits)

    def judged(self, submission: Submission, chosen: Iterable[Exercise], limits: Limits) -> Verdict:
        """The verdict; a fault of ours leaves the submission ungraded, for another run."""
        try:
            verdict = engine(self.seed, self.require_isolation, limits).verdict(
                submission, list(chosen)
            )
        except BaseException:
            engine.cache_clear()
            raise
        if verdict.grader_faults:
            engine.cache_clear()
            raise GraderFault(f"the grader itself failed: {verdict.grader_faults[0]}")
        return verdict


@cache
def engine(seed: str, required: str, limits: Limits) -> Engine:
    """One engine for all submissions of a run: its server and case banks are there already."""
    made = Engine.of(Seed(seed), limits=limits, required=required)
    try:
        _ = made.server
    except NotIsolated as error:
        raise NbGraderException(
            f"isolation {required} cannot be had here: {error}; "
            "`autograder doctor` tells what is missing"
        ) from error
    return made


def _worth(exercise: Exercise, points: float) -> Exercise:
    """The exercise with the points of its cell, so that the finding tells the same ones."""
    return exercise if points in (0, exercise.points) else catalog.worth(exercise, points)


def _read(folder: Path, student: str, limits: Limits) -> Submission:
    topics = frozenset(topic.name for topic in catalog.topics())
    try:
        return read(folder, topics, limits)
    except BadSubmission as error:
        # Results must not depend on where the course lies.
        return Submission(student, {}, warnings=(str(error).replace(str(folder), student),))


def scored(most: float, result: ExerciseResult, level: str, notes: list[str]) -> NotebookNode:
    """The output that nbgrader takes the points from, with the finding as HTML.

    nbgrader gives full points for a number that is none, is negative, or is written as NumPy does;
    it stops at one that is too large. So: a plain float from 0 to the cell's points.
    """
    share = result.score / result.max_score if result.max_score else 0.0
    score = float(share * most)
    score = min(max(score, 0.0), float(most)) if math.isfinite(score) else 0.0
    told = "".join(f"<p><strong>Note:</strong> {html.escape(note)}.</p>\n" for note in notes)
    finding = result_html(result, level, hint=True, explain=True, graded=True)
    return new_output(
        "execute_result", data={"text/plain": repr(score), "text/html": told + finding}
    )
