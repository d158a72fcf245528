"""The capstone's result in a terminal: for each part its points, its finding, what brings more.

Of one part alone also as text and as HTML.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from autograder.report.terminal import IN_PART, MARKS, WIDTH, WORDS, WRONG, isolation
from autograder.report.text import points
from autograder.verdict import LawResult, Verdict

_INDENT = " " * 5
PRACTICE = "practice: these digits are public"
UNTRIED = "not attempted yet: hand in digits.keras, the model that digits.py makes"


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


def said(law: LawResult) -> str:
    """What is to be told of a part."""
    if law.status == "not_attempted":
        return UNTRIED
    return f"{WORDS[law.status]}: {law.message}" if law.status in WORDS else law.message


def part_text(law: LawResult, practice: bool = False) -> str:
    """A part's points, its finding and what brings more."""
    head = f"{law.name}: {points(law.score)} of {points(law.max_score)} points"
    lines = [head, "", *wrapped(said(law)), *wrapped(law.advice)]
    return "\n".join([*lines, "", *wrapped(PRACTICE)] if practice else lines)


def part_html(
    law: LawResult,
    score: float | None = None,
    most: float | None = None,
    notes: Sequence[str] = (),
    practice: bool = False,
) -> str:
    """The same for a notebook; `score` of `most` where a cell gives other points."""
    score = law.score if score is None else score
    most = law.max_score if most is None else most
    total = f"{points(score)} of {points(most)} points"
    told = [f"<strong>Note:</strong> {html.escape(note)}." for note in notes]
    told += [f"<strong>{html.escape(law.name)}</strong>: {total}", html.escape(said(law))]
    told += [html.escape(law.advice)] if law.advice else []
    told += [PRACTICE] if practice else []
    return "".join(f"<p>{line}</p>\n" for line in told)
