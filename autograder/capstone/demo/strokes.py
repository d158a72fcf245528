"""Strokes of a pen as an image like MNIST's: fitted into 20 x 20 pixels, centred by their mass.

They are fitted as lines and drawn once, with a pen as wide as MNIST's: how large or where somebody
draws makes no difference, and no image is scaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

SIDE = 28
BOX = 20
PEN = 2.2  # pixels: with it, drawn digits have as much ink as MNIST's
AREA = 1000  # coordinates of the drawing area run from 0 to this, x to the right and y down
# A small drawing is enlarged, but a dot stays a dot.
LARGEST = 4 * SIDE / AREA
APART = 0.3  # pixels between points that are told apart
MAX_POINTS = 4000
TOGETHER = 250  # segments at once

Stroke = Sequence[tuple[float, float]]


class BadStrokes(ValueError):
    """What came is no drawing; the text says why."""


def read(strokes: Any) -> list[np.ndarray]:
    """Strokes as arrays of points (N, 2), from whatever JSON brought."""
    if not isinstance(strokes, list) or not all(isinstance(s, list) and s for s in strokes):
        raise BadStrokes("strokes must be lists of points")
    if sum(map(len, strokes)) > MAX_POINTS:
        raise BadStrokes(f"a drawing has at most {MAX_POINTS} points; clear it")
    for point in (point for stroke in strokes for point in stroke):
        if (
            not isinstance(point, list)
            or len(point) != 2
            or not all(type(v) in (int, float) and 0 <= v <= AREA for v in point)
        ):
            raise BadStrokes(f"a point must be two numbers from 0 to {AREA}")
    return [np.array(stroke, np.float64) for stroke in strokes]


def image(strokes: Sequence[np.ndarray]) -> np.ndarray:
    """The digit (28, 28) uint8, ink 255 on paper 0."""
    if not strokes:
        return np.zeros((SIDE, SIDE), np.uint8)
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = min((BOX - PEN) / max((high - low).max(), 1e-9), LARGEST)
    middle = (low + high) / 2
    # Pixel i covers i to i + 1, so the image's middle is at 14.
    fitted = [_thinned((stroke - middle) * scale + SIDE / 2) for stroke in strokes]
    begins = np.concatenate([s[:-1] if len(s) > 1 else s for s in fitted])
    ends = np.concatenate([s[1:] if len(s) > 1 else s for s in fitted])
    drawn = _ink(begins, ends)
    # The middle of the mass comes to the middle of the image, as far as nothing is lost.
    room = (SIDE - (high - low) * scale - PEN) / 2
    move = np.clip(SIDE / 2 - _middle(drawn), -room, room)
    return np.asarray(np.rint(255 * _ink(begins + move, ends + move)), np.uint8)


def _thinned(stroke: np.ndarray) -> np.ndarray:
    """Without points that lie close to the one before; the last one stays."""
    kept = [stroke[0]]
    for point in stroke[1:-1]:
        if np.abs(point - kept[-1]).max() >= APART:
            kept.append(point)
    if len(stroke) > 1:
        kept.append(stroke[-1])
    return np.array(kept)


def _ink(begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Ink from 0 to 1 of the segments, with soft edges one pixel wide."""
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5).reshape(2, -1, 1).astype(np.float32)
    nearest = np.full(SIDE * SIDE, np.inf, np.float32)
    segments = np.hstack([begins, ends - begins]).astype(np.float32)
    for start in range(0, len(segments), TOGETHER):
        left, top, across, down = segments[start : start + TOGETHER].T
        # Of each segment the place nearest to a pixel: its share of the way, within the segment.
        right, below = x - left, y - top
        length = np.maximum(across**2 + down**2, np.float32(1e-12))
        share = np.clip((right * across + below * down) / length, 0, 1)
        gap = (right - share * across) ** 2 + (below - share * down) ** 2
        nearest = np.minimum(nearest, gap.min(axis=1))
    ink: np.ndarray = np.clip(PEN / 2 + 0.5 - np.sqrt(nearest), 0, 1)
    return np.asarray(ink.reshape(SIDE, SIDE))


def _middle(ink: np.ndarray) -> np.ndarray:
    """(x, y) of the centre of mass."""
    total = ink.sum()
    at = np.arange(SIDE) + 0.5
    return np.asarray(np.array([ink.sum(axis=0) @ at, ink.sum(axis=1) @ at]) / total)
