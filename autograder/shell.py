"""What commands do at the shell: exit codes, complaints, the terminal."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

if TYPE_CHECKING:
    from autograder.course import Course

# All passed or all graded; something failed; wrong usage; our own fault; Ctrl-C.
PASSED, FAILED, USAGE, FAULT, INTERRUPTED = 0, 1, 2, 3, 130


def complain(text: str) -> None:
    """On stderr; the names of files in it are a student's."""
    from autograder.report.text import for_log

    print(f"autograder: {for_log(text)}", file=sys.stderr)


def stop(text: str, code: int = USAGE) -> typer.Exit:
    """Complain; what is returned is to be raised."""
    complain(text)
    return typer.Exit(code)


@contextmanager
def usage() -> Iterator[None]:
    """A wrong argument is one sentence and exit code 2."""
    from autograder.catalog import UnknownName
    from autograder.course import BadCourse
    from autograder.submissions import BadSubmission

    try:
        yield
    except (UnknownName, BadSubmission, BadCourse) as error:
        raise stop(str(error)) from error
    except OSError as error:
        raise stop(f"cannot read {error.filename}: {error.strerror}") from error


@contextmanager
def extra(name: str) -> Iterator[None]:
    """What only an extra brings is missing: say how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        told = f"{error.name} is missing: pip install -c constraints.txt -e '.[{name}]'"
        raise stop(told) from error


def course_of(file: Path | None) -> Course:
    """The settings in a file, or those of this folder; BadCourse where they are wrong."""
    from autograder import course

    return course.find(Path()) if file is None else course.load(file)


def new_console() -> Console:
    """Colours only on a terminal; lines as wide as they are made."""
    return Console(highlight=False, soft_wrap=True)


def check_writable(out: Path) -> None:
    """Better told now than after the first submission."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise stop(f"cannot write to {out}: {error.strerror}") from error


def write_page(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise stop(f"cannot write {file}: {error.strerror}") from error


def tell_faults(faults: Sequence[str]) -> None:
    """What the grader itself failed at ends the command with its own code."""
    for fault in faults:
        complain(f"the grader itself failed at {fault}")
    if faults:
        raise typer.Exit(FAULT)
