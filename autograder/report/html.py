"""One self-contained page for a graded class: no network, no file beside it, no script needed.

The templates lie in `templates/`; those whose names begin with an underscore are parts. What comes
from student code is cut and passed through `visible` here, and Jinja2 escapes it. A policy in the
page lets the browser run the page's own script and style and nothing else.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, median
from typing import Any
from urllib.parse import quote

import jinja2
import numpy as np
from markupsafe import Markup

from autograder import __version__
from autograder.compare import kind_of
from autograder.outline import numbers_in
from autograder.report.terminal import MARKS, WORDS, WRONG, findings
from autograder.report.text import cell, points, value, visible
from autograder.tolerance import arrays_of
from autograder.verdict import Counterexample, ExerciseResult, LawResult, Verdict

# What a page can take: text beyond these lengths is cut.
MAX_NAME = 100
MAX_MESSAGE = 500
MAX_VALUE = 200
MAX_ARGUMENTS = 8
MAX_WARNINGS = 10
MAX_PRINTED_LINES = 5
MAX_PRINTED = 400
# A cut snippet cannot be pasted, so a longer one is left out.
MAX_SNIPPET = 1500
MAX_CELLS = 100
# Findings in a page, shared out among the submissions; exercises beyond that list their laws only.
MAX_FINDINGS = 4000
MAX_MISTAKES = 12
MAX_FAULTS = 10

BINS = 10
# The histogram's drawing: its width and height, and the room for what is written above and below.
CHART_WIDTH, CHART_HEIGHT, CHART_TOP, CHART_BOTTOM = 400, 150, 18, 22


def class_page(given: Iterable[Verdict], count: int | None = None) -> str:
    """The page of a class, in the order of the verdicts; the same verdicts give the same bytes.

    Where their count is told, each verdict is asked for once, and no longer held than it is needed.
    """
    if count is None:
        given = list(given)
        count = len(given)
    room = MAX_FINDINGS // max(count, 1) + 1
    shared: dict[Any, Any] = {}
    verdicts: list[Verdict] = []
    submissions: list[Submission] = []
    for number, verdict in enumerate(given, 1):
        submissions.append(_submission(number, verdict, room, shared))
        verdicts.append(_brief(verdict, shared))
    return (
        environment()
        .get_template("class.html")
        .render(
            title="Graded class",
            kit=__version__,
            seeds=", ".join(sorted({_text(v.seed, MAX_NAME) for v in verdicts})),
            levels=", ".join(sorted({_level(v) for v in verdicts})),
            weak=any(_level(v) == "weak" for v in verdicts),
            faults=_faults(verdicts),
            max_faults=MAX_FAULTS,
            submissions=submissions,
            scores=_scores(verdicts),
            mistakes=_mistakes(verdicts),
            max_mistakes=MAX_MISTAKES,
            topics=_topics(verdicts),
        )
    )


@cache
def environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader("autograder.report")
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (loader.get_source(environment, name)[0] for name in ("page.css", "page.js"))
    environment.globals.update(
        style=Markup(style),
        style_hash=_hash(style),
        script=Markup(script),
        script_hash=_hash(script),
    )
    return environment


def _hash(source: str) -> str:
    digest = hashlib.sha256(source.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


# --- text


def _text(text: str, limit: int) -> str:
    """Student text: harmless, and no longer than the page can take."""
    # Cut first, since spelling out is slow and student text may be long.
    return _cut(visible(text[: limit + 1]), limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 2]} …"


def _value(item: Any) -> str:
    """An argument or a result in a line; a large array by its kind alone."""
    if isinstance(item, np.ndarray) and numbers_in(item) > MAX_CELLS:
        return f"{kind_of(item)} ({item.dtype})"
    return _text(value(item), MAX_VALUE)


def _level(verdict: Verdict) -> str:
    return _text(str(verdict.isolation.get("level", "unknown")), MAX_NAME)


def _count(number: int, noun: str) -> str:
    """1 warning, 2 warnings."""
    return f"{number} {noun}" + "s" * (number != 1)


def _share(score: float, max_score: float) -> float:
    """Per cent, for the length of a bar."""
    return round(100 * score / max_score, 1) if max_score else 0.0


# --- the class as a whole


@dataclass(frozen=True)
class Bin:
    """A bar of the histogram: submissions from `low` up to `high` per cent."""

    low: int
    high: int
    count: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Scores:
    bins: tuple[Bin, ...]
    summary: str
    width: int = CHART_WIDTH
    height: int = CHART_HEIGHT
    base: int = CHART_HEIGHT - CHART_BOTTOM


def _scores(verdicts: Sequence[Verdict]) -> Scores:
    shares = [_share(v.score, v.max_score) for v in verdicts]
    counts = [0] * BINS
    for share in shares:
        counts[min(int(share * BINS / 100), BINS - 1)] += 1
    step, room = CHART_WIDTH / BINS, CHART_HEIGHT - CHART_TOP - CHART_BOTTOM
    bins = []
    for i, count in enumerate(counts):
        height = round(room * count / max(*counts, 1), 1)
        y = round(CHART_TOP + room - height, 1)
        low, high = i * 100 // BINS, (i + 1) * 100 // BINS
        bins.append(Bin(low, high, count, i * step + 2, y, step - 4, height))
    return Scores(tuple(bins), _summary(verdicts))


def _summary(verdicts: Sequence[Verdict]) -> str:
    """Mean and median, in points where all can reach the same number of them."""
    if not verdicts:
        return ""
    highest = {v.max_score for v in verdicts}
    if len(highest) == 1:
        numbers, of = [v.score for v in verdicts], f" of {points(highest.pop())} points"
    else:
        numbers, of = [_share(v.score, v.max_score) for v in verdicts], " per cent of the points"
    full = sum(v.passed for v in verdicts)
    return (
        f"Mean {points(round(fmean(numbers), 2))}, median {points(round(median(numbers), 2))}{of}. "
        f"{_count(full, 'submission')} with every law passed."
    )


def _faults(verdicts: Sequence[Verdict]) -> list[str]:
    """What the grader itself failed at; a fault that meets every law of an exercise comes once."""
    faults = [f"{v.submission}: {fault}" for v in verdicts for fault in v.grader_faults]
    return [_text(fault, MAX_MESSAGE) for fault in dict.fromkeys(faults)]


@dataclass(frozen=True)
class Mistake:
    """A misconception of one function, and the numbers and names of those who have it."""

    exercise: str
    says: str
    who: tuple[tuple[int, str], ...]


def _mistakes(verdicts: Sequence[Verdict]) -> list[Mistake]:
    """The misconceptions that were named, the most common first."""
    says: dict[tuple[str, str], str] = {}
    who: dict[tuple[str, str], dict[int, str]] = {}
    for number, verdict in enumerate(verdicts, 1):
        for exercise in verdict.exercises:
            for law in exercise.laws:
                if law.misconception:
                    key = exercise.name, law.misconception
                    says.setdefault(key, _idea(law))
                    # Several laws may show the same mistake: a submission counts once.
                    who.setdefault(key, {})[number] = _text(verdict.submission, MAX_NAME)
    found = [
        Mistake(exercise, says[exercise, name], tuple(people.items()))
        for (exercise, name), people in who.items()
    ]
    return sorted(found, key=lambda m: (-len(m.who), m.exercise, m.says))


def _idea(law: LawResult) -> str:
    """A misconception's first sentence, without the words that begin them all."""
    first = law.advice.partition("\n")[0].removeprefix("This is what you get when ")
    first = first or law.misconception.replace("_", " ")
    return _text(first[:1].upper() + first[1:], MAX_MESSAGE)


@dataclass(frozen=True)
class Average:
    """One exercise over the class."""

    name: str
    mean: str
    max_score: str
    share: float
    passed: int
    attempted: int


def _topics(verdicts: Sequence[Verdict]) -> dict[str, list[Average]]:
    """Every topic's exercises, in the order of the catalogue."""
    results: dict[tuple[str, str], list[ExerciseResult]] = {}
    for verdict in verdicts:
        for exercise in verdict.exercises:
            results.setdefault((exercise.topic, exercise.name), []).append(exercise)
    topics: dict[str, list[Average]] = {}
    for (topic, name), class_results in results.items():
        mean = fmean(exercise.score for exercise in class_results)
        highest = max(exercise.max_score for exercise in class_results)
        average = Average(
            name,
            points(round(mean, 2)),
            points(highest),
            _share(mean, highest),
            sum(exercise.passed for exercise in class_results),
            sum(exercise.attempted for exercise in class_results),
        )
        topics.setdefault(topic, []).append(average)
    return topics


# --- one submission


@dataclass(frozen=True)
class ShownLaw:
    mark: str
    tone: str
    status: str
    name: str
    says: str
    points: str


@dataclass(frozen=True)
class Finding:
    """What is wrong in one exercise, told once for all the laws that show it in the same way.

    elsewhere   the snippet is left out here; it is in results.json
    """

    laws: str
    message: str
    detail: str
    arguments: tuple[tuple[str, str], ...]
    yours: str
    expected: str
    printed: str
    advice: str
    snippet: str
    elsewhere: bool


@dataclass(frozen=True)
class ShownExercise:
    name: str
    score: str
    max_score: str
    passed: bool
    laws: tuple[ShownLaw, ...]
    findings: tuple[Finding, ...]
    brief: bool


@dataclass(frozen=True)
class Submission:
    number: int
    name: str
    points: float
    score: str
    max_score: str
    share: float
    passed: int
    total: int
    note: str
    warning_count: int
    warnings: tuple[str, ...]
    exercises: tuple[ShownExercise, ...]
    untried: tuple[str, ...]
    results: str


def _brief(verdict: Verdict, shared: dict[Any, Any]) -> Verdict:
    """The verdict without what only its own findings show; what many have is there once."""
    exercises = []
    for exercise in verdict.exercises:
        laws = tuple(dataclasses.replace(law, counterexample=None) for law in exercise.laws)
        brief = dataclasses.replace(exercise, laws=laws)
        exercises.append(shared.setdefault(brief, brief))
    return dataclasses.replace(verdict, exercises=tuple(exercises))


def _submission(number: int, verdict: Verdict, room: int, shared: dict[Any, Any]) -> Submission:
    """One submission; once `room` findings are told, the exercises that follow are told briefly."""
    attempted = [exercise for exercise in verdict.exercises if exercise.attempted]
    exercises = []
    for exercise in attempted:
        shown = _exercise(exercise, brief=exercise.passed or room <= 0)
        room -= len(shown.findings)
        exercises.append(shared.setdefault(shown, shown))
    passed = sum(exercise.passed for exercise in verdict.exercises)
    note = f"{passed} of {_count(len(attempted), 'attempted function')} passed"
    if verdict.warnings:
        note += f", {_count(len(verdict.warnings), 'warning')}"
    return Submission(
        number,
        _text(verdict.submission, MAX_NAME),
        verdict.score,
        points(verdict.score),
        points(verdict.max_score),
        _share(verdict.score, verdict.max_score),
        passed,
        len(verdict.exercises),
        note,
        len(verdict.warnings),
        tuple(_text(warning, MAX_MESSAGE) for warning in verdict.warnings[:MAX_WARNINGS]),
        tuple(exercises),
        tuple(exercise.name for exercise in verdict.exercises if not exercise.attempted),
        f"{quote(verdict.submission, safe='', errors='replace')}/results.json",
    )


def _exercise(exercise: ExerciseResult, brief: bool) -> ShownExercise:
    return ShownExercise(
        exercise.name,
        points(exercise.score),
        points(exercise.max_score),
        exercise.passed,
        tuple(_law(law) for law in exercise.laws),
        () if brief else tuple(_findings(exercise)),
        brief,
    )


def _law(law: LawResult) -> ShownLaw:
    mark, _ = MARKS.get(law.status, WRONG)
    tone = {"pass": "good", "not_attempted": "open", "not_run": "open"}.get(law.status, "bad")
    status = law.status.replace("_", " ")
    scored = f"{points(law.score)} of {points(law.max_score)}"
    return ShownLaw(mark, tone, status, law.name, _text(law.says, MAX_MESSAGE), scored)


def _findings(exercise: ExerciseResult) -> list[Finding]:
    """The findings of an exercise; laws that fail in the same way share one."""
    groups: dict[tuple[str, ...], list[LawResult]] = {}
    for law in findings(exercise):
        groups.setdefault(_likeness(law), []).append(law)
    found: list[Finding] = []
    advised = set()
    for laws in groups.values():
        # Advice that was given for an earlier finding is not given again.
        advice = "" if laws[0].misconception in advised else laws[0].advice
        advised.add(laws[0].misconception)
        found.append(_finding(laws, advice))
    return found


def _likeness(law: LawResult) -> tuple[str, ...]:
    """What makes two findings one: of an exception or a crash, the input is of little interest."""
    if law.status != "fail" or law.counterexample is None:
        return law.status, law.message
    return law.status, law.message, law.misconception, law.counterexample.snippet


def _finding(laws: Sequence[LawResult], advice: str) -> Finding:
    law = laws[0]
    message, _, detail = _text(law.message, MAX_MESSAGE).partition("\n")
    if law.status in WORDS:
        message = f"{WORDS[law.status].capitalize()}: {message}"
    example = law.counterexample
    yours, expected = _compared(example)
    return Finding(
        ", ".join(law.name for law in laws),
        message,
        detail,
        _arguments(example),
        yours,
        expected,
        _printed(example),
        _text(advice, MAX_MESSAGE),
        visible(example.snippet) if example and len(example.snippet) <= MAX_SNIPPET else "",
        example is not None and len(example.snippet) > MAX_SNIPPET,
    )


def _arguments(example: Counterexample | None) -> tuple[tuple[str, str], ...]:
    if example is None:
        return ()
    given = [row for name, v in example.arguments.items() for row in _entries(name, v)]
    rest = len(given) - MAX_ARGUMENTS
    return (*given[:MAX_ARGUMENTS], *([("…", f"{rest} more")] if rest > 0 else []))


def _entries(name: str, item: Any) -> list[tuple[str, str]]:
    """An argument; of a dictionary or list of arrays each entry."""
    if isinstance(item, dict | list) and arrays_of(item):
        entries = item.items() if isinstance(item, dict) else enumerate(item)
        return [row for key, entry in entries for row in _entries(f"{name}[{key!r}]", entry)]
    return [(_text(name, MAX_NAME), _value(item))]


def _compared(example: Counterexample | None) -> tuple[str, str]:
    """Both values in the cell that is shown, or both results where the whole of them differs."""
    if example is None or (
        not example.where and (example.yours is None or example.expected is None)
    ):
        return "", ""
    if not example.where:
        return _value(example.yours), _value(example.expected)
    yours, expected = (cell(part, example.index) for part in (example.yours, example.expected))
    working = f" = {example.working}" if example.working else ""
    return (
        _text(f"{example.where} = {yours}", MAX_VALUE),
        _text(f"{example.where} = {expected}{working}", MAX_VALUE),
    )


def _printed(example: Counterexample | None) -> str:
    if example is None:
        return ""
    # `split`, not `splitlines`: a form feed or a next-line sign is for `visible` to spell out.
    lines = example.printed[: MAX_PRINTED + 1].split("\n")
    return _text("\n".join(lines[:MAX_PRINTED_LINES]), MAX_PRINTED).rstrip()
