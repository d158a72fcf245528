"""One hand-in of the capstone to a verdict, in the schema of all results. No TensorFlow is needed.

The model is read by `model.py` and answers here, in this process, by the reference's operations: it
is data, and of it every size is bounded. What needs the student's own training, few labels, is
asked of an `Answerer` that runs it elsewhere; without one that part is not run.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograder.capstone import few_labels, rubric, transfer
from autograder.capstone.corruptions import FAMILIES
from autograder.capstone.exam import PER_FAMILY, PRACTICE, Exam
from autograder.capstone.few_labels import Answerer, Few, Trouble
from autograder.capstone.figures import Figures
from autograder.capstone.handin import HandIn
from autograder.capstone.model import Model, read
from autograder.capstone.rubric import Part
from autograder.capstone.settings import Refused
from autograder.isolation.ladder import ForkServer, GraderFault
from autograder.verdict import ExerciseResult, LawResult, Verdict

NAME = "capstone"
# A model that takes this many times what it may is not asked any further.
PROBED = 100
PATIENCE = 3
NOT_RUN = "was not run here"
# Where one probability says all, it says no more than this, as in Keras.
LEAST_PROBABILITY = 1e-7
NOT_ACCEPTED = "needs a model that is accepted"

SAYS: Mapping[str, str] = {
    "valid": "the model loads safely and reads raw pixels",
    "transfer": "the kit's backbone, and a head of your own",
    "accuracy": "the exam's digits are read",
    "robustness": "spoilt digits are read as well",
    "calibration": "it is as sure as it is right",
    "few labels": "train_head learns from ten digits a class",
    "report": "the notebook's numbers are the model's",
}
OUTSIDE = {
    "images / 255": (255.0, 0.0),
    "images / 127.5 - 1": (127.5, 1.0),
    "(images / 255 - 0.1307) / 0.3081": (255.0 * 0.3081, 0.1307 / 0.3081),
}


@dataclass(frozen=True)
class Measured:
    """What a model answered, for whoever draws pictures of it.

    chosen    the class of each private digit, -1 where the answer is no number
    families  the same for the first digits as each family spoils them
    ratio     of the loss on public test digits to that on training digits. Far below 1, somebody
              may have trained on the former: a hint for a person, and never a verdict
    few       share of each task of few labels; None where they were not run: `not_run` says why
    trouble   what went wrong in the last of them
    sure      the probability that each class in `chosen` had
    """

    model: Model
    chosen: np.ndarray
    families: Mapping[str, np.ndarray]
    loss: float
    broken: int
    seconds: float
    outside: str
    transfer: rubric.Transfer
    few: tuple[float, ...] | None = None
    trouble: Trouble | None = None
    not_run: str = ""
    ratio: float | None = None
    sure: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def right(self, exam: Exam) -> int:
        return int((self.chosen == exam.labels).sum())

    def shares(self, exam: Exam) -> dict[str, float]:
        return {
            name: float((chosen == exam.labels[: len(chosen)]).mean())
            for name, chosen in self.families.items()
        }

    def figures(self, exam: Exam) -> Figures:
        """The numbers that a result keeps."""
        right, count = self.right(exam), len(exam.images)
        return Figures(
            exam.fingerprint,
            count,
            right,
            _void(self, right / count if count else 0.0),
            self.shares(exam),
            self.loss,
            self.few,
            self.model.parameters,
            self.model.size,
        )


@dataclass(frozen=True)
class Graded:
    verdict: Verdict
    parts: tuple[Part, ...] = ()
    measured: Measured | None = None


def grade(
    handin: HandIn,
    exam: Exam,
    backbone: Model,
    workers: ForkServer,
    answerer: Answerer | None = None,
) -> Graded:
    """Everything about one hand-in. A fault of ours is told as one, and costs nothing."""
    isolation = workers.isolation.to_json()
    try:
        try:
            model = read(handin.model, workers)
            measured = measure(model, exam, backbone, answerer)
        except Refused as refusal:
            return refuse(handin, exam, str(refusal), isolation)
    except GraderFault as fault:
        return failed(handin, exam, str(fault), isolation)
    parts = judge(handin, exam, measured)
    return Graded(_verdict(handin, exam, parts, isolation, measured), parts, measured)


def refuse(handin: HandIn, exam: Exam, sentence: str, isolation: dict[str, Any]) -> Graded:
    """A hand-in of which nothing can be measured."""
    refused = (rubric.refused(sentence),)
    return Graded(_verdict(handin, exam, refused, isolation), refused)


def failed(handin: HandIn, exam: Exam, fault: str, isolation: dict[str, Any]) -> Graded:
    """A fault of ours, which costs nothing."""
    laws = tuple(
        LawResult(name, says, "grader_fault", rubric.POINTS[name], fault)
        for name, says in SAYS.items()
    )
    return Graded(_of_laws(handin, exam, laws, isolation))


def measure(
    model: Model, exam: Exam, backbone: Model, answerer: Answerer | None = None
) -> Measured:
    """All that is measured of an accepted model; Refused, if that would take far too long."""
    _quick_enough(model, exam.images[:PROBED])
    started = time.process_time()
    probabilities = model.probabilities(exam.images)
    seconds = time.process_time() - started
    few, not_run = _few_labels(exam, answerer)
    chosen = classes(probabilities)
    return Measured(
        model,
        chosen,
        {name: classes(model.probabilities(images)) for name, images in exam.spoilt.items()},
        likelihood(probabilities, exam.labels),
        int((chosen == -1).sum()),
        seconds,
        _outside(model, exam, probabilities),
        transfer.compare(model, backbone),
        None if few is None else few.shares,
        None if few is None else few.trouble,
        not_run,
        _ratio(model, exam),
        surety(probabilities),
    )


def _few_labels(exam: Exam, answerer: Answerer | None) -> tuple[Few | None, str]:
    """How the tasks went; or None, and why they were not run.

    A fault of ours is a reason, and costs no other part.
    """
    if answerer is None or not exam.tasks:
        return None, NOT_RUN
    try:
        return few_labels.measure(exam.tasks, answerer), ""
    except GraderFault as fault:
        return None, str(fault)


def judge(handin: HandIn, exam: Exam, measured: Measured) -> tuple[Part, ...]:
    """The parts that were measured, each with its points."""
    right, count = measured.right(exam), len(exam.images)
    share = right / count if count else 0.0
    few, trouble = measured.few, measured.trouble
    parts = [
        rubric.valid(
            rubric.Validity(
                measured.model.size,
                measured.model.parameters,
                count,
                measured.broken,
                measured.seconds,
                measured.outside,
            )
        ),
        rubric.transfer(measured.transfer),
        rubric.accuracy(right, count, void=_void(measured, share)),
        rubric.robustness(measured.shares(exam), {f.name: f.says for f in FAMILIES}),
        rubric.calibration(measured.loss, measured.model.ends_in_softmax),
        rubric.report(handin.notebook, share),
    ]
    if share < rubric.READS:
        parts[:2] = map(rubric.without_use, parts[:2])
    if few is not None:
        told = (trouble.sentence, trouble.status) if trouble else ("", None)
        parts.insert(-1, rubric.few_labels(few, *told))
    return tuple(parts)


def classes(probabilities: np.ndarray) -> np.ndarray:
    """The likeliest class of each row; -1 for rows that are not all numbers."""
    whole = np.isfinite(probabilities).all(axis=1)
    return np.where(whole, np.where(whole[:, None], probabilities, 0).argmax(axis=1), -1)


def surety(probabilities: np.ndarray) -> np.ndarray:
    """The probability of the likeliest class; 0 for rows that are not all numbers."""
    whole = np.isfinite(probabilities).all(axis=1)
    return np.where(whole, np.where(whole[:, None], probabilities, 0).max(axis=1), 0.0)


def likelihood(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The mean of -log of the right class's probability."""
    if not len(labels):
        return float("nan")
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    right = np.where(np.isfinite(probabilities).all(axis=1), right, 0.0)
    return float(-np.log(np.clip(right, LEAST_PROBABILITY, 1.0)).mean())


def _void(measured: Measured, share: float) -> bool:
    """Whether `train_head` learns nothing, with an accuracy that speaks of learning.

    Nor does one that is not there or ends in an error: that must not be a way around the question.
    """
    return measured.few is not None and rubric.voids(measured.few, share)


def _quick_enough(model: Model, images: np.ndarray) -> None:
    """Its size bounds what it can take, but not to the minute."""
    started = time.process_time()
    model.answers(images)
    if time.process_time() - started > PATIENCE * rubric.SECONDS * PROBED / 10_000:
        told = rubric.SECONDS / 10_000 * 1000
        raise Refused(f"the model takes far more than {told:g} ms of CPU a digit; make it smaller")


def _ratio(model: Model, exam: Exam) -> float | None:
    if exam.test is None or exam.training is None:
        return None
    test, training = (
        likelihood(model.probabilities(images), labels)
        for images, labels in (exam.test, exam.training)
    )
    return test / max(training, LEAST_PROBABILITY)


def _outside(model: Model, exam: Exam, probabilities: np.ndarray) -> str:
    """The preprocessing that the model is in want of: what halves its loss, and does not cost."""
    images, labels = exam.images[:PER_FAMILY], exam.labels[:PER_FAMILY]
    raw = probabilities[:PER_FAMILY]
    loss, right = likelihood(raw, labels), int((classes(raw) == labels).sum())
    found = ""
    for told, (divisor, shift) in OUTSIDE.items():
        answers = model.probabilities(images / np.float32(divisor) - np.float32(shift))
        better = likelihood(answers, labels)
        if better < loss / 2 and int((classes(answers) == labels).sum()) >= right:
            loss, found = better, told
    return found


def _verdict(
    handin: HandIn,
    exam: Exam,
    parts: tuple[Part, ...],
    isolation: dict[str, Any],
    measured: Measured | None = None,
) -> Verdict:
    known = {part.name: part for part in parts}
    laws = []
    for name, says in SAYS.items():
        part = known.get(name)
        if part is None:
            why = NOT_ACCEPTED if measured is None else measured.not_run
            laws.append(LawResult(name, says, "not_run", rubric.POINTS[name], why, earned=0.0))
            continue
        status = part.status or ("pass" if part.score >= part.max_score else "fail")
        laws.append(
            LawResult(
                name,
                says,
                status,
                part.max_score,
                part.finding,
                advice=part.advice,
                earned=part.score,
            )
        )
    return _of_laws(handin, exam, tuple(laws), isolation, measured)


def _of_laws(
    handin: HandIn,
    exam: Exam,
    laws: tuple[LawResult, ...],
    isolation: dict[str, Any],
    measured: Measured | None = None,
) -> Verdict:
    return Verdict(
        handin.name,
        PRACTICE if exam.practice else "secret",
        isolation,
        (ExerciseResult(NAME, NAME, laws),),
        handin.warnings,
        None if measured is None else measured.figures(exam).to_json(),
    )
