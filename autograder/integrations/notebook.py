"""`check("conv2d")` in a notebook: what `autograder check` finds, below the cell, with a picture.

What is judged are the definitions in the cells that were run, read as those of a notebook that is
handed in, and by the same engine in the same isolated worker.

nbgrader runs the cell too. Its Validate button is told whether all points are there. Where it takes
the grade from what the cell leaves behind, in a kernel that student code shares, `check` refuses:
with the kit's configuration no cell is run.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.catalog import UnknownName, exercises, select

if TYPE_CHECKING:
    from autograder.course import Course
    from autograder.engine import Engine
    from autograder.verdict import ExerciseResult


@dataclass(frozen=True)
class Checked:
    """The result of one function, as notebooks and consoles show it."""

    result: ExerciseResult
    level: str
    hint: bool = False
    explain: bool = False

    def _repr_html_(self) -> str:
        from autograder.report.notebook import result_html

        return result_html(self.result, self.level, self.hint, self.explain)

    def __repr__(self) -> str:
        from rich.console import Console

        from autograder.report.terminal import WIDTH, Depth, show_exercise

        depth = Depth.EXPLANATION if self.explain else Depth.HINT if self.hint else Depth.SYMPTOM
        shown = io.StringIO()
        # Rich would display what it prints as an output of the notebook's cell.
        console = Console(file=shown, width=WIDTH, color_system=None, force_jupyter=False)
        show_exercise(console, self.result, everything=False, depth=depth)
        return shown.getvalue().rstrip()


class NotPassed(Exception):
    """Points are missing; nbgrader's validation shows the text."""

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows in place of a traceback."""
        return str(self).splitlines()


class NotConfigured(Exception):
    """nbgrader runs the cells for grades: its configuration is not the kit's."""


def check(
    name: str, hint: bool = False, explain: bool = False, path: str | None = None
) -> Checked | float:
    """Judge the function of this name that the cells run so far define.

    `hint` names the mistake and repeats the definition; `explain` also shows the arithmetic of one
    number, and marks the cells that it reads. With `path`, a folder of modules is judged instead.
    """
    execution = os.environ.get("NBGRADER_EXECUTION")
    if execution == "autograde":
        raise NotConfigured(
            "nbgrader runs without the kit's configuration, so no points are given: start it in "
            "the course's folder, where nbgrader_config.py is"
        )
    if name not in {exercise.name for exercise in exercises()}:
        select([name])  # raises, with the name that is closest
        raise UnknownName(f"{name!r} is a topic; check one of its functions")
    from autograder.submissions import from_cells, read

    engine = _engine()
    if path is None:
        submission = from_cells("notebook", latest(_cells()), engine.limits)
    else:
        submission = read(Path(path), frozenset(e.topic for e in exercises()), engine.limits)
    verdict = None
    try:
        verdict = engine.verdict(submission, select([name], _course()))
    finally:
        if verdict is None or verdict.grader_faults:
            # Interrupted, or its server is gone: the next check starts anew.
            _engine.cache_clear()
    checked = Checked(verdict.exercises[0], verdict.isolation["level"], hint, explain)
    if execution == "validate":
        if not verdict.passed:
            raise NotPassed(repr(checked))
        return verdict.score
    return checked


def latest(cells: Iterable[str]) -> list[str]:
    """The cells in the order in which each was last run, as often as it was."""
    return list(dict.fromkeys(reversed(list(cells))))[::-1]


@cache
def _engine() -> Engine:
    """One engine for the notebook's life: its server and case banks are there already."""
    from autograder.engine import Engine

    return Engine.of(limits=_course().limits)


def _course() -> Course:
    """The settings beside the notebook, or those above it, as in a released repository."""
    from autograder import course

    here = Path()
    return course.find(here if (here / course.FILE).exists() else here / "..")


def _cells() -> list[str]:
    """The text of every cell that was run, magics as they were written."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None:
        raise RuntimeError("check() is for notebooks; on a command line: autograder check NAME")
    return [str(text) for text in shell.history_manager.input_hist_raw]
