"""What grading a class costs, as a table in Markdown."""

from __future__ import annotations

from typing import Any

from autograder.report.overhead import where

COLUMNS = (
    "submissions",
    "a minute",
    "CPU s each",
    "functions",
    "around them",
    "comparison",
    "reports",
    "start and rest",
    "largest process",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"


def table(measured: dict[str, Any]) -> str:
    """The figures for each size of class, and the machine that they are from."""
    rows = "".join(
        f"| {row['count']} | {row['submissions_per_minute']:.0f} | {row['cpu_seconds_each']:.2f} "
        f"| {row['functions']:.2f} | {row['around_them']:.2f} | {row['comparison']:.2f} "
        f"| {row['reports']:.3f} | {row['start_and_rest']:.2f} "
        f"| {row['largest_process_mib']:.0f} MiB |\n"
        for row in measured["rows"]
    )
    summary = measured["summary"]
    return (
        f"{HEAD}{rows}\nAll CPU is {summary['overhead']:.2f} times that of the functions; "
        f"{100 * summary['off_a_line']:.1f} % off a straight line at most.\n\n"
        + where(measured, f", isolation {summary['isolation']}, {measured['processes']} processes")
    )
