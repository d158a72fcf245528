"""A verdict as Markdown: a job's summary, a comment.

What students wrote stands in fenced blocks only: no markup of theirs is rendered, nobody is
mentioned, no link leads anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from autograder.report.plain import CAPSTONE, command_for, finding_text, lacking
from autograder.report.terminal import Depth, findings, isolation
from autograder.report.text import points, visible
from autograder.verdict import ExerciseResult, Verdict

# GitHub refuses a summary of more than 1 MiB, and a comment of more than 65,536 characters.
MOST_CHARACTERS = 60_000


def document(verdict: Verdict, most: int = MOST_CHARACTERS) -> str:
    """Score, a table, and the first finding of each function while there is room."""
    parts = [*_head(verdict)]
    length = sum(map(len, parts))
    left = 0
    for exercise in verdict.exercises:
        if not findings(exercise):
            continue
        text = _finding(exercise)
        if left or length + len(text) > most:
            left += 1
            continue
        parts.append(text)
        length += len(text)
    if left:
        what = "function has" if left == 1 else "functions have"
        parts.append(f"{left} more {what} findings: see `results.json`.\n")
    return "\n".join(parts)


def _head(verdict: Verdict) -> Iterator[str]:
    yield f"# {points(verdict.score)} of {points(verdict.max_score)} points\n"
    if verdict.warnings:
        yield "Notes\n"
        yield fenced("\n".join(verdict.warnings))
    lines = ["| | Function | Points | Fails |", "|---|---|---|---|"]
    for exercise in verdict.exercises:
        mark = "✓" if exercise.passed else "✗" if exercise.attempted else "·"
        failing = ", ".join(map(lacking, findings(exercise)))
        note = failing if exercise.attempted else "not attempted"
        total = f"{points(exercise.score)} of {points(exercise.max_score)}"
        lines.append(f"| {mark} | `{exercise.name}` | {total} | {note} |")
    yield "\n".join(lines) + "\n"
    yield isolation(verdict.isolation["level"]) + "\n"


def _finding(exercise: ExerciseResult) -> str:
    law, *rest = findings(exercise)
    text = f"## {exercise.name}\n\n"
    if exercise.topic == CAPSTONE:
        # Nothing to work out on paper: every part says what would bring more.
        told = "\n\n".join(
            f"{lacking(one)}\n{finding_text(one, Depth.HINT)}" for one in (law, *rest)
        )
        return f"{text}{fenced(told)}\nWith digits for practice: `{command_for(exercise)}`\n"
    text += f"{law.name}: {law.says}\n\n{fenced(finding_text(law, Depth.HINT))}"
    if rest:
        text += f"\n{len(rest)} more law{'s fail' if len(rest) > 1 else ' fails'}.\n"
    return text + f"\nWork this one out on paper, then: `{command_for(exercise)}`\n"


def fenced(text: str) -> str:
    """A block that its text cannot end."""
    text = visible(text)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}\n"
