"""A verdict as annotations on a student's lines, in GitHub's workflow commands."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from autograder.report.plain import file_of, finding_text
from autograder.report.terminal import findings
from autograder.verdict import Verdict

# GitHub shows no more of one kind for a step.
MOST = 10


def commands(verdict: Verdict, sources: Mapping[str, str]) -> list[str]:
    """A command for each function with a finding, at its definition; the first ten."""
    told = []
    for exercise in verdict.exercises:
        if law := next(iter(findings(exercise)), None):
            line = dict(_definitions(sources.get(exercise.topic, ""))).get(exercise.name, 1)
            title = f"{exercise.name}: {law.name}"
            told.append(
                _command(file_of(exercise), line, title, f"{law.says}\n\n{finding_text(law)}")
            )
    return told[:MOST]


def _command(file: str, line: int, title: str, message: str) -> str:
    place = f"file={_property(file)},line={line},title={_property(title)}"
    return f"::error {place}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _definitions(source: str) -> Iterator[tuple[str, int]]:
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node.lineno
