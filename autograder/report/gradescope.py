"""A verdict as Gradescope's results.json: a test for each law, visible to the student."""

from __future__ import annotations

import json
from typing import Any

from autograder.report.plain import finding_text, message
from autograder.report.terminal import Depth, findings, isolation
from autograder.report.text import visible
from autograder.verdict import ExerciseResult, LawResult, Verdict


def document(verdict: Verdict) -> str:
    """The JSON document, as text."""
    said = [f"Note: {visible(warning)}." for warning in verdict.warnings]
    results = {
        "score": float(verdict.score),
        "output": "\n".join([*said, isolation(verdict.isolation["level"])]),
        "visibility": "visible",
        "stdout_visibility": "hidden",  # students' code prints there
        "tests": [
            _test(exercise, law, f"{number}.{part}")
            for number, exercise in enumerate(verdict.exercises, 1)
            for part, law in enumerate(exercise.laws, 1)
        ],
    }
    return json.dumps(results, indent=1, allow_nan=False) + "\n"


def _test(exercise: ExerciseResult, law: LawResult, number: str) -> dict[str, Any]:
    told = law in findings(exercise)
    return {
        "name": f"{exercise.name}: {law.says}",
        "number": number,
        "score": float(law.score),
        "max_score": float(law.max_score),
        "status": "passed" if law.status == "pass" else "failed",
        "output": finding_text(law, Depth.HINT) if told else _why(law),
        "output_format": "text",
        "tags": [exercise.topic],
        "visibility": "visible",
    }


def _why(law: LawResult) -> str:
    return "" if law.status == "pass" else message(law)
