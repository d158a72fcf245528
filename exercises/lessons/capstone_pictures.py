"""The pictures of the capstone's lesson; the models in them are trained while they are drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from pictures.drawing import BLUE, GREY, INK, ORANGE, image_on

from autograder.capstone.augment import warp
from autograder.capstone.data import Mnist, few
from autograder.capstone.measure import accuracy, untrained
from autograder.capstone.training import Plan, learn

TrainHead = Callable[[Any, np.ndarray, np.ndarray], Any]
NOT_YET = "Write build_head and train_head first, run their cells, then this one again."
NOT_TRAINED = "Train it first: write exercises/capstone/digits.py and run it. Then run this again."
# Where `digits.keras` may lie, as seen from the notebook.
PLACES = (".", "../exercises/capstone", "exercises/capstone", "../../exercises/capstone")


def some_of_each(digits: Mnist) -> None:
    """Ten digits of each class, a class a column."""
    chosen = [np.flatnonzero(digits.train_labels == k)[:10] for k in range(10)]
    columns = [np.concatenate(digits.train_images[some]) for some in chosen]
    _, axes = plt.subplots(figsize=(5, 5), facecolor="white", layout="constrained")
    image_on(axes, np.concatenate(columns, axis=1))


def first_filters(backbone: Any) -> None:
    """The kernels of the first convolution, purple below zero and orange above."""
    kernels = backbone.get_layer("stage1_1_conv").get_weights()[0][:, :, 0]
    _, axes = plt.subplots(2, 8, figsize=(8, 2.2), facecolor="white", layout="constrained")
    for number, one in enumerate(axes.flat):
        image_on(one, kernels[:, :, number], signed=True)


def feature_maps(backbone: Any, image: np.ndarray, most: int = 16) -> None:
    """The image, and the first maps at the end of each stage."""
    names = [f"stage{stage}_2_relu" for stage in (1, 2, 3)]
    outputs = [backbone.get_layer(name).output for name in names]
    maps = keras.Model(backbone.inputs, outputs).predict(image[None, ..., None], verbose=0)
    _, axes = plt.subplots(4, most, figsize=(9.2, 3.4), facecolor="white", layout="constrained")
    for one in axes.flat:
        one.axis("off")
    image_on(axes[0, 0], image)
    axes[0, 0].axis("on")
    for row, found in enumerate(maps, start=1):
        side = found.shape[1]
        for number in range(most):
            axes[row, number].axis("on")
            image_on(axes[row, number], found[0, :, :, number])
        axes[row, 0].set_title(f"stage {row}: {side}×{side}", fontsize=9, loc="left", color=INK)


def trained(train_head: TrainHead, backbone: Any, digits: Mnist, each: int) -> Any:
    """The model that `train_head` makes of a few digits of each class; None while it is a stub."""
    chosen = few(digits.train_labels, each, np.random.default_rng(0))
    keras.utils.set_random_seed(0)
    try:
        model = train_head(backbone, digits.train_images[chosen], digits.train_labels[chosen])
    except NotImplementedError:
        print(NOT_YET)
        return None
    print(f"{10 * each} labels: {accuracy(model, digits):.1%} of 1,000 other digits")
    return model


def few_label_curves(
    train_head: TrainHead,
    digits: Mnist,
    counts: tuple[int, ...] = (5, 20, 100),
    draws: int = 3,
    steps: int = 120,
) -> None:
    """Accuracy against labels: your head on the frozen backbone, and the network from scratch."""
    from autograder.capstone import backbone

    def head(images: np.ndarray, labels: np.ndarray, seed: int) -> Any:
        return train_head(backbone.load(), images, labels)

    def scratch(changed: bool) -> Callable[[np.ndarray, np.ndarray, int], Any]:
        def train(images: np.ndarray, labels: np.ndarray, seed: int) -> Any:
            def data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
                # Many passes over few digits are one epoch here, which is quicker.
                order = np.concatenate([rng.permutation(len(images)) for _ in range(passes)])
                order = order[: 32 * steps]
                seen = warp(images[order], rng) if changed else images[order]
                return seen[..., None], labels[order]

            passes = -(-32 * steps // len(images))
            return learn(untrained(), data, Plan(1, 32, 3e-3, seed))

        return train

    ways = {
        "frozen backbone, your head": (head, BLUE),
        "from scratch, changed images": (scratch(True), ORANGE),
        "from scratch": (scratch(False), GREY),
    }
    _, axes = plt.subplots(figsize=(6.5, 3.8), facecolor="white", layout="constrained")
    for label, (train, shade) in ways.items():
        reached = np.zeros((len(counts), draws))
        for i, each in enumerate(counts):
            for draw in range(draws):
                chosen = few(digits.train_labels, each, np.random.default_rng(draw))
                keras.utils.set_random_seed(draw)
                some = digits.train_images[chosen], digits.train_labels[chosen]
                try:
                    reached[i, draw] = 100 * accuracy(train(*some, draw), digits)
                except NotImplementedError:
                    print(NOT_YET)
                    plt.close()
                    return
        spread = reached.std(axis=1, ddof=1)
        axes.errorbar(
            counts, reached.mean(axis=1), spread, marker="o", capsize=4, color=shade, label=label
        )
    axes.set(xscale="log", xlabel="labels of each class", ylabel="read rightly, %")
    axes.set_xticks(counts, [str(each) for each in counts])
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")


def handed_in(digits: Mnist) -> None:
    """What the model that `digits.py` has saved reads, and its worst mistakes."""
    files = [Path(place, "digits.keras") for place in PLACES]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        print(NOT_TRAINED)
        return
    model = keras.models.load_model(file)
    reached = accuracy(model, digits)
    print(f"{file}: accuracy {reached:.2%} on {len(digits.test_labels):,} test digits")
    worst_mistakes(model, digits)


def _answers(model: Any, digits: Mnist) -> np.ndarray:
    return np.asarray(model.predict(digits.test_images[..., None], verbose=0))


def confusion(model: Any, digits: Mnist) -> None:
    """How often each digit is taken for each: right ones in the diagonal."""
    if model is None:
        print(NOT_YET)
        return
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (digits.test_labels, _answers(model, digits).argmax(axis=1)), 1)
    wrong = counts * (1 - np.eye(10, dtype=int))
    _, axes = plt.subplots(figsize=(4.6, 4.6), facecolor="white", layout="constrained")
    axes.imshow(wrong, cmap="Oranges", vmin=0, vmax=max(1, 1.6 * wrong.max()))
    for (truth, answer), count in np.ndenumerate(counts):
        if count:
            axes.text(
                answer,
                truth,
                str(count),
                ha="center",
                va="center",
                fontsize=9,
                color=GREY if truth == answer else INK,
            )
    axes.set(xticks=range(10), yticks=range(10), xlabel="the model says", ylabel="it is")


def worst_mistakes(model: Any, digits: Mnist, most: int = 12) -> None:
    """The wrong answers of which the model is surest."""
    if model is None:
        print(NOT_YET)
        return
    answers = _answers(model, digits)
    said = answers.argmax(axis=1)
    wrong = np.flatnonzero(said != digits.test_labels)
    worst = wrong[np.argsort(-answers[wrong, said[wrong]])][:most]
    _, axes = plt.subplots(
        2, most // 2, figsize=(1.35 * most // 2, 3.6), facecolor="white", layout="constrained"
    )
    for one in axes.flat:
        one.axis("off")
    for one, number in zip(axes.flat, worst, strict=False):
        one.axis("on")
        sure = answers[number, said[number]]
        truth = digits.test_labels[number]
        image_on(one, digits.test_images[number], f"{said[number]}: {sure:.0%}\nis {truth}")
