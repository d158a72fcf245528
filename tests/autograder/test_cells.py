"""Code cells as a module: what is taken from them, and where its lines stand."""

from __future__ import annotations

import traceback

import pytest

from autograder.catalog import select
from autograder.cells import BadCells, in_cells, module_of
from autograder.submissions import from_cells

MOST = 10_000


def lines(made):
    return {text: number for number, text in enumerate(made.text.splitlines(), 1)}


def test_lines_are_those_of_the_cells():
    made = module_of(
        [
            "import os\nx = 3",
            "# one\n\n@decorated(1,\n  2)\ndef f(a,\n      b):\n    # why\n    return a / b  # r",
            "%time f(1, 2)\n\nclass C:\n    def g(self):\n        raise ValueError\n",
        ],
        MOST,
    )
    at = lines(made)
    for text, cell, line in (
        ("    return a / b  # r", 2, 8),
        ("        raise ValueError", 3, 5),
    ):
        message = f"ZeroDivisionError: no\nexercises/notebook.py, line {at[text]}, in f\n    text"
        told = in_cells(message, {"notebook": made.places})
        assert told == (f"ZeroDivisionError: no\ncode cell {cell}, line {line}, in f\n    text")


def test_other_modules_and_other_words_stay_as_they_are():
    made = module_of(["def f(): pass"], MOST)
    for message in ("exercises/padding.py, line 3, in f", "see exercises/notebook.py, line 3", ""):
        assert in_cells(message, {"notebook": made.places}) == message
        assert in_cells(message, {}) == message


def test_an_error_is_told_with_its_cell(engine_of):
    """By the engine, as a student reads it."""
    cells = ["x = 2", "%matplotlib inline\n\ndef relu(x):\n    y = x\n    return y / 'a'"]
    verdict = engine_of().verdict(from_cells("notebook", cells), select(["relu"]))
    messages = [law.message for law in verdict.exercises[0].laws if law.status == "error"]
    assert messages
    assert all("\ncode cell 2, line 5, in relu\n    return y / 'a'" in text for text in messages)


def test_imports_from_the_future_come_first():
    made = module_of(["x = 1\ndef f(): pass", "from __future__ import annotations"], MOST)
    compile(made.text, "notebook", "exec")
    assert made.text.startswith("from __future__ import annotations")


@pytest.mark.parametrize(
    "cell",
    [
        "x = 1; y = 2",
        "import os; import sys",
        "def f(): return '\x0c'\ndef g(): return 2",
        "def f():\r\n    return '''a\r\n  b'''\r\n",
        "def f(): return 1; \nx = 2",
        "if True:\n    def h(): pass",
    ],
)
def test_what_is_taken_is_python_and_means_the_same(cell):
    made = module_of([cell], MOST)
    wanted, got = {}, {}
    exec(compile(cell, "cell", "exec"), wanted)
    exec(compile(made.text, "module", "exec"), got)
    for name in got:
        if callable(got[name]):
            assert got[name]() == wanted[name]()


def test_deep_nesting_costs_one_statement_alone():
    made = module_of([f"x = {'-' * 2000}1", "def f(): return 1"], 100_000)
    assert "def f" in made.text
    (told,) = made.left_out
    assert "code cell 1" in told


def test_too_much_code_is_refused():
    with pytest.raises(BadCells, match="holds more than 9 KiB of code"):
        module_of(["x" * (MOST + 1)], MOST)


def test_a_traceback_of_the_module_and_of_the_cell_name_the_same_line():
    cell = "\n\ndef f():\n    a = 1\n    b = 0\n    return a / b\n"
    made = module_of(["y = 2", cell], MOST)
    namespace = {}
    exec(compile(made.text, "exercises/notebook.py", "exec"), namespace)
    with pytest.raises(ZeroDivisionError) as caught:
        namespace["f"]()
    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    told = in_cells(f"{frame.filename}, line {frame.lineno}", {"notebook": made.places})
    assert told == "code cell 2, line 6"
