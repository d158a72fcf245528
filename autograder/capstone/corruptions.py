"""What happens to digits on their way: families of corruptions, drawn from a seed.

Each takes images (N, 28, 28) uint8 with white ink on black paper, and gives as many. The strengths
are such that a person still reads nearly all digits. Families that the backbone's own training did
not use say so: what is asked there was not learnt beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from autograder.capstone.secret import affine, as_pixels, elastic, generator, grid, resampled

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Family:
    """One kind of corruption.

    says   what it does to a digit, in a few words
    known  whether the backbone's training used such images
    """

    name: str
    says: str
    known: bool
    change: Change


def _still(count: int) -> np.ndarray:
    return np.zeros((count, 2))


def _matrices(count: int) -> np.ndarray:
    return np.tile(np.eye(2), (count, 1, 1))


def _shift(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    count = len(images)
    return affine(images, _matrices(count), rng.uniform(-3, 3, (count, 2)))


def _signs(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.choice(np.array([-1.0, 1.0]), count)


def _rotation(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    count = len(images)
    angle = np.radians(rng.uniform(10, 25, count)) * _signs(rng, count)
    matrices = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1)
    return affine(images, matrices.reshape(-1, 2, 2), _still(count))


def _scale(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    count = len(images)
    factors = np.where(rng.random(count) < 0.5, rng.uniform(0.7, 0.85, count),
                       rng.uniform(1.1, 1.25, count))  # fmt: skip
    return affine(images, _matrices(count) * factors[:, None, None], _still(count))


def _shear(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    count = len(images)
    matrices = _matrices(count)
    matrices[:, 1, 0] = rng.uniform(0.15, 0.35, count) * _signs(rng, count)
    return affine(images, matrices, _still(count))


def _noise(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    deviation = rng.uniform(20, 50, (len(images), 1, 1))
    noisy: np.ndarray = images + rng.normal(size=images.shape) * deviation
    return noisy


def _impulse(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    share = rng.uniform(0.02, 0.08, (len(images), 1, 1))
    chance = rng.random(images.shape)
    return np.where(chance < share, np.where(chance < share / 2, 0, 255), images)


def _blur(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    widths = rng.uniform(0.7, 1.4, len(images))
    return np.stack(
        [
            ndimage.gaussian_filter(image.astype(np.float32), width)
            for image, width in zip(images, widths, strict=True)
        ]
    )


def _contrast(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    factor = rng.uniform(0.25, 0.6, (len(images), 1, 1))
    paper = rng.uniform(0, 60, (len(images), 1, 1))
    faint: np.ndarray = images * factor + paper
    return faint


def _thin(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The least of each pixel and its neighbours, by halves: a whole step would break strokes."""
    least = ndimage.grey_erosion(images, (1, 2, 2)).astype(np.float32)
    share = rng.uniform(0.5, 0.9, (len(images), 1, 1))
    thin: np.ndarray = images * (1 - share) + least * share
    return thin


def _thick(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    most = ndimage.grey_dilation(images, (1, 3, 3)).astype(np.float32)
    share = rng.uniform(0.5, 1, (len(images), 1, 1))
    thick: np.ndarray = images * (1 - share) + most * share
    return thick


def _elastic(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return elastic(images, rng, 1.2, 3.0)


def _wave(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows pushed to and fro, as by a hand that shakes."""
    count, height, width = images.shape
    rows, columns = grid(count, height, width)
    phase = rng.uniform(0, 2 * np.pi, (count, 1, 1))
    length = rng.uniform(8, 14, (count, 1, 1))
    columns = columns + rng.uniform(0.8, 1.5, (count, 1, 1)) * np.sin(
        2 * np.pi * rows / length + phase
    )
    return resampled(images, rows + (height - 1) / 2, columns + (width - 1) / 2)


def _shade(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Paper that is grey to one side."""
    count, height, width = images.shape
    rows, columns = grid(count, height, width)
    angle = rng.uniform(0, 2 * np.pi, (count, 1, 1))
    slope = (rows * np.cos(angle) + columns * np.sin(angle)) / height + 0.5
    strength = rng.uniform(40, 100, (count, 1, 1))
    result: np.ndarray = np.maximum(images, np.clip(slope, 0, 1) * strength)
    return result


def _line(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A stroke of ruled paper or of a pen across the image, one pixel wide."""
    count, height, width = images.shape
    rows, columns = grid(count, height, width)
    angle = rng.uniform(0, np.pi, (count, 1, 1))
    offset = rng.uniform(-9, 9, (count, 1, 1))
    distance = np.abs(rows * np.cos(angle) + columns * np.sin(angle) - offset)
    ink = rng.uniform(100, 180, (count, 1, 1))
    result: np.ndarray = np.maximum(images, np.clip(1.1 - distance, 0, 1) * ink)
    return result


FAMILIES = (
    Family("shift", "moved by up to 3 pixels", True, _shift),
    Family("rotation", "turned by 10 to 25 degrees", True, _rotation),
    Family("scale", "smaller or larger by up to a quarter", True, _scale),
    Family("shear", "slanted", True, _shear),
    Family("noise", "with a little noise in every pixel", True, _noise),
    Family("impulse", "with black and white dots", True, _impulse),
    Family("blur", "out of focus", True, _blur),
    Family("contrast", "faint, on grey paper", True, _contrast),
    Family("thin", "in thin strokes", False, _thin),
    Family("thick", "in thick strokes", False, _thick),
    Family("elastic", "written unsteadily", False, _elastic),
    Family("wave", "with a wave in every line", False, _wave),
    Family("shade", "on paper that is grey to one side", False, _shade),
    Family("line", "crossed by a line", False, _line),
)


def corrupted(family: Family, images: np.ndarray, seed: str) -> np.ndarray:
    """The images as this family and seed spoil them: uint8, the same for the same seed."""
    if not len(images):
        return images.copy()
    return as_pixels(family.change(images, generator(seed, f"corruption {family.name}")))
