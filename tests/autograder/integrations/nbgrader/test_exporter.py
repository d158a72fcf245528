"""grades.csv, as spreadsheets and programs read it, by nbgrader's own command."""

from __future__ import annotations

import csv
import datetime
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import ExportApp
from traitlets.config import Config

from autograder.integrations.nbgrader import exporter
from autograder.integrations.nbgrader.exporter import COLUMNS, GradesCsv

pytestmark = [
    # nbgrader's own queries draw it.
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
]
DUE = datetime.datetime(2026, 11, 20, 10)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Two assignments of three functions, and three students of whom two handed one in."""
    file = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    with pytest.MonkeyPatch.context() as patch:
        # nbgrader calls alembic by its name.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        patch.setenv("PATH", path)
        book = Gradebook(f"sqlite:///{file}")
    with book:
        for assignment in ("hw1", "hw2"):
            book.add_assignment(assignment, duedate=DUE)
            book.add_notebook("card", assignment)
            for cell in ("a", "b", "c"):
                book.add_grade_cell(cell, "card", assignment, max_score=2, cell_type="code")
        book.add_student("ann", first_name='Ann "A"', last_name="Lee, Dr.\nof 李", email="a@b.c")
        book.add_student("bob", first_name="=HYPERLINK(1)", last_name=" +1")
        book.add_student("cy")
        for student in ("ann", "bob"):
            book.add_submission("hw1", student, timestamp=DUE)
        for cell, score in {"a": 2, "b": 0.1, "c": 0.2}.items():
            grade = book.find_grade(cell, "card", "hw1", "ann")
            grade.auto_score, grade.needs_manual_grade = score, False
        book.find_submission_notebook("card", "hw1", "ann").late_submission_penalty = 0.23
        book.db.commit()
    return file


@pytest.fixture
def gradebook(filled, tmp_path, monkeypatch, own_jupyter):
    """A gradebook of the test's own, in the working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(filled, "gradebook.db")
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as book:
        yield book


@pytest.fixture
def export(gradebook, tmp_path):
    """`export("--to=x.csv")`: the rows, and what was warned of."""

    def run(*arguments, file="grades.csv"):
        app = ExportApp(config=Config(ExportApp=dict(plugin_class=GradesCsv)))
        records = []
        handler = logging.Handler(logging.WARNING)
        handler.emit = records.append
        app.initialize(list(arguments))
        app.log.addHandler(handler)
        try:
            app.start()
        finally:
            app.log.removeHandler(handler)
        with (tmp_path / file).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, strict=True))
        return rows, [one.getMessage() for one in records if one.pathname == exporter.__file__]

    return run


def row(rows, assignment, student):
    (found,) = (
        one for one in rows if (one["assignment"], one["student_id"]) == (assignment, student)
    )
    return found


def test_a_row_for_each_student_and_assignment(export):
    rows, told = export()
    assert sorted((one["assignment"], one["student_id"]) for one in rows) == [
        (assignment, student) for assignment in ("hw1", "hw2") for student in ("ann", "bob", "cy")
    ]
    assert list(rows[0]) == list(COLUMNS)
    assert told == []


def test_a_graded_submission(export):
    found = row(export()[0], "hw1", "ann")
    assert found == {
        "assignment": "hw1",
        "duedate": "2026-11-20 10:00:00",
        "timestamp": "2026-11-20 10:00:00",
        "student_id": "ann",
        "last_name": "Lee, Dr.\\nof 李",
        "first_name": 'Ann "A"',
        "email": "a@b.c",
        "raw_score": "2.3",
        "late_submission_penalty": "0.23",
        "score": "2.07",
        "max_score": "6",
        "functions_passed": "1",
        "needs_manual_grade": "0",
    }


def test_without_a_submission_the_score_is_0(export):
    found = row(export()[0], "hw1", "cy")
    assert [found[name] for name in ("raw_score", "late_submission_penalty", "score")] == ["0"] * 3
    for name in ("timestamp", "last_name", "functions_passed", "needs_manual_grade"):
        assert found[name] == ""


def test_a_submission_that_is_not_graded_yet(export):
    found = row(export()[0], "hw1", "bob")
    assert [found[name] for name in ("score", "functions_passed", "needs_manual_grade")] == [
        "0",
        "0",
        "1",
    ]


def test_names_are_no_formulas(export):
    found = row(export()[0], "hw1", "bob")
    assert found["first_name"] == "'=HYPERLINK(1)"
    assert found["last_name"] == "' +1"


def test_a_manual_grade_wins_and_a_written_answer_is_no_function(export, gradebook):
    graded = {"a": (2, 1), "b": (0, 2), "c": (None, 2)}
    for cell, (auto, manual) in graded.items():
        grade = gradebook.find_grade(cell, "card", "hw1", "ann")
        grade.auto_score, grade.manual_score = auto, manual
    gradebook.db.commit()
    found = row(export()[0], "hw1", "ann")
    assert (found["raw_score"], found["functions_passed"]) == ("5", "1")


def test_a_penalty_never_makes_a_score_negative(export, gradebook):
    gradebook.find_submission_notebook("card", "hw1", "ann").late_submission_penalty = 99
    gradebook.db.commit()
    assert row(export()[0], "hw1", "ann")["score"] == "0"


def test_students_and_assignments_can_be_chosen(export):
    rows, told = export("--student=ann", "--assignment=hw2", "--to=some.csv", file="some.csv")
    assert [(one["assignment"], one["student_id"]) for one in rows] == [("hw2", "ann")]
    assert told == []
    rows, told = export("--student=nobody", "--assignment=hw9")
    assert rows == []
    assert told == ["The gradebook has no student nobody", "The gradebook has no assignment hw9"]


def test_the_file_is_written_whole_or_not_at_all(export, gradebook, tmp_path, monkeypatch):
    export()
    before = (tmp_path / "grades.csv").read_bytes()
    assert b"\r" not in before
    calls = iter(range(3))
    grades = exporter._grades

    def fails(*arguments):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return grades(*arguments)

    monkeypatch.setattr(exporter, "_grades", fails)
    with pytest.raises(KeyboardInterrupt):
        export()
    assert (tmp_path / "grades.csv").read_bytes() == before


@pytest.mark.slow
def test_by_the_command_line(gradebook, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "export", "--to=out.csv",
         "--exporter=autograder.integrations.nbgrader.exporter.GradesCsv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").startswith(",".join(COLUMNS))
