"""What a case costs here and under other graders, as a table and a page in Markdown."""

from __future__ import annotations

from typing import Any

from autograder.report.overhead import where

COLUMNS = (
    "graded by",
    "cases a submission",
    "CPU s a submission",
    "CPU ms a case",
    "times ours, a case",
    "times ours, a submission",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"
PAGE = """# What a case costs here, under nbgrader and under otter-grader

{students} students hand in golden submissions, right, wrong and unfinished ones of all {functions}
functions. This kit grades them by `autograder grade --jobs 1`; nbgrader by `nbgrader autograde`, as
a notebook beside the students' modules, with a test cell for each function; otter-grader by
`otter run`, without Docker, with a test file for each function. The tests of both are asserts on
this kit's public cases, one for each case: all of them, or {few} a function, as instructors write
by hand. Only cases that a student's code answered are counted.

    autograder bench peers --students {students} --page docs/peers_cost.md

{table}

Means over the submissions; CPU time of all processes, start-up included. Case banks are drawn
before, as they are once for a class, and so are the assignments; installing is not counted.

What differs:

- A case here is all that the laws ask of one set of arguments, with changed arguments beside the
  case's own: {judgements:.0f} judgements of a law on a case for a submission. An assert compares
  one value, and only the form of it where many answers are right.
- This kit isolates (level {isolation}), and explains what failed. The peers run the code in a
  kernel, as the user who grades.
- A test of the peers ends at its first wrong case; this kit judges the others too.
- `otter run` starts anew for each submission; nbgrader and this kit start once for the class.

{where}
"""


def page(measured: dict[str, Any]) -> str:
    """The table, with what it compares, the date, the machine and the versions."""
    summary = measured["summary"]
    return PAGE.format(
        students=measured["students"],
        functions=summary["functions"],
        few=summary["few"],
        judgements=summary["judgements"],
        isolation=summary["isolation"],
        table=_rows(measured),
        where=where(measured, ", a machine shared with other work"),
    )


def table(measured: dict[str, Any]) -> str:
    """The figures, a line for each way of grading, and the machine that they are from."""
    about = f", {measured['students']} students, isolation {measured['summary']['isolation']}"
    return f"{_rows(measured)}\n\n{where(measured, about)}"


def _rows(measured: dict[str, Any]) -> str:
    return HEAD + "\n".join(
        f"| {_way(row, measured)} | {row['cases']:.0f} | {row['cpu_seconds']:.2f} "
        f"| {row['milliseconds']:.2f} | {row['by_case']:.1f} "
        f"| {row['by_submission']:.1f} |"
        for row in measured["rows"]
    )


def _way(row: dict[str, Any], measured: dict[str, Any]) -> str:
    return f"{row['way']}, {measured['summary']['few']} a function" if row["few"] else row["way"]
