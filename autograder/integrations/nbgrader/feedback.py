"""The page that `nbgrader generate_feedback` writes for a student: one file, nothing loaded.

It takes the place of nbgrader's template, which loads MathJax from the network. Formgrader sets the
template of every HTMLExporter by its name, so the page has an exporter of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from mistune import HTMLRenderer, create_markdown
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution, is_task

# nbgrader's own comment on a cell that is as it was released; the finding says it already.
NO_RESPONSE = "No response."
DEFINES = re.compile(r"^(async def|def|class)\s", re.MULTILINE)
MAX_HEADING = 6


class FeedbackExporter(HTMLExporter):
    """Notebook to page, by the template `autograder_feedback`."""

    def default_filters(self) -> Iterator[tuple[str, Callable[..., Any]]]:
        yield from super().default_filters()
        yield "plain_markdown", plain_markdown
        yield "contents", contents
        yield "is_shown", is_shown
        yield "comment_of", comment_of
        yield "automatic", automatic
        yield "points_of", points_of


@dataclass
class Entry:
    """A line of the contents: a cell with points, or a comment that no such cell follows."""

    name: str
    score: float | None = None
    most: float | None = None
    comments: list[str] = field(default_factory=list)


def contents(cells: Iterable[NotebookNode]) -> list[Entry]:
    """Comments stand at the code that they are about, so they belong to the next grade cell."""
    entries: list[Entry] = []
    waiting: list[str] = []
    for cell in cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if comment_of(cell):
            waiting.append(name)
        if is_grade(cell) or is_task(cell):
            about = cell.metadata.nbgrader
            entries.append(Entry(name, about.score, about.points, waiting))
            waiting = []
    return entries + [Entry(name, comments=[name]) for name in waiting]


def comment_of(cell: NotebookNode) -> str:
    """What a grader wrote about a cell."""
    comment = (cell.metadata.get("nbgrader", {}).get("comment") or "").strip()
    return "" if comment == NO_RESPONSE else comment


def is_shown(cell: NotebookNode) -> bool:
    """Code without points is shown where functions may be taken from it.

    What the other cells are for, their pictures, is not there: no cell was run.
    """
    if cell.cell_type != "code" or is_grade(cell) or is_solution(cell):
        return bool(cell.source.strip()) or is_grade(cell)
    return bool(DEFINES.search(cell.source))


def automatic(cell: NotebookNode) -> float | None:
    """The points that the tests gave; a grader may have changed them."""
    for output in cell.get("outputs", []):
        if text := output.get("data", {}).get("text/plain"):
            return float(text)
    return None


def points_of(score: float) -> str:
    """3, 0.5, 41.67."""
    return f"{round(score, 2):g}"


class PlainRenderer(HTMLRenderer):
    """Markdown in which nothing leads out of the page: no markup, no images, no links."""

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        # The page's own heading is above those of the notebook.
        return super().heading(text, min(level + 1, MAX_HEADING), **attrs)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        address = self.text(url)
        return text if address == text else f"{text} ({address})"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return f"<em>{text}</em>"


_markdown = create_markdown(renderer=PlainRenderer(escape=True), plugins=["table", "strikethrough"])


def plain_markdown(source: str) -> Markup:
    return Markup(_markdown(source))  # the renderer has escaped it
