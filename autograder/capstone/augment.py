"""Changed copies of small images, for training: turned, moved and sheared, or with noise on them.

Images are (N, 28, 28), ink 255 on paper 0, and stay so; every function draws from the generator
that it is given, and changes no argument.
"""

from __future__ import annotations

import numpy as np

ROTATION = 10.0  # degrees, and so on: the largest change to either side
SCALE = 0.1
SHIFT = 2.0  # pixels
SHEAR = 0.1
CHUNK = 2048  # so many images at once: the coordinates of all would need gigabytes


def warp(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each image by an affine map of its own; what comes in from outside is paper."""
    drawn = rng.uniform(-1, 1, (len(images), 6)).astype(np.float32)
    out = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        out[part] = _warp(images[part], drawn[part])
    return out


def _warp(images: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    count, height, width = images.shape
    angle = drawn[:, 0] * np.float32(np.radians(ROTATION))
    cos, sin, shear = np.cos(angle), np.sin(angle), drawn[:, 5] * SHEAR
    rows, columns = 1 / (1 + drawn[:, 1] * SCALE), 1 / (1 + drawn[:, 2] * SCALE)
    # Where each output pixel comes from: out of the middle, then shear, turn, scale, move.
    i, j = np.mgrid[:height, :width].astype(np.float32)
    i, j = i - (height - 1) / 2, j - (width - 1) / 2
    across = j + shear[:, None, None] * i
    y = (cos[:, None, None] * i - sin[:, None, None] * across) * rows[:, None, None]
    x = (sin[:, None, None] * i + cos[:, None, None] * across) * columns[:, None, None]
    y += (height - 1) / 2 + (drawn[:, 3] * SHIFT)[:, None, None]
    x += (width - 1) / 2 + (drawn[:, 4] * SHIFT)[:, None, None]
    # Bilinear, on images with a border of two so that all four neighbours are there.
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2))).astype(np.float32).ravel()
    y, x = np.clip(y, -1.5, height + 0.5) + 2, np.clip(x, -1.5, width + 0.5) + 2
    top, left = y.astype(np.int32), x.astype(np.int32)
    y, x = y - top, x - left
    stride = width + 4
    at = np.arange(count, dtype=np.int32)[:, None, None] * ((height + 4) * stride)
    at = at + top * stride + left
    upper = padded[at] * (1 - x) + padded[at + 1] * x
    lower = padded[at + stride] * (1 - x) + padded[at + stride + 1] * x
    return np.asarray(np.rint(upper * (1 - y) + lower * y), np.uint8)


def corrupt(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half of the images each with one fault: blur, low contrast, noise, impulses, a hole."""
    out = images.astype(np.float32)
    fault = rng.integers(0, 10, len(images))
    out[fault == 0] = _blurred(out[fault == 0], rng)
    out[fault == 1] = _paler(out[fault == 1], rng)
    out[fault == 2] = _noisy(out[fault == 2], rng)
    out[fault == 3] = _impulses(out[fault == 3], rng)
    out[fault == 4] = _holes(out[fault == 4], rng)
    return np.rint(np.clip(out, 0, 255)).astype(np.uint8)


def _blurred(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = rng.uniform(0.1, 0.33, (len(images), 1, 1)).astype(np.float32)
    for axis in (1, 2):
        around = np.roll(images, 1, axis) + np.roll(images, -1, axis)
        images = (1 - 2 * side) * images + side * around
    return images


def _paler(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    ink = rng.uniform(0.3, 1.0, (len(images), 1, 1)).astype(np.float32)
    paper = rng.uniform(0, 80, (len(images), 1, 1)).astype(np.float32)
    return np.asarray(paper + images * ink * (255 - paper) / 255)


def _noisy(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    strength = rng.uniform(5, 50, (len(images), 1, 1))
    return np.asarray(images + strength * rng.standard_normal(images.shape))


def _impulses(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    hit = rng.random(images.shape) < rng.uniform(0, 0.12, (len(images), 1, 1))
    return np.where(hit, 255 * (rng.random(images.shape) < 0.5), images)


def _holes(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = rng.integers(3, 9, (len(images), 1, 1))
    top, left = rng.integers(2, 20, (2, len(images), 1, 1))
    i, j = np.ogrid[: images.shape[1], : images.shape[2]]
    inside = (i >= top) & (i < top + side) & (j >= left) & (j < left + side)
    return np.where(inside, 0, images)
