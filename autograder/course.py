"""A course's own settings: the file `course.toml`, read and checked.

    [limits]                        # any of isolation/limits.py
    call_seconds = 4

    [points]                        # of an exercise; its laws share them as before
    conv2d = 12

    [due]                           # of a topic or an exercise, with its offset from UTC
    pooling = 2027-03-01T23:59:00+01:00

    [release]                       # exercises and topics that this course does not have
    without = ["grouped_conv2d", "keras_bridge"]

    [capstone]                      # its exam, beside this file; or "practice", which is public
    exam = "exam.npz"

What is not named stays as it is. The capstone is an exercise too: `capstone`.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from autograder.isolation.limits import DEFAULT, MIB, Limits

FILE = "course.toml"
# Below these no worker could start, or no call could be answered.
LEAST: dict[str, float] = {
    "memory_bytes": 256 * MIB,
    "stack_bytes": MIB,
    "open_files": 16,
    "wall_factor": 1,
    "file_bytes": 0,
    "printed_chars": 0,
    "message_chars": 0,
}
MOST: dict[str, float] = {"patience": 1}
TABLES = ("limits", "points", "due", "release", "capstone")
CAPSTONE, PRACTICE = "capstone", "practice"
MOST_POINTS = 1000


class BadCourse(ValueError):
    """The settings cannot be used; the message says where and why."""


@dataclass(frozen=True)
class Course:
    """What a course sets for itself.

    exam  the capstone's: a file, or the word for the one that everybody has; empty for none
    """

    limits: Limits = DEFAULT
    points: Mapping[str, float] = field(default_factory=dict)
    due: Mapping[str, datetime] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    exam: str = ""


def find(folder: Path) -> Course:
    """The course whose settings lie in this folder; one without settings, if none do."""
    file = folder / FILE
    return load(file) if file.exists() else Course()


def load(file: Path) -> Course:
    """Read a course's settings. BadCourse, or OSError where there is no such file."""
    try:
        settings = tomllib.loads(file.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadCourse(f"{file} is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise BadCourse(f"{file} is not TOML: {error}") from error
    _known(file, settings, list(TABLES), "")
    tables = {name: settings.get(name, {}) for name in TABLES}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise BadCourse(f"{file}: {name} must be a table, [{name}]")
    return Course(
        limits=_limits(file, tables["limits"]),
        points=_points(file, tables["points"]),
        due=_due(file, tables["due"]),
        without=_without(file, tables["release"]),
        exam=_exam(file, tables["capstone"]),
    )


def dumps(course: Course) -> str:
    """The text of a file of these settings."""
    limits = dataclasses.asdict(course.limits).items() - dataclasses.asdict(DEFAULT).items()
    tables: dict[str, Mapping[str, object]] = {
        "limits": dict(sorted(limits)),
        "points": course.points,
        "due": {name: moment.isoformat() for name, moment in course.due.items()},
        "release": {"without": json.dumps(list(course.without))} if course.without else {},
        "capstone": {"exam": json.dumps(course.exam)} if course.exam else {},
    }
    return "\n".join(
        "".join([f"[{name}]\n", *(f"{key} = {value}\n" for key, value in table.items())])
        for name, table in tables.items()
        if table
    )


def _points(file: Path, table: dict[str, Any]) -> dict[str, float]:
    if table:
        _named(file, table, "points", topics=False)
    for name, value in table.items():
        if type(value) not in (int, float):
            raise BadCourse(f"{file}: points.{name} must be a number; it is {value!r}")
        if not (math.isfinite(value) and 0 < value <= MOST_POINTS):
            span = f"above 0 and at most {MOST_POINTS}"
            raise BadCourse(f"{file}: points.{name} must be {span}; it is {value}")
    return {name: float(value) for name, value in table.items()}


def _due(file: Path, table: dict[str, Any]) -> dict[str, datetime]:
    if table:
        _named(file, table, "due", topics=True)
    for name, value in table.items():
        if not isinstance(value, datetime) or value.tzinfo is None:
            example = "2027-03-01T23:59:00+01:00"
            raise BadCourse(
                f"{file}: due.{name} must be a date and time with its offset, such as {example}; "
                f"it is {value!s}"
            )
    return dict(table)


def _without(file: Path, table: dict[str, Any]) -> tuple[str, ...]:
    _known(file, table, ["without"], "release.")
    names = table.get("without", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadCourse(f"{file}: release.without must be a list of names; it is {names!r}")
    if names:
        _named(file, names, "release.without", topics=True)
    return tuple(names)


def _exam(file: Path, table: dict[str, Any]) -> str:
    _known(file, table, ["exam"], "capstone.")
    named = table.get("exam", "")
    if not isinstance(named, str):
        raise BadCourse(f"{file}: capstone.exam must be the name of a file; it is {named!r}")
    return named if named in ("", PRACTICE) else str(file.parent.resolve() / named)


def _named(file: Path, names: Iterable[str], place: str, topics: bool) -> None:
    """Each must be the name of an exercise, or of a topic where that is allowed."""
    from autograder import catalog  # the specs take a while, and most courses name none

    known = {exercise.name for exercise in catalog.exercises()} | {CAPSTONE}
    known |= {topic.name for topic in catalog.topics()} if topics else set()
    kind = "no exercise and no topic" if topics else "no exercise"
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BadCourse(f"{file}: {place} names {name!r}, which is {kind}{hint}")


def _limits(file: Path, table: dict[str, Any]) -> Limits:
    kinds = {field.name: type(getattr(DEFAULT, field.name)) for field in dataclasses.fields(Limits)}
    _known(file, table, list(kinds), "limits.")
    values = {}
    for name, value in table.items():
        if type(value) not in (int, float) or (kinds[name] is int and type(value) is not int):
            wanted = "a whole number" if kinds[name] is int else "a number"
            raise BadCourse(f"{file}: limits.{name} must be {wanted}; it is {value!r}")
        least = LEAST.get(name, 0.001 if kinds[name] is float else 1)
        most = MOST.get(name, 2**40)
        if not least <= value <= most:
            span = f"from {least:.15g} to {most:.15g}"
            raise BadCourse(f"{file}: limits.{name} must be {span}; it is {value}")
        values[name] = kinds[name](value)
    return dataclasses.replace(DEFAULT, **values)


def _known(file: Path, table: dict[str, Any], names: list[str], prefix: str) -> None:
    for name in table:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1) or names
            raise BadCourse(f"{file}: there is no setting {prefix}{name}; did you mean {near[0]}?")
