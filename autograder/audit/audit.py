"""Judges wrong solutions that should lose points, and right ones that should not.

Wrong are mutants of the answer key, the misconceptions of the specs, golden submissions with a
mistake, and careless code; right are the answer key and golden submissions, on many seeds.
"""

from __future__ import annotations

import atexit
import dataclasses
import multiprocessing
import os
import time
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from autograder import catalog
from autograder.audit import faults, twin
from autograder.audit.mutate import Mutant, mutants
from autograder.audit.stand_in import answers_of
from autograder.bank import Bank, Banks, Seed
from autograder.diagnose import misconception
from autograder.engine import Engine, judge_law
from autograder.isolation.calls import Answer
from autograder.isolation.ladder import GraderFault
from autograder.isolation.limits import Limits
from autograder.spec import Exercise
from autograder.submissions import Submission, read

Sort = Literal["mutant", "fault", "misconception", "golden", "right"]

# Mutants that never end are to cost little; the wall clock is generous, so that a loaded machine
# does not end an honest one.
QUICK = Limits(import_seconds=2.0, call_seconds=0.5, wall_factor=60.0, fatal_per_exercise=1)
# Some exercises allow a call a minute; our own answer needs a fraction of a second.
MOST_SECONDS = 5.0
EQUIVALENT = Path(__file__).parent / "equivalent.toml"


@dataclass(frozen=True)
class Trial:
    """What became of one solution.

    exercise   the exercise that it counts for
    says       what is wrong with it: of a mutant its identity, of a golden submission its mistake
    shown_by   the law that it breaks, as "exercise: law"; empty if it breaks none
    named      the misconceptions that were named, and `expected` those that should have been
    kinds      the kinds of cases on which it fails, where that is asked
    """

    sort: Sort
    exercise: str
    says: str
    shown_by: str = ""
    named: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    diff: str = ""
    submission: str = ""
    seconds: float = 0.0

    @property
    def wrongly_named(self) -> bool:
        return self.named != self.expected


# --- what is to be tried; tasks cross to other processes, so they hold names only


@dataclass(frozen=True)
class MutantTask:
    mutant: Mutant
    exercises: tuple[str, ...]  # it counts for the first


@dataclass(frozen=True)
class FaultsTask:
    exercise: str


@dataclass(frozen=True)
class IdeasTask:
    exercise: str


@dataclass(frozen=True)
class GoldenTask:
    folder: Path


@dataclass(frozen=True)
class RightTask:
    seed: str
    folders: tuple[Path, ...]
    exercises: tuple[str, ...]


Task = MutantTask | FaultsTask | IdeasTask | GoldenTask | RightTask


def tasks(exercises: Sequence[Exercise], golden: Path | None, seeds: int) -> list[Task]:
    """Everything that is to be tried for these exercises."""
    wanted = {exercise.name for exercise in exercises}
    texts = twin.sources()
    known = {name: node for (_, name), node in twin.functions(texts).items()}
    users = twin.users(texts, catalog.exercises())
    found: list[Task] = []
    folders = sorted(golden.iterdir()) if golden is not None else []
    right = tuple(folder for folder in folders if folder.name.startswith("right-"))
    names = tuple(exercise.name for exercise in exercises)
    found += [RightTask(f"audit {number}", right, names) for number in range(1, seeds + 1)]
    for module, text in texts.items():
        for mutant in mutants(module, text, known):
            judges = users.get((module, mutant.function), [])
            if judges and judges[0] in wanted:
                found.append(MutantTask(mutant, tuple(judges)))
    for exercise in exercises:
        found += [FaultsTask(exercise.name), IdeasTask(exercise.name)]
    for folder in folders:
        if folder.name.startswith("wrong-") and _expectation(folder)["function"] in wanted:
            found.append(GoldenTask(folder))
    return found


def _expectation(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8"))


# --- trying


class Judge:
    """Does the tasks, one after the other, in one process."""

    def __init__(self, exercises: Sequence[Exercise], texts: Mapping[str, str]) -> None:
        self.exercises = {exercise.name: exercise for exercise in exercises}
        self.texts = texts
        self.engine = Engine.of(explaining=False, limits=QUICK)

    @cached_property
    def topics(self) -> frozenset[str]:
        return frozenset(exercise.topic for exercise in self.exercises.values())

    def close(self) -> None:
        if "server" in vars(self.engine):
            self.engine.server.close()

    def do(self, task: Task) -> list[Trial]:
        match task:
            case MutantTask():
                return [self._timed(lambda: self._mutant(task))]
            case FaultsTask():
                return self._faults(self.exercises[task.exercise])
            case IdeasTask():
                return self._ideas(self.exercises[task.exercise])
            case GoldenTask():
                return [self._timed(lambda: self._golden(task.folder))]
            case RightTask():
                return list(self._right(task))

    def _timed(self, trial: Callable[[], Trial]) -> Trial:
        before = self._cpu()
        found = trial()
        return dataclasses.replace(found, seconds=self._cpu() - before)

    def _cpu(self) -> float:
        return time.process_time() + self.engine.server.usage()

    def _mutant(self, task: MutantTask) -> Trial:
        mutant = task.mutant
        texts = {**self.texts, mutant.module: mutant.source}
        shown_by = self._first_broken(texts, task.exercises)
        return Trial("mutant", task.exercises[0], mutant.identity, shown_by, diff=mutant.diff)

    def _first_broken(
        self, texts: Mapping[str, str], exercises: Sequence[str], engine: Engine | None = None
    ) -> str:
        """The first law that does not hold for these modules, as "exercise: law"."""
        engine = engine or self.engine
        with engine.session(Submission("audit", texts)) as session:
            for name in exercises:
                exercise = _impatient(self.exercises[name])
                for law in engine.judge(exercise, session).laws:
                    if law.status == "grader_fault":
                        raise GraderFault(f"{name}: {law.message}")
                    if law.status != "pass":
                        return f"{name}: {law.name}"
        return ""

    def _faults(self, exercise: Exercise) -> list[Trial]:
        bank = self.engine.banks.of(exercise)
        return [
            self._timed(lambda fault=fault: self._fault(exercise, fault))  # type: ignore[misc]
            for fault in faults.applicable(exercise, bank)
        ]

    def _fault(self, exercise: Exercise, fault: faults.Fault) -> Trial:
        source = fault.put_into(self.texts[exercise.topic], exercise.name)
        texts = {**self.texts, exercise.topic: source}
        shown_by = self._first_broken(texts, (exercise.name,))
        return Trial("fault", exercise.name, fault.name, shown_by, diff=f"+ {fault.says}")

    def _ideas(self, exercise: Exercise) -> list[Trial]:
        bank = self.engine.banks.of(exercise)
        found = []
        for idea in exercise.misconceptions:
            name = idea.__name__

            def trial(idea: Callable[..., Any] = idea, name: str = name) -> Trial:
                shown_by, named, kinds = examined(exercise, bank, answers_of(bank, idea))
                return Trial("misconception", exercise.name, name, shown_by, named, (name,), kinds)

            found.append(self._timed(trial))
        return found

    def _golden(self, folder: Path) -> Trial:
        expected = _expectation(folder)
        exercise = _impatient(self.exercises[expected["function"]])
        bank = self.engine.banks.of(exercise)
        with self.engine.session(read(folder, self.topics)) as session:
            laws = self.engine.judge(exercise, session).laws
            answers = session.ask(
                *(exercise.topic, exercise.name, bank.calls, bank.groups),
                seconds=exercise.seconds,
            )
        _, named, kinds = examined(exercise, bank, answers)
        broken = [law for law, result in zip(exercise.laws, laws, strict=True) if result.score == 0]
        shown_by = f"{exercise.name}: {broken[0].name}" if broken else ""
        if broken and not kinds:
            kinds = exercise.kinds_of(
                broken[0]
            )  # a law about time, which these answers do not tell
        idea = expected["misconception"]
        return Trial(
            "golden",
            exercise.name,
            expected["mistake"],
            shown_by,
            named,
            (idea,) if idea else (),
            kinds,
            submission=folder.name,
        )

    def _right(self, task: RightTask) -> Iterator[Trial]:
        """The right submissions on the cases of another seed."""
        engine = Engine(Banks(Seed(task.seed)), self.engine.public, False)
        vars(engine)["server"] = self.engine.server
        solutions = {"answer key": dict(self.texts)}
        for folder in task.folders:
            solutions[folder.name] = dict(read(folder, self.topics).sources)
        for name, texts in solutions.items():
            for exercise in task.exercises:
                if not twin.has(texts, self.exercises[exercise]):
                    continue

                def trial(
                    name: str = name, texts: dict[str, str] = texts, exercise: str = exercise
                ) -> Trial:
                    shown_by = self._first_broken(texts, (exercise,), engine)
                    return Trial("right", exercise, task.seed, shown_by, submission=name)

                yield self._timed(trial)


def _impatient(exercise: Exercise) -> Exercise:
    """The exercise with no more time for a call than right code can need."""
    if exercise.seconds is None:
        return exercise
    return dataclasses.replace(exercise, seconds=min(exercise.seconds, MOST_SECONDS))


def examined(
    exercise: Exercise, bank: Bank, answers: Sequence[Answer]
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The first broken law, the misconceptions named, and the kinds of cases that fail."""
    broken: list[str] = []
    named: list[str] = []
    kinds: list[str] = []
    for law in exercise.laws:
        if law.needs in broken:
            broken.append(law.name)  # it would not even be run
            continue
        failures = judge_law(exercise, law, bank, answers)
        if not failures:
            continue
        broken.append(law.name)
        kinds += [failure.case.kind for failure in failures]
        idea = misconception(exercise, failures, bank, answers)
        if idea is not None:
            named.append(idea.__name__)
    shown_by = f"{exercise.name}: {broken[0]}" if broken else ""
    return shown_by, tuple(dict.fromkeys(named)), tuple(dict.fromkeys(kinds))


# --- all of it


_judge: Judge  # of a process of the pool


def _begin() -> None:
    global _judge
    _judge = Judge(catalog.exercises(), twin.sources())
    atexit.register(_judge.close)


def _do(task: Task) -> list[Trial]:
    return _judge.do(task)


def tried(
    wanted: Sequence[Task], jobs: int, progress: Callable[[], None] = lambda: None
) -> list[Trial]:
    """The trials of all tasks, in the order of the tasks however many processes there are."""
    trials: list[Trial] = []
    if jobs == 1:
        judge = Judge(catalog.exercises(), twin.sources())
        try:
            for task in wanted:
                trials += judge.do(task)
                progress()
        finally:
            judge.close()
        return trials
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _begin) as pool:
        for found in pool.map(_do, wanted):
            trials += found
            progress()
    return trials


@dataclass(frozen=True)
class Row:
    """The figures of one exercise; pairs are (as it should be, of all)."""

    exercise: str
    mutants: tuple[int, int]
    equivalent: int
    named: tuple[int, int]
    faults: tuple[int, int]
    false_failures: int
    seconds: float


@dataclass(frozen=True)
class Audit:
    """All trials, and what follows from them."""

    exercises: tuple[str, ...]
    trials: tuple[Trial, ...]
    notes: Mapping[str, str]  # why mutants of these identities are right after all
    seeds: int
    wall_seconds: float

    def reason(self, trial: Trial) -> str:
        """Why a solution that passes is right after all; empty if nothing says so."""
        return self.notes.get(trial.says, "") if trial.sort == "mutant" else ""

    @cached_property
    def wrong(self) -> list[Trial]:
        """The solutions that should lose points."""
        return [t for t in self.trials if t.sort != "right" and not self.reason(t)]

    @cached_property
    def equivalent(self) -> list[Trial]:
        """The mutants that are noted to be right after all."""
        return [t for t in self.trials if self.reason(t)]

    @cached_property
    def survivors(self) -> list[Trial]:
        return [t for t in self.wrong if not t.shown_by]

    @cached_property
    def false_failures(self) -> list[Trial]:
        return [t for t in self.trials if t.sort == "right" and t.shown_by]

    @cached_property
    def wrongly_named(self) -> list[Trial]:
        return [t for t in self.wrong if t.wrongly_named]

    @cached_property
    def stale(self) -> list[str]:
        """Notes on mutants that are no more, or that a law does show."""
        found = {t.says: t for t in self.trials if t.sort == "mutant"}
        stale = []
        for identity in self.notes:
            trial = found.get(identity)
            if trial is None:
                stale.append(f"there is no mutant {identity}")
            elif trial.shown_by:
                stale.append(f"{trial.shown_by} shows the mutant {identity}")
        return stale

    @cached_property
    def killed(self) -> float:
        """The share of the wrong solutions that lose points."""
        return 1 - len(self.survivors) / len(self.wrong) if self.wrong else 1.0

    @cached_property
    def named(self) -> float:
        """Of the solutions that embody a misconception, the share that gets its name alone."""
        meant = [t for t in self.wrong if t.expected]
        right = sum(not t.wrongly_named for t in meant)
        return right / len(meant) if meant else 1.0

    def passed(self, least: float) -> bool:
        return (
            self.killed >= least
            and not self.false_failures
            and not self.wrongly_named
            and not self.stale
        )

    @cached_property
    def rows(self) -> list[Row]:
        return [self._row(name) for name in self.exercises]

    def _row(self, name: str) -> Row:
        own = [t for t in self.trials if t.exercise == name]

        def shown(sort: str) -> tuple[int, int]:
            some = [t for t in own if t.sort == sort and not self.reason(t)]
            return sum(bool(t.shown_by) for t in some), len(some)

        meant = [t for t in own if t.expected]
        return Row(
            name,
            shown("mutant"),
            sum(bool(self.reason(t)) for t in own),
            (sum(not t.wrongly_named for t in meant), len(meant)),
            shown("fault"),
            shown("right")[0],
            sum(t.seconds for t in own),
        )

    @cached_property
    def mistakes(self) -> list[Trial]:
        """The golden submissions by the mistake that each is about."""
        return sorted((t for t in self.trials if t.sort == "golden"), key=lambda t: t.says)


def audit(
    exercises: Sequence[Exercise],
    wanted: Sequence[Task],
    jobs: int,
    progress: Callable[[], None] = lambda: None,
) -> Audit:
    """Do the tasks for these exercises; `jobs` 0 means as many processes as there are cores."""
    started = time.monotonic()
    names = tuple(exercise.name for exercise in exercises)
    noted = notes(names)
    trials = tried(wanted, jobs or os.cpu_count() or 1, progress)
    seeds = sum(isinstance(task, RightTask) for task in wanted)
    return Audit(names, tuple(trials), noted, seeds, time.monotonic() - started)


def notes(exercises: Collection[str], file: Path = EQUIVALENT) -> dict[str, str]:
    """Why mutants that count for these exercises are right after all, by their identity."""
    users = twin.users(twin.sources(), catalog.exercises())
    counted = {name: judges[0] for (_, name), judges in users.items()}
    return {
        identity: note["reason"]
        for note in tomllib.loads(file.read_text("utf-8")).get("note", [])
        for identity in note["mutants"]
        # One of a function that is no more is everybody's.
        if counted.get(identity.partition(":")[0]) in (None, *exercises)
    }
