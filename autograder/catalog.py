"""The catalogue of exercises, read from `autograder/specs`: no list of them all is kept.

A topic is a module, read from top to bottom, or a package, whose `EXERCISES` say the order.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from autograder import specs
from autograder.spec import Exercise

if TYPE_CHECKING:
    from autograder.course import Course


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
            for value in getattr(module, "EXERCISES", vars(module).values())
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


def select(names: Iterable[str], course: Course | None = None) -> tuple[Exercise, ...]:
    """The exercises of these names; a topic's name means all of its exercises.

    A course may leave some out, and give others its own points.
    """
    wanted = list(names)
    known = {exercise.name for exercise in exercises()} | {topic.name for topic in topics()}
    for name in wanted:
        if name not in known:
            import difflib

            close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
            hint = f"; did you mean {close[0]}?" if close else "; see them all in README.md"
            raise UnknownName(f"{name!r} is no exercise and no topic{hint}")
    chosen = [e for e in exercises() if not wanted or e.name in wanted or e.topic in wanted]
    if course is None:
        return tuple(chosen)
    left_out = set(course.without)
    kept = [e for e in chosen if left_out.isdisjoint((e.name, e.topic))]
    for name in wanted:
        if not any(name in (e.name, e.topic) for e in kept):
            raise UnknownName(f"{name!r} is left out of this course")
    return tuple(worth(e, course.points[e.name]) if e.name in course.points else e for e in kept)


def worth(exercise: Exercise, points: float) -> Exercise:
    """The exercise with so many points, shared by its laws as before."""
    laws = [
        dataclasses.replace(law, points=law.points * points / exercise.points)
        for law in exercise.laws
    ]
    return dataclasses.replace(exercise, laws=laws)
