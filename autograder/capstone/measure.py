"""How well each way of training reads digits: the figures and the plot of `docs/capstone.md`.

Every run is written down when it is done, so that a measurement goes on where it was interrupted.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from autograder.capstone import backbone, training
from autograder.capstone.augment import warp
from autograder.capstone.data import Mnist, few

SEEDS = (0, 1, 2)
FEW = (10, 100)  # labels of each class
RATES = (1e-3, 3e-3, 1e-2)  # tried for training from scratch, with the first seed
STEPS, BATCH = 1000, 32  # of training from scratch on few labels
HELD = 1000  # training digits that choose the learning rate

WAYS = {
    "scratch": "from scratch",
    "scratch augmented": "from scratch, augmented",
    "frozen": "frozen backbone and a head",
    "fine-tuned": "head, then fine-tuned",
}
Row = dict[str, Any]


def measure(mnist: Mnist, journal: Path, tell: training.Tell = training.silent) -> list[Row]:
    """All runs; those that are in the journal are not made again."""
    rows = _read(journal)
    known = {_name(row) for row in rows}
    wanted = list(_runs(mnist, rows))
    for number, (name, run) in enumerate(wanted):
        if json.dumps(name) in known:
            continue
        tell(number, len(wanted), " ".join(str(part) for part in name))
        training.keras().utils.set_random_seed(name[2])
        start = time.process_time()
        found = run()
        row = dict(zip(("way", "each", "seed"), name, strict=True), **found)
        row.setdefault("seconds", time.process_time() - start)
        rows.append(row)
        journal.parent.mkdir(parents=True, exist_ok=True)
        with journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    return rows


def _read(journal: Path) -> list[Row]:
    if not journal.is_file():
        return []
    return [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]


def _name(row: Row) -> str:
    return json.dumps((row["way"], row["each"], row["seed"]))


def _runs(
    mnist: Mnist, rows: list[Row]
) -> Iterator[tuple[tuple[str, int | str, int], Callable[[], Row]]]:
    """The name of every run, and the run; `rows` are those made so far."""
    for seed in SEEDS:
        for each in FEW:
            chosen = few(mnist.train_labels, each, np.random.default_rng(seed))
            images, labels = mnist.train_images[chosen], mnist.train_labels[chosen]
            yield ("frozen", each, seed), partial(_frozen, mnist, images, labels)
            for way in ("scratch", "scratch augmented"):
                run = partial(_scratch, mnist, images, labels, (way, each, seed), rows)
                yield (way, each, seed), run
    for seed in SEEDS:
        yield ("fine-tuned", "all", seed), partial(_whole, mnist, seed)


def _frozen(mnist: Mnist, images: np.ndarray, labels: np.ndarray) -> Row:
    from autograder.capstone.solution import digits

    shipped = backbone.load()
    start = time.process_time()
    model = digits.train_head(shipped, images, labels)
    return {"seconds": time.process_time() - start, "accuracy": accuracy(model, mnist)}


def _whole(mnist: Mnist, seed: int) -> Row:
    """All of MNIST: the head, then fine-tuning; seconds are of both."""
    digits = mnist.train_images, mnist.train_labels
    shipped = backbone.load()
    start = time.process_time()
    model = training.head_on(shipped, *digits, replace(training.HEAD, seed=seed))
    seconds = time.process_time() - start
    frozen = accuracy(model, mnist)
    start = time.process_time()
    training.fine_tune(model, *digits, replace(training.TUNED, seed=seed))
    return {
        "seconds": seconds + time.process_time() - start,
        "accuracy": accuracy(model, mnist),
        "head": {"seconds": seconds, "accuracy": frozen},
    }


def _scratch(
    mnist: Mnist,
    images: np.ndarray,
    labels: np.ndarray,
    name: tuple[str, int, int],
    rows: list[Row],
) -> Row:
    """The whole network untrained, with the learning rate that reads most of the digits held back.

    The 1,000 digits held back are labels that the other ways do not have: this favours scratch.
    The first seed chooses the rate, the others take it.
    """
    way, each, seed = name
    augmented = way == "scratch augmented"
    chosen = [row["rate"] for row in rows if (row["way"], row["each"]) == (way, each)]
    held = few(mnist.train_labels, HELD // 10, np.random.default_rng(1000))
    judges = mnist.train_images[held][..., None], mnist.train_labels[held]
    # An epoch is many passes over few digits: beginning one costs more than a pass.
    epochs = 10
    size = STEPS * BATCH // epochs

    def data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        passes = -(-size // len(images))
        order = np.concatenate([rng.permutation(len(images)) for _ in range(passes)])[:size]
        seen = warp(images[order], rng) if augmented else images[order]
        return seen[..., None], labels[order]

    best: tuple[float, float, float, Any] | None = None
    for rate in chosen[:1] or RATES:
        model = untrained()
        start = time.process_time()
        training.learn(model, data, training.Plan(epochs, BATCH, rate, seed))
        seconds = time.process_time() - start
        read = model.predict(judges[0], batch_size=256, verbose=0).argmax(axis=1) == judges[1]
        if best is None or read.mean() > best[0]:
            best = float(read.mean()), rate, seconds, model
    assert best is not None
    return {"accuracy": accuracy(best[3], mnist), "rate": best[1], "seconds": best[2]}


def untrained() -> Any:
    """The backbone's network with a linear head, before any training."""
    k = training.keras()
    given, features = training.network()
    flat = k.layers.Dropout(0.5)(k.layers.Flatten()(features))
    return k.Model(given, k.layers.Dense(10, activation="softmax")(flat))


def accuracy(model: Any, mnist: Mnist) -> float:
    """The share of the test digits that are read rightly."""
    answers = model.predict(mnist.test_images[..., None], batch_size=256, verbose=0)
    return float((answers.argmax(axis=1) == mnist.test_labels).mean())


def table(rows: list[Row]) -> list[Row]:
    """Mean, spread and CPU seconds of every way at every number of labels."""
    flat = [*rows]
    for row in rows:
        if "head" in row:
            flat.append({**row, **row["head"], "way": "frozen"})
    found = []
    for each in (*FEW, "all"):
        for way in WAYS:
            group = [row for row in flat if row["way"] == way and row["each"] == each]
            if group:
                reached = [row["accuracy"] for row in group]
                found.append(
                    {
                        "way": way,
                        "each": each,
                        "runs": len(group),
                        "accuracy": mean(reached),
                        "deviation": stdev(reached) if len(reached) > 1 else 0.0,
                        "seconds": mean(row["seconds"] for row in group),
                        "rates": sorted({row["rate"] for row in group if "rate" in row}),
                    }
                )
    return found


def surroundings() -> Row:
    """The date, the machine and the versions that the figures belong to."""
    versions = {"python": platform.python_version()}
    for package in ("tensorflow", "tensorflow-cpu", "keras", "numpy"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    machine = f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores"
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine,
        "versions": versions,
    }


PAGE = """# The capstone in figures

How many of MNIST's 10,000 test digits are read rightly, in percent: mean and standard deviation of
{runs} seeds, which also choose the labelled digits (no deviation: one seed); in brackets the CPU
seconds of training.

    autograder capstone measure --page docs/capstone.md

{table}

![Accuracy against labels of each class](capstone.svg)

- **From scratch** is the backbone's own network with a linear head, untrained, in {steps} steps of
  {batch} digits. Of the learning rates {rates} the first seed chooses the one with
  which most of 1,000 further training digits are read: labels that the other ways do not have.
- **Augmented** turns, moves, shears and scales every digit anew in every pass. The answer key's
  head sees such changes too where it has few digits, so this is the column to compare with.
- **Fine-tuned** trains the backbone's last stage on after the head; its seconds are those of both.

What transfer saves is labels, and computing: with many labels the ways come close to one another.

The rubric against [models of known quality](capstone_qualities.md); a trained model
[without Keras](capstone_predict.md), and by one's own layers.

{date}; {machine}; {versions}.
"""


def page(rows: list[Row], about: Row) -> str:
    """The table as Markdown, with what it belongs to."""
    cells = {(row["each"], row["way"]): row for row in table(rows)}
    lines = [f"| labels of each class | {' | '.join(WAYS.values())} |"]
    lines.append("|---|" + "---|" * len(WAYS))
    for each in (*FEW, "all"):
        texts = [_cell(cells.get((each, way))) for way in WAYS]
        lines.append(f"| {each} | {' | '.join(texts)} |")
    return PAGE.format(
        runs=len(SEEDS),
        table="\n".join(lines),
        steps=f"{STEPS:,}",
        batch=BATCH,
        rates=", ".join(f"{rate:g}" for rate in RATES),
        date=about["date"],
        machine=about["machine"],
        versions=", ".join(f"{name} {number}" for name, number in about["versions"].items()),
    )


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    spread = f" ± {100 * row['deviation']:.1f}" if row["runs"] > 1 else ""
    return f"{100 * row['accuracy']:.1f}{spread} ({row['seconds']:.0f} s)"


def plot(rows: list[Row], file: Path) -> None:
    """Accuracy against labels, a line for each way, with the spread of the seeds."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), facecolor="white", layout="constrained")
    shades = ("#767676", "#E69F00", "#0072B2", "#009E73")  # told apart with any colour vision
    at = {each: number for number, each in enumerate((*FEW, "all"))}
    for way, shade in zip(WAYS, shades, strict=True):
        group = [row for row in table(rows) if row["way"] == way]
        axes.errorbar(
            [at[row["each"]] for row in group],
            [100 * row["accuracy"] for row in group],
            [100 * row["deviation"] for row in group],
            marker="o",
            capsize=4,
            color=shade,
            label=WAYS[way],
        )
    axes.set(xticks=list(at.values()), xticklabels=[str(each) for each in at])
    axes.set(xlabel="labels of each class", ylabel="test digits read rightly, %")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(file)
    plt.close(figure)
