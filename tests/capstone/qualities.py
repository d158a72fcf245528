"""Capstone models of known quality, made by training: what the rubric is measured against.

    python tests/capstone/qualities.py --seed 11 --seed 12 --seed 13 --page FILE

makes all of them for every seed, grades them, and writes the table of `docs/capstone_qualities.md`.
Needs TensorFlow, and about six minutes of CPU a seed; what is done already is kept.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

from autograder.capstone import backbone, corruptions, grading, handin, model, solution, weights
from autograder.capstone.exam import Exam
from autograder.capstone.few_labels import Answerer, Task
from autograder.capstone.grading import Graded
from autograder.capstone.model import Model
from autograder.digits import digits

# Digits of the kit that models learn from; the others are the "public test digits".
TRAINING = 4500
# The same of MNIST's: more take long, and change little.
OF_MNIST = 20_000
# What the owners of the models hand in as digits.py, besides the answer key.
HAND_INS = Path(__file__).parent / "hand_ins"
KEY = Path(solution.__file__).with_name("digits.py")

Digits = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
Row = dict[str, Any]


@dataclass(frozen=True)
class Quality:
    """One kind of model.

    make     makes it, given what it may use
    written  what its owner wrote: the answer key's head on the backbone, or a network "from
             scratch", or "baked", which gives back the finished model whatever the labels are
    """

    name: str
    make: Callable[[Workshop], Any]
    written: Path = KEY


class Workshop:
    """Keras, the digits and the shipped backbone that models are made with."""

    def __init__(self, seed: int, given: Digits | None = None) -> None:
        self.keras = quiet_keras()
        self.seed = seed
        training, test = of_the_kit() if given is None else given
        self.images, self.labels = training[0], training[1].astype(np.int64)
        self.test_images, self.test_labels = test[0], test[1].astype(np.int64)

    @property
    def test(self) -> tuple[np.ndarray, np.ndarray]:
        return self.test_images, self.test_labels

    @property
    def training(self) -> tuple[np.ndarray, np.ndarray]:
        return self.images, self.labels

    def fresh(self) -> None:
        self.keras.backend.clear_session()
        self.keras.utils.set_random_seed(self.seed)

    def backbone(self) -> Any:
        shipped = backbone.load()
        shipped.trainable = False
        return shipped

    def augmented(self, images: np.ndarray, copies: int) -> np.ndarray:
        """Copies, spoilt as a student would: moved, turned, scaled, a little noisy."""
        parts = [images]
        for copy in range(copies):
            part = images
            for name in ("shift", "rotation", "scale", "shear", "noise", "contrast", "blur"):
                family = next(f for f in corruptions.FAMILIES if f.name == name)
                rng = np.random.default_rng([self.seed, copy, len(name)])
                spoilt = corruptions.corrupted(family, part, f"{self.seed} {copy}")
                part = np.where(rng.random((len(part), 1, 1)) < 0.35, spoilt, part)
            parts.append(part)
        return np.concatenate(parts)

    def more(self, of_few: int) -> tuple[np.ndarray, np.ndarray]:
        """The training digits and changed copies of them: of many digits fewer are needed."""
        copies = of_few if len(self.images) <= TRAINING else max(1, of_few // 4)
        return self.augmented(self.images, copies), np.tile(self.labels, copies + 1)

    def fit(
        self, model: Any, x: np.ndarray, y: np.ndarray, epochs: int, rate: float, batch: int = 64
    ) -> Any:
        """Adam with a rate that falls to nothing."""
        steps = max(1, epochs * -(-len(x) // batch))
        schedule = self.keras.optimizers.schedules.CosineDecay(rate, steps)
        optimizer = self.keras.optimizers.Adam(schedule)
        model.compile(optimizer, "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)
        return model

    def on_features(
        self,
        head: Callable[[Any], Any],
        images: np.ndarray,
        labels: np.ndarray,
        epochs: int,
        rate: float = 0.003,
    ) -> Any:
        """A head trained on features that are computed once, and put behind the backbone."""
        shipped = self.backbone()
        features = np.asarray(shipped.predict(images[..., None], batch_size=250, verbose=0))
        taken = self.keras.Input(features.shape[1:])
        trained = self.keras.Model(taken, head(taken))
        self.fit(trained, features, labels, epochs, rate)
        inputs = self.keras.Input((28, 28, 1))
        return self.keras.Model(inputs, trained(shipped(inputs, training=False)))

    # --- heads

    def pooled(self, x: Any) -> Any:
        x = self.keras.layers.GlobalAveragePooling2D()(x)
        return self.keras.layers.Dense(10, activation="softmax")(x)

    def mlp(self, x: Any) -> Any:
        x = self.keras.layers.Flatten()(x)
        x = self.keras.layers.Dense(96, activation="relu")(self.keras.layers.Dropout(0.3)(x))
        x = self.keras.layers.Dropout(0.3)(x)
        return self.keras.layers.Dense(10, activation="softmax")(x)


def quiet_keras() -> Any:
    """Keras on one thread, without its words on the screen."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    from autograder.capstone import training

    return training.keras()


# --- the models


def untrained_head(shop: Workshop) -> Any:
    return shop.on_features(shop.pooled, shop.images[:10], shop.labels[:10], 1, rate=0.0)


def linear_on_pixels(shop: Workshop) -> Any:
    kl = shop.keras.layers
    model = shop.keras.Sequential(
        [
            shop.keras.Input((28, 28, 1)),
            kl.Rescaling(1 / 255),
            kl.Flatten(),
            kl.Dense(10, activation="softmax"),
        ]
    )
    return shop.fit(model, shop.images[..., None], shop.labels, 10, 0.002)


def one_epoch(shop: Workshop) -> Any:
    return shop.on_features(shop.pooled, shop.images, shop.labels, 1, rate=0.02)


def pooled_head(shop: Workshop) -> Any:
    return shop.on_features(shop.pooled, shop.images, shop.labels, 20, rate=0.02)


def mlp_head(shop: Workshop) -> Any:
    images, labels = shop.more(6)
    return shop.on_features(shop.mlp, images, labels, 10, rate=0.002)


def fine_tuned(shop: Workshop) -> Any:
    """The head, and the upper stage of the backbone with it, at a small rate."""
    images, labels = shop.more(3)
    model = shop.on_features(shop.mlp, images, labels, 6, rate=0.002)
    lower = model.get_layer("backbone")
    convolutions = [layer for layer in lower.layers if isinstance(layer, shop.keras.layers.Conv2D)]
    lower.trainable = True
    for layer in lower.layers:
        # Batch normalisation stays frozen: with so few digits its statistics would drift.
        layer.trainable = layer is convolutions[-1]
    return shop.fit(model, images[..., None], labels, 3, 0.0005)


def _scratch(shop: Workshop) -> Any:
    kl = shop.keras.layers
    inputs = shop.keras.Input((28, 28, 1))
    x = kl.Rescaling(1 / 255)(inputs)
    for width in (16, 32, 64):
        x = kl.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = kl.MaxPooling2D()(kl.ReLU()(kl.BatchNormalization(momentum=0.9)(x)))
    x = kl.Dropout(0.3)(kl.Flatten()(x))
    return shop.keras.Model(inputs, kl.Dense(10, activation="softmax")(x))


def good_cnn_from_scratch(shop: Workshop) -> Any:
    images, labels = shop.more(6)
    return shop.fit(_scratch(shop), images[..., None], labels, 4, 0.003)


def lenet_from_scratch(shop: Workshop) -> Any:
    kl = shop.keras.layers
    model = shop.keras.Sequential(
        [
            shop.keras.Input((28, 28, 1)),
            kl.Rescaling(1 / 255),
            kl.Conv2D(6, 5, padding="same", activation="relu"),
            kl.MaxPooling2D(),
            kl.Conv2D(16, 5, activation="relu"),
            kl.MaxPooling2D(),
            kl.Flatten(),
            kl.Dense(84, activation="relu"),
            kl.Dense(10, activation="softmax"),
        ]
    )
    images, labels = shop.more(2)
    return shop.fit(model, images[..., None], labels, 6, 0.002)


def preprocessing_outside(shop: Workshop) -> Any:
    """Trained on pixels from 0 to 1 that somebody divided before they came to the model."""
    kl = shop.keras.layers
    model = shop.keras.Sequential(
        [
            shop.keras.Input((28, 28, 1)),
            kl.Conv2D(8, 3, activation="relu"),
            kl.MaxPooling2D(),
            kl.Conv2D(16, 3, activation="relu"),
            kl.MaxPooling2D(),
            kl.Flatten(),
            kl.Dense(10, activation="softmax"),
        ]
    )
    return shop.fit(model, shop.images[..., None] / 255, shop.labels, 6, 0.003)


def on_test_digits(shop: Workshop) -> Any:
    """Blatantly: on the public test digits alone, until they are known by heart."""
    times = 3 if len(shop.test_images) <= TRAINING else 1
    images = np.concatenate([shop.test_images] * times)
    images, labels = shop.augmented(images, 2), np.tile(shop.test_labels, 3 * times)
    return shop.on_features(shop.mlp, images, labels, 12, rate=0.002)


def on_test_digits_too(shop: Workshop) -> Any:
    """Mildly: the public test digits among those for training."""
    images = np.concatenate([shop.images, shop.test_images])
    labels = np.concatenate([shop.labels, shop.test_labels])
    copies = 4 if len(images) <= 2 * TRAINING else 1
    images, labels = shop.augmented(images, copies), np.tile(labels, copies + 1)
    return shop.on_features(shop.mlp, images, labels, 10, rate=0.002)


SCRATCH, BAKED = HAND_INS / "scratch.py", HAND_INS / "baked.py"
QUALITIES = (
    Quality("untrained-head", untrained_head, BAKED),
    Quality("linear-on-pixels", linear_on_pixels, BAKED),
    Quality("one-epoch", one_epoch),
    Quality("pooled-head", pooled_head),
    Quality("mlp-head-augmented", mlp_head),
    Quality("fine-tuned-top-stage", fine_tuned),
    Quality("good-cnn-from-scratch", good_cnn_from_scratch, SCRATCH),
    Quality("lenet-from-scratch", lenet_from_scratch, SCRATCH),
    Quality("preprocessing-outside", preprocessing_outside, BAKED),
    Quality("on-test-digits", on_test_digits, BAKED),
    Quality("on-test-digits-too", on_test_digits_too, BAKED),
)


def of_the_kit() -> Digits:
    """Training and test digits among those that come with the kit."""
    images, labels = digits()
    return (images[:TRAINING], labels[:TRAINING]), (images[TRAINING:], labels[TRAINING:])


def of_mnist(seed: int) -> Digits:
    """Some of MNIST's training digits, drawn by the seed, and all of its test digits."""
    from autograder.capstone import data

    mnist = data.load(complete=True)
    some = np.random.default_rng(seed).choice(len(mnist.train_labels), OF_MNIST, replace=False)
    training = mnist.train_images[some], mnist.train_labels[some]
    return training, (mnist.test_images, mnist.test_labels)


def make(quality: Quality, shop: Workshop, out: Path) -> Path:
    """The hand-in of a model of this quality: digits.keras and digits.py."""
    shop.fresh()
    trained = quality.make(shop)
    # A copy has no optimiser, whose state is of no use any more.
    plain = shop.keras.models.clone_model(trained)
    plain.set_weights(trained.get_weights())
    folder = out / quality.name
    folder.mkdir(parents=True, exist_ok=True)
    plain.save(folder / "digits.keras")
    shutil.copy(quality.written, folder / "digits.py")
    return folder


class Board:
    """Grades models of known quality; what train_head makes of a task is asked for once."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.workers = weights.server()
        self.backbone = model.read(backbone.FILE, self.workers, output=None)
        self.exam = Exam.of(shop.test, f"secret {shop.seed}", shop.training)
        self.answered: dict[tuple[Path, int], np.ndarray] = {}

    def grade(self, quality: Quality, folder: Path) -> Graded:
        read = handin.read(folder)
        finished = model.read(read.model, self.workers)
        answerer = self.answerer(quality, finished)
        return grading.grade(read, self.exam, self.backbone, self.workers, answerer)

    def answerer(self, quality: Quality, finished: Model) -> Answerer:
        """What the quality's digits.py makes of a task, run here: it is our own code."""

        def answers(task: Task) -> np.ndarray:
            if quality.written == BAKED:
                return finished.answers(task.asked)
            key = quality.written, id(task)
            if key not in self.answered:
                self.shop.fresh()
                train_head = module(quality.written).train_head
                made = train_head(self.shop.backbone(), task.images, task.labels)
                answer = made.predict(task.asked[..., None], batch_size=250, verbose=0)
                self.answered[key] = np.asarray(answer)
            return self.answered[key]

        return answers

    def close(self) -> None:
        self.workers.close()


def module(file: Path) -> Any:
    """A hand-in's digits.py, imported."""
    spec = importlib.util.spec_from_file_location(f"hand_in_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def row(quality: Quality, board: Board, graded: Graded, seconds: float) -> Row:
    """What is kept of one model's grade."""
    measured = graded.measured
    assert measured is not None
    return {
        "quality": quality.name,
        "seed": board.shop.seed,
        "digits": len(board.shop.images),
        "score": graded.verdict.score,
        "parts": {part.name: part.score for part in graded.parts},
        "accuracy": measured.right(board.exam) / len(board.exam.images),
        "robustness": mean(measured.shares(board.exam).values()),
        "loss": measured.loss,
        "few": measured.few,
        "ratio": measured.ratio,
        "kept": [measured.transfer.kept, measured.transfer.total],
        "seconds": seconds,
    }


PAGE = """# Models of known quality

What the rubric gives to eleven models of which it is known how good they are, each made anew from
{seeds} seeds that the rubric was not set on. They have the shipped backbone and {digits:,} training
digits; the private test set is made of {test}. The report is left
out, so 95 points are to be had.

    python tests/capstone/qualities.py {options}

{table}

- Points are the least and the most of the seeds; accuracy (of private digits), robustness, loss and
  few labels are means.
- **few** is what `train_head` reaches on ten relabelled digits a class. Models that were finished
  before cannot learn other labels.
- **ratio** is the loss on public test digits over that on training digits: a hint for a person.
  Far below 1, the test digits are known too well. A head that has nearly learnt its training
  digits by heart has a large one, and is honest.
- **on-test-digits** learnt the public test digits and nothing else, **on-test-digits-too** learnt
  them among the training digits. Both lose the accuracy, since their `train_head` learns nothing.

{about}
"""
HEADER = "| model | points | transfer | accuracy | robust | loss | few | ratio |"


def page(rows: list[Row], options: str) -> str:
    """The table as Markdown, with what it belongs to."""
    from autograder.capstone.measure import surroundings

    lines = [HEADER, "|---" * 8 + "|"]
    for quality in QUALITIES:
        mine = [row for row in rows if row["quality"] == quality.name]
        scores = sorted(row["score"] for row in mine)
        parts = {part: mean(row["parts"][part] for row in mine) for part in mine[0]["parts"]}
        few = mean(mean(row["few"]) for row in mine)
        cells = [
            quality.name,
            f"{scores[0]:g} to {scores[-1]:g}",
            f"{parts['transfer']:g}",
            f"{_percent(mean(row['accuracy'] for row in mine))}: {parts['accuracy']:.1f}",
            f"{_percent(mean(row['robustness'] for row in mine))}: {parts['robustness']:.1f}",
            f"{mean(row['loss'] for row in mine):.3f}: {parts['calibration']:.1f}",
            f"{_percent(few)}: {parts['few labels']:.1f}",
            f"{median(row['ratio'] for row in mine):.2g}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    about = surroundings()
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    whole = rows[0]["digits"] == OF_MNIST
    return PAGE.format(
        seeds=len({row["seed"] for row in rows}),
        digits=rows[0]["digits"],
        test="MNIST's 10,000 test digits" if whole else "1,500 other digits of the kit",
        options=options,
        table="\n".join(lines),
        about=f"{about['date']}; {about['machine']}; {versions}.",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def measure(seeds: list[int], mnist: bool, journal: Path) -> list[Row]:
    """A row for each quality and seed; those in the journal are not made again."""
    rows = []
    if journal.is_file():
        rows = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    count = OF_MNIST if mnist else TRAINING
    known = {(row["quality"], row["seed"], row["digits"]) for row in rows}
    journal.parent.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        left = [quality for quality in QUALITIES if (quality.name, seed, count) not in known]
        if not left:
            continue
        board = Board(Workshop(seed, of_mnist(seed) if mnist else None))
        for quality in left:
            start = time.process_time()
            with tempfile.TemporaryDirectory() as folder:
                graded = board.grade(quality, make(quality, board.shop, Path(folder)))
            found = row(quality, board, graded, time.process_time() - start)
            with journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            print(seed, quality.name, found["score"], flush=True)
            rows.append(found)
        board.close()
    return [row for row in rows if row["seed"] in seeds and row["digits"] == count]


def main() -> None:
    parser = argparse.ArgumentParser(description="Capstone models of known quality.")
    parser.add_argument("--seed", type=int, action="append", required=True)
    parser.add_argument("--mnist", action="store_true", help="of MNIST, not of the kit's digits")
    parser.add_argument("--journal", type=Path, default=Path("build/qualities.jsonl"))
    parser.add_argument("--page", type=Path, required=True)
    given = parser.parse_args()
    rows = measure(given.seed, given.mnist, given.journal)
    options = [f"--seed {seed}" for seed in given.seed] + ["--mnist"] * given.mnist
    told = " ".join([*options, f"--page {given.page.as_posix()}"])
    given.page.write_text(page(rows, told), encoding="utf-8")


if __name__ == "__main__":
    main()
