"""Formats for other programs: the same points in all, nothing of a student's takes effect."""

from __future__ import annotations

import base64
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from autograder.report import classroom, github, gradescope, junit, markdown
from autograder.report.formats import FILES
from autograder.verdict import Counterexample, ExerciseResult, LawResult, Verdict

HOSTILE = (
    "```\n<script>alert(1)</script> @everyone [x](http://y)\n::error::z\n##[error]\x1b[31m\ud800"
)
EXAMPLE = Counterexample(
    arguments={"x": np.array([[1.0, 0.0]])},
    yours=np.array([[0.0]]),
    expected=np.array([[1.0]]),
    snippet="print(conv2d(x))",
    where="y[0,0]",
    index=(0, 0),
    printed=HOSTILE,
)


def verdict(message=HOSTILE, name="alice", warnings=()):
    """One of every status, with points that no float holds exactly."""
    laws = (
        LawResult("shape", "the output is (N, O)", "pass", 0.1),
        LawResult(
            "agrees",
            "every value is right",
            "fail",
            0.2,
            message,
            "flipped_kernel",
            "Do not flip.",
            EXAMPLE,
        ),
        LawResult("dtype", "types stay", "error", 0.7, message),
        LawResult("speed", "it is fast", "timeout", 1.0, "more than 2 s"),
        LawResult("fresh", "a second call", "not_run", 0.3),
        LawResult("ours", "we failed", "grader_fault", 0.4, "a bug"),
    )
    stub = (LawResult("agrees", "it agrees", "not_attempted", 2.0),)
    exercises = (
        ExerciseResult("conv2d", "convolution", laws),
        ExerciseResult("relu", "activation", stub),
    )
    return Verdict(name, "public", {"level": "strong"}, exercises, tuple(warnings))


SCORE, MOST = 0.5, 4.7


def test_points_are_the_same_in_every_format():
    made = verdict()
    assert (made.score, made.max_score) == pytest.approx((SCORE, MOST))
    results = json.loads(gradescope.document(made))
    assert results["score"] == pytest.approx(SCORE)
    told = classroom.result(made)
    for tests in (results["tests"], told["tests"]):
        assert sum(test["score"] for test in tests) == pytest.approx(SCORE)
        assert sum(test["max_score"] for test in tests) == pytest.approx(MOST)
    assert told["max_score"] == pytest.approx(MOST)
    root = ET.fromstring(junit.document(made))
    for place in ("testsuite/properties", "testsuite/testcase/properties"):
        for name, total in (("score", SCORE), ("max_score", MOST)):
            values = [p.get("value") for p in root.findall(f"{place}/property[@name='{name}']")]
            assert sum(map(float, values)) == pytest.approx(total)
    assert markdown.document(made).startswith("# 0.5 of 4.7 points\n")


def test_junit_tells_failures_errors_and_what_was_skipped():
    root = ET.fromstring(junit.document(verdict()))
    counts = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "7", "failures": "1", "errors": "3", "skipped": "2"}
    cases = {(c.get("classname"), c.get("name")): c for c in root.iter("testcase")}
    assert len(cases) == 7
    failure = cases["convolution.conv2d", "agrees: every value is right"].find("failure")
    assert failure.get("type") == "fail"
    assert "yours 0    expected 1" in failure.text
    assert "Do not flip." in failure.text
    assert cases["convolution.conv2d", "dtype: types stay"].find("error").get("type") == "error"
    skipped = cases["activation.relu", "agrees: it agrees"].find("skipped")
    assert skipped.get("message") == "not attempted"
    assert {c.get("file") for c in cases.values()} == {
        "exercises/convolution.py",
        "exercises/activation.py",
    }


def test_gradescope_reads_numbers_statuses_and_texts():
    results = json.loads(gradescope.document(verdict(warnings=["hand it in again"])))
    assert "Note: hand it in again." in results["output"]
    assert results["stdout_visibility"] == "hidden"
    first, second, *_ = results["tests"]
    assert (first["number"], first["status"], first["output"]) == ("1.1", "passed", "")
    assert (second["number"], second["status"]) == ("1.2", "failed")
    assert "expected 1" in second["output"]
    assert all(test["visibility"] == "visible" for test in results["tests"])
    assert results["tests"][-1]["output"] == "not attempted"


def test_classroom_gets_one_line_of_base64():
    made = verdict()
    text = classroom.document(made)
    assert re.fullmatch(r"[A-Za-z0-9+/=]+\n", text)
    told = json.loads(base64.b64decode(text))
    assert told == classroom.result(made)
    statuses = [test["status"] for test in told["tests"]]
    assert statuses == ["pass", "fail", "error", "error", "fail", "error", "fail"]


def test_markdown_holds_student_text_in_fences_alone():
    text = markdown.document(verdict(warnings=[HOSTILE]))
    fences = re.findall(r"^(`{3,})text$", text, re.MULTILINE)
    assert len(fences) == 2
    outside = text
    for fence in fences:
        outside = re.sub(rf"(?ms)^{fence}text\n.*?\n{fence}$", "", outside, count=1)
    for words in ("script", "everyone", "http", "alert"):
        assert words in text
        assert words not in outside
    assert "Work this one out on paper, then: `autograder check conv2d`" in outside


def test_markdown_has_a_size_that_is_taken():
    (exercise, _) = verdict().exercises
    many = Verdict("a", "public", {"level": "strong"}, (exercise,) * 500)
    text = markdown.document(many)
    assert len(text) < 65_536
    left = int(re.search(r"(\d+) more functions have findings: see `results.json`", text)[1])
    assert text.count("## conv2d") == 500 - left > 0


def test_annotations_stand_at_the_functions_and_are_ten_at_most():
    sources = {"convolution": "import numpy as np\n\n\ndef conv2d(x):\n    return x\n"}
    (command,) = github.commands(verdict(), sources)
    place, message = re.fullmatch(r"::error ([^:\n]*)::([^\n]*)", command).groups()
    assert place == "file=exercises/convolution.py,line=4,title=conv2d%3A agrees"
    assert "expected 1" in message
    (exercise, _) = verdict().exercises
    many = Verdict("a", "public", {"level": "strong"}, (exercise,) * 30)
    assert len(github.commands(many, sources)) == 10


@pytest.mark.parametrize("source", ["def conv2d(:", "", "x = " + "-" * 5000 + "1", "\0"])
def test_annotations_of_what_is_no_python_stand_at_the_first_line(source):
    (command,) = github.commands(verdict(), {"convolution": source})
    assert "line=1," in command


def test_nothing_hostile_takes_effect():
    made = verdict(name=HOSTILE, warnings=[HOSTILE])
    for file, document in FILES.values():
        text = document(made)
        assert "\x1b" not in text, file
        assert "\ud800" not in text, file
        text.encode("utf-8")
    for command in github.commands(made, {}):
        assert "\n" not in command
        _, *lines = command.replace("%0A", "\n").splitlines()
        assert not [line for line in lines if line.lstrip().startswith("::")]
        assert "##[" not in command


def test_a_right_verdict_has_nothing_to_tell():
    law = LawResult("agrees", "it agrees", "pass", 2.0)
    made = Verdict(
        "a", "public", {"level": "weak"}, (ExerciseResult("relu", "activation", (law,)),)
    )
    assert github.commands(made, {}) == []
    assert "##" not in markdown.document(made)
    assert "weak: for practice" in markdown.document(made)
    assert classroom.result(made)["status"] == "pass"
