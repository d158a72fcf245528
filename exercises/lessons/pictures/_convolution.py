"""Lesson 3: a sliding kernel, a flipped one, channels, im2col."""

from __future__ import annotations

import numpy as np

from pictures.drawing import (
    GREY,
    PALE_BLUE,
    PALE_GREEN,
    PALE_ORANGE,
    Board,
    Cell,
    image_on,
    row_of_axes,
    short,
    window,
)
from reference import ops

ORIENTATIONS = ("horizontal", "vertical", "diagonal", "antidiagonal")


def sliding(image: np.ndarray, kernel: np.ndarray, at: Cell = (0, 0)) -> None:
    """One place of a sliding kernel: the window, the products, and their sum in the output."""
    image, kernel = np.asarray(image), np.asarray(kernel)
    (height, width), (kh, kw), (i, j) = image.shape, kernel.shape, at
    y = ops.cross_correlate2d(image, kernel)
    if not (0 <= i < y.shape[0] and 0 <= j < y.shape[1]):
        raise ValueError(f"the output has the shape {y.shape}; there is no place {at} in it")
    products = image[i : i + kh, j : j + kw] * kernel
    places = np.cumsum([1, width + 1.6, kw + 1.6, max(kw, 3) + 1.6])
    tall = max(height, kh + 1) + 1.8
    board = Board(places[-1] + y.shape[1] + 1, tall)
    middle = 1.1 + height / 2
    board.grid(image, places[0], 1.1, "image", window(at, kernel.shape, PALE_BLUE), (i, j, kh, kw))
    for place, sign in zip(places[1:] - 0.8, "×==", strict=True):
        board.word(place, middle, sign if sign == "×" else "=", size=15)
    board.grid(kernel, places[1], middle - kh / 2, "kernel")
    top = middle - kh / 2
    board.grid(products, places[2], top, "products", window((0, 0), kernel.shape, PALE_BLUE))
    board.word(places[2] + kw / 2, top + kh + 0.6, f"sum {short(products.sum())}", weight="bold")
    board.grid(
        y,
        places[3],
        middle - y.shape[0] / 2,
        "output",
        {at: PALE_ORANGE},
        (i, j, 1, 1),
        shown=lambda r, c: (r, c) <= at,
    )


def line_filters(image: np.ndarray) -> None:
    """An image, and what filters for the four directions of a line answer."""
    axes = row_of_axes(5)
    image_on(axes[0], image, "image")
    for place, name in zip(axes[1:], ORIENTATIONS, strict=True):
        answer = ops.cross_correlate2d(image, ops.line_filter(name))
        image_on(place, answer, name, signed=True)


def flipped(kernel: np.ndarray) -> None:
    """One bright pixel, met by a kernel that is not flipped and by one that is."""
    kernel = np.asarray(kernel)
    point = np.zeros((5, 5))
    point[2, 2] = 1
    board = Board(27, 7.4)
    board.grid(point, 1, 1.2, "image", {(2, 2): PALE_BLUE})
    board.grid(kernel, 8, 3.7 - len(kernel) / 2, "kernel")
    for x, title, found in (
        (13, "cross_correlate2d", ops.cross_correlate2d(np.pad(point, 1), kernel)),
        (20.5, "convolve2d", ops.convolve2d(point, kernel, "same")),
    ):
        fills = {(int(r), int(c)): PALE_ORANGE for r, c in np.argwhere(found)}
        board.grid(found[:5, :5], x, 1.2, title, fills)
    board.word(15.5, 6.8, "upside down and mirrored", colour=GREY)
    board.word(23, 6.8, "the kernel, as it is", colour=GREY)


def channels(x: np.ndarray, w: np.ndarray, b: float) -> None:
    """One output of a layer: every channel of the window times its part of the filter, one sum."""
    x, w = np.asarray(x), np.asarray(w)
    count, (kh, kw) = len(x), w.shape[1:]
    step = max(x.shape[1], kh) + 1.6
    board = Board(2 * x.shape[2] + 2 * kw + 9, count * step + 0.6)
    total = 0.0
    for c in range(count):
        top = 1.1 + c * step
        board.grid(x[c], 1, top, f"x[0, {c}]", window((0, 0), (kh, kw), PALE_BLUE), (0, 0, kh, kw))
        board.word(x.shape[2] + 1.7, top + kh / 2, "×", size=15)
        board.grid(w[c], x.shape[2] + 2.4, top, f"w[0, {c}]")
        part = float((x[c, :kh, :kw] * w[c]).sum())
        total += part
        board.word(x.shape[2] + kw + 4.2, top + kh / 2, f"=  {short(part)}", size=13)
    place = x.shape[2] + kw + 5.6
    middle = (count * step) / 2 + 0.5
    board.arrow((place, 1.1 + kh / 2), (place + 2.2, middle - 0.4))
    board.arrow((place, 1.1 + (count - 1) * step + kh / 2), (place + 2.2, middle + 0.4))
    board.word(place + 2.5, middle, f"+  bias {short(b)}  =", size=12, across="left")
    board.grid(
        np.array([[total + b]]), place + 6, middle - 0.5, "y[0, 0, 0, 0]", {(0, 0): PALE_ORANGE}
    )


def columns(image: np.ndarray, kernel: np.ndarray) -> None:
    """im2col: every window becomes a column, and the convolution one product of matrices."""
    image, kernel = np.asarray(image), np.asarray(kernel)
    matrix = ops.im2col(image[None, None], kernel.shape)[0]
    answers = kernel.ravel() @ matrix
    rows, count = matrix.shape
    last = ops.output_size(image.shape[1], kernel.shape[1])
    corner = ((count - 1) // last, (count - 1) % last)
    first, second = (window(at, kernel.shape, PALE_BLUE) for at in ((0, 0), corner))
    fills = first | {cell: PALE_GREEN if cell in first else PALE_ORANGE for cell in second}
    places = np.cumsum([1, image.shape[1] + 1.5, rows + 1.5, count + 1.5])
    board = Board(places[-1] + count + 1, rows + 2)
    middle = 1.2 + rows / 2
    board.grid(image, places[0], 1.2, "image", fills)
    board.grid(kernel.ravel()[None], places[1], middle - 0.5, "kernel, as a row")
    ends = {(r, 0): PALE_BLUE for r in range(rows)} | {
        (r, count - 1): PALE_ORANGE for r in range(rows)
    }
    board.grid(matrix, places[2], 1.2, "im2col", ends)
    board.grid(answers[None], places[3], middle - 0.5, "outputs, as a row", ends)
    board.word(places[2] - 0.75, middle, "×", size=15)
    board.word(places[3] - 0.75, middle, "=", size=15)
