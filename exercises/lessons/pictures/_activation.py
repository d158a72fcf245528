"""Lesson 5: activations, softmax, the loss."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np

from pictures.drawing import BLUE, GREY, INK, ORANGE, RED, row_of_axes, short
from reference import ops


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
