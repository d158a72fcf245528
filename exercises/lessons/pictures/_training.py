"""Lesson 9: digits, first weights, steps downhill, curves of loss and accuracy."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from autograder.digits import digits, small_digits
from pictures.drawing import (
    BLUE,
    GREEN,
    PALE_BLUE,
    PALE_GREEN,
    PALE_GREY,
    PALE_ORANGE,
    RED,
    Board,
    image_on,
    row_of_axes,
)
from reference import ops


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
