"""One exam for a class: what is started and loaded once, and then asked of every hand-in."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from autograder.capstone import backbone, grading, handin, model, weights
from autograder.capstone.exam import Exam
from autograder.capstone.grading import Graded
from autograder.isolation.limits import DEFAULT, Limits


class Examiner:
    """Grades hand-ins one after the other; `close` ends its workers.

    `required` is the level of isolation below which nothing is graded (NotIsolated).
    """

    def __init__(self, exam: Exam, limits: Limits = DEFAULT, required: str = "weak") -> None:
        self.exam = exam
        self.limits = limits
        self.workers = weights.server(required)
        self.backbone = model.read(backbone.FILE, self.workers, output=None)

    def grade(self, path: Path) -> Graded:
        """The hand-in at a path: a folder, or a `.keras` file. BadSubmission, if there is none."""
        given = handin.read(path, self.limits)
        return grading.grade(given, self.exam, self.backbone, self.workers)

    def close(self) -> None:
        self.workers.close()

    def __enter__(self) -> Examiner:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
