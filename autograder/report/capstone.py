"""The capstone's result in a terminal: for each part its points, its finding, what brings more.

Of one part alone also as text and as HTML.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from autograder.capstone.exam import Exam
from autograder.capstone.grading import Measured
from autograder.capstone.pictures import Digit, pool_of
from autograder.capstone.rubric import percent
from autograder.report.pictures import blocks
from autograder.report.terminal import IN_PART, MARKS, WIDTH, WORDS, WRONG, isolation
from autograder.report.text import for_log, points
from autograder.verdict import LawResult, Verdict

PRACTICE = "Practice: these digits are public, so it counts for nothing."
UNTRIED = "not attempted yet: hand in digits.keras, the model that digits.py makes"
_INDENT = " " * 5
_SHOWN = 2  # digits


def show_capstone(console: Console, verdict: Verdict, wrong: Sequence[Digit] = ()) -> None:
    """All parts of one hand-in; with the accuracy, some digits that were read wrongly."""
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
        for line in wrapped(said(law)):
            console.print(Text(line))
        for line in wrapped(law.advice):
            console.print(Text(line, "dim"))
        if law.name == "accuracy":
            for line in _drawn(wrong):
                console.print(Text(line))
    console.print()
    console.print(Text(isolation(str(verdict.isolation["level"])), "dim"))


def _headline(law: LawResult) -> Text:
    mark, style = IN_PART if law.in_part else MARKS.get(law.status, WRONG)
    score = f"{points(law.score):>5} of {points(law.max_score):<3}"
    start = f"  {mark}  {law.name:<12}{score}  "
    return Text(start, style) + Text(textwrap.shorten(law.says, WIDTH - len(start)), "dim")


def wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)


def wrong_digits(exam: Exam, measured: Measured) -> list[Digit]:
    """The first digits that were read wrongly, as many as a terminal shows."""
    pool = pool_of(exam)
    wrong = (measured.chosen[:pool] != exam.labels[:pool]).nonzero()[0][:_SHOWN]
    return [
        Digit(exam.images[i], int(exam.labels[i]), int(measured.chosen[i]) if known else None)
        for i, known in zip(wrong, measured.chosen[wrong] >= 0, strict=True)
    ]


def _drawn(digits: Sequence[Digit]) -> list[str]:
    """Digits side by side, in half blocks."""
    if not digits:
        return []
    titles = [
        f"a {digit.label}, read as {'nothing' if digit.answer is None else digit.answer}"
        for digit in digits
    ]
    lines = [*zip(*(blocks(digit.image) for digit in digits), strict=True)]
    while lines and not "".join(lines[0]).strip():
        lines.pop(0)
    while lines and not "".join(lines[-1]).strip():
        lines.pop()
    rows = [titles, *lines]
    return ["", *((_INDENT + "".join(f"{part:<30}" for part in row)).rstrip() for row in rows)]


def capstone_line(document: Mapping[str, Any], kept: bool = False) -> Text:
    """One hand-in of a class: its points, and its accuracy, or why there is none."""
    total = f"{points(document['score']):>6} of {points(document['max_score'])}"
    start = f"{short(document['submission'], 30):<30} {total}  "
    measured = document.get("measured")
    if measured:
        told = f"{percent(measured['right'] / max(measured['digits'], 1))} right"
        told += ", which does not count" if measured["void"] else ""
    else:
        laws = [law for exercise in document["exercises"] for law in exercise["laws"]]
        told = next((law.get("message", "") for law in laws if law["status"] != "not_run"), "")
    told = for_log(told) + (" (kept)" if kept else "")
    full = document["score"] >= document["max_score"]
    note = textwrap.shorten(told, WIDTH - len(start), placeholder=" …")
    return Text(start, "green" if full else "") + Text(note, "dim")


def short(name: str, room: int) -> str:
    """A name that is a student's, harmless and in one line."""
    shown = for_log(name).replace("\n", " ").expandtabs(1)
    return shown if len(shown) <= room else f"{shown[: room - 1]}…"


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
