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
from typing import Any

from autograder import catalog, kept
from autograder.bank import PUBLIC, Banks, Seed
from autograder.course import Course
from autograder.engine import Engine
from autograder.isolation.ladder import LEVELS, NotIsolated
from autograder.journal import kit
from autograder.report import github, markdown
from autograder.report.formats import FILES
from autograder.spec import Exercise
from autograder.submissions import Submission
from autograder.verdict import ExerciseResult, LawResult, Line, Verdict

GITHUB = "github"
# So often is a submission judged while a fork server dies under it.
TRIES = 3

_held = threading.local()
# Banks that came from another process: they were drawn with a secret seed, or there is no cache.
_given: dict[tuple[bool, str], bytes] = {}


class WrongKit(RuntimeError):
    """Another kit than that of the process that grades."""


@dataclass(frozen=True)
class Terms:
    """What all submissions of a class are judged by.

    names     exercises and topics; none means all
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

    def exercises(self) -> tuple[Exercise, ...]:
        return catalog.select(self.names, self.course)

    def to_json(self) -> dict[str, Any]:
        """What a result depends on, but for the seed."""
        entry = dataclasses.asdict(self)
        for name in ("seed", "required", "many"):
            del entry[name]
        return entry


@dataclass(frozen=True)
class Outcome:
    """A graded submission, as it is to be written.

    files     by name, in the folder of the submission
    kept      the whole verdict, for the page of the class
    summary   what the summary of a job on GitHub says, and `commands` what its log does
    """

    line: Line
    files: Mapping[str, str]
    kept: str
    summary: str = ""
    commands: tuple[str, ...] = ()


def judge(terms: Terms, submission: Submission) -> Outcome:
    """Judge one submission; whatever goes wrong is told in its results, as our fault."""
    started = time.monotonic(), time.process_time()
    workers = 0.0
    try:
        for _ in range(TRIES):
            engine, exercises = _ready(terms)
            before = engine.server.usage()
            verdict = engine.verdict(submission, exercises)
            if not verdict.grader_faults:
                workers = engine.server.usage() - before
                break
            alive = engine.server.alive
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
    files["results.json"] = results_json(verdict)
    outcome = Outcome(Line.of(verdict), files, kept.dumps(verdict))
    if GITHUB not in terms.formats:
        return outcome
    commands = tuple(github.commands(verdict, submission.sources))
    return dataclasses.replace(outcome, summary=markdown.document(verdict), commands=commands)


def failed(terms: Terms, submission: Submission, message: str) -> Verdict:
    """The verdict where the grader itself could not judge: it costs nobody points."""
    exercises = []
    for exercise in terms.exercises():
        laws = [
            LawResult(law.name, law.says, "grader_fault", law.points, message)
            for law in exercise.laws
        ]
        exercises.append(ExerciseResult(exercise.name, exercise.topic, tuple(laws)))
    isolation = {"level": terms.level or LEVELS[0], "mechanisms": []}
    return Verdict(
        submission.name,
        Seed(terms.seed).label,
        isolation,
        tuple(exercises),
        submission.warnings,
    )


def results_json(verdict: Verdict) -> str:
    """The text of results.json."""
    return json.dumps(verdict.to_json(), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


# --- before the first submission


def level_of(terms: Terms) -> str:
    """The level of isolation here; NotIsolated where it is below the one required."""
    engine, _ = _ready(terms, banks=False)
    return engine.server.level


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


def release() -> None:
    """End this thread's engine and its fork server."""
    engine: Engine | None = getattr(_held, "engine", None)
    _held.engine = None
    if engine is not None:
        for name in ("server", "public_server"):
            if name in vars(engine):
                vars(engine)[name].close()


def _ready(terms: Terms, banks: bool = True) -> tuple[Engine, tuple[Exercise, ...]]:
    """This thread's engine for these terms."""
    if terms.kit != kit():
        raise WrongKit(f"this kit is {kit()}, and the class is graded by {terms.kit}")
    asked = dataclasses.replace(terms, level="")
    engine: Engine | None = getattr(_held, "engine", None)
    fits = engine is not None and _held.terms == asked
    if engine is None or not fits or terms.level not in ("", engine.server.level):
        release()
        engine = Engine.of(
            Seed(terms.seed), limits=terms.course.limits, required=terms.required, level=terms.level
        )
        _ = engine.server
        _held.engine, _held.terms, _held.prepared = engine, asked, False
        _held.exercises = terms.exercises()
    exercises: tuple[Exercise, ...] = _held.exercises
    if threading.current_thread() is not threading.main_thread():
        from hypothesis.errors import HypothesisDeprecationWarning

        # A cluster's worker has other threads, which use `random` while cases are drawn here. No
        # case depends on it.
        warnings.simplefilter("ignore", HypothesisDeprecationWarning)
    if banks and not _held.prepared:
        for exercise in exercises:
            for held in (engine.banks, engine.public):
                data = _given.get((held.seed.secret, exercise.name))
                if data is not None:
                    held.give(exercise, data)
        if terms.many:
            engine.prepare(exercises)
            # The banks are all there, and stay: the collector need not go through them again.
            gc.freeze()
        _held.prepared = True
    return engine, exercises
