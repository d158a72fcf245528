"""The pages and the table in a folder of results: made while grading, or anew from results.json."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autograder.report import grades
from autograder.report.html import class_page
from autograder.report.student import student_page
from autograder.report.summary import STUDENT_PAGE, Summary, summary
from autograder.verdict import Verdict
from autograder.writing import write


def write_student(folder: Path, verdict: Verdict) -> Summary:
    """Write one student's page; what the class page needs of the verdict is returned."""
    write(folder / verdict.submission / STUDENT_PAGE, student_page(verdict))
    return summary(verdict)


def write_class(folder: Path, summaries: Iterable[Summary]) -> None:
    """Write the page of the class and the table of its points."""
    everybody = list(summaries)
    write(folder / grades.FILE, grades.document(everybody))
    write(folder / "index.html", class_page(everybody))
