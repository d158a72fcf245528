"""Lesson 6: pools window by window, over a shifted digit, at the border."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from pictures.drawing import (
    GREY,
    PALE_GREY,
    PALE_ORANGE,
    Board,
    Cell,
    chequered,
    image_on,
    window,
)
from reference import ops


def pools(image: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
    """One image under a max pool and under an average pool, window by window."""
    image = np.asarray(image, float)
    largest = ops.max_pool2d(image[None, None], kernel, stride)[0, 0]
    means = ops.avg_pool2d(image[None, None], kernel, stride)[0, 0]
    chosen = chequered(largest.shape)
    fills: dict[Cell, str] = {}
    for (i, j), shade in chosen.items():
        for cell in window((i * stride[0], j * stride[1]), kernel, shade):
            fills[cell] = PALE_GREY if cell in fills else shade
    rows, columns = image.shape
    board = Board(columns + 2 * largest.shape[1] + 6, rows + 2)
    board.grid(image, 1, 1.2, "image", fills)
    middle = 1.2 + (rows - largest.shape[0]) / 2
    board.grid(largest, columns + 2.8, middle, "max pool", chosen)
    board.grid(means, columns + largest.shape[1] + 4.8, middle, "average pool", chosen)


def shifted(image: np.ndarray, kernel: int = 4) -> None:
    """A digit and the same digit one pixel further, before and after pooling."""
    moved = np.roll(image, 1, axis=1)
    size = (kernel, kernel)
    _, axes = plt.subplots(2, 4, figsize=(7.6, 4.1), facecolor="white", layout="constrained")
    for row, title in ((0, "image"), (1, "one pixel to the right")):
        x = (image, moved)[row]
        image_on(axes[row, 0], x, title)
        image_on(axes[row, 1], ops.max_pool2d(x[None, None], size, size)[0, 0], "max pool")
        image_on(axes[row, 2], ops.avg_pool2d(x[None, None], size, size)[0, 0], "average pool")
    for row, pool in ((0, None), (1, ops.max_pool2d)):
        pair = [
            x if pool is None else pool(x[None, None], size, size)[0, 0] for x in (image, moved)
        ]
        change = pair[1] - pair[0]
        share = np.abs(change).sum() / pair[0].sum()
        what = ("pixels", "max pool")[row]
        image_on(axes[row, 3], change, f"{what}: {share:.0%} change", True)


def pool_border() -> None:
    """Padding is no part of the image: what pools make of a window that hangs over the border."""
    board = Board(21, 4.6)
    row = np.array([[-np.inf, -3.0, -5.0, -2.0, -np.inf]])
    fills = {(0, 0): PALE_GREY, (0, 4): PALE_GREY}
    board.grid(row, 1, 1.4, "padding 1, kernel 2, stride 2", fills, (0, 0, 1, 2))
    board.word(3.5, 3.3, "grey cells are padding", colour=GREY)
    x = np.array([[[[-3.0, -5, -2]]]])
    for at, title, pool, note in (
        (8.5, "max pool", ops.max_pool2d, "−∞ never wins"),
        (15, "average pool", ops.avg_pool2d, "1 real pixel: divide by 1"),
    ):
        board.grid(pool(x, (1, 2), (1, 2), (0, 1))[0, 0], at + 1, 1.4, title, {(0, 0): PALE_ORANGE})
        board.word(at + 2, 3.3, note, colour=GREY)
