"""`nbgrader export` as a CSV file that spreadsheets and programs read alike."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExportPlugin

from autograder.report.spreadsheet import table
from autograder.writing import write

# nbgrader's own columns, in its order, then ours.
COLUMNS = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
    "functions_passed",
    "needs_manual_grade",
)


class GradesCsv(ExportPlugin):  # type: ignore[misc]
    """A row for each student and assignment.

    nbgrader's own exporter does not quote, so that a comma in a name moves the grades. As there, a
    student without a submission has the score 0, also before the due date. `functions_passed`
    counts the cells that were graded by program and have all their points; it and
    `needs_manual_grade`, which is 1 or 0, are empty without a submission. A text that a spreadsheet
    would take for a formula has an apostrophe before it. The file is UTF-8, and is written whole or
    not at all.
    """

    def export(self, gradebook: Gradebook) -> None:
        """Write the file that `--to` names, or grades.csv."""
        file = Path(self.to or "grades.csv")
        rows = [[row[column] for column in COLUMNS] for row in self._rows(gradebook)]
        write(file, table(COLUMNS, rows))
        self.log.info("Wrote %d rows to %s", len(rows), file)

    def _rows(self, gradebook: Gradebook) -> Iterator[dict[str, Any]]:
        students = _chosen(gradebook.students, "id", self.student)
        assignments = _chosen(gradebook.assignments, "name", self.assignment)
        self._tell_unknown("student", self.student, [one.id for one in gradebook.students])
        self._tell_unknown("assignment", self.assignment, [one.name for one in assignments])
        for assignment in assignments:
            for student in students:
                yield {
                    "assignment": assignment.name,
                    "duedate": assignment.duedate,
                    "student_id": student.id,
                    "last_name": student.last_name,
                    "first_name": student.first_name,
                    "email": student.email,
                    "max_score": assignment.max_score,
                    **_grades(gradebook, assignment.name, student.id),
                }

    def _tell_unknown(self, kind: str, wanted: list[Any], known: list[str]) -> None:
        for name in wanted:
            if str(name) not in known:
                self.log.warning("The gradebook has no %s %s", kind, name)


def _chosen(everything: list[Any], name: str, wanted: list[Any]) -> list[Any]:
    """Those that were asked for, or all."""
    names = {str(one) for one in wanted}
    return [one for one in everything if not names or getattr(one, name) in names]


def _grades(gradebook: Gradebook, assignment: str, student: str) -> dict[str, Any]:
    """What one submission adds to a row."""
    try:
        submission = gradebook.find_submission(assignment, student)
    except MissingEntry:
        nothing = dict.fromkeys(("timestamp", "functions_passed", "needs_manual_grade"))
        return {**nothing, "raw_score": 0.0, "late_submission_penalty": 0.0, "score": 0.0}
    raw, penalty = _number(submission.score), _number(submission.late_submission_penalty)
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    return {
        "timestamp": submission.timestamp,
        "raw_score": raw,
        "late_submission_penalty": penalty,
        "score": max(0.0, raw - penalty),
        "functions_passed": sum(map(_passed, grades)),
        "needs_manual_grade": bool(submission.needs_manual_grade),
    }


def _passed(grade: Any) -> bool:
    if grade.auto_score is None or not grade.max_score:
        return False
    score = grade.auto_score if grade.manual_score is None else grade.manual_score
    return bool(score >= grade.max_score)


def _number(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else 0.0
