"""grades.csv: the points of every other report, and nothing that a spreadsheet would compute."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET

import pytest

from autograder.report import gradescope, junit, markdown
from autograder.report.grades import document
from autograder.report.html import class_page
from autograder.report.spreadsheet import cell
from autograder.report.student import student_page
from autograder.report.summary import summary
from autograder.verdict import ExerciseResult, LawResult, Verdict


def verdict(name, *scores, warnings=()):
    """A function for each score, of 0.7 points each; None is not attempted."""
    exercises = [
        ExerciseResult(
            f"function_{i}",
            "padding",
            (
                LawResult("agrees", "it agrees", "not_attempted", 0.7)
                if score is None
                else LawResult(
                    "agrees", "it agrees", "pass" if score == 0.7 else "fail", 0.7, earned=score
                ),
            ),
        )
        for i, score in enumerate(scores)
    ]
    return Verdict(name, "public", {"level": "strong"}, tuple(exercises), tuple(warnings))


def read(verdicts):
    text = document(map(summary, verdicts))
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_a_line_each_by_name_and_a_column_a_function():
    lines = read([verdict("zoe", 0.7, 0.7), verdict("adam", 0.1, None, warnings=["odd"])])
    assert [line["submission"] for line in lines] == ["adam", "zoe"]
    assert lines[0] == {
        "submission": "adam",
        "status": "not passed",
        "score": "0.1",
        "max_score": "1.4",
        "passed": "0",
        "attempted": "1",
        "warnings": "1",
        "function_0": "0.1",
        "function_1": "0",
    }
    assert (lines[1]["status"], lines[1]["score"], lines[1]["passed"]) == ("passed", "1.4", "2")


def test_every_status():
    fault = LawResult("agrees", "it agrees", "grader_fault", 1.0, "ours")
    broken = Verdict("f", "public", {"level": "strong"}, (ExerciseResult("relu", "a", (fault,)),))
    lines = read([verdict("a", 0.7), verdict("b", 0.2), verdict("c", None), broken])
    assert [line["status"] for line in lines] == [
        "passed",
        "not passed",
        "not attempted",
        "grader fault",
    ]
    # Not judged is not the same as no points.
    assert [line["relu"] for line in lines] == ["", "", "", "1"]


@pytest.mark.parametrize(
    "name",
    [
        "=HYPERLINK(\"http://x\",\"y\")", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1",
        "  =1", "\n=1", "＝1", "a\",=1,\"", "\x00=1", "\u202e=1", "|calc", "\ufeff=1",
    ],
)  # fmt: skip
def test_no_name_is_a_formula(name):
    (line,) = read([verdict(name, 0.7)])
    told = line["submission"]
    assert not told.lstrip().startswith(("=", "+", "-", "@", "＝", "|", "\t"))
    assert not re.search(r"[\x00-\x1f\u202e]", told)
    assert line["score"] == "0.7"


def test_ordinary_names_stay():
    for name in ("Zoë O'Brien", "smith_j-2", "李"):
        assert cell(name) == name


def test_totals_are_equal_everywhere():
    """Points that no float holds exactly, and whose sum is not rounded away."""
    made = verdict("alice", 0.1, 0.2, 0.7, None, 0.3)
    (line,) = read([made])
    functions = [float(value) for name, value in line.items() if name.startswith("function")]
    assert float(line["score"]) == made.score == pytest.approx(sum(functions)) == 1.3
    assert made.to_json()["score"] == 1.3
    assert json.loads(gradescope.document(made))["score"] == 1.3
    assert markdown.document(made).startswith("# 1.3 of 3.5 points\n")
    scores = ET.fromstring(junit.document(made)).findall(
        "testsuite/properties/property[@name='score']"
    )
    assert sum(float(score.get("value")) for score in scores) == pytest.approx(1.3)
    for page in (class_page([summary(made)]), student_page(made)):
        assert "1.3 of 3.5" in page
