"""The capstone's result in a terminal: for each part its points, its finding, what brings more."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from autograder.capstone.exam import Exam
from autograder.capstone.grading import Measured
from autograder.capstone.rubric import percent
from autograder.report.pictures import blocks
from autograder.report.terminal import MARKS, WIDTH, WORDS, WRONG, isolation
from autograder.report.text import for_log, points
from autograder.verdict import LawResult, Verdict

PRACTICE = "Practice: the kit's own digits, which everybody has. It counts for nothing."
_INDENT = " " * 5
_SHOWN = 2  # digits


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
        for line in _wrapped(words):
            console.print(Text(line))
        for line in _wrapped(law.advice):
            console.print(Text(line, "dim"))
    console.print()
    console.print(Text(isolation(str(verdict.isolation["level"])), "dim"))


def _headline(law: LawResult) -> Text:
    mark, style = MARKS.get(law.status, WRONG)
    if law.status == "fail" and law.score:
        mark, style = "~", "yellow"
    score = f"{points(law.score):>5} of {points(law.max_score):<3}"
    start = f"  {mark}  {law.name:<12}{score}  "
    return Text(start, style) + Text(textwrap.shorten(law.says, WIDTH - len(start)), "dim")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)


def show_digits(console: Console, exam: Exam, measured: Measured) -> None:
    """Two of the digits that were read wrongly, in half blocks."""
    wrong = (measured.chosen != exam.labels).nonzero()[0][:_SHOWN]
    if not len(wrong):
        return
    console.print()
    titles = []
    for index in wrong:
        answer = int(measured.chosen[index])
        told = "nothing" if answer < 0 else str(answer)
        titles.append(f"a {exam.labels[index]}, read as {told}")
    console.print(Text(_INDENT + "".join(f"{title:<30}" for title in titles).rstrip()))
    for lines in zip(*(blocks(exam.images[index]) for index in wrong), strict=True):
        console.print(Text(_INDENT + "".join(f"{line:<30}" for line in lines).rstrip()))


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
