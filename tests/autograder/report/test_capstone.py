"""The capstone's screen: every part with its points, in 80 columns."""

from __future__ import annotations

import io

from rich.console import Console

from autograder.report.capstone import show_capstone
from autograder.verdict import ExerciseResult, LawResult, Verdict


def screen(*laws, warnings=()):
    verdict = Verdict(
        "alice", "secret", {"level": "strong"}, (ExerciseResult("c", "c", laws),), warnings
    )
    console = Console(file=io.StringIO(), width=80, color_system=None)
    show_capstone(console, verdict)
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
