"""One law on one case: does it hold, and if not, what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from autograder.compare import Mismatch
from autograder.isolation.calls import Answer
from autograder.isolation.wire import WireError
from autograder.spec import Case, Exercise, Law
from autograder.verdict import Status


@dataclass(frozen=True)
class Failure:
    """A case on which a law does not hold."""

    case: Case
    status: Status
    message: str
    mismatch: Mismatch | None = None  # None where there was no value to compare
    number: int = -1  # the case's place in its bank
    printed: str = ""
    at_import: bool = False  # no input matters: the module does not load


def judge_case(
    exercise: Exercise, law: Law, case: Case, answers: Sequence[Answer], number: int = -1
) -> Failure | None:
    """The law on one case, from the answers to its calls."""
    if not law.timed and all(answer.exact for answer in answers):
        return None
    printed = answers[0].printed
    for answer in answers:
        expected_error = law.raising and answer.status == "error" and not answer.at_import
        if answer.status == "value" or expected_error:
            continue
        status = cast(Status, answer.status)
        return Failure(case, status, answer.message, None, number, answer.printed, answer.at_import)
    try:
        with np.errstate(all="ignore"):  # answers hold any numbers; nobody wants to be warned
            mismatch = law.judge(exercise, case, answers)
    except WireError as error:
        return Failure(case, "fail", f"the result cannot be read: {error}", None, number, printed)
    if mismatch is None:
        return None
    return Failure(case, "fail", mismatch.message, mismatch, number, printed)
