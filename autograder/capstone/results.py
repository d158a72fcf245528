"""A capstone's results.json, read back and checked: somebody may have edited it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder.capstone.figures import BadFigures, Figures
from autograder.verdict import SCHEMA


class BadResults(ValueError):
    """Results that cannot be used; the text is one sentence."""


def read(file: Path) -> dict[str, Any]:
    """The document in a results.json of the capstone; BadResults where it is none."""
    again = "grade again, or take the file away"
    try:
        document = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise BadResults(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise BadResults(f"{file} is no JSON: {again}") from error
    try:
        names = [exercise["name"] for exercise in document["exercises"]]
        for exercise in document["exercises"]:
            for law in exercise["laws"]:
                _ = str(law["name"]), str(law["status"]), float(law["score"])
        _ = str(document["submission"]), str(document["seed"]), [*document["warnings"]]
        _ = float(document["score"]), float(document["max_score"]), document["isolation"]["level"]
        known = document["schema"] == SCHEMA
    except (KeyError, TypeError, ValueError) as error:
        raise BadResults(f"{file} is no result of the autograder: {again}") from error
    if not known:
        raise BadResults(f"{file} has the schema {document['schema']!r}, not {SCHEMA}: {again}")
    if names != ["capstone"]:
        raise BadResults(f"{file} is no result of the capstone; name a folder of capstone grade")
    if document.get("measured") is not None:
        try:
            Figures.from_json(document["measured"])
        except BadFigures as error:
            raise BadResults(f"{file}: {error}; {again}") from error
    found: dict[str, Any] = document
    return found
