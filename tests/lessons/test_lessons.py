"""The lessons are whole: every function is asked for, and every notebook runs to its end."""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder import catalog, intake
from autograder.engine import Engine
from autograder.scaffold import lessons
from autograder.submissions import read

ROOT = Path(__file__).resolve().parents[2]
LESSONS = ROOT / "exercises" / "lessons"


TOPICS = {topic.name: topic for topic in catalog.topics()}
# The capstone's lesson asks for no exercise of the catalogue: see `test_capstone.py`.
EVERY = lessons.sources(ROOT / "exercises")
SOURCES = [source for source in EVERY if lessons.topic_of(source) in TOPICS]


def definitions() -> dict[str, tuple[str, set[str]]]:
    """The text of every definition of the answer key, and the names in it."""
    found = {}
    for file in sorted((ROOT / "reference" / "pure").glob("[!_]*.py")):
        text = file.read_text("utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef):
                name = node.name
            elif isinstance(node, ast.Assign):
                name = node.targets[0].id
            else:
                continue
            used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - {name}
            found[name] = ast.get_source_segment(text, node), used
    return found


def key(topic: str) -> dict[str, str]:
    """The answer key of a topic by function; the first cell also holds what all of them use."""
    known = definitions()
    asked = [exercise.name for exercise in TOPICS[topic].exercises]
    needed, waiting = set(), list(asked)
    while waiting:
        name = waiting.pop()
        if name in known and name not in needed:
            needed.add(name)
            waiting += known[name][1]
    cells = {name: known[name][0] for name in asked}
    helpers = [known[name][0] for name in known if name in needed and name not in asked]
    cells[asked[0]] = "\n\n\n".join(
        ["from math import prod, sqrt", "from typing import Any", *helpers, cells[asked[0]]]
    )
    return cells


def run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run all cells, as a student's notebook beside its pictures; an exception is a failure."""
    lessons.copy_pictures(SOURCES[0], folder)
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    return client.execute()


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A kernel that imports this checkout and turns warnings into exceptions."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "matplotlib"))
    monkeypatch.setenv("PYTHONWARNINGS", "error::UserWarning,error::RuntimeWarning")
    return tmp_path


def checks(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """What each check cell shows, by function."""
    shown = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.startswith('check("'):
            (result,) = cell.outputs
            shown[cell.source.split('"')[1]] = result["data"]["text/html"]
    return shown


def test_every_topic_has_its_lesson_in_order():
    named = [source.stem for source in EVERY]
    topics = [f"{topic.lesson:02}_{topic.name}" for topic in TOPICS.values()]
    assert named == [*topics, f"{len(topics) + 1:02}_capstone"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_lesson_asks_for_each_function_once_and_checks_it_next(source):
    built = lessons.notebook(source)
    cells = [cell for cell in built.cells if cell.cell_type == "code"]
    asked = [
        (cell.id.removeprefix("stub-"), after.id.removeprefix("check-"), after.source)
        for cell, after in pairwise(cells)
        if cell.id.startswith("stub-")
    ]
    names = [exercise.name for exercise in TOPICS[lessons.topic_of(source)].exercises]
    assert sorted(asked) == sorted((name, name, f'check("{name}")') for name in names)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_stub_cell_is_the_stub(source):
    built = lessons.notebook(source)
    module = (ROOT / "exercises" / f"{lessons.topic_of(source)}.py").read_text("utf-8")
    cells = [cell.source for cell in built.cells if cell.id.startswith("stub-")]
    for cell in cells:
        assert cell in module
        assert cell.endswith("raise NotImplementedError")


def test_a_build_is_the_same_twice_and_brings_the_pictures(tmp_path):
    for folder in ("one", "two"):
        lessons.build(ROOT / "exercises", tmp_path / folder)
    one, two = (
        {
            file.relative_to(tmp_path / folder).as_posix(): file.read_bytes()
            for file in (tmp_path / folder).rglob("*")
            if file.is_file()
        }
        for folder in ("one", "two")
    )
    notebooks = {f"{source.stem}.ipynb" for source in EVERY}
    package = {f"pictures/{file.name}" for file in (LESSONS / "pictures").glob("*.py")}
    assert one.keys() == {*notebooks, *package, "capstone_pictures.py"}
    assert "pictures/__init__.py" in package
    assert one == two


def test_the_folder_of_lessons_is_a_submission_of_its_notebooks(tmp_path):
    """The modules that draw are taken for nobody's functions."""
    lessons.build(ROOT / "exercises", tmp_path / "ann")
    submission = read(tmp_path / "ann", frozenset(TOPICS))
    assert submission.warnings == ()
    assert submission.places.keys() == set(TOPICS)


def test_pictures_beside_a_notebook_of_any_name_are_not_what_is_judged(tmp_path):
    folder = tmp_path / "class" / "ann"
    folder.mkdir(parents=True)
    lessons.copy_pictures(SOURCES[0], folder)
    nbformat.write(lessons.notebook(SOURCES[0]), folder / "my homework.ipynb")
    (hand_in,) = intake.collect([tmp_path / "class"], frozenset(TOPICS), tmp_path).hand_ins
    submission = hand_in.read(frozenset(TOPICS))
    assert (hand_in.name, submission.warnings) == ("ann", ())
    assert submission.sources.keys() == {"notebook"}


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_lesson_runs_with_the_stubs_as_shipped(source, kernel):
    done = run(lessons.notebook(source), kernel)
    for cell in done.cells:
        if cell.source.startswith("pictures.") or "\npictures." in cell.source:
            (picture,) = cell.outputs
            assert "image/png" in picture["data"]
    shown = checks(done)
    assert len(shown) == len(TOPICS[lessons.topic_of(source)].exercises)
    for text in shown.values():
        assert "Not attempted yet" in text


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_lesson_runs_with_the_answer_key(source, kernel):
    topic = lessons.topic_of(source)
    done = run(lessons.notebook(source, key(topic)), kernel)
    shown = checks(done)
    for exercise in TOPICS[topic].exercises:
        total = f"{exercise.points:g}"
        assert f"{total} of {total} points" in shown[exercise.name]
    # And it is a submission as it is.
    nbformat.write(done, kernel / "handed-in.ipynb")
    submission = read(kernel / "handed-in.ipynb", frozenset(TOPICS))
    assert submission.warnings == ()
    assert Engine.of().verdict(submission, TOPICS[topic].exercises).passed
