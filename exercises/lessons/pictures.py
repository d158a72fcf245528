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
                self.word(x + j + 0.5, y + i + 0.5, short(value), size=11, colour=colour)
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
            FancyBboxPatch((x, y), width, height, boxstyle=style, fc=fill, ec=INK, lw=1)
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
        below = above.mean() + (np.arange(count) - (count - 1) / 2) * 1.15 * (1 if own == kernel else 2)
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
    for x, padding, title in ((1.5, 0, "no padding"), (11, 1, "one ring of zeros")):
        side = 5 + 2 * padding - 2
        dy = np.ones((1, 1, side, side))
        counts = ops.conv2d_backward(dy, np.zeros((1, 1, 5, 5)), ones, (1, 1), (padding, padding))
        if padding:
            ring = {(i, j): PALE_GREY for i in range(7) for j in range(7)}
            board.grid(np.zeros((7, 7)), x - 1, 0.9, "", ring)
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
    board.grid(np.zeros((count, count)), x, y, f"output {count}×{count}", ends, shown=lambda i, j: False)
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
    kh, kw = kernel.shape
    board = Board(27, 7.4)
    board.grid(point, 1, 1.2, "image", {(2, 2): PALE_BLUE})
    board.grid(kernel, 8, 2.7 - kh / 2 + 1, "kernel")
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
    board.grid(np.array([[total + b]]), place + 6, middle - 0.5, "y[0, 0, 0, 0]", {(0, 0): PALE_ORANGE})


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
    board.word(x + wide / 2 - 0.35, 0.7, f"{rows}×{columns} windows of {kernel[0]}×{kernel[1]}")
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
    board.grid(y, image.shape[1] + 4.8, middle - y.shape[0] / 2, f"{y.shape[0]}×{y.shape[1]}", fills)


def work(size: int = 224, kernel: int = 3) -> None:
    """How many products a convolution takes, by its stride."""
    steps = [1, 2, 3, 4]
    products = [ops.output_size(size, kernel, s) ** 2 * kernel**2 for s in steps]
    _, axes = plt.subplots(figsize=(6, 2.3), facecolor="white", layout="constrained")
    bars = axes.barh([f"stride {s}" for s in steps], products, color=BLUE, height=0.6)
    axes.bar_label(bars, [f"{n:,}" for n in products], padding=4)
    axes.set(xlim=(0, max(products) * 1.2), xticks=[])
    axes.set_title(f"products for one {kernel}×{kernel} filter on {size}×{size} pixels", fontsize=10.5)
    axes.invert_yaxis()
    axes.spines[["top", "right", "bottom"]].set_visible(False)
