"""Lesson 10: the order of axes and of numbers, Keras' and ours."""

from __future__ import annotations

import numpy as np

from pictures.drawing import GREY, PALE_BLUE, PALE_GREEN, PALE_ORANGE, Board, window


def layouts() -> None:
    """A small image with three channels, and its numbers in both orders of axes."""
    shades = [PALE_ORANGE, PALE_GREEN, PALE_BLUE]
    ours = np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 12]]])
    board = Board(14, 8)
    for c in range(3):
        board.grid(ours[c], 1 + 2.8 * c, 1.2, f"channel {c}", window((0, 0), (2, 2), shades[c]))
    for y, title, values, own in (
        (
            4.3,
            "in memory, ours (C, H, W): channel by channel",
            ours.ravel(),
            [n // 4 for n in range(12)],
        ),
        (
            6.6,
            "in memory, Keras (H, W, C): pixel by pixel",
            ours.transpose(1, 2, 0).ravel(),
            [0, 1, 2] * 4,
        ),
    ):
        fills = {(0, n): shades[c] for n, c in enumerate(own)}
        board.grid(values[None], 1, y, "", fills)
        board.word(1, y - 0.45, title, across="left")


def axes_moved() -> None:
    """Which axis of Keras goes where."""
    board = Board(25, 6.6)
    for x, title, theirs, ours in (
        (0.8, "kernel", ["KH", "KW", "C", "O"], ["O", "C", "KH", "KW"]),
        (14, "images", ["N", "H", "W", "C"], ["N", "C", "H", "W"]),
    ):
        board.word(x + 6, 0.6, title, weight="bold")
        for y, who, names, fill in (
            (1.3, "Keras", theirs, PALE_ORANGE),
            (4.7, "ours", ours, PALE_BLUE),
        ):
            board.word(x + 1.7, y + 0.55, who, across="right", colour=GREY)
            for n, name in enumerate(names):
                board.box(x + 2 + 2.2 * n, y, 1.7, 1.1, name, fill)
        for n, name in enumerate(theirs):
            to = ours.index(name)
            board.arrow((x + 2.85 + 2.2 * n, 2.4), (x + 2.85 + 2.2 * to, 4.7))


def flattened() -> None:
    """What Flatten makes of one small image: in Keras' order and in ours."""
    shades = [PALE_ORANGE, PALE_BLUE]
    image = np.array([[[1, 2], [3, 4]], [[10, 20], [30, 40]]])
    board = Board(20, 5.6)
    for c in range(2):
        board.grid(image[c], 1 + 2.8 * c, 1.9, f"channel {c}", window((0, 0), (2, 2), shades[c]))
    for y, title, values, own in (
        (1.3, "Keras flattens: row, column, channel", image.transpose(1, 2, 0), [0, 1] * 4),
        (3.9, "ours in C order: channel, row, column", image, [0] * 4 + [1] * 4),
    ):
        fills = {(0, n): shades[c] for n, c in enumerate(own)}
        board.grid(values.ravel()[None], 9.5, y, "", fills)
        board.word(13.5, y - 0.5, title)
        board.arrow((7.2, 2.9), (9.2, y + 0.5))
