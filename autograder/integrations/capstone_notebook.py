"""`part("accuracy")` in a notebook: that part of the capstone's rubric, on the exam for practice.

What is judged is the capstone beside the notebook: `digits.keras`, `digits.py`, and the notebook as
it was last saved. nbgrader runs the cell too; see `notebook.py`.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from autograder.capstone import rubric
from autograder.capstone.files import MODULES
from autograder.capstone.handin import MODEL
from autograder.integrations.notebook import NotConfigured, NotPassed
from autograder.report.capstone import part_html, part_text
from autograder.verdict import LawResult


@dataclass(frozen=True)
class Part:
    """One part's result, as notebooks and consoles show it."""

    law: LawResult

    def _repr_html_(self) -> str:
        return part_html(self.law, practice=True)

    def __repr__(self) -> str:
        return part_text(self.law, practice=True)


def part(name: str) -> Part | float:
    """Judge this part of the rubric."""
    execution = os.environ.get("NBGRADER_EXECUTION")
    if execution == "autograde":
        raise NotConfigured(
            "nbgrader runs without the kit's configuration, so no points are given: start it in "
            "the course's folder, where nbgrader_config.py is"
        )
    if name not in rubric.POINTS:
        raise ValueError(f"{name!r} is no part of the rubric: it has {', '.join(rubric.POINTS)}")
    shown = Part(_judged(_state(Path()))[name])
    if execution == "validate":
        if shown.law.status != "pass":
            raise NotPassed(repr(shown))
        return shown.law.score
    return shown


def _state(folder: Path) -> tuple[tuple[str, int], ...]:
    """Changes where a file of the capstone does."""
    files = [folder / MODEL, *(folder / name for name in MODULES), *sorted(folder.glob("*.ipynb"))]
    return tuple((str(file.resolve()), file.stat().st_mtime_ns) for file in files if file.is_file())


@cache
def _judged(state: tuple[tuple[str, int], ...]) -> dict[str, LawResult]:
    from autograder.capstone.exam import practice
    from autograder.capstone.joined import Capstone

    with closing(Capstone(practice())) as capstone:
        result, _ = capstone.result(Path().resolve())
    return {law.name: law for law in result.laws}
