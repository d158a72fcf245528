"""The private test set: digits made anew by small elastic and affine changes, from a secret seed.

Nobody has seen these images, so a model that learnt the public test digits by heart gains little.
The changes are small: a person reads every digit as before. Elastic ones as in Simard, Steinkraus
and Platt 2003, Best practices for convolutional neural networks.
"""

from __future__ import annotations

import hashlib

import numpy as np
from scipy import ndimage

SIDE = 28
# The largest change of each kind; every digit draws its own. Twice as much costs good models one or
# two of a hundred digits more, and says nothing else of them.
ROTATION = 3.0  # degrees
SCALE = 0.03
SHEAR = 0.03
SHIFT = 0.5  # pixels
ELASTIC = 0.3  # pixels, the typical length of the displacement
SMOOTH = 4.0  # pixels over which displacements are alike


def generator(seed: str, purpose: str) -> np.random.Generator:
    """Random numbers that follow from the seed's text, apart for each purpose."""
    digest = hashlib.sha256(f"{purpose}\0{seed}".encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))


def resampled(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Each image (N, H, W) read at these places (N, H, W), linearly; paper lies around it."""
    count, height, width = images.shape
    margin = 2
    padded = np.pad(images.astype(np.float32), ((0, 0), (margin, margin), (margin, margin)))
    # Beyond the margin everything is paper, so places further out are drawn in.
    rows = np.clip(rows + margin, 0, height + 2 * margin - 1.001)
    columns = np.clip(columns + margin, 0, width + 2 * margin - 1.001)
    top, left = rows.astype(np.intp), columns.astype(np.intp)
    down, right = (rows - top).astype(np.float32), (columns - left).astype(np.float32)
    index = np.arange(count)[:, None, None]
    above = padded[index, top, left] * (1 - right) + padded[index, top, left + 1] * right
    below = padded[index, top + 1, left] * (1 - right) + padded[index, top + 1, left + 1] * right
    result: np.ndarray = above * (1 - down) + below * down
    return result


def grid(count: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of all pixels of `count` images, from the middle of the image."""
    rows, columns = np.meshgrid(
        np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij"
    )
    shape = (count, height, width)
    return np.broadcast_to(rows, shape), np.broadcast_to(columns, shape)


def affine(images: np.ndarray, matrices: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Each image under a matrix (N, 2, 2) of rows and columns about its middle, and a shift."""
    count, height, width = images.shape
    rows, columns = grid(count, height, width)
    inverse = np.linalg.inv(matrices)[:, :, :, None, None]
    rows, columns = rows - shifts[:, 0, None, None], columns - shifts[:, 1, None, None]
    there_rows = inverse[:, 0, 0] * rows + inverse[:, 0, 1] * columns
    there_columns = inverse[:, 1, 0] * rows + inverse[:, 1, 1] * columns
    middle = (height - 1) / 2, (width - 1) / 2
    return resampled(images, there_rows + middle[0], there_columns + middle[1])


def elastic(
    images: np.ndarray, rng: np.random.Generator, length: float, smooth: float
) -> np.ndarray:
    """Each image with its pixels moved by a smooth random field of this typical length."""
    fields = rng.normal(size=(2, *images.shape))
    fields = ndimage.gaussian_filter(fields, (0, 0, smooth, smooth), mode="constant")
    fields *= length / np.sqrt((fields**2).mean(axis=(2, 3), keepdims=True) + 1e-12)
    count, height, width = images.shape
    rows, columns = grid(count, height, width)
    middle = (height - 1) / 2, (width - 1) / 2
    return resampled(images, rows + middle[0] + fields[0], columns + middle[1] + fields[1])


def private_set(images: np.ndarray, labels: np.ndarray, seed: str) -> tuple[np.ndarray, np.ndarray]:
    """Given digits (N, 28, 28) uint8 and their labels, made anew and in a new order."""
    rng = generator(seed, "test set")
    count = len(images)
    order = rng.permutation(count)
    angle = np.radians(rng.uniform(-ROTATION, ROTATION, count))
    scale = 1 + rng.uniform(-SCALE, SCALE, (count, 2))
    shear = rng.uniform(-SHEAR, SHEAR, count)
    shifts = rng.uniform(-SHIFT, SHIFT, (count, 2))
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1)
    slant = np.stack([np.ones(count), np.zeros(count), shear, np.ones(count)], axis=1)
    stretch = np.zeros((count, 2, 2))
    stretch[:, [0, 1], [0, 1]] = scale
    matrices = turn.reshape(-1, 2, 2) @ slant.reshape(-1, 2, 2) @ stretch
    made = []
    # A part at a time: the fields of 10,000 digits would fill 250 MB.
    for start in range(0, count, 1000):
        part = order[start : start + 1000]
        changed = affine(images[part], matrices[part], shifts[part])
        made.append(as_pixels(elastic(changed, rng, ELASTIC, SMOOTH)))
    pictures = np.concatenate(made) if made else np.zeros((0, SIDE, SIDE), np.uint8)
    return pictures, labels[order]


def as_pixels(images: np.ndarray) -> np.ndarray:
    """Rounded to whole numbers from 0 to 255."""
    result: np.ndarray = np.clip(np.rint(images), 0, 255).astype(np.uint8)
    return result
