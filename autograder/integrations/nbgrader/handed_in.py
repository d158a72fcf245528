"""Before `nbgrader autograde`: every student has every notebook of the assignment.

nbgrader passes over a student without notebooks, and gives up a submission with a notebook that it
cannot open. So what is missing is copied from the release, and what cannot be opened is kept beside
it under another name; each copy says at its top why it is there. Nothing handed in is lost.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_markdown_cell
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory

from autograder import catalog, course
from autograder.integrations.nbgrader.preprocessors import Judge
from autograder.isolation.limits import Limits
from autograder.submissions import HOME, MODULES, home

UNREADABLE = ".unreadable"


def install() -> None:
    """Let nbgrader complete submissions before it looks for them: it has no setting for that."""
    begin = Autograde.init_notebooks
    if begin.__module__ == __name__:
        return  # the configuration is read more than once

    def init_notebooks(self: Any) -> None:
        if Judge in self.autograde_preprocessors:
            Judge(parent=self).ready()
            complete(self.coursedir, self.log)
        begin(self)

    init_notebooks.__module__ = __name__
    Autograde.init_notebooks = init_notebooks


def complete(coursedir: CourseDirectory, log: logging.Logger) -> None:
    """Give the students that are to be graded the notebooks that they lack."""
    assignment = coursedir.assignment_id
    release = Path(coursedir.format_path(coursedir.release_directory, ".", assignment))
    names = sorted(file.name for file in release.glob("*.ipynb"))
    limits = course.find(Path(coursedir.root)).limits
    handed_in = coursedir.format_path(
        coursedir.submitted_directory, coursedir.student_id, assignment
    )
    for folder in map(Path, sorted(glob(handed_in))):
        if folder.is_dir():
            for note in (*without_links(folder), *lifted(folder)):
                log.warning("%s: %s", folder.relative_to(coursedir.root), note)
            for name in names:
                if note := _mended(folder, name, names, release, limits):
                    log.warning("%s: %s", folder.relative_to(coursedir.root), note)


def without_links(folder: Path) -> Iterator[str]:
    """Take away links and devices: nbgrader copies what they lead to, into the feedback too."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            file = Path(place) / name
            if file.is_symlink() or not (file.is_file() or file.is_dir()):
                file.unlink()
                yield f"{file.relative_to(folder)} is no ordinary file; it is left out"


def lifted(folder: Path) -> Iterator[str]:
    """Modules and notebooks one folder down come to the top, where nbgrader looks for them."""
    place = home(folder, frozenset(topic.name for topic in catalog.topics()))
    if place in (None, ".", HOME):
        return
    for file in sorted((folder / place).iterdir()):
        if file.suffix in MODULES and file.is_file() and not os.path.lexists(folder / file.name):
            shutil.copyfile(file, folder / file.name)
    yield f"the modules lie in {place}; copied to the top"


def _mended(folder: Path, name: str, names: list[str], release: Path, limits: Limits) -> str:
    """Make sure that a notebook is there and can be opened; returns what was amiss, or nothing."""
    file = folder / name
    if not os.path.lexists(file):
        others = [other for other in folder.glob("*.ipynb") if other.name not in names]
        missing = [other for other in names if not (folder / other).exists()]
        if len(others) == len(missing) == 1 and not why_not(others[0], limits):
            shutil.copyfile(others[0], file)
            return f"{name} was not handed in; {others[0].name} is taken for it"
        note = f"{name} was not handed in"
    elif reason := why_not(file, limits):
        kept = folder / (name + UNREADABLE)
        os.replace(file, kept)
        note = f"{name} {reason}; it is kept as {kept.name}"
    else:
        return ""
    blank = nbformat.read(release / name, as_version=4)
    told = f"**{note}.** This is a copy of the notebook as it was released."
    blank.cells.insert(0, new_markdown_cell(told, id="added"))
    nbformat.write(blank, file)
    return note


def why_not(file: Path, limits: Limits) -> str:
    """Why nbgrader could not open a notebook; nothing where it can."""
    if not file.is_file():
        return "is a folder"
    if file.stat().st_size > limits.notebook_bytes:
        return f"is larger than {limits.notebook_bytes // 2**20} MiB"
    problems: dict[str, Any] = {}
    try:
        text = file.read_text("utf-8")  # as nbgrader reads it: a byte order mark is too much
        nbformat.reads(text, as_version=4, capture_validation_error=problems)
    except Exception:  # the bytes are anybody's
        return "is no readable notebook"
    return "is no valid notebook" if problems else ""
