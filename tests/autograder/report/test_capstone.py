"""The capstone's screen: every part with its points, in 80 columns."""

from __future__ import annotations

import io

import numpy as np
from rich.console import Console

from autograder.capstone.figures import Figures
from autograder.capstone.pictures import Digit
from autograder.report.capstone import capstone_line, show_capstone
from autograder.verdict import ExerciseResult, LawResult, Verdict


def screen(*laws, warnings=(), wrong=()):
    verdict = Verdict(
        "alice", "secret", {"level": "strong"}, (ExerciseResult("c", "c", laws),), warnings
    )
    console = Console(file=io.StringIO(), width=80, color_system=None)
    show_capstone(console, verdict, wrong)
    return console.file.getvalue()


def test_parts_are_shown_with_their_points_finding_and_advice():
    told = screen(
        LawResult("valid", "the model loads", "pass", 10.0, "it is small", earned=10.0),
        LawResult("accuracy", "read", "fail", 30.0, "97 % " * 30, advice="more", earned=16.25),
        LawResult("report", "told", "fail", 5.0, "there is no notebook", earned=0.0),
        LawResult("few labels", "learnt", "not_run", 15.0, "was not run here", earned=0.0),
        warnings=("there are 2 notebooks",),
    )
    lines = told.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("alice")
    assert lines[0].endswith("26.25 of 60 points")
    assert "Note: there are 2 notebooks" in told
    assert "  ✓  valid          10 of 10   the model loads" in told
    assert "  ~  accuracy    16.25 of 30   read" in told
    assert "\n     more\n" in told
    assert "  ✗  report" in told
    assert "  –  few labels" in told
    assert "Isolation: strong" in told


def test_a_fault_of_ours_is_told_as_one():
    told = screen(LawResult("valid", "the model loads", "grader_fault", 10.0, "no h5py"))
    assert "10 of 10 points" in told
    assert "no h5py" in told


def test_digits_that_were_read_wrongly_are_drawn_beside_the_accuracy():
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 255
    law = LawResult("accuracy", "read", "fail", 30.0, "97 %", earned=16.25)
    told = screen(law, wrong=[Digit(image, 1, 7), Digit(image, 1, None)]).splitlines()
    assert max(map(len, told)) <= 80
    (place,) = [i for i, line in enumerate(told) if "a 1, read as 7" in line]
    assert told[place].rstrip().endswith("a 1, read as nothing")
    assert told[place + 1].split() == ["████", "████"]
    assert told[place + 10].split() == ["████", "████"]
    assert not told[place + 11].strip()


def result(**changes):
    laws = (LawResult("valid", "it loads", "fail", 10.0, "there is no model", earned=0.0),)
    exercises = (ExerciseResult("capstone", "capstone", laws),)
    return Verdict("a" * 40, "secret", {"level": "strong"}, exercises, **changes).to_json()


def test_a_class_has_a_line_each():
    figures = Figures("e", 200, 197, False, {}, 0.1, None, 5, 6).to_json()
    line = capstone_line(result(measured=figures)).plain
    assert line == f"{'a' * 29}…      0 of 10  98.5 % right"
    void = {**figures, "void": True}
    assert capstone_line(result(measured=void)).plain.endswith("98.5 % right, which does not count")
    assert capstone_line(result()).plain.endswith("  there is no model")
    assert capstone_line(result(), kept=True).plain.endswith("  there is no model (kept)")
    assert len(capstone_line({**result(), "submission": "\x1b\n\u202e" * 40}).plain) <= 80
