"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Level(StrEnum):
    """Levels of isolation, as `isolation/ladder.py` proves them."""

    weak = "weak"
    medium = "medium"
    strong = "strong"


class Format(StrEnum):
    """Formats that other programs read; see `report/formats.py`."""

    classroom = "classroom"
    github = "github"
    gitlab = "gitlab"
    gradescope = "gradescope"
    junit = "junit"
    markdown = "markdown"


CourseFile = Annotated[
    Path | None,
    typer.Option(
        "--course",
        metavar="FILE",
        help="The course's settings.",
        show_default="course.toml in this folder, if there is one",
    ),
]
ExercisesFolder = Annotated[
    Path, typer.Option("--exercises", help="The folder of stub modules and lessons.")
]
