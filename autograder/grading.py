"""Grades submissions one after the other; each result is written as soon as it is ready."""

from __future__ import annotations

import gc
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.engine import Engine
from autograder.isolation.limits import DEFAULT, Limits
from autograder.spec import Exercise
from autograder.submissions import NO_NAMES, BadSubmission, NoModules, Submission, find, read
from autograder.verdict import Verdict

if TYPE_CHECKING:
    from autograder.capstone.joined import Capstone


def collect(
    paths: Sequence[Path],
    topics: frozenset[str],
    limits: Limits = DEFAULT,
    capstone: bool = False,
) -> list[Submission]:
    """Read every submission at these paths; with `capstone`, also those that hold nothing else.

    A path that was named must be a submission; in a folder of submissions one that cannot be read
    is graded as empty, with a warning, and does not stop the others.
    """
    from autograder.capstone.files import holds_model

    also = holds_model if capstone else (lambda path: False)
    submissions: list[Submission] = []
    for path in paths:
        for place in find(path, topics, also):
            try:
                submissions.append(replace(read(place, topics, limits), path=place))
            except BadSubmission as error:
                alone = isinstance(error, NoModules) and also(place)
                if place == path and not alone:
                    raise
                # Results must not depend on where the class's folder lies.
                told = () if alone else (str(error).replace(str(place), place.name),)
                submissions.append(Submission(_name(place), {}, warnings=told, path=place))
    names = [submission.name for submission in submissions]
    for name in names:
        if names.count(name) > 1:
            raise BadSubmission(
                f"{names.count(name)} submissions are called {name}; rename all but one"
            )
    return submissions


def _name(place: Path) -> str:
    whole = Path(os.path.abspath(place))
    name = whole.name if place.is_dir() else whole.stem
    return name if name not in NO_NAMES else f"submission {place.name}"


def grade(
    submissions: Sequence[Submission],
    exercises: Sequence[Exercise],
    engine: Engine,
    out: Path,
    capstone: Capstone | None = None,
) -> Iterator[Verdict]:
    """Judge each submission and write `OUT/<name>/results.json`, whole or not at all."""
    if len(submissions) > 1:
        engine.prepare(exercises)
        # The banks are all there, and stay: the collector need not go through them again.
        gc.freeze()
    for submission in submissions:
        started = time.monotonic(), time.process_time()
        verdict = engine.verdict(submission, exercises)
        if capstone is not None:
            verdict = capstone.add(verdict, submission)
        folder = out / submission.name
        timing = {
            "wall_seconds": round(time.monotonic() - started[0], 3),
            "grader_cpu_seconds": round(time.process_time() - started[1], 3),
        }
        write(folder / "timing.json", json.dumps(timing, indent=1) + "\n")
        write(folder / "results.json", results_json(verdict))
        yield verdict


def results_json(verdict: Verdict) -> str:
    """The text of results.json."""
    return json.dumps(verdict.to_json(), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def write(file: Path, text: str) -> None:
    """Write a file at one stroke: a reader sees the old one or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
