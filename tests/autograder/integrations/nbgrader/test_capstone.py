"""The capstone as an assignment of nbgrader's: what is released, collected, judged and told."""

from __future__ import annotations

import csv
import importlib.util
import shutil
import zipfile
from pathlib import Path

import nbformat
import pytest
from courses import ROOT, Course, grade_cells

from autograder.capstone import rubric
from autograder.capstone.exam import Exam
from autograder.course import Course as Settings
from autograder.digits import digits
from autograder.integrations.nbgrader import capstone
from autograder.integrations.nbgrader.course import init

pytestmark = pytest.mark.slow
MAKER = ROOT / "tests" / "autograder" / "capstone" / "conftest.py"


@pytest.fixture(scope="module")
def kit():
    """What makes Keras files by hand."""
    spec = importlib.util.spec_from_file_location("capstone_kit", MAKER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Kit


@pytest.fixture(scope="module")
def exam(tmp_path_factory):
    images, labels = digits()
    file = tmp_path_factory.mktemp("exam") / "exam.npz"
    Exam.of((images[:60], labels[:60]), "a secret").save(file)
    return file


@pytest.fixture(scope="module")
def made(exam, tmp_path_factory):
    """A course with the capstone alone, whose settings name its exam and half its points."""
    room = tmp_path_factory.mktemp("room") / "exercises"
    ignored = shutil.ignore_patterns("0*_*", "10_*", "__pycache__")
    shutil.copytree(ROOT / "exercises", room, ignore=ignored)
    folder = tmp_path_factory.mktemp("course") / "capstone"
    settings = Settings(exam=str(exam), points={"capstone": 50.0})
    assert init(folder, room, "notebooks", settings) == ["capstone"]
    return folder


@pytest.fixture
def course(made, tmp_path):
    return Course(Path(shutil.copytree(made, tmp_path / "course")))


def hand_in(course, student, model=None, notebook=True):
    place = course.place(student, "capstone")
    release = course.folder / "release" / "capstone"
    if notebook:
        shutil.copy(release / "capstone.ipynb", place)
    if model is not None:
        (place / "digits.keras").write_bytes(model)


def exported(course):
    course.nbgrader("export", "--to", "grades.csv")
    with (course.folder / "grades.csv").open(newline="") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


def test_the_lesson_is_released_with_a_cell_for_each_part(course):
    release = course.folder / "release" / "capstone"
    assert sorted(file.name for file in release.iterdir()) == [
        "capstone.ipynb",
        "capstone_pictures.py",
        "digits.py",
        "pictures",
    ]
    cells = grade_cells(nbformat.read(release / "capstone.ipynb", 4))
    points = {capstone.part_of(name): cell.metadata.nbgrader.points for name, cell in cells.items()}
    assert points == {part: most / 2 for part, most in rubric.POINTS.items()}
    assert cells["capstone_few_labels"].source.splitlines()[-1] == "part('few labels')"
    assert all(cell.metadata.nbgrader.locked for cell in cells.values())
    assert "raise NotImplementedError" in (release / "digits.py").read_text()


def test_a_model_is_judged_and_a_broken_one_costs_its_points_alone(course, kit):
    hand_in(course, "ada", kit.keras_file())
    hand_in(course, "bob", b"no model")
    hand_in(course, "cy")
    hand_in(course, "dee", kit.keras_file(), notebook=False)
    course.nbgrader("autograde", "capstone")
    grades = exported(course)
    assert {row["max_score"] for row in grades.values()} == {"50"}
    assert {row["needs_manual_grade"] for row in grades.values()} == {"0"}
    assert grades["bob"]["score"] == grades["cy"]["score"] == "0"
    assert grades["dee"]["score"] == grades["ada"]["score"]
    cells = grade_cells(course.autograded("ada", "capstone"))
    told = {name: cell.outputs[0].data["text/html"] for name, cell in cells.items()}
    assert "the model has 3,410 parameters" in told["capstone_valid"]
    assert "0 of 10 points" in told["capstone_transfer"]
    course.nbgrader("generate_feedback", "capstone")
    for student, words in (("ada", "of the exam's"), ("bob", "not in Keras' format")):
        page = course.folder / "feedback" / student / "capstone" / "capstone.html"
        assert words in page.read_text("utf-8")


def test_without_an_exam_it_waits_for_a_person(course, kit):
    hand_in(course, "ada", kit.keras_file())
    settings = course.folder / "course.toml"
    before = settings.read_text()
    settings.write_text("")
    log = course.nbgrader("autograde", "capstone")
    assert "ada, capstone: the capstone is left to a person: course.toml names no exam" in log
    assert exported(course)["ada"]["needs_manual_grade"] == "1"
    settings.write_text(f'[capstone]\nexam = "{course.folder / "lost.npz"}"\n')
    assert "lost.npz: No such file or directory" in course.nbgrader(
        "autograde", "--force", "capstone"
    )
    assert exported(course)["ada"]["needs_manual_grade"] == "1"
    cells = grade_cells(course.autograded("ada", "capstone"))
    for cell in cells.values():
        (output,) = cell.outputs
        assert output.data["text/html"] == "<p>Not graded yet: a person gives these points.</p>"
    settings.write_text(before)
    course.nbgrader("autograde", "--force", "capstone")
    assert exported(course)["ada"]["needs_manual_grade"] == "0"


def test_the_model_travels_through_collect(course, kit):
    archive = course.folder / "downloaded" / "capstone" / "archive"
    archive.mkdir(parents=True)
    notebook = (course.folder / "release" / "capstone" / "capstone.ipynb").read_bytes()
    with zipfile.ZipFile(archive / "ada.zip", "w") as packed:
        packed.writestr("work/capstone.ipynb", notebook)
        packed.writestr("work/digits (1).keras", kit.keras_file())
        packed.writestr("work/digits.py", "x = 1\n")
        packed.writestr("work/notes.txt", "")
    course.nbgrader("zip_collect", "capstone")
    place = course.folder / "submitted" / "ada" / "capstone"
    assert sorted(file.name for file in place.iterdir()) == [
        "capstone.ipynb",
        "digits.keras",
        "digits.py",
    ]
    assert (place / "digits.keras").read_bytes() == kit.keras_file()
