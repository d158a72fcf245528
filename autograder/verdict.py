"""The verdict: frozen data with one JSON form. Every report is a pure function of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from autograder import __version__
from autograder.report.text import shortened
from autograder.report.text import value as written
from autograder.tolerance import arrays_of
from autograder.working import Step

Status = Literal[
    "pass",
    "fail",
    "error",
    "timeout",
    "memory",
    "crash",
    "forbidden",
    "not_attempted",
    "not_run",
    "grader_fault",
]
SCHEMA = "autograder/results/1"
MAX_VALUES = 200
# No report has room for a longer text.
MAX_WRITTEN = 300


@dataclass(frozen=True)
class Counterexample:
    """The smallest input found on which a law fails.

    where     the cell that is shown, such as `y[0,0,1,2]`; empty where no cell is
    working   the arithmetic of the expected number in that cell; empty where there is none
    steps     the same line by line, with the cells that are read; also where it is no one line
    printed   what the student's code printed in this call; not part of the results
    """

    arguments: dict[str, Any]
    yours: Any
    expected: Any
    snippet: str
    where: str = ""
    index: tuple[int, ...] | None = None
    working: str = ""
    steps: tuple[Step, ...] = ()
    printed: str = ""


@dataclass(frozen=True)
class LawResult:
    """What became of one law.

    advice   the misconception's sentence and what to do instead
    formula  the lines of the docstring that define the result, where they bear on the failure
    pattern  what all wrong results have in common, where no misconception fits
    earned   its points, for a law that can be kept in part; else all or none
    """

    name: str
    says: str
    status: Status
    max_score: float
    message: str = ""
    misconception: str = ""
    advice: str = ""
    counterexample: Counterexample | None = None
    formula: tuple[str, ...] = ()
    pattern: str = ""
    earned: float | None = None

    @property
    def score(self) -> float:
        if self.earned is not None:
            return self.earned
        # A fault of ours never costs the student points.
        return self.max_score if self.status in ("pass", "grader_fault") else 0.0

    @property
    def in_part(self) -> bool:
        """Some of its points, and not all."""
        return self.status == "fail" and 0 < self.score < self.max_score


@dataclass(frozen=True)
class ExerciseResult:
    name: str
    topic: str
    laws: tuple[LawResult, ...]

    @property
    def score(self) -> float:
        return total(law.score for law in self.laws)

    @property
    def max_score(self) -> float:
        return total(law.max_score for law in self.laws)

    @property
    def passed(self) -> bool:
        return all(law.status == "pass" for law in self.laws)

    @property
    def attempted(self) -> bool:
        return any(law.status not in ("not_attempted", "not_run") for law in self.laws)


@dataclass(frozen=True)
class Verdict:
    """What became of one submission.

    measured   numbers that the points follow from, where there are some: plain values of JSON
    """

    submission: str
    seed: str
    isolation: dict[str, Any]
    exercises: tuple[ExerciseResult, ...]
    warnings: tuple[str, ...] = ()
    measured: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.measured is not None:
            _check_plain(self.measured, "measured")

    @property
    def score(self) -> float:
        return total(exercise.score for exercise in self.exercises)

    @property
    def max_score(self) -> float:
        return total(exercise.max_score for exercise in self.exercises)

    @property
    def passed(self) -> bool:
        return all(exercise.passed for exercise in self.exercises)

    @property
    def grader_faults(self) -> list[str]:
        faults = [
            f"{exercise.name}: {law.message}"
            for exercise in self.exercises
            for law in exercise.laws
            if law.status == "grader_fault"
        ]
        return list(dict.fromkeys(faults))

    def to_json(self) -> dict[str, Any]:
        """The contract's form: finite numbers, plain types, the same bytes for the same verdict."""
        document = {
            "schema": SCHEMA,
            "submission": self.submission,
            "score": float(self.score),
            "max_score": float(self.max_score),
            "seed": self.seed,
            "kit": __version__,
            "isolation": self.isolation,
            "warnings": list(self.warnings),
            "exercises": [_exercise(exercise) for exercise in self.exercises],
            "tests": [_test(exercise, law) for exercise in self.exercises for law in exercise.laws],
        }
        if self.measured is not None:
            document["measured"] = dict(self.measured)
        return document


def total(points: Iterable[float]) -> float:
    """A sum of points: a course may have set them to thirds and tenths, which do not add up."""
    return round(sum(points), 9)


def _check_plain(value: Any, where: str) -> None:
    """ValueError, where JSON would not give the same back."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if type(key) is not str:
                raise ValueError(f"{where} has the key {key!r}, which is no text")
            _check_plain(inner, f"{where}.{key}")
    elif type(value) is list:
        for index, inner in enumerate(value):
            _check_plain(inner, f"{where}[{index}]")
    elif type(value) is float:
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}, which is no number of JSON")
    elif value is not None and type(value) not in (bool, int, str):
        raise ValueError(f"{where} is {value!r}, which is no plain value of JSON")


def _exercise(exercise: ExerciseResult) -> dict[str, Any]:
    return {
        "name": exercise.name,
        "topic": exercise.topic,
        "score": float(exercise.score),
        "max_score": float(exercise.max_score),
        "laws": [_law(law) for law in exercise.laws],
    }


def _law(law: LawResult) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": law.name,
        "says": law.says,
        "status": law.status,
        "score": float(law.score),
        "max_score": float(law.max_score),
    }
    if law.message:
        entry["message"] = law.message
    if law.misconception:
        entry["misconception"] = law.misconception
    if law.advice:
        entry["advice"] = law.advice
    if law.pattern:
        entry["pattern"] = law.pattern
    if law.formula:
        entry["formula"] = list(law.formula)
    if (example := law.counterexample) is not None:
        entry["counterexample"] = {
            "arguments": {name: plain(value) for name, value in example.arguments.items()},
            "yours": plain(example.yours),
            "expected": plain(example.expected),
            "where": example.where,
            "working": example.working,
            "snippet": example.snippet,
            "index": None if example.index is None else list(example.index),
            "steps": [[step.what, step.numbers, step.value] for step in example.steps],
            "written": _written(example),
        }
    return entry


def _written(example: Counterexample) -> dict[str, str]:
    """What holds no array, as the terminal writes it: JSON has no tuples and no generators."""
    values = {**example.arguments, "yours": example.yours, "expected": example.expected}
    plain_ones = {name: v for name, v in values.items() if v is not None and not arrays_of(v)}
    return {name: shortened(written(v), MAX_WRITTEN) for name, v in plain_ones.items()}


def _test(exercise: ExerciseResult, law: LawResult) -> dict[str, Any]:
    """One flat entry a law, as Gradescope reads it."""
    output = law.message
    if law.advice:
        output += f"\n\n{law.advice}"
    if law.counterexample is not None:
        output += f"\n\n{law.counterexample.snippet}"
    return {
        "name": f"{exercise.name}: {law.says}",
        "score": float(law.score),
        "max_score": float(law.max_score),
        "status": "passed" if law.status == "pass" else "failed",
        "output": output.strip(),
        "visibility": "visible",
    }


def plain(value: Any) -> Any:
    """A value in JSON: arrays as shape, dtype and flat values; NaN and infinities as words."""
    if isinstance(value, np.ndarray):
        flat = value.ravel()[:MAX_VALUES]
        entry: dict[str, Any] = {
            "shape": list(value.shape),
            "dtype": str(value.dtype),
            "values": [plain(v.item()) for v in flat],
        }
        if value.size > MAX_VALUES:
            entry["cut"] = value.size - MAX_VALUES
            entry["written"] = written(value)
        return entry
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, bool | str | int) or value is None:
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, dict):
        return {str(key): plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return str(value)
