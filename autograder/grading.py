"""Grades submissions one after the other; each result is written as soon as it is ready."""

from __future__ import annotations

import gc
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.engine import Engine
from autograder.isolation.limits import DEFAULT, Limits
from autograder.spec import Exercise
from autograder.submissions import NO_NAMES, BadSubmission, Submission, find, read
from autograder.verdict import Verdict


def collect(
    paths: Sequence[Path], topics: frozenset[str], limits: Limits = DEFAULT
) -> list[Submission]:
    """Read every submission at these paths.

    A path that was named must be a submission; in a folder of submissions one that cannot be read
    is graded as empty, with a warning, and does not stop the others.
    """
    submissions: list[Submission] = []
    for path in paths:
        for place in find(path, topics):
            try:
                submissions.append(read(place, topics, limits))
            except BadSubmission as error:
                if place == path:
                    raise
                # Results must not depend on where the class's folder lies.
                told = str(error).replace(str(place), place.name)
                name = place.stem if place.stem not in NO_NAMES else f"submission {place.name}"
                submissions.append(Submission(name, {}, warnings=(told,)))
    names = [submission.name for submission in submissions]
    for name in names:
        if names.count(name) > 1:
            raise BadSubmission(
                f"{names.count(name)} submissions are called {name}; rename all but one"
            )
    return submissions


def grade(
    submissions: Sequence[Submission], exercises: Sequence[Exercise], engine: Engine, out: Path
) -> Iterator[Verdict]:
    """Judge each submission and write `OUT/<name>/results.json`, whole or not at all."""
    if len(submissions) > 1:
        engine.prepare(exercises)
        # The banks are all there, and stay: the collector need not go through them again.
        gc.freeze()
    for submission in submissions:
        started = time.monotonic(), time.process_time()
        verdict = engine.verdict(submission, exercises)
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
