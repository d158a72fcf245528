"""The capstone's lesson runs from top to bottom, with the stubs and with the answer key."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.capstone import handin, model, rubric, weights
from autograder.capstone.exam import practice
from autograder.capstone.grading import classes
from autograder.scaffold import lessons as build

ROOT = Path(__file__).resolve().parents[2]
LESSONS = ROOT / "exercises" / "lessons"
SOURCE = LESSONS / "11_capstone.py"


def key() -> dict[str, str]:
    """The two functions of the answer key, the second with its helpers."""
    text = (ROOT / "autograder" / "capstone" / "solution" / "digits.py").read_text("utf-8")
    found = {
        node.name: ast.get_source_segment(text, node)
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }
    helpers = ["from typing import Any", found["_changed"], found["_fit"], found["train_head"]]
    head = "from typing import Any\n\n\n" + found["build_head"]
    return {"build_head": head, "train_head": "\n\n\n".join(helpers)}


def run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    build.copy_pictures(SOURCE, folder)
    client = NotebookClient(
        notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    return client.execute()


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A kernel that imports this checkout, and has nothing of the user's."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("IPYTHONDIR", "MPLCONFIGDIR", "KERAS_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    return tmp_path


def outputs(notebook: nbformat.NotebookNode) -> tuple[int, str]:
    """How many pictures there are, and what is printed."""
    pictures, printed = 0, ""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            pictures += "image/png" in output.get("data", {})
            printed += output.get("text", "") if output.get("name") == "stdout" else ""
    return pictures, printed


def test_the_stubs_are_those_of_the_module():
    cells = {cell.id: cell.source for cell in build.notebook(SOURCE).cells}
    stubs = build.stubs((ROOT / "exercises/capstone/digits.py").read_text("utf-8"))
    for name in ("build_head", "train_head"):
        assert cells[f"stub-{name}"] == stubs[name]
        assert stubs[name].endswith("raise NotImplementedError")


# As `digits.py` makes it, of fewer digits.
TRAIN = """
from autograder.capstone import backbone, data, training
from autograder.capstone.solution.digits import train_head

training.keras().utils.set_random_seed(0)
digits = data.subset()
train_head(backbone.load(), digits.train_images, digits.train_labels).save("digits.keras")
"""


def report(notebook: nbformat.NotebookNode, measured: float) -> rubric.Part:
    return rubric.report(handin.notebook(notebook), measured)


def measured(file: Path) -> float:
    """The share of the practice exam that a model reads rightly."""
    exam = practice()
    workers = weights.server()
    try:
        answers = model.read(file, workers).answers(exam.images)
    finally:
        workers.close()
    return float((classes(answers) == exam.labels).mean())


def test_the_lesson_as_it_is_shipped_is_no_report():
    part = report(build.notebook(SOURCE), 0.99)
    assert part.score == 0
    assert all(section in part.advice for section in rubric.SECTIONS)


@pytest.mark.slow
def test_it_runs_with_the_stubs_as_shipped(kernel):
    done = run(build.notebook(SOURCE), kernel)
    pictures, printed = outputs(done)
    assert pictures == 3
    assert printed.count("Write build_head and train_head first") == 4
    assert printed.count("Train it first") == 1
    assert report(done, 0.99).score <= 1


@pytest.mark.slow
def test_it_runs_with_the_answer_key_and_is_a_report(kernel):
    subprocess.run([sys.executable, "-c", TRAIN], cwd=kernel, check=True)
    started = time.monotonic()
    done = run(build.notebook(SOURCE, key()), kernel)
    print(f"the lesson took {time.monotonic() - started:.0f} s")
    pictures, printed = outputs(done)
    assert pictures == 7
    assert "100 labels: 9" in printed
    nbformat.write(done, kernel / "11_capstone.ipynb")
    read = handin.read(kernel)
    assert read.warnings == ()
    assert (kernel / "11_capstone.ipynb").stat().st_size < 2**20
    share = measured(read.model)
    part = rubric.report(read.notebook, share)
    assert part.score == 5, part
    assert rubric.report(read.notebook, share - 0.05).score == 3
