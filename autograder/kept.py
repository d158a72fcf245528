"""The whole of a verdict as text, and back: what results.json leaves out the page needs too.

Values are written as they cross the wire, so nothing is ever unpickled.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

from autograder.isolation import wire
from autograder.verdict import Counterexample, ExerciseResult, LawResult, Verdict
from autograder.working import Step

VALUES = ("arguments", "yours", "expected")


def dumps(verdict: Verdict) -> str:
    """One line; the same verdict gives the same bytes."""
    # How arrays lay in memory is not shown, and depends on whether the case bank was in the cache.
    encoder = wire.Encoder(layouts=False)
    entry = _fields(verdict)
    entry["exercises"] = [_exercise(exercise, encoder) for exercise in verdict.exercises]
    body = base64.b85encode(encoder.body).decode("ascii")
    return json.dumps({"verdict": entry, "body": body}, separators=(",", ":"), allow_nan=False)


def loads(text: str) -> Verdict:
    """A verdict that was kept; a ValueError for anything else."""
    try:
        whole = json.loads(text)
        decoder = wire.Decoder(base64.b85decode(whole["body"]))
        entry = whole["verdict"]
        exercises = tuple(_read_exercise(one, decoder) for one in entry.pop("exercises"))
        warnings = tuple(entry.pop("warnings"))
        return Verdict(**entry, warnings=warnings, exercises=exercises)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no verdict that was kept") from error


def _fields(instance: Any) -> dict[str, Any]:
    return {field.name: getattr(instance, field.name) for field in dataclasses.fields(instance)}


def _exercise(exercise: ExerciseResult, encoder: wire.Encoder) -> dict[str, Any]:
    entry = _fields(exercise)
    entry["laws"] = [_law(law, encoder) for law in exercise.laws]
    return entry


def _law(law: LawResult, encoder: wire.Encoder) -> dict[str, Any]:
    # What is as it always is need not be written.
    entry = {
        field.name: getattr(law, field.name)
        for field in dataclasses.fields(law)
        if getattr(law, field.name) != field.default
    }
    if (example := law.counterexample) is not None:
        shown = _fields(example)
        shown |= {name: encoder.add(shown[name]) for name in VALUES}
        shown["steps"] = [_fields(step) for step in example.steps]
        entry["counterexample"] = shown
    return entry


def _read_exercise(entry: dict[str, Any], decoder: wire.Decoder) -> ExerciseResult:
    laws = tuple(_read_law(law, decoder) for law in entry["laws"])
    return ExerciseResult(entry["name"], entry["topic"], laws)


def _read_law(entry: dict[str, Any], decoder: wire.Decoder) -> LawResult:
    if (shown := entry.get("counterexample")) is not None:
        shown |= {name: decoder.read(shown[name]) for name in VALUES}
        shown["steps"] = tuple(Step(**step) for step in shown["steps"])
        if shown["index"] is not None:
            shown["index"] = tuple(shown["index"])
        entry["counterexample"] = Counterexample(**shown)
    if "formula" in entry:
        entry["formula"] = tuple(entry["formula"])
    return LawResult(**entry)
