"""The page of one submission: every finding, with a picture of the smallest input that shows it.

It depends on results.json alone, so that it can be made anew; what the code printed is not in it.
It can be handed to its student: it links to nothing beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograder import __version__
from autograder.report.html import (
    MAX_FAULTS,
    MAX_MESSAGE,
    MAX_NAME,
    ShownLaw,
    count,
    environment,
    share,
    shown_law,
    shown_steps,
)
from autograder.report.picture import Picture, picture
from autograder.report.terminal import WORDS, findings, numbers
from autograder.report.text import points, shortened, visible
from autograder.verdict import ExerciseResult, LawResult, Verdict
from autograder.working import Step

# What a page can take; exercises beyond so many findings list their laws only.
MAX_FINDINGS = 200
MAX_WARNINGS = 10
# A cut snippet cannot be pasted, so a longer one is left out.
MAX_SNIPPET = 1500


@dataclass(frozen=True)
class Finding:
    """What is wrong in one exercise, told once for all the laws that show it in the same way.

    working    the arithmetic of the expected number in one line
    idea       the misconception's name
    elsewhere  the snippet is left out here; it is in results.json
    """

    laws: str
    message: str
    detail: str
    picture: Picture | None
    where: str
    yours: str
    expected: str
    working: str
    idea: str
    advice: str
    pattern: str
    formula: tuple[str, ...]
    steps: tuple[Step, ...]
    snippet: str
    elsewhere: bool


@dataclass(frozen=True)
class ShownExercise:
    """An exercise: a line in the table, and a section where something is to be told."""

    name: str
    topic: str
    score: str
    max_score: str
    share: float
    mark: str
    tone: str
    status: str
    note: str
    laws: tuple[ShownLaw, ...]
    findings: tuple[Finding, ...]
    full: bool


def student_page(verdict: Verdict) -> str:
    """The page; the same verdict gives the same bytes."""
    room = MAX_FINDINGS
    exercises = []
    for exercise in verdict.exercises:
        shown = _exercise(exercise, full=room <= 0)
        room -= len(shown.findings)
        exercises.append(shown)
    level = str(verdict.isolation.get("level", "unknown"))
    return (
        environment()
        .get_template("student.html")
        .render(
            title=shortened(verdict.submission, MAX_NAME),
            score=points(verdict.score),
            max_score=points(verdict.max_score),
            passed=sum(exercise.passed for exercise in verdict.exercises),
            total=len(verdict.exercises),
            kit=__version__,
            seed=shortened(verdict.seed, MAX_NAME),
            level=shortened(level, MAX_NAME),
            faults=[shortened(f, MAX_MESSAGE) for f in verdict.grader_faults[:MAX_FAULTS]],
            warnings=[shortened(w, MAX_MESSAGE) for w in verdict.warnings[:MAX_WARNINGS]],
            more_warnings=len(verdict.warnings) - MAX_WARNINGS,
            tried=[shown for shown in exercises if shown.tone != "open"],
            untried=[shown.name for shown in exercises if shown.tone == "open"],
            open=[shown for shown in exercises if shown.laws],
        )
    )


def _exercise(exercise: ExerciseResult, full: bool) -> ShownExercise:
    told = findings(exercise)
    failing = sum(law.status != "grader_fault" for law in told)
    if exercise.passed:
        mark, tone, status, note = "✓", "good", "passed", ""
    elif not exercise.attempted:
        mark, tone, status, note = "·", "open", "not attempted", ""
    else:
        mark, tone, status = "✗", "bad", "not passed"
        note = f"{count(failing, 'law')} fail" + "s" * (failing == 1)
    return ShownExercise(
        exercise.name,
        exercise.topic,
        points(exercise.score),
        points(exercise.max_score),
        share(exercise.score, exercise.max_score),
        mark,
        tone,
        status,
        note,
        tuple(shown_law(law) for law in exercise.laws) if told else (),
        () if full else tuple(_findings(told)),
        full,
    )


def _findings(told: Sequence[LawResult]) -> list[Finding]:
    """The findings of an exercise; laws that fail in the same way share one."""
    groups: dict[tuple[str, ...], list[LawResult]] = {}
    for law in told:
        groups.setdefault(_likeness(law), []).append(law)
    found: list[Finding] = []
    said: set[object] = set()
    for laws in groups.values():
        found.append(_finding(laws, said))
        said |= {laws[0].misconception, laws[0].formula}
    return found


def _likeness(law: LawResult) -> tuple[str, ...]:
    """What makes two findings one: of an exception or a crash, the input is of little interest."""
    if law.status != "fail" or law.counterexample is None:
        return law.status, law.message
    return law.status, law.message, law.misconception, law.counterexample.snippet


def _finding(laws: Sequence[LawResult], said: set[object]) -> Finding:
    """What was said with an earlier finding is not said again."""
    law = laws[0]
    message, _, detail = shortened(law.message, MAX_MESSAGE).partition("\n")
    if law.status in WORDS:
        message = f"{WORDS[law.status]}: {message}"
    example = law.counterexample
    where = example.where if example else ""
    yours, expected = numbers(example) if example and where else ("", "")
    known = law.misconception != "" and law.misconception in said
    return Finding(
        ", ".join(law.name for law in laws),
        message,
        detail,
        picture(example, reads=True) if example else None,
        shortened(where, MAX_NAME),
        shortened(yours, MAX_MESSAGE),
        shortened(expected, MAX_MESSAGE),
        shortened(example.working, MAX_MESSAGE) if example else "",
        shortened(law.misconception.replace("_", " "), MAX_NAME),
        "" if known else shortened(law.advice, MAX_MESSAGE),
        shortened(law.pattern, MAX_MESSAGE),
        () if law.formula in said else tuple(shortened(f, MAX_MESSAGE) for f in law.formula),
        shown_steps(example),
        visible(example.snippet) if example and len(example.snippet) <= MAX_SNIPPET else "",
        example is not None and len(example.snippet) > MAX_SNIPPET,
    )
