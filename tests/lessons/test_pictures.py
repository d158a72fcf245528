"""What can be said of a picture without looking at it: its words are inside, and apart."""

from __future__ import annotations

import importlib
import sys
from itertools import combinations
from pathlib import Path

import jupytext
import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.text import Text
from matplotlib.transforms import Bbox

LESSONS = Path(__file__).resolve().parents[2] / "exercises" / "lessons"
SOURCES = [file for file in sorted(LESSONS.glob("[0-9][0-9]_*.py")) if file.stem != "11_capstone"]


@pytest.fixture(scope="module")
def pictures():
    """The package, importable as beside a notebook."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(LESSONS)
        yield importlib.import_module("pictures")
    for name in [name for name in sys.modules if name.partition(".")[0] == "pictures"]:
        del sys.modules[name]


def figures(source: Path):
    """Every figure of a lesson, with the cell that draws it."""
    names: dict = {}
    for cell in jupytext.reads(source.read_text("utf-8"), fmt="py:percent").cells:
        if cell.cell_type != "code" or cell.source.startswith(("# stub: ", "check(")):
            continue
        exec(cell.source, names)
        for number in plt.get_fignums():
            yield cell.source, plt.figure(number)
            plt.close(number)


def crowded(figure) -> list[str]:
    """Words that are cut off, or lie on one another."""
    figure.canvas.draw()
    inner = figure.bbox
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    # Ticks outside of their axis' limits are not drawn, but are there.
    ticks = {
        label
        for axes in figure.axes
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim()))
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for label in (tick.label1, tick.label2)
        if not min(low, high) <= tick.get_loc() <= max(low, high)
    }
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts if t not in ticks]
    found = [
        f"{text!r} is cut off"
        for text, box in boxes
        if box.x0 < inner.x0 - 1 or box.x1 > inner.x1 + 1 or box.y0 < -1 or box.y1 > inner.y1 + 1
    ]
    for (one, a), (other, b) in combinations(boxes, 2):
        shared = Bbox.intersection(a, b)
        if shared is not None and shared.width > 1 and shared.height > 1:
            found.append(f"{one!r} lies on {other!r}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_no_words_are_cut_off_or_lie_on_one_another(source, pictures):
    drawn = 0
    for cell, figure in figures(source):
        assert crowded(figure) == [], cell
        drawn += 1
    assert drawn > 0


def test_crowding_is_seen(pictures):
    board = pictures.drawing.Board(4, 2)
    board.word(2, 1, "one word")
    board.word(2.2, 1, "another")
    assert crowded(board.figure) == ["'one word' lies on 'another'"]
    board = pictures.drawing.Board(4, 2)
    board.word(3.9, 1, "too far right")
    assert crowded(board.figure) == ["'too far right' is cut off"]
    plt.close("all")


@pytest.mark.slow
@pytest.mark.parametrize(
    "tried",
    [
        "receptive_field([(3, 3), (3, 1), (2, 1)])",
        "receptive_field([(5, 1)])",
        "places(size=7, kernel=3, stride=3)",
        "places(size=7, kernel=3, dilation=2)",
        "places(size=7, kernel=8, padding=(0, 1))",
        "same(size=5, kernel=4)",
        "same(size=5, kernel=1, stride=2)",
        "sliding(np.full((4, 5), 5), np.ones((1, 2)), at=(2, 3))",
        "strides(np.ones((5, 7)), kernel=(2, 2), stride=(1, 4))",
        "strides(np.ones((5, 7)), kernel=(3, 2), stride=(1, 4))",
        "work(size=224, kernel=11)",
        "probabilities([1002.0, 1001.0, 1000.0, 999.0])",
        "pools(-np.ones((4, 4)), kernel=(3, 3), stride=(2, 2))",
        "back_through_pools(np.ones((3, 3)), np.ones((2, 2)), (2, 2), (1, 1))",
        "depths(layers=40)",
        "downhill(learning_rate=0.51)",
        "downhill(momentum=0.95)",
        "training_curves(learning_rate=0.5)",
    ],
)
def test_what_students_are_told_to_try_is_a_picture_too(tried, pictures):
    eval(f"pictures.{tried}", {"pictures": pictures, "np": np})
    assert crowded(plt.gcf()) == []
    plt.close("all")


def test_a_place_that_is_none_is_refused(pictures):
    with pytest.raises(ValueError, match=r"there is no place \(2, 0\)"):
        pictures.sliding(np.ones((4, 5)), np.ones((3, 3)), at=(2, 0))
