"""One exam for a class: what is started and loaded once, and then asked of every hand-in."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from autograder.capstone import backbone, grading, handin, keras_sandbox, model, weights
from autograder.capstone.exam import Exam
from autograder.capstone.few_labels import Answerer, Task, Trouble
from autograder.capstone.grading import Graded
from autograder.capstone.handin import HandIn
from autograder.isolation.ladder import ForkServer, GraderFault
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
        self._keras: ForkServer | GraderFault | None = None

    def grade(self, path: Path) -> Graded:
        """The hand-in at a path: a folder, or a `.keras` file. BadSubmission, if there is none."""
        given = handin.read(path, self.limits)
        return grading.grade(given, self.exam, self.backbone, self.workers, self._answerer(given))

    def _answerer(self, given: HandIn) -> Answerer:
        """What runs the student's `train_head`, or says why that cannot be done."""
        reason = given.unreadable.get(keras_sandbox.MODULE)
        if reason is not None:
            return lambda task: Trouble(reason, "error")
        if keras_sandbox.MODULE not in given.sources:
            return lambda task: Trouble("there is no digits.py", "not_attempted")

        def answer(task: Task) -> np.ndarray | Trouble:
            return keras_sandbox.answers(task, given.sources, self._keras_workers())

        return answer

    def _keras_workers(self) -> ForkServer:
        """Started for the first who has code to run, as well isolated as those that read weights.

        GraderFault where they cannot be had; it is tried once.
        """
        if self._keras is None:
            try:
                self._keras = keras_sandbox.server(self.workers.isolation.level)
            except GraderFault as fault:
                self._keras = fault
        if isinstance(self._keras, GraderFault):
            raise self._keras
        return self._keras

    def close(self) -> None:
        if isinstance(self._keras, ForkServer):
            self._keras.close()
        self.workers.close()


def conditions(exam: Exam) -> tuple[str, ...]:
    """What a grade follows from, besides the hand-in, the limits and the kit."""
    packages = [f"{package} {_version(package)}" for package in ("keras", "numpy")]
    return exam.fingerprint, backbone.SHA256, *packages


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
