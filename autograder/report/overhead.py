"""What grading costs, as a page of the documentation."""

from __future__ import annotations

from typing import Any

PAGE = """# What grading costs

All CPU time of judging a submission (grader, fork server and workers, with isolation) as a multiple
of the CPU time that the submission's own functions take on the same inputs: every exercise of the
right submissions in `tests/submissions`, in turns; medians of {rounds} rounds.

    autograder bench overhead --page docs/overhead.md

| submission | style | all, s | own, s | ratio |
|---|---|---|---|---|
{rows}

Median ratio: {medians}.

{where}
"""


def page(measured: dict[str, Any]) -> str:
    """The table, with the date, the machine and the versions that it belongs to."""
    rows = [
        f"| {row['submission']} | {row['style']} | {row['total']:.3f} | {row['functions']:.3f} "
        f"| {row['ratio']:.2f} |"
        for row in measured["rows"]
    ]
    summary = measured["summary"]
    medians = [
        f"{summary[style]:.2f} for {words}"
        for style, words in (("loops", "plain loops"), ("vectorised", "vectorised code"))
        if style in summary
    ]
    return PAGE.format(
        rounds=measured["rounds"],
        rows="\n".join(rows),
        medians=", ".join(medians),
        where=where(measured, f", isolation {summary['isolation']}"),
    )


def where(measured: dict[str, Any], more: str = "") -> str:
    """The date, the machine and the versions, in a line."""
    machine = measured["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in measured["versions"].items())
    return (
        f"{measured['date']}{more}; {machine['system']}, {machine['processor']}, "
        f"{machine['cores']} cores; {versions}."
    )
