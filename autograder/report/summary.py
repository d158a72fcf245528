"""What a class's table, page and journal need of a verdict: a submission without its findings."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from autograder.report.text import shortened
from autograder.verdict import LawResult, Verdict, total

# A student's page, in the folder of the results.
STUDENT_PAGE = "report.html"
LONGEST_IDEA = 500


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of one exercise."""

    name: str
    topic: str
    score: float
    max_score: float
    passed: bool
    attempted: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """A verdict without its findings. `mistakes`: exercise, misconception and its sentence."""

    name: str
    seed: str
    level: str
    marks: tuple[Mark, ...]
    mistakes: tuple[tuple[str, str, str], ...]
    faults: tuple[str, ...]
    warnings: int

    @property
    def score(self) -> float:
        return total(mark.score for mark in self.marks)

    @property
    def max_score(self) -> float:
        return total(mark.max_score for mark in self.marks)

    @property
    def passed(self) -> bool:
        return all(mark.passed for mark in self.marks)

    @property
    def status(self) -> str:
        """In two words: what the table of grades and the page's filter say."""
        if self.faults:
            return "grader fault"
        if not any(mark.attempted for mark in self.marks):
            return "not attempted"
        return "passed" if self.passed else "not passed"

    @property
    def link(self) -> str:
        return f"{quote(self.name, safe='', errors='replace')}/{STUDENT_PAGE}"


def summary(verdict: Verdict) -> Summary:
    """The little that remains in memory of a verdict."""
    mistakes = {
        (exercise.name, law.misconception): _idea(law)
        for exercise in verdict.exercises
        for law in reversed(exercise.laws)
        if law.misconception
    }
    return Summary(
        verdict.submission,
        verdict.seed,
        str(verdict.isolation.get("level", "unknown")),
        tuple(
            Mark(e.name, e.topic, e.score, e.max_score, e.passed, e.attempted)
            for e in verdict.exercises
        ),
        tuple((*key, says) for key, says in mistakes.items()),
        tuple(verdict.grader_faults),
        len(verdict.warnings),
    )


def _idea(law: LawResult) -> str:
    """A misconception's first sentence, without the words that begin them all."""
    first = law.advice.partition("\n")[0].removeprefix("This is what you get when ")
    first = first or law.misconception.replace("_", " ")
    return shortened(first[:1].upper() + first[1:], LONGEST_IDEA)
