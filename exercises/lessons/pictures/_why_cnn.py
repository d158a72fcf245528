"""Lesson 1: cells that answer to lines, what layers cost, receptive fields."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from pictures.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE_BLUE,
    PALE_ORANGE,
    PURPLE,
    RED,
    Board,
    image_on,
)
from reference import ops


def connections(inputs: int = 8, units: int = 4, kernel: int = 3) -> None:
    """Every line is a connection, every colour a parameter: a dense and a convolutional layer."""
    board = Board(23, 8.4)
    outputs = inputs - kernel + 1
    shades = [BLUE, ORANGE, GREEN, PURPLE, RED, GREY]
    dense = [(j, i, GREY) for i in range(inputs) for j in range(units)]
    shared = [(j, j + u, shades[u % len(shades)]) for j in range(outputs) for u in range(kernel)]
    for x, title, count, lines, own in (
        (1, "dense", units, dense, inputs * units),
        (13, "convolutional", outputs, shared, kernel),
    ):
        above = np.arange(inputs) * 1.15 + x + 0.5
        below = above.mean() + (np.arange(count) - (count - 1) / 2) * 1.15 * (
            1 if own == kernel else 2
        )
        for j, i, colour in lines:
            board.axes.plot([above[i], below[j]], [2.2, 5.4], color=colour, lw=1.3, zorder=1)
        for y, places, fill in ((2.0, above, PALE_BLUE), (5.6, below, PALE_ORANGE)):
            for place in places:
                board.axes.add_patch(plt.Circle((place, y), 0.33, fc=fill, ec=INK, zorder=2))
        board.word(above.mean(), 0.7, title, size=13, weight="bold")
        word = "a weight for each" if own > kernel else f"but {own} weights, shared"
        board.word(above.mean(), 7.1, f"{len(lines)} connections, {word}")


def costs() -> None:
    """What two layers on a 100 by 100 image cost, as bars of powers of ten."""
    layers = {
        "dense, 1000 units": ops.dense_layer_cost(100 * 100, 1000),
        "convolutional, 10 filters of 3×3": ops.conv_layer_cost(100, 100, 1, 10, (3, 3)),
    }
    _, axes = plt.subplots(figsize=(7.5, 2.6), facecolor="white", layout="constrained")
    labels, numbers, shades = [], [], []
    for name, (lines, weights) in layers.items():
        labels += [f"{name}\nconnections", f"{name}\nparameters"]
        numbers += [lines, weights]
        shades += [BLUE, ORANGE]
    bars = axes.barh(range(4), numbers, color=shades, height=0.65)
    axes.bar_label(bars, [f"{n:,}" for n in numbers], padding=4)
    axes.set(xscale="log", xlim=(10, 3e9), yticks=range(4), yticklabels=labels)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)


def simple_cell() -> None:
    """A cell as Hubel and Wiesel found them: its field, bars of light, and what it answers."""
    place = np.linspace(-1, 1, 41)
    across, down = np.meshgrid(place, place)
    inside = np.hypot(across, down) <= 0.95
    field = np.where(np.abs(across) < 0.15, 1.0, np.where(np.abs(across) < 0.5, -0.43, 0)) * inside
    angles = [0, 30, 60, 90, 120, 150]
    bars = []
    for angle in np.radians(angles):
        distance = np.abs(across * np.cos(angle) + down * np.sin(angle))
        bars.append((distance < 0.12) * inside * 1.0)
    answers = np.array([(bar * field).sum() for bar in bars])
    figure = plt.figure(figsize=(8.2, 2.9), facecolor="white", layout="constrained")
    grid = figure.add_gridspec(2, len(angles) + 2, height_ratios=[1, 1])
    image_on(figure.add_subplot(grid[:, :2]), field, "the cell's field", signed=True)
    for n, bar in enumerate(bars):
        image_on(figure.add_subplot(grid[0, n + 2]), 1 - bar, f"{angles[n]}°")
    axes = figure.add_subplot(grid[1, 2:])
    axes.bar(range(len(angles)), np.maximum(answers, 0) / answers.max(), color=BLUE, width=0.5)
    axes.axhline(0, color=INK, lw=1)
    axes.set(xticks=[], yticks=[], xlim=(-0.5, len(angles) - 0.5), ylim=(-0.05, 1.1))
    axes.set_ylabel("answer")
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def receptive_field(layers: Sequence[tuple[int, int]]) -> None:
    """One output, and in every layer before it the cells that it depends on, along one axis."""
    needed = [1]
    for kernel, stride in reversed(layers):
        needed.insert(0, (needed[0] - 1) * stride + kernel)
    jumps = np.cumprod([1, *(stride for _, stride in layers)])
    size = needed[0] + 4
    board = Board(size + 9, 2 * len(layers) + 2.2)
    centres: list[np.ndarray] = []
    for depth, count in enumerate(needed):
        y = 2 * (len(layers) - depth) + 0.6
        middle = 1 + size / 2
        all_cells = count + 2 * (1 if depth else 2)
        for n in range(-((all_cells - count) // 2), count + (all_cells - count) // 2):
            x = middle + (n - (count - 1) / 2) * jumps[depth] - 0.5
            used = 0 <= n < count
            if x < 0.9 or x > size + 0.2:
                continue
            fill = (PALE_ORANGE if depth == len(layers) else PALE_BLUE) if used else "white"
            board.axes.add_patch(Rectangle((x, y), 1, 1, fc=fill, ec=GREY, lw=0.8, zorder=2))
        centres.append(middle + (np.arange(count) - (count - 1) / 2) * jumps[depth])
        if depth:
            kernel, stride = layers[depth - 1]
            for n in range(count):
                for u in range(kernel):
                    ends = [centres[depth - 1][n * stride + u], centres[depth][n]]
                    board.axes.plot(ends, [y + 2, y + 1], color=BLUE, lw=0.9, zorder=1)
            label = f"layer {depth}: kernel {kernel}, stride {stride}"
        else:
            label = "image"
        cells = "1 cell" if count == 1 else f"{count} cells"
        board.word(size + 1.6, y + 0.5, f"{label}: {cells}", across="left")
