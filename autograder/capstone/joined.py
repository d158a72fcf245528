"""The capstone as one more exercise of a submission: what `grade`, nbgrader and pytest ask."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from autograder.capstone import exam as exams
from autograder.capstone import rubric
from autograder.capstone.exam import PRACTICE, Exam
from autograder.capstone.examiner import Examiner, conditions
from autograder.capstone.files import attempted, folder_of
from autograder.capstone.grading import NAME, SAYS
from autograder.course import CAPSTONE, Course
from autograder.isolation.limits import DEFAULT, Limits
from autograder.submissions import Submission
from autograder.verdict import ExerciseResult, LawResult, Verdict

POINTS = sum(rubric.POINTS.values())
PRACTISED = "the capstone's points are practice: these digits are public"


def exam_of(given: str | Path) -> Exam:
    """The exam in a file, or the one for practice; NotAnExam where there is none."""
    return exams.practice() if str(given) == PRACTICE else Exam.load(Path(given))


def not_attempted() -> ExerciseResult:
    laws = (
        LawResult(name, says, "not_attempted", rubric.POINTS[name]) for name, says in SAYS.items()
    )
    return ExerciseResult(NAME, NAME, tuple(laws))


def worth(result: ExerciseResult, points: float) -> ExerciseResult:
    """The same result where a course gives the capstone so many points."""
    if points == POINTS:
        return result
    share = points / POINTS
    laws = [
        dataclasses.replace(
            law,
            max_score=law.max_score * share,
            earned=None if law.earned is None else law.earned * share,
        )
        for law in result.laws
    ]
    return dataclasses.replace(result, laws=tuple(laws))


def key(exam: Exam) -> str:
    """All that points follow from, but for the submission, the limits and the kit."""
    return " ".join(conditions(exam))


def points(course: Course) -> float:
    """What the capstone is worth in a course."""
    return course.points.get(CAPSTONE, POINTS)


def failed(message: str, points: float) -> ExerciseResult:
    """The result where the grader itself could not judge: it costs nobody points."""
    laws = [
        dataclasses.replace(law, status="grader_fault", message=message)
        for law in not_attempted().laws
    ]
    return worth(ExerciseResult(NAME, NAME, tuple(laws)), points)


class Capstone:
    """Judges the capstone of submission after submission; `close` ends the workers.

    `required` is the level of isolation below which nothing is graded (NotIsolated).
    """

    def __init__(
        self,
        exam: Exam,
        limits: Limits = DEFAULT,
        required: str = "weak",
        points: float = POINTS,
    ) -> None:
        self.exam = exam
        self.limits = limits
        self.points = points
        self.examiner = Examiner(exam, limits, required)

    def result(self, path: Path | None) -> tuple[ExerciseResult, tuple[str, ...]]:
        """The capstone of the submission at a path, and what is to be noted of it."""
        try:
            result, notes = self._judged(path)
        except Exception as fault:  # ours, as in the engine: told as such, and the others go on
            return failed(f"{type(fault).__name__}: {fault}", self.points), ()
        return worth(result, self.points), notes

    def add(self, verdict: Verdict, submission: Submission) -> Verdict:
        """The verdict with the capstone as its last exercise."""
        result, notes = self.result(submission.path)
        return dataclasses.replace(
            verdict,
            exercises=(*verdict.exercises, result),
            warnings=tuple(dict.fromkeys([*verdict.warnings, *notes])),
        )

    def _judged(self, path: Path | None) -> tuple[ExerciseResult, tuple[str, ...]]:
        if path is None:
            return not_attempted(), ()
        with folder_of(path, self.limits) as folder:
            if folder is None or not attempted(folder, self.limits):
                return not_attempted(), ()
            graded = self.examiner.grade(folder)
        (result,) = graded.verdict.exercises
        practised = (PRACTISED,) if self.exam.practice else ()
        return result, (*practised, *graded.verdict.warnings)

    def close(self) -> None:
        self.examiner.close()
