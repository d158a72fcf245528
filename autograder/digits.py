"""Real digits that come with the kit: 6,000 of MNIST's training images, 600 of each class.

Y. LeCun, C. Cortes and C. Burges, the MNIST database of handwritten digits; licence CC BY-SA 3.0,
see `data/README.md`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "data" / "digits.npz"


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images (6000, 28, 28) uint8, ink 255 on paper 0, and labels (6000,) uint8."""
    with np.load(FILE, allow_pickle=False) as data:
        return data["images"], data["labels"]


def small_digits(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Digits start:stop at half the resolution: images (N, 1, 14, 14) in 0..1, labels (N,)."""
    images, labels = digits()
    halves = images[start:stop].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)) / 255
    return halves[:, None], labels[start:stop].astype(np.int64)
