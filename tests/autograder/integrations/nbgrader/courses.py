"""A course for nbgrader, and its commands as processes of their own, as instructors run them."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import nbformat

from autograder.scaffold import lessons

ROOT = Path(__file__).resolve().parents[4]
ANSWERS = ROOT / "tests" / "submissions"
PADDING = "02_padding"


class Course:
    """A course's folder, and what is done with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def nbgrader(self, *arguments, fails=False, **environment):
        """Run a command of nbgrader's in the course."""
        # nbgrader calls alembic by its name.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "PATH": path, **environment},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def released(self, name=PADDING):
        return nbformat.read(self.folder / "release" / name / f"{name}.ipynb", as_version=4)

    def place(self, student, assignment=PADDING):
        """The folder of a student's submission."""
        folder = self.folder / "submitted" / student / assignment
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def hand_in(self, student, notebook, name=PADDING):
        nbformat.write(notebook, self.place(student, name) / f"{name}.ipynb")

    def autograded(self, student, assignment=PADDING, notebook=None):
        folder = self.folder / "autograded" / student / assignment
        return nbformat.read(folder / f"{notebook or assignment}.ipynb", as_version=4)

    def grades(self, column="score", assignment=PADDING):
        """What nbgrader exports for an assignment, by student."""
        self.nbgrader("export", "--exporter", "nbgrader.plugins.CsvExportPlugin", "--to", "g.csv")
        with (self.folder / "g.csv").open(newline="") as file:
            return {
                row["student_id"]: float(row[column] or 0)
                for row in csv.DictReader(file)
                if row["assignment"] == assignment
            }


def solved(notebook, submission="right-loops"):
    """A released lesson with the functions of a golden submission in its cells."""
    source = ROOT / "exercises" / "lessons" / f"{PADDING}.py"
    module = (ANSWERS / submission / "exercises" / "padding.py").read_text("utf-8")
    texts = lessons.answers(source, module)
    for cell in notebook.cells:
        if (name := grade_id(cell)).startswith("write_"):
            cell.source = texts[name.removeprefix("write_")]
    return notebook


def grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def grade_cells(notebook):
    """The cells for the points, by name."""
    return {
        grade_id(cell): cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }
