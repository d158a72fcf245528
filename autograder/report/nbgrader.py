"""What grading with nbgrader costs, as a page of the documentation."""

from __future__ import annotations

from typing import Any

from autograder.report.overhead import where

PAGE = """# What nbgrader costs

{students} students hand in the notebook of lesson {lesson}, with the right and wrong functions of
`tests/submissions` in turn. CPU time of all processes, start-up included. nbgrader alone runs the
notebook in a kernel, with ten cases a function compared in its test cells and without the cells
that draw pictures; the engine judges hundreds of cases a function in an isolated worker.

    autograder bench nbgrader --page docs/nbgrader_cost.md

{table}

Around the engine, nbgrader and the kit's part in it cost {beyond:.2f} CPU seconds a submission.

{where}
"""


def page(measured: dict[str, Any]) -> str:
    """The table, with the date, the machine and the versions that it belongs to."""
    return PAGE.format(
        students=measured["students"],
        lesson=measured["lesson"],
        table=table(measured),
        beyond=measured["summary"]["beyond_engine"],
        where=where(measured),
    )


def table(measured: dict[str, Any]) -> str:
    """The figures, a line for each way of grading."""
    lines = [
        "| graded by | all, CPU s | a submission, CPU s |",
        "|---|---|---|",
        *(f"| {row['way']} | {row['total']:.1f} | {row['each']:.2f} |" for row in measured["rows"]),
    ]
    return "\n".join(lines)
