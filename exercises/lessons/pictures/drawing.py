"""What the pictures share: colours, a board of grids, words and arrows, images in a row.

Colours are those of Okabe and Ito, which people with any colour vision can tell apart, on white
paper, so that dark notebooks show them too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from autograder.digits import digits

BLUE, ORANGE, GREEN, RED, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
PALE_BLUE, PALE_ORANGE, PALE_GREEN, PALE_PURPLE = "#BFE0F5", "#FBDFA8", "#B9E4D6", "#F0D3E3"
GREY, PALE_GREY, INK = "#767676", "#E9E9E9", "#1F2428"
SHADES = (PALE_BLUE, PALE_ORANGE, PALE_GREEN, PALE_PURPLE)
CELL = 0.42  # inches
Cell = tuple[int, int]

if get_ipython() is not None:
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("retina")


class Board:
    """Grids of numbers, words and arrows on squared paper: x to the right, y down, in cells."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = plt.figure(
            figsize=(width * CELL, height * CELL), facecolor="white", layout=None, dpi=100
        )
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
        self.axes.axis("off")

    def grid(
        self,
        values: np.ndarray,
        x: float,
        y: float,
        title: str = "",
        fills: Mapping[Cell, str] | None = None,
        frame: tuple[int, int, int, int] | None = None,
        shown: Callable[[int, int], bool] = lambda i, j: True,
        faint: Callable[[int, int], bool] = lambda i, j: False,
    ) -> None:
        """A matrix with its corner at (x, y); `frame` is (row, column, rows, columns)."""
        for (i, j), value in np.ndenumerate(values):
            fill = (fills or {}).get((i, j), "white")
            self.axes.add_patch(Rectangle((x + j, y + i), 1, 1, fc=fill, ec=GREY, lw=0.8))
            if shown(i, j):
                colour = GREY if faint(i, j) else INK
                text = short(value)
                size = 11 if len(text) < 4 else 8.5
                self.word(x + j + 0.5, y + i + 0.5, text, size=size, colour=colour)
        if frame is not None:
            row, column, rows, columns = frame
            corner = (x + column, y + row)
            self.axes.add_patch(Rectangle(corner, columns, rows, fc="none", ec=RED, lw=2.5))
        if title:
            self.word(x + values.shape[1] / 2, y - 0.45, title)

    def word(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 10.5,
        colour: str = INK,
        across: str = "center",
        weight: str = "normal",
    ) -> None:
        self.axes.text(
            x, y, text, ha=across, va="center", fontsize=size, color=colour, weight=weight
        )

    def box(
        self, x: float, y: float, width: float, height: float, text: str, fill: str = PALE_BLUE
    ) -> None:
        style = "round,pad=0,rounding_size=0.15"
        self.axes.add_patch(
            FancyBboxPatch((x, y), width, height, boxstyle=style, fc=fill, ec=INK, zorder=2.5)
        )
        self.word(x + width / 2, y + height / 2, text)

    def arrow(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        colour: str = INK,
        bend: float = 0.0,
        width: float = 1.4,
    ) -> None:
        self.axes.add_patch(
            FancyArrowPatch(
                start,
                end,
                arrowstyle="-|>",
                mutation_scale=12,
                color=colour,
                lw=width,
                connectionstyle=f"arc3,rad={bend}",
                shrinkA=1,
                shrinkB=1,
            )
        )


def short(value: Any) -> str:
    """A number in at most five signs."""
    value = float(value)
    if np.isneginf(value):
        return "−∞"
    text = f"{value:g}" if value.is_integer() else f"{value:.2f}".rstrip("0")
    return text.replace("-", "−")


def window(at: Cell, size: Cell, fill: str) -> dict[Cell, str]:
    """The cells of a window, filled."""
    return {(at[0] + u, at[1] + v): fill for u in range(size[0]) for v in range(size[1])}


def chequered(shape: Cell) -> dict[Cell, str]:
    """The cells of a grid, filled so that neighbours differ."""
    return {(i, j): SHADES[(2 * (i % 2) + j) % 4] for i, j in np.ndindex(shape)}


def digit(number: int) -> np.ndarray:
    """One of the kit's handwritten digits, (28, 28), ink 1 on paper 0."""
    return digits()[0][number] / 255


def image_on(axes: Axes, image: np.ndarray, title: str = "", signed: bool = False) -> None:
    """An image in greys with dark ink, or in blue and orange for minus and plus."""
    if signed:
        most = float(np.abs(image).max()) or 1.0
        axes.imshow(image, cmap="PuOr_r", vmin=-most, vmax=most)
    else:
        axes.imshow(image, cmap="gray_r")
    axes.set_title(title, fontsize=10.5, color=INK)
    axes.set(xticks=[], yticks=[])


def row_of_axes(count: int, side: float = 1.7, height: float | None = None) -> list[Axes]:
    """Axes side by side, one figure."""
    _, axes = plt.subplots(
        1,
        count,
        figsize=(side * count, height or side + 0.35),
        facecolor="white",
        squeeze=False,
        layout="constrained",
    )
    return list(axes[0])
