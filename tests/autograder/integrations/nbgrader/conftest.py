"""Courses to work with; the helpers are in courses.py, beside this file."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

# Before the import below, whatever pytest's import mode is.
sys.path.insert(0, str(Path(__file__).parent))

from courses import ROOT, Course

from autograder.integrations.nbgrader.course import init


@pytest.fixture(scope="session")
def two_lessons(tmp_path_factory):
    """The room of exercises with two lessons in it."""
    room = tmp_path_factory.mktemp("exercises") / "exercises"
    ignored = shutil.ignore_patterns("0[13-46-9]_*", "1*_*", "__pycache__")
    shutil.copytree(ROOT / "exercises", room, ignore=ignored)
    return room


def _made(folder, exercises, hand_in):
    init(folder, exercises, hand_in)
    return folder


@pytest.fixture(scope="session")
def pristine(tmp_path_factory, two_lessons):
    """A course of two lessons; make a copy to work with it."""
    return _made(tmp_path_factory.mktemp("course") / "lessons", two_lessons, "notebooks")


@pytest.fixture(scope="session")
def pristine_modules(tmp_path_factory, two_lessons):
    """A course with one assignment, the modules."""
    return _made(tmp_path_factory.mktemp("course") / "modules", two_lessons, "modules")


@pytest.fixture
def course(pristine, tmp_path):
    return Course(Path(shutil.copytree(pristine, tmp_path / "course")))


@pytest.fixture
def modules_course(pristine_modules, tmp_path):
    return Course(Path(shutil.copytree(pristine_modules, tmp_path / "modules")))


@pytest.fixture
def own_jupyter(tmp_path, monkeypatch):
    """nbgrader's applications read no settings of the user's."""
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))
