"""Lesson 2: where a kernel fits, and borders of zeros."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from pictures.drawing import BLUE, GREY, PALE_BLUE, PALE_GREY, PALE_ORANGE, RED, Board, window
from reference import ops


def places(
    size: int, kernel: int, stride: int = 1, padding: tuple[int, int] = (0, 0), dilation: int = 1
) -> None:
    """Every place where a kernel fits along one axis, a line each."""
    before, after = padding
    whole = before + size + after
    count = ops.output_size(size, kernel, stride, padding, dilation)
    board = Board(whole + 7, count + 2.6)
    fills = {(0, n): PALE_GREY for n in [*range(before), *range(before + size, whole)]}
    row = np.zeros((1, whole))
    row[0, before : before + size] = np.arange(1, size + 1)
    board.grid(row, 1, 1.1, "", fills)
    board.word(1 + before + size / 2, 0.55, f"{size} cells")
    for n, amount in ((before / 2, before), (before + size + after / 2, after)):
        if amount:
            board.word(1 + n, 0.55, "zeros", colour=GREY)
    for i in range(count):
        for u in range(kernel):
            x = 1 + i * stride + u * dilation
            board.axes.add_patch(
                Rectangle((x + 0.08, 2.4 + i), 0.84, 0.7, fc=PALE_BLUE, ec=BLUE, lw=1)
            )
        board.word(whole + 1.7, 2.75 + i, f"output {i + 1}", across="left")


def seen() -> None:
    """How many windows of 3 by 3 see each pixel of a 5 by 5 image, without and with zeros."""
    board = Board(19.5, 8.3)
    ones = np.ones((1, 1, 3, 3))
    inside = window((1, 1), (5, 5), "white")
    for x, padding, title in ((1.5, 0, "no padding"), (11, 1, "one ring of zeros")):
        side = 5 + 2 * padding - 2
        dy = np.ones((1, 1, side, side))
        counts = ops.conv2d_backward(dy, np.zeros((1, 1, 5, 5)), ones, (1, 1), (padding, padding))
        if padding:
            ring = {(i, j): PALE_GREY for i in range(7) for j in range(7)}
            board.grid(
                np.zeros((7, 7)), x - 1, 0.9, "", ring, shown=lambda i, j: (i, j) not in inside
            )
        fills = {
            (int(i), int(j)): plt.get_cmap("Blues")(0.06 * n + 0.02)
            for (i, j), n in np.ndenumerate(counts[0][0, 0])
        }
        board.grid(counts[0][0, 0], x, 1.9, "", fills)
        board.word(x + 2.5, 0.45, title)


def same(size: int, kernel: int, stride: int = 1) -> None:
    """An image with the zeros of "same", the first and the last window, and the output's size."""
    before, after = ops.same_padding(size, kernel, stride)
    whole = before + size + after
    count = ops.output_size(size, kernel, stride, (before, after))
    last = (count - 1) * stride
    board = Board(whole + count + 8, whole + 2.6)
    padded = np.pad(np.ones((size, size)), ((before, after), (before, after)))
    fills = {(int(i), int(j)): PALE_GREY for i, j in np.argwhere(padded == 0)}
    board.grid(padded, 1, 1.2, f"{size}×{size} becomes {whole}×{whole}", fills)
    for at, colour in ((0, BLUE), (last, RED)):
        corner = (1.06 + at, 1.26 + at)
        board.axes.add_patch(
            Rectangle(corner, kernel - 0.12, kernel - 0.12, fc="none", ec=colour, lw=2.5)
        )
    ends = {(0, 0): PALE_BLUE, (count - 1, count - 1): PALE_ORANGE}
    x = whole + 4
    board.arrow((whole + 1.7, 1.2 + whole / 2), (x - 0.6, 1.2 + whole / 2))
    y = 1.2 + (whole - count) / 2
    board.grid(
        np.zeros((count, count)), x, y, f"output {count}×{count}", ends, shown=lambda i, j: False
    )
    board.word(1 + whole / 2, whole + 1.9, f"zeros: {before} before, {after} after", colour=GREY)


def padded(image: np.ndarray, padding: tuple[tuple[int, int], tuple[int, int]]) -> None:
    """An image with its border of zeros."""
    image = np.asarray(image)
    y = ops.zero_pad2d(image[None, None], padding)[0, 0]
    (top, _), (left, _) = padding
    inside = window((top, left), image.shape, PALE_BLUE)
    fills = {(i, j): inside.get((i, j), PALE_GREY) for i in range(len(y)) for j in range(len(y[0]))}
    board = Board(image.shape[1] + y.shape[1] + 5, y.shape[0] + 2.1)
    middle = 1.2 + y.shape[0] / 2
    image_fills = window((0, 0), image.shape, PALE_BLUE)
    board.grid(image, 1, middle - image.shape[0] / 2, "", image_fills)
    board.arrow((image.shape[1] + 1.6, middle), (image.shape[1] + 3.2, middle))
    board.grid(y, image.shape[1] + 4, 1.2, f"{padding}", fills)
