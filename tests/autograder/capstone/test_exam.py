"""The exam of a class: kept in a file to the byte, and readable by its owner alone."""

from __future__ import annotations

import dataclasses
import stat

import numpy as np
import pytest

from autograder.capstone import exam as exams
from autograder.capstone.exam import Exam, NotAnExam
from autograder.digits import digits


@pytest.fixture(scope="module")
def exam():
    images, labels = digits()
    return Exam.of((images[:100], labels[:100]), "a secret", (images[300:], labels[300:]))


def same(a, b):
    """Of two exams, or parts of them: all arrays and texts are equal."""
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return a == b


@pytest.mark.parametrize("all_of_it", [True, False])
def test_a_file_keeps_it(exam, tmp_path, all_of_it):
    if not all_of_it:
        exam = dataclasses.replace(exam, tasks=(), test=None, training=None)
    exam.save(tmp_path / "exam.npz")
    assert same(exam, Exam.load(tmp_path / "exam.npz"))
    assert stat.S_IMODE((tmp_path / "exam.npz").stat().st_mode) == 0o600


def test_an_exam_is_never_overwritten(exam, tmp_path):
    (tmp_path / "exam.npz").write_text("of last year")
    with pytest.raises(FileExistsError):
        exam.save(tmp_path / "exam.npz")
    assert (tmp_path / "exam.npz").read_text() == "of last year"


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut off"])
def test_other_files_are_no_exam(tmp_path, content):
    (tmp_path / "exam.npz").write_bytes(content)
    with pytest.raises(NotAnExam, match=r"exam\.npz is no exam; make one with autograder caps"):
        Exam.load(tmp_path / "exam.npz")


def test_other_arrays_are_no_exam(tmp_path):
    np.savez(tmp_path / "mnist.npz", x_train=np.zeros(3))
    with pytest.raises(NotAnExam, match=r"mnist\.npz is no exam"):
        Exam.load(tmp_path / "mnist.npz")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(NotAnExam, match=r"cannot read .*exam\.npz: No such file or directory"):
        Exam.load(tmp_path / "exam.npz")


def test_practice_is_known_as_such(exam):
    assert exams.practice().practice
    assert not exam.practice
    assert len(exams.practice().images) == 1000
    assert len(exams.practice().tasks) == 2
