"""A class's hand-ins of the capstone: found, graded one by one, each written when it is ready."""

from __future__ import annotations

import hashlib
import json
import os
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.capstone import files, grading, handin
from autograder.capstone.examiner import Examiner, conditions
from autograder.capstone.grading import Graded
from autograder.capstone.handin import FOLDERS, MODEL, HandIn
from autograder.capstone.results import read
from autograder.isolation.limits import DEFAULT, Limits
from autograder.journal import kit
from autograder.results import results_json
from autograder.submissions import NO_NAMES, BadSubmission
from autograder.writing import write

RESULTS, KEY, PAGE = "results.json", "grading.json", "report.html"
INDEX, TABLE, BOARD = "index.html", "leaderboard.csv", "leaderboard.html"
RESERVED = (*NO_NAMES, INDEX, TABLE, BOARD)
UNPACK = "unpack it first: a hand-in is a folder or a .keras file"


@dataclass(frozen=True)
class Entry:
    """One hand-in of a class; `unreadable` is why nothing of it can be read."""

    name: str
    path: Path
    unreadable: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of one entry.

    document  its results.json
    ratio     of its losses on test and training digits: for the instructor alone
    graded    None where an earlier result was kept
    """

    document: Mapping[str, Any]
    ratio: float | None
    graded: Graded | None = None


def collect(
    paths: Sequence[Path], limits: Limits = DEFAULT, out: Path | None = None
) -> tuple[list[Entry], list[str]]:
    """The hand-ins at these paths, and what lies beside them and is not graded.

    A path that was named must be a hand-in; in a folder of hand-ins one that cannot be read is
    graded as empty. `out` is no hand-in, wherever it lies.
    """
    entries: list[Entry] = []
    notes: list[str] = []
    for path in paths:
        for place in _find(path, out, notes):
            try:
                name = _named(place, limits)
            except BadSubmission as error:
                if place == path:
                    raise
                name = place.name if place.name not in RESERVED else f"hand-in {place.name}"
                entries.append(Entry(name, place, str(error).replace(str(place), place.name)))
            else:
                entries.append(Entry(name, place))
    names = [entry.name for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise BadSubmission(
                f"{names.count(name)} hand-ins are called {name}; rename all but one"
            )
    return entries, notes


def _named(place: Path, limits: Limits) -> str:
    try:
        name = handin.read(place, limits).name
    except OSError as error:
        raise BadSubmission(f"{place} cannot be read: {error.strerror}") from error
    if name in RESERVED:
        raise BadSubmission(f"{place} has a name that is taken among the results; rename it")
    return name


def _find(path: Path, out: Path | None, notes: list[str]) -> list[Path]:
    """The hand-ins at a path: itself, or those that a folder of hand-ins holds."""
    if not path.exists():
        raise BadSubmission(f"there is no {path}")
    if not path.is_dir():
        if path.suffix != ".keras":
            more = UNPACK if path.suffix == ".zip" else "a folder or a .keras file is"
            raise BadSubmission(f"{path} is no hand-in: {more}")
        return [path]
    if _holds(path):
        return [path]
    children = [child for child in sorted(path.iterdir()) if child.name[:1] not in "._"]
    for child in children:
        if child.suffix == ".zip":
            notes.append(f"{child} is not graded; {UNPACK}")
    # A folder without a model is a hand-in too: its owner is to hear what is missing.
    found = [
        child
        for child in children
        if (child.is_dir() and not _same(child, out)) or child.suffix == ".keras"
    ]
    if not any(child.suffix == ".keras" or _holds(child) for child in found):
        raise BadSubmission(
            f"{path} holds no hand-in: no {MODEL} and no notebook, in it or in its folders"
        )
    return found


def _holds(folder: Path) -> bool:
    """Whether a folder is a hand-in beyond doubt."""
    try:
        return any(
            os.path.lexists(home / MODEL) or any(home.glob("*.ipynb"))
            for home in (folder / place for place in FOLDERS)
            if home == folder or not home.is_symlink()
        )
    except OSError:
        return False


def _same(one: Path, other: Path | None) -> bool:
    return other is not None and one.resolve() == other.resolve()


def examine(examiner: Examiner, entry: Entry) -> Graded:
    """A verdict, whatever happens: what nobody thought of is our fault, and told with its place."""
    isolation = examiner.workers.isolation.to_json()
    told = HandIn(entry.name, entry.path)
    if entry.unreadable:
        return grading.refuse(told, examiner.exam, entry.unreadable, isolation)
    try:
        return examiner.grade(entry.path)
    except BadSubmission as error:
        return grading.refuse(told, examiner.exam, str(error), isolation)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        fault = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
        return grading.failed(told, examiner.exam, fault, isolation)


def grade(
    entries: Sequence[Entry],
    examiner: Examiner,
    out: Path,
    page: Callable[[Graded], str],
    resume: bool = False,
    settings: str = "",
    begin: Callable[[str], None] = lambda name: None,
) -> Iterator[Outcome]:
    """Grade each hand-in and write its results, its page, and last what they were made of.

    With `resume`, what was written of the same hand-in, under the same `settings`, is kept.
    """
    for entry in entries:
        begin(entry.name)
        folder = out / entry.name
        key = fingerprint(entry, examiner, settings)
        kept = _kept(folder, entry.name, key) if resume else None
        if kept is not None:
            yield kept
            continue
        started = time.monotonic(), time.process_time()
        graded = examine(examiner, entry)
        timing = {
            "wall_seconds": round(time.monotonic() - started[0], 3),
            "grader_cpu_seconds": round(time.process_time() - started[1], 3),
        }
        measured = graded.measured.ratio if graded.measured else None
        ratio = None if measured is None else round(measured, 4)
        made = {"key": key, "loss_ratio": ratio}
        write(folder / "timing.json", json.dumps(timing, indent=1) + "\n")
        write(folder / RESULTS, results_json(graded.verdict))
        write(folder / PAGE, page(graded))
        write(folder / KEY, json.dumps(made, indent=1) + "\n")
        yield Outcome(graded.verdict.to_json(), ratio, graded)


def fingerprint(entry: Entry, examiner: Examiner, settings: str = "") -> str:
    """A hash of all that the grade follows from: the hand-in, the exam, the kit."""
    digest = hashlib.sha256()
    for part in (
        kit(),
        *conditions(examiner.exam),
        repr(examiner.limits),
        examiner.workers.isolation.level,
        settings,
        entry.unreadable or files.digest(entry.path, examiner.limits),
    ):
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()


def _kept(folder: Path, name: str, key: str) -> Outcome | None:
    """An earlier result that still holds; a fault of ours is always tried again."""
    try:
        made = json.loads((folder / KEY).read_text("utf-8"))
        document = read(folder / RESULTS)
        if made["key"] != key or document["submission"] != name or not (folder / PAGE).is_file():
            return None
        statuses = {law["status"] for exercise in document["exercises"] for law in exercise["laws"]}
        return None if "grader_fault" in statuses else Outcome(document, made["loss_ratio"])
    except (OSError, ValueError, KeyError, TypeError):  # BadResults is a ValueError
        return None
