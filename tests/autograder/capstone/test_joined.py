"""The capstone as one more exercise of submissions, through `autograder grade` and its formats."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import xml.etree.ElementTree as ET
from contextlib import closing

import numpy as np
import pytest
from typer.testing import CliRunner

from autograder import cli, jobs
from autograder.capstone import joined, rubric
from autograder.capstone.exam import Exam
from autograder.digits import digits
from autograder.isolation.ladder import GraderFault
from autograder.jobs import Terms
from autograder.report import classroom, gradescope, junit, markdown
from autograder.report.html import class_page
from autograder.report.student import student_page
from autograder.report.summary import summary
from autograder.shell import USAGE
from autograder.submissions import Submission
from autograder.verdict import ExerciseResult, LawResult, Verdict

CODE = "def relu(x):\n    raise NotImplementedError\n"


@pytest.fixture(scope="module")
def exam(tmp_path_factory):
    """A small exam's file."""
    images, labels = digits()
    file = tmp_path_factory.mktemp("exam") / "exam.npz"
    Exam.of((images[:60], labels[:60]), "a secret").save(file)
    return file


@pytest.fixture
def klass(tmp_path, kit):
    """Three submissions: a module and a model, a module, a model alone."""
    folder = tmp_path / "class"
    for name in ("ada", "bob"):
        (folder / name / "exercises").mkdir(parents=True)
        (folder / name / "exercises" / "activation.py").write_text(CODE)
    home = folder / "ada" / "exercises" / "capstone"
    home.mkdir()
    (home / "digits.keras").write_bytes(kit.keras_file())
    (folder / "cy").mkdir()
    (folder / "cy" / "digits.keras").write_bytes(b"no model")
    return folder


def grade(*arguments):
    return CliRunner().invoke(cli.app, ["grade", *map(str, arguments)])


def results(out, name):
    return json.loads((out / name / "results.json").read_text())


def test_it_is_graded_with_all_else(klass, exam, tmp_path):
    out = tmp_path / "out"
    formats = ("junit", "gradescope", "classroom", "markdown")
    options = [option for name in formats for option in ("--format", name)]
    done = grade(
        klass, "--out", out, "--only", "relu", "--only", "capstone", "--capstone", exam, *options
    )
    assert done.exit_code == 0, done.output
    ada, bob, cy = (results(out, name) for name in ("ada", "bob", "cy"))
    assert {one["max_score"] for one in (ada, bob, cy)} == {102.0}
    assert [exercise["name"] for exercise in ada["exercises"]] == ["relu", "capstone"]
    laws = {law["name"]: law for law in ada["exercises"][1]["laws"]}
    assert list(laws) == list(rubric.POINTS)
    assert laws["valid"]["message"].startswith("the model has 3,410 parameters")
    assert {law["status"] for law in bob["exercises"][1]["laws"]} == {"not_attempted"}
    assert "not in Keras' format" in cy["exercises"][1]["laws"][0]["message"]
    assert ada["warnings"] == cy["warnings"] == []
    assert "capstone" in (out / "index.html").read_text()


def test_only_the_capstone_or_all_but_it(klass, exam, tmp_path):
    assert (
        grade(klass, "--out", tmp_path / "a", "--only", "capstone", "--capstone", exam).exit_code
        == 0
    )
    assert results(tmp_path / "a", "ada")["max_score"] == 100
    (tmp_path / "course.toml").write_text(f'[capstone]\nexam = "{exam}"\n[points]\ncapstone = 10\n')
    course = ("--course", tmp_path / "course.toml")
    assert grade(klass, "--out", tmp_path / "b", "--only", "capstone", *course).exit_code == 0
    assert results(tmp_path / "b", "ada")["max_score"] == 10
    assert grade(klass / "ada", "--out", tmp_path / "c", "--only", "relu", *course).exit_code == 0
    assert results(tmp_path / "c", "ada")["max_score"] == 2


def test_a_capstone_that_was_handed_in_again_is_graded_again(klass, exam, tmp_path):
    out = tmp_path / "out"
    options = (klass, "--out", out, "--only", "capstone", "--capstone", exam, "--jobs", 1)
    assert grade(*options).exit_code == 0
    before = results(out, "cy")
    (klass / "cy" / "digits.keras").write_bytes(b"another that is no model")
    done = grade(*options, "--resume")
    assert "2 were graded before, and are as they were" in done.output
    assert results(out, "cy") == before  # the same refusal
    done = grade(*options, "--resume")
    assert "3 were graded before, and are as they were" in done.output


@pytest.mark.slow
def test_several_processes_give_the_same_capstones(klass, exam, tmp_path):
    for count in (1, 2):
        options = ("--only", "relu", "--only", "capstone", "--capstone", exam, "--jobs", count)
        done = grade(klass, "--out", tmp_path / str(count), *options)
        assert done.exit_code == 0, done.output
    one, two = (
        {file.parent.name: file.read_bytes() for file in (tmp_path / n).glob("*/results.json")}
        for n in ("1", "2")
    )
    assert one.keys() == {"ada", "bob", "cy"}
    assert one == two


def test_files_that_are_not_on_the_machine_of_a_job_are_our_fault(exam, tmp_path):
    """A cluster's worker that cannot see the model must not call it missing."""
    terms = Terms(("capstone",), exam=str(exam), exam_key=joined.key(Exam.load(exam)))
    try:
        outcome = jobs.judge(terms, Submission("ada", {}, path=tmp_path / "elsewhere"))
        with pytest.raises(jobs.WrongKit, match="is another exam here"):
            jobs.judge(dataclasses.replace(terms, exam_key="another"), Submission("bob", {}))
    finally:
        jobs.release()
    assert outcome.summary.score == outcome.summary.max_score == 100
    assert "elsewhere is not on this machine" in outcome.summary.faults[0]


def test_without_an_exam_one_note_says_that_there_are_capstones(klass, tmp_path, monkeypatch):
    monkeypatch.setattr("autograder.catalog.select", lambda names, settings=None: ())
    done = grade(klass / "ada", klass / "bob", "--out", tmp_path / "out", "--jobs", 1)
    assert done.exit_code == 0
    assert done.stderr == (
        "autograder: 1 submission holds a capstone, which was not graded: name its exam with "
        "--capstone EXAM.npz\n"
    )
    assert results(tmp_path / "out", "ada")["exercises"] == []


def test_what_is_wrong_is_one_sentence(klass, tmp_path, monkeypatch):
    out = ("--out", tmp_path / "out")
    for options, told in (
        (
            ["--capstone", tmp_path / "none.npz"],
            "none.npz: No such file or directory; make it with",
        ),
        (["--only", "capstone"], "the capstone needs its exam: --capstone EXAM.npz, or --capstone"),
    ):
        done = grade(klass, *out, *options)
        assert done.exit_code == USAGE
        (line,) = done.stderr.splitlines()
        assert told in line
    (tmp_path / "course.toml").write_text("[release]\nwithout = ['capstone']\n")
    course = ("--course", tmp_path / "course.toml", "--capstone", "practice")
    assert "'capstone' is left out of this course" in grade(klass, *out, *course).stderr

    def no_h5py(*arguments):
        raise GraderFault("h5py is not installed")

    monkeypatch.setattr(joined, "Capstone", no_h5py)
    done = grade(klass, *out, "--only", "capstone", "--capstone", "practice", "--jobs", 1)
    assert (done.exit_code, done.stderr) == (
        USAGE,
        "autograder: the capstone cannot be graded here: h5py is not installed\n",
    )
    assert not (tmp_path / "out").exists()


def test_a_fault_of_ours_costs_nothing(exam, tmp_path, monkeypatch, kit):
    (tmp_path / "digits.keras").write_bytes(kit.keras_file())
    with closing(joined.Capstone(Exam.load(exam), points=50)) as capstone:
        monkeypatch.setattr(capstone.examiner, "grade", lambda path: 1 / 0)
        result, notes = capstone.result(tmp_path)
    assert (result.score, result.max_score, notes) == (50, 50, ())
    assert {law.status for law in result.laws} == {"grader_fault"}
    assert "ZeroDivisionError" in result.laws[0].message


def test_practice_is_told_as_such(tmp_path, kit, exam):
    (tmp_path / "digits.keras").write_bytes(kit.keras_file())
    public = dataclasses.replace(Exam.load(exam), seed="practice")
    verdict = Verdict("ada", "public", {"level": "strong"}, (), ("before",))
    with closing(joined.Capstone(public)) as capstone:
        added = capstone.add(verdict, Submission("ada", {}, path=tmp_path))
        empty = capstone.add(verdict, Submission("ada", {}))
    assert added.warnings == ("before", joined.PRACTISED)
    assert empty.warnings == ("before",)
    assert not empty.exercises[0].attempted


# --- points in part


@pytest.fixture
def verdict():
    """A verdict with all, some and none of the points."""
    laws = (
        LawResult("valid", "is valid", "pass", 10, "fine", earned=10.0),
        LawResult(
            "accuracy", "reads", "fail", 30, "97 % are right", advice="read more", earned=16.5
        ),
        LawResult("few labels", "learns", "not_run", 15, "was not run here", earned=0.0),
        LawResult("report", "tells", "fail", 5, "no notebook", advice="hand it in", earned=0.0),
    )
    isolation = {"level": "strong"}
    return Verdict("ada", "secret", isolation, (ExerciseResult("capstone", "capstone", laws),))


def test_every_format_has_the_same_total(verdict):
    assert verdict.score == verdict.to_json()["score"] == 26.5
    assert sum(test["score"] for test in verdict.to_json()["tests"]) == 26.5
    assert sum(test["score"] for test in json.loads(gradescope.document(verdict))["tests"]) == 26.5
    decoded = json.loads(base64.b64decode(classroom.document(verdict)))
    assert sum(test["score"] for test in decoded["tests"]) == 26.5
    properties = ET.fromstring(junit.document(verdict)).iterfind(".//testcase/properties/property")
    scores = [float(p.get("value")) for p in properties if p.get("name") == "score"]
    assert sum(scores) == 26.5
    assert markdown.document(verdict).startswith("# 26.5 of 60 points")
    assert "26.5 of 60" in student_page(verdict)
    assert "26.5 of 60" in class_page([summary(verdict)])


def test_every_format_tells_what_is_had_in_part_and_what_brings_more(verdict):
    page = markdown.document(verdict)
    assert "| `capstone` | 26.5 of 60 | accuracy (16.5 of 30), report |" in page
    for text in (
        page,
        gradescope.document(verdict),
        junit.document(verdict),
        student_page(verdict),
    ):
        assert "97 % are right" in text
        assert "read more" in text
        assert "hand it in" in text
        assert "autograder check capstone" not in text
    assert "was not run here" in junit.document(verdict)
    assert 'file="exercises/capstone/digits.py"' in junit.document(verdict)
    assert re.search(r"in part.{0,300}16\.5 of 30", student_page(verdict), re.DOTALL)


def test_a_course_gives_it_its_own_points(verdict):
    (result,) = verdict.exercises
    worth = joined.worth(result, 10)
    assert worth.max_score == 6
    assert worth.score == pytest.approx(2.65)
    fault = ExerciseResult("capstone", "capstone", (LawResult("a", "b", "grader_fault", 10),))
    assert joined.worth(fault, 10).score == 1
    assert joined.worth(result, joined.POINTS) is result
    assert np.isclose(joined.POINTS, 100)
