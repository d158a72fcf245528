"""The capstone's result in a terminal: for each part its points, its finding, what brings more."""

from __future__ import annotations

import textwrap

from rich.console import Console
from rich.text import Text

from autograder.report.terminal import IN_PART, MARKS, WIDTH, WORDS, WRONG, isolation
from autograder.report.text import points
from autograder.verdict import LawResult, Verdict

_INDENT = " " * 5


def show_capstone(console: Console, verdict: Verdict) -> None:
    """All parts of one hand-in."""
    (exercise,) = verdict.exercises
    total = f"{points(verdict.score)} of {points(verdict.max_score)} points"
    name = verdict.submission
    gap = max(2, WIDTH - len(name) - len(total))
    console.print(Text(name + " " * gap + total, "bold green" if verdict.passed else "bold"))
    for warning in verdict.warnings:
        console.print(Text(f"Note: {warning}", "yellow"))
    for law in exercise.laws:
        console.print()
        console.print(_headline(law))
        words = f"{WORDS[law.status]}: {law.message}" if law.status in WORDS else law.message
        for line in wrapped(words):
            console.print(Text(line))
        for line in wrapped(law.advice):
            console.print(Text(line, "dim"))
    console.print()
    console.print(Text(isolation(str(verdict.isolation["level"])), "dim"))


def _headline(law: LawResult) -> Text:
    mark, style = IN_PART if law.in_part else MARKS.get(law.status, WRONG)
    score = f"{points(law.score):>5} of {points(law.max_score):<3}"
    start = f"  {mark}  {law.name:<12}{score}  "
    return Text(start, style) + Text(textwrap.shorten(law.says, WIDTH - len(start)), "dim")


def wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
