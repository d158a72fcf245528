"""results.json: the text of a verdict, and the verdict read back from it, believing none of it.

What a student's code printed is not in the file, and of large arrays only their outline is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from autograder.verdict import (
    SCHEMA,
    Counterexample,
    ExerciseResult,
    LawResult,
    Status,
    Verdict,
)
from autograder.working import Step

FILE = "results.json"
STATUSES = get_args(Status)
# Points are sums of floats, rounded.
NEAR = 1e-6


class BadResults(ValueError):
    """A file that holds no results; the message is one sentence that says why."""


@dataclass(frozen=True)
class Written:
    """A value of which only the text is known."""

    text: str

    def __str__(self) -> str:
        return self.text


def results_json(verdict: Verdict) -> str:
    """The text of results.json."""
    return json.dumps(verdict.to_json(), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def files(folder: Path) -> list[Path]:
    """The results in a folder that `grade` wrote, in the order of the names."""
    if not folder.is_dir():
        raise BadResults(f"there is no folder {folder}")
    found = sorted(folder.glob(f"*/{FILE}"))
    if not found:
        raise BadResults(f"{folder} holds no results: no {FILE} in any of its folders")
    return found


def read(file: Path) -> Verdict:
    """The verdict in a file."""
    try:
        document = json.loads(file.read_bytes(), parse_constant=_refuse)
    except OSError as error:
        raise BadResults(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BadResults(f"{file} is no JSON: {error}") from error
    found = document.get("schema") if isinstance(document, dict) else None
    if found != SCHEMA:
        raise BadResults(f"{file} is not of the form {SCHEMA}; grade that submission again")
    try:
        verdict = _verdict(document)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        told = f"{error} is missing" if isinstance(error, KeyError) else error
        raise BadResults(f"{file} is damaged: {told}; grade that submission again") from error
    if verdict.submission != file.parent.name:
        raise BadResults(
            f"{file} tells of another submission: {verdict.submission!r}; each has its own folder"
        )
    return verdict


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _verdict(document: dict[str, Any]) -> Verdict:
    verdict = Verdict(
        _text(document["submission"]),
        _text(document["seed"]),
        {**document["isolation"], "level": _text(document["isolation"]["level"])},
        tuple(_exercise(entry) for entry in document["exercises"]),
        tuple(map(_text, document.get("warnings", ()))),
    )
    for name in ("score", "max_score"):
        if abs(_number(document[name]) - getattr(verdict, name)) > NEAR:
            raise ValueError(f"the points of its laws do not add up to its {name}")
    return verdict


def _exercise(entry: dict[str, Any]) -> ExerciseResult:
    laws = tuple(_law(law) for law in entry["laws"])
    if not laws:
        raise ValueError(f"{entry['name']!r} has no laws")
    return ExerciseResult(_text(entry["name"]), _text(entry["topic"]), laws)


def _law(entry: dict[str, Any]) -> LawResult:
    status, score, most = entry["status"], _number(entry["score"]), _number(entry["max_score"])
    if status not in STATUSES:
        raise ValueError(f"{status!r} is no status")
    if not 0 <= score <= most + NEAR:
        raise ValueError(f"{score:g} points of {most:g}")
    texts = {
        key: _text(entry.get(key, "")) for key in ("message", "misconception", "advice", "pattern")
    }
    example = entry.get("counterexample")
    return LawResult(
        _text(entry["name"]),
        _text(entry["says"]),
        status,
        most,
        **texts,
        counterexample=None if example is None else _counterexample(example),
        formula=tuple(map(_text, entry.get("formula", ()))),
        earned=score,
    )


def _counterexample(entry: dict[str, Any]) -> Counterexample:
    written = {name: Written(_text(text)) for name, text in entry.get("written", {}).items()}

    def value(name: str, given: Any) -> Any:
        return written.get(name, _value(given))

    index = entry.get("index")
    return Counterexample(
        {name: value(name, given) for name, given in entry["arguments"].items()},
        value("yours", entry["yours"]),
        value("expected", entry["expected"]),
        _text(entry["snippet"]),
        _text(entry.get("where", "")),
        None if index is None else tuple(int(i) for i in index),
        _text(entry.get("working", "")),
        tuple(Step(*map(_text, step)) for step in entry.get("steps", ())),
    )


def _value(given: Any) -> Any:
    """A value as it was before `plain`, as far as JSON keeps it."""
    if isinstance(given, dict):
        if given.keys() >= {"shape", "dtype", "values"}:
            return _array(given)
        return {name: _value(item) for name, item in given.items()}
    if isinstance(given, list):
        return [_value(item) for item in given]
    return given


def _array(entry: dict[str, Any]) -> Any:
    shape, dtype = tuple(int(n) for n in entry["shape"]), np.dtype(_text(entry["dtype"]))
    if "cut" in entry:
        return Written(_text(entry.get("written", f"an array of shape {shape}")))
    if dtype.kind not in "biuf":
        return Written(f"an array of shape {shape} ({dtype})")
    # NaN and the infinities are written as words.
    read = float if dtype.kind == "f" else int
    return np.array([read(v) for v in entry["values"]], dtype).reshape(shape)


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError(f"{given!r:.40} should be a text")
    return given


def _number(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise ValueError(f"{given!r:.40} should be a number")
    return float(given)


def verdicts(folder: Path) -> Iterator[Verdict]:
    """Every verdict in a folder of results, one at a time."""
    return map(read, files(folder))
