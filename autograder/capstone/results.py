"""A capstone's results.json, read back and checked: somebody may have edited it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder import results
from autograder.capstone.figures import BadFigures, Figures
from autograder.results import BadResults


def read(file: Path) -> dict[str, Any]:
    """The document in a results.json of the capstone; BadResults where it is none."""
    verdict = results.read(file)
    if [exercise.name for exercise in verdict.exercises] != ["capstone"]:
        raise BadResults(f"{file} is no result of the capstone; name a folder of capstone grade")
    document: dict[str, Any] = json.loads(file.read_bytes())
    if document.get("measured") is not None:
        try:
            Figures.from_json(document["measured"])
        except BadFigures as error:
            raise BadResults(f"{file}: {error}; grade again, or take the file away") from error
    return document
