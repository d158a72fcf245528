"""Runs a function on cases, an assert for each: what a test of nbgrader or otter-grader calls.

This file is copied beside the submission, where NumPy is all that it has, and so are the cases, a
file for each function. It ends at the first assert that fails, as such tests do, and notes how many
there were.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

NOTES = "ASSERTS_NOTED_IN"


def check(name: str, function: Callable[..., Any]) -> None:
    """Assert that the function gives what is expected on every case in its file."""
    given = pickle.loads((Path(__file__).parent / f"{name}.pickle").read_bytes())
    ran, right = 0, 0
    try:
        for arguments, expected, allowed in given:
            ran += 1
            one(function, arguments, expected, allowed)
        right = 1
    finally:
        with open(os.environ[NOTES], "a", encoding="utf-8") as notes:
            notes.write(f"{name} {ran} {right}\n")


def one(function: Callable[..., Any], arguments: list[Any], expected: Any, allowed: Any) -> None:
    """One case; a seed stands for a generator, and the class ValueError for a refusal."""
    arguments = [
        np.random.default_rng(value) if isinstance(value, np.random.SeedSequence) else value
        for value in arguments
    ]
    if expected is ValueError:
        try:
            function(*arguments)
        except ValueError:
            return
        raise AssertionError("no ValueError")
    assert same(function(*arguments), expected, allowed)


def same(answer: Any, expected: Any, allowed: Any) -> bool:
    """Whether an answer is the expected value, within the error that is allowed."""
    if isinstance(expected, dict):
        if allowed == float("inf"):
            return isinstance(answer, dict)
        return answer.keys() == expected.keys() and all(
            same(answer[k], e, allowed[k] if isinstance(allowed, dict) else allowed)
            for k, e in expected.items()
        )
    if isinstance(expected, tuple | list):
        each = allowed if isinstance(allowed, tuple | list) else [allowed] * len(expected)
        return len(answer) == len(expected) and all(map(same, answer, expected, each))
    if isinstance(expected, np.ndarray):
        # Most answers are right to the bit, and allclose takes ten times as long to say so.
        return answer.shape == expected.shape and (
            bool((answer == expected).all())
            or np.allclose(answer, expected, rtol=0, atol=allowed, equal_nan=True)
        )
    if isinstance(expected, str) or expected is None:
        return bool(answer == expected)
    return bool(answer == expected or abs(answer - expected) <= allowed)
