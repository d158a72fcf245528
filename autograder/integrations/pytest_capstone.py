"""pytest in `exercises/capstone`: every part of the rubric is a test, on the exam for practice.

Collects the folder's `digits.py` where pytest was started for that folder, and elsewhere only once
something is written or trained: a course that is not there yet has no seven failures more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from autograder.capstone.files import MODULES, NAME, attempted, stubs
from autograder.integrations.pytest_plugin import EXAMINER, ISOLATION, POINTS

if TYPE_CHECKING:
    from autograder.capstone.joined import Capstone
    from autograder.course import Course
    from autograder.verdict import ExerciseResult, LawResult


def collector_of(
    file_path: Path, parent: pytest.Collector, starts: set[Path], course: Course
) -> CapstoneFile | None:
    """The tests of the capstone that a file stands for; None for every other file."""
    here = file_path.parent
    if here.name != NAME or file_path.name not in (MODULES[0], "digits.keras"):
        return None
    if file_path.name != MODULES[0] and (here / MODULES[0]).exists():
        return None  # it stands for both
    asked = here in starts or file_path in starts
    if here.parent.name != "exercises" and not asked:
        return None
    if NAME in course.without or not (asked or attempted(here, course.limits)):
        return None
    config = parent.config
    if EXAMINER not in config.stash:
        config.stash[EXAMINER] = PracticeExaminer(course)
    collector: CapstoneFile = CapstoneFile.from_parent(parent, path=file_path)
    return collector


class CapstoneFile(pytest.File):
    """A student's capstone."""

    def collect(self) -> Iterator[pytest.Collector]:
        yield CapstoneParts.from_parent(self, name=NAME)


class CapstoneParts(pytest.Collector):
    """The rubric, judged once."""

    def collect(self) -> Iterator[pytest.Item]:
        from autograder.capstone import rubric

        for part in rubric.POINTS:
            item: PartItem = PartItem.from_parent(self, name=part.replace(" ", "_"))
            item.part = part
            yield item


class PartItem(pytest.Item):
    """One part of the rubric."""

    part: str

    def runtest(self) -> None:
        examiner = self.config.stash[EXAMINER]
        result = examiner.result(self.path.parent)
        law = next(law for law in result.laws if law.name == self.part)
        self.user_properties.append((POINTS, (law.score, law.max_score)))
        self.user_properties.append((ISOLATION, examiner.level))
        if law.status != "pass":
            raise PartLacks(law, stubs(self.path.parent))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, PartLacks):
            return excinfo.value.text()
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"{NAME}::{self.name}"


class PartLacks(Exception):
    """A part without all of its points, with the finding and what would bring more."""

    def __init__(self, law: LawResult, open_stubs: tuple[str, ...]) -> None:
        super().__init__(law.message.splitlines()[0] if law.message else law.status)
        self.law = law
        self.open_stubs = open_stubs

    def text(self) -> str:
        from autograder.report.capstone import part_text

        law = self.law
        heads = law.name == "few labels" and "train_head" in self.open_stubs
        if law.status == "not_attempted" or (heads and law.status != "pass"):
            missing = ", ".join(self.open_stubs) or "digits.keras"
            said = f"not attempted yet; still to write in exercises/capstone: {missing}"
            law = dataclasses.replace(law, status="not_run", message=said)
        return part_text(law, practice=True)


class PracticeExaminer:
    """The examiner of one pytest run, started when the first part is asked for."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._capstone: Capstone | None = None
        self._results: dict[Path, ExerciseResult] = {}

    def result(self, folder: Path) -> ExerciseResult:
        if folder not in self._results:
            self._results[folder] = self._running().result(folder)[0]
        return self._results[folder]

    @property
    def level(self) -> str:
        """How well student code is isolated."""
        return str(self._running().examiner.workers.isolation.level)

    def _running(self) -> Capstone:
        if self._capstone is None:
            from autograder.capstone import joined
            from autograder.capstone.exam import practice
            from autograder.isolation.ladder import GraderFault

            points = self._course.points.get(NAME, joined.POINTS)
            try:
                self._capstone = joined.Capstone(practice(), self._course.limits, points=points)
            except GraderFault as error:
                raise pytest.fail.Exception(
                    f"the capstone cannot be graded here: {error}", pytrace=False
                ) from error
        return self._capstone

    def close(self) -> None:
        if self._capstone is not None:
            self._capstone.close()
