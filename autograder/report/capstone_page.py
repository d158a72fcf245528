"""Self-contained pages of the capstone: one of each hand-in with its pictures, one of the class.

The class's page is made of the documents in results.json, so that kept results serve as well as new
ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any
from urllib.parse import quote

from autograder import __version__
from autograder.capstone import grading
from autograder.capstone.classroom import PAGE, RESULTS
from autograder.capstone.figures import BadFigures, Figures
from autograder.capstone.pictures import AROUND, CHANGED, KEPT, Digit, Pictures
from autograder.capstone.rubric import percent, wilson
from autograder.report.html import environment, histogram, styled
from autograder.report.pictures import png
from autograder.report.terminal import MARKS, WORDS, WRONG
from autograder.report.text import points, visible
from autograder.verdict import LawResult, Verdict

MAX_NAME = 100
MAX_TEXT = 600
MAX_WARNINGS = 10
MAX_CONFUSIONS = 4
STYLE = "capstone.css"
PRACTICE = (
    "Practice: the digits of this exam come with the kit, and a model may have learnt them. These "
    "points count for nothing."
)
# A ratio of losses below this is worth a look; honest models had 0.8 to 2.3.
LOOK_BELOW = 0.78
STATES = {
    KEPT: ("✓", "unchanged"),
    AROUND: ("↷", "unchanged, but an answer can come past it"),
    CHANGED: ("✗", "changed or left out"),
}


# --- one hand-in


@dataclass(frozen=True)
class ShownPart:
    """One part of the grade."""

    id: str
    name: str
    says: str
    mark: str
    tone: str
    status: str
    score: str
    max_score: str
    share: float
    message: str
    advice: str
    told: bool


@dataclass(frozen=True)
class ShownDigit:
    image: str
    label: int
    answer: str
    sure: str


@dataclass(frozen=True)
class ShownFamily:
    says: str
    percent: str
    share: float
    example: ShownDigit | None


@dataclass(frozen=True)
class Point:
    """Digits of one surety in the diagram, with the interval of the share that is right."""

    x: float
    y: float
    low: float
    high: float
    told: str


@dataclass(frozen=True)
class Cell:
    label: int
    answer: int
    count: int
    right: bool
    strength: float


def page(verdict: Verdict, pictures: Pictures | None) -> str:
    """The page of one hand-in; without pictures where none are wanted, or nothing was measured."""
    (exercise,) = verdict.exercises
    measured = verdict.measured
    return (
        environment()
        .get_template("capstone.html")
        .render(
            **styled(STYLE),
            kit=__version__,
            name=_text(verdict.submission, MAX_NAME),
            score=points(verdict.score),
            max_score=points(verdict.max_score),
            exam=_exam(verdict.seed, measured["digits"] if measured else None),
            practice=PRACTICE if verdict.seed == "practice" else "",
            level=_text(str(verdict.isolation.get("level", "unknown")), MAX_NAME),
            warnings=[_text(warning, MAX_TEXT) for warning in verdict.warnings[:MAX_WARNINGS]],
            faults=[_text(fault, MAX_TEXT) for fault in verdict.grader_faults],
            parts=[_part(law) for law in exercise.laws],
            pictures=None if pictures is None else _drawn(pictures),
            results=RESULTS,
        )
    )


def _text(text: str, limit: int) -> str:
    shown = visible(text[: limit + 1])
    return shown if len(shown) <= limit else f"{shown[: limit - 2]} …"


def _exam(seed: str, digits: int | None) -> str:
    return seed if digits is None else f"{seed}, {digits:,} digits"


def _part(law: LawResult) -> ShownPart:
    mark, _ = MARKS.get(law.status, WRONG)
    tone = {"pass": "good", "not_run": "open", "not_attempted": "open"}.get(law.status, "bad")
    if law.status == "fail" and law.score:
        mark, tone = "~", "part"
    message = f"{WORDS[law.status]}: {law.message}" if law.status in WORDS else law.message
    return ShownPart(
        law.name.replace(" ", "-"),
        law.name,
        law.says,
        mark,
        tone,
        "in part" if tone == "part" else law.status.replace("_", " "),
        points(law.score),
        points(law.max_score),
        100 * law.score / law.max_score,
        _sentence(_text(message, MAX_TEXT)),
        _sentence(_text(law.advice, MAX_TEXT)),
        law.status != "not_run" or law.message != grading.NOT_ACCEPTED,
    )


def _sentence(text: str) -> str:
    if not text:
        return ""
    whole = text[:1].upper() + text[1:] + ("" if text.endswith((".", "…")) else ".")
    return re.sub(r"(?<=\d) (?=%)", "\u00a0", whole)


def _drawn(pictures: Pictures) -> dict[str, Any]:
    off = pictures.confusion.copy()
    for label in range(10):
        off[label, label] = 0
    most = int(off.max())
    return {
        "wrong": [_digit(digit) for digit in pictures.wrong],
        "mistakes": pictures.mistakes,
        "pool": f"{pictures.pool:,}",
        "families": [
            ShownFamily(
                family.says,
                percent(family.share),
                100 * family.share,
                _digit(family.example) if family.example else None,
            )
            for family in pictures.families
        ],
        "examples": any(family.example for family in pictures.families),
        "cells": [
            Cell(
                label,
                answer,
                int(pictures.confusion[label, answer]),
                label == answer,
                0.0 if label == answer else round(int(off[label, answer]) / max(most, 1), 3),
            )
            for label in range(10)
            for answer in range(11 if off[:, 10].any() else 10)
        ],
        "nothing": bool(off[:, 10].any()),
        "confusions": _confusions(off),
        "points": [_point(one.sure, one.right, one.count) for one in pictures.bins],
        "layers": [(name, state, *STATES[state]) for name, state in pictures.layers],
        "states": [STATES[state] for state in STATES if state in dict(pictures.layers).values()],
        "few": [(percent(share), 100 * share) for share in pictures.few or ()],
    }


def _digit(digit: Digit) -> ShownDigit:
    answer = "nothing" if digit.answer is None else str(digit.answer)
    sure = "" if digit.sure is None else percent(digit.sure)
    return ShownDigit(png(digit.image), digit.label, answer, sure)


def _confusions(off: Any) -> str:
    """The most common mistakes in words."""
    pairs = [
        (int(off[label, answer]), label, answer)
        for label in range(10)
        for answer in range(10)
        if off[label, answer]
    ]
    pairs.sort(key=lambda pair: (-pair[0], pair[1:]))
    return ", ".join(
        f"{label} for {answer} ({_times(count)})" for count, label, answer in pairs[:MAX_CONFUSIONS]
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _point(sure: float, right: int, count: int) -> Point:
    low, high = wilson(right, count)
    share = right / count
    told = f"{percent(sure)} sure, {percent(share)} of {count:,} right"
    return Point(round(sure, 4), round(share, 4), round(low, 4), round(high, 4), told)


# --- the class


@dataclass(frozen=True)
class Row:
    """One hand-in in the class's table."""

    name: str
    link: str
    points: float
    score: str
    max_score: str
    share: float
    accuracy: str
    accuracy_value: float
    robustness: str
    robustness_value: float
    few: str
    few_value: float
    ratio: str
    ratio_value: float
    look: bool
    note: str


@dataclass(frozen=True)
class Mean:
    name: str
    says: str
    mean: str
    max_score: str
    share: float
    full: int


def class_page(documents: Sequence[Mapping[str, Any]], ratios: Sequence[float | None]) -> str:
    """The page of a class, in the order of its documents."""
    rows = [_row(document, ratio) for document, ratio in zip(documents, ratios, strict=True)]
    seeds = sorted({str(document["seed"]) for document in documents})
    digits = {document["measured"]["digits"] for document in documents if document.get("measured")}
    levels = sorted({str(document["isolation"]["level"]) for document in documents})
    return (
        environment()
        .get_template("capstone_class.html")
        .render(
            **styled(STYLE),
            kit=__version__,
            rows=rows,
            exam=_exam(", ".join(seeds), digits.pop() if len(digits) == 1 else None),
            practice=PRACTICE if "practice" in seeds else "",
            levels=_text(", ".join(levels), MAX_NAME),
            weak="weak" in levels,
            faults=_faults(documents),
            scores=histogram([row.share for row in rows], _summary(documents)),
            means=_means(documents),
            ratios=any(row.ratio for row in rows),
            look_below=f"{LOOK_BELOW:g}",
        )
    )


def _laws(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [law for exercise in document["exercises"] for law in exercise["laws"]]


def _row(document: Mapping[str, Any], ratio: float | None) -> Row:
    name = str(document["submission"])
    score, most = float(document["score"]), float(document["max_score"])
    figures = figures_of(document)
    few = figures.few if figures else None
    warnings = len(document["warnings"])
    return Row(
        _text(name, MAX_NAME),
        f"{quote(name, safe='', errors='replace')}/{PAGE}",
        score,
        points(score),
        points(most),
        round(100 * score / most, 1) if most else 0.0,
        percent(figures.accuracy) + (" void" if figures.void else "") if figures else "–",
        figures.accuracy if figures else -1.0,
        percent(figures.robustness) if figures else "–",
        figures.robustness if figures else -1.0,
        "–" if few is None else percent(few),
        -1.0 if few is None else few,
        "" if ratio is None else f"{ratio:.2f}",
        -1.0 if ratio is None else ratio,
        ratio is not None and ratio < LOOK_BELOW,
        reason(document) or (f"{warnings} warning{'s' * (warnings != 1)}" if warnings else ""),
    )


def figures_of(document: Mapping[str, Any]) -> Figures | None:
    """The numbers in a result, where it has them."""
    try:
        return Figures.from_json(document["measured"]) if document.get("measured") else None
    except BadFigures:
        return None


def reason(document: Mapping[str, Any]) -> str:
    """Why nothing was measured: the sentence of the part that failed."""
    if document.get("measured"):
        return ""
    told = [law.get("message", "") for law in _laws(document) if law["status"] != "not_run"]
    return _text(str(told[0]), MAX_TEXT) if told else "nothing was measured"


def _faults(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    told = [
        f"{document['submission']}: {law.get('message', '')}"
        for document in documents
        for law in _laws(document)
        if law["status"] == "grader_fault"
    ]
    return [_text(fault, MAX_TEXT) for fault in dict.fromkeys(told)]


def _summary(documents: Sequence[Mapping[str, Any]]) -> str:
    if not documents:
        return ""
    scores = [float(document["score"]) for document in documents]
    most = points(max(float(document["max_score"]) for document in documents))
    mean, middle = points(round(fmean(scores), 2)), points(round(median(scores), 2))
    return f"Mean {mean}, median {middle} of {most} points."


def _means(documents: Sequence[Mapping[str, Any]]) -> list[Mean]:
    by_part: dict[str, list[Mapping[str, Any]]] = {}
    for document in documents:
        for law in _laws(document):
            by_part.setdefault(str(law["name"]), []).append(law)
    found = []
    for name, laws in by_part.items():
        mean = fmean(float(law["score"]) for law in laws)
        most = max(float(law["max_score"]) for law in laws)
        full = sum(law["score"] >= law["max_score"] for law in laws)
        share = round(100 * mean / most, 1) if most else 0.0
        says = _text(str(laws[0]["says"]), MAX_TEXT)
        found.append(Mean(name, says, points(round(mean, 2)), points(most), share, full))
    return found
