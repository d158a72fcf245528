"""results.json read back: the same reports, and one sentence for what is damaged."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from autograder.isolation.wire import RandomSource
from autograder.report import gradescope, junit, markdown
from autograder.report.html import class_page
from autograder.report.results import write_class, write_student
from autograder.report.student import student_page
from autograder.report.summary import summary
from autograder.results import BadResults, read, results_json, verdicts
from autograder.verdict import Counterexample, ExerciseResult, LawResult, Verdict
from autograder.working import Step
from autograder.writing import write

EXAMPLE = Counterexample(
    {
        "x": np.array([[1.5, np.nan, -np.inf]], np.float32),
        "mask": np.array([True, False]),
        "weights": {"w": np.arange(3), "b": np.zeros(1)},
        "branches": {"1x1": (np.ones((1, 1)), np.zeros(1))},
        "large": np.zeros((30, 30)),
        "stride": (1, (2, 3)),
        "layers": [{"kind": "relu"}],
        "rng": RandomSource(7),
    },
    np.array([[1.0, 2.0]]),
    np.array([[1.0, 1 / 3]]),
    "print(f(x))",
    "y[0,1]",
    (0, 1),
    "1/3",
    (Step("x[0,1] / 3", "1 / 3", "0.333"), Step("the sum", "", "0.333")),
)
LAWS = (
    LawResult("shape", "it has a shape", "pass", 0.1),
    LawResult(
        "agrees", "it agrees", "fail", 2.5, "y is 2", "mean", "This is what you get", EXAMPLE,
        ("y = x / 3",),
    ),
    LawResult(
        "part", "most of it", "fail", 1.0, "half", pattern="All of row 1.", earned=0.5,
        counterexample=replace(EXAMPLE, yours=(1, 2), expected=[1, 2], where="", index=None),
    ),
    LawResult("dtype", "it is a float", "grader_fault", 0.5, "RuntimeError: ours"),
    LawResult("fresh", "it forgets", "not_run", 1.0),
)  # fmt: skip
VERDICT = Verdict(
    "alice",
    "public",
    {"level": "strong", "mechanisms": []},
    (ExerciseResult("conv2d", "convolution", LAWS),),
    ("odd",),
)


@pytest.fixture
def file(tmp_path):
    write(tmp_path / "alice" / "results.json", results_json(VERDICT))
    return tmp_path / "alice" / "results.json"


def test_every_report_is_the_same_from_the_file(file):
    again = read(file)
    assert summary(again) == summary(VERDICT)
    assert class_page([summary(again)]) == class_page([summary(VERDICT)])
    for make in (student_page, gradescope.document, junit.document, markdown.document):
        assert make(again) == make(VERDICT), make


def test_pages_that_are_made_anew_have_the_same_bytes(file, tmp_path):
    names = ("alice/report.html", "index.html", "grades.csv")
    write_class(tmp_path, [write_student(tmp_path, VERDICT)])
    before = [(tmp_path / name).read_bytes() for name in names]
    write_class(tmp_path, [write_student(tmp_path, verdict) for verdict in verdicts(tmp_path)])
    assert [(tmp_path / name).read_bytes() for name in names] == before


def test_results_of_an_earlier_kit_are_read(file):
    """They have no steps, no index and no written values."""
    document = json.loads(file.read_text())
    document["kit"] = "0.0.9"
    for law in document["exercises"][0]["laws"]:
        for key in ("advice", "pattern", "formula"):
            law.pop(key, None)
        for key in ("index", "steps", "written"):
            law.get("counterexample", {}).pop(key, None)
    write(file, json.dumps(document))
    page = student_page(read(file))
    assert "stride = [1, [2, 3]]" in page
    assert "4.1 of" not in page
    assert "1.1 of 5.1" in page


def change(path, value):
    def changed(document):
        *way, last = path
        for key in way:
            document = document[key]
        document[last] = value

    return changed


LAW = ("exercises", 0, "laws", 1)
SHOWN = (*LAW, "counterexample")


@pytest.mark.parametrize(
    "damage",
    [
        change(("schema",), "other/1"),
        change(("submission",), 3),
        change(("submission",), "bob"),
        change(("score",), 4.0),
        change(("score",), True),
        change(("exercises",), None),
        change(("exercises", 0, "laws"), []),
        change(("isolation",), {}),
        change((*LAW, "status"), "great"),
        change((*LAW, "score"), 3.0),
        change((*LAW, "score"), -1),
        change((*LAW, "message"), ["a"]),
        change((*LAW, "formula"), [1]),
        change((*SHOWN, "steps"), [["a"]]),
        change((*SHOWN, "index"), ["a"]),
        change((*SHOWN, "arguments"), 1),
        change((*SHOWN, "arguments", "x", "values"), [1]),
        change((*SHOWN, "arguments", "x", "dtype"), "object?"),
        change((*SHOWN, "arguments", "x", "shape"), [10**9, 10**9]),
        lambda document: document.pop("score"),
    ],
)
def test_what_is_damaged_is_one_sentence(damage, file, tmp_path):
    document = json.loads(file.read_text())
    damage(document)
    file.write_text(json.dumps(document))
    with pytest.raises(BadResults) as caught:
        list(verdicts(tmp_path))
    assert re.fullmatch(rf"{re.escape(str(file))} \S[^\n]*", str(caught.value))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 10**5, '{"schema": NaN}', "\xff"])
def test_what_is_no_results_at_all(text, file):
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadResults, match=re.escape(str(file))):
        read(file)


def test_folders_without_results(tmp_path):
    with pytest.raises(BadResults, match="there is no folder"):
        list(verdicts(tmp_path / "none"))
    with pytest.raises(BadResults, match="holds no results"):
        list(verdicts(tmp_path))
