"""Grading: many submissions, each written whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import grading
from autograder.grading import collect, grade, results_json, write
from autograder.submissions import BadSubmission

TOPICS = frozenset({"padding", "convolution"})
RIGHT = """
def output_size(size, kernel, stride=1, padding=(0, 0), dilation=1):
    if min(size, kernel, stride, dilation) < 1 or min(padding) < 0:
        raise ValueError
    span = (kernel - 1) * dilation + 1
    if size + sum(padding) < span:
        raise ValueError
    return (size + sum(padding) - span) // stride + 1
"""


@pytest.fixture
def some(exercise):
    return [exercise("output_size")]


def class_of(folder, **sources):
    for name, text in sources.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "padding.py").write_text(text)
    return folder


def test_every_submission_gets_its_folder(tmp_path, engine_of, some):
    submissions = collect([class_of(tmp_path / "in", alice=RIGHT, bob="x = (")], TOPICS)
    out = tmp_path / "out"
    verdicts = list(grade(submissions, some, engine_of(), out))
    assert [(v.submission, v.score) for v in verdicts] == [("alice", 3), ("bob", 0)]
    for verdict in verdicts:
        folder = out / verdict.submission
        assert {file.name for file in folder.iterdir()} == {"results.json", "timing.json"}
        assert (folder / "results.json").read_text() == results_json(verdict)
        timing = json.loads((folder / "timing.json").read_text())
        assert timing["wall_seconds"] >= 0
        assert (folder / "results.json").stat().st_mode & 0o777 == 0o644


def test_a_result_is_there_as_soon_as_it_is_known(tmp_path, engine_of, some):
    submissions = collect([class_of(tmp_path / "in", alice=RIGHT, bob=RIGHT)], TOPICS)
    running = grade(submissions, some, engine_of(), tmp_path / "out")
    next(running)
    assert (tmp_path / "out" / "alice" / "results.json").is_file()
    assert not (tmp_path / "out" / "bob").exists()


def test_grading_twice_gives_the_same_bytes(tmp_path, engine_of, some):
    folder = class_of(tmp_path / "in", alice="def output_size(*a): return 1")
    submissions = collect([folder], TOPICS)
    texts = []
    for out in (tmp_path / "one", tmp_path / "two", tmp_path / "two"):
        assert len(list(grade(submissions, some, engine_of(), out))) == 1
        texts.append((out / "alice" / "results.json").read_bytes())
    assert texts[0] == texts[1] == texts[2]


def test_a_damaged_one_among_a_class_is_graded_as_empty(tmp_path, engine_of, some):
    folder = class_of(tmp_path / "in", alice=RIGHT)
    (folder / "bob.zip").write_bytes(b"no zip")
    (folder / "carol.ipynb").write_text("no notebook")
    submissions = collect([folder], TOPICS)
    assert [s.name for s in submissions] == ["alice", "bob", "carol"]
    verdicts = list(grade(submissions, some, engine_of(), tmp_path / "out"))
    assert [v.score for v in verdicts] == [3, 0, 0]
    assert verdicts[1].warnings == ("bob.zip is no readable zip file: File is not a zip file",)
    assert verdicts[2].warnings == ("carol.ipynb is no readable notebook",)
    text = (tmp_path / "out" / "bob" / "results.json").read_text()
    assert str(tmp_path) not in text
    assert '"not_attempted"' in text


def test_names_that_no_folder_of_results_can_have(tmp_path):
    folder = class_of(tmp_path / "in", alice=RIGHT)
    (folder / "index.html.py").write_text(RIGHT)
    submissions = collect([folder], TOPICS)
    assert [s.name for s in submissions] == ["alice", "submission index.html.py"]
    assert "has no name that a folder of results could have" in submissions[1].warnings[0]
    with pytest.raises(BadSubmission, match="rename it"):
        collect([folder / "index.html.py"], TOPICS)


def test_a_damaged_one_that_was_named_is_wrong_usage(tmp_path):
    (tmp_path / "bob.zip").write_bytes(b"no zip")
    with pytest.raises(BadSubmission, match="no readable zip"):
        collect([tmp_path / "bob.zip"], TOPICS)


def test_several_paths_are_collected_in_order(tmp_path):
    one = class_of(tmp_path / "one", zoe=RIGHT, adam=RIGHT)
    two = class_of(tmp_path / "two", mia=RIGHT)
    names = [s.name for s in collect([two / "mia", one], TOPICS)]
    assert names == ["mia", "adam", "zoe"]


def test_two_of_one_name_are_told_apart_by_nobody(tmp_path):
    one, two = class_of(tmp_path / "one", alice=""), class_of(tmp_path / "two", alice="")
    with pytest.raises(BadSubmission, match="2 submissions are called alice; rename all but one"):
        collect([one, two], TOPICS)


# --- whole or not at all


def test_a_file_is_replaced_at_one_stroke(tmp_path, monkeypatch):
    file = tmp_path / "folder" / "results.json"
    write(file, "old")
    seen = []
    real = os.replace

    def watched(source, target):
        seen.append((file.read_text(), Path(source).read_text()))
        real(source, target)

    monkeypatch.setattr(grading.os, "replace", watched)
    write(file, "new")
    assert seen == [("old", "new")]
    assert file.read_text() == "new"
    assert os.listdir(file.parent) == ["results.json"]


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file_alone(tmp_path, monkeypatch, error):
    file = tmp_path / "results.json"
    write(file, "old")

    def interrupted(*args):
        raise error

    monkeypatch.setattr(grading.os, "replace", interrupted)
    with pytest.raises(type(error)):
        write(file, "new")
    assert os.listdir(tmp_path) == ["results.json"]
    assert file.read_text() == "old"


SAMPLE = (
    "right-loops",
    "wrong-conv-flipped-kernel",
    "wrong-maxpool-over-channels",
    "wrong-conv-backward-dx-overwritten",
    "broken-segfault",
    "half-finished",
)


@pytest.mark.slow
def test_results_are_the_same_bytes_on_a_busy_machine_too(golden, tmp_path):
    """Alone, and twice at once beside three endless loops: two processes for every core."""

    def start(name):
        # The command lies beside the interpreter.
        command = [str(Path(sys.executable).with_name("autograder")), "grade"]
        command += [str(golden / submission) for submission in SAMPLE]
        command += ["--out", str(tmp_path / name)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)

    assert start("alone").wait() == 0
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        assert [run.wait() for run in [start("first"), start("second")]] == [0, 0]
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    for submission in SAMPLE:
        alone, first, second = (
            (tmp_path / run / submission / "results.json").read_bytes()
            for run in ("alone", "first", "second")
        )
        assert alone == first == second
