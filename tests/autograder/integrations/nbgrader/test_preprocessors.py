"""Points as nbgrader reads them, and notebooks put in order whatever was done to them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.utils import determine_grade

from autograder.integrations.nbgrader.preprocessors import restore, scored
from autograder.verdict import ExerciseResult, LawResult


def result(score, most=4.0):
    """A result of so many points, by fair means or not."""
    law = LawResult("agrees", "it agrees", "pass", most)
    made = ExerciseResult("relu", "activation", (law,))
    return SimpleNamespace(
        name=made.name,
        topic=made.topic,
        laws=made.laws,
        score=score,
        max_score=most,
        passed=made.passed,
        attempted=made.attempted,
    )


def grade_of(score, points=4.0, most=4.0):
    """What nbgrader makes of a cell that was given this score."""
    cell = new_code_cell("check()")
    cell.metadata.nbgrader = NotebookNode(grade=True, solution=False, points=points)
    cell.outputs = [scored(points, result(score, most), "strong", [])]
    return determine_grade(cell)


@pytest.mark.parametrize(
    ("score", "grade"),
    [
        (0.0, 0.0),
        (1.5, 1.5),
        (4.0, 4.0),
        (np.float64(1.5), 1.5),
        (float("nan"), 0.0),
        (float("inf"), 0.0),
        (-1.0, 0.0),
        (5.0, 4.0),
        (np.float32(0.1), pytest.approx(0.1)),
        (1e-300, 1e-300),
    ],
)
def test_nbgrader_reads_the_score_that_is_meant(score, grade):
    assert grade_of(score) == (grade, 4.0)


def test_an_instructor_may_give_other_points():
    assert grade_of(1.0, points=20.0, most=4.0) == (5.0, 20.0)


def test_notes_are_shown_as_text():
    output = scored(4, result(1.0), "strong", ["<b>no</b>"])
    assert "&lt;b&gt;no" in output.data["text/html"]


# --- cells


def released():
    """A released notebook as the gradebook has it: two functions, and a written answer."""

    def source(name, text, locked, kind="code"):
        return SimpleNamespace(name=name, source=text, locked=locked, cell_type=kind, checksum="c")

    def worth(name):
        return SimpleNamespace(name=name, max_score=3.0)

    return SimpleNamespace(
        grade_cells=[worth("relu"), worth("softmax"), worth("why")],
        solution_cells=[SimpleNamespace(name=f"write_{n}") for n in ("relu", "softmax")]
        + [SimpleNamespace(name="why")],
        task_cells=[],
        source_cells=[
            source("write_relu", "def relu(): ...", False),
            source("relu", "check('relu')", True),
            source("write_softmax", "def softmax(): ...", False),
            source("softmax", "check('softmax')", True),
            source("why", "Why?", False, "markdown"),
        ],
    )


def cell(name, text, kind="code", **more):
    made = (new_code_cell if kind == "code" else new_markdown_cell)(text)
    made.metadata.nbgrader = NotebookNode(grade_id=name, **more)
    return made


def whole():
    return [
        new_markdown_cell("# A title"),
        cell("write_relu", "def relu(x): return x"),
        cell("relu", "check('relu')", points=3),
        cell("write_softmax", "def softmax(x): return x"),
        cell("softmax", "check('softmax')", points=3),
        cell("why", "Because.", "markdown"),
    ]


def mended(cells):
    notebook = new_notebook(cells=cells)
    notes = restore(notebook, released())
    names = [c.metadata.get("nbgrader", {}).get("grade_id") for c in notebook.cells]
    return notebook, names, notes


NAMES = ["write_relu", "relu", "write_softmax", "softmax", "why"]


def test_what_is_in_order_stays():
    notebook, names, notes = mended(whole())
    assert (names, notes) == ([None, *NAMES], [])
    assert notebook.cells[1].source == "def relu(x): return x"
    assert notebook.cells[5].source == "Because."
    graded = notebook.cells[2].metadata.nbgrader
    assert (graded.grade, graded.solution, graded.locked, graded.points) == (True, False, True, 3)
    written = notebook.cells[5].metadata.nbgrader
    assert (written.grade, written.solution, written.locked) == (True, True, False)


def test_a_locked_cell_is_as_it_was_released():
    cells = whole()
    cells[2].source = "4.0"
    cells[2].metadata.nbgrader.update(points=1000, locked=False, solution=True)
    notebook, _, notes = mended(cells)
    assert notebook.cells[2].source == "check('relu')"
    assert notebook.cells[2].metadata.nbgrader.points == 3
    assert not notebook.cells[2].metadata.nbgrader.solution
    assert notes == ["the cell relu was changed; it is as it was released again"]


@pytest.mark.parametrize("index", range(1, 6))
def test_a_missing_cell_is_told_and_comes_back_where_it_was(index):
    cells = whole()
    del cells[index]
    _, names, notes = mended(cells)
    if NAMES[index - 1].startswith("write_"):
        assert notes == []  # nothing is graded in it
    else:
        assert names == [None, *NAMES]
        assert notes == [f"the cell {NAMES[index - 1]} was missing; it is there again"]


def test_of_an_empty_notebook_all_grade_cells_come_back():
    _, names, notes = mended([])
    assert names == ["relu", "softmax", "why"]
    assert len(notes) == 3


def test_a_cell_that_is_there_twice_counts_once():
    cells = whole()
    cells.insert(3, cell("relu", "4.0"))
    _, names, notes = mended(cells)
    assert names == [None, "write_relu", "relu", None, "write_softmax", "softmax", "why"]
    assert notes == ["the cell relu is there twice; the first one counts"]


@pytest.mark.parametrize(
    "strange", ["text", 3, None, [], {}, {"grade_id": None}, {"grade_id": ["relu"]}]
)
def test_metadata_of_any_form_stops_nothing(strange):
    cells = whole()
    cells[0].metadata["nbgrader"] = strange
    cells[0].metadata["other"] = {"deletable": [1]}
    notebook, names, notes = mended(cells)
    assert (names, notes) == ([None, *NAMES], [])
    assert notebook.cells[0].metadata == {}


def test_a_renamed_cell_is_an_ordinary_one():
    cells = whole()
    cells[2].metadata.nbgrader.grade_id = "my_relu"
    _, names, notes = mended(cells)
    assert names == [None, "write_relu", "relu", None, "write_softmax", "softmax", "why"]
    assert notes[0] == "no cell is called my_relu; it is taken as an ordinary one"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "[here](javascript:alert(1))",
        r"[here](javascript\:alert(1))",
        "[here](javascript&colon;alert(1))",
        "[here][1]\n\n[1]: javascript:alert(1)",
        "![a picture](https://example.org/seen.png)",
        "&#106;avascript",
        "<!-- -->",
        "```\n<b>\n```",
    ],
)
def test_markup_of_a_student_is_shown_as_text(text):
    cells = [*whole(), new_markdown_cell(text)]
    cells[5].source = text
    notebook, _, _ = mended(cells)
    for shown in (notebook.cells[5], notebook.cells[6]):
        assert shown.cell_type == "markdown"
        fence, *inside, end = shown.source.splitlines()
        assert "\n".join(inside) == text
        assert fence == f"{end}text"
        assert end not in text


def test_plain_markdown_is_left_as_it_is():
    text = "## A title\n\n> 3 < 4, `a[i] < b`, and **bold**; see: https://example.org"
    notebook, _, _ = mended([*whole(), new_markdown_cell(text)])
    assert notebook.cells[-1].source == text
