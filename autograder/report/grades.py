"""grades.csv: the points of a class, for spreadsheets and gradebooks.

A cell that a spreadsheet would compute gets an apostrophe before it: names are students' own.
https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from autograder.report.html import Summary
from autograder.report.text import visible

FILE = "grades.csv"
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")
# Excel takes a file for UTF-8 when it begins with this.
MARK = "\ufeff"
COLUMNS = ("submission", "status", "score", "max_score", "passed", "attempted", "warnings")


def document(summaries: Iterable[Summary]) -> str:
    """A line a submission, by name; a column an exercise, empty where it was not judged."""
    everybody = sorted(summaries, key=lambda summary: summary.name)
    names = list(dict.fromkeys(mark.name for s in everybody for mark in s.marks))
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\r\n")
    table.writerow([*COLUMNS, *names])
    for summary in everybody:
        scores = {mark.name: exact(mark.score) for mark in summary.marks}
        table.writerow(
            [
                safe(summary.name),
                summary.status,
                exact(summary.score),
                exact(summary.max_score),
                sum(mark.passed for mark in summary.marks),
                sum(mark.attempted for mark in summary.marks),
                summary.warnings,
                *(scores.get(name, "") for name in names),
            ]
        )
    return MARK + stream.getvalue()


def safe(text: str) -> str:
    """The text on one line, never a formula."""
    text = visible(text).replace("\n", "\\n").replace("\t", "\\t")
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def exact(score: float) -> str:
    """Points as they are added up, not rounded to what is shown."""
    return str(int(score)) if score.is_integer() else repr(score)
