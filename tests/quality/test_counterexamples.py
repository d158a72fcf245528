"""Counterexamples are small: measured on mutants of the answer key, a fixed sample of them.

    pytest tests/quality -s

prints the table of docs/counterexamples.md.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import importlib.metadata
import platform
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from autograder import catalog
from autograder.audit import twin
from autograder.audit.audit import MutantTask, notes, tasks
from autograder.engine import Engine
from autograder.outline import numbers_in
from autograder.submissions import Submission

MUTANTS = 8  # of each exercise
SMALL, QUICK = 16, 2
ENOUGH = 0.95


@dataclass(frozen=True)
class Example:
    """What is shown of a mutant: of its first failing law.

    numbers   those to be read in the counterexample
    seconds   CPU seconds of judging the function, and of finding the examples of all failing laws
    """

    exercise: str
    mutant: str
    law: str
    numbers: int
    seconds: float


def sample():
    """The same mutants every time, by turns from each operator."""
    exercises = catalog.exercises()
    equivalent = notes([exercise.name for exercise in exercises])
    of = defaultdict(lambda: defaultdict(list))
    for task in tasks(exercises, None, 0):
        if isinstance(task, MutantTask) and task.mutant.identity not in equivalent:
            of[task.exercises[0]][task.mutant.operator].append(task)
    for exercise in exercises:
        operators = of[exercise.name]
        shuffled = sorted((sorted(group, key=by_hash) for group in operators.values()), key=first)
        turns = (task for turn in zip_longest(*shuffled) for task in turn if task is not None)
        yield from (task for task, _ in zip(turns, range(MUTANTS), strict=False))


def by_hash(task):
    return hashlib.sha256(task.mutant.identity.encode()).hexdigest()


def first(group):
    return by_hash(group[0])


def example_of(task, engine, texts):
    """What a student would be shown; of a helper, in the first exercise that shows its mutant."""
    submission = Submission("mutant", {**texts, task.mutant.module: task.mutant.source})
    for exercise in catalog.select(task.exercises):
        before = time.process_time() + engine.server.usage()
        with engine.session(submission) as session:
            laws = engine.judge(exercise, session).laws
        seconds = time.process_time() + engine.server.usage() - before
        for law in laws:
            assert law.status != "grader_fault", law.message
            if law.status not in ("pass", "not_run"):
                shown = law.counterexample.arguments if law.counterexample else {}
                return Example(
                    exercise.name, task.mutant.identity, law.name, numbers_in(shown), seconds
                )
    return None


@pytest.fixture(scope="module")
def examples():
    engine = Engine.of()
    texts = twin.sources()
    for exercise in catalog.exercises():
        engine.banks.of(exercise)  # drawn once, and then kept on the disk: no part of a check
    with contextlib.closing(engine.server):
        found = [example_of(task, engine, texts) for task in sample()]
    return [example for example in found if example is not None]


def table(examples):
    """The figures, in Markdown."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "hypothesis")]
    lines = [
        f"{datetime.date.today()}; {processor()}; Python {platform.python_version()}, "
        f"{', '.join(versions)}.",
        "",
        f"| function | mutants | at most {SMALL} numbers | most | median seconds | 95 % within |",
        "|---|---|---|---|---|---|",
    ]
    of = defaultdict(list)
    for example in examples:
        of[f"`{example.exercise}`"].append(example)
    for name, group in [*of.items(), ("**all**", examples)]:
        small = sum(example.numbers <= SMALL for example in group)
        share = f"{small / len(group):.1%}" if group is examples else str(small)
        most = max(example.numbers for example in group)
        seconds = [example.seconds for example in group]
        usual, nearly_all = median(seconds), np.percentile(seconds, 95)
        lines.append(
            f"| {name} | {len(group)} | {share} | {most} | {usual:.2f} | {nearly_all:.2f} |"
        )
    both = sum(e.numbers <= SMALL and e.seconds <= QUICK for e in examples) / len(examples)
    lines += ["", f"At most {SMALL} numbers, and in {QUICK} CPU seconds: {both:.1%}."]
    return "\n".join(lines)


def processor():
    """The machine's processor by name, where the kernel tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(": ")[2]
    return platform.machine()


@pytest.mark.slow
def test_nearly_every_counterexample_is_small(examples):
    print(f"\n{table(examples)}")
    assert len(examples) > 300
    for example in examples:
        if example.numbers > SMALL:
            print(f"\n{example.numbers} numbers: {example.law} of {example.mutant}")
    assert sum(example.numbers <= SMALL for example in examples) >= ENOUGH * len(examples)
