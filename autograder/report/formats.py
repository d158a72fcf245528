"""The formats that other programs read, each from the same verdict."""

from __future__ import annotations

from collections.abc import Callable

from autograder.report import classroom, gradescope, junit, markdown
from autograder.verdict import Verdict

# File's name in a submission's folder of results, and what is written into it.
FILES: dict[str, tuple[str, Callable[[Verdict], str]]] = {
    "classroom": ("classroom.txt", classroom.document),
    "gitlab": ("junit.xml", junit.document),
    "gradescope": ("gradescope.json", gradescope.document),
    "junit": ("junit.xml", junit.document),
    "markdown": ("summary.md", markdown.document),
}
