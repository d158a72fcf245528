"""grades.csv: the points of a class, for spreadsheets and gradebooks."""

from __future__ import annotations

from collections.abc import Iterable

from autograder.report import spreadsheet
from autograder.report.summary import Summary

FILE = "grades.csv"
# Excel takes a file for UTF-8 when it begins with this.
MARK = "\ufeff"
COLUMNS = ("submission", "status", "score", "max_score", "passed", "attempted", "warnings")


def document(summaries: Iterable[Summary]) -> str:
    """A line a submission, by name; a column an exercise, empty where it was not judged."""
    everybody = sorted(summaries, key=lambda summary: summary.name)
    names = list(dict.fromkeys(mark.name for s in everybody for mark in s.marks))
    rows = []
    for summary in everybody:
        scores = {mark.name: mark.score for mark in summary.marks}
        rows.append(
            (
                summary.name,
                summary.status,
                summary.score,
                summary.max_score,
                sum(mark.passed for mark in summary.marks),
                sum(mark.attempted for mark in summary.marks),
                summary.warnings,
                *(scores.get(name) for name in names),
            )
        )
    return MARK + spreadsheet.table((*COLUMNS, *names), rows)
