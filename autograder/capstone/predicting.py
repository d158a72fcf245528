"""What `autograder capstone predict` does: digits in, answers and their comparison out."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autograder.capstone import images as files
from autograder.capstone import mine
from autograder.capstone import model as models
from autograder.capstone.activations import softmax
from autograder.capstone.mine import Distance, Mine, NoAnswer, Ran
from autograder.capstone.settings import Refused
from autograder.capstone.training import INSTALL, Tell, silent
from autograder.digits import digits as of_the_kit

PLACES = (Path("exercises/capstone/digits.keras"), Path("build/digits.keras"))
LISTED = 20  # digits that get a line each


@dataclass(frozen=True)
class Digits:
    """What is asked: images, their names, and their labels where they are known."""

    images: np.ndarray
    names: tuple[str, ...]
    labels: np.ndarray | None = None


@dataclass(frozen=True)
class Runs:
    """A model run in one way or more; the first is the reference, whose answers have a bound.

    remarks  what could not be run, and what is wrong
    """

    file: Path
    softmax: bool
    asked: Digits
    runs: tuple[Ran, ...]
    distances: tuple[Distance, ...] = ()
    remarks: tuple[str, ...] = ()
    agree: bool = True


def default() -> Path:
    """The model that is run where none is named."""
    return next((place for place in PLACES if place.exists()), PLACES[0])


def digits_of(paths: Sequence[Path], count: int) -> Digits:
    """The digits in these files, or the first of the kit's."""
    if not paths:
        images, labels = of_the_kit()
        every = tuple(f"digit {number}" for number in range(count))
        return Digits(images[:count], every, labels[:count])
    found: list[np.ndarray] = []
    names: list[str] = []
    for path in paths:
        some = files.read(path)
        found.append(some)
        names += [path.name] if len(some) == 1 else [f"{path.name} {n}" for n in range(len(some))]
    return Digits(np.concatenate(found), tuple(names))


def run(
    file: Path,
    asked: Digits,
    exercises: Path | None = None,
    keras: bool = False,
    tell: Tell = silent,
) -> Runs:
    """Run a model by the reference; by the layers in `exercises`, if given, and by Keras.

    Keras is run where it is asked for, and beside the student's layers where it is installed.
    """
    from autograder import catalog
    from autograder.capstone import weights
    from autograder.isolation import ladder

    if not file.exists() and not file.is_symlink():
        raise Refused(f"there is no {file}; train one, or name another with --model")
    if not _has("h5py"):
        raise Refused(f"reading a model needs h5py, which is not installed: {INSTALL}")
    topics = frozenset(topic.name for topic in catalog.topics())
    own = None if exercises is None else mine.sources(exercises, topics)
    with_keras = _has("tensorflow")
    workers = weights.server()
    try:
        model = models.read(file, workers)
    finally:
        workers.close()
    tell(0, 0, "the reference at work")
    compared = own is not None or keras
    exact, bound = mine.bounds(model, asked.images) if compared else (np.zeros(0), np.zeros(0))
    reference = mine.by_reference(model, asked.images, exact)
    runs = [reference]
    remarks: list[str] = []
    if not compared:
        return Runs(file, model.ends_in_softmax, asked, tuple(runs))
    if with_keras or keras:
        tell(0, 0, "Keras at work")
        runs.append(mine.by_keras(file, asked.images))
    else:
        remarks.append(f"Keras is left out, since TensorFlow is not installed: {INSTALL}")
    written = True
    if own is not None:
        server = ladder.best(mine.LIMITS)
        try:
            with Mine(own, server) as student:
                written, found = _by_student(student, model, asked.images, reference, bound, tell)
                runs += [] if isinstance(found, str) else [found[0]]
                remarks += [found] if isinstance(found, str) else found[1]
        finally:
            server.close()
    distances = tuple(mine.distance(ran, reference, bound) for ran in runs[1:])
    agree = written and all(apart.agrees for apart in distances)
    return Runs(file, model.ends_in_softmax, asked, tuple(runs), distances, tuple(remarks), agree)


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _by_student(
    student: Mine,
    model: models.Model,
    images: np.ndarray,
    reference: Ran,
    bound: np.ndarray,
    tell: Tell,
) -> tuple[bool, str | tuple[Ran, list[str]]]:
    """Whether there are answers: these, and what is wrong with them; or why there are none."""
    try:
        ran = student.run(model, images, tell)
    except NoAnswer as why:
        return False, f"Your layers give no answers: {why}."
    remarks = []
    apart = mine.distance(ran, reference, bound)
    if not apart.agrees:
        tell(0, 0, "which layer it is")
        known = mine.misreading(model, images, ran.exact)
        remarks.append(known or mine.first_wrong_layer(student, model, images))
    if trouble := mine.fold_trouble(student, model):
        remarks.append(f"fold_batch_norm is wrong by itself: {trouble}")
    return True, (ran, [f"Your layers: {remark}." for remark in remarks if remark])


# --- what is printed


def told(runs: Runs) -> str:
    """All of it as text, at most 80 columns wide."""
    count = len(runs.asked.images)
    lines = []
    if runs.asked.labels is None or count <= LISTED:
        lines += _answers(runs)
    if runs.asked.labels is not None:
        right = (runs.runs[0].answers.argmax(axis=1) == runs.asked.labels).mean()
        told = f"{right:.1%} of {count:,} of the kit's digits are read rightly by {runs.file}"
        lines += _wrapped(told)
    if not runs.distances:
        lines.append(f"by the reference in {runs.runs[0].seconds:.2f} CPU seconds")
    else:
        lines += ["", *_table(runs)]
    for remark in runs.remarks:
        lines += ["", *_wrapped(remark)]
    return "\n".join(lines)


def _answers(runs: Runs) -> list[str]:
    answers = runs.runs[0].answers
    shares = answers if runs.softmax else softmax(answers)
    width = min(max(map(len, runs.asked.names)), 40)
    lines = []
    for number, (name, row) in enumerate(zip(runs.asked.names, shares, strict=True)):
        first, second = np.argsort(-row, kind="stable")[:2]
        line = (
            f"{name[:40]:{width}}  {first}  {row[first]:6.1%}   then {second}  {row[second]:6.1%}"
        )
        if runs.asked.labels is not None and runs.asked.labels[number] != first:
            line += f"   it is {runs.asked.labels[number]}"
        lines.append(line)
    return lines


def _table(runs: Runs) -> list[str]:
    head = f"{len(runs.asked.images):,} digits"
    lines = [
        f"{head:<17}{'CPU s':>8}{'same class':>13}{'largest difference':>21}{'in float64':>13}"
    ]
    for ran, apart in zip(runs.runs, (None, *runs.distances), strict=True):
        line = f"{ran.name:<17}{ran.seconds:>8.2f}"
        if apart is not None:
            line += f"{apart.alike:>13,}{apart.largest:>21.1e}{apart.exact:>13.1e}"
        lines.append(line)
    lines.append("")
    for ran, apart in zip(runs.runs[1:], runs.distances, strict=True):
        lines += _wrapped(_judged(ran, apart, runs))
    return lines


def _judged(ran: Ran, apart: Distance, runs: Runs) -> str:
    name = ran.name[0].upper() + ran.name[1:]
    if apart.proven:
        return (
            f"{name}: no float64 answer lies further from the reference's than rounding explains, "
            f"which is {apart.bound:.1e} at most."
        )
    if apart.agrees:
        return (
            f"{name}: the answers are those of the reference but for rounding in float32. Given "
            "float64 it should compute in float64; then the bound could be proven too."
        )
    first = apart.beyond[:5]
    names = ", ".join(runs.asked.names[digit] for digit in first)
    more = f" and {len(apart.beyond) - len(first):,} more" if len(apart.beyond) > 5 else ""
    digit, label = apart.where
    there, wanted = ran.exact[digit, label], runs.runs[0].exact[digit, label]
    return (
        f"{name}: the answers for {len(apart.beyond):,} of {len(runs.asked.images):,} digits "
        f"are others than the reference's ({names}{more}). The largest difference: "
        f"{runs.asked.names[digit]}, class {label}: {there:.6g} in place of {wanted:.6g}."
    )


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 80)
