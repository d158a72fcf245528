"""Lesson 8: LeNet-5, AlexNet, ResNet's block, GoogLeNet's module, batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from pictures.drawing import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE_BLUE,
    PALE_GREEN,
    PALE_GREY,
    PALE_ORANGE,
    RED,
    Board,
    row_of_axes,
)
from reference import ops


def shape_table(network: str) -> None:
    """LeNet-5 or AlexNet layer by layer: shapes, parameters, and where most of these are."""
    layers, shape = {
        "LeNet-5": (ops.lenet5(), (1, 32, 32)),
        "AlexNet": (ops.alexnet(), (3, 224, 224)),
    }[network]
    rows = [("image", shape, 0)]
    before = shape
    for layer, after in zip(layers, ops.trace_shapes(layers, shape), strict=True):
        if layer["kind"] not in ("relu", "flatten"):
            rows.append((_title(layer), after, ops.count_parameters([layer], _flat(layer, before))))
        before = after
    total = ops.count_parameters(layers, shape)
    board = Board(22, len(rows) * 0.85 + 2.6)
    board.word(0.6, 0.7, network, size=13, weight="bold", across="left")
    for x, title in ((11.8, "shape"), (15.4, "parameters")):
        board.word(x, 0.7, title, colour=GREY, across="right")
    for n, (title, size, count) in enumerate(rows):
        y = 1.7 + 0.85 * n
        board.word(0.6, y, title, across="left")
        board.word(11.8, y, " × ".join(map(str, size)), across="right")
        if count:
            board.word(15.4, y, f"{count:,}", across="right")
            width = max(5 * count / total, 0.05)
            board.axes.add_patch(Rectangle((16, y - 0.3), width, 0.6, fc=BLUE))
        board.axes.plot([0.6, 15.4], [y + 0.43] * 2, color=PALE_GREY, lw=0.8, zorder=0)
    board.word(15.4, 1.8 + 0.85 * len(rows), f"{total:,}", weight="bold", across="right")
    board.word(0.6, 1.8 + 0.85 * len(rows), "in all", weight="bold", across="left")


def _title(layer: Mapping[str, Any]) -> str:
    kind = {"conv": "convolution", "max_pool": "max pool", "avg_pool": "average pool"}
    parts = [kind.get(layer["kind"], layer["kind"])]
    if "kernel" in layer:
        parts.append("×".join(map(str, layer["kernel"])))
    if layer.get("stride", (1, 1)) != (1, 1):
        parts.append(f"stride {layer['stride'][0]}")
    if layer.get("padding", (0, 0)) != (0, 0):
        parts.append(f"padding {layer['padding'][0]}")
    return " ".join(parts[:2]) + "".join(f", {part}" for part in parts[2:])


def _flat(layer: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    return (int(np.prod(shape)),) if layer["kind"] == "dense" else shape


def alexnet_blocks() -> None:
    """AlexNet's shapes as blocks: their height is the image's side, their width the channels."""
    layers, shape = ops.alexnet(), (3, 224, 224)
    shapes = ops.trace_shapes(layers, shape)
    kept = [("image", shape)]
    kept += [
        (layer["kind"], size)
        for layer, size in zip(layers, shapes, strict=True)
        if layer["kind"] in ("conv", "max_pool", "dense")
    ]
    board = Board(26, 9.6)
    x, middle = 1.2, 4.4
    for kind, size in kept:
        tall = 0.7 + (size[1] / 224) * 6 if len(size) == 3 else 0.9 + size[0] / 4096 * 4
        wide = 0.35 + size[0] / 256 * 0.8 if len(size) == 3 else 0.45
        fill = {"conv": PALE_BLUE, "max_pool": PALE_ORANGE, "dense": PALE_GREEN}.get(
            kind, PALE_GREY
        )
        corner = (x, middle - tall / 2)
        board.axes.add_patch(Rectangle(corner, wide, tall, fc=fill, ec=INK, lw=1))
        text = f"{size[0]}" if len(size) == 1 else f"{size[0]}\n{size[1]}×{size[2]}"
        board.word(x + wide / 2, 8.35 if len(size) == 3 else 8.05, text, size=9.5)
        x += wide + 1.25
    for at, fill, name in (
        (8, PALE_BLUE, "convolution and ReLU"),
        (14.5, PALE_ORANGE, "max pool"),
        (18.5, PALE_GREEN, "dense"),
    ):
        board.axes.add_patch(Rectangle((at, 0.5), 0.7, 0.7, fc=fill, ec=INK, lw=1))
        board.word(at + 1, 0.85, name, across="left")


def residual() -> None:
    """ResNet's basic block, with the two forms of its shortcut."""
    board = Board(26, 7.2)
    for x, title, skip, first in (
        (0.6, "same shape", "", "conv 3×3"),
        (13.4, "other shape", "conv 1×1, stride 2", "conv 3×3\nstride 2"),
    ):
        board.word(x + 6, 0.6, title, weight="bold")
        board.word(x + 0.4, 3, "x", size=13)
        at = x + 0.8
        for gap, wide, name in ((1.1, 2.8, first), (0.7, 1.6, "ReLU"), (0.7, 2.6, "conv 3×3")):
            board.arrow((at, 3), (at + gap, 3))
            board.box(at + gap, 2.4, wide, 1.2, name)
            at += gap + wide
        plus = at + 1
        board.arrow((at, 3), (plus - 0.35, 3))
        board.axes.add_patch(plt.Circle((plus, 3), 0.36, fc="white", ec=INK))
        board.word(plus, 3, "+", size=13)
        board.axes.plot([x + 1.3, x + 1.3, plus], [3, 5.4, 5.4], color=RED, lw=2)
        board.arrow((plus, 5.4), (plus, 3.35), RED, width=2)
        if skip:
            board.box(x + 3.9, 4.8, 4.8, 1.2, skip, PALE_ORANGE)
        else:
            board.word(x + 6.3, 4.95, "x itself", colour=RED)
        board.arrow((plus + 0.35, 3), (plus + 1.1, 3))
    board.word(13, 6.7, "a ReLU follows the sum", colour=GREY)


def inception() -> None:
    """GoogLeNet's module: four branches over the same image, joined along the channels."""
    board = Board(22, 9.4)
    board.box(0.6, 3.9, 2.2, 1.2, "x", PALE_GREY)
    board.box(18.4, 0.9, 2.6, 7.2, "join the\nchannels", PALE_ORANGE)
    branches = (
        (None, "1×1"),
        ("3×3_reduce: 1×1", "3×3, padding 1"),
        ("5×5_reduce: 1×1", "5×5, padding 2"),
        ("max pool 3×3\nstride 1, padding 1", "pool_proj: 1×1"),
    )
    for n, (first, second) in enumerate(branches):
        y = 0.9 + 2 * n
        start = (2.8, 4.5)
        if not first:
            board.axes.plot([2.8, 4.6], [4.5, y + 0.65], color=INK, lw=1.4)
            start = (4.6, y + 0.65)
        else:
            fill = PALE_GREEN if "pool" in first else PALE_BLUE
            board.box(5.4, y, 4.8, 1.3, first, fill)
            board.arrow(start, (5.4, y + 0.65))
            start = (10.2, y + 0.65)
        board.box(12, y, 4.4, 1.3, second)
        board.arrow(start, (12, y + 0.65))
        board.arrow((16.4, y + 0.65), (18.4, y + 0.65))
    board.word(9, 9, "blue: convolution and ReLU", colour=GREY)


def normalised(seed: int = 0) -> None:
    """The numbers of two channels before and after batch normalisation."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(16, 2, 8, 8)) * np.array([3.0, 0.4])[:, None, None]
    x += np.array([4.0, -1.0])[:, None, None]
    y = ops.batch_norm2d(x, np.ones(2), np.zeros(2))
    bins = np.linspace(-8, 14, 90)
    for place, values, title in zip(
        row_of_axes(2, 3.8, 2.5), (x, y), ("before", "after, gamma = 1, beta = 0"), strict=True
    ):
        for c, (colour, hatch) in enumerate(((BLUE, ""), (ORANGE, "///"))):
            place.hist(
                values[:, c].ravel(),
                bins,
                color=colour,
                alpha=0.65,
                hatch=hatch,
                label=f"channel {c}",
            )
        place.set_title(title, fontsize=10.5)
        place.set(yticks=[], xlim=(-8, 14))
        place.spines[["top", "right", "left"]].set_visible(False)
        place.legend(frameon=False)
