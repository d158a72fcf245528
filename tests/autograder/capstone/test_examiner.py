"""One exam for a class, asked of a hand-in on disk."""

from __future__ import annotations

from contextlib import closing

import pytest

from autograder.capstone import backbone, keras_sandbox
from autograder.capstone.exam import Exam
from autograder.capstone.examiner import Examiner
from autograder.digits import digits
from autograder.isolation.ladder import GraderFault
from autograder.submissions import BadSubmission


@pytest.fixture(scope="module")
def examiner():
    images, labels = digits()
    with closing(Examiner(Exam.of((images[:60], labels[:60]), "a"))) as started:
        yield started


def points(graded):
    return {law.name: law.score for law in graded.verdict.exercises[0].laws}


def test_a_model_in_a_folder_gets_its_points(examiner, tmp_path, kit):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "digits.keras").write_bytes(kit.keras_file())
    graded = examiner.grade(tmp_path / "ada")
    assert graded.verdict.submission == "ada"
    assert graded.measured.model.parameters == 3410
    assert points(graded)["transfer"] == 0, "it has nothing of the shipped backbone"


def test_the_backbone_alone_is_no_classifier(examiner):
    graded = examiner.grade(backbone.FILE)
    assert graded.measured is None
    assert "answers with (N, 7, 7, 64)" in graded.verdict.exercises[0].laws[0].message


def test_a_folder_that_is_not_there(examiner, tmp_path):
    with pytest.raises(BadSubmission, match="there is no"):
        examiner.grade(tmp_path / "nobody")


@pytest.fixture
def with_code(tmp_path, kit):
    """A hand-in with a digits.py."""
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "digits.keras").write_bytes(kit.keras_file())
    (tmp_path / "ada" / "digits.py").write_text("def train_head(b, i, l): pass\n")
    return tmp_path / "ada"


def test_a_fault_of_ours_is_not_the_students(with_code, monkeypatch):
    """Few labels are not run, with the reason; it is looked for once in a class."""
    tried = []

    def none(required):
        tried.append(required)
        raise GraderFault("tensorflow is not installed where grading is done: pip install it")

    monkeypatch.setattr(keras_sandbox, "server", none)
    images, labels = digits()
    exam = Exam.of((images[:60], labels[:60]), "a", (images[60:], labels[60:]))
    with closing(Examiner(exam, required="medium")) as examiner:
        for _ in range(2):
            laws = {law.name: law for law in examiner.grade(with_code).verdict.exercises[0].laws}
            assert laws["few labels"].status == "not_run"
            assert "pip install it" in laws["few labels"].message
            assert laws["valid"].status != "grader_fault"
        assert tried == [examiner.workers.isolation.level]


def test_without_training_digits_nothing_is_run(examiner, with_code):
    laws = {law.name: law for law in examiner.grade(with_code).verdict.exercises[0].laws}
    assert (laws["few labels"].status, laws["few labels"].message) == (
        "not_run",
        "was not run here",
    )
