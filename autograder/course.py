"""A course's own settings: the file `course.toml`, read and checked.

    [limits]
    call_seconds = 4
    memory_bytes = 4_294_967_296

Every limit of `isolation/limits.py` can be set; what is not named stays as it is there.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from dataclasses import dataclass
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


class BadCourse(ValueError):
    """The settings cannot be used; the message says where and why."""


@dataclass(frozen=True)
class Course:
    """What a course sets for itself."""

    limits: Limits = DEFAULT


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
    _known(file, settings, ["limits"], "")
    table = settings.get("limits", {})
    if not isinstance(table, dict):
        raise BadCourse(f"{file}: limits must be a table, [limits]")
    return Course(limits=_limits(file, table))


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
