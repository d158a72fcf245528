"""What a job does, in whatever process or on whatever machine it runs.

Each thread that judges has its own engine and fork server, which serve one submission after the
other. What comes back is text that is ready to be written.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import threading
import time
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autograder import catalog, results
from autograder.bank import PUBLIC, Banks, Seed
from autograder.course import CAPSTONE, Course
from autograder.engine import Engine
from autograder.isolation.ladder import LEVELS, GraderFault, NotIsolated
from autograder.journal import kit
from autograder.report import github, markdown
from autograder.report.formats import FILES
from autograder.report.student import student_page
from autograder.report.summary import STUDENT_PAGE, Summary, summary
from autograder.spec import Exercise
from autograder.submissions import Submission
from autograder.verdict import ExerciseResult, LawResult, Verdict

if TYPE_CHECKING:
    from autograder.capstone.joined import Capstone

GITHUB = "github"
# So often is a submission judged while a fork server dies under it.
TRIES = 3

_held = threading.local()
# Banks that came from another process: they were drawn with a secret seed, or there is no cache.
_given: dict[tuple[bool, str], bytes] = {}


class WrongKit(RuntimeError):
    """Another kit, or another exam, than that of the process that grades."""


class NotShared(RuntimeError):
    """A file that the machine of a job cannot see."""


@dataclass(frozen=True)
class Terms:
    """What all submissions of a class are judged by.

    names     exercises and topics, also the capstone; none means all
    exam      the file of the capstone's exam, or `practice`; empty where it is not judged
    exam_key  what its points follow from: the same wherever the exam lies
    required  the least level of isolation
    level     the level in use, once it is known: results must not depend on who judges
    many      whether there is more than one submission
    """

    names: tuple[str, ...] = ()
    course: Course = field(default_factory=Course)
    seed: str = field(default=PUBLIC, repr=False)
    required: str = LEVELS[0]
    level: str = ""
    formats: tuple[str, ...] = ()
    many: bool = True
    kit: str = field(default_factory=kit)
    exam: str = ""
    exam_key: str = ""

    def exercises(self) -> tuple[Exercise, ...]:
        functions = tuple(name for name in self.names if name != CAPSTONE)
        if self.names and not functions:
            return ()
        return catalog.select(functions, self.course)

    def to_json(self) -> dict[str, Any]:
        """What a result depends on, but for the seed."""
        entry = dataclasses.asdict(self)
        for name in ("seed", "required", "many", "exam"):
            del entry[name]
        return entry


@dataclass(frozen=True)
class Outcome:
    """A graded submission, as it is to be written.

    files     by name, in the folder of the submission
    markdown  what the summary of a job on GitHub says, and `commands` what its log does
    """

    summary: Summary
    files: Mapping[str, str]
    markdown: str = ""
    commands: tuple[str, ...] = ()


def judge(terms: Terms, submission: Submission) -> Outcome:
    """Judge one submission; whatever goes wrong is told in its results, as our fault."""
    started = time.monotonic(), time.process_time()
    workers = 0.0
    try:
        for _ in range(TRIES):
            held = _ready(terms)
            server = held.engine.server
            before = server.usage()
            verdict = held.engine.verdict(submission, held.exercises)
            if held.capstone is not None:
                if submission.path is not None and not submission.path.exists():
                    raise NotShared(
                        f"{submission.path} is not on this machine: with the capstone, the folder "
                        "of submissions must be shared"
                    )
                verdict = held.capstone.add(verdict, submission)
            if not verdict.grader_faults:
                workers = server.usage() - before
                break
            alive = server.alive
            release()  # the next one gets a new server
            if alive:
                break
    except (NotIsolated, WrongKit):
        release()
        raise
    except Exception as fault:
        traceback.print_exc()
        release()
        verdict = failed(terms, submission, f"{type(fault).__name__}: {fault}")
    reported = time.process_time()
    outcome = written(terms, verdict, submission)
    timing = {
        "wall_seconds": round(time.monotonic() - started[0], 3),
        "grader_cpu_seconds": round(time.process_time() - started[1], 3),
        "workers_cpu_seconds": round(workers, 3),
        "reports_cpu_seconds": round(time.process_time() - reported, 3),
    }
    files = {"timing.json": json.dumps(timing, indent=1) + "\n", **outcome.files}
    return dataclasses.replace(outcome, files=files)


def written(terms: Terms, verdict: Verdict, submission: Submission) -> Outcome:
    """All that is written of a verdict, results.json last."""
    files = {}
    for name in terms.formats:
        if name != GITHUB:
            file, document = FILES[name]
            files[file] = document(verdict)
    files[STUDENT_PAGE] = student_page(verdict)
    files[results.FILE] = results.results_json(verdict)
    outcome = Outcome(summary(verdict), files)
    if GITHUB not in terms.formats:
        return outcome
    commands = tuple(github.commands(verdict, submission.sources))
    return dataclasses.replace(outcome, markdown=markdown.document(verdict), commands=commands)


def failed(terms: Terms, submission: Submission, message: str) -> Verdict:
    """The verdict where the grader itself could not judge: it costs nobody points."""
    exercises = []
    for exercise in terms.exercises():
        laws = [
            LawResult(law.name, law.says, "grader_fault", law.points, message)
            for law in exercise.laws
        ]
        exercises.append(ExerciseResult(exercise.name, exercise.topic, tuple(laws)))
    if terms.exam:
        from autograder.capstone import joined

        exercises.append(joined.failed(message, joined.points(terms.course)))
    isolation = {"level": terms.level or LEVELS[0], "mechanisms": []}
    return Verdict(
        submission.name,
        Seed(terms.seed).label,
        isolation,
        tuple(exercises),
        submission.warnings,
    )


# --- before the first submission


def level_of(terms: Terms) -> str:
    """The level of isolation here; NotIsolated where it is below the one required."""
    return _ready(terms, banks=False).engine.server.level


def missing_banks(terms: Terms) -> list[tuple[bool, str]]:
    """The case banks that are in no cache: of the seed, and the public ones that are shown."""
    wanted = []
    for seed in dict.fromkeys([Seed(), Seed(terms.seed)]):
        banks = Banks(seed)
        wanted += [(seed.secret, e.name) for e in terms.exercises() if not banks.cached(e)]
    return wanted


def draw(terms: Terms, secret: bool, name: str) -> bytes | None:
    """Draw a bank into the cache; its bytes, where it may not or cannot be there."""
    (exercise,) = catalog.select([name])
    banks = Banks(Seed(terms.seed if secret else PUBLIC))
    data = banks.dumped(exercise)
    return None if banks.cached(exercise) else data


def give(banks: Mapping[tuple[bool, str], bytes]) -> None:
    """Let this process have banks that were drawn elsewhere."""
    _given.update(banks)


# --- what each thread holds


@dataclass
class _Judge:
    """What judges by these terms, and is made once; `prepared` when it has its case banks."""

    terms: Terms
    engine: Engine
    exercises: tuple[Exercise, ...]
    capstone: Capstone | None
    prepared: bool = False

    @staticmethod
    def of(terms: Terms) -> _Judge:
        limits = terms.course.limits
        engine = Engine.of(
            Seed(terms.seed), limits=limits, required=terms.required, level=terms.level
        )
        _ = engine.server
        capstone = None
        if terms.exam:
            from autograder.capstone import joined

            exam = joined.exam_of(terms.exam)
            if joined.key(exam) != terms.exam_key:
                engine.server.close()
                raise WrongKit(f"{terms.exam} is another exam here, or Keras is another version")
            points = joined.points(terms.course)
            try:
                capstone = joined.Capstone(exam, limits, terms.required, points)
            except GraderFault as error:
                raise GraderFault(f"the capstone cannot be graded here: {error}") from error
        return _Judge(terms, engine, terms.exercises(), capstone)

    def serves(self, terms: Terms) -> bool:
        """Whether other terms ask for the same; the level may be known by now."""
        same = dataclasses.replace(terms, level="") == dataclasses.replace(self.terms, level="")
        return same and terms.level in ("", self.engine.server.level)

    def prepare(self) -> None:
        for exercise in self.exercises:
            for held in (self.engine.banks, self.engine.public):
                data = _given.get((held.seed.secret, exercise.name))
                if data is not None:
                    held.give(exercise, data)
        if self.terms.many:
            self.engine.prepare(self.exercises)
            # The banks are all there, and stay: the collector need not go through them again.
            gc.freeze()
        self.prepared = True

    def close(self) -> None:
        for name in ("server", "public_server"):
            if name in vars(self.engine):
                vars(self.engine)[name].close()
        if self.capstone is not None:
            self.capstone.close()


def release() -> None:
    """End this thread's engine and its fork servers."""
    judge: _Judge | None = getattr(_held, "judge", None)
    _held.judge = None
    if judge is not None:
        judge.close()


def _ready(terms: Terms, banks: bool = True) -> _Judge:
    """What this thread judges with by these terms."""
    if terms.kit != kit():
        raise WrongKit(f"this kit is {kit()}, and the class is graded by {terms.kit}")
    judge: _Judge | None = getattr(_held, "judge", None)
    if judge is None or not judge.serves(terms):
        release()
        judge = _held.judge = _Judge.of(terms)
    if threading.current_thread() is not threading.main_thread():
        from hypothesis.errors import HypothesisDeprecationWarning

        # A cluster's worker has other threads, which use `random` while cases are drawn here. No
        # case depends on it.
        warnings.simplefilter("ignore", HypothesisDeprecationWarning)
    if banks and not judge.prepared:
        judge.prepare()
    return judge
