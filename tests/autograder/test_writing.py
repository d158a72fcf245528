"""A file is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder import writing
from autograder.writing import write


def test_a_file_is_replaced_at_one_stroke(tmp_path, monkeypatch):
    file = tmp_path / "folder" / "results.json"
    write(file, "old")
    seen = []
    real = os.replace

    def watched(source, target):
        seen.append((file.read_text(), Path(source).read_text()))
        real(source, target)

    monkeypatch.setattr(writing.os, "replace", watched)
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

    monkeypatch.setattr(writing.os, "replace", interrupted)
    with pytest.raises(type(error)):
        write(file, "new")
    assert os.listdir(tmp_path) == ["results.json"]
    assert file.read_text() == "old"
