"""Lesson 4: windows under a stride, pixels that are kept, products that are saved."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from pictures.drawing import (
    BLUE,
    PALE_BLUE,
    Board,
    chequered,
    window,
)
from reference import ops


def strides(image: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
    """The windows of an image under a stride: their first pixels, and each as a picture."""
    image = np.asarray(image)
    found = ops.sliding_windows(image[None, None], kernel, stride)[0, 0]
    rows, columns = found.shape[:2]
    chosen = chequered((rows, columns))
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
