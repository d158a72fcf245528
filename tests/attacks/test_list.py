"""The table in README.md says which numbers of the attack list the scenarios here stand for."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from battery import Attempt, Game

HERE = Path(__file__).parent
README = (HERE / "README.md").read_text(encoding="utf-8")
# This file, and the one that runs all others once more, have no scenarios of their own.
OTHERS = {"test_list", "test_ordinary_user"}
FILES = sorted({path.stem for path in HERE.glob("test_*.py")} - OTHERS)
# What a docstring begins with, where a test is a scenario by itself: `14, 61: ...`, `1 to 3: ...`.
TOLD = re.compile(r"\d+(?:(?:, | to )\d+)*(?=: )")


def spelled(text: str) -> set[int]:
    """The numbers that a text such as `1 to 3, 7` names."""
    found = set()
    for part in text.split(", "):
        first, _, last = part.partition(" to ")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def numbers(stem: str) -> set[int]:
    """Those of a file's scenarios."""
    found: set[int] = set()
    for name, value in vars(importlib.import_module(stem)).items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(getattr(item, "numbers", None), tuple):
                found |= set(item.numbers)
        if name == "CALLS":
            found |= set(value)
        if name == "SEARCHES":
            found |= {number for numbers, _ in value.values() for number in numbers}
        if name == "SHADOWS":
            found |= {number for numbers in value for number in numbers}
        told = TOLD.match(value.__doc__ or "") if name.startswith("test_") else None
        found |= spelled(told[0]) if told else set()
    return found


@pytest.mark.parametrize("stem", FILES)
def test_the_table_is_true(stem):
    (row,) = re.findall(rf"^\| `{stem}.py` \|[^|]*\| ([\d, to]+) \|$", README, re.MULTILINE)
    assert spelled(row) == numbers(stem)


def test_what_is_not_there_is_told():
    missing = set(range(1, 111)) - set().union(*map(numbers, FILES))
    told = {int(number) for number in re.findall(r"^- (\d+): ", README, re.MULTILINE)}
    assert told == missing


def test_there_are_enough():
    found = [
        item
        for stem in FILES
        for value in vars(importlib.import_module(stem)).values()
        if isinstance(value, list)
        for item in value
        if isinstance(item, Attempt | Game) or hasattr(item, "numbers")
    ]
    assert len(found) >= 300
