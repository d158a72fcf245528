"""What a student sees of some mistakes, kept as text in `screens/` to be read and reviewed.

Where a change of the screens is meant:

    REFILL_SCREENS=1 pytest tests/autograder/report/test_screens.py

writes them anew; read the difference before it is committed.
"""

from __future__ import annotations

import io
import os
import tomllib
from pathlib import Path

import pytest
from rich.console import Console

from autograder.report.terminal import Depth, show_exercise

SCREENS = Path(__file__).parent / "screens"
MISTAKES = [
    "wrong-avgpool-counts-padding",
    "wrong-batch-norm-unbiased-variance",
    "wrong-conv-backward-db-is-a-mean",
    "wrong-conv-first-channel-only",
    "wrong-forward-flattens-channels-last",
    "wrong-output-size-rounds-up",
    "wrong-sliding-windows-as-strided-c-order",
    "wrong-softmax-overflows",
]
OPTIONS = {Depth.SYMPTOM: "", Depth.HINT: " --hint", Depth.EXPLANATION: " --explain"}


@pytest.mark.parametrize("name", MISTAKES)
def test_screens_are_as_they_were_reviewed(name, golden, golden_verdict):
    function = tomllib.loads((golden / name / "expected.toml").read_text())["function"]
    exercise = next(e for e in golden_verdict(name).exercises if e.name == function)
    text = ""
    for depth, option in OPTIONS.items():
        console = Console(file=io.StringIO(), highlight=False, soft_wrap=True, width=80)
        show_exercise(console, exercise, False, depth)
        shown = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())
        assert max(map(len, shown.splitlines())) <= 80
        text += f"$ autograder check {function}{option}\n{shown}\n\n"
    file = SCREENS / f"{name}.txt"
    if "REFILL_SCREENS" in os.environ:
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_every_screen_belongs_to_a_test():
    assert sorted(file.stem for file in SCREENS.iterdir()) == MISTAKES
