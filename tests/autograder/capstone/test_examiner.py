"""One exam for a class, asked of a hand-in on disk."""

from __future__ import annotations

import pytest

from autograder.capstone import backbone
from autograder.capstone.exam import Exam
from autograder.capstone.examiner import Examiner
from autograder.digits import digits
from autograder.submissions import BadSubmission


@pytest.fixture(scope="module")
def examiner():
    images, labels = digits()
    with Examiner(Exam.of((images[:60], labels[:60]), "a")) as started:
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
