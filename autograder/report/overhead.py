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

{date}, isolation {isolation}; {machine}; {versions}.
"""


def page(measured: dict[str, Any]) -> str:
    """The table, with the date, the machine and the versions that it belongs to."""
    rows = [
        f"| {row['submission']} | {row['style']} | {row['total']:.3f} | {row['functions']:.3f} "
        f"| {row['ratio']:.2f} |"
        for row in measured["rows"]
    ]
    summary, machine = measured["summary"], measured["machine"]
    medians = [
        f"{summary[style]:.2f} for {words}"
        for style, words in (("loops", "plain loops"), ("vectorised", "vectorised code"))
        if style in summary
    ]
    return PAGE.format(
        rounds=measured["rounds"],
        rows="\n".join(rows),
        medians=", ".join(medians),
        date=measured["date"],
        isolation=summary["isolation"],
        machine=f"{machine['system']}, {machine['processor']}, {machine['cores']} cores",
        versions=", ".join(f"{name} {version}" for name, version in measured["versions"].items()),
    )
