"""What a hand-in of the capstone looks like on disk: the model, the student's code, the notebook.

`digits.keras` lies at the top, in `capstone/` or in `exercises/capstone/`; so do `digits.py` and
one notebook. Nothing is extracted, imported or followed.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder import submissions
from autograder.capstone.rubric import Notebook
from autograder.isolation.limits import DEFAULT, Limits
from autograder.submissions import HOME, NO_NAMES, BadSubmission

MODEL = "digits.keras"
CODE = "digits.py"
PACKAGE = "capstone"
FOLDERS = (".", "capstone", "exercises/capstone")
MAX_STATED = 200
_HEADING = re.compile(r"^(#{1,6})\s+(.*)$", re.MULTILINE)
_DIGIT = re.compile(r"\d")
_PERCENT = re.compile(r"accuracy[^0-9\n]{0,30}(\d{1,3}(?:\.\d{1,6})?)\s*%", re.IGNORECASE)
_SHARE = re.compile(r"accuracy[^0-9\n]{0,30}([01]\.\d{1,20})(?!\s*%|\d)", re.IGNORECASE)


@dataclass(frozen=True)
class HandIn:
    """One student's capstone.

    model     where the model should lie
    notebook  the report; None where there is none that can be read
    sources     text of the modules: `capstone.digits` for digits.py and so on, and by their plain
                names those of `exercises`, which they may import
    unreadable  of modules that are there but cannot be read, why
    """

    name: str
    model: Path
    notebook: Notebook | None = None
    warnings: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)


def read(path: Path, limits: Limits = DEFAULT) -> HandIn:
    """The hand-in at a path: a folder, or a `.keras` file alone."""
    place = Path(os.path.abspath(path))
    if not path.exists() and not path.is_symlink():
        raise BadSubmission(f"there is no {path}")
    if not path.is_dir():
        return HandIn(place.stem, path)
    if place.name in NO_NAMES:
        raise BadSubmission(f"{path} has no name that a folder of results could have; rename it")
    homes = [path / folder for folder in FOLDERS]
    homes = [home for home in homes if home.is_dir() and not home.is_symlink()]
    # Where the model is; else where there is anything of it, which at the top may be any lesson's.
    for home in [h for h in homes if os.path.lexists(h / MODEL)] or homes[::-1]:
        known = (home / MODEL, home / CODE)
        if any(map(os.path.lexists, known)) or any(home.glob("*.ipynb")):
            notebook, warning = _notebook(home, limits)
            told = (warning,) if warning else ()
            return HandIn(place.name, home / MODEL, notebook, told, *_modules(path, home, limits))
    return HandIn(place.name, path / MODEL)


def _modules(path: Path, home: Path, limits: Limits) -> tuple[dict[str, str], dict[str, str]]:
    """The capstone's modules, and those of the exercises, which lie around or beside it."""
    around = home.parent if home != path else path / HOME
    found: tuple[dict[str, str], dict[str, str]] = {}, {}
    if around.is_dir() and not around.is_symlink():
        found = submissions.modules(around, limits)
    for all_of_them, own in zip(found, submissions.modules(home, limits), strict=True):
        all_of_them.update({f"{PACKAGE}.{name}": text for name, text in own.items()})
    return found


def _notebook(home: Path, limits: Limits) -> tuple[Notebook | None, str]:
    """The one notebook of a folder; without it, why there is none.

    Of several, those called after the capstone come first.
    """
    files = sorted(home.glob("*.ipynb"), key=lambda file: ("capstone" not in file.name, file.name))
    if not files:
        return None, ""
    rivals = [
        file for file in files[1:] if "capstone" in file.name or "capstone" not in files[0].name
    ]
    warning = f"there are {len(rivals) + 1} notebooks; {files[0].name} counts" if rivals else ""
    try:
        descriptor = os.open(files[0], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None, f"{files[0].name} cannot be read"
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None, f"{files[0].name} is no ordinary file"
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limits.notebook_bytes + 1)
    if len(content) > limits.notebook_bytes:
        return None, f"{files[0].name} is too large"
    try:
        return notebook(json.loads(content.decode("utf-8-sig"))), warning
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, f"{files[0].name} is no readable notebook"


def notebook(content: Any) -> Notebook:
    """The headings that have something to show below, and the accuracies that are stated.

    Something is what a code cell that was run has put out: a picture, or text with a number in it.
    It stands for the heading before it and for those above that one, but for the notebook's title.
    """
    shown: dict[str, None] = {}
    stated: list[float] = []
    above: list[tuple[int, str]] = []
    for cell in content["cells"]:
        source = _joined(cell.get("source", ""))
        if cell.get("cell_type") == "markdown":
            for match in _HEADING.finditer(source):
                level = len(match[1])
                above = [heading for heading in above if heading[0] < level]
                above.append((level, match[2].strip().lower()[:200]))
            stated += _accuracies(source)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            text = _joined(output.get("text", data.get("text/plain", "")))
            stated += _accuracies(text)
            warned = output.get("name") == "stderr"
            if (
                "image/png" in data
                or "image/svg+xml" in data
                or (_DIGIT.search(text) and not warned)
            ):
                inner = above if len(above) < 2 or above[0][0] > 1 else above[1:]
                shown |= dict.fromkeys(heading for _, heading in inner)
    return Notebook(tuple(shown)[:MAX_STATED], tuple(stated[:MAX_STATED]))


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def _accuracies(text: str) -> Iterator[float]:
    for match in _PERCENT.finditer(text):
        yield float(match[1]) / 100
    for match in _SHARE.finditer(text):
        yield float(match[1])
