"""The pictures of the lessons: each function draws one figure below the cell that calls it.

Numbers are computed by the kit's compiled core. Colours are those of Okabe and Ito, which people
with any colour vision can tell apart, on white paper, so that dark notebooks show them too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from autograder.digits import digits
from reference import ops

BLUE, ORANGE, GREEN, RED, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
PALE_BLUE, PALE_ORANGE, PALE_GREEN, PALE_PURPLE = "#BFE0F5", "#FBDFA8", "#B9E4D6", "#F0D3E3"
GREY, PALE_GREY, INK = "#767676", "#E9E9E9", "#1F2428"
CELL = 0.42  # inches
Cell = tuple[int, int]

ORIENTATIONS = ("horizontal", "vertical", "diagonal", "antidiagonal")


def digit(number: int) -> np.ndarray:
    """One of the kit's handwritten digits, (28, 28), ink 1 on paper 0."""
    return digits()[0][number] / 255


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


# --- lesson 1, why CNNs


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


# --- lesson 2, padding


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


# --- lesson 3, convolution


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


# --- lesson 4, stride


def strides(image: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
    """The windows of an image under a stride: their first pixels, and each as a picture."""
    image = np.asarray(image)
    found = ops.sliding_windows(image[None, None], kernel, stride)[0, 0]
    rows, columns = found.shape[:2]
    shades = [PALE_BLUE, PALE_ORANGE, PALE_GREEN, PALE_PURPLE]
    chosen = {(i, j): shades[(2 * (i % 2) + j) % 4] for i in range(rows) for j in range(columns)}
    fills = {(i * stride[0], j * stride[1]): shade for (i, j), shade in chosen.items()}
    wide, tall = columns * (kernel[1] + 0.7), rows * (kernel[0] + 0.7)
    board = Board(image.shape[1] + wide + 4.5, max(image.shape[0], tall) + 2.2)
    board.grid(image, 1, 1.2, f"image, stride {stride}", fills, (0, 0, *kernel))
    x = image.shape[1] + 3.2
    board.word(x + wide / 2 - 0.35, 0.7, f"{rows * columns} windows of {kernel[0]}×{kernel[1]}")
    for (i, j), shade in chosen.items():
        at = (x + j * (kernel[1] + 0.7), 1.4 + i * (kernel[0] + 0.7))
        board.grid(found[i, j], *at, "", {(0, 0): shade})


def kept(image: np.ndarray, stride: tuple[int, int], title: str = "image") -> None:
    """The pixels that a stride keeps, and what is left."""
    image = np.asarray(image)
    y = ops.downsample(image[None, None], stride)[0, 0]
    stays = {(i * stride[0], j * stride[1]): PALE_BLUE for i, j in np.ndindex(y.shape)}
    board = Board(image.shape[1] + y.shape[1] + 6, image.shape[0] + 2.1)
    board.grid(image, 1, 1.2, title, stays, faint=lambda i, j: (i, j) not in stays)
    middle = 1.2 + image.shape[0] / 2
    board.arrow((image.shape[1] + 1.7, middle), (image.shape[1] + 3.9, middle))
    board.word(image.shape[1] + 2.8, middle - 0.7, f"{stride}")
    fills = window((0, 0), y.shape, PALE_BLUE)
    board.grid(
        y, image.shape[1] + 4.8, middle - y.shape[0] / 2, f"{y.shape[0]}×{y.shape[1]}", fills
    )


def work(size: int = 224, kernel: int = 3) -> None:
    """How many products a convolution takes, by its stride."""
    steps = [1, 2, 3, 4]
    products = [ops.output_size(size, kernel, s) ** 2 * kernel**2 for s in steps]
    _, axes = plt.subplots(figsize=(6, 2.3), facecolor="white", layout="constrained")
    bars = axes.barh([f"stride {s}" for s in steps], products, color=BLUE, height=0.6)
    axes.bar_label(bars, [f"{n:,}" for n in products], padding=4)
    axes.set(xlim=(0, max(products) * 1.2), xticks=[])
    axes.set_title(
        f"products for one {kernel}×{kernel} filter on {size}×{size} pixels", fontsize=10.5
    )
    axes.invert_yaxis()
    axes.spines[["top", "right", "bottom"]].set_visible(False)


# --- lesson 5, activation


def activations() -> None:
    """ReLU, sigmoid and tanh, and below them their derivatives."""
    x = np.linspace(-4, 4, 401).round(9)
    sigmoid = 1 / (1 + np.exp(-x))
    curves = {
        # At 0 the derivative of ReLU jumps: no line joins its two values.
        "ReLU": (ops.relu(x), np.where(x == 0, np.nan, x > 0)),
        "sigmoid": (sigmoid, sigmoid * (1 - sigmoid)),
        "tanh": (np.tanh(x), 1 - np.tanh(x) ** 2),
    }
    _, axes = plt.subplots(
        2, 3, figsize=(8, 4), facecolor="white", layout="constrained", sharex=True, sharey="row"
    )
    for column, (name, (y, slope)) in enumerate(curves.items()):
        axes[0, column].plot(x, y, color=BLUE, lw=2.2)
        axes[1, column].plot(x, slope, color=RED, lw=2.2)
        axes[0, column].set_title(name, fontsize=12)
    axes[0, 0].set(ylabel="value", ylim=(-1.2, 2.2))
    axes[1, 0].set(ylabel="derivative", ylim=(-0.1, 1.2))
    for place in axes.flat:
        place.axhline(0, color=GREY, lw=0.8)
        place.axvline(0, color=GREY, lw=0.8)
        place.spines[["top", "right"]].set_visible(False)


def bent(seed: int = 3) -> None:
    """Two layers in a row, on one input: without and with a ReLU between them."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-3, 3, 301)[:, None]
    w, b, out = rng.normal(size=(1, 6)), 1.5 * rng.normal(size=6), rng.normal(size=(6, 1))
    hidden = x @ w + b
    axes = row_of_axes(2, 3.6, 2.6)
    for place, values, title in (
        (axes[0], hidden, "two layers, nothing between them"),
        (axes[1], ops.relu(hidden), "two layers and a ReLU"),
    ):
        place.plot(x, values @ out, color=BLUE, lw=2.2)
        place.set_title(title, fontsize=10.5)
        place.set(xlabel="x", yticks=[])
        place.spines[["top", "right"]].set_visible(False)


def probabilities(logits: Sequence[float]) -> None:
    """From logits to probabilities: exponentials, divided by their sum."""
    values = np.asarray(logits, float)
    shares = ops.softmax(values[None])[0]
    parts = (
        ("logits", values, GREY, [short(v) for v in values]),
        ("exp(logit), to scale", shares, ORANGE, [""] * len(values)),
        ("probabilities", shares, BLUE, [short(v) for v in shares]),
    )
    for place, (title, bars, colour, labels) in zip(row_of_axes(3, 2.7, 2.5), parts, strict=True):
        drawn = place.bar(range(len(bars)), bars, color=colour, width=0.65)
        place.bar_label(drawn, labels, padding=3)
        place.set_title(title, fontsize=10.5)
        place.axhline(0, color=INK, lw=0.8)
        place.margins(y=0.2)
        place.set(xticks=range(len(bars)), yticks=[])
        place.spines[["top", "right", "left", "bottom"]].set_visible(False)


def loss() -> None:
    """What one image adds to the loss, by the probability that its label got."""
    p = np.linspace(0.005, 1, 400)
    (axes,) = row_of_axes(1, 5, 2.6)
    axes.plot(p, -np.log(p), color=BLUE, lw=2.2)
    for at in (0.01, 0.1, 0.5, 0.9):
        axes.plot([at], [-np.log(at)], "o", color=RED)
        axes.annotate(
            f"p = {at}: {-np.log(at):.2f}", (at, -np.log(at)), (8, 4), textcoords="offset points"
        )
    axes.set(xlabel="probability of the label", ylabel="loss", xlim=(0, 1.05), ylim=(0, 5.4))
    axes.spines[["top", "right"]].set_visible(False)


# --- lesson 6, pooling


def pools(image: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
    """One image under a max pool and under an average pool, window by window."""
    image = np.asarray(image, float)
    largest = ops.max_pool2d(image[None, None], kernel, stride)[0, 0]
    means = ops.avg_pool2d(image[None, None], kernel, stride)[0, 0]
    shades = [PALE_BLUE, PALE_ORANGE, PALE_GREEN, PALE_PURPLE]
    chosen = {(i, j): shades[(2 * (i % 2) + j) % 4] for i, j in np.ndindex(largest.shape)}
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


# --- lesson 7, backpropagation


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
    shades = [PALE_BLUE, PALE_ORANGE, PALE_GREEN, PALE_PURPLE]
    chosen = {(i, j): shades[(2 * (i % 2) + j) % 4] for i, j in np.ndindex(dy.shape)}
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
    shades = [PALE_BLUE, PALE_ORANGE, PALE_GREEN, PALE_PURPLE]
    parts = [dy.shape[1] + w.shape[1] + 2, *[shape[1] + 1.3] * dy.size]
    board = Board(sum(parts) + shape[1] + 2.2, shape[0] + 2.2)
    chosen = {cell: shades[n % 4] for n, cell in enumerate(np.ndindex(dy.shape))}
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
    shades = [PALE_BLUE, PALE_ORANGE, PALE_GREEN, PALE_PURPLE]
    chosen = {cell: shades[n % 4] for n, cell in enumerate(np.ndindex(dy.shape))}
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


# --- lesson 8, architectures


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


# --- lesson 9, training


def small_network() -> None:
    """The network of the lesson, with the shapes for digits of 28 by 28 pixels."""
    board = Board(27, 4.2)
    steps = (
        ("image", "1×28×28", PALE_GREY),
        ("conv 8@3×3\nReLU", "8×28×28", PALE_BLUE),
        ("max pool 2", "8×14×14", PALE_ORANGE),
        ("conv 16@3×3\nReLU", "16×14×14", PALE_BLUE),
        ("max pool 2", "16×7×7", PALE_ORANGE),
        ("dense", "10", PALE_GREEN),
    )
    for n, (name, shape, fill) in enumerate(steps):
        x = 0.6 + 4.4 * n
        board.box(x, 0.8, 3.4, 1.5, name, fill)
        board.word(x + 1.7, 2.9, shape)
        if n:
            board.arrow((x - 1, 1.55), (x, 1.55))


def depths(layers: int = 10) -> None:
    """How large the numbers are after each of many layers, by the size of the first weights."""
    (axes,) = row_of_axes(1, 6, 2.9)
    marks = {
        "half as large": (0.5, BLUE, "o"),
        "he_normal": (1.0, GREEN, "s"),
        "twice as large": (2.0, RED, "^"),
    }
    for name, (factor, colour, mark) in marks.items():
        rng = np.random.default_rng(0)
        x = rng.normal(size=(200, 100))
        sizes = [x.std()]
        for _ in range(layers):
            x = ops.relu(x @ (factor * ops.he_normal((100, 100), rng)))
            sizes.append(x.std())
        axes.plot(sizes, color=colour, marker=mark, label=name)
    axes.set(yscale="log", xlabel="layer", ylabel="size of the numbers")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


def downhill(learning_rate: float = 0.45, momentum: float = 0.6, steps: int = 25) -> None:
    """The way down a long valley, with and without momentum."""
    across, down = np.meshgrid(np.linspace(-10.5, 4, 200), np.linspace(-3, 3, 100))
    _, axes = plt.subplots(figsize=(7.5, 3), facecolor="white", layout="constrained")
    axes.contour(across, down, across**2 / 40 + 2 * down**2, 14, colors=PALE_GREY)
    for colour, mark, inertia in ((BLUE, "o", 0.0), (RED, "^", momentum)):
        p, v = {"p": np.array([-10.0, 2.0])}, {"p": np.zeros(2)}
        path = [p["p"]]
        for _ in range(steps):
            slope = {"p": p["p"] * np.array([0.05, 4.0])}
            p, v = ops.sgd_momentum(p, slope, v, learning_rate, inertia)
            path.append(p["p"])
        xs, ys = np.array(path).T
        axes.plot(xs, ys, color=colour, marker=mark, ms=3.5, lw=1.2, label=f"momentum {inertia:g}")
    axes.plot(0, 0, "k*", ms=12, label="the minimum")
    axes.set(xticks=[], yticks=[], xlim=(-10.5, 4), ylim=(-3, 3))
    axes.set_title(f"{steps} steps, learning rate {learning_rate:g}", fontsize=10.5)
    axes.legend(frameon=False, loc="lower right")


def training_curves(
    learning_rate: float = 0.05, momentum: float = 0.9, batch_size: int = 32
) -> None:
    """Loss and accuracy of the small CNN on digits it learns from and on digits it never saw."""
    from autograder.digits import small_digits

    images, labels = small_digits(0, 6000)
    order = np.random.default_rng(0).permutation(len(labels))
    seen, unseen = order[:1200], order[1200:1700]
    epochs = [0, 1, 2, 3, 4, 6, 8]
    curves: dict[str, list[tuple[float, float]]] = {"learnt from": [], "never seen": []}
    with np.errstate(all="ignore"):  # a learning rate that is too large ends in NaN: shown as a gap
        for count in epochs:
            rng = np.random.default_rng(1)
            how = (learning_rate, momentum, batch_size, rng)
            weights = ops.fit(images[seen], labels[seen], count, *how)
            for name, part in (("learnt from", seen), ("never seen", unseen)):
                logits = ops.forward(weights, images[part])
                right = float((logits.argmax(axis=1) == labels[part]).mean())
                curves[name].append((ops.cross_entropy(logits, labels[part]), right))
    axes = row_of_axes(2, 3.8, 2.9)
    for name, colour, mark in (("learnt from", BLUE, "o"), ("never seen", RED, "^")):
        losses, shares = zip(*curves[name], strict=True)
        axes[0].plot(epochs, losses, color=colour, marker=mark, label=name)
        axes[1].plot(epochs, shares, color=colour, marker=mark, label=name)
    axes[0].set(xlabel="epochs", title="loss", ylim=(0, None))
    axes[1].set(xlabel="epochs", title="accuracy", ylim=(0, 1.03))
    for place in axes:
        place.spines[["top", "right"]].set_visible(False)
        place.grid(color=PALE_GREY)
        place.legend(frameon=False)


def some_digits(count: int = 10) -> None:
    """A few of the kit's digits with their labels."""
    images, labels = digits()
    for place, n in zip(row_of_axes(count, 0.85), range(count), strict=True):
        image_on(place, images[n], str(labels[n]))


# --- lesson 10, Keras


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
