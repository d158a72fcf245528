"""The catalogue of exercises, read from the modules in `autograder/specs`: no list is kept."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache

from autograder import specs
from autograder.spec import Exercise


@dataclasses.dataclass(frozen=True)
class Topic:
    """One lesson: a stub module, and the exercises in it in their order."""

    name: str
    lesson: int
    title: str
    exercises: tuple[Exercise, ...]


@cache
def topics() -> tuple[Topic, ...]:
    """All topics, in the order of the lessons."""
    found = []
    for info in pkgutil.iter_modules(specs.__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{specs.__name__}.{info.name}")
        exercises = tuple(
            dataclasses.replace(value, topic=info.name)
            for value in vars(module).values()
            if isinstance(value, Exercise)
        )
        title = (module.__doc__ or "").strip().splitlines()[0].rstrip(".")
        found.append(Topic(info.name, module.LESSON, title, exercises))
    return tuple(sorted(found, key=lambda topic: topic.lesson))


def exercises() -> tuple[Exercise, ...]:
    """All exercises, in the order of the lessons."""
    return tuple(exercise for topic in topics() for exercise in topic.exercises)


class UnknownName(ValueError):
    """A name that is neither an exercise nor a topic."""


def select(names: Iterable[str]) -> tuple[Exercise, ...]:
    """The exercises of these names; a topic's name means all of its exercises."""
    wanted = list(names)
    if not wanted:
        return exercises()
    known = {exercise.name for exercise in exercises()} | {topic.name for topic in topics()}
    for name in wanted:
        if name not in known:
            import difflib

            close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
            hint = f"; did you mean {close[0]}?" if close else "; see them all in README.md"
            raise UnknownName(f"{name!r} is no exercise and no topic{hint}")
    return tuple(e for e in exercises() if e.name in wanted or e.topic in wanted)
