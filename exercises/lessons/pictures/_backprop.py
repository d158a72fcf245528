"""Lesson 7: gradients on their way back through a network and its layers."""

from __future__ import annotations

import numpy as np

from pictures.drawing import (
    BLUE,
    PALE_BLUE,
    PALE_GREY,
    PALE_ORANGE,
    RED,
    SHADES,
    Board,
    Cell,
    chequered,
    short,
    window,
)
from reference import ops


def chain() -> None:
    """A small network: numbers go forward, gradients come back."""
    names = ["convolution", "ReLU", "max pool", "dense", "loss"]
    board = Board(26, 5.6)
    for n, name in enumerate(names):
        x = 2.2 + 4.9 * n
        board.box(x, 2, 3.2, 1.5, name, PALE_ORANGE if name == "loss" else PALE_BLUE)
        board.arrow((x - 1.6, 2.4), (x - 0.05, 2.4), BLUE, width=2)
        if n:
            board.arrow((x - 0.05, 3.1), (x - 1.6, 3.1), RED, width=2)
    board.word(13, 1, "forward: every layer gives y and remembers its x", colour=BLUE, size=12)
    board.word(
        13, 4.6, "back: every layer is given dy and gives dx, dw and db", colour=RED, size=12
    )


def back_through_relu(x: np.ndarray, dy: np.ndarray) -> None:
    """What a ReLU lets through, forward and back."""
    x, dy = np.asarray(x, float), np.asarray(dy, float)
    board = Board(2 * x.shape[1] + 8, 2 * x.shape[0] + 4.1)
    fills = {(int(i), int(j)): PALE_BLUE for i, j in np.argwhere(x > 0)}
    right, low = x.shape[1] + 7, x.shape[0] + 3.3
    board.grid(x, 3.5, 1.2, "x", fills)
    board.grid(ops.relu(x), right, 1.2, "y", fills)
    board.grid(ops.relu_backward(dy, x), 3.5, low, "dx", fills)
    board.grid(dy, right, low, "dy")
    start, end = x.shape[1] + 4, right - 0.5
    board.arrow((start, 1.2 + len(x) / 2), (end, 1.2 + len(x) / 2), BLUE, width=2)
    board.arrow((end, low + len(x) / 2), (start, low + len(x) / 2), RED, width=2)
    board.word(2.9, 1.2 + len(x) / 2, "forward", colour=BLUE, across="right")
    board.word(2.9, low + len(x) / 2, "back", colour=RED, across="right")


def back_through_pools(
    x: np.ndarray, dy: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int]
) -> None:
    """The gradient's way back through a max pool and an average pool, cell by cell."""
    x, dy = np.asarray(x, float), np.asarray(dy, float)
    batch = x[None, None], dy[None, None]
    dx = ops.max_pool2d_backward(batch[1], batch[0], kernel, stride)[0, 0]
    shares = ops.avg_pool2d_backward(batch[1], batch[0], kernel, stride)[0, 0]
    chosen = chequered(dy.shape)
    fills: dict[Cell, str] = {}
    winners: dict[Cell, str] = {}
    for (i, j), shade in chosen.items():
        cells = window((i * stride[0], j * stride[1]), kernel, shade)
        fills |= {cell: PALE_GREY if cell in fills else shade for cell in cells}
        best = max(cells, key=lambda cell: x[cell])
        winners[best] = PALE_GREY if best in winners else shade
    rows, columns = x.shape
    board = Board(3 * columns + dy.shape[1] + 8, rows + 2.2)
    board.grid(x, 1, 1.2, "x, the winners coloured", winners)
    middle = 1.2 + (rows - dy.shape[0]) / 2
    board.grid(dy, columns + 3, middle, "dy", chosen)
    left = columns + dy.shape[1] + 5
    board.grid(dx, left, 1.2, "dx of the max pool", winners)
    board.grid(shares, left + columns + 2, 1.2, "dx of the average pool", fills)


def back_through_convolution(dy: np.ndarray, w: np.ndarray) -> None:
    """dx of a convolution: each number of dy lays its multiple of the kernel, and they add up."""
    dy, w = np.asarray(dy, float), np.asarray(w, float)
    shape = (dy.shape[0] + w.shape[0] - 1, dy.shape[1] + w.shape[1] - 1)
    parts = [dy.shape[1] + w.shape[1] + 2, *[shape[1] + 1.3] * dy.size]
    board = Board(sum(parts) + shape[1] + 2.2, shape[0] + 2.2)
    chosen = {cell: SHADES[n % 4] for n, cell in enumerate(np.ndindex(dy.shape))}
    middle = 1.2 + shape[0] / 2
    board.grid(dy, 1, middle - len(dy) / 2, "dy", chosen)
    board.grid(w, dy.shape[1] + 2, middle - len(w) / 2, "w")
    total, nothing = np.zeros(shape), np.zeros((1, 1, *shape))
    x = dy.shape[1] + w.shape[1] + 3.3
    for (i, j), shade in chosen.items():
        alone = np.zeros(dy.shape)
        alone[i, j] = dy[i, j]
        part = ops.conv2d_backward(alone[None, None], nothing, w[None, None])[0][0, 0]
        total += part
        cells = window((i, j), w.shape, shade)
        title = f"{short(dy[i, j])} · w"
        board.grid(part, x, 1.2, title, cells, shown=lambda r, c, cells=cells: (r, c) in cells)
        x += shape[1] + 1.3
        board.word(x - 0.65, middle, "=" if (i, j) == list(chosen)[-1] else "+", size=14)
    board.grid(total, x, 1.2, "dx", window((0, 0), shape, PALE_GREY))


def back_to_weights(x: np.ndarray, dy: np.ndarray) -> None:
    """dw of a convolution: the windows of x, each times its number of dy, added up."""
    x, dy = np.asarray(x, float), np.asarray(dy, float)
    kh, kw = x.shape[0] - dy.shape[0] + 1, x.shape[1] - dy.shape[1] + 1
    chosen = {cell: SHADES[n % 4] for n, cell in enumerate(np.ndindex(dy.shape))}
    board = Board(
        x.shape[1] + dy.shape[1] + (kw + 3.2) * dy.size + kw + 4, max(len(x), len(dy)) + 2.2
    )
    middle = 1.2 + len(x) / 2
    board.grid(x, 1, 1.2, "x")
    board.grid(dy, x.shape[1] + 2.2, middle - len(dy) / 2, "dy", chosen)
    at = x.shape[1] + dy.shape[1] + 4.4
    total = np.zeros((kh, kw))
    for (i, j), shade in chosen.items():
        part = x[i : i + kh, j : j + kw]
        total += dy[i, j] * part
        board.word(at - 0.2, middle, f"{short(dy[i, j])} ·", size=12, across="right")
        board.grid(part, at, middle - kh / 2, "", window((0, 0), (kh, kw), shade))
        at += kw + 3.2
        sign = "=" if (i, j) == list(chosen)[-1] else "+"
        board.word(at - 2.5, middle, sign, size=14)
    board.grid(total, at - 1.4, middle - kh / 2, "dw", window((0, 0), (kh, kw), PALE_GREY))
