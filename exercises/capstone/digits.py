"""Capstone: a digit classifier by transfer learning.

A network that has learnt to tell **letters** apart has never seen a digit. But strokes, corners and
arcs are the same, and its convolutions find them. You keep these layers as they are, the
**backbone**, and train only a small **head** behind them. With ten digits of each class that reads
more digits rightly than the whole network trained on the same digits from scratch.
"""

from pathlib import Path

import keras
import numpy as np

HERE = Path(__file__).parent


def build_head(shape: tuple[int, ...]) -> keras.Model:
    """A model that makes ten probabilities of the backbone's features.

    `shape` is the shape of one image's features, (7, 7, 64). The last layer is a softmax over the
    classes 0 to 9. With few digits a small head does better than a large one, and dropout helps.

    Leave batch normalisation out of the head: its running statistics begin at mean 0 and variance
    1 and follow slowly, so after the few steps of a small training set they are still wrong, and
    the model that was good while it was trained is bad when it is used.
    """
    raise NotImplementedError


def train_head(backbone: keras.Model, images: np.ndarray, labels: np.ndarray) -> keras.Model:
    """The frozen backbone with a head of yours, trained on these digits.

    `images` are (N, 28, 28) uint8 with ink 255 on paper 0, as they are: the backbone does the
    scaling. `labels` are (N,) uint8. The model that you give back takes images (N, 28, 28, 1) and
    gives probabilities (N, 10).

    - Freeze the backbone: `backbone.trainable = False`.
    - It stays as it is, so each image's features stay as they are: compute them once with
      `backbone.predict`, and train the head on them. Images need a last axis for this.
    - Then join both: `head(backbone(image, training=False))`.

    The grader calls this function with ten digits of each class, and with other labels: what is
    learnt here must come from the images and labels that are given. Use Keras and NumPy alone.
    """
    raise NotImplementedError


def train() -> keras.Model:
    """Train on all of MNIST, and save `digits.keras` beside this file.

    Import `autograder` inside this function: the grader, which calls `train_head` alone, does so
    where there is none.

    - `autograder.capstone.data.load()` gives the digits, `autograder.capstone.backbone.load()` the
      backbone.
    - Train a head with `train_head`.
    - Then **fine-tune**: make the backbone's last stage trainable (its layers' names begin with
      "stage3"; leave their batch normalisation frozen), compile again with a small learning rate,
      and train the whole model for a few epochs. Turn and move the images a little in each.
    - Save the model: `model.save(HERE / "digits.keras")`.

    Only training digits may be learnt from. The test digits tell how good the model is, once.
    """
    raise NotImplementedError


if __name__ == "__main__":
    train()
