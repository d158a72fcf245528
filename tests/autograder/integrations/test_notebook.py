"""`check` in a notebook judges what the cells define, and shows what the terminal shows."""

from __future__ import annotations

import sys
from functools import cache
from types import SimpleNamespace

import pytest

from autograder.catalog import UnknownName
from autograder.integrations import notebook

RIGHT = "import numpy as np\n\ndef relu(x):\n    return np.maximum(x, 0) * 1.0\n"
LEAKY = "import numpy as np\n\ndef relu(x):\n    return np.where(x > 0, x, 0.01 * x)\n"


@pytest.fixture
def ran(monkeypatch, engine_of):
    """`ran(cells)`: a notebook in which these cells were run, one after the other."""
    monkeypatch.setattr(notebook, "_engine", cache(engine_of))

    def with_cells(*cells):
        history = SimpleNamespace(input_hist_raw=["", *cells])
        shell = SimpleNamespace(history_manager=history)
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))

    return with_cells


def test_the_functions_of_the_cells_are_judged(ran):
    ran(RIGHT)
    checked = notebook.check("relu")
    assert checked.result.passed
    assert "2 of 2 points" in checked._repr_html_()
    assert "2 of 2 points" in repr(checked)


def test_the_cell_that_was_run_last_counts(ran):
    ran(LEAKY, RIGHT)
    assert notebook.check("relu").result.passed
    ran(RIGHT, LEAKY, RIGHT)
    assert notebook.check("relu").result.passed
    ran(LEAKY, RIGHT, LEAKY)
    assert not notebook.check("relu").result.passed


def test_magics_and_broken_cells_do_no_harm(ran):
    ran("def relu(x:", f"%%time\n{RIGHT}", "%matplotlib inline", "!ls", "relu(3)")
    checked = notebook.check("relu")
    assert checked.result.passed
    assert "left out" not in checked._repr_html_()


def test_nothing_written_is_not_attempted(ran):
    ran("import numpy as np")
    checked = notebook.check("relu")
    assert "Not attempted yet" in checked._repr_html_()
    assert "Not attempted yet" in repr(checked)


def test_the_finding_is_that_of_the_terminal(ran):
    ran(LEAKY)
    checked = notebook.check("relu")
    (law, *_) = [law for law in checked.result.laws if law.status == "fail"]
    page, screen = checked._repr_html_(), repr(checked)
    for text in (law.says, law.name, law.counterexample.where):
        assert text in page
        assert text in screen
    assert "<svg" in page
    assert law.advice not in page


def test_hints_come_when_asked_for(ran):
    ran(LEAKY)
    plain, hint = notebook.check("relu"), notebook.check("relu", hint=True)
    (law, *_) = [law for law in hint.result.laws if law.misconception]
    name = law.misconception.replace("_", " ")
    assert name not in plain._repr_html_()
    assert 'check("relu", hint=True)' in plain._repr_html_().replace("&#34;", '"')
    assert name in hint._repr_html_()
    assert name in repr(hint)
    assert "step by step" in notebook.check("relu", explain=True)._repr_html_()


def test_what_student_code_says_is_escaped(ran):
    ran(
        "def relu(x):\n    print('<b>\\x1b[31m')\n    raise ValueError('<script>alert(1)</script>')"
    )
    page = notebook.check("relu")._repr_html_()
    assert "<script>" not in page
    assert "<b>" not in page
    assert "\x1b" not in page
    assert "alert(1)" in page


def test_after_an_interrupt_the_next_check_starts_anew(ran, monkeypatch):
    ran(RIGHT)
    used = notebook._engine()

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(used), "verdict", interrupted)
        with pytest.raises(KeyboardInterrupt):
            notebook.check("relu")
    assert notebook._engine() is not used
    assert notebook.check("relu").result.passed
    assert notebook._engine() is notebook._engine()


def test_a_name_that_is_none_says_so(ran):
    ran(RIGHT)
    with pytest.raises(UnknownName, match="did you mean relu"):
        notebook.check("rellu")
    with pytest.raises(UnknownName, match="one of its functions"):
        notebook.check("activation")


def test_outside_of_a_notebook_it_says_what_to_use(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    with pytest.raises(RuntimeError, match="autograder check NAME"):
        notebook.check("relu")


def test_cells_keep_their_last_place():
    assert notebook.latest(["a", "b", "a", "c", "b"]) == ["a", "c", "b"]


# --- as nbgrader runs the cell


def test_validation_is_given_the_points_or_told_what_is_missing(ran, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    ran(RIGHT)
    assert notebook.check("relu") == 2.0
    ran(LEAKY)
    with pytest.raises(notebook.NotPassed, match="The smallest input found") as caught:
        notebook.check("relu")
    assert caught.value._render_traceback_() == str(caught.value).splitlines()


@pytest.mark.parametrize("cell", [RIGHT, LEAKY])
def test_without_the_kits_configuration_there_are_no_points(ran, monkeypatch, cell):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    ran(cell)
    with pytest.raises(notebook.NotConfigured, match=r"where nbgrader_config\.py is"):
        notebook.check("relu")


def test_modules_beside_the_notebook_are_judged_by_their_path(ran, tmp_path, monkeypatch):
    ran(LEAKY)
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "activation.py").write_text(RIGHT)
    monkeypatch.chdir(tmp_path)
    assert notebook.check("relu", path="exercises").result.passed
    assert not notebook.check("relu").result.passed


@pytest.mark.parametrize("place", [".", ".."])
def test_points_are_those_of_the_course(ran, tmp_path, monkeypatch, place):
    """Its settings lie beside the notebook, or above the folder of the lessons."""
    folder = tmp_path / "lessons"
    folder.mkdir()
    (folder / place / "course.toml").write_text("[points]\nrelu = 40\n")
    monkeypatch.chdir(folder)
    ran(RIGHT)
    assert "40 of 40 points" in repr(notebook.check("relu"))
