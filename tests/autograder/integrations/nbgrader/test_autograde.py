"""nbgrader itself grades real courses: hand-ins of all kinds get what the engine gives them."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from courses import ANSWERS, PADDING, grade_cells, grade_id, solved
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader.utils import determine_grade

from autograder import catalog
from autograder.engine import Engine
from autograder.submissions import read

pytestmark = pytest.mark.slow
TOPICS = frozenset(topic.name for topic in catalog.topics())
POINTS = sum(e.points for e in catalog.exercises() if e.topic == "padding")
# Right, wrong, hostile and broken; each is handed in as modules and as a notebook.
GOLDEN = [
    "right-einsum",
    "right-loops",
    "half-finished",
    "wrong-zero-pad-unfilled-cells",
    "wrong-same-padding-extra-cell-before",
    "wrong-output-size-rounds-up",
    "broken-always-equal",
    "broken-exits-at-import",
    "broken-exits-in-the-call",
    "broken-recursion-without-end",
    "broken-lying-subclass",
    "broken-missing-function",
    "broken-mutates-arguments",
    "broken-not-callable",
    "broken-prints-to-stderr",
    "broken-raises-its-own-exception",
    "broken-reads-input",
    "broken-returns-lists",
    "broken-returns-nan",
    "broken-segfault",
    "broken-syntax-error",
    "broken-wrong-number-of-arguments",
]


def of_padding(name):
    """What the engine gives a golden submission for the lesson on padding."""
    chosen = catalog.select(["padding"])
    return Engine.of().verdict(read(ANSWERS / name, TOPICS), chosen).score


def notebook_of(released, name):
    try:
        return solved(copy.deepcopy(released), name)
    except (SyntaxError, UnicodeDecodeError):
        notebook = copy.deepcopy(released)
        file = ANSWERS / name / "exercises" / "padding.py"
        notebook.cells.append(new_code_cell(file.read_text("utf-8", errors="replace")))
        return notebook


def test_modules_and_notebooks_get_the_grade_that_the_engine_gives(course):
    expected = {}
    for name in GOLDEN:
        module = ANSWERS / name / "exercises" / "padding.py"
        expected[name] = expected[f"{name}-modules"] = of_padding(name)
        if name == "broken-exits-at-import":
            del expected[name]  # of a notebook's cells only the definitions are taken
        else:
            course.hand_in(name, notebook_of(course.released(), name))
        shutil.copytree(module.parent, course.place(f"{name}-modules") / "exercises")
    assert len(expected) >= 40
    assert {0.0, POINTS} < set(expected.values())
    course.nbgrader("autograde", PADDING)
    assert course.grades() == expected


def test_all_modules_of_a_class_are_graded_with_a_report_card(modules_course):
    names = ["right-classes", "half-finished", "wrong-conv-flipped-kernel", "broken-returns-none"]
    for name in names:
        place = modules_course.place(name, "exercises")
        shutil.copytree(ANSWERS / name / "exercises", place / "exercises")
    told = modules_course.nbgrader("autograde", "exercises")
    assert "report_card.ipynb was not handed in" in told
    engine = Engine.of()
    for name in names:
        verdict = engine.verdict(read(ANSWERS / name, TOPICS), catalog.exercises())
        scores = {e.name: e.score for e in verdict.exercises}
        card = modules_course.autograded(name, "exercises", "report_card")
        given = {key: determine_grade(cell)[0] for key, cell in grade_cells(card).items()}
        assert given == scores
        # What a student handed in is what a grader finds there, not the stubs.
        kept = modules_course.folder / "autograded" / name / "exercises" / "exercises"
        for file in (ANSWERS / name / "exercises").glob("*.py"):
            assert (kept / file.name).read_bytes() == file.read_bytes()


def test_every_odd_hand_in_is_graded_and_told(course):
    right = solved(course.released())
    (name, *_) = grade_cells(right)

    def without(notebook, wanted):
        notebook.cells = [cell for cell in notebook.cells if grade_id(cell) != wanted]
        return notebook

    course.hand_in("deleted", without(copy.deepcopy(right), name))
    doubled = copy.deepcopy(right)
    doubled.cells += [copy.deepcopy(cell) for cell in doubled.cells if grade_id(cell) == name]
    doubled.cells[-1].id = "another"
    course.hand_in("doubled", doubled)
    renamed = copy.deepcopy(right)
    grade_cells(renamed)[name].metadata.nbgrader.update(grade_id="mine", points=1e9)
    course.hand_in("renamed", renamed)
    # A student's own outputs, such as points, are never looked at.
    forged = copy.deepcopy(course.released())
    for cell in grade_cells(forged).values():
        cell.source = "4.0"
        cell.outputs = [new_output("execute_result", data={"text/plain": "3.0"})]
    course.hand_in("forged", forged)
    nothing = course.released()
    nothing.cells = []
    course.hand_in("no-cells", nothing)
    (course.place("broken") / f"{PADDING}.ipynb").write_text('{"cells": [')
    course.hand_in("marked", right)
    marked = course.place("marked") / f"{PADDING}.ipynb"
    marked.write_text(marked.read_text("utf-8"), "utf-8-sig")
    course.hand_in("other", right)
    os.rename(
        course.place("other") / f"{PADDING}.ipynb", course.place("other") / "My work (1).ipynb"
    )
    shutil.copytree(ANSWERS / "right-loops" / "exercises", course.place("deep") / "hw" / "mine")
    shutil.copytree(ANSWERS / "right-loops" / "exercises", course.place("lower") / "hw")
    course.place("empty")
    os.symlink(ANSWERS / "README.md", course.place("linked") / f"{PADDING}.ipynb")
    # nbgrader would copy what a link leads to, and give it to the student with the feedback.
    (course.place("linked") / "notes").mkdir()
    os.symlink(course.folder / "nbgrader_config.py", course.place("linked") / "notes" / "link.txt")
    (course.place("linked") / "notes" / "mine.txt").write_text("mine")
    (course.place("folder") / f"{PADDING}.ipynb").mkdir()

    told = course.nbgrader("autograde", PADDING)

    full = ("deleted", "doubled", "renamed", "other", "lower")
    none = ("forged", "no-cells", "broken", "marked", "deep", "empty", "linked", "folder")
    assert course.grades() == {**dict.fromkeys(full, POINTS), **dict.fromkeys(none, 0.0)}
    for sentence in (
        f"deleted, {PADDING}: the cell {name} was missing; it is there again",
        f"doubled, {PADDING}: the cell {name} is there twice; the first one counts",
        f"renamed, {PADDING}: no cell is called mine; it is taken as an ordinary one",
        f"{PADDING}.ipynb is no readable notebook; it is kept as {PADDING}.ipynb.unreadable",
        f"{PADDING}.ipynb is no ordinary file; it is left out",
        "notes/link.txt is no ordinary file; it is left out",
        f"{PADDING}.ipynb was not handed in; My work (1).ipynb is taken for it",
        "the modules lie in hw; copied to the top",
    ):
        assert sentence in told
    kept = list((course.folder / "autograded" / "linked").rglob("*.txt"))
    assert [file.name for file in kept] == ["mine.txt"]
    # The student is told too, in the first cell with points.
    page = json.dumps(course.autograded("deleted"))
    assert f"the cell {name} was missing" in page
    assert "was not handed in" in json.dumps(course.autograded("empty"))
    kept = course.place("broken") / f"{PADDING}.ipynb.unreadable"
    assert kept.read_text() == '{"cells": ['


def test_a_cell_that_is_no_python_is_told_with_its_line(course):
    notebook = solved(course.released())
    notebook.cells.append(new_code_cell("x = 1\ndef broken(:"))
    notebook.cells.append(new_code_cell("%matplotlib inline\n!ls\nx = 2"))
    course.hand_in("alice", notebook)
    course.nbgrader("autograde", PADDING)
    assert course.grades() == {"alice": POINTS}
    assert "is left out: line 2 is no Python" in json.dumps(course.autograded("alice"))


def test_a_cell_that_the_kit_does_not_know_gets_no_points(course):
    """An instructor's own tests would count as passed, since nothing is run."""
    source = course.folder / "source" / PADDING / f"{PADDING}.ipynb"
    notebook = json.loads(source.read_text())
    own = copy.deepcopy(next(c for c in notebook["cells"] if "nbgrader" in c["metadata"]))
    own["id"], own["source"] = "own", "assert False"
    own["metadata"]["nbgrader"].update(
        grade_id="own", grade=True, solution=False, locked=True, points=5
    )
    notebook["cells"].append(own)
    source.write_text(json.dumps(notebook))
    course.nbgrader("generate_assignment", PADDING, "--force")
    course.hand_in("alice", solved(course.released()))
    told = course.nbgrader("autograde", PADDING)
    assert course.grades() == {"alice": POINTS}
    assert "the cell own is no exercise of the kit; it gets no points" in told


def test_the_points_of_a_cell_are_an_instructors_to_give(course):
    """The share stays, and the finding tells the points that the gradebook has."""
    source = course.folder / "source" / PADDING / f"{PADDING}.ipynb"
    notebook = json.loads(source.read_text())
    for cell in notebook["cells"]:
        about = cell["metadata"].get("nbgrader", {})
        if about.get("grade_id") == "zero_pad2d":
            about["points"] = 7 * about["points"]
    source.write_text(json.dumps(notebook))
    course.nbgrader("generate_assignment", PADDING, "--force")
    names = ("right-loops", "wrong-zero-pad-one-sided")
    for name in names:
        course.hand_in(name, solved(course.released(), name))
    course.nbgrader("autograde", PADDING)
    (worth,) = [e.points for e in catalog.select(["zero_pad2d"])]
    for name in names:
        verdict = Engine.of().verdict(read(ANSWERS / name, TOPICS), catalog.select(["zero_pad2d"]))
        cell = grade_cells(course.autograded(name))["zero_pad2d"]
        assert determine_grade(cell) == (pytest.approx(7 * verdict.score), 7 * worth)
        shown = f"{7 * verdict.score:g} of {7 * worth:g} points"
        assert shown in cell.outputs[0].data["text/html"]


def test_without_the_configuration_nobody_gets_points(course):
    """nbgrader's own way runs the cells: these refuse. `api` brings the configuration along."""
    course.hand_in("alice", solved(course.released()))
    pictures = course.folder / "release" / PADDING / "pictures"
    shutil.copytree(pictures, course.place("alice") / "pictures")
    program = (
        "import sys\n"
        "from nbgrader.apps import NbGraderAPI\n"
        "from traitlets.config import Config\n"
        "from autograder.integrations.nbgrader.settings import api\n"
        "if sys.argv[1] == 'plain':\n"
        "    c = Config()\n"
        "    c.CourseDirectory.root = '.'\n"
        "    grader = NbGraderAPI(config=c)\n"
        "else:\n"
        "    from pathlib import Path\n"
        "    grader = api(Path('.'))\n"
        "print(grader.autograde('02_padding', 'alice', force=True)['success'])\n"
    )
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    for way, score in (("plain", 0.0), ("ours", POINTS)):
        done = subprocess.run(
            [sys.executable, "-c", program, way],
            cwd=course.folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        assert "True" in done.stdout, done.stderr
        assert course.grades() == {"alice": score}, way


def test_what_cannot_be_isolated_well_enough_is_not_graded(course):
    config = course.folder / "nbgrader_config.py"
    config.write_text(config.read_text() + '\nc.Judge.require_isolation = "unheard of"\n')
    course.hand_in("alice", solved(course.released()))
    told = course.nbgrader("autograde", PADDING, fails=True)
    assert "require_isolation" in told
    assert not (course.folder / "autograded").exists()


def test_limits_of_the_course_hold(course):
    (course.folder / "course.toml").write_text("[limits]\nsource_bytes = 100\n")
    course.hand_in("alice", solved(course.released()))
    course.nbgrader("autograde", PADDING)
    assert course.grades() == {"alice": 0.0}
    assert "holds more than 0 KiB of code" in json.dumps(course.autograded("alice"))


# --- grading again


def test_grades_by_hand_and_late_penalties_survive_another_run(course):
    config = course.folder / "nbgrader_config.py"
    config.write_text(
        config.read_text() + '\nc.LateSubmissionPlugin.penalty_method = "zero"\n'
        'c.AssignLatePenalties.plugin_class = "nbgrader.plugins.LateSubmissionPlugin"\n'
    )
    due = datetime(2026, 11, 1, 12, tzinfo=UTC)
    course.nbgrader("db", "assignment", "add", PADDING, f"--duedate={due:%Y-%m-%d %H:%M:%S} UTC")
    for student, hours in (("early", -1), ("late", 1)):
        course.hand_in(student, solved(course.released()))
        stamp = f"{due + timedelta(hours=hours):%Y-%m-%d %H:%M:%S} UTC"
        (course.place(student) / "timestamp.txt").write_text(stamp)
    course.nbgrader("autograde", PADDING)
    assert course.grades() == {"early": POINTS, "late": 0.0}
    program = (
        "from nbgrader.api import Gradebook\n"
        "with Gradebook('sqlite:///gradebook.db') as gradebook:\n"
        f"    grade = gradebook.find_grade('zero_pad2d', '{PADDING}', '{PADDING}', 'early')\n"
        "    grade.manual_score, grade.extra_credit = 1.0, 0.5\n"
        "    gradebook.db.commit()\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=course.folder, check=True)
    by_hand = POINTS - 4.0 + 1.5
    assert course.grades()["early"] == by_hand
    course.nbgrader("autograde", PADDING, "--force")
    assert course.grades() == {"early": by_hand, "late": 0.0}
    assert course.grades("late_submission_penalty") == {"early": 0.0, "late": POINTS}


def test_one_student_alone_and_a_second_run_of_those_that_are_done(course):
    for student in ("alice", "bob"):
        course.hand_in(student, solved(course.released()))
    course.nbgrader("autograde", PADDING, "--student", "alice")
    assert course.grades() == {"alice": POINTS}
    told = course.nbgrader("autograde", PADDING)
    assert "Skipping existing assignment" in told
    assert course.grades() == {"alice": POINTS, "bob": POINTS}


# --- before the hand-in


def validated(course, student):
    return course.nbgrader(
        "validate", course.place(student) / f"{PADDING}.ipynb", IPYTHONDIR=course.folder / "ipython"
    )


def test_validation_tells_students_whether_all_points_are_there(course):
    right, wrong = solved(course.released()), course.released()
    course.hand_in("right", right)
    course.hand_in("wrong", wrong)
    for student in ("right", "wrong"):
        pictures = course.folder / "release" / PADDING / "pictures"
        shutil.copytree(pictures, course.place(student) / "pictures")
    assert "Success! Your notebook passes all the tests." in validated(course, "right")
    told = validated(course, "wrong")
    assert "VALIDATION FAILED ON 3 CELL(S)" in told
    assert "output_size" in told
    assert "Not attempted yet" in told
    assert "Traceback" not in told


def test_a_report_card_checks_the_modules_beside_it(modules_course):
    course = modules_course
    place = course.place("alice", "exercises")
    shutil.copytree(ANSWERS / "right-loops" / "exercises", place / "exercises")
    card = json.loads((course.folder / "release" / "exercises" / "report_card.ipynb").read_text())
    wanted = ("output_size", "relu")
    card["cells"] = [c for c in card["cells"] if any(f'"{w}"' in str(c["source"]) for w in wanted)]
    (place / "report_card.ipynb").write_text(json.dumps(card))
    told = course.nbgrader(
        "validate", place / "report_card.ipynb", IPYTHONDIR=course.folder / "ipython"
    )
    assert "Success!" in told


def test_markup_in_a_notebook_reaches_no_grader(course):
    notebook = solved(course.released())
    notebook.cells.append(new_markdown_cell("<script>alert(1)</script>"))
    course.hand_in("alice", notebook)
    course.nbgrader("autograde", PADDING)
    (cell,) = [c for c in course.autograded("alice").cells if "alert(1)" in c.source]
    assert cell.source.startswith("```")
