"""The right solution that mutants are made from: its modules, and who uses which function."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import reference
from autograder.spec import Exercise

Named = ast.FunctionDef | ast.ClassDef | ast.alias
Key = tuple[str, str]  # a function: its module and name


def sources() -> dict[str, str]:
    """The modules of the answer key by name."""
    folder = Path(reference.__file__).parent / "pure"
    return {file.stem: file.read_text("utf-8") for file in sorted(folder.glob("[!_]*.py"))}


def functions(texts: Mapping[str, str]) -> dict[Key, ast.FunctionDef]:
    """The functions at the top of all modules."""
    return {
        (module, node.name): node
        for module, text in texts.items()
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }


def has(texts: Mapping[str, str], exercise: Exercise) -> bool:
    """Whether a submission of these modules attempts the exercise: it may be the older one."""
    return exercise.name in _names(texts.get(exercise.topic, ""))


@cache
def _names(text: str) -> frozenset[str]:
    """Every name in a module: of functions and classes, imported or assigned."""
    nodes = list(ast.walk(ast.parse(text)))
    defined = {node.name for node in nodes if isinstance(node, Named)}
    return frozenset(defined | {node.id for node in nodes if isinstance(node, ast.Name)})


def users(texts: Mapping[str, str], exercises: Sequence[Exercise]) -> dict[Key, list[str]]:
    """For each function the exercises that judge it, in the order of the lessons.

    An exercise's function is judged by that exercise; any other one by all exercises whose
    functions call it, directly or not.
    """
    calls = _calls(texts)
    own = {(exercise.topic, exercise.name): [exercise.name] for exercise in exercises}
    found: dict[Key, list[str]] = {}
    for start, (name,) in own.items():
        waiting, reached = [start], {start}
        while waiting:
            new = calls.get(waiting.pop(), set()) - reached
            reached |= new
            waiting += new
        for key in reached:
            found.setdefault(key, []).append(name)
    return {**found, **own}


def _calls(texts: Mapping[str, str]) -> dict[Key, set[Key]]:
    """Which functions each function names."""
    known = functions(texts)
    calls: dict[Key, set[Key]] = {}
    for module, text in texts.items():
        meant = {name: (module, name) for home, name in known if home == module}
        for node in ast.parse(text).body:
            if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
                meant |= {a.asname or a.name: (node.module, a.name) for a in node.names}
        for name in [name for home, name in known if home == module]:
            names = {n.id for n in ast.walk(known[module, name]) if isinstance(n, ast.Name)}
            calls[module, name] = {meant[n] for n in names & meant.keys()}
    return calls
