"""pytest in a student's folder: every law of every function is a test, `conv2d::agrees`.

Collects `<topic>.py` files that lie in a folder `exercises`, in the folder pytest was started for,
or in its root, and that define one of the topic's functions. The files are never imported here: the
engine judges them in its worker, once a function, and each item reports one law of that verdict.
"""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from autograder.course import Course
    from autograder.engine import Engine
    from autograder.isolation.limits import Limits
    from autograder.isolation.parent import Session
    from autograder.report.terminal import Depth
    from autograder.spec import Exercise
    from autograder.verdict import ExerciseResult, LawResult

SPECS = Path(__file__).resolve().parent.parent / "specs"
JUDGE = pytest.StashKey["Judge"]()
POINTS = "autograder points"
ISOLATION = "autograder isolation"
EXAMINER = pytest.StashKey[Any]()  # of pytest_capstone.py


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("autograder", "exercises of the CNN course")
    group.addoption("--hint", action="store_true", help="name the mistake and the definition")
    group.addoption("--explain", action="store_true", help="and show the arithmetic of one number")


def _depth(config: pytest.Config) -> Depth:
    """How much the student asked for, as with `autograder check`."""
    from autograder.report.terminal import Depth

    if config.getoption("explain"):
        return Depth.EXPLANATION
    return Depth.HINT if config.getoption("hint") else Depth.SYMPTOM


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    others = yield
    ours = _student_module(file_path, parent) or _capstone(file_path, parent)
    # pytest would import a file that is named on its command line: not one of these.
    return others if ours is None else [ours]


def _capstone(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    # The name alone tells of nearly all files that they are none.
    if file_path.parent.name != "capstone" or file_path.stem != "digits":
        return None
    from autograder.integrations.pytest_capstone import collector_of

    config = parent.config
    return collector_of(file_path, parent, _starts(config), _course(config.rootpath))


def _starts(config: pytest.Config) -> set[Path]:
    """What pytest was started for."""
    named = {config.invocation_params.dir / arg.split("::")[0] for arg in config.args}
    return {Path(os.path.abspath(start)) for start in named}


def _student_module(file_path: Path, parent: pytest.Collector) -> StudentModule | None:
    # Before anything of ours is imported: is there a spec of this name at all?
    if file_path.suffix != ".py" or file_path.name.startswith("_"):
        return None
    if not ((SPECS / file_path.name).is_file() or (SPECS / file_path.stem).is_dir()):
        return None
    config = parent.config
    here = file_path.parent
    starts = _starts(config) | {config.rootpath}
    if here.name != "exercises" and here not in starts and file_path not in starts:
        return None
    if SPECS in file_path.parents:
        return None
    from autograder import catalog

    topic = next(topic for topic in catalog.topics() if topic.name == file_path.stem)
    if not _defined(file_path) & {exercise.name for exercise in topic.exercises}:
        return None
    course = _course(config.rootpath)
    if JUDGE not in config.stash:
        config.stash[JUDGE] = Judge(course.limits)
    collector: StudentModule = StudentModule.from_parent(parent, path=file_path)
    collector.exercises = [e for e in catalog.select((), course) if e.topic == topic.name]
    return collector


def _course(folder: Path) -> Course:
    from autograder import course

    try:
        return course.find(folder)
    except course.BadCourse as error:
        raise pytest.UsageError(str(error)) from error


def _defined(file: Path) -> set[str]:
    """Names of the functions in a file; all of them, for all we know, where it is no Python."""
    try:
        with warnings.catch_warnings(action="ignore"):  # such as those on unknown escapes
            tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # Collected, so that the student sees what is wrong with it.
        from autograder import catalog

        return {exercise.name for exercise in catalog.exercises()}
    # Methods are not meant: many a training.py has a network with a method `forward`.
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


class StudentModule(pytest.File):
    """One stub module of a student."""

    exercises: list[Exercise]

    def collect(self) -> Iterator[pytest.Collector]:
        for exercise in self.exercises:
            function: StudentFunction = StudentFunction.from_parent(self, name=exercise.name)
            function.exercise = exercise
            yield function


class StudentFunction(pytest.Collector):
    """One function of a student, judged once."""

    exercise: Exercise

    def collect(self) -> Iterator[pytest.Item]:
        for law in self.exercise.laws:
            yield LawItem.from_parent(self, name=law.name)


class LawItem(pytest.Item):
    """One law of one function."""

    def runtest(self) -> None:
        function = self.getparent(StudentFunction)
        assert function is not None
        judge = self.config.stash[JUDGE]
        result = judge.result(self.path.parent, function.exercise)
        law = next(law for law in result.laws if law.name == self.name)
        # Reports carry the points, so that they add up across the processes of pytest-xdist too.
        self.user_properties.append((POINTS, (law.score, law.max_score)))
        self.user_properties.append((ISOLATION, judge.level(self.path.parent)))
        if law.status != "pass":
            raise LawBroken(result, law)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, LawBroken):
            return excinfo.value.text(_depth(self.config))
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"{self.parent.name}::{self.name}" if self.parent else self.name


class LawBroken(Exception):
    """A law that does not hold, with the finding that `autograder check` shows."""

    def __init__(self, exercise: ExerciseResult, law: LawResult) -> None:
        super().__init__(law.message.splitlines()[0] if law.message else law.status)
        self.exercise = exercise
        self.law = law

    def text(self, depth: Depth | None = None) -> str:
        if self.law.status == "not_attempted":
            return (
                f"{self.exercise.name} is not attempted yet: write it in {self.exercise.topic}.py"
            )
        if self.law.status == "not_run":
            return f"{self.exercise.name}: {self.law.message}"
        from autograder.report.terminal import Depth, deeper, finding

        depth = depth or Depth.SYMPTOM
        lines = [f"{self.exercise.name}: {self.law.says}", ""]
        lines += [line.plain for line in finding(self.law, depth)]
        if option := deeper([self.law], depth):
            lines += ["", f"  More of this one:  pytest {option}"]
        return "\n".join(lines)


class Judge:
    """The verdicts of one pytest run; each folder is a submission with a worker of its own."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._engine: Engine | None = None
        self._sessions: dict[Path, Session] = {}
        self._results: dict[tuple[Path, str], ExerciseResult] = {}

    def result(self, folder: Path, exercise: Exercise) -> ExerciseResult:
        """The verdict on one function, judged when the first of its laws is run."""
        key = folder, exercise.name
        if key not in self._results:
            self._results[key] = self._running().judge(exercise, self._session(folder))
        return self._results[key]

    def level(self, folder: Path) -> str:
        """How well the code in this folder is isolated."""
        return str(self._session(folder).isolation["level"])

    def _running(self) -> Engine:
        if self._engine is None:
            from autograder.engine import Engine

            self._engine = Engine.of(limits=self._limits)
        return self._engine

    def _session(self, folder: Path) -> Session:
        if folder not in self._sessions:
            from autograder import catalog
            from autograder.submissions import read

            topics = frozenset(topic.name for topic in catalog.topics())
            self._sessions[folder] = self._running().session(read(folder, topics, self._limits))
        return self._sessions[folder]

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()


def pytest_unconfigure(config: pytest.Config) -> None:
    judge = config.stash.get(JUDGE, None)
    if judge is not None:
        judge.close()
    examiner = config.stash.get(EXAMINER, None)
    if examiner is not None:
        examiner.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    told = [
        properties
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        if POINTS in (properties := dict(getattr(report, "user_properties", ())))
    ]
    if told:
        from autograder.report.terminal import isolation

        score, most = (sum(part) for part in zip(*(one[POINTS] for one in told), strict=True))
        terminalreporter.write_sep("=", f"{score:g} of {most:g} points")
        for level in sorted({one[ISOLATION] for one in told}):
            terminalreporter.write_line(isolation(level))
