"""Findings as plain text, for formats that keep text."""

from __future__ import annotations

from autograder.report.terminal import Depth, finding
from autograder.report.text import points
from autograder.verdict import ExerciseResult, LawResult

CAPSTONE = "capstone"  # the one exercise that is no function


def finding_text(law: LawResult, depth: Depth = Depth.SYMPTOM) -> str:
    """What the terminal says of a failing law, without colours and margin."""
    lines = [line.plain.removeprefix("  ").rstrip() for line in finding(law, depth)]
    return "\n".join(lines).strip("\n")


def message(law: LawResult) -> str:
    """One sentence on a law that did not pass."""
    if law.status == "not_attempted":
        return "not attempted"
    if law.status == "not_run":
        return law.message or "not judged: another law comes first"
    return finding_text(law).partition("\n")[0] or law.says


def lacking(law: LawResult) -> str:
    """A failing law's name, with its points where it has some."""
    some = f" ({points(law.score)} of {points(law.max_score)})"
    return law.name + some if law.in_part else law.name


def file_of(exercise: ExerciseResult) -> str:
    """Where a student writes it."""
    inside = "capstone/digits.py" if exercise.topic == CAPSTONE else f"{exercise.topic}.py"
    return f"exercises/{inside}"


def command_for(exercise: ExerciseResult) -> str:
    """What a student runs to see the same again."""
    if exercise.topic == CAPSTONE:
        return "pytest exercises/capstone"
    return f"autograder check {exercise.name}"
