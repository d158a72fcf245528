"""A verdict as GitHub Classroom's graders give it: base64 of JSON, for a step's output `result`."""

from __future__ import annotations

import base64
import json
from typing import Any

from autograder.report.plain import command_for, file_of, message
from autograder.verdict import ExerciseResult, LawResult, Verdict

STATUSES = {"pass": "pass", "fail": "fail", "not_attempted": "fail", "not_run": "fail"}


def result(verdict: Verdict) -> dict[str, Any]:
    """What the reporter adds up: a test for each law."""
    return {
        "version": 1,
        "status": "pass" if verdict.passed else "fail",
        "max_score": float(verdict.max_score),
        "isolation": verdict.isolation["level"],
        "tests": [_test(exercise, law) for exercise in verdict.exercises for law in exercise.laws],
    }


def document(verdict: Verdict) -> str:
    """One line, as the step hands it over."""
    text = json.dumps(result(verdict), allow_nan=False)
    return base64.b64encode(text.encode()).decode() + "\n"


def _test(exercise: ExerciseResult, law: LawResult) -> dict[str, Any]:
    return {
        "name": f"{exercise.name}: {law.says}",
        "status": STATUSES.get(law.status, "error"),
        "score": float(law.score),
        "max_score": float(law.max_score),
        "message": "" if law.status == "pass" else message(law),
        "test_code": command_for(exercise),
        "filename": file_of(exercise),
        "line_no": 0,
        "duration": 0,
    }
