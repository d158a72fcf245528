"""One part of the measurement, in a fresh process: its threads are set before anything is loaded.

`python -m autograder.performance.child PART SETTINGS` prints a line of JSON for every row.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from autograder.performance import ways
from autograder.performance.ways import Way

Row = dict[str, Any]


def timings(threads: int, runs: int, quick: bool) -> Iterator[Row]:
    from autograder.performance import layers, measure

    everyone = [way(name, threads) for name in WAYS]
    chosen = layers.layers(quick)
    yield {"rows": len(chosen) * len(layers.DTYPES) * len(layers.PASSES)}
    span = measure.QUICK_SPAN if quick else measure.SPAN
    yield from measure.rows(chosen, everyone, runs, span, threads)


def memory(name: str, quick: bool) -> Iterator[Row]:
    from dataclasses import replace

    from autograder.performance import layers
    from autograder.performance import memory as measured

    yield {"rows": 1}
    yield measured.growth(way(name, 1), replace(layers.MEMORY, n=2) if quick else layers.MEMORY)


def lenet(epochs: int, seeds: int, digits: int | None) -> Iterator[Row]:
    """With `digits`, that many of the training digits."""
    from dataclasses import replace

    import reference
    from autograder.capstone.data import at_hand
    from autograder.performance import lenet as training

    trainers: list[type[Any]] = [training.Core, training.Torch, training.Keras]
    reference.set_threads(1)
    way(ways.TORCH, 1), way(ways.TENSORFLOW, 1)
    mnist = at_hand()
    images, labels = mnist.train_images[:digits], mnist.train_labels[:digits]
    mnist = replace(mnist, train_images=images, train_labels=labels)
    yield {"rows": epochs * seeds * len(trainers)}
    for seed in range(seeds):
        for row in training.train(mnist, trainers, epochs, seed):
            yield {**row, "digits": len(images), "test": len(mnist.test_images)}


def way(name: str, threads: int) -> Way:
    """A way by its name; the libraries are loaded here, and told how many threads to use."""
    match name:
        case ways.CORE:
            return ways.core()
        case ways.PURE:
            return ways.pure()
        case ways.TORCH:
            import torch

            from autograder.performance.with_torch import Torch

            torch.set_num_threads(threads)
            torch.set_num_interop_threads(1)
            return Torch()
        case ways.TENSORFLOW:
            import tensorflow as tf

            from autograder.performance.with_tensorflow import TensorFlow

            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
            return TensorFlow()
    return ways.NumPy(name)


WAYS = (ways.CORE, ways.TORCH, ways.TENSORFLOW, ways.WINDOWS, ways.COLUMNS, ways.PURE)
PARTS: dict[str, Callable[..., Iterator[Row]]] = {
    "timings": timings,
    "memory": memory,
    "lenet": lenet,
}


def main() -> None:
    part, settings = sys.argv[1:]
    for row in PARTS[part](**json.loads(settings)):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
